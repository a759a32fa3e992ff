//! Applications: what callers may do with them. Source: service.md §3.1.

use longshore_model::application::{Application, ResourceTag};
use longshore_model::deployment::StopReason;
use longshore_model::id::{ApplicationId, ApplicationName};
use longshore_store::{Page, StoreError};

use crate::Engine;

/// Why an operation on an application was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// There is none of that name.
    #[error("no application found for name: {0}")]
    NotFound(ApplicationName),
    /// The name is taken.
    #[error("an application named `{0}` already exists")]
    AlreadyExists(ApplicationName),
    /// The account has as many as it may.
    #[error("the account may have at most {0} applications")]
    LimitExceeded(usize),
    /// The store failed.
    #[error("the applications could not be read or written")]
    Store(#[source] StoreError),
}

impl Engine {
    /// Makes an application.
    ///
    /// # Errors
    /// `AlreadyExists`, `LimitExceeded`, `Store`.
    pub async fn create_application(
        &self,
        name: ApplicationName,
        tags: Vec<ResourceTag>,
    ) -> Result<ApplicationId, ApplicationError> {
        let id = ApplicationId::parse(&self.draw().uuid()).expect("a UUID is an application id");
        let application = Application {
            id: id.clone(),
            name: name.clone(),
            created_at: self.now(),
            tags,
            git_hub_token: None,
        };
        let max = self.inner.config.quotas.applications;
        match self.inner.store.create_application(&application, max).await {
            Ok(()) => Ok(id),
            Err(StoreError::AlreadyExists(_)) => Err(ApplicationError::AlreadyExists(name)),
            Err(StoreError::LimitExceeded { limit, .. }) => Err(ApplicationError::LimitExceeded(limit)),
            Err(error) => Err(ApplicationError::Store(error)),
        }
    }

    /// The application called `name`.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn application(&self, name: &ApplicationName) -> Result<Application, ApplicationError> {
        let found = self.inner.store.application(name).await.map_err(ApplicationError::Store)?;
        found.ok_or_else(|| ApplicationError::NotFound(name.clone()))
    }

    /// Names, ascending.
    ///
    /// # Errors
    /// `Store`.
    pub async fn applications(&self, page: &Page) -> Result<Vec<ApplicationName>, ApplicationError> {
        self.inner.store.applications(page).await.map_err(ApplicationError::Store)
    }

    /// Renames; renaming to the same name succeeds.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `Store`.
    pub async fn rename_application(
        &self,
        from: &ApplicationName,
        to: &ApplicationName,
    ) -> Result<(), ApplicationError> {
        match self.inner.store.rename_application(from, to).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound(_)) => Err(ApplicationError::NotFound(from.clone())),
            Err(StoreError::AlreadyExists(_)) => Err(ApplicationError::AlreadyExists(to.clone())),
            Err(error) => Err(ApplicationError::Store(error)),
        }
    }

    /// Deletes the application, its groups and revisions, and ends its deployments. An unknown name succeeds.
    ///
    /// # Errors
    /// `Store`.
    pub async fn delete_application(&self, name: &ApplicationName) -> Result<(), ApplicationError> {
        let unfinished = self.inner.store.delete_application(name).await.map_err(ApplicationError::Store)?;
        self.end_orphans(&unfinished, &StopReason::ApplicationDeleted).await.map_err(ApplicationError::Store)
    }
}
