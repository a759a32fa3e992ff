//! The built `longshore` as a child process, its JSON lines, and what it may leave behind.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// `longshore ARGUMENTS`, knowing no server but the one that the arguments name.
pub(crate) fn longshore(arguments: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_longshore"));
    for name in ["longshore-server", "longshore-agent"] {
        let beside = program.with_file_name(name);
        assert!(beside.exists(), "{} is missing: run `cargo build --workspace` first", beside.display());
    }
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for name in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LONGSHORE_DATA_DIR"] {
        command.env_remove(name);
    }
    command
}

/// A `longshore --output json` that goes on for a while; interrupted when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Running {
        let mut command = longshore(arguments);
        let mut child = command.args(["--output", "json"]).stdout(Stdio::piped()).spawn().expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Running { child, lines }
    }

    /// The next JSON line; none when there are no more.
    pub(crate) fn next_line(&mut self) -> Option<Value> {
        let line = self.lines.next()?.expect("readable");
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// What Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(id), Signal::SIGINT);
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("waited")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.interrupt();
        let _ = self.child.wait();
    }
}

/// Panics unless, before long, no process has `folder` among its arguments or in its environment.
#[track_caller]
pub(crate) fn check_nothing_left(folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = processes_of(folder);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still running: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn processes_of(folder: &Path) -> Vec<String> {
    let wanted = folder.to_str().expect("text");
    let entries = fs::read_dir("/proc").expect("Linux");
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let read = |id: i32, file: &str| {
        let bytes = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    numbers
        .filter(|id| read(*id, "environ").contains(wanted) || read(*id, "cmdline").contains(wanted))
        .map(|id| read(id, "cmdline"))
        .collect()
}
