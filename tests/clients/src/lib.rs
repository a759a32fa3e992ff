//! What the suites of the AWS clients share: a server with what the client needs to know, and the
//! scripts of the clients that are not written in Rust.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use longshore_journey::Server;

/// A folder beside this crate's manifest.
fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The Python that `tools/setup test` installs boto3 for.
pub fn python() -> PathBuf {
    own("../../.venv/bin/python")
}

/// A script of `python/` with its arguments, ready to be run against `server` in `folder`.
pub fn python_script(server: &Server, folder: &Path, script: &str, args: &[&str]) -> Command {
    let mut command = Command::new(python());
    command.arg("-u").arg(own("python").join(script)).args(args);
    isolate(&mut command, server, folder);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A script of `javascript/`, ready to be run against `server` in `folder`. `tools/setup test` installs
/// what it imports.
pub fn javascript(server: &Server, folder: &Path, script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(own("javascript").join(script));
    isolate(&mut command, server, folder);
    command
}

/// The client sees the server's variables and nothing of whoever runs the tests.
fn isolate(command: &mut Command, server: &Server, folder: &Path) {
    command.current_dir(folder).stdin(Stdio::null()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(server.env());
}

/// Runs a client to its end and answers what it printed.
///
/// # Panics
/// When it fails, with what it printed: its assertions are the test.
#[track_caller]
pub fn passes(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}; `tools/setup test` installs it"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    stdout
}
