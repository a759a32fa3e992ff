//! Who signed a request. Source: service.md §1.2.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::request::Parts;
use longshore_bundles::{Caller, KeyError, KeySource, Principal, StoredKeys, TokenError};
use longshore_model::enrollment::EnrollmentToken;
use longshore_model::id::EnrollmentTokenId;
use longshore_store::{Store, StoreError};
use longshore_wire::error::ApiError;
use longshore_wire::host_command;
use longshore_wire::sigv4::{Claim, SignatureError, payload_sha256_hex};

use crate::app::App;
use crate::listen::Connection;

/// The most keys that are remembered: more than a large fleet has hosts.
const MAX_KNOWN: usize = 50_000;
/// How late, for hosts, changes count that another server on the same store made: a fleet's calls are not worth
/// a look each. For callers they count at once, as those made through this server do for all.
const LATE_FOR_HOSTS: Duration = Duration::from_secs(5);
/// How long a key is remembered if others write: one that was killed may have made a change, and not told.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The holder of the key that signed this very request for `service`, a short time ago.
///
/// # Errors
/// The exceptions of service.md §1.2.
pub(crate) async fn authenticate(
    app: &App,
    connection: &Connection,
    parts: &Parts,
    body: &[u8],
    service: &str,
) -> Result<Caller, ApiError> {
    let claim = Claim::from_request(&parts.uri, &parts.headers)?;
    claim.check_scope(&[app.region.as_str()], service)?;
    let may_be_late = if is_of_hosts(service) { LATE_FOR_HOSTS } else { Duration::ZERO };
    let key = app.keys.key(&claim.access_key_id, may_be_late).await.map_err(ApiError::internal)?;
    let key = key.ok_or(SignatureError::UnknownKey)?;
    let now = app.engine.now();
    key.principal.check_token(claim.session_token.as_deref(), now).map_err(|error| match error {
        TokenError::Wrong => SignatureError::UnknownKey,
        TokenError::Expired => SignatureError::ExpiredToken,
    })?;
    let hash = payload_sha256_hex(body);
    claim.verify(&key.secret, &parts.method, &parts.uri, &parts.headers, &hash, now)?;
    Ok(Caller::new(key.principal, Some(connection.origin), &parts.headers, &app.region, now))
}

fn is_of_hosts(service: &str) -> bool {
    [host_command::SIGNING_NAME, host_command::SECURE_SIGNING_NAME].contains(&service)
}

/// The enrollment token that signed this very request a short time ago, whether it is still of use or
/// not. Tokens are looked up here and nowhere else: no other door knows one.
///
/// # Errors
/// The exceptions of service.md §1.2.
pub(crate) async fn authenticate_token(
    app: &App,
    parts: &Parts,
    body: &[u8],
) -> Result<EnrollmentToken, ApiError> {
    let claim = Claim::from_request(&parts.uri, &parts.headers)?;
    // A machine that is no host yet is told the region with the answer: any will do.
    claim.check_scope(&[claim.scope.region.as_str()], host_command::SIGNING_NAME)?;
    let id = EnrollmentTokenId::parse(&claim.access_key_id).map_err(|_| SignatureError::UnknownKey)?;
    let stored = app.engine.enrollment_token(&id).await.map_err(ApiError::internal)?;
    let stored = stored.filter(|_| claim.session_token.is_none()).ok_or(SignatureError::UnknownKey)?;
    let hash = payload_sha256_hex(body);
    claim.verify(&stored.secret, &parts.method, &parts.uri, &parts.headers, &hash, app.engine.now())?;
    Ok(stored.token)
}

/// The keys of the store, the last used ones in memory: agents sign every call.
pub(crate) struct Keys {
    stored: Arc<StoredKeys>,
    /// Where other servers note their changes, if there may be any.
    shared: Option<Arc<dyn Store>>,
    memory: Mutex<Memory>,
    /// Held by whoever looks for changes of others.
    looking: tokio::sync::Mutex<()>,
}

/// An active key and its holder.
#[derive(Clone)]
struct Key {
    secret: Arc<str>,
    principal: Arc<Principal>,
    since: Instant,
}

#[derive(Default)]
struct Memory {
    known: HashMap<String, Key>,
    /// Counts changes, so that what was read before one is not remembered after it.
    generation: u64,
    /// The end of the audit trail, which has every change before it is answered, and when it was there.
    trail: Option<(i64, Instant)>,
}

impl Memory {
    fn forget(&mut self) {
        self.known.clear();
        self.generation += 1;
    }

    /// Whether what others did before `point` is known.
    fn knows_until(&self, point: Instant) -> bool {
        self.trail.is_some_and(|(_, at)| point <= at)
    }
}

impl Keys {
    /// The keys of `stored`; `shared` is the store if other servers may change it.
    pub(crate) fn new(stored: Arc<StoredKeys>, shared: Option<Arc<dyn Store>>) -> Keys {
        Keys { stored, shared, memory: Mutex::default(), looking: tokio::sync::Mutex::default() }
    }

    /// Keys, users or policies may have changed: everything is read again.
    pub(crate) fn forget(&self) {
        self.lock().forget();
    }

    /// Forgets all if another server has changed something since it was looked last, which must be after
    /// `point`.
    async fn heed_others(&self, store: &dyn Store, point: Instant) -> Result<(), StoreError> {
        if self.lock().knows_until(point) {
            return Ok(());
        }
        // Whoever waited here may find that another has looked for all of them.
        let _looking = self.looking.lock().await;
        if self.lock().knows_until(point) {
            return Ok(());
        }
        let now = Instant::now();
        let end = store.audit_end().await?;
        let mut memory = self.lock();
        if memory.trail.is_none_or(|(seen, _)| seen != end) {
            memory.forget();
        }
        memory.trail = Some((end, now));
        Ok(())
    }

    /// The key, if it is active; what others changed longer than `may_be_late` ago counts.
    async fn key(&self, id: &str, may_be_late: Duration) -> Result<Option<Key>, KeyError> {
        if let Some(store) = &self.shared {
            let now = Instant::now();
            let heeded = self.heed_others(&**store, now.checked_sub(may_be_late).unwrap_or(now)).await;
            heeded.map_err(|source| KeyError::Store { id: id.to_owned(), source })?;
        }
        let seen = {
            let memory = self.lock();
            let is_fresh = |key: &&Key| self.shared.is_none() || key.since.elapsed() < REMEMBERED;
            if let Some(key) = memory.known.get(id).filter(is_fresh) {
                return Ok(Some(key.clone()));
            }
            memory.generation
        };
        let since = Instant::now();
        let (Some(secret), Some(principal)) =
            (self.stored.secret(id).await?, self.stored.principal(id).await?)
        else {
            return Ok(None);
        };
        let key = Key { secret: secret.into(), principal: Arc::new(principal), since };
        let mut memory = self.lock();
        if memory.generation == seen {
            if MAX_KNOWN <= memory.known.len() {
                memory.known.clear();
            }
            memory.known.insert(id.to_owned(), key.clone());
        }
        Ok(Some(key))
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
