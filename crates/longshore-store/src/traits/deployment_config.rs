//! Custom deployment configs.

use crate::Page;
use crate::StoreError;
use async_trait::async_trait;
use longshore_model::deployment_config::DeploymentConfig;
use longshore_model::id::DeploymentConfigName;

/// Custom deployment configs; the predefined ones are constants of the model and not stored.
#[async_trait]
pub trait DeploymentConfigStore: Send + Sync {
    /// Adds a config.
    ///
    /// # Errors
    /// `AlreadyExists`, `LimitExceeded`.
    async fn create_deployment_config(&self, config: &DeploymentConfig, max: usize)
    -> Result<(), StoreError>;
    /// The custom config called `name`.
    async fn deployment_config(
        &self,
        name: &DeploymentConfigName,
    ) -> Result<Option<DeploymentConfig>, StoreError>;
    /// Names of custom configs in ascending byte order.
    async fn deployment_configs(&self, page: &Page) -> Result<Vec<DeploymentConfigName>, StoreError>;
    /// Deletes a config. An unknown name is no error.
    ///
    /// # Errors
    /// `InUse` when a deployment group or an unfinished deployment names it.
    async fn delete_deployment_config(&self, name: &DeploymentConfigName) -> Result<(), StoreError>;
}
