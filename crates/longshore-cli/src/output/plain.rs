//! Changes as lines for pipes and logs, and as JSON lines for programs.

use longshore_model::time::Timestamp;
use serde::Serialize;

use super::board::{counts_text, status_tone};
use super::json;
use super::line::{Line, Tone, duration_text};
use crate::progress::change::Change;
use crate::progress::{EventStatus, Progress};

/// One change as a line: `web-2  BeforeInstall  Succeeded  0.3 s`.
pub(crate) fn change_line(change: &Change, progress: &Progress, now: Timestamp) -> Line {
    match change {
        Change::Deployment { status } if status.is_final() => Line::of(Tone::Strong, progress.id.as_str())
            .then(status_tone(*status), format!("  {}", status.as_str()))
            .then(Tone::Plain, format!("  {}", counts_text(progress.counts())))
            .then(Tone::Faint, format!("  {}", duration_text(progress.elapsed(now)))),
        // The change is the one to the status that the progress shows.
        Change::Deployment { status } => Line::of(Tone::Strong, progress.id.as_str())
            .then(status_tone(*status), format!("  {}", progress.status_text(now))),
        Change::Event { host, event } => {
            let tone = match event.status {
                EventStatus::Pending | EventStatus::Skipped => Tone::Faint,
                EventStatus::InProgress => Tone::Busy,
                EventStatus::Succeeded => Tone::Good,
                EventStatus::Failed => Tone::Bad,
            };
            let took = event.took().map(|took| format!("  {}", duration_text(took))).unwrap_or_default();
            Line::of(Tone::Strong, host.as_str())
                .then(Tone::Plain, format!("  {}", event.name.as_str()))
                .then(tone, format!("  {}", event.status.as_str()))
                .then(Tone::Faint, took)
        }
        Change::Host { host, status } => {
            Line::of(Tone::Strong, host.as_str()).then(Tone::Plain, format!("  host  {}", status.as_str()))
        }
    }
}

/// One change as a JSON line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum ChangeDocument<'a> {
    /// The deployment's status.
    #[serde(rename_all = "camelCase")]
    Deployment { deployment_id: &'a str, status: &'static str },
    /// A lifecycle event's status.
    #[serde(rename_all = "camelCase")]
    Event { deployment_id: &'a str, host: &'a str, event: json::Event<'a> },
    /// A host's status.
    #[serde(rename_all = "camelCase")]
    Host { deployment_id: &'a str, host: &'a str, status: &'static str },
}

/// `change` of the deployment `deployment_id`, for programs.
pub(crate) fn change_document<'a>(change: &'a Change, deployment_id: &'a str) -> ChangeDocument<'a> {
    match change {
        Change::Deployment { status } => {
            ChangeDocument::Deployment { deployment_id, status: status.as_str() }
        }
        Change::Event { host, event } => {
            ChangeDocument::Event { deployment_id, host, event: json::Event::of(event) }
        }
        Change::Host { host, status } => {
            ChangeDocument::Host { deployment_id, host, status: status.as_str() }
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_model::deployment::DeploymentStatus;

    use super::super::line::Palette;
    use super::*;
    use crate::progress::change::changes;
    use crate::progress::notation::progress;

    #[test]
    fn a_pipe_gets_a_line_per_change() {
        let before = progress(DeploymentStatus::InProgress, "web-1:S>.....");
        let after = progress(DeploymentStatus::Failed, "web-1:SFKKKKK");
        let now = Timestamp::from_millis(5000);
        let lines: Vec<String> = changes(Some(&before), &after)
            .iter()
            .map(|change| change_line(change, &after, now).render(Palette::Mono, None))
            .collect();
        assert_eq!(
            lines,
            [
                "web-1  DownloadBundle  Failed  1.0 s",
                "web-1  host  Failed",
                "d-A1B2C3D4E  Failed  1 failed  5.0 s"
            ]
        );
    }

    #[test]
    fn a_program_gets_an_object_per_change() {
        let before = progress(DeploymentStatus::InProgress, "web-1:S......");
        let after = progress(DeploymentStatus::InProgress, "web-1:S>.....");
        let told = changes(Some(&before), &after);
        let document = serde_json::to_string(&change_document(&told[0], "d-A1B2C3D4E")).expect("JSON");
        assert_eq!(
            document,
            r#"{"type":"event","deploymentId":"d-A1B2C3D4E","host":"web-1","event":{"name":"DownloadBundle","status":"InProgress","startTime":1.0}}"#
        );
    }
}
