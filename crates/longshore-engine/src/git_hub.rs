//! Tokens for GitHub accounts: what callers may do with them. Source: service.md §2.8 and §3.8.

use longshore_model::deployment::Deployment;
use longshore_model::git_hub::{GitHubSecret, GitHubToken};
use longshore_model::id::{ApplicationName, GitHubTokenName};
use longshore_model::revision::Revision;
use longshore_store::{LinkOutcome, Page, StoreError};

use crate::Engine;

/// Why an operation on a GitHub token was refused.
#[derive(Debug, thiserror::Error)]
pub enum GitHubTokenError {
    /// There is none of that name.
    #[error("there is no GitHub account token `{0}`")]
    NotFound(GitHubTokenName),
    /// There is no such application.
    #[error("no application found for name: {0}")]
    NoSuchApplication(ApplicationName),
    /// The account has as many as it may.
    #[error("the account may have at most {0} GitHub account tokens")]
    LimitExceeded(usize),
    /// The store failed.
    #[error("the GitHub account tokens could not be read or written")]
    Store(#[source] StoreError),
}

impl Engine {
    /// Keeps a token under a name; one that has the name already is replaced, and its links stay.
    ///
    /// # Errors
    /// `LimitExceeded`, `Store`.
    pub async fn put_git_hub_token(
        &self,
        name: GitHubTokenName,
        secret: GitHubSecret,
    ) -> Result<(), GitHubTokenError> {
        let token = GitHubToken { name, secret, created_at: self.now() };
        match self.inner.store.put_git_hub_token(&token, self.inner.config.quotas.git_hub_tokens).await {
            Ok(()) => Ok(()),
            Err(StoreError::LimitExceeded { limit, .. }) => Err(GitHubTokenError::LimitExceeded(limit)),
            Err(error) => Err(GitHubTokenError::Store(error)),
        }
    }

    /// Names, ascending.
    ///
    /// # Errors
    /// `Store`.
    pub async fn git_hub_tokens(&self, page: &Page) -> Result<Vec<GitHubTokenName>, GitHubTokenError> {
        self.inner.store.git_hub_tokens(page).await.map_err(GitHubTokenError::Store)
    }

    /// Deletes a token; applications that were linked to it are linked to none.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn delete_git_hub_token(&self, name: &GitHubTokenName) -> Result<(), GitHubTokenError> {
        match self.inner.store.delete_git_hub_token(name).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(GitHubTokenError::NotFound(name.clone())),
            Err(error) => Err(GitHubTokenError::Store(error)),
        }
    }

    /// Links an application to a token, or to none.
    ///
    /// # Errors
    /// `NoSuchApplication`, `NotFound`, `Store`.
    pub async fn link_git_hub_token(
        &self,
        application: &ApplicationName,
        token: Option<&GitHubTokenName>,
    ) -> Result<(), GitHubTokenError> {
        let outcome = self.inner.store.link_git_hub_token(application, token).await;
        match (outcome.map_err(GitHubTokenError::Store)?, token) {
            (LinkOutcome::NoSuchToken, Some(token)) => Err(GitHubTokenError::NotFound(token.clone())),
            (LinkOutcome::NoSuchApplication, _) => {
                Err(GitHubTokenError::NoSuchApplication(application.clone()))
            }
            (LinkOutcome::Linked | LinkOutcome::NoSuchToken, _) => Ok(()),
        }
    }

    /// What the hosts of `deployment` need to read its repository. `None` for public ones and for
    /// revisions that are not on GitHub.
    ///
    /// # Errors
    /// `Store`.
    pub async fn git_hub_secret(
        &self,
        deployment: &Deployment,
    ) -> Result<Option<GitHubSecret>, GitHubTokenError> {
        match deployment.revision {
            Revision::GitHub { .. } => {
                let found = self.inner.store.git_hub_secret(&deployment.group_id).await;
                found.map_err(GitHubTokenError::Store)
            }
            Revision::S3 { .. } => Ok(None),
        }
    }
}
