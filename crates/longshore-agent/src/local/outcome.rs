//! What became of a local deployment: a timeline for people, a document for programs.

use std::path::PathBuf;
use std::time::Duration;

use longshore_model::evidence::Evidence;
use serde::{Serialize, Serializer};

use crate::execute::install::Preview;
use crate::failure::CommandFailure;

/// How wide the longest bar is.
const BAR_WIDTH: usize = 30;

/// What became of a local deployment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) deployment_id: String,
    pub(super) deployment_group_id: String,
    pub(super) deployment_dir: PathBuf,
    pub(super) status: Status,
    /// What Install was about to do, when that could be found out.
    pub(super) plan: Option<Preview>,
    /// In the order in which they were to run.
    pub(super) events: Vec<EventRun>,
    /// Why it failed.
    pub(super) error: Option<Failure>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct EventRun {
    pub(super) name: String,
    pub(super) status: Status,
    /// Since the deployment began.
    #[serde(rename = "begin_ms", serialize_with = "as_millis")]
    pub(super) begin: Duration,
    #[serde(rename = "duration_ms", serialize_with = "as_millis")]
    pub(super) duration: Duration,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Well.
    Succeeded,
    /// There was nothing to do.
    Nothing,
    /// Badly.
    Failed,
    /// It did not begin, because one before it failed.
    Skipped,
}

/// Why a deployment failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    /// `None` when it did not come to any event.
    pub(super) event: Option<String>,
    pub(super) error_code: i64,
    pub(super) script_name: String,
    pub(super) message: String,
    pub(super) log: String,
    pub(super) evidence: Vec<Evidence>,
}

impl Failure {
    pub(super) fn of(event: &str, failure: CommandFailure) -> Failure {
        let CommandFailure { report, evidence } = failure;
        Failure {
            event: Some(event.to_owned()),
            error_code: report.error_code.number(),
            script_name: report.script_name,
            message: report.message,
            log: report.log,
            evidence,
        }
    }
}

fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Status::Succeeded => "ok",
            Status::Nothing => "nothing to do",
            Status::Failed => "FAILED",
            Status::Skipped => "skipped",
        }
    }
}

/// One line an event: how it ended, how long it took, and when that was.
pub(super) fn timeline(events: &[EventRun]) -> Vec<String> {
    let total = events.iter().map(|event| event.begin + event.duration).max().unwrap_or_default();
    let width = |longest: Option<usize>, title: &str| longest.unwrap_or_default().max(title.len());
    let names = width(events.iter().map(|event| event.name.len()).max(), "event");
    let states = width(events.iter().map(|event| event.status.as_str().len()).max(), "result");
    let mut lines = vec![format!("{:names$}  {:states$}  {:>9}", "event", "result", "time")];
    for event in events {
        let (name, state) = (&event.name, event.status.as_str());
        let line = match event.status {
            Status::Skipped | Status::Nothing => format!("{name:names$}  {state}"),
            Status::Succeeded | Status::Failed => {
                let time = format!("{:.2} s", event.duration.as_secs_f64());
                format!("{name:names$}  {state:states$}  {time:>9}  {}", bar(event, total))
            }
        };
        lines.push(line);
    }
    lines
}

/// Where the event lies in the whole time; at least one sign long.
fn bar(event: &EventRun, total: Duration) -> String {
    let share = |time: Duration| {
        let share = time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
        ((share * BAR_WIDTH as f64).round() as usize).min(BAR_WIDTH)
    };
    let begin = share(event.begin).min(BAR_WIDTH - 1);
    let end = share(event.begin + event.duration).max(begin + 1);
    format!("{}{}", " ".repeat(begin), "=".repeat(end - begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, status: Status, begin: u64, duration: u64) -> EventRun {
        let millis = Duration::from_millis;
        EventRun { name: name.to_owned(), status, begin: millis(begin), duration: millis(duration) }
    }

    #[test]
    fn a_timeline_shows_how_long_each_event_took_and_when() {
        let events = [
            event("ApplicationStop", Status::Nothing, 0, 0),
            event("DownloadBundle", Status::Succeeded, 0, 500),
            event("Install", Status::Succeeded, 500, 1),
            event("AfterInstall", Status::Failed, 501, 999),
            event("ValidateService", Status::Skipped, 0, 0),
        ];
        let expected = [
            "event            result              time",
            "ApplicationStop  nothing to do",
            "DownloadBundle   ok                0.50 s  ==========",
            "Install          ok                0.00 s            =",
            "AfterInstall     FAILED            1.00 s            ====================",
            "ValidateService  skipped",
        ];
        assert_eq!(timeline(&events), expected);
    }

    #[test]
    fn a_timeline_without_any_time_is_readable_too() {
        let shown = timeline(&[event("Install", Status::Succeeded, 0, 0)]);
        assert_eq!(shown, ["event    result       time", "Install  ok         0.00 s  ="]);
    }
}
