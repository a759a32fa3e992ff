//! One command, step by step. Source: agent.md §1.5.
//!
//! specification → no-op test → tracking file → acknowledgement → deed → report on disk → report sent.
//! A command that anything was done for ends in exactly one report.
//!
//! The tracking file comes before the acknowledgement (the original writes it after): from then on the
//! service waits for nobody but this agent, for an hour, so whatever kills the agent must leave a trace.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_model::evidence::Evidence;
use longshore_wire::host_command::DEPLOYMENT_SYSTEM;
use longshore_wire::host_command::diagnostics::CompletionReport;
use longshore_wire::host_command::specification::Specification;
use tokio::sync::Notify;

use crate::execute::Executor;
use crate::failure::{self, CommandFailure, Evident};
use crate::kept_failure::{self, FailedCommand};
use crate::patience::patiently;
use crate::report::{Report, Reporter, TerminalStatus};
use crate::service::{CallError, CommandService};
use crate::specification::SpecificationReader;
use crate::tracker::Tracker;

/// The waits before writing a tracking file is tried again. Source: agent.md §4.1.
const TRACKING_RETRIES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];

/// How long an outage of the service may last before a command that is not yet acknowledged fails.
/// As long as the service waits for an acknowledgement. Source: service.md §8.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A command whose poll answer was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCommand {
    /// Opaque; [its part](longshore_wire::host_command::command_id::command_part) is the same for every delivery
    /// of this command.
    pub identifier: String,
    /// What to do.
    pub name: String,
    /// What to ask the specification with.
    pub deployment_execution_id: String,
}

/// Runs commands from specification to report.
#[derive(Debug)]
pub struct Runner {
    /// Asked for the specification, told the acknowledgement.
    pub service: Arc<CommandService>,
    /// Opens specifications.
    pub specifications: SpecificationReader,
    /// Does the deeds.
    pub executor: Executor,
    /// Knows on disk what runs.
    pub tracker: Tracker,
    /// Brings the end of commands to the service.
    pub reporter: Arc<Reporter>,
    /// Makes commands of one deployment group run one after the other (I-49).
    pub groups: GroupLocks,
    /// How long an outage may last before a command is acknowledged; [`PATIENCE`].
    pub patience: Duration,
    /// Told when a command was acknowledged or is over, because the next poll may then find another.
    pub progress: Arc<Notify>,
}

/// What an acknowledged command needs.
enum Next {
    /// Do it.
    Execute,
    /// Report that there was nothing to do.
    ReportNoop,
    /// Send this report, which is on disk.
    Send(Report),
    /// The service has ended it already.
    Nothing,
}

impl Runner {
    /// Runs one command to its end. Its report is on disk and was sent once when this returns.
    pub async fn run(&self, command: &HostCommand) {
        let report = match self.specification(command).await {
            Ok(spec) => self.take_turn(command, &spec).await,
            Err(failure) => Some(self.refuse(command, None, failure)),
        };
        if let Some(report) = report {
            self.reporter.send(report).await;
        }
        self.progress.notify_one();
    }

    /// One command of a deployment group after the other, from before the tracking file to after the
    /// report is on disk: the file is the deployment's, so two commands of one would share it (I-49).
    async fn take_turn(&self, command: &HostCommand, spec: &Specification) -> Option<Report> {
        let group = self.groups.of(&spec.deployment_group_id);
        let _turn = group.lock().await;
        match self.prepare(command, spec).await {
            Ok(Next::Execute) => Some(self.execute_tracked(command, spec).await),
            Ok(Next::ReportNoop) => {
                let report = CompletionReport::succeeded("CompletedNoopCommand");
                Some(self.keep_report(command, Ok(report)))
            }
            Ok(Next::Send(report)) => Some(report),
            Ok(Next::Nothing) => None,
            Err(failure) => Some(self.refuse(command, Some(spec), failure)),
        }
    }

    /// Reports a command as failed that could not be run for reasons of the agent's own.
    pub async fn fail(&self, command: &HostCommand, message: String) {
        let report = self.refuse(command, None, CompletionReport::failed(message).into());
        self.reporter.send(report).await;
    }

    /// Puts the one report of a command on disk.
    fn keep_report(&self, command: &HostCommand, end: Result<CompletionReport, CommandFailure>) -> Report {
        let (status, mut completion) = match end {
            Ok(completion) => (TerminalStatus::Succeeded, completion),
            Err(failure) => {
                tracing::error!("A command failed: {}", failure.report.message);
                (TerminalStatus::Failed, *failure.report)
            }
        };
        // AWS's service gets what its own agent sends, to the byte.
        if !self.service.takes_script_times() {
            completion.scripts.clear();
        }
        let report = Report {
            host_command_identifier: command.identifier.clone(),
            status,
            diagnostics: completion.to_payload(),
        };
        self.reporter.keep(&report);
        report
    }

    /// The same for a command that failed before it was carried out, and what was seen: the executor keeps
    /// only what it has seen itself.
    fn refuse(&self, command: &HostCommand, spec: Option<&Specification>, failure: CommandFailure) -> Report {
        let deployment_dir = spec.map(|spec| self.executor.deployment_dir(spec));
        let failed = FailedCommand {
            deployment: spec.map_or(&command.deployment_execution_id, |spec| &spec.deployment_id),
            name: Some(&command.name),
            deployment_dir: deployment_dir.as_deref(),
        };
        kept_failure::keep(&self.executor.layout, failed, &failure);
        self.keep_report(command, Err(failure))
    }

    async fn prepare(&self, command: &HostCommand, spec: &Specification) -> Result<Next, CommandFailure> {
        let is_noop = self.executor.is_noop(&command.name, spec)?;
        if is_noop {
            tracing::info!(
                "Noop check completed for command {}, all lifecycle events are noops.",
                command.name
            );
        }
        self.acknowledge(command, spec, is_noop).await
    }

    /// Takes the command, with its tracking file in place before the service hears of it.
    async fn acknowledge(
        &self,
        command: &HostCommand,
        spec: &Specification,
        is_noop: bool,
    ) -> Result<Next, CommandFailure> {
        let deployment_id = &spec.deployment_id;
        if let Err(error) = self.track(deployment_id, &command.identifier).await {
            let message = format!("cannot write the tracking file of {deployment_id}: {error}");
            let evidence = failure::system_refusal(Some(&self.tracker.file(deployment_id)), &error);
            return Err(CommandFailure { evidence, ..CompletionReport::failed(message).into() });
        }
        let is_unsure = AtomicBool::new(false);
        let acknowledge = || self.service.acknowledge(&command.identifier, is_noop, &is_unsure);
        let status = patiently(self.patience, CallError::is_transient, acknowledge).await;
        self.progress.notify_one();
        match status.map_err(refused) {
            // A second copy, which another has taken or ended; unless the other is ourselves, a moment ago.
            // A copy of what this agent began before does not come here: see `poll::in_flight` and
            // `recovery`.
            Ok(status) if status.as_deref() == Some("Succeeded") && !is_unsure.load(Ordering::Relaxed) => {
                self.untrack(deployment_id);
                Ok(Next::Nothing)
            }
            Ok(status) if status.as_deref() == Some("Failed") => {
                self.untrack(deployment_id);
                self.after_failed_acknowledgement(command).await
            }
            Ok(_) => Ok(Next::Execute),
            Err(failure) => {
                let report = self.refuse(command, Some(spec), failure);
                self.untrack(deployment_id);
                Ok(Next::Send(report))
            }
        }
    }

    async fn after_failed_acknowledgement(&self, command: &HostCommand) -> Result<Next, CommandFailure> {
        let name = &command.name;
        tracing::info!("Received Failed for command {name}, checking whether command is a noop...");
        let spec = self.specification(command).await?;
        if self.executor.is_noop(name, &spec)? { Ok(Next::ReportNoop) } else { Ok(Next::Nothing) }
    }

    async fn specification(&self, command: &HostCommand) -> Result<Specification, CommandFailure> {
        let ask = || self.service.specification(&command.deployment_execution_id);
        let output = patiently(self.patience, CallError::is_transient, ask).await.map_err(refused)?;
        let system = output.deployment_system.unwrap_or_default();
        if system != DEPLOYMENT_SYSTEM {
            let message = format!("Deployment System mismatch: {DEPLOYMENT_SYSTEM} != {system}");
            return Err(unusable(message, "deployment_system", vec![failure::cut(&system)]));
        }
        let Some(specification) = output.deployment_specification else {
            let message = "Deployment Specification missing".to_owned();
            return Err(unusable(message, "specification_missing", Vec::new()));
        };
        let opened = self.specifications.open(specification.generic_envelope.as_ref());
        opened.map_err(|error| CommandFailure::of(&error))
    }

    /// Executes a tracked command; its tracking file goes only when the report is on disk.
    async fn execute_tracked(&self, command: &HostCommand, spec: &Specification) -> Report {
        let deployment_id = &spec.deployment_id;
        tracing::info!("Running {} of deployment {deployment_id}", command.name);
        let end = self.executor.execute(&command.name, spec).await;
        let report = self.keep_report(command, end);
        self.untrack(deployment_id);
        report
    }

    fn untrack(&self, deployment_id: &str) {
        if let Err(error) = self.tracker.untrack(deployment_id) {
            tracing::error!("Cannot remove the tracking file of {deployment_id}: {error}");
        }
    }

    async fn track(&self, deployment_id: &str, identifier: &str) -> io::Result<()> {
        for pause in TRACKING_RETRIES {
            match self.tracker.track(deployment_id, identifier) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    tracing::warn!(
                        "Cannot write the tracking file of {deployment_id}, trying again: {error}"
                    );
                    tokio::time::sleep(pause).await;
                }
                result => return result,
            }
        }
        self.tracker.track(deployment_id, identifier)
    }
}

fn refused(error: CallError) -> CommandFailure {
    CommandFailure { evidence: error.evidence(), ..CompletionReport::failed(error.sentence()).into() }
}

/// An answer of the service that is none to work with.
fn unusable(message: String, rule: &str, subjects: Vec<String>) -> CommandFailure {
    let evidence = vec![Evidence::RuleBroken { rule: rule.to_owned(), subjects }];
    CommandFailure { evidence, ..CompletionReport::failed(message).into() }
}

/// One lock for each deployment group.
#[derive(Debug, Default)]
pub struct GroupLocks {
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl GroupLocks {
    fn of(&self, deployment_group_id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        // Groups come and go over the years of an agent; those without a command are forgotten.
        locks.retain(|_, lock| 1 < Arc::strong_count(lock));
        Arc::clone(locks.entry(deployment_group_id.to_owned()).or_default())
    }
}
