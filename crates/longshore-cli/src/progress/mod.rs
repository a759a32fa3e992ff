//! A deployment as somebody who watches it sees it: read from the API's shapes, drawn by `output`.

pub(crate) mod change;
mod read;
pub(crate) mod spent;

use std::time::Duration;

use longshore_model::deployment::DeploymentStatus;
use longshore_model::id::DeploymentId;
use longshore_model::lifecycle::LifecycleEventName;
use longshore_model::target::TargetStatus;
use longshore_model::time::Timestamp;

use crate::output::line::duration_text;

pub(crate) use read::{host_from_shape, progress_from_shape};

/// One deployment at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Progress {
    /// Which.
    pub(crate) id: DeploymentId,
    /// The application's name when it was made.
    pub(crate) application: String,
    /// The deployment group's name when it was made.
    pub(crate) group: String,
    /// The deployment config's name.
    pub(crate) config: String,
    /// Where the bundle is, for people.
    pub(crate) revision: String,
    /// Where it stands.
    pub(crate) status: DeploymentStatus,
    /// Why it failed or was stopped.
    pub(crate) error: Option<Cause>,
    /// When it was accepted.
    pub(crate) created_at: Option<Timestamp>,
    /// When it became final.
    pub(crate) completed_at: Option<Timestamp>,
    /// When the wait between zones ends in which it is, if the server says so.
    pub(crate) waits_until: Option<Timestamp>,
    /// The server's count of its hosts, once it has started.
    pub(crate) overview: Counts,
    /// Its hosts in scheduling order; empty until it has started, and where they were not asked for.
    pub(crate) hosts: Vec<HostProgress>,
}

/// A deployment's error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cause {
    /// The API's code, e.g. `HEALTH_CONSTRAINTS`.
    pub(crate) code: String,
    /// One or more sentences.
    pub(crate) message: String,
}

/// One host within the deployment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostProgress {
    /// Its name.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) status: TargetStatus,
    /// All its lifecycle events in run order.
    pub(crate) events: Vec<EventProgress>,
}

/// One lifecycle event on one host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventProgress {
    /// Which.
    pub(crate) name: LifecycleEventName,
    /// Where it stands.
    pub(crate) status: EventStatus,
    /// When the agent took it.
    pub(crate) started_at: Option<Timestamp>,
    /// When it ended.
    pub(crate) ended_at: Option<Timestamp>,
    /// How it ended, as the agent or the service put it.
    pub(crate) diagnostics: Option<Ending>,
}

/// Where a lifecycle event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventStatus {
    /// Not begun.
    Pending,
    /// The agent is at it.
    InProgress,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Will not run.
    Skipped,
}

/// What is known of an event's end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    /// `Success`, `ScriptFailed` and so on.
    pub(crate) code: String,
    /// The script at fault, or empty.
    pub(crate) script: String,
    /// One sentence.
    pub(crate) message: String,
    /// The end of the script's output, or empty.
    pub(crate) log_tail: String,
}

/// How many hosts are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) n_pending: usize,
    pub(crate) n_in_progress: usize,
    pub(crate) n_succeeded: usize,
    pub(crate) n_failed: usize,
    pub(crate) n_skipped: usize,
}

impl Progress {
    /// Hosts by status.
    pub(crate) fn counts(&self) -> Counts {
        // The hosts as they were read; the overview may be a moment younger.
        if self.hosts.is_empty() {
            return self.overview;
        }
        let mut counts = Counts::default();
        for host in &self.hosts {
            let count = match host.status {
                TargetStatus::Pending => &mut counts.n_pending,
                TargetStatus::InProgress => &mut counts.n_in_progress,
                TargetStatus::Succeeded => &mut counts.n_succeeded,
                TargetStatus::Failed => &mut counts.n_failed,
                TargetStatus::Skipped => &mut counts.n_skipped,
            };
            *count += 1;
        }
        counts
    }

    /// How long it has taken so far, or took.
    pub(crate) fn elapsed(&self, now: Timestamp) -> Duration {
        match self.created_at {
            Some(created_at) => self.completed_at.unwrap_or(now).since(created_at),
            None => Duration::ZERO,
        }
    }

    /// Its status for people: of a wait between zones also how long it still takes.
    pub(crate) fn status_text(&self, now: Timestamp) -> String {
        let left = self.waits_until.filter(|_| self.status == DeploymentStatus::Baking);
        match left {
            Some(until) if now < until => {
                format!("{}, next zone in {}", self.status.as_str(), duration_text(until.since(now)))
            }
            Some(_) | None => self.status.as_str().to_owned(),
        }
    }
}

impl HostProgress {
    /// The first event that failed.
    pub(crate) fn failed_event(&self) -> Option<&EventProgress> {
        self.events.iter().find(|event| event.status == EventStatus::Failed)
    }

    /// From the first event's start to the last one's end, or to `now` while it is in progress.
    pub(crate) fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        let started_at = self.events.iter().filter_map(|event| event.started_at).min()?;
        let ended_at = match self.status {
            TargetStatus::Pending | TargetStatus::InProgress => now,
            TargetStatus::Succeeded | TargetStatus::Failed | TargetStatus::Skipped => {
                self.events.iter().filter_map(|event| event.ended_at).max()?
            }
        };
        Some(ended_at.since(started_at))
    }
}

impl EventProgress {
    /// How long it took, once it has ended.
    pub(crate) fn took(&self) -> Option<Duration> {
        Some(self.ended_at?.since(self.started_at?))
    }
}

impl EventStatus {
    /// As the API spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            EventStatus::Pending => "Pending",
            EventStatus::InProgress => "InProgress",
            EventStatus::Succeeded => "Succeeded",
            EventStatus::Failed => "Failed",
            EventStatus::Skipped => "Skipped",
        }
    }

    /// The status spelled `name`; case matters.
    pub(crate) fn from_name(name: &str) -> Option<EventStatus> {
        [
            EventStatus::Pending,
            EventStatus::InProgress,
            EventStatus::Succeeded,
            EventStatus::Failed,
            EventStatus::Skipped,
        ]
        .into_iter()
        .find(|status| status.as_str() == name)
    }
}

/// A small notation for tests: `web-1:SSFKK.. web-2:.......`, one letter an event.
#[cfg(test)]
pub(crate) mod notation {
    use longshore_model::lifecycle::IN_PLACE;

    use super::*;

    /// `.` pending, `>` in progress, `S` succeeded, `F` failed, `K` skipped. Each event takes a second.
    pub(crate) fn host(text: &str) -> HostProgress {
        let (name, letters) = text.split_once(':').expect("NAME:EVENTS");
        let events: Vec<EventProgress> = letters
            .chars()
            .zip(IN_PLACE)
            .enumerate()
            .map(|(idx, (letter, name))| event(idx, letter, name))
            .collect();
        let has = |letter| letters.contains(letter);
        let status = match () {
            () if has('F') => TargetStatus::Failed,
            () if letters.chars().all(|letter| letter == 'S') => TargetStatus::Succeeded,
            () if letters.chars().all(|letter| letter == 'K') => TargetStatus::Skipped,
            () if letters.chars().all(|letter| letter == '.') => TargetStatus::Pending,
            () => TargetStatus::InProgress,
        };
        HostProgress { name: name.to_owned(), status, events }
    }

    fn event(idx: usize, letter: char, name: LifecycleEventName) -> EventProgress {
        let at = |secs: usize| Some(Timestamp::from_millis(i64::try_from(secs).expect("small") * 1000));
        let status = match letter {
            '.' => EventStatus::Pending,
            '>' => EventStatus::InProgress,
            'S' => EventStatus::Succeeded,
            'F' => EventStatus::Failed,
            'K' => EventStatus::Skipped,
            other => panic!("no event status is written `{other}`"),
        };
        let has_begun = matches!(letter, '>' | 'S' | 'F');
        let has_ended = matches!(letter, 'S' | 'F');
        let diagnostics = (letter == 'F').then(|| Ending {
            code: String::from("ScriptFailed"),
            script: String::from("scripts/start.sh"),
            message: String::from("Script at specified location: scripts/start.sh failed with exit code 1"),
            log_tail: String::from("[stdout]starting\n[stderr]port 80 is taken\n"),
        });
        EventProgress {
            name,
            status,
            started_at: at(idx).filter(|_| has_begun),
            ended_at: at(idx + 1).filter(|_| has_ended),
            diagnostics,
        }
    }

    /// A deployment in `status` with `hosts` in the notation, accepted at second 0.
    pub(crate) fn progress(status: DeploymentStatus, hosts: &str) -> Progress {
        Progress {
            id: DeploymentId::parse("d-A1B2C3D4E").expect("valid"),
            application: String::from("storefront"),
            group: String::from("production"),
            config: String::from("CodeDeployDefault.OneAtATime"),
            revision: String::from("s3://bundles/storefront.zip"),
            status,
            error: None,
            created_at: Some(Timestamp::from_millis(0)),
            completed_at: None,
            waits_until: None,
            overview: Counts::default(),
            hosts: hosts.split_whitespace().map(host).collect(),
        }
    }
}
