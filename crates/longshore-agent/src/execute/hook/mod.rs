//! Runs the scripts of one lifecycle event. Source: agent.md §8.3.

mod failure;
mod lines;
mod log;
mod output;
pub mod preflight;
mod process;
mod script;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_model::appspec::Script;
use longshore_model::evidence::Evidence;
use longshore_model::lifecycle::ScriptTime;

use log::SharedLog;
use process::{Limits, Process};
use script::ScriptError;

use crate::config::HookSupervision;
use crate::execute::environment::HookEnvironment;
use crate::process_group::ProcessGroup;

/// The system tells start times in hundredths of a second. Between two scripts of an event one must pass,
/// so that what the first left running is never taken for the second's.
const START_TIME_STEP: Duration = Duration::from_millis(11);

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
    /// The whole environment of the scripts.
    pub environment: HookEnvironment,
    /// Where the streams go.
    pub logs: HookLogs,
    /// Between SIGTERM and SIGKILL (`hook_kill_grace_seconds`).
    pub kill_grace: Duration,
    /// What ends a script, and what becomes of what it leaves behind (`hook_supervision`).
    pub supervision: HookSupervision,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessGroupEvent {
    /// A script is about to start; this much is known of its group.
    Starting(ProcessGroup),
    /// A script runs in this group.
    Started(ProcessGroup),
    /// The script ended or was killed; what it left in the background may still be in the group.
    Ended,
}

/// A callback of the tracker's.
pub struct OnProcessGroup(pub Box<dyn FnMut(ProcessGroupEvent) + Send>);

impl std::fmt::Debug for OnProcessGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnProcessGroup")
    }
}

/// An event that ended well; by default one without scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookReport {
    /// How many scripts ran.
    pub n_scripts: usize,
    /// The last lines logged, at most 2,048 characters.
    pub log: String,
    /// What was seen that was no failure.
    pub evidence: Vec<Evidence>,
    /// How long each script ran, in run order.
    pub scripts: Vec<ScriptTime>,
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
    /// What was seen.
    pub evidence: Vec<Evidence>,
    /// How long each script ran, in run order; the last is the one that failed.
    pub scripts: Vec<ScriptTime>,
}

/// Runs the scripts of one event in order, up to the first that fails. An event without scripts leaves
/// no trace.
///
/// # Errors
/// The first script that failed.
pub async fn run_event(mut request: HookRequest) -> Result<HookReport, Box<HookFailure>> {
    if request.scripts.is_empty() {
        return Ok(HookReport::default());
    }
    let log = Arc::new(SharedLog::new(&request.logs, &request.deployment_id));
    log.append(&format!("LifecycleEvent - {}", request.event));
    let scripts = std::mem::take(&mut request.scripts);
    let mut evidence = Vec::new();
    let mut times = Vec::new();
    for (idx, script) in scripts.iter().enumerate() {
        if 0 < idx {
            tokio::time::sleep(START_TIME_STEP).await;
        }
        let begin = Instant::now();
        let ended = run_script(&mut request, script, &log).await;
        times.push(ScriptTime::new(&script.location, begin.elapsed()));
        match ended {
            Ok(seen) => evidence.extend(seen),
            Err(error) => {
                let failure = failure::of(script, &error, log.tail());
                return Err(Box::new(HookFailure { scripts: times, ..failure }));
            }
        }
    }
    Ok(HookReport { n_scripts: scripts.len(), log: log.tail(), evidence, scripts: times })
}

async fn run_script(
    request: &mut HookRequest,
    script: &Script,
    log: &Arc<SharedLog>,
) -> Result<Vec<Evidence>, ScriptError> {
    let path = script::prepare(&request.archive_dir, &script.location)?;
    script::check_user(script)?;
    log.append(&format!("Script - {}", script.location));
    tracing::info!(script.location = script.location, event = request.event, "Running script");
    let words = script::command_line(script, &path, &request.environment);
    let group = ProcessGroup::about_to_start(request.environment.marks());
    request.notify(ProcessGroupEvent::Starting(group));
    let process = match Process::start(&words, &request.environment, log).await {
        Ok(process) => process,
        Err(source) => {
            request.notify(ProcessGroupEvent::Ended);
            let program = words.first().cloned().unwrap_or_default();
            return Err(ScriptError::NotStarted { program, source });
        }
    };
    request.notify(ProcessGroupEvent::Started(process.group().clone()));
    let limits =
        Limits { timeout: script.timeout, kill_grace: request.kill_grace, supervision: request.supervision };
    let ended = process.wait(limits).await;
    request.notify(ProcessGroupEvent::Ended);
    let held = ended.map_err(ScriptError::Ended)?;
    Ok(held.iter().flat_map(|held| held.evidence(&script.location)).collect())
}

impl HookRequest {
    fn notify(&mut self, event: ProcessGroupEvent) {
        if let Some(OnProcessGroup(callback)) = &mut self.on_process_group {
            callback(event);
        }
    }
}

impl crate::failure::Evident for HookFailure {
    fn evidence(&self) -> Vec<longshore_model::evidence::Evidence> {
        self.evidence.clone()
    }
}

#[cfg(test)]
mod tests;
