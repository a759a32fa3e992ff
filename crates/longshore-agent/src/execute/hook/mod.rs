//! Runs the scripts of one lifecycle event. Source: agent.md §8.3.

mod log;
mod process;
mod rotating_file;
mod script;

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use std::os::unix::process::ExitStatusExt;

use longshore_model::appspec::Script;

use log::HookLog;
use process::{Process, ProcessEnd};
use script::ScriptError;

use crate::execute::system_error;

/// One event to run.
#[derive(Debug)]
pub struct HookRequest {
    /// The event's name, for the log.
    pub event: String,
    /// The deployment's id, for the combined log.
    pub deployment_id: String,
    /// The revision whose scripts run.
    pub archive_dir: PathBuf,
    /// Its scripts for the event.
    pub scripts: Vec<Script>,
    /// Added to the agent's own environment; `None` takes a variable away.
    pub environment: Vec<(String, Option<String>)>,
    /// Where the streams go.
    pub logs: HookLogs,
    /// Between SIGTERM and SIGKILL (`hook_kill_grace_seconds`).
    pub kill_grace: Duration,
    /// Told when a script's process group begins and when it is gone.
    pub on_process_group: Option<OnProcessGroup>,
}

/// The files that a hook's output goes to.
#[derive(Clone, Debug)]
pub struct HookLogs {
    /// `ROOT/<dg>/<dep>/logs/scripts.log` of the current deployment.
    pub scripts_log: PathBuf,
    /// `ROOT/deployment-logs/<program_name>-deployments.log`, unless switched off.
    pub deployments_log: Option<PathBuf>,
}

/// What happens to the process group of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessGroupEvent {
    /// A script runs in this group.
    Started(i32),
    /// The script ended or was killed; what it left in the background may still be in the group.
    Ended(i32),
}

/// A callback of the tracker's.
pub struct OnProcessGroup(pub Box<dyn FnMut(ProcessGroupEvent) + Send>);

impl std::fmt::Debug for OnProcessGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnProcessGroup")
    }
}

/// An event that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookReport {
    /// How many scripts ran.
    pub n_scripts: usize,
    /// The last lines logged, at most 2,048 characters.
    pub log: String,
}

/// An event that failed, with what goes into the diagnostics.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HookFailure {
    /// The agent's `error_code`, agent.md §1.7.
    pub code: i64,
    /// The location as the AppSpec gives it.
    pub script_name: String,
    /// One sentence.
    pub message: String,
    /// The last lines logged, at most 2,048 characters.
    pub log: String,
}

/// Runs the scripts of one event in order, up to the first that fails. An event without scripts leaves
/// no trace.
///
/// # Errors
/// The first script that failed.
pub async fn run_event(mut request: HookRequest) -> Result<HookReport, HookFailure> {
    if request.scripts.is_empty() {
        return Ok(HookReport { n_scripts: 0, log: String::new() });
    }
    let log = Arc::new(Mutex::new(HookLog::new(&request.logs, &request.deployment_id)));
    log::append(&log, format!("LifecycleEvent - {}\n", request.event).as_bytes());
    let scripts = std::mem::take(&mut request.scripts);
    for script in &scripts {
        if let Err(error) = run_script(&mut request, script, &log).await {
            return Err(failure(script, &error, log::tail(&log)));
        }
    }
    Ok(HookReport { n_scripts: scripts.len(), log: log::tail(&log) })
}

async fn run_script(
    request: &mut HookRequest,
    script: &Script,
    log: &Arc<Mutex<HookLog>>,
) -> Result<(), ScriptError> {
    let path = script::prepare(&request.archive_dir, &script.location)?;
    script::check_user(script)?;
    log::append(log, format!("Script - {}\n", script.location).as_bytes());
    tracing::info!(script.location = script.location, event = request.event, "Running script");
    let command_line = script::command_line(script, &path, &request.environment);
    let mut notify = |event| {
        if let Some(OnProcessGroup(callback)) = &mut request.on_process_group {
            callback(event);
        }
    };
    let process = Process::start(&command_line, &request.environment).await?;
    notify(ProcessGroupEvent::Started(process.group()));
    let group = process.group();
    let end = process.wait(script.timeout, request.kill_grace, log).await;
    notify(ProcessGroupEvent::Ended(group));
    match end.map_err(ScriptError::Io)? {
        ProcessEnd::Exited(status) if status.success() => Ok(()),
        ProcessEnd::Exited(status) => Err(ScriptError::Exit(status)),
        ProcessEnd::TimedOut => {
            tracing::info!("Script at specified location: {} timed out", script.location);
            Err(ScriptError::TimedOut)
        }
        ProcessEnd::StdoutOpen => Err(ScriptError::StdoutOpen),
        ProcessEnd::StderrOpen => Err(ScriptError::StderrOpen),
    }
}

/// The codes and texts of agent.md §8.3.
fn failure(script: &Script, error: &ScriptError, log: String) -> HookFailure {
    let location = &script.location;
    let here = format!("Script at specified location: {location}");
    let user = script.run_as.as_ref().map(|user| format!(" run as user {user}")).unwrap_or_default();
    let (code, message) = match error {
        ScriptError::Missing(path) => {
            (1, format!("Script does not exist at specified location: {}", path.display()))
        }
        ScriptError::NotExecutable => {
            (2, format!("Unable to set script at specified location: {location} as executable"))
        }
        ScriptError::TimedOut => {
            (3, format!("{here} failed to complete in {} seconds", script.timeout.as_secs()))
        }
        ScriptError::Outside => (4, format!("{here} resolves outside the revision")),
        ScriptError::NoSuchUser(name) => (
            4,
            format!("{here}{user} failed with error ArgumentError with message can't find user for {name}"),
        ),
        ScriptError::Exit(status) => {
            (4, format!("{here}{user} failed with exit code {}", exit_text(*status)))
        }
        ScriptError::Start { program, source } => {
            (4, format!("{here}{user} failed with error {}", io_text(source, Some(program))))
        }
        ScriptError::Io(source) => (4, format!("{here}{user} failed with error {}", io_text(source, None))),
        ScriptError::StdoutOpen => (6, format!("{here} failed to close STDOUT")),
        ScriptError::StderrOpen => (6, format!("{here} failed to close STDERR")),
    };
    tracing::error!(script.location = location.as_str(), "{message}");
    HookFailure { code, script_name: location.clone(), message, log }
}

/// The exit code; for a signal what shells print, and the signal (I-34).
fn exit_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => format!("{} (signal {signal})", 128 + signal),
        (None, None) => String::new(),
    }
}

/// `<class> with message <m>` as Ruby names system errors.
fn io_text(error: &io::Error, program: Option<&String>) -> String {
    let on = program.map(|program| format!(" - {program}")).unwrap_or_default();
    match error.raw_os_error() {
        Some(number) => {
            let class = nix::errno::Errno::from_raw(number);
            format!("Errno::{class:?} with message {}{on}", system_error::text(error))
        }
        None => format!("IOError with message {error}{on}"),
    }
}

impl crate::failure::Evident for HookFailure {
    fn evidence(&self) -> Vec<longshore_model::evidence::Evidence> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
