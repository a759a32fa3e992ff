//! A script before it runs: where it is, whether it may run, and the command line that runs it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use longshore_model::appspec::Script;
use rustix::fs::{Access, access};

use super::process::FailedRun;
use crate::execute::environment::HookEnvironment;

/// Why a script failed.
#[derive(Debug)]
pub(super) enum ScriptError {
    /// Its location is not that of a script.
    Location(LocationError),
    /// What the system says about the execute bit.
    NotExecutable { path: PathBuf, source: io::Error },
    /// `runas` names somebody whom `su` would not take for a user.
    NoSuchUser(String),
    /// The system did not run it.
    NotStarted { program: OsString, source: io::Error },
    /// It ran, and did not end well.
    Ended(FailedRun),
}

/// Why a location names no script; with the absolute path.
#[derive(Debug)]
pub(super) enum LocationError {
    Missing(PathBuf),
    /// A directory or something special (I-36).
    NotRegular(PathBuf),
    /// Of the revision (I-36).
    Outside(PathBuf),
    Io(PathBuf, io::Error),
}

/// Refuses a user name that `su` would take for an option: `--help` succeeds without running anything,
/// and `-` is a login of root.
pub(super) fn check_user(script: &Script) -> Result<(), ScriptError> {
    match &script.run_as {
        Some(user) if user.starts_with('-') => Err(ScriptError::NoSuchUser(user.clone())),
        Some(_) | None => Ok(()),
    }
}

/// Whether the host knows a user of this name.
pub(super) fn is_known_user(name: &str) -> bool {
    // What the system does not tell is no reason to doubt a user.
    nix::unistd::User::from_name(name).map_or(true, |user| user.is_some())
}

/// Finds the script in the revision and makes it executable.
pub(super) fn prepare(archive_dir: &Path, location: &str) -> Result<PathBuf, ScriptError> {
    let path = locate(archive_dir, location).map_err(ScriptError::Location)?;
    if access(&path, Access::EXEC_OK).is_err() {
        tracing::warn!(
            "Script at specified location: {location} is not executable.  Trying to make it executable."
        );
        make_executable(&path).map_err(|source| ScriptError::NotExecutable { path: path.clone(), source })?;
    }
    Ok(path)
}

/// The absolute path of a script: a regular file in the revision.
pub(super) fn locate(archive_dir: &Path, location: &str) -> Result<PathBuf, LocationError> {
    let archive_dir =
        std::path::absolute(archive_dir).map_err(|error| LocationError::Io(archive_dir.to_owned(), error))?;
    let path = archive_dir.join(location.trim_start_matches('/'));
    let (Ok(real), Ok(real_archive)) = (path.canonicalize(), archive_dir.canonicalize()) else {
        return Err(LocationError::Missing(path));
    };
    if !real.starts_with(&real_archive) {
        return Err(LocationError::Outside(path));
    }
    match fs::metadata(&real) {
        Ok(metadata) if metadata.is_file() => Ok(path),
        Ok(_) => Err(LocationError::NotRegular(path)),
        Err(error) => Err(LocationError::Io(path, error)),
    }
}

fn make_executable(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() | 0o111;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The words to execute, the program first.
pub(super) fn command_line(script: &Script, path: &Path, environment: &HookEnvironment) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    if script.sudo {
        words.push("sudo".into());
        // Others may not be allowed to keep variables, and sudo would refuse to run at all (I-37).
        if rustix::process::geteuid().is_root() {
            let kept: Vec<&str> = environment.deployment_names().collect();
            words.push(format!("--preserve-env={}", kept.join(",")).into());
        }
    }
    match &script.run_as {
        Some(user) => {
            words.extend(["su".into(), user.into(), "-c".into()]);
            words.push(shell_quoted(path.as_os_str()));
        }
        None => words.push(path.into()),
    }
    words
}

/// The text as one word of a shell; unchanged if it is one already.
fn shell_quoted(text: &OsStr) -> OsString {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
    if !text.is_empty() && text.as_bytes().iter().all(is_plain) {
        return text.to_owned();
    }
    let mut quoted = vec![b'\''];
    for byte in text.as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    OsString::from_vec(quoted)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::execute::environment::EnvironmentRules;

    #[track_caller]
    fn check(run_as: Option<&str>, sudo: bool, path: &str, expected: &str) {
        let script = Script {
            location: "x".to_owned(),
            timeout: Duration::from_secs(1),
            run_as: run_as.map(str::to_owned),
            sudo,
        };
        let deployment = vec![("A", Some("1".to_owned())), ("B", None), ("C", Some("2".to_owned()))];
        let inherited = [("D".into(), "3".into())];
        let environment = HookEnvironment::new(inherited, EnvironmentRules::default(), deployment);
        let words = command_line(&script, Path::new(path), &environment);
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let kept = if rustix::process::geteuid().is_root() { "sudo|--preserve-env=A,C" } else { "sudo" };
        assert_eq!(words.join("|"), expected.replace("SUDO", kept));
    }

    #[test]
    fn there_are_four_forms_of_a_command() {
        check(None, false, "/r/x", "/r/x");
        check(Some("bob"), false, "/r/x", "su|bob|-c|/r/x");
        check(None, true, "/r/x", "SUDO|/r/x");
        check(Some("bob"), true, "/r/x", "SUDO|su|bob|-c|/r/x");
    }

    #[test]
    fn only_what_a_shell_reads_is_quoted() {
        check(None, false, "/r/a b;c", "/r/a b;c");
        check(Some("bob"), false, "/r/a b;c", "su|bob|-c|'/r/a b;c'");
        check(Some("bob"), false, "/r/it's", "su|bob|-c|'/r/it'\\''s'");
    }
}
