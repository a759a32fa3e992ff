//! The two outputs of a running script: read into the log, and told who holds them open.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use longshore_model::evidence::Evidence;
use tokio::io;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::lines::LineSplitter;
use super::log::SharedLog;
use crate::process_group::proc_fs;

/// Bytes of output read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 * 1024;

/// The most that is read after the end of a script: what the largest pipe holds.
const MAX_REST_BYTES: usize = 1024 * 1024;

/// The most processes that are named for one output.
const MAX_NAMED: usize = 5;

/// One of a script's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub(super) fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }

    fn prefix(self) -> &'static [u8] {
        match self {
            Stream::Stdout => b"[stdout]",
            Stream::Stderr => b"[stderr]",
        }
    }
}

/// An output that outlives its script, and the processes that keep it open: pid and command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeldOutput {
    pub(super) stream: Stream,
    pub(super) holders: Vec<(i32, String)>,
}

impl HeldOutput {
    pub(super) fn sentence(&self) -> String {
        let name = self.stream.name();
        let Some((pid, command_line)) = self.holders.first() else {
            return format!("{name} is held open by a process that this agent cannot see");
        };
        let others = match self.holders.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        format!("{name} is held open by pid {pid} ({command_line}){others}")
    }

    pub(super) fn evidence(&self, location: &str) -> impl Iterator<Item = Evidence> {
        self.holders.iter().map(move |(pid, command_line)| Evidence::OutputHeld {
            location: location.to_owned(),
            stream: self.stream.name().to_owned(),
            pid: *pid,
            command_line: command_line.clone(),
        })
    }
}

/// Copies one output to the log.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) stream: Stream,
    /// Of the pipe, by which its holders are found.
    inode: u64,
    stop: oneshot::Sender<()>,
    /// Answers the pipe if somebody still has it open.
    task: JoinHandle<Option<Receiver>>,
    is_closed: bool,
}

impl Reader {
    pub(super) fn start(stream: Stream, pipe: OwnedFd, log: &Arc<SharedLog>) -> io::Result<Reader> {
        let inode = rustix::fs::fstat(&pipe)?.st_ino;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(copy_lines(Receiver::from_owned_fd(pipe)?, stream, Arc::clone(log), stopped));
        Ok(Reader { stream, inode, stop, task, is_closed: false })
    }

    /// Whether everybody has closed the output before `deadline`.
    pub(super) async fn is_closed_by(&mut self, deadline: Instant) -> bool {
        if !self.is_closed {
            self.is_closed = timeout_at(deadline, &mut self.task).await.is_ok();
        }
        self.is_closed
    }

    /// Who keeps the output open.
    pub(super) async fn held(&self) -> HeldOutput {
        let inode = self.inode;
        let look = move || {
            let pids = proc_fs::holders_of_pipe(inode).into_iter().take(MAX_NAMED);
            pids.map(|pid| (pid, proc_fs::command_line(pid))).collect()
        };
        let holders = tokio::task::spawn_blocking(look).await.unwrap_or_default();
        HeldOutput { stream: self.stream, holders }
    }

    /// Writes down what has been printed so far and stops. What somebody prints later is thrown away, but
    /// read as long as the agent runs: without a reader, SIGPIPE would end the service that a hook started.
    pub(super) async fn finish(self) {
        if self.is_closed {
            return;
        }
        // The reader may have come to the end by itself.
        let _ = self.stop.send(());
        if let Ok(Some(pipe)) = self.task.await {
            tokio::spawn(discard(pipe));
        }
    }
}

async fn copy_lines(
    pipe: Receiver,
    stream: Stream,
    log: Arc<SharedLog>,
    mut stopped: oneshot::Receiver<()>,
) -> Option<Receiver> {
    let mut splitter = LineSplitter::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut append = |bytes: &[u8]| log.append_output(&mut splitter, stream.prefix(), bytes);
    let is_closed = loop {
        let ready = tokio::select! {
            ready = pipe.readable() => ready,
            _ = &mut stopped => break read_rest(&pipe, &mut chunk, &mut append),
        };
        match ready.and_then(|()| pipe.try_read(&mut chunk)) {
            Ok(0) => break true,
            Ok(n_read) => {
                append(&chunk[..n_read]);
                // A script that floods its output must not keep the deadline, or a poll, from its turn.
                tokio::task::yield_now().await;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::warn!("Cannot read the {} of a script: {error}", stream.name());
                break true;
            }
        }
    };
    log.append_rest(splitter, stream.prefix());
    (!is_closed).then_some(pipe)
}

/// Reads what is in the pipe without waiting for more; whether that was the end. Asks the system, because
/// what the runtime knows about the pipe may be older than the end of the script.
fn read_rest(pipe: &Receiver, chunk: &mut [u8], append: &mut impl FnMut(&[u8])) -> bool {
    let mut n_rest = 0;
    while n_rest < MAX_REST_BYTES {
        match rustix::io::read(pipe, &mut *chunk) {
            Ok(0) => return true,
            Ok(n_read) => {
                n_rest += n_read;
                append(&chunk[..n_read]);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    false
}

async fn discard(pipe: Receiver) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while pipe.readable().await.is_ok() {
        match pipe.try_read(&mut chunk) {
            Ok(0) => return,
            Ok(_) => tokio::task::yield_now().await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::HookLogs;
    use super::*;

    fn reader(folder: &std::path::Path) -> (Reader, std::io::PipeWriter) {
        let logs = HookLogs { scripts_log: folder.join("scripts.log"), deployments_log: None };
        let log = Arc::new(SharedLog::new(&logs, "d-1"));
        let (pipe, writer) = std::io::pipe().expect("pipe");
        (Reader::start(Stream::Stdout, pipe.into(), &log).expect("reader"), writer)
    }

    #[tokio::test]
    async fn with_no_time_left_only_what_is_closed_already_is_closed() {
        let folder = tempfile::tempdir().expect("folder");
        let (mut reader, writer) = reader(folder.path());
        let past = Instant::now();
        assert!(!reader.is_closed_by(past).await);
        drop(writer);
        assert!(reader.is_closed_by(past + std::time::Duration::from_secs(60)).await);
        assert!(reader.is_closed_by(past).await);
    }

    #[tokio::test]
    async fn what_is_in_the_pipe_when_the_script_has_ended_is_written_down() {
        let folder = tempfile::tempdir().expect("folder");
        let (reader, mut writer) = reader(folder.path());
        // Not more than a pipe holds: nobody reads before it is stopped.
        let lines: String = (0..5000).map(|number| format!("{number}\n")).collect();
        writer.write_all(lines.as_bytes()).expect("write");
        writer.write_all(b"last").expect("write");
        reader.finish().await;
        let text = std::fs::read_to_string(folder.path().join("scripts.log")).expect("log");
        assert_eq!(text.lines().count(), 5001);
        assert!(text.ends_with("[stdout]last"));
        // Somebody still has it open, and may go on printing.
        writer.write_all(b"late").expect("write");
    }

    #[test]
    fn a_holder_is_named_and_the_others_counted() {
        let sentence = |holders: &[(i32, &str)]| {
            let holders = holders.iter().map(|(pid, line)| (*pid, (*line).to_owned())).collect();
            HeldOutput { stream: Stream::Stdout, holders }.sentence()
        };
        assert_eq!(sentence(&[(4711, "sleep 1000")]), "stdout is held open by pid 4711 (sleep 1000)");
        assert_eq!(sentence(&[(1, "a"), (2, "b"), (3, "c")]), "stdout is held open by pid 1 (a) and 2 more");
        assert_eq!(sentence(&[]), "stdout is held open by a process that this agent cannot see");
    }
}
