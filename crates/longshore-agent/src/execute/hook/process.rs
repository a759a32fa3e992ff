//! A running script: its process group, its two streams and its deadline.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::log::{self, HookLog, LineSplitter};
use super::script::{ScriptError, start_error};

/// Bytes of output read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// How often a group that was told to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long the output of a killed script may take to arrive, and the kernel to take it away.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How often a program file that is open for writing is tried again.
const MAX_BUSY_TRIES: u32 = 20;

/// How a script ended, as far as it did.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProcessEnd {
    Exited(ExitStatus),
    TimedOut,
    /// The process ended, something else holds its output.
    StdoutOpen,
    StderrOpen,
}

/// A script that was started.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: i32,
}

impl Process {
    /// Starts a command line in a process group of its own. A file that the system cannot execute is
    /// given to the shell, as shells do.
    pub(super) async fn start(
        words: &[OsString],
        environment: &[(String, Option<String>)],
    ) -> Result<Process, ScriptError> {
        let (program, arguments) =
            words.split_first().ok_or_else(|| ScriptError::Io(io::ErrorKind::InvalidInput.into()))?;
        let started = match spawn(program, arguments, environment).await {
            Err(error) if error.raw_os_error() == Some(Errno::ENOEXEC as i32) => {
                spawn(&OsString::from("/bin/sh"), words, environment).await
            }
            started => started,
        };
        let child = started.map_err(|source| start_error(program, source))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = id.ok_or_else(|| ScriptError::Io(io::ErrorKind::NotFound.into()))?;
        Ok(Process { child, group })
    }

    /// The process group, which is the script's own process id.
    pub(super) fn group(&self) -> i32 {
        self.group
    }

    /// Waits for the process, then for the end of each stream, all within `limit`. A script that outlives
    /// it is told to end, and killed `grace` later.
    pub(super) async fn wait(
        mut self,
        limit: Duration,
        grace: Duration,
        log: &Arc<Mutex<HookLog>>,
    ) -> io::Result<ProcessEnd> {
        let deadline = Instant::now() + limit;
        let mut stdout = Reader::start(self.child.stdout.take(), b"[stdout]", log);
        let mut stderr = Reader::start(self.child.stderr.take(), b"[stderr]", log);
        let Ok(status) = timeout_at(deadline, self.child.wait()).await else {
            self.terminate(grace).await;
            // Neither decides anything: both only get the time to write down what has been said.
            stdout.is_closed_by(Instant::now() + LAST_WORDS).await;
            stderr.is_closed_by(Instant::now() + LAST_WORDS).await;
            return Ok(ProcessEnd::TimedOut);
        };
        let status = status?;
        if !stdout.is_closed_by(deadline).await {
            return Ok(ProcessEnd::StdoutOpen);
        }
        if !stderr.is_closed_by(deadline).await {
            return Ok(ProcessEnd::StderrOpen);
        }
        Ok(ProcessEnd::Exited(status))
    }

    /// SIGTERM to the group, SIGKILL to what is left of it after `grace` (I-33).
    async fn terminate(&mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.signal(Signal::SIGTERM);
        let ended = timeout_at(deadline, self.child.wait()).await.is_ok();
        while ended && Instant::now() < deadline && self.is_group_left() {
            sleep(LOOK_EVERY).await;
        }
        if ended && !self.is_group_left() {
            return;
        }
        tracing::warn!(process_group = self.group, "killing the process group of a script that does not end");
        self.signal(Signal::SIGKILL);
        // A process in an uninterruptible wait is left to the runtime, which reaps it when it ends.
        let _ = timeout(LAST_WORDS, self.child.wait()).await;
    }

    fn signal(&self, signal: Signal) {
        match killpg(Pid::from_raw(self.group), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!(process_group = self.group, %error, "cannot signal a script"),
        }
    }

    fn is_group_left(&self) -> bool {
        killpg(Pid::from_raw(self.group), None).is_ok()
    }
}

async fn spawn(
    program: &OsString,
    arguments: &[OsString],
    environment: &[(String, Option<String>)],
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut n_tries = 0;
    loop {
        match command.spawn() {
            // Another thread's child, between fork and exec, holds a file open that was just written.
            Err(error) if error.raw_os_error() == Some(Errno::ETXTBSY as i32) && n_tries < MAX_BUSY_TRIES => {
                n_tries += 1;
                sleep(LOOK_EVERY).await;
            }
            started => return started,
        }
    }
}

/// Copies one stream to the log, line by line.
struct Reader {
    task: Option<JoinHandle<()>>,
}

impl Reader {
    fn start<S>(stream: Option<S>, prefix: &'static [u8], log: &Arc<Mutex<HookLog>>) -> Reader
    where
        S: AsyncRead + Unpin + Send + 'static,
    {
        let log = Arc::clone(log);
        Reader { task: stream.map(|stream| tokio::spawn(copy_lines(stream, prefix, log))) }
    }

    /// Whether the stream ends before `deadline`.
    async fn is_closed_by(&mut self, deadline: Instant) -> bool {
        let Some(task) = &mut self.task else {
            return true;
        };
        let is_closed = timeout_at(deadline, &mut *task).await.is_ok();
        if is_closed {
            self.task = None;
        }
        is_closed
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn copy_lines(mut stream: impl AsyncRead + Unpin, prefix: &'static [u8], log: Arc<Mutex<HookLog>>) {
    let mut splitter = LineSplitter::new(prefix);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) => break,
            Ok(n_read) => splitter.feed(&chunk[..n_read], |entry| log::append(&log, entry)),
            Err(error) => {
                tracing::warn!(%error, "cannot read the output of a script");
                break;
            }
        }
    }
    splitter.finish(|entry| log::append(&log, entry));
}
