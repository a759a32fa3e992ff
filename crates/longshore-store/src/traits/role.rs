//! Roles, and the sessions in which they are taken.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use longshore_model::time::Timestamp;

use crate::{Page, StoreError};

/// An IAM role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Unique in the account, whatever the path.
    pub name: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// `AROA…`, drawn once.
    pub id: String,
    /// `arn:aws:iam::<account>:role<path><name>`.
    pub arn: String,
    /// Who may take it: a policy document, JSON as given.
    pub trust_policy: String,
    /// For people.
    pub description: Option<String>,
    /// The longest that one session may last.
    pub max_session: Duration,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A role taken for a while, with an access key of its own. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// `ASIA…`.
    pub access_key_id: String,
    /// 40 characters.
    pub secret: String,
    /// The SHA-256 of the session token, in hexadecimal.
    pub token_sha256: String,
    /// The role's name.
    pub role: String,
    /// The session's name, which its taker chose.
    pub name: String,
    /// What it is restricted to: a policy document, JSON as given.
    pub policy: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("access_key_id", &self.access_key_id)
            .field("role", &self.role)
            .field("name", &self.name)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Roles and sessions.
#[async_trait]
pub trait RoleStore: Send + Sync {
    /// Adds a role.
    ///
    /// # Errors
    /// `AlreadyExists`.
    async fn create_role(&self, role: &Role) -> Result<(), StoreError>;
    /// The role called `name`.
    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError>;
    /// Roles by name, ascending, whose path begins with `path_prefix`.
    async fn roles(&self, path_prefix: &str, page: &Page) -> Result<Vec<Role>, StoreError>;
    /// Replaces who may take a role.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_trust_policy(&self, role: &str, document: &str) -> Result<(), StoreError>;
    /// Deletes a role and ends its sessions.
    ///
    /// # Errors
    /// `NotFound`; `InUse` while it has policies.
    async fn delete_role(&self, name: &str) -> Result<(), StoreError>;
    /// Begins a session, and forgets those that ended before `forget_before`.
    ///
    /// # Errors
    /// `NotFound` when the role does not exist.
    async fn create_session(&self, session: &Session, forget_before: Timestamp) -> Result<(), StoreError>;
    /// The session with this access key and its role, ended or not.
    async fn session(&self, access_key_id: &str) -> Result<Option<(Session, Role)>, StoreError>;
}
