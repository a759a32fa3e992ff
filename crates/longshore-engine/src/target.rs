//! Targets: reading how each host of a deployment stands. Source: service.md §3.6.

use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::id::{DeploymentId, HostId};
use longshore_model::target::{Target, TargetKey};
use longshore_store::{Page, StoreError, TargetFilter};

use crate::Engine;

/// Why targets could not be told.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// There is no such deployment.
    #[error("the deployment `{0}` does not exist")]
    NoSuchDeployment(DeploymentId),
    /// Its hosts have not been looked up yet.
    #[error("the deployment `{0}` has not started")]
    NotStarted(DeploymentId),
    /// The deployment has no such target.
    #[error("deployment `{deployment}` has no target `{host}`")]
    NotFound {
        /// The deployment.
        deployment: DeploymentId,
        /// The host asked for.
        host: HostId,
    },
    /// The store failed.
    #[error("the targets could not be read")]
    Store(#[source] StoreError),
}

impl Engine {
    /// Place and short id of each target, in scheduling order.
    ///
    /// # Errors
    /// `NoSuchDeployment`, `NotStarted`, `Store`.
    pub async fn targets(
        &self,
        id: &DeploymentId,
        filter: &TargetFilter,
        page: &Page,
    ) -> Result<Vec<(u32, HostId)>, TargetError> {
        self.require_started(id).await?;
        self.inner.store.targets(id, filter, page).await.map_err(TargetError::Store)
    }

    /// One target.
    ///
    /// # Errors
    /// `NoSuchDeployment`, `NotStarted`, `NotFound`, `Store`.
    pub async fn target(&self, id: &DeploymentId, host: &HostId) -> Result<Target, TargetError> {
        self.require_started(id).await?;
        let key = TargetKey { deployment: id.clone(), host: host.clone() };
        let found = self.inner.store.target(&key).await.map_err(TargetError::Store)?;
        found.ok_or_else(|| TargetError::NotFound { deployment: id.clone(), host: host.clone() })
    }

    async fn require_started(&self, id: &DeploymentId) -> Result<Deployment, TargetError> {
        let found = self.inner.store.deployment(id).await.map_err(TargetError::Store)?;
        let deployment = found.ok_or_else(|| TargetError::NoSuchDeployment(id.clone()))?;
        match deployment.status {
            DeploymentStatus::Created | DeploymentStatus::Queued => Err(TargetError::NotStarted(id.clone())),
            DeploymentStatus::InProgress
            | DeploymentStatus::Baking
            | DeploymentStatus::Succeeded
            | DeploymentStatus::Failed
            | DeploymentStatus::Stopped => Ok(deployment),
        }
    }
}
