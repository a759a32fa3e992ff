//! Who signed a request, and what it may do.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use http::header::USER_AGENT;
use longshore_model::id::PrincipalArn;
use longshore_model::policy::{Context, Decision, Policy, decide};
use longshore_model::time::Timestamp;
use sha2::{Digest, Sha256};

/// The holder of an access key.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The ARN that denials name.
    pub arn: PrincipalArn,
    /// The key's id.
    pub access_key_id: String,
    /// Root may do everything; its policies are not asked.
    pub is_root: bool,
    /// The name, if it is a user.
    pub user_name: Option<String>,
    /// What IAM calls it for ever: `AIDA…` of a user, `AROA…:<session>` of a session, the account's id for
    /// root.
    pub user_id: String,
    /// What it may do.
    pub policies: Vec<Policy>,
    /// A role that was taken for a while.
    pub session: Option<SessionLimits>,
}

/// What a session is bound by.
#[derive(Clone, Debug)]
pub struct SessionLimits {
    /// The role's ARN.
    pub role_arn: String,
    /// What [`token_digest`] makes of its token.
    pub token_sha256: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it is restricted to besides.
    pub policy: Option<Policy>,
}

/// Why a session token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It is not that of the key, or there is one where none is due, or none where one is.
    Wrong,
    /// The session is over.
    Expired,
}

/// The SHA-256 of a session token in hexadecimal, which is all that is kept of it.
pub fn token_digest(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

impl Principal {
    /// What the account's policies say to `action` on `resource`. `context` is that of [`Caller`].
    pub fn decide(&self, action: &str, resource: &str, context: &Context) -> Decision {
        if self.is_root {
            return Decision::Allowed;
        }
        let decision = decide(&self.policies, action, resource, context);
        let session_policy = self.session.as_ref().and_then(|session| session.policy.as_ref());
        match (decision, session_policy) {
            (Decision::Allowed, Some(policy)) => {
                match decide(std::slice::from_ref(policy), action, resource, context) {
                    Decision::NotAllowed => Decision::NotAllowedInSession,
                    decision => decision,
                }
            }
            (decision, _) => decision,
        }
    }

    /// Whether `token`, which came with a request at `now`, is that of the key.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn check_token(&self, token: Option<&str>, now: Timestamp) -> Result<(), TokenError> {
        match (&self.session, token) {
            (None, None) => Ok(()),
            (Some(session), Some(token)) if session.token_sha256 == token_digest(token) => {
                if now < session.expires_at { Ok(()) } else { Err(TokenError::Expired) }
            }
            (Some(_) | None, Some(_) | None) => Err(TokenError::Wrong),
        }
    }

    /// The ARNs by which trust policies name it: its own, and that of its role.
    pub fn arns(&self) -> Vec<&str> {
        let role = self.session.as_ref().map(|session| session.role_arn.as_str());
        [self.arn.0.as_str()].into_iter().chain(role).collect()
    }

    /// Whether decisions may depend on the tags of the resource.
    pub fn asks_for_resource_tags(&self) -> bool {
        let session_policy = self.session.as_ref().and_then(|session| session.policy.as_ref());
        let mut policies = self.policies.iter().chain(session_policy);
        !self.is_root && policies.any(Policy::asks_for_resource_tags)
    }

    fn account(&self) -> &str {
        self.arn.0.split(':').nth(4).unwrap_or_default()
    }

    fn context(&self) -> Context {
        // To policies, a session is its role.
        let (kind, arn) = match &self.session {
            Some(session) => ("AssumedRole", &*session.role_arn),
            None if self.is_root => ("Account", &*self.arn.0),
            None => ("User", &*self.arn.0),
        };
        let context = Context::new()
            .with("aws:PrincipalArn", arn)
            .with("aws:PrincipalAccount", self.account())
            .with("aws:PrincipalType", kind)
            .with("aws:userid", &*self.user_id);
        match &self.user_name {
            Some(name) => context.with("aws:username", &**name),
            None => context,
        }
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The other end of the connection. Headers that name another are not believed.
    pub address: IpAddr,
    /// Whether it came over TLS.
    pub is_encrypted: bool,
}

/// A principal in one request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who signed.
    pub principal: Arc<Principal>,
    /// What conditions and variables of policies go by.
    pub context: Context,
    /// On what permission was asked, for the audit trail; shared by clones.
    asked_on: Arc<Mutex<Vec<String>>>,
}

/// The most resources of one request that are noted: as many as one may name.
const MAX_NOTED: usize = 1000;

impl Caller {
    /// `principal` in the request that came from `origin` with `headers`, at `now`.
    pub fn new(
        principal: Arc<Principal>,
        origin: Option<Origin>,
        headers: &HeaderMap,
        region: &str,
        now: Timestamp,
    ) -> Caller {
        let mut context = principal.context().with_time(now).with("aws:RequestedRegion", region);
        if let Some(origin) = origin {
            context = context.with_source(origin.address, origin.is_encrypted);
        }
        if let Some(agent) = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()) {
            context = context.with("aws:UserAgent", agent);
        }
        Caller { principal, context, asked_on: Arc::default() }
    }

    /// Notes that permission on `resource` is asked.
    pub fn note(&self, resource: &str) {
        let mut noted = self.asked_on.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_NOTED && !noted.iter().any(|known| known == resource) {
            noted.push(resource.to_owned());
        }
    }

    /// On what permission was asked.
    pub fn asked_on(&self) -> Vec<String> {
        self.asked_on.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the policies say to `action` on `resource` in this request.
    pub fn decide(&self, action: &str, resource: &str) -> Decision {
        self.principal.decide(action, resource, &self.context)
    }
}

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}
