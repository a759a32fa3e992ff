//! Deployment groups and what they remember of hosts.

use crate::Page;
use crate::StoreError;
use async_trait::async_trait;
use longshore_model::deployment_group::DeploymentGroup;
use longshore_model::host::HostHealth;
use longshore_model::id::{ApplicationName, DeploymentGroupId, DeploymentGroupName, DeploymentId, HostArn};

/// Deployment groups.
#[async_trait]
pub trait DeploymentGroupStore: Send + Sync {
    /// Adds a group.
    ///
    /// # Errors
    /// `NotFound` when the application does not exist, `AlreadyExists`, `LimitExceeded` when the
    /// application has `max` already.
    async fn create_deployment_group(&self, group: &DeploymentGroup, max: usize) -> Result<(), StoreError>;
    /// The group called `name` of `application`.
    async fn deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<Option<DeploymentGroup>, StoreError>;
    /// The group with this id, whatever its name is by now.
    async fn deployment_group_by_id(
        &self,
        id: &DeploymentGroupId,
    ) -> Result<Option<DeploymentGroup>, StoreError>;
    /// Names in ascending byte order.
    async fn deployment_groups(
        &self,
        application: &ApplicationName,
        page: &Page,
    ) -> Result<Vec<DeploymentGroupName>, StoreError>;
    /// All groups that have a resource tag with this key, of all applications.
    async fn deployment_groups_tagged(&self, key: &str) -> Result<Vec<DeploymentGroup>, StoreError>;
    /// Puts `after` in the place of `before`, found by its id, all but `history`; the name may change.
    ///
    /// # Errors
    /// `NotFound`, `Stale` when the group is not as `before` any more (its history does not count), or
    /// `AlreadyExists` when another group of the application has the name.
    async fn update_deployment_group(
        &self,
        before: &DeploymentGroup,
        after: &DeploymentGroup,
    ) -> Result<(), StoreError>;
    /// Deletes the group and its host health. Answers the ids of its deployments that are not
    /// final. An unknown name is no error.
    async fn delete_deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<Vec<DeploymentId>, StoreError>;
    /// The group's record of each host that it ever deployed to.
    async fn host_health(&self, group: &DeploymentGroupId) -> Result<Vec<(HostArn, HostHealth)>, StoreError>;
}
