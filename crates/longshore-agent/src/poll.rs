//! The poll loop: one poll outstanding, commands handed to tasks of their own. Source: agent.md §1.4.
//!
//! After a command was handed out the next poll follows at once; `wait_between_runs` is slept only
//! after an empty or failed poll.

mod in_flight;

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_wire::host_command::command_id::command_part;
use longshore_wire::host_command::shapes::HostCommandInstance;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::FailedPolls;
use crate::command::{HostCommand, Runner};
use crate::memory;
use crate::service::{CallError, CommandService};
use crate::service_manager::StatusLine;
use in_flight::InFlight;

/// Commands that run at the same time; more wait for their turn.
const MAX_RUNNING: usize = 16;

/// A poll that has waited this long for its answer may wait for minutes: the host has nothing to do.
const QUIET: Duration = Duration::from_secs(1);

/// Why a poll brought nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A command for another host (I-09).
    #[error("Host Identifier mismatch: {own} != {got}")]
    HostIdentifier {
        /// Of this host.
        own: String,
        /// In the answer.
        got: String,
    },
    /// A command without a name.
    #[error("Command Name missing")]
    NoName,
    /// A command that could be neither asked about nor reported.
    #[error("{0} missing")]
    NoIdentifier(&'static str),
}

/// The service's certificate was not believed at the first contact.
#[derive(Debug, thiserror::Error)]
#[error("Stopping CodeDeploy agent due to SSL validation error.")]
pub struct CertificateRefused;

/// What to do after a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// Poll again.
    AtOnce,
    /// Wait this long; a command that gets on ends the wait, as the next one may be there then.
    Pause(Duration),
}

/// Polls until it is told to stop.
pub struct Poller {
    service: Arc<CommandService>,
    runner: Arc<Runner>,
    wait_between_runs: Duration,
    n_runs_left: Option<u64>,
    status: StatusLine,
    in_flight: InFlight,
    slots: Arc<Semaphore>,
    failed_polls: FailedPolls,
    has_succeeded: bool,
    chance: Box<dyn FnMut() -> f64 + Send>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Poller").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

impl Poller {
    /// A poller that hands its commands to `runner`, on `tasks`, until `shutdown`.
    /// It ends of itself after `max_runs` polls. `chance` draws numbers from 0 to 1.
    pub fn new(
        service: Arc<CommandService>,
        runner: Arc<Runner>,
        wait_between_runs: Duration,
        max_runs: Option<u64>,
        chance: Box<dyn FnMut() -> f64 + Send>,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Poller {
        let slots = Arc::new(Semaphore::new(MAX_RUNNING));
        let in_flight = InFlight::default();
        Poller {
            service,
            runner,
            wait_between_runs,
            n_runs_left: max_runs,
            status: StatusLine::default(),
            in_flight,
            slots,
            failed_polls: FailedPolls::default(),
            has_succeeded: false,
            chance,
            tasks,
            shutdown,
        }
    }

    /// Polls until shutdown, which aborts the poll under way (I-05). Running commands go on.
    ///
    /// # Errors
    /// [`CertificateRefused`] when that is how the first contact ends.
    pub async fn run(mut self) -> Result<(), CertificateRefused> {
        let shutdown = self.shutdown.clone();
        while !shutdown.is_cancelled() && self.takes_another_run() {
            let started = Instant::now();
            let polled = tokio::select! {
                // An answer that has arrived is taken even at the moment of the shutdown.
                biased;
                polled = poll_quietly(&self.service) => polled,
                () = shutdown.cancelled() => return Ok(()),
            };
            self.check_first_contact(&polled)?;
            let handed_out = polled.map_err(PollError::from).and_then(|command| self.hand_out(command));
            let after = self.after(handed_out, started.elapsed());
            self.pause(after).await;
        }
        Ok(())
    }

    fn takes_another_run(&mut self) -> bool {
        let Some(n_runs_left) = &mut self.n_runs_left else { return true };
        let is_one_left = 0 < *n_runs_left;
        if !is_one_left {
            tracing::info!("max_runs_per_worker is reached, making way for a new worker");
        }
        *n_runs_left = n_runs_left.saturating_sub(1);
        is_one_left
    }

    /// A certificate that was good before may be back soon; one that never was is a wrong set-up (I-50).
    fn check_first_contact<T>(&mut self, polled: &Result<T, CallError>) -> Result<(), CertificateRefused> {
        match polled {
            Ok(_) => self.has_succeeded = true,
            Err(error) if error.is_certificate() && !self.has_succeeded => {
                tracing::error!(
                    "Error during certificate verification on codedeploy endpoint {}: {}",
                    self.service.endpoint(),
                    error.sentence()
                );
                tracing::error!("Error validating the SSL configuration: Invalid server certificate");
                return Err(CertificateRefused);
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Starts the command of a poll's answer; says whether there was a new one.
    fn hand_out(&self, instance: Option<HostCommandInstance>) -> Result<bool, PollError> {
        let Some(instance) = instance else { return Ok(false) };
        let command = checked(instance, self.service.host_identifier())?;
        // Of two copies of one command only one concerns us, whatever the service says to the other.
        let of_all_copies = command_part(&command.identifier);
        if self.runner.reporter.nudge(of_all_copies) {
            tracing::info!("Command {} is over, its report is on the way", command.name);
            return Ok(false);
        }
        let Some(guard) = self.in_flight.begin(of_all_copies) else {
            tracing::info!("Command {} is running already, skipping its second delivery", command.name);
            return Ok(false);
        };
        let (runner, slots) = (Arc::clone(&self.runner), Arc::clone(&self.slots));
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move {
            let _guard = guard;
            let _slot = slots.acquire_owned().await;
            run_guarded(runner, command, &tasks).await;
        });
        Ok(true)
    }

    fn after(&mut self, handed_out: Result<bool, PollError>, elapsed: Duration) -> After {
        match handed_out {
            Ok(is_new) => {
                self.failed_polls.succeeded();
                self.status.show(&self.in_flight.summary());
                if is_new { After::AtOnce } else { After::Pause(self.wait_between_runs) }
            }
            Err(error) => {
                log_failure(&error);
                self.status.show(&format!("Cannot poll for commands: {error}"));
                let back_off = self.failed_polls.failed(elapsed, (self.chance)());
                tracing::debug!("Sleeping {} seconds.", back_off.as_secs());
                After::Pause(back_off + self.wait_between_runs)
            }
        }
    }

    async fn pause(&mut self, after: After) {
        let After::Pause(pause) = after else { return };
        let has_failed = self.failed_polls.is_failing();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.runner.progress.notified(), if !has_failed => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}

/// Polls. While nothing is to be done, memory that is free is the system's.
async fn poll_quietly(service: &CommandService) -> Result<Option<HostCommandInstance>, CallError> {
    let mut poll = std::pin::pin!(service.poll());
    tokio::select! {
        biased;
        polled = &mut poll => return polled,
        () = tokio::time::sleep(QUIET) => memory::give_back(),
    }
    poll.await
}

/// Runs a command; should the agent fail inside, the command is still reported.
async fn run_guarded(runner: Arc<Runner>, command: HostCommand, tasks: &TaskTracker) {
    let (inner_runner, inner_command) = (Arc::clone(&runner), command.clone());
    let ended = tasks.spawn(async move { inner_runner.run(&inner_command).await }).await;
    if let Err(error) = ended {
        tracing::error!("The agent failed inside while running {}: {error}", command.name);
        runner.fail(&command, format!("the agent failed inside: {error}")).await;
    }
}

/// The command of a poll's answer, if it is one for this host.
fn checked(instance: HostCommandInstance, own: &str) -> Result<HostCommand, PollError> {
    let got = instance.host_identifier.unwrap_or_default();
    let own_tail = own.rsplit_once('/').map_or(own, |(_, tail)| tail);
    if got != own && (got != own_tail || got.is_empty()) {
        return Err(PollError::HostIdentifier { own: own.to_owned(), got });
    }
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let missing = PollError::NoIdentifier;
    Ok(HostCommand {
        name: given(instance.command_name).ok_or(PollError::NoName)?,
        identifier: given(instance.host_command_identifier)
            .ok_or_else(|| missing("Host Command Identifier"))?,
        deployment_execution_id: given(instance.deployment_execution_id)
            .ok_or_else(|| missing("Deployment Execution Id"))?,
    })
}

/// The lines that operators of the original search for.
fn log_failure(error: &PollError) {
    let (class, sentence) = match error {
        PollError::Call(error) => (error.class().to_owned(), error.sentence()),
        PollError::HostIdentifier { .. } | PollError::NoName | PollError::NoIdentifier(_) => {
            ("RuntimeError".to_owned(), error.to_string())
        }
    };
    tracing::error!("Error polling for host commands: {class} - {sentence} - {error:?}");
    match error {
        PollError::Call(CallError::Credentials(_)) => tracing::error!(
            "Missing credentials - please check if this instance was started with an IAM instance profile"
        ),
        PollError::Call(error) if error.is_certificate() => {
            tracing::error!("Network error: {sentence} (certificate verify failed)");
            tracing::error!("Failed to execute the command. Your certificates might have been deleted");
        }
        PollError::Call(error) if error.is_network() => tracing::error!("Network error: {sentence}"),
        PollError::Call(_) => tracing::error!("Cannot reach InstanceService: {class} - {sentence}"),
        PollError::HostIdentifier { .. } | PollError::NoName | PollError::NoIdentifier(_) => {
            tracing::error!("Error during perform: {class} - {sentence}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "arn:aws:iam::111122223333:user/on-prem-host-1";

    #[track_caller]
    fn check(host_identifier: &str, name: &str, expected: &str) {
        let instance = HostCommandInstance {
            host_identifier: Some(host_identifier.to_owned()),
            command_name: Some(name.to_owned()),
            host_command_identifier: Some("hc-1".to_owned()),
            deployment_execution_id: Some("a/r/d/h".to_owned()),
            nonce: None,
        };
        let shown = checked(instance, OWN).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        assert_eq!(shown, expected, "{host_identifier:?} {name:?}");
    }

    #[test]
    fn a_command_is_for_the_own_identifier_or_its_last_part() {
        check(OWN, "Install", "ok");
        check("on-prem-host-1", "Install", "ok");
        for other in ["host-1", "on-prem-host", "user/on-prem-host-1", "arn", "", "another"] {
            check(other, "Install", &format!("Host Identifier mismatch: {OWN} != {other}"));
        }
    }

    #[test]
    fn a_command_has_a_name() {
        check(OWN, "", "Command Name missing");
    }
}
