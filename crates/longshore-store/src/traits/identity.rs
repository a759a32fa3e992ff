//! Users, their access keys, and inline policies of users, groups and roles.

use async_trait::async_trait;
use longshore_model::id::PrincipalArn;
use longshore_model::time::Timestamp;

use crate::{GroupStore, Page, RoleStore, StoreError};

/// An IAM user, made by `aws deploy register` or an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Unique in the account, whatever the path.
    pub name: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// `AIDA…`, drawn once.
    pub id: String,
    /// `arn:aws:iam::<account>:user<path><name>`.
    pub arn: PrincipalArn,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An access key with its secret: SigV4 needs the secret itself. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// `AKIA…`.
    pub id: String,
    /// 40 characters.
    pub secret: String,
    /// The user's name.
    pub user: String,
    /// Inactive keys do not verify.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AccessKey")
            .field("id", &self.id)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A policy written into a user, a group or a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinePolicy {
    /// Unique in its holder.
    pub name: String,
    /// The policy document, JSON as given.
    pub document: String,
}

/// What an inline policy is written into, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyHolder {
    /// A user.
    User(String),
    /// A group, for its members.
    Group(String),
    /// A role, for its sessions.
    Role(String),
}

impl PolicyHolder {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            PolicyHolder::User(name) | PolicyHolder::Group(name) | PolicyHolder::Role(name) => name,
        }
    }
}

/// Users, access keys and inline policies; and through the traits beneath it groups, roles and sessions.
#[async_trait]
pub trait IdentityStore: GroupStore + RoleStore + Send + Sync {
    /// Adds a user.
    ///
    /// # Errors
    /// `AlreadyExists`.
    async fn create_user(&self, user: &User) -> Result<(), StoreError>;
    /// The user called `name`.
    async fn user(&self, name: &str) -> Result<Option<User>, StoreError>;
    /// Users by name, ascending, whose path begins with `path_prefix`.
    async fn users(&self, path_prefix: &str, page: &Page) -> Result<Vec<User>, StoreError>;
    /// Deletes a user.
    ///
    /// # Errors
    /// `NotFound`; `InUse` while it has access keys or policies or is in a group.
    async fn delete_user(&self, name: &str) -> Result<(), StoreError>;
    /// Adds a key.
    ///
    /// # Errors
    /// `NotFound` when the user does not exist, `LimitExceeded` when it has `max` already.
    async fn create_access_key(&self, key: &AccessKey, max: usize) -> Result<(), StoreError>;
    /// The key with this id and its user.
    async fn access_key(&self, id: &str) -> Result<Option<(AccessKey, User)>, StoreError>;
    /// The user's keys, oldest first.
    async fn access_keys(&self, user: &str) -> Result<Vec<AccessKey>, StoreError>;
    /// Makes a key of a user active or inactive.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_access_key_active(&self, user: &str, id: &str, is_active: bool) -> Result<(), StoreError>;
    /// Deletes a key of a user.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_access_key(&self, user: &str, id: &str) -> Result<(), StoreError>;
    /// Adds or replaces a policy.
    ///
    /// # Errors
    /// `NotFound` when the holder does not exist.
    async fn put_policy(&self, holder: &PolicyHolder, policy: &InlinePolicy) -> Result<(), StoreError>;
    /// The holder's policies by name, ascending.
    async fn policies(&self, holder: &PolicyHolder) -> Result<Vec<InlinePolicy>, StoreError>;
    /// The policies that count for a user: its own, and those of its groups.
    async fn effective_policies(&self, user: &str) -> Result<Vec<InlinePolicy>, StoreError>;
    /// Deletes a policy.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_policy(&self, holder: &PolicyHolder, name: &str) -> Result<(), StoreError>;
}
