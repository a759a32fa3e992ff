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
        (DeploymentStatus::Succeeded, _) if deployment.update_outdated_instances_only && target.is_none() => {
            None
        }
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
        (
            DeploymentStatus::Created
            | DeploymentStatus::Queued
            | DeploymentStatus::InProgress
            | DeploymentStatus::Baking,
            _,
        ) => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::ErrorCode;
    use crate::deployment_config::MinimumHealthyHosts;
    use crate::fixture;
    use crate::revision::Revision;
    use crate::time::Timestamp;

    fn revision(text: &str) -> Revision {
        fixture::revision(text)
    }

    fn deployment(status: DeploymentStatus) -> Deployment {
        let began = Timestamp::from_millis(0);
        Deployment {
            revision: revision("new"),
            previous_revision: Some(revision("current")),
            status,
            error: (status == DeploymentStatus::Failed).then(|| ErrorCode::HealthConstraints.error()),
            started_at: Some(began),
            completed_at: Some(Timestamp::from_millis(1)),
            ..fixture::deployment(MinimumHealthyHosts::AllButOne, began)
        }
    }

    /// Records are written `healthy:current`, `unhealthy:-` (nothing known), `none` (no record).
    fn record(text: &str) -> Option<HostHealth> {
        let (health, installed) = text.split_once(':')?;
        Some(HostHealth {
            is_healthy: health == "healthy",
            installed: (installed != "-").then(|| revision(installed)),
        })
    }

    #[track_caller]
    fn check(status: DeploymentStatus, target: Option<TargetStatus>, before: &str, expected: &str) {
        let before = record(before);
        let after = after_deployment(&deployment(status), target, before.as_ref()).or(before);
        assert_eq!(after, record(expected));
    }

    /// service.md §4.4, after any end.
    #[test]
    fn success_makes_a_host_healthy_and_current() {
        use DeploymentStatus::{Failed, Stopped, Succeeded};
        for status in [Succeeded, Failed, Stopped] {
            check(status, Some(TargetStatus::Succeeded), "none", "healthy:new");
            check(status, Some(TargetStatus::Succeeded), "unhealthy:old", "healthy:new");
        }
    }

    /// service.md §4.4, "Deployment Succeeded".
    #[test]
    fn after_a_successful_deployment_a_current_host_without_success_is_unknown_and_unhealthy() {
        check(DeploymentStatus::Succeeded, Some(TargetStatus::Failed), "healthy:current", "unhealthy:-");
        check(DeploymentStatus::Succeeded, None, "healthy:current", "unhealthy:-");
    }

    /// service.md §4.4, "those Old/Unknown that did not succeed stay as they were".
    #[test]
    fn after_a_successful_deployment_old_and_unknown_stay_what_they_were() {
        check(DeploymentStatus::Succeeded, Some(TargetStatus::Failed), "healthy:old", "unhealthy:old");
        check(DeploymentStatus::Succeeded, Some(TargetStatus::Failed), "unhealthy:-", "unhealthy:-");
    }

    /// service.md §4.4, "Deployment Failed/Stopped"; §5.2: a host that a stop left halfway is unhealthy.
    #[test]
    fn after_a_failed_deployment_only_hosts_that_were_attempted_change() {
        use DeploymentStatus::{Failed, Stopped};
        for status in [Failed, Stopped] {
            check(status, Some(TargetStatus::Failed), "healthy:current", "unhealthy:current");
            check(status, Some(TargetStatus::Skipped), "healthy:current", "healthy:current");
            check(status, None, "healthy:current", "healthy:current");
        }
    }

    /// service.md §4.4; §6.1: the service's notion is of whole deployments.
    #[test]
    fn only_success_moves_the_target_revision() {
        let before = GroupHistory { target_revision: Some(revision("current")), ..GroupHistory::default() };
        let failed = group_history(&deployment(DeploymentStatus::Failed), &before);
        assert_eq!(failed.target_revision, before.target_revision);
        assert!(failed.last_attempted.is_some() && failed.last_successful.is_none());
        let succeeded = group_history(&deployment(DeploymentStatus::Succeeded), &before);
        assert_eq!(succeeded.target_revision, Some(revision("new")));
    }
}
