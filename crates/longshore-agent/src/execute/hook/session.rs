//! Starts a program as the leader of a session of its own, with its outputs in pipes.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use nix::errno::Errno;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::execute::environment::HookEnvironment;

/// How often a program file that is open for writing is tried again.
const MAX_BUSY_TRIES: u32 = 20;

/// The pause before each of these.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Starts the words of a command line, the program first. A file that the system cannot execute is given
/// to the shell, as shells do.
pub(super) async fn start(words: &[OsString], environment: &HookEnvironment) -> io::Result<Child> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    match spawn(program, arguments, environment).await {
        Err(error) if error.raw_os_error() == Some(Errno::ENOEXEC as i32) => {
            spawn(OsStr::new("/bin/sh"), words, environment).await
        }
        started => started,
    }
}

async fn spawn(program: &OsStr, arguments: &[OsString], environment: &HookEnvironment) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_clear().envs(environment.variables());
    give_own_session(&mut command);
    let mut n_tries = 0;
    loop {
        match command.spawn() {
            // Another thread's child, between fork and exec, holds a file open that was just written.
            Err(error) if error.raw_os_error() == Some(Errno::ETXTBSY as i32) && n_tries < MAX_BUSY_TRIES => {
                n_tries += 1;
                sleep(BUSY_PAUSE).await;
            }
            started => return started,
        }
    }
}

/// A session is wider than a process group: shells put their jobs into groups of their own, but only what
/// asks for a new session leaves this one. Without a terminal, nothing can stop the script by reading.
#[expect(unsafe_code, reason = "the standard library has no safe call for setsid before exec")]
fn give_own_session(command: &mut Command) {
    // SAFETY: the closure runs in the child between fork and exec, where only async-signal-safe functions
    // may be called. It makes one system call and turns an error number into a value: no allocation, no
    // lock, nothing of the parent's.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
    }
}
