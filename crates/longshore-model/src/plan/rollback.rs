//! What follows when a deployment ends badly: the last good one is made again. Source: service.md §7.4.

use crate::deployment::{Creator, Deployment, DeploymentStatus, Rollback, StopReason};
use crate::deployment_group::{AutoRollback, AutoRollbackEvent};
use crate::id::DeploymentId;
use crate::time::Timestamp;

/// Whether the end of `deployment` is to be followed by a rollback.
pub fn is_due(deployment: &Deployment) -> bool {
    match deployment.status {
        DeploymentStatus::Failed | DeploymentStatus::Stopped => why_not(deployment).is_none(),
        DeploymentStatus::Created
        | DeploymentStatus::Queued
        | DeploymentStatus::InProgress
        | DeploymentStatus::Baking
        | DeploymentStatus::Succeeded => false,
    }
}

/// Why a deployment that ended badly is not rolled back, if it is not.
pub fn why_not(deployment: &Deployment) -> Option<&'static str> {
    use AutoRollbackEvent::{DeploymentFailure, DeploymentStopOnAlarm, DeploymentStopOnRequest};
    let rule = &deployment.auto_rollback;
    let unless_listed = |event, not_listed| {
        if !rule.is_enabled {
            Some("automatic rollback is off")
        } else if rule.events.contains(&event) {
            None
        } else {
            Some(not_listed)
        }
    };
    match deployment.creator {
        Creator::User => {}
        Creator::Rollback => return Some("it is a rollback itself"),
        Creator::AutoUpdate => return Some("it updates late hosts, and its group has this revision already"),
    }
    let Some(stop) = &deployment.stop else {
        return unless_listed(DeploymentFailure, "its rule does not list DEPLOYMENT_FAILURE");
    };
    match stop.reason {
        StopReason::Manual => match stop.rolls_back {
            Some(true) => None,
            Some(false) => Some("whoever stopped it asked for none"),
            None => {
                unless_listed(DeploymentStopOnRequest, "its rule does not list DEPLOYMENT_STOP_ON_REQUEST")
            }
        },
        StopReason::AlarmActive(_) | StopReason::AlarmUnreadable { .. } => {
            unless_listed(DeploymentStopOnAlarm, "its rule does not list DEPLOYMENT_STOP_ON_ALARM")
        }
        StopReason::DeploymentGroupDeleted | StopReason::ApplicationDeleted => Some("its group is gone"),
    }
}

/// The deployment `id` that rolls `trigger` back to what `last_success` deployed.
pub fn rollback(
    trigger: &Deployment,
    last_success: &Deployment,
    id: DeploymentId,
    now: Timestamp,
) -> Deployment {
    Deployment {
        creator: Creator::Rollback,
        revision: last_success.revision.clone(),
        previous_revision: Some(last_success.revision.clone()),
        file_exists_behavior: last_success.file_exists_behavior,
        auto_rollback: AutoRollback::default(),
        rollback: Some(Rollback::Of(trigger.id.clone())),
        // All hosts of the group.
        update_outdated_instances_only: false,
        only_hosts: None,
        // Zones are not gone through one by one. Source: service.md §4.5.
        zonal: None,
        override_alarms: None,
        ..trigger.anew(id, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::{FileExistsBehavior, StopRequest};
    use crate::deployment_config::MinimumHealthyHosts;
    use crate::fixture;
    use crate::traffic::{Traffic, TrafficOption};
    use crate::watch::Alarms;

    const NOW: Timestamp = Timestamp::from_millis(5_000);

    fn ended(status: DeploymentStatus, stop: Option<(StopReason, Option<bool>)>) -> Deployment {
        let stop = stop.map(|(reason, rolls_back)| StopRequest {
            reason,
            requested_at: NOW,
            was_pending: false,
            rolls_back,
        });
        Deployment {
            status,
            stop,
            ..fixture::deployment(MinimumHealthyHosts::AllButOne, Timestamp::from_millis(0))
        }
    }

    /// Whether `deployment` is rolled back under a rule with each event alone: failure, alarm, request;
    /// then with all of them, switched off.
    #[track_caller]
    fn check(deployment: &Deployment, expected: [bool; 4]) {
        use AutoRollbackEvent::{DeploymentFailure, DeploymentStopOnAlarm, DeploymentStopOnRequest};
        let all = vec![DeploymentFailure, DeploymentStopOnAlarm, DeploymentStopOnRequest];
        let mut rules: Vec<AutoRollback> =
            all.iter().map(|event| AutoRollback { is_enabled: true, events: vec![*event] }).collect();
        rules.push(AutoRollback { is_enabled: false, events: all });
        let due: Vec<bool> = rules
            .into_iter()
            .map(|auto_rollback| is_due(&Deployment { auto_rollback, ..deployment.clone() }))
            .collect();
        assert_eq!(due, expected, "{:?} {:?}", deployment.status, deployment.stop);
    }

    /// service.md §7.4, "Trigger", and §7.1, "Whether a stop rolls back".
    #[test]
    fn each_kind_of_end_has_its_event() {
        use DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
        let manual = |rolls_back| Some((StopReason::Manual, rolls_back));
        check(&ended(Failed, None), [true, false, false, false]);
        check(&ended(Succeeded, None), [false; 4]);
        check(&ended(InProgress, manual(Some(true))), [false; 4]);
        check(&ended(Stopped, manual(None)), [false, false, true, false]);
        check(&ended(Stopped, manual(Some(true))), [true; 4]);
        check(&ended(Stopped, manual(Some(false))), [false; 4]);
        let alarm = StopReason::AlarmActive(vec![String::from("a")]);
        check(&ended(Stopped, Some((alarm, None))), [false, true, false, false]);
        let unreadable = StopReason::AlarmUnreadable { alarm: String::from("a"), why: String::from("b") };
        check(&ended(Stopped, Some((unreadable, None))), [false, true, false, false]);
        for gone in [StopReason::DeploymentGroupDeleted, StopReason::ApplicationDeleted] {
            check(&ended(Stopped, Some((gone.clone(), Some(true)))), [false; 4]);
            check(&ended(Failed, Some((gone, None))), [false; 4]);
        }
    }

    /// service.md §7.4, "a rollback never rolls back".
    #[test]
    fn a_rollback_is_not_rolled_back() {
        let rollback = |deployment: Deployment| Deployment { creator: Creator::Rollback, ..deployment };
        check(&rollback(ended(DeploymentStatus::Failed, None)), [false; 4]);
        let update = Deployment { creator: Creator::AutoUpdate, ..ended(DeploymentStatus::Failed, None) };
        check(&update, [false; 4]);
        let stopped = ended(DeploymentStatus::Stopped, Some((StopReason::Manual, Some(true))));
        check(&rollback(stopped), [false; 4]);
    }

    /// service.md §7.4, the table of fields, and §6.5 for the behaviour when a file exists.
    #[test]
    fn a_rollback_has_the_last_success_and_the_rules_of_what_failed() {
        let alarms = Some(Alarms { is_enabled: true, ignore_poll_failure: false, names: vec!["a".into()] });
        let trigger = Deployment {
            description: Some(String::from("new")),
            ignore_application_stop_failures: true,
            update_outdated_instances_only: true,
            only_hosts: Some(Vec::new()),
            zonal: Some(crate::deployment_config::Zonal::default()),
            traffic: Traffic { option: TrafficOption::WithTrafficControl, ..Traffic::default() },
            file_exists_behavior: FileExistsBehavior::Overwrite,
            auto_rollback: AutoRollback {
                is_enabled: true,
                events: vec![AutoRollbackEvent::DeploymentFailure],
            },
            alarms: alarms.clone(),
            override_alarms: alarms,
            n_hosts: 7,
            started_at: Some(NOW),
            completed_at: Some(NOW),
            ..ended(DeploymentStatus::Failed, None)
        };
        let last_success = Deployment {
            revision: fixture::revision("good.zip"),
            file_exists_behavior: FileExistsBehavior::Retain,
            ..ended(DeploymentStatus::Succeeded, None)
        };
        let id = DeploymentId::parse("d-ROLLBACK1").expect("a valid id");
        let made = rollback(&trigger, &last_success, id.clone(), NOW);
        assert_eq!((made.id.clone(), made.creator.as_str()), (id, "codeDeployRollback"));
        assert_eq!(made.revision, last_success.revision);
        assert_eq!(made.config, trigger.config);
        assert_eq!(made.minimum_healthy_hosts, trigger.minimum_healthy_hosts);
        assert_eq!(made.traffic, trigger.traffic);
        assert_eq!((made.only_hosts.clone(), made.zonal), (None, None));
        assert!(made.ignore_application_stop_failures && !made.update_outdated_instances_only);
        assert_eq!(made.file_exists_behavior, FileExistsBehavior::Retain);
        assert_eq!((made.auto_rollback.clone(), made.description.clone()), (AutoRollback::default(), None));
        assert_eq!(made.watched_alarms(), None);
        assert_eq!((made.status, made.started_at, made.n_hosts), (DeploymentStatus::Created, None, 0));
        let texts = [
            made.rollback_message(),
            Deployment { rollback: Some(Rollback::By(made.id.clone())), ..trigger.clone() }
                .rollback_message(),
            Deployment { rollback: Some(Rollback::Nowhere), ..trigger.clone() }.rollback_message(),
        ];
        assert_eq!(
            texts.map(Option::unwrap_or_default),
            [
                "Deployment d-ROLLBACK1 is triggered to roll back deployment d-ABCDEF123.",
                "Deployment d-ABCDEF123 terminated. Automatic rollback is triggered with a DeploymentId \
                 d-ROLLBACK1.",
                "Deployment d-ABCDEF123 terminated. No previous successful deployment to roll back to.",
            ]
        );
    }
}
