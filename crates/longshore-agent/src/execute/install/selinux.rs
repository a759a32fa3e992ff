//! SELinux contexts: rules in the policy by `semanage`, applied by `restorecon`. Source: agent.md §7.8.
//!
//! Programs are run by argument lists, never through a shell (I-20), and found in the system's own
//! directories, whatever the agent's environment says.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use longshore_model::appspec::SelinuxContext;
use longshore_model::evidence::Evidence;

/// Where the programs are.
const SEARCH_PATH: &str = "/usr/sbin:/sbin:/usr/bin:/bin";

/// What a shell answers when there is no such program.
const NOT_FOUND: i32 = 127;

/// How much of a program's words is kept.
const MAX_OUTPUT_BYTES: usize = 2048;

/// What has a meaning in the expressions of `semanage fcontext`.
const META: &[u8] = b".^$?*+|[](){}\\";

/// SELinux's programs on this host.
#[derive(Clone, Debug)]
pub(super) struct Selinux {
    search_path: OsString,
}

/// A program failed.
#[derive(Debug)]
pub(super) struct ProgramFailure {
    command: Vec<OsString>,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    NotStarted(io::Error),
    /// The number as a shell would give it, and the end of the output.
    Ended(i32, String),
}

/// Where setting a context failed.
#[derive(Debug)]
pub(super) enum ContextFailure {
    /// There is no rule.
    Rule(ProgramFailure),
    /// There is one; it could not be applied.
    Label(ProgramFailure),
}

impl Selinux {
    /// The programs of this host.
    pub(super) fn of_host() -> Selinux {
        Selinux::found_in(SEARCH_PATH)
    }

    /// The programs in directories separated by colons.
    pub(super) fn found_in(search_path: impl Into<OsString>) -> Selinux {
        Selinux { search_path: search_path.into() }
    }

    /// Adds the rule for a path without links, and applies it.
    pub(super) fn set(&self, context: &SelinuxContext, path: &Path) -> Result<(), ContextFailure> {
        self.add_rule(context, path).map_err(ContextFailure::Rule)?;
        let restore: [&OsStr; 4] = ["restorecon".as_ref(), "-F".as_ref(), "-v".as_ref(), path.as_os_str()];
        self.run(&restore).map_err(ContextFailure::Label)
    }

    /// Adds the rule for a path without links.
    pub(super) fn add_rule(&self, context: &SelinuxContext, path: &Path) -> Result<(), ProgramFailure> {
        let range = context.range.as_ref().map(ToString::to_string);
        let mut command: Vec<&OsStr> = ["semanage", "fcontext", "-a"].map(OsStr::new).to_vec();
        let options = [("-s", &context.user), ("-t", &Some(context.kind.clone())), ("-r", &range)];
        for (option, value) in &options {
            if let Some(value) = value {
                command.extend([OsStr::new(option), OsStr::new(value.as_str())]);
            }
        }
        let expression = escaped(path);
        command.push(&expression);
        self.run(&command)
    }

    /// Removes the rule for a path, if there is one; as in the original, the result does not matter.
    pub(super) fn forget(&self, path: &Path) {
        let delete = ["semanage", "fcontext", "-d"].map(OsStr::new);
        let run = |expression: &OsStr| self.run(&[&delete[..], &[expression]].concat());
        let expression = escaped(path);
        let forgotten = run(&expression).or_else(|failure| {
            // The original agent does not escape.
            if expression == path.as_os_str() { Err(failure) } else { run(path.as_os_str()) }
        });
        if let Err(failure) = forgotten {
            tracing::info!("cannot remove an SELinux rule: {failure}");
        }
    }

    fn run(&self, command: &[&OsStr]) -> Result<(), ProgramFailure> {
        let failed =
            |outcome| Err(ProgramFailure { command: command.iter().map(OsString::from).collect(), outcome });
        let Some((name, arguments)) = command.split_first() else { return Ok(()) };
        let Some(program) = self.find(name) else {
            return failed(Outcome::NotStarted(io::ErrorKind::NotFound.into()));
        };
        // With nothing of the agent's environment, which may hold keys.
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", &self.search_path).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => {
                let status = output.status;
                let number =
                    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(NOT_FOUND);
                let words = [output.stdout, output.stderr].concat();
                let end = &words[words.len().saturating_sub(MAX_OUTPUT_BYTES)..];
                failed(Outcome::Ended(number, String::from_utf8_lossy(end).trim().to_owned()))
            }
            Err(error) => failed(Outcome::NotStarted(error)),
        }
    }

    fn find(&self, name: &OsStr) -> Option<PathBuf> {
        let is_program = |path: &PathBuf| {
            fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
        };
        std::env::split_paths(&self.search_path).map(|directory| directory.join(name)).find(is_program)
    }
}

/// The expression that means this path and no other.
fn escaped(path: &Path) -> OsString {
    let mut expression = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        if META.contains(byte) {
            expression.push(b'\\');
        }
        expression.push(*byte);
    }
    OsString::from_vec(expression)
}

impl ProgramFailure {
    fn words(&self) -> Vec<String> {
        self.command.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// For explanation.
    pub(super) fn evidence(&self) -> Evidence {
        let (exit_code, errno, output) = match &self.outcome {
            Outcome::NotStarted(error) => (None, error.raw_os_error(), error.to_string()),
            Outcome::Ended(number, output) => (Some(*number), None, output.clone()),
        };
        Evidence::ProgramFailed { command: self.words(), exit_code, errno, output }
    }
}

/// As the original reports it.
impl fmt::Display for ProgramFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = match &self.outcome {
            Outcome::NotStarted(_) => NOT_FOUND,
            Outcome::Ended(number, _) => *number,
        };
        write!(f, "Failed command: {}. Exit code: {number}", self.words().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(escaped(Path::new(path)), expected);
    }

    #[test]
    fn expressions_mean_one_path() {
        check("/srv/app", "/srv/app");
        check("/a.b/c d", "/a\\.b/c d");
        check("/a(b)*+[c]{2}^$|?\\", "/a\\(b\\)\\*\\+\\[c\\]\\{2\\}\\^\\$\\|\\?\\\\");
    }
}
