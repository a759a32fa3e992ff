//! Hosts that came late: those that joined a group while a deployment to it ran, and those that come, or
//! come back, when none runs. Source: service.md §7.6.

use std::collections::HashSet;

use crate::application::ResourceTag;
use crate::deployment::{Creator, Deployment, Late};
use crate::deployment_group::{AutoRollback, DeploymentGroup};
use crate::host::Arrival;
use crate::id::{DeploymentId, HostArn};
use crate::plan::begin::Candidate;
use crate::target::{Clocks, Target};
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

/// Whether a host that polls `now` comes, or comes back: it was never heard of, or its last poll ended at
/// `last_poll_at`, longer ago than a command waits for its agent.
pub fn was_away(last_poll_at: Option<Timestamp>, now: Timestamp, clocks: &Clocks) -> bool {
    last_poll_at.is_none_or(|last_poll_at| clocks.pickup <= now.since(last_poll_at))
}

/// Whether `latest`, the last deployment of a group, has already done for a host what there is to do because
/// of `arrival`; `target` is the host's in it. It has if it was made after the host came. And it has if it
/// was made because hosts came late, and this one took a command of it, was silent over that, and so came
/// back: what fails would fail time and again.
pub fn is_served(arrival: &Arrival, latest: &Deployment, target: &Target) -> bool {
    if arrival.at < latest.created_at {
        return true;
    }
    let was_taken = target.events.iter().any(|event| event.state.was_taken());
    let was_silent_over_it =
        arrival.silent_since.is_some_and(|since| !target.status().is_final() || since < target.updated_at);
    latest.creator == Creator::AutoUpdate && was_taken && was_silent_over_it
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
    use std::time::Duration;

    use super::*;
    use crate::deployment::DeploymentStatus;
    use crate::deployment_config::MinimumHealthyHosts;
    use crate::fixture;
    use crate::host::HostHealth;
    use crate::lifecycle::{CommandCopy, Diagnostics, IN_PLACE};
    use crate::target::{TargetEvent, TargetKey, TargetRules};

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

    /// Whoever is silent for long enough to miss a command is away.
    #[test]
    fn a_host_is_away_once_it_has_missed_what_came_meanwhile() {
        let clocks = Clocks::default();
        assert!(was_away(None, NOW, &clocks), "it comes for the first time");
        let next = |silence| was_away(Some(NOW), NOW.plus(silence), &clocks);
        assert!(!next(Duration::ZERO));
        assert!(!next(clocks.pickup - Duration::from_millis(1)));
        assert!(next(clocks.pickup));
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// A deployment made at 100, whose target took a command at 110 and failed at 200.
    #[track_caller]
    fn check_served(creator: Creator, (came, silent_since): (i64, Option<i64>), expected: bool) {
        let latest = Deployment { creator, ..fixture::deployment(MinimumHealthyHosts::AllButOne, at(100)) };
        let rules = TargetRules {
            is_stopping: false,
            ignore_application_stop_failures: false,
            clocks: Clocks::default(),
        };
        let ended = TargetEvent::Reported {
            event_idx: 0,
            is_success: false,
            diagnostics: Diagnostics::by_service(String::from("no")),
        };
        let steps = [
            (100, TargetEvent::Started),
            (110, TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) }),
            (200, ended),
        ];
        let Candidate { id, arn, principal, .. } = fixture::candidate("a", None);
        let key = TargetKey { deployment: latest.id.clone(), host: id };
        let target = Target::new(key, 0, arn, principal, &IN_PLACE, at(100));
        let target = steps
            .into_iter()
            .fold(target, |target, (now, event)| target.after(&event, &rules, at(now)).expect("a change"));
        let arrival =
            Arrival { principal: target.principal.clone(), at: at(came), silent_since: silent_since.map(at) };
        assert_eq!(is_served(&arrival, &latest, &target), expected, "{creator:?} {came} {silent_since:?}");
    }

    #[test]
    fn who_came_before_a_deployment_was_made_is_served_by_it() {
        check_served(Creator::User, (99, None), true);
        check_served(Creator::User, (100, Some(1)), false);
        check_served(Creator::User, (101, None), false);
        check_served(Creator::User, (300, Some(120)), false);
    }

    /// Found by the simulation: a host whose update runs a long script came back, was updated again, and so
    /// without end.
    #[test]
    fn who_was_silent_over_its_update_is_not_updated_again() {
        check_served(Creator::AutoUpdate, (500, Some(109)), true);
        check_served(Creator::AutoUpdate, (500, Some(199)), true);
        check_served(Creator::AutoUpdate, (500, Some(200)), false);
        check_served(Creator::AutoUpdate, (500, None), false);
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
