//! What would keep a revision's scripts from running on this host, found without touching anything.
//!
//! It says how the host is now: a script may still make the user or the program that another one needs.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use longshore_model::appspec::{AppSpec, Script};
use rustix::fs::{Access, access};

use super::script::{self, LocationError};

/// How much of a file the system reads to find its interpreter.
const HEAD_BYTES: u64 = 256;

/// A script that would not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFinding {
    /// The event.
    pub event: String,
    /// As in the AppSpec.
    pub location: String,
    /// Why.
    pub problem: ScriptProblem,
}

impl fmt::Display for ScriptFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: script {} {}", self.event, self.location, self.problem)
    }
}

/// Why a script would not run; continues a sentence that begins with the script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptProblem {
    /// Nothing is there.
    #[error("does not exist")]
    Missing,
    /// A directory, or something special.
    #[error("is not a regular file")]
    NotRegular,
    /// A link or `..` leads out of the revision.
    #[error("resolves outside the revision")]
    Outside,
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The `#!` line ends with a carriage return, which the system takes for part of a name.
    #[error("has a `#!` line with a Windows line end (CRLF)")]
    CarriageReturn,
    /// The `#!` line names a program that is not there, or may not be executed.
    #[error("names the interpreter {0}, which this host does not have")]
    NoInterpreter(String),
    /// `runas` names a user that the host does not know.
    #[error("runs as user {0}, whom this host does not know")]
    UnknownUser(String),
}

/// Every problem of the scripts in `appspec`, whose revision is unpacked in `archive_dir`, in the order of
/// the AppSpec. Interpreters that `/usr/bin/env` looks up are looked for in `search_path`. A program that
/// the revision itself installs is taken to be there.
pub fn check_scripts(archive_dir: &Path, appspec: &AppSpec, search_path: &OsStr) -> Vec<ScriptFinding> {
    let mut findings = Vec::new();
    for hook in &appspec.hooks {
        for script in &hook.scripts {
            let file = file_problem(archive_dir, appspec, &script.location, search_path);
            findings.extend(file.into_iter().chain(user_problem(script)).map(|problem| ScriptFinding {
                event: hook.event.clone(),
                location: script.location.clone(),
                problem,
            }));
        }
    }
    findings
}

fn user_problem(script: &Script) -> Option<ScriptProblem> {
    let user = script.run_as.as_ref()?;
    let is_known = script::check_user(script).is_ok() && script::is_known_user(user);
    (!is_known).then(|| ScriptProblem::UnknownUser(user.clone()))
}

fn file_problem(
    archive_dir: &Path,
    appspec: &AppSpec,
    location: &str,
    search_path: &OsStr,
) -> Option<ScriptProblem> {
    let path = match script::locate(archive_dir, location) {
        Ok(path) => path,
        Err(LocationError::Missing(_)) => return Some(ScriptProblem::Missing),
        Err(LocationError::NotRegular(_)) => return Some(ScriptProblem::NotRegular),
        Err(LocationError::Outside(_)) => return Some(ScriptProblem::Outside),
        Err(LocationError::Io(_, error)) => return Some(ScriptProblem::Unreadable(error.to_string())),
    };
    let head = match read_head(&path) {
        Ok(head) => head,
        Err(error) => return Some(ScriptProblem::Unreadable(error.to_string())),
    };
    let interpreter = match interpreter(&head) {
        Interpreter::None => return None,
        Interpreter::CarriageReturn => return Some(ScriptProblem::CarriageReturn),
        Interpreter::Program(path) => path,
        Interpreter::LookedUp(name) => return look_up(name, search_path, appspec),
    };
    let is_there = is_executable(&interpreter) || is_installed_by(appspec, &interpreter);
    (!is_there).then(|| ScriptProblem::NoInterpreter(interpreter.display().to_string()))
}

fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// What the first line of a script asks for.
#[derive(Debug, PartialEq, Eq)]
enum Interpreter<'a> {
    /// Nothing: a program, or a text for the shell.
    None,
    CarriageReturn,
    Program(PathBuf),
    /// By `env`, along the search path.
    LookedUp(&'a OsStr),
}

fn interpreter(head: &[u8]) -> Interpreter<'_> {
    let Some(rest) = head.strip_prefix(b"#!") else { return Interpreter::None };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        return Interpreter::CarriageReturn;
    }
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    // Without a name the system takes the file for a text for the shell.
    let Some(program) = words.next() else { return Interpreter::None };
    let program = Path::new(OsStr::from_bytes(program));
    let is_env = program.file_name().is_some_and(|name| name == "env");
    match words.find(|word| *word != b"-S") {
        // With other options or variables env does more than look a program up.
        Some(word) if is_env && !word.starts_with(b"-") && !word.contains(&b'=') => {
            Interpreter::LookedUp(OsStr::from_bytes(word))
        }
        // Relative to the agent's own working directory, which is the root of the file system.
        _ => Interpreter::Program(Path::new("/").join(program)),
    }
}

fn look_up(name: &OsStr, search_path: &OsStr, appspec: &AppSpec) -> Option<ScriptProblem> {
    let candidates = std::env::split_paths(search_path).map(|directory| directory.join(name));
    let mut candidates = candidates.filter(|path| path.is_absolute());
    let is_there = candidates.any(|path| is_executable(&path) || is_installed_by(appspec, &path));
    (!is_there).then(|| ScriptProblem::NoInterpreter(name.to_string_lossy().into_owned()))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Whether the path is, or may be, among what Install puts in place.
fn is_installed_by(appspec: &AppSpec, path: &Path) -> bool {
    appspec.files.iter().any(|file| path.starts_with(&file.destination))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use longshore_model::appspec::Platform;

    use super::*;

    /// A revision whose AppSpec has `script` as the only one of its only event, and these files: name,
    /// content.
    fn findings(script: &str, files: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().expect("dir");
        let archive = dir.path().join("archive");
        fs::create_dir_all(archive.join("dir")).expect("archive");
        fs::create_dir_all(dir.path().join("bin")).expect("bin");
        symlink("/bin/sh", archive.join("link")).expect("link");
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::write(&path, content).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
        }
        let text = format!(
            "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/no-such-app-here\n\
             hooks:\n  AfterInstall:\n    - {script}\n"
        );
        let appspec = AppSpec::parse(&text, Platform::Linux).expect("an AppSpec");
        let found = check_scripts(&archive, &appspec, dir.path().join("bin").as_os_str());
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[track_caller]
    fn check(script: &str, content: &str, expected: &str) {
        let expected =
            if expected.is_empty() { String::new() } else { format!("AfterInstall: script {expected}") };
        let files = [("archive/s.sh", content), ("bin/tool", ""), ("evil.sh", "")];
        assert_eq!(findings(script, &files), expected, "{script} {content:?}");
    }

    #[test]
    fn scripts_that_would_run_are_not_mentioned() {
        check("location: s.sh", "#!/bin/sh\n", "");
        check("location: /s.sh", "no interpreter line\r\n", "");
        check("location: s.sh", "", "");
        check("location: s.sh", "#!\n", "");
        check("location: s.sh\n      runas: root", "#! /bin/sh -e\n", "");
    }

    #[test]
    fn a_path_that_names_no_script_is_found() {
        check("location: no.sh", "", "no.sh does not exist");
        check("location: dir", "", "dir is not a regular file");
        check("location: ../evil.sh", "", "../evil.sh resolves outside the revision");
        check("location: link", "", "link resolves outside the revision");
    }

    #[test]
    fn an_interpreter_that_is_not_there_is_found() {
        let no = |name: &str| format!("s.sh names the interpreter {name}, which this host does not have");
        check("location: s.sh", "#!/no/such/program -x\n", &no("/no/such/program"));
        check("location: s.sh", "#!/etc\n", &no("/etc"));
        check("location: s.sh", "#!/usr/bin/env no-such-tool\n", &no("no-such-tool"));
        check("location: s.sh", "#!/usr/bin/env -S no-such-tool -x\n", &no("no-such-tool"));
        check("location: s.sh", "#!/usr/bin/env tool\n", "");
        check("location: s.sh", "#!/usr/bin/env -i tool\n", "");
        check("location: s.sh", "#!/srv/no-such-app-here/bin/python\n", "");
    }

    #[test]
    fn a_windows_line_end_is_found() {
        for content in ["#!/bin/sh\r\n", "#!/bin/sh -e\r\n", "#!/usr/bin/env tool\r\nx"] {
            check("location: s.sh", content, "s.sh has a `#!` line with a Windows line end (CRLF)");
        }
    }

    #[test]
    fn a_user_that_is_not_there_is_found() {
        for user in ["no-such-user-here", "--help"] {
            let expected = format!("s.sh runs as user {user}, whom this host does not know");
            check(&format!("location: s.sh\n      runas: '{user}'"), "", &expected);
        }
    }

    #[test]
    fn a_line_longer_than_the_system_reads_is_cut_where_the_system_cuts_it() {
        let long = format!("#!/bin/sh {}\r\n", "x".repeat(300));
        check("location: s.sh", &long, "");
    }
}
