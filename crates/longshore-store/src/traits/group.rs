//! Groups of users.

use async_trait::async_trait;
use longshore_model::time::Timestamp;

use crate::{Page, StoreError, User};

/// An IAM group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Unique in the account, whatever the path.
    pub name: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// `AGPA…`, drawn once.
    pub id: String,
    /// `arn:aws:iam::<account>:group<path><name>`.
    pub arn: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Groups and who is in them.
#[async_trait]
pub trait GroupStore: Send + Sync {
    /// Adds a group.
    ///
    /// # Errors
    /// `AlreadyExists`.
    async fn create_group(&self, group: &Group) -> Result<(), StoreError>;
    /// The group called `name`.
    async fn group(&self, name: &str) -> Result<Option<Group>, StoreError>;
    /// Groups by name, ascending, whose path begins with `path_prefix`.
    async fn groups(&self, path_prefix: &str, page: &Page) -> Result<Vec<Group>, StoreError>;
    /// Deletes a group.
    ///
    /// # Errors
    /// `NotFound`; `InUse` while it has members or policies.
    async fn delete_group(&self, name: &str) -> Result<(), StoreError>;
    /// Puts a user into a group, once.
    ///
    /// # Errors
    /// `NotFound` when one of them does not exist, `LimitExceeded` when the user is in `max` groups.
    async fn add_group_member(&self, group: &str, user: &str, max: usize) -> Result<(), StoreError>;
    /// Takes a user out of a group, in which it need not be.
    ///
    /// # Errors
    /// `NotFound` when one of them does not exist.
    async fn remove_group_member(&self, group: &str, user: &str) -> Result<(), StoreError>;
    /// The group's members by name, ascending.
    async fn group_members(&self, group: &str, page: &Page) -> Result<Vec<User>, StoreError>;
    /// The user's groups by name, ascending.
    async fn groups_of_user(&self, user: &str) -> Result<Vec<Group>, StoreError>;
}
