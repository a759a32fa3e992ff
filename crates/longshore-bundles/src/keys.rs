//! Whose access keys there are, and what their holders may do.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use longshore_model::id::PrincipalArn;
use longshore_model::policy::{self, Policy};
use longshore_store::{IdentityStore, StoreError};

/// Who signed a request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The ARN that denials name.
    pub arn: PrincipalArn,
    /// Root may do everything; its policies are not asked.
    pub is_root: bool,
    /// What a user may do.
    pub policies: Vec<Policy>,
}

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

/// Access keys that may sign. An unknown key and an inactive one are the same.
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

    async fn policies(&self, user: &str) -> Result<Vec<Policy>, StoreError> {
        let mut policies = Vec::new();
        for stored in self.identity.user_policies(user).await? {
            match policy::parse(&stored.document) {
                Ok(policy) => policies.push(policy),
                // A policy that cannot be read may hold a denial, so it must not be passed over.
                Err(error) => {
                    tracing::warn!(user, policy = stored.name, %error, "a stored policy cannot be read: the user may do nothing");
                    return Ok(Vec::new());
                }
            }
        }
        Ok(policies)
    }
}

#[async_trait]
impl KeySource for StoredKeys {
    async fn secret(&self, access_key_id: &str) -> Result<Option<String>, KeyError> {
        if access_key_id == self.root.id {
            return Ok(Some(self.root.secret.clone()));
        }
        let found = self.identity.access_key(access_key_id).await;
        let found = found.map_err(|source| KeyError::Store { id: access_key_id.to_owned(), source })?;
        Ok(found.and_then(|(key, _user)| key.is_active.then_some(key.secret)))
    }

    async fn principal(&self, access_key_id: &str) -> Result<Option<Principal>, KeyError> {
        if access_key_id == self.root.id {
            return Ok(Some(Principal { arn: self.root.arn.clone(), is_root: true, policies: Vec::new() }));
        }
        let failed = |source| KeyError::Store { id: access_key_id.to_owned(), source };
        let Some((key, user)) = self.identity.access_key(access_key_id).await.map_err(failed)? else {
            return Ok(None);
        };
        if !key.is_active {
            return Ok(None);
        }
        let policies = self.policies(&user.name).await.map_err(failed)?;
        Ok(Some(Principal { arn: user.arn, is_root: false, policies }))
    }
}
