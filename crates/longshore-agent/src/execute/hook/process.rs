//! A running script: its session, its outputs and its deadline.

use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use longshore_model::evidence::OutputSlice;
use tokio::process::Child;
use tokio::time::{Instant, timeout, timeout_at};

use super::log::SharedLog;
use super::output::{HeldOutput, Reader, Stream};
use super::session;
use crate::config::HookSupervision;
use crate::execute::environment::HookEnvironment;
use crate::process_group::ProcessGroup;

/// How long after a script's exit its children may take to close what they have inherited; also how long
/// the kernel may take to hand over the exit of a script that was killed.
const SETTLE: Duration = Duration::from_millis(500);

/// How long a script may run, and what becomes of what it leaves behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) timeout: Duration,
    pub(super) kill_grace: Duration,
    pub(super) supervision: HookSupervision,
}

/// A script that did not end well.
#[derive(Debug)]
pub(super) struct FailedRun {
    pub(super) cause: Cause,
    /// The outputs that were still open, and by whom.
    pub(super) held: Vec<HeldOutput>,
    /// What it printed.
    pub(super) output: Option<OutputSlice>,
}

/// Why a script failed that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    TimedOut,
    /// It ended, but something else keeps this output open.
    OutputOpen(Stream, ExitStatus),
    Exit(ExitStatus),
}

/// A script that was started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: ProcessGroup,
    readers: [Reader; 2],
    begin_byte: Option<u64>,
    log: Arc<SharedLog>,
}

impl Process {
    /// Starts a command line in a session of its own, with its output going to `log`.
    pub(super) async fn start(
        words: &[OsString],
        environment: &HookEnvironment,
        log: &Arc<SharedLog>,
    ) -> io::Result<Process> {
        let begin_byte = log.position();
        let mut child = session::start(words, environment).await?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let (Some(id), Some(stdout), Some(stderr)) = (id, child.stdout.take(), child.stderr.take()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let group = ProcessGroup::of_child(id, environment.marks());
        let read = |stream, pipe| Reader::start(stream, pipe, log);
        let stdout = stdout.into_owned_fd().and_then(|pipe| read(Stream::Stdout, pipe));
        let stderr = stderr.into_owned_fd().and_then(|pipe| read(Stream::Stderr, pipe));
        match (stdout, stderr) {
            (Ok(stdout), Ok(stderr)) => {
                let readers = [stdout, stderr];
                Ok(Process { child, group, readers, begin_byte, log: Arc::clone(log) })
            }
            (Err(error), _) | (_, Err(error)) => {
                group.terminate_child(Duration::ZERO).await;
                Err(error)
            }
        }
    }

    /// Its process group, whose leader it is.
    pub(super) fn group(&self) -> &ProcessGroup {
        &self.group
    }

    /// Waits for the end of the script and, as far as `limits` says so, of its outputs; all within one
    /// deadline. Answers the outputs that a successful script left open.
    pub(super) async fn wait(mut self, limits: Limits) -> Result<Vec<HeldOutput>, FailedRun> {
        let deadline = Instant::now() + limits.timeout;
        let ended = match timeout_at(deadline, self.child.wait()).await {
            Ok(Ok(status)) => self.after_exit(status, deadline, limits).await,
            // Nobody else waits for it, so an exit that cannot be learned is one that does not come.
            Ok(Err(_)) | Err(_) => {
                self.group.terminate_child(limits.kill_grace).await;
                // A process in an uninterruptible wait is left to the runtime, which reaps it when it ends.
                let _ = timeout(SETTLE, self.child.wait()).await;
                Err((Cause::TimedOut, Vec::new()))
            }
        };
        for reader in self.readers {
            reader.finish().await;
        }
        let output = self.log.slice_since(self.begin_byte);
        ended.map_err(|(cause, held)| FailedRun { cause, held, output })
    }

    async fn after_exit(
        &mut self,
        status: ExitStatus,
        deadline: Instant,
        limits: Limits,
    ) -> Result<Vec<HeldOutput>, (Cause, Vec<HeldOutput>)> {
        match limits.supervision {
            HookSupervision::Compatible => self.wait_for_outputs(status, deadline).await,
            HookSupervision::Supervised if status.success() => {
                self.open_output(Instant::now() + SETTLE).await;
                let held = self.held_outputs().await;
                self.note(&held);
                Ok(held)
            }
            HookSupervision::Supervised => {
                self.group.terminate_child(limits.kill_grace).await;
                Err((Cause::Exit(status), Vec::new()))
            }
        }
    }

    /// The original's rule: an output that is open at the deadline fails the script, whatever its exit
    /// code. Who holds it is told at once, because the deadline may be an hour away.
    async fn wait_for_outputs(
        &mut self,
        status: ExitStatus,
        deadline: Instant,
    ) -> Result<Vec<HeldOutput>, (Cause, Vec<HeldOutput>)> {
        if self.open_output(deadline.min(Instant::now() + SETTLE)).await.is_some() {
            for held in self.held_outputs().await {
                tracing::warn!("A script has ended, but its {}: waiting for it", held.sentence());
            }
        }
        if let Some(stream) = self.open_output(deadline).await {
            let held = self.held_outputs().await;
            self.note(&held);
            return Err((Cause::OutputOpen(stream, status), held));
        }
        if status.success() { Ok(Vec::new()) } else { Err((Cause::Exit(status), Vec::new())) }
    }

    /// The first output that is still open at `deadline`: one deadline for both.
    async fn open_output(&mut self, deadline: Instant) -> Option<Stream> {
        for reader in &mut self.readers {
            if !reader.is_closed_by(deadline).await {
                return Some(reader.stream);
            }
        }
        None
    }

    async fn held_outputs(&mut self) -> Vec<HeldOutput> {
        let mut held = Vec::new();
        for reader in &mut self.readers {
            if !reader.is_closed_by(Instant::now()).await {
                held.push(reader.held().await);
            }
        }
        held
    }

    /// Says it where whoever looks for the reason looks: in the agent's log, and in that of the scripts.
    fn note(&self, held: &[HeldOutput]) {
        for held in held {
            tracing::warn!("A script has ended, but its {}", held.sentence());
            self.log.append(&format!("[longshore] {}", held.sentence()));
        }
    }
}
