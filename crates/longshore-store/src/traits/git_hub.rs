//! Tokens for GitHub accounts, and which application uses which.

use async_trait::async_trait;
use longshore_model::git_hub::{GitHubSecret, GitHubToken};
use longshore_model::id::{ApplicationName, DeploymentGroupId, GitHubTokenName};

use crate::{Page, StoreError};

/// What became of a link between an application and a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// As asked.
    Linked,
    /// There is no such application; nothing was changed.
    NoSuchApplication,
    /// There is no such token; nothing was changed.
    NoSuchToken,
}

/// Tokens for GitHub accounts.
#[async_trait]
pub trait GitHubTokenStore: Send + Sync {
    /// Adds a token, or gives the one of that name another secret.
    ///
    /// # Errors
    /// `LimitExceeded` when it would be a new one and there are `max` already.
    async fn put_git_hub_token(&self, token: &GitHubToken, max: usize) -> Result<(), StoreError>;
    /// Names in ascending byte order.
    async fn git_hub_tokens(&self, page: &Page) -> Result<Vec<GitHubTokenName>, StoreError>;
    /// Deletes a token; applications that were linked to it are linked to none.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_git_hub_token(&self, name: &GitHubTokenName) -> Result<(), StoreError>;
    /// Links the application to the token, or to none.
    async fn link_git_hub_token(
        &self,
        application: &ApplicationName,
        token: Option<&GitHubTokenName>,
    ) -> Result<LinkOutcome, StoreError>;
    /// The secret of the token that the application of this group is linked to. `None` when it is not,
    /// or the group is gone.
    async fn git_hub_secret(&self, group: &DeploymentGroupId) -> Result<Option<GitHubSecret>, StoreError>;
}
