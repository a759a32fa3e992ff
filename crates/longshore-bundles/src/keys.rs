//! Whose access keys there are, and what their holders may do.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use longshore_model::id::PrincipalArn;
use longshore_model::policy::{self, Policy};
use longshore_store::{
    AccessKey, IdentityStore, InlinePolicy, PolicyHolder, Role, Session, StoreError, User,
};

use crate::principal::{Principal, SessionLimits};

/// Why a key could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store failed.
    #[error("cannot look up access key `{id}`")]
    Store {
        /// The access key's id.
        id: String,
        /// The store's error.
        #[source]
        source: StoreError,
    },
}

/// Access keys that may sign, those of sessions too: whoever asks also checks the token
/// ([`Principal::check_token`]). An unknown key and an inactive one are the same.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The secret of an active key.
    ///
    /// # Errors
    /// When the lookup fails.
    async fn secret(&self, access_key_id: &str) -> Result<Option<String>, KeyError>;
    /// The holder of an active key.
    ///
    /// # Errors
    /// When the lookup fails.
    async fn principal(&self, access_key_id: &str) -> Result<Option<Principal>, KeyError>;
}

/// The root access key, which is not in the store. `Debug` does not show the secret.
#[derive(Clone)]
pub struct RootKey {
    /// The access key's id.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// `arn:aws:iam::<account>:root`.
    pub arn: PrincipalArn,
}

impl RootKey {
    fn principal(&self) -> Principal {
        Principal {
            arn: self.arn.clone(),
            access_key_id: self.id.clone(),
            is_root: true,
            user_name: None,
            user_id: self.arn.0.split(':').nth(4).unwrap_or_default().to_owned(),
            policies: Vec::new(),
            session: None,
        }
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RootKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The root key and the keys of the store's users.
pub struct StoredKeys {
    root: RootKey,
    identity: Arc<dyn IdentityStore>,
}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StoredKeys").field("root", &self.root).finish_non_exhaustive()
    }
}

impl StoredKeys {
    /// Keys of `identity`'s users, and `root`.
    pub fn new(root: RootKey, identity: Arc<dyn IdentityStore>) -> StoredKeys {
        StoredKeys { root, identity }
    }

    async fn user(&self, key: AccessKey, user: User) -> Result<Principal, StoreError> {
        let policies = parsed(&user.arn.0, self.identity.effective_policies(&user.name).await?);
        Ok(Principal {
            arn: user.arn,
            access_key_id: key.id,
            is_root: false,
            user_name: Some(user.name),
            user_id: user.id,
            policies,
            session: None,
        })
    }

    async fn in_session(&self, session: Session, role: Role) -> Result<Principal, StoreError> {
        let account = role.arn.split(':').nth(4).unwrap_or_default();
        let arn = format!("arn:aws:sts::{account}:assumed-role/{}/{}", role.name, session.name);
        let stored = self.identity.policies(&PolicyHolder::Role(role.name.clone())).await?;
        let mut policies = parsed(&arn, stored);
        let given = session.policy.map(|document| policy::parse(&document));
        let policy = match given.transpose() {
            Ok(policy) => policy,
            Err(error) => {
                tracing::warn!(session = arn, %error, "a stored session policy cannot be read: the session may do nothing");
                policies.clear();
                None
            }
        };
        Ok(Principal {
            user_id: format!("{}:{}", role.id, session.name),
            arn: PrincipalArn(arn),
            access_key_id: session.access_key_id,
            is_root: false,
            user_name: None,
            policies,
            session: Some(SessionLimits {
                role_arn: role.arn,
                token_sha256: session.token_sha256,
                expires_at: session.expires_at,
                policy,
            }),
        })
    }
}

/// The policies of `holder`. One that cannot be read may hold a denial, so it must not be passed over.
fn parsed(holder: &str, stored: Vec<InlinePolicy>) -> Vec<Policy> {
    let mut policies = Vec::with_capacity(stored.len());
    for InlinePolicy { name, document } in stored {
        match policy::parse(&document) {
            Ok(policy) => policies.push(policy),
            Err(error) => {
                tracing::warn!(holder, policy = name, %error, "a stored policy cannot be read: its holder may do nothing");
                return Vec::new();
            }
        }
    }
    policies
}

#[async_trait]
impl KeySource for StoredKeys {
    async fn secret(&self, access_key_id: &str) -> Result<Option<String>, KeyError> {
        if access_key_id == self.root.id {
            return Ok(Some(self.root.secret.clone()));
        }
        let failed = |source| KeyError::Store { id: access_key_id.to_owned(), source };
        if let Some((key, _user)) = self.identity.access_key(access_key_id).await.map_err(failed)? {
            return Ok(key.is_active.then_some(key.secret));
        }
        let session = self.identity.session(access_key_id).await.map_err(failed)?;
        Ok(session.map(|(session, _role)| session.secret))
    }

    async fn principal(&self, access_key_id: &str) -> Result<Option<Principal>, KeyError> {
        if access_key_id == self.root.id {
            return Ok(Some(self.root.principal()));
        }
        let failed = |source| KeyError::Store { id: access_key_id.to_owned(), source };
        if let Some((key, user)) = self.identity.access_key(access_key_id).await.map_err(failed)? {
            if !key.is_active {
                return Ok(None);
            }
            return self.user(key, user).await.map(Some).map_err(failed);
        }
        match self.identity.session(access_key_id).await.map_err(failed)? {
            Some((session, role)) => self.in_session(session, role).await.map(Some).map_err(failed),
            None => Ok(None),
        }
    }
}
