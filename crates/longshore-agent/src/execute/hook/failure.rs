//! What the service is told about a script that failed, and what was seen. Source: agent.md §8.3.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use longshore_model::appspec::Script;
use longshore_model::evidence::Evidence;

use super::HookFailure;
use super::process::{Cause, FailedRun};
use super::script::{self, LocationError, ScriptError};
use crate::execute::system_error;
use crate::failure::shown;

/// A script's failure, with the end of its event's log; its caller knows how long what ran.
pub(super) fn of(script: &Script, error: &ScriptError, log: String) -> HookFailure {
    let (code, message) = code_and_message(script, error);
    tracing::error!(script.location = script.location.as_str(), "{message}");
    let evidence = evidence(script, error);
    let script_name = script.location.clone();
    HookFailure { code, script_name, message, log, evidence, scripts: Vec::new() }
}

/// The codes and texts of agent.md §8.3.
fn code_and_message(script: &Script, error: &ScriptError) -> (i64, String) {
    let location = &script.location;
    let here = format!("Script at specified location: {location}");
    let user = script.run_as.as_ref().map(|user| format!(" run as user {user}")).unwrap_or_default();
    let failed = |text: &str| (4, format!("{here}{user} failed with {text}"));
    match error {
        ScriptError::Location(LocationError::Missing(path)) => {
            (1, format!("Script does not exist at specified location: {}", path.display()))
        }
        ScriptError::Location(LocationError::Outside(_)) => {
            (4, format!("{here} resolves outside the revision"))
        }
        // What the system would say if it were asked to run it.
        ScriptError::Location(LocationError::NotRegular(path)) => {
            failed(&system_text(&io::Error::from(rustix::io::Errno::ACCESS), path.as_os_str()))
        }
        ScriptError::Location(LocationError::Io(path, source)) => {
            failed(&system_text(source, path.as_os_str()))
        }
        ScriptError::NotExecutable { .. } => {
            (2, format!("Unable to set script at specified location: {location} as executable"))
        }
        ScriptError::NoSuchUser(name) => {
            failed(&format!("error ArgumentError with message can't find user for {name}"))
        }
        ScriptError::NotStarted { program, source } => failed(&system_text(source, program)),
        ScriptError::Ended(run) => match run.cause {
            Cause::TimedOut => {
                (3, format!("{here} failed to complete in {} seconds", script.timeout.as_secs()))
            }
            Cause::OutputOpen(stream, _) => {
                (6, format!("{here} failed to close {}", stream.name().to_ascii_uppercase()))
            }
            Cause::Exit(status) => failed(&format!("exit code {}", exit_text(status))),
        },
    }
}

/// The exit code; for a signal what shells print, and the signal (I-34).
fn exit_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => format!("{} (signal {signal})", 128 + signal),
        (None, None) => String::new(),
    }
}

/// `error <class> with message <m>` as Ruby names system errors.
fn system_text(error: &io::Error, subject: &OsStr) -> String {
    let on = format!(" - {}", subject.to_string_lossy());
    match error.raw_os_error() {
        Some(number) => {
            let class = nix::errno::Errno::from_raw(number);
            format!("error Errno::{class:?} with message {}{on}", system_error::text(error))
        }
        None => format!("error IOError with message {error}{on}"),
    }
}

fn evidence(script: &Script, error: &ScriptError) -> Vec<Evidence> {
    let not_started = |path: &Path, errno: Option<i32>| Evidence::ScriptNotStarted {
        location: script.location.clone(),
        path: shown(path),
        errno,
    };
    match error {
        ScriptError::Location(LocationError::Missing(path)) => {
            vec![not_started(path, Some(nix::errno::Errno::ENOENT as i32))]
        }
        ScriptError::Location(LocationError::Outside(path)) => {
            vec![not_started(path, None), broken_rule("script_outside_revision", script)]
        }
        ScriptError::Location(LocationError::NotRegular(path)) => {
            vec![not_started(path, None), broken_rule("script_not_regular", script)]
        }
        ScriptError::Location(LocationError::Io(path, source))
        | ScriptError::NotExecutable { path, source } => vec![not_started(path, source.raw_os_error())],
        ScriptError::NotStarted { program, source } => {
            vec![not_started(Path::new(program), source.raw_os_error())]
        }
        ScriptError::NoSuchUser(name) => vec![unknown_user(name)],
        ScriptError::Ended(run) => evidence_of_run(script, run),
    }
}

fn evidence_of_run(script: &Script, run: &FailedRun) -> Vec<Evidence> {
    let status = match run.cause {
        Cause::Exit(status) | Cause::OutputOpen(_, status) => Some(status),
        Cause::TimedOut => None,
    };
    let is_over_time = run.cause == Cause::TimedOut;
    let ended = Evidence::ScriptEnded {
        location: script.location.clone(),
        run_as: script.run_as.clone(),
        exit_code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        timeout_secs: is_over_time.then_some(script.timeout.as_secs()),
        output: run.output.clone(),
    };
    let held = run.held.iter().flat_map(|held| held.evidence(&script.location));
    // `su` only exits with 1 when it does not know the user.
    let unknown = script.run_as.iter().filter(|user| !script::is_known_user(user));
    [ended].into_iter().chain(held).chain(unknown.map(|user| unknown_user(user))).collect()
}

fn broken_rule(rule: &str, script: &Script) -> Evidence {
    Evidence::RuleBroken { rule: rule.to_owned(), subjects: vec![script.location.clone()] }
}

fn unknown_user(name: &str) -> Evidence {
    Evidence::UnknownAccount { name: name.to_owned(), account_kind: "user".to_owned() }
}
