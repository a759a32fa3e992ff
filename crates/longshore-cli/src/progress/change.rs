//! What happened between two looks at one deployment: for pipes, logs and JSON lines.

use longshore_model::deployment::DeploymentStatus;
use longshore_model::target::TargetStatus;

use super::{EventProgress, EventStatus, HostProgress, Progress};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// The deployment has another status.
    Deployment {
        /// The new one.
        status: DeploymentStatus,
    },
    /// A lifecycle event has another status.
    Event {
        /// On which host.
        host: String,
        /// The event as it is now.
        event: EventProgress,
    },
    /// A host has another status.
    Host {
        /// Which.
        host: String,
        /// The new one.
        status: TargetStatus,
    },
}

/// Everything that differs, hosts in scheduling order, each host's events in run order. Statuses that
/// came and went between the two looks are not made up.
pub(crate) fn changes(before: Option<&Progress>, after: &Progress) -> Vec<Change> {
    let mut changes = Vec::new();
    let status_before = before.map(|progress| progress.status);
    if status_before != Some(after.status) && !after.status.is_final() {
        changes.push(Change::Deployment { status: after.status });
    }
    for host in &after.hosts {
        let host_before =
            before.and_then(|progress| progress.hosts.iter().find(|other| other.name == host.name));
        host_changes(host_before, host, &mut changes);
    }
    // The end comes last: it is what a reader of the last line wants to see.
    if status_before != Some(after.status) && after.status.is_final() {
        changes.push(Change::Deployment { status: after.status });
    }
    changes
}

fn host_changes(before: Option<&HostProgress>, after: &HostProgress, changes: &mut Vec<Change>) {
    for (idx, event) in after.events.iter().enumerate() {
        let status_before = before
            .and_then(|host| host.events.get(idx))
            .map_or(EventStatus::Pending, |event_before| event_before.status);
        // Skipped events are told by their host's status, in one line instead of seven.
        if status_before != event.status && event.status != EventStatus::Skipped {
            changes.push(Change::Event { host: after.name.clone(), event: event.clone() });
        }
    }
    let status_before = before.map_or(TargetStatus::Pending, |host| host.status);
    if status_before != after.status {
        changes.push(Change::Host { host: after.name.clone(), status: after.status });
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::progress;
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str, expected: &str) {
        let before = progress(DeploymentStatus::InProgress, before);
        let after = progress(DeploymentStatus::InProgress, after);
        let shown: Vec<String> = changes(Some(&before), &after)
            .iter()
            .map(|change| match change {
                Change::Deployment { status } => status.as_str().to_owned(),
                Change::Event { host, event } => {
                    format!("{host} {} {}", event.name.as_str(), event.status.as_str())
                }
                Change::Host { host, status } => format!("{host} {}", status.as_str()),
            })
            .collect();
        assert_eq!(shown.join(", "), expected);
    }

    #[test]
    fn nothing_new_is_nothing() {
        check("a:S>.....", "a:S>.....", "");
    }

    #[test]
    fn a_host_begins_with_its_first_event() {
        check("a:.......", "a:>......", "a ApplicationStop InProgress, a InProgress");
    }

    #[test]
    fn events_that_passed_between_two_looks_are_told_once() {
        check(
            "a:>......",
            "a:SS>....",
            "a ApplicationStop Succeeded, a DownloadBundle Succeeded, a BeforeInstall InProgress",
        );
    }

    #[test]
    fn skipped_events_are_not_told_one_by_one() {
        check("a:S>..... b:.......", "a:SFKKKKK b:KKKKKKK", "a DownloadBundle Failed, a Failed, b Skipped");
    }

    #[test]
    fn the_end_of_the_deployment_is_the_last_line() {
        let before = progress(DeploymentStatus::InProgress, "a:SSSSSS>");
        let after = progress(DeploymentStatus::Succeeded, "a:SSSSSSS");
        let told = changes(Some(&before), &after);
        assert_eq!(told.last(), Some(&Change::Deployment { status: DeploymentStatus::Succeeded }));
    }
}
