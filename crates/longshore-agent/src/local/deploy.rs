//! Runs a local deployment from its first event to its last, and says what happens.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_model::lifecycle::LifecycleEventName;
use tokio::time::timeout;

use super::evidence_text;
use super::interrupt::Interrupts;
use super::outcome::{EventRun, Failure, Outcome, Status, timeline};
use super::plan_text;
use super::ready::{self, BeginError};
use super::request::Request;
use super::voice::Voice;
use crate::config::Settings;
use crate::execute::Executor;
use crate::execute::caller::RunningScript;
use crate::execute::events::CommandKind;
use crate::execute::install::{self, Preview};
use crate::failure::CommandFailure;
use crate::layout::ARCHIVE;

/// How many lines of a script's output are shown when it failed. The whole of it is in its log.
const MAX_LOG_LINES: usize = 20;

/// How many paths of the plan are shown. `local plan` shows all of them.
const MAX_PLAN_LINES: usize = 30;

/// How long a command may take to end whose script was ended, after what the script was given.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// A local deployment that is under way.
pub(super) struct Deployment {
    request: Request,
    executor: Executor,
    running: RunningScript,
    interrupts: Interrupts,
    voice: Voice,
    begin: Instant,
}

impl Deployment {
    /// Gets everything ready; nothing has been touched when this fails.
    pub(super) async fn new(
        request: Request,
        settings: Arc<Settings>,
        voice: Voice,
    ) -> Result<Deployment, BeginError> {
        let identity = Arc::new(ready::identity(&request, &settings).await?);
        let running = RunningScript::default();
        let root_dir = settings.root_dir.clone();
        let executor = ready::executor(&request, settings, &root_dir, &identity, running.clone())?;
        let interrupts = Interrupts::new()?;
        Ok(Deployment { request, executor, running, interrupts, voice, begin: Instant::now() })
    }

    /// Runs the events in order, up to the first that fails.
    pub(super) async fn run(mut self) -> Outcome {
        let dir = self.deployment_dir();
        self.voice.line(format!("Starting to execute deployment from within folder {}", dir.display()));
        // A folder can be looked at before anything is done, a bundle once it is here.
        let mut plan = self.request.directory.clone().and_then(|directory| self.preview(directory));
        let mut events = Vec::new();
        let mut error = None;
        for name in self.request.events.clone() {
            let (run, ended) = match &error {
                None => self.event(&name).await,
                Some(_) => (self.event_run(&name, Status::Skipped, Duration::ZERO), None),
            };
            events.push(run);
            error = error.or(ended);
            if plan.is_none() && error.is_none() && name == "DownloadBundle" {
                plan = self.preview(dir.join(ARCHIVE));
            }
        }
        self.conclude(&events, error.as_ref());
        Outcome {
            deployment_id: self.request.spec.deployment_id.clone(),
            deployment_group_id: self.request.spec.deployment_group_id.clone(),
            deployment_dir: dir,
            status: if error.is_none() { Status::Succeeded } else { Status::Failed },
            plan,
            events,
            error,
        }
    }

    fn deployment_dir(&self) -> PathBuf {
        self.executor.deployment_dir(&self.request.spec)
    }

    /// Shows what Install would do with the revision in `archive_dir`, the host being as it is now. What is
    /// wrong with the revision is said when the event fails.
    fn preview(&self, archive_dir: PathBuf) -> Option<Preview> {
        let request = self.executor.install_request(&self.request.spec, archive_dir);
        let preview = install::preview(&request).ok()?;
        for line in plan_text::lines(&preview, Some(MAX_PLAN_LINES), self.voice.has_colour()) {
            self.voice.line(line);
        }
        Some(preview)
    }

    fn event_run(&self, name: &str, status: Status, begin: Duration) -> EventRun {
        let duration = self.begin.elapsed().saturating_sub(begin);
        let duration = if status == Status::Skipped { Duration::ZERO } else { duration };
        EventRun { name: name.to_owned(), status, begin, duration }
    }

    async fn event(&mut self, name: &str) -> (EventRun, Option<Failure>) {
        let begin = self.begin.elapsed();
        // An AppSpec that cannot be read is said when the event fails.
        let is_noop = self.executor.is_noop(name, &self.request.spec).unwrap_or(false);
        if !is_noop {
            self.voice.line(format!("--> {name}"));
        }
        match self.execute(name).await {
            Ok(()) if is_noop => {
                self.voice.line(format!("--> {name}: nothing to do"));
                (self.event_run(name, Status::Nothing, begin), None)
            }
            Ok(()) => {
                let run = self.event_run(name, Status::Succeeded, begin);
                self.voice.line(format!("    {name} succeeded in {:.2} s", run.duration.as_secs_f64()));
                (run, None)
            }
            Err(failure) => {
                let run = self.event_run(name, Status::Failed, begin);
                self.voice.line(format!("    {name} FAILED after {:.2} s", run.duration.as_secs_f64()));
                (run, Some(Failure::of(name, failure)))
            }
        }
    }

    /// Executes one command; a signal ends it as soon as that leaves nothing half done.
    async fn execute(&mut self, name: &str) -> Result<(), CommandFailure> {
        let Deployment { request, executor, running, interrupts, voice, .. } = self;
        let mut command = std::pin::pin!(executor.execute(name, &request.spec));
        let signal = tokio::select! {
            ended = &mut command => return ended.map(drop),
            signal = interrupts.next() => signal,
        };
        voice.line(format!("    {signal}: stopping at once; a second signal leaves everything as it is"));
        let is_install = matches!(executor.mapping.kind(name), CommandKind::Install);
        let grace = executor.settings.hook_kill_grace;
        let stop = async {
            match running.group() {
                Some(group) => {
                    group.terminate(grace).await;
                    // What a script that is over has started may keep its outputs open for hours.
                    timeout(grace + LAST_WAIT, command).await.unwrap_or_else(|_| Err(interrupted(signal)))
                }
                // All or nothing: an Install ends by itself, and soon.
                None if is_install => command.await,
                None => Err(interrupted(signal)),
            }
        };
        let ended = tokio::select! {
            ended = stop => ended,
            _ = interrupts.next() => return Err(interrupted(signal)),
        };
        // What was left of the command went well, and still the person wants no more.
        ended.and_then(|_| Err(interrupted(signal)))
    }

    /// The last lines: the specified ones are the original's and come last.
    fn conclude(&self, events: &[EventRun], error: Option<&Failure>) {
        self.voice.line("");
        for line in timeline(events) {
            self.voice.line(line);
        }
        self.voice.line("");
        let dir = self.deployment_dir();
        if let Some(failure) = error {
            self.explain(failure, &dir);
        }
        let log = dir.join("logs/scripts.log");
        self.voice.line(format!("See the deployment log at {} for more details", log.display()));
        if error.is_none() {
            self.voice.line("AppSpec file valid. Local deployment successful");
        }
    }

    fn explain(&self, failure: &Failure, deployment_dir: &Path) {
        self.voice.line(format!("ERROR: {}", failure.message));
        let mut evidence: Vec<String> = failure.evidence.iter().flat_map(evidence_text::lines).collect();
        // Each try says the same.
        evidence.dedup();
        for line in evidence.iter().map(String::as_str).chain(stop_side_hint(failure)) {
            self.voice.line(format!("  {line}"));
        }
        let output: Vec<&str> = failure.log.lines().collect();
        let n_hidden = output.len().saturating_sub(MAX_LOG_LINES);
        for line in output.iter().skip(n_hidden) {
            self.voice.line(format!("  | {line}"));
        }
        if !failure.script_name.is_empty() {
            let script = deployment_dir.join(ARCHIVE).join(failure.script_name.trim_start_matches('/'));
            self.voice.line(format!(
                "Your local deployment failed while trying to execute your script at {}",
                script.display()
            ));
        }
    }
}

/// How to get past a script that no new revision can mend.
fn stop_side_hint(failure: &Failure) -> Option<&'static str> {
    let event = failure.event.as_deref().and_then(LifecycleEventName::from_name)?;
    let is_old_script = event.is_stop_side() && !failure.script_name.is_empty();
    is_old_script.then_some(
        "hint: the script is of the revision deployed before; to go on without it: --events \
         DownloadBundle,BeforeInstall,Install,AfterInstall,ApplicationStart,ValidateService",
    )
}

fn interrupted(signal: &str) -> CommandFailure {
    let message = format!("The local deployment was interrupted by {signal}");
    longshore_wire::host_command::diagnostics::CompletionReport::failed(message).into()
}
