//! Applications.

use crate::Page;
use crate::StoreError;
use async_trait::async_trait;
use longshore_model::application::Application;
use longshore_model::id::{ApplicationName, DeploymentId};

/// Applications.
#[async_trait]
pub trait ApplicationStore: Send + Sync {
    /// Adds an application.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, `LimitExceeded` when there are `max` already.
    async fn create_application(&self, application: &Application, max: usize) -> Result<(), StoreError>;
    /// The application called `name`.
    async fn application(&self, name: &ApplicationName) -> Result<Option<Application>, StoreError>;
    /// Names in ascending byte order.
    async fn applications(&self, page: &Page) -> Result<Vec<ApplicationName>, StoreError>;
    /// Renames; groups and revisions follow, deployments keep the names of their creation. Renaming to
    /// itself succeeds.
    ///
    /// # Errors
    /// `NotFound`, or `AlreadyExists` when another application has the new name.
    async fn rename_application(
        &self,
        from: &ApplicationName,
        to: &ApplicationName,
    ) -> Result<(), StoreError>;
    /// Deletes the application with its groups (and their host health) and revisions; deployments
    /// stay readable by id. Answers the ids of its deployments that are not final, for the caller
    /// to stop. An unknown name is no error.
    async fn delete_application(&self, name: &ApplicationName) -> Result<Vec<DeploymentId>, StoreError>;
}
