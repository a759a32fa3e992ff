//! What the agent tells the service about a command that is over: once, and until it is taken.
//!
//! A report is on disk before it is sent and stays there until the service has accepted or refused
//! it (I-01, I-02). So neither an outage nor a crash loses it or turns it into its opposite.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_wire::host_command::command_id::command_part;
use longshore_wire::sigv4::payload_sha256_hex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff;
use crate::service::CommandService;
use crate::state_file;

/// A command's end. There is exactly one for each command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The command.
    pub host_command_identifier: String,
    /// How it ended.
    pub status: TerminalStatus,
    /// The diagnostics, as they are sent.
    pub diagnostics: String,
}

impl Report {
    /// The command, whichever copy of it was taken.
    fn command(&self) -> &str {
        command_part(&self.host_command_identifier)
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TerminalStatus {
    /// Well.
    Succeeded,
    /// Badly.
    Failed,
}

impl TerminalStatus {
    /// As the protocol spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            TerminalStatus::Succeeded => "Succeeded",
            TerminalStatus::Failed => "Failed",
        }
    }
}

/// What became of one attempt to send a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// The service has it, or will never take it.
    Settled,
    /// Worth another attempt.
    Failed,
}

/// Sends reports, and keeps those that are not through yet.
#[derive(Debug)]
pub struct Reporter {
    directory: PathBuf,
    service: Arc<CommandService>,
    pending: Mutex<HashMap<String, Arc<Notify>>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Reporter {
    /// A reporter that keeps its reports in `directory`.
    /// At `shutdown` it stops retrying; the next start goes on.
    pub fn new(
        directory: PathBuf,
        service: Arc<CommandService>,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Reporter {
        Reporter { directory, service, pending: Mutex::default(), tasks, shutdown }
    }

    /// The reports that an earlier run of the agent could not get through. They count as pending.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn load(&self) -> io::Result<Vec<Report>> {
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut reports = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if state_file::is_unfinished(&name) {
                // Of an agent that died; nobody else writes here.
                state_file::remove(&path)?;
            }
            if !name.ends_with(".json") {
                continue;
            }
            match read(&path) {
                Ok(report) => reports.push(report),
                Err(error) => tracing::error!("Cannot read pending report {}: {error}", path.display()),
            }
        }
        let mut pending = self.pending();
        for report in &reports {
            pending.entry(report.command().to_owned()).or_default();
        }
        Ok(reports)
    }

    /// Whether a report about this command is still to be taken. If so it is tried again at once,
    /// because the service has just shown that it can be reached.
    /// `command` is the [part of its identifier](command_part) that all copies have.
    pub fn nudge(&self, command: &str) -> bool {
        let pending = self.pending();
        let Some(nudge) = pending.get(command) else { return false };
        nudge.notify_one();
        true
    }

    /// Puts a report on disk. From now on it is the only one for its command.
    ///
    /// A disk that does not take it is logged: sending it still may work.
    pub fn keep(&self, report: &Report) {
        self.pending().entry(report.command().to_owned()).or_default();
        if let Err(error) = self.write(report) {
            tracing::error!("Cannot keep the report of a command on disk: {error}");
        }
    }

    fn write(&self, report: &Report) -> io::Result<()> {
        std::fs::create_dir_all(&self.directory)?;
        let content = serde_json::to_vec(report).map_err(io::Error::other)?;
        state_file::write_durably(&self.path(report), &content)
    }

    /// Sends a kept report; returns after the first attempt and goes on in the background if need be.
    pub async fn send(self: &Arc<Self>, report: Report) {
        match self.attempt(&report).await {
            Attempt::Settled => self.settle(&report),
            Attempt::Failed => {
                let reporter = Arc::clone(self);
                self.tasks.spawn(async move { reporter.retry(&report).await });
            }
        }
    }

    async fn retry(&self, report: &Report) {
        let nudge = self.pending().entry(report.command().to_owned()).or_default().clone();
        for n_errors in 1.. {
            let pause = backoff::report_pause(n_errors, rand::random());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = nudge.notified() => {}
                () = self.shutdown.cancelled() => return,
            }
            match self.attempt(report).await {
                Attempt::Settled => return self.settle(report),
                Attempt::Failed => {}
            }
        }
    }

    async fn attempt(&self, report: &Report) -> Attempt {
        if report.status == TerminalStatus::Failed {
            tracing::info!("Calling PutHostCommandComplete: \"Code Error\" ");
        }
        match self.service.complete(report).await {
            Ok(()) => Attempt::Settled,
            // What is wrong with our keys or our clock says nothing about the report, so it is kept.
            Err(error) if error.is_refusal() => {
                tracing::error!("The service refused the report of a command: {error}");
                Attempt::Settled
            }
            Err(error) => {
                tracing::warn!("Cannot report the end of a command, will try again: {error}");
                Attempt::Failed
            }
        }
    }

    fn settle(&self, report: &Report) {
        if let Err(error) = state_file::remove(&self.path(report)) {
            tracing::error!("Cannot remove the report of a command: {error}");
        }
        self.pending().remove(report.command());
    }

    fn path(&self, report: &Report) -> PathBuf {
        // Identifiers are long and opaque; their digest is a file name.
        let digest = payload_sha256_hex(report.host_command_identifier.as_bytes());
        self.directory.join(format!("{}.json", &digest[..32]))
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> io::Result<Report> {
    serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other)
}
