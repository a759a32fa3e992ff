//! What a final deployment leaves in its group's memory of each host. Source: service.md §4.4.

use crate::deployment::{Deployment, DeploymentStatus};
use crate::deployment_group::GroupHistory;
use crate::host::HostHealth;
use crate::target::TargetStatus;

/// The record of one host after `deployment` ended, or `None` when it stays as it was.
///
/// `target` is how the host's target ended, `None` when the host was not a target; `before` is the
/// group's record of it so far.
pub fn after_deployment(
    deployment: &Deployment,
    target: Option<TargetStatus>,
    before: Option<&HostHealth>,
) -> Option<HostHealth> {
    let installed_before = before.and_then(|health| health.installed.clone());
    match (deployment.status, target) {
        (
            DeploymentStatus::Succeeded | DeploymentStatus::Failed | DeploymentStatus::Stopped,
            Some(TargetStatus::Succeeded),
        ) => Some(HostHealth { is_healthy: true, installed: Some(deployment.revision.clone()) }),
        (DeploymentStatus::Succeeded, _) if deployment.update_outdated_instances_only && target.is_none() => None,
        // "Those that were Current and did not succeed become Unknown."
        (DeploymentStatus::Succeeded, _) => {
            let was_current = installed_before.is_some() && installed_before == deployment.previous_revision;
            let installed = if was_current { None } else { installed_before };
            before.is_some().then_some(HostHealth { is_healthy: false, installed })
        }
        (DeploymentStatus::Failed | DeploymentStatus::Stopped, Some(TargetStatus::Failed)) => {
            Some(HostHealth { is_healthy: false, installed: installed_before })
        }
        (DeploymentStatus::Failed | DeploymentStatus::Stopped, _) => None,
        (DeploymentStatus::Created | DeploymentStatus::Queued | DeploymentStatus::InProgress, _) => None,
    }
}

/// The group's history after `deployment` began or ended.
pub fn group_history(deployment: &Deployment, before: &GroupHistory) -> GroupHistory {
    let mut history = before.clone();
    if deployment.started_at.is_some() {
        history.last_attempted = Some(deployment.id.clone());
    }
    if deployment.status == DeploymentStatus::Succeeded {
        history.last_successful = Some(deployment.id.clone());
        history.target_revision = Some(deployment.revision.clone());
    }
    history
}
