//! The first thing an agent does: end what it was doing when it died. Source: agent.md §1.8, with I-10.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use longshore_model::evidence::Evidence;
use longshore_wire::host_command::diagnostics::{AgentErrorCode, CompletionReport};
use tokio::task::JoinSet;

use crate::execute::install;
use crate::failure::CommandFailure;
use crate::kept_failure::{self, FailedCommand};
use crate::layout::Layout;
use crate::report::{Report, Reporter, TerminalStatus};
use crate::tracker::{TrackedCommand, Tracker};

/// What the service shows for a command that died with the agent.
const MESSAGE: &str = "Failed: Failing in-progress lifecycle event after an agent restart.";

/// Finishes or undoes interrupted Installs, ends hooks that still run, and reports what is not yet
/// reported. Each report was sent once when this returns; what did not get through is retried.
pub async fn recover(layout: &Layout, tracker: &Tracker, reporter: &Arc<Reporter>, kill_grace: Duration) {
    recover_installs(layout).await;
    let mut reports = reporter.load().unwrap_or_else(|error| {
        tracing::error!("Cannot read pending reports: {error}");
        Vec::new()
    });
    let tracked = tracker.tracked(SystemTime::now()).unwrap_or_else(|error| {
        tracing::error!("Exception thrown during restart recovery: {error}");
        Vec::new()
    });
    if !tracked.is_empty() {
        tracing::warn!(
            "Deployment tracking file found: {}. The agent likely restarted while running a \
             customer-supplied script. Failing the lifecycle event.",
            layout.tracking().display()
        );
    }
    for command in &tracked {
        // A report on disk is the truth; the agent died before it could remove the tracking file.
        let is_reported =
            reports.iter().any(|report| report.host_command_identifier == command.host_command_identifier);
        end_process_group(command, kill_grace).await;
        if !is_reported {
            let failure = died_with_the_agent(command);
            let deployment_dir = layout.find_deployment(&command.deployment_id);
            let failed = FailedCommand {
                deployment: &command.deployment_id,
                name: None,
                deployment_dir: deployment_dir.as_deref(),
            };
            kept_failure::keep(layout, failed, &failure);
            let report = Report {
                host_command_identifier: command.host_command_identifier.clone(),
                status: TerminalStatus::Failed,
                diagnostics: failure.report.to_payload(),
            };
            reporter.keep(&report);
            reports.push(report);
        }
        if let Err(error) = tracker.untrack(&command.deployment_id) {
            tracing::error!("Cannot remove the tracking file of {}: {error}", command.deployment_id);
        }
    }
    let mut sending = JoinSet::new();
    for report in reports {
        let reporter = Arc::clone(reporter);
        sending.spawn(async move { reporter.send(report).await });
    }
    sending.join_all().await;
}

async fn recover_installs(layout: &Layout) {
    let root = layout.root().to_owned();
    match tokio::task::spawn_blocking(move || install::recover(&root)).await {
        Ok(Ok(sentences)) => {
            for sentence in sentences {
                tracing::warn!("{sentence}");
            }
        }
        Ok(Err(error)) => tracing::error!("Cannot recover an interrupted Install: {error}"),
        Err(error) => tracing::error!("The agent failed inside while recovering an Install: {error}"),
    }
}

async fn end_process_group(command: &TrackedCommand, kill_grace: Duration) {
    let Some(group) = &command.process_group else { return };
    if group.may_be_running() {
        tracing::warn!("Ending what deployment {} left running", command.deployment_id);
        group.terminate(kill_grace).await;
    }
}

fn died_with_the_agent(command: &TrackedCommand) -> CommandFailure {
    let process_group = command.process_group.as_ref().map(|group| group.id);
    CommandFailure {
        report: Box::new(CompletionReport {
            error_code: AgentErrorCode::FailedAfterRestart,
            ..CompletionReport::failed(MESSAGE)
        }),
        evidence: vec![Evidence::AgentRestarted { process_group }],
    }
}
