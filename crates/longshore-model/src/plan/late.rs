//! Hosts that came late: those that joined a group while a deployment to it ran, and those that come, or
//! come back, when none runs. Source: service.md §7.6.

use std::collections::HashSet;
use std::time::Duration;

use crate::application::ResourceTag;
use crate::deployment::{Creator, Deployment, Late};
use crate::deployment_group::{AutoRollback, DeploymentGroup};
use crate::id::{DeploymentId, HostArn};
use crate::plan::begin::Candidate;
use crate::target::Clocks;
use crate::time::Timestamp;

/// The tag by which a deployment group says that hosts that come when no deployment runs are brought up to
/// date, with the value [`UPDATE`]. AWS has no setting for it.
pub const LATE_HOSTS: &str = "longshore:late-hosts";
/// The value of [`LATE_HOSTS`].
pub const UPDATE: &str = "update";

/// Whether hosts of `group` that come when no deployment runs are brought up to date.
pub fn is_kept_up_to_date(group: &DeploymentGroup) -> bool {
    group.tags.iter().any(|ResourceTag { key, value }| key == LATE_HOSTS && value == UPDATE)
}

/// Whether a host that polls `now` comes, or comes back: it was not heard of, or not for as long as a
/// command waits for an agent. Its last poll, at `last_poll_at`, may have been held for `poll_hold`, which is
/// no silence.
pub fn was_away(
    last_poll_at: Option<Timestamp>,
    now: Timestamp,
    clocks: &Clocks,
    poll_hold: Duration,
) -> bool {
    last_poll_at.is_none_or(|last_poll_at| clocks.pickup + poll_hold <= now.since(last_poll_at))
}

/// The hosts that joined while `deployment`, which has succeeded, ran, and have another revision or none.
/// `candidates` are the hosts that its group selects now, `targets` those that it deployed to.
pub fn joined(deployment: &Deployment, candidates: &[Candidate], targets: &HashSet<HostArn>) -> Vec<HostArn> {
    let late = candidates
        .iter()
        .filter(|candidate| !targets.contains(&candidate.arn) && candidate.is_outdated(&deployment.revision));
    late.map(|candidate| candidate.arn.clone()).collect()
}

/// The deployment `id` that brings `hosts`, which joined while `root` ran, to its revision.
pub fn update(root: &Deployment, hosts: Vec<HostArn>, id: DeploymentId, now: Timestamp) -> Deployment {
    Deployment {
        creator: Creator::AutoUpdate,
        previous_revision: Some(root.revision.clone()),
        update_outdated_instances_only: true,
        // The group has this revision: a host that does not take it is no reason to deploy to all again.
        auto_rollback: AutoRollback::default(),
        only_hosts: Some(hosts),
        late: Late { root: Some(root.id.clone()), updates: Vec::new() },
        ..root.anew(id, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::DeploymentStatus;
    use crate::deployment_config::MinimumHealthyHosts;
    use crate::fixture;
    use crate::host::HostHealth;

    const NOW: Timestamp = Timestamp::from_millis(5_000);

    fn ended(status: DeploymentStatus) -> Deployment {
        Deployment { status, ..fixture::deployment(MinimumHealthyHosts::AllButOne, NOW) }
    }

    /// Hosts are written `name:revision`, `-` for none; targets by name.
    #[track_caller]
    fn check(hosts: &str, targets: &str, expected: &str) {
        let candidates: Vec<Candidate> = hosts
            .split_whitespace()
            .filter_map(|text| text.split_once(':'))
            .map(|(name, revision)| {
                let installed = (revision != "-").then(|| fixture::revision(revision));
                fixture::candidate(name, Some(HostHealth { is_healthy: true, installed }))
            })
            .collect();
        let arn = |name: &str| fixture::candidate(name, None).arn;
        let targets: HashSet<HostArn> = targets.split_whitespace().map(arn).collect();
        let expected: Vec<HostArn> = expected.split_whitespace().map(arn).collect();
        assert_eq!(joined(&ended(DeploymentStatus::Succeeded), &candidates, &targets), expected);
    }

    /// The simulation found hosts that waited in vain at one poll, and were away at the next.
    #[test]
    fn a_held_poll_is_no_silence() {
        let (clocks, hold) = (Clocks::default(), Duration::from_secs(45));
        assert!(was_away(None, NOW, &clocks, hold), "it comes for the first time");
        let next = |silence| was_away(Some(NOW), NOW.plus(silence), &clocks, hold);
        assert!(!next(Duration::ZERO));
        assert!(!next(clocks.pickup));
        assert!(!next(clocks.pickup + hold - Duration::from_millis(1)));
        assert!(next(clocks.pickup + hold));
    }

    /// service.md §7.6, "Launch during a deployment".
    #[test]
    fn who_joined_and_has_another_revision_is_late() {
        let hosts = "a:v2.zip b:v1.zip c:- d:v2.zip e:-";
        check(hosts, "a b", "c e");
        // What failed in it is not late.
        check(hosts, "a b c e", "");
    }

    /// service.md §7.6, "follow-on deployments", and their `relatedDeployments`.
    #[test]
    fn an_update_is_of_the_late_hosts_only() {
        let root = Deployment { description: Some(String::from("d")), ..ended(DeploymentStatus::Succeeded) };
        let hosts = vec![fixture::candidate("c", None).arn];
        let id = DeploymentId::parse("d-UPDATE123").expect("a valid id");
        let made = update(&root, hosts.clone(), id, NOW);
        assert_eq!(made.creator.as_str(), "CodeDeployAutoUpdate");
        assert!(made.update_outdated_instances_only && made.description.is_none());
        assert_eq!((made.only_hosts, made.late.root), (Some(hosts), Some(root.id)));
        assert_eq!(
            (made.revision.clone(), made.previous_revision),
            (root.revision.clone(), Some(made.revision))
        );
    }

    /// service.md §7.6: a host is outdated when its last success for the group is another revision, or none.
    #[test]
    fn a_host_is_outdated_by_what_was_last_installed() {
        let host = |installed: Option<&str>, is_healthy| {
            let installed = installed.map(fixture::revision);
            fixture::candidate("a", Some(HostHealth { is_healthy, installed }))
        };
        let revision = fixture::revision("v2.zip");
        assert!(fixture::candidate("a", None).is_outdated(&revision), "nothing was ever deployed");
        assert!(host(None, true).is_outdated(&revision));
        assert!(host(Some("v1.zip"), true).is_outdated(&revision));
        assert!(!host(Some("v2.zip"), true).is_outdated(&revision));
        assert!(
            !host(Some("v2.zip"), false).is_outdated(&revision),
            "it failed since, and has it all the same"
        );
    }
}
