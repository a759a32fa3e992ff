//! The workspace's programs as child processes.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The built program called `name`, from the folder that this test or benchmark was built into.
///
/// # Panics
/// When it has not been built: `cargo build --workspace` builds it.
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its own path");
    // Programs lie in target/<profile>, tests in target/<profile>/deps.
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("{name} is missing beside {}: run `cargo build --workspace`", own.display())
    })
}

/// A child process that is killed, with its whole process group, when this is dropped; and by
/// [`guard`](crate::guard), should this process end before.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts `command` in a process group of its own.
    pub fn start(command: &mut Command) -> Running {
        Running::start_with_input(command, Stdio::null())
    }

    /// The same with this as its standard input.
    pub(crate) fn start_with_input(command: &mut Command, input: Stdio) -> Running {
        use std::os::unix::process::CommandExt;
        crate::guard::mark(command);
        let child = command.process_group(0).stdin(input).spawn().expect("the program starts");
        // What it was given is its own alone.
        command.stdin(Stdio::null());
        Running { child }
    }

    /// The child itself, to read its streams.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9` of this process alone, as a power cut would end it; what it started lives on.
    pub fn kill_9(mut self) {
        self.child.kill().expect("the child was ours to kill");
        self.child.wait().expect("a killed child can be waited for");
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }

    /// Sends `signal` (as `kill` names it) to the process.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.pid().to_string()]).status();
        assert!(status.expect("kill runs").success(), "kill {signal}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // The group, since a server or agent may have children; it is ours alone (see `start`).
        let group = format!("-{}", self.pid());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
