//! What a local deployment would do on this host, found out without changing anything.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use longshore_model::lifecycle::LifecycleEventName;
use serde::Serialize;

use super::outcome::Failure;
use super::ready::{self, BeginError};
use super::request::Request;
use super::{evidence_text, plan_text};
use crate::config::Settings;
use crate::execute::caller::RunningScript;
use crate::execute::events::CommandKind;
use crate::execute::hook::preflight::{self, ScriptProblem};
use crate::execute::install::{self, Preview};
use crate::execute::{Executor, appspec_file};
use crate::failure::CommandFailure;
use crate::layout::ARCHIVE;

/// What a deployment would do.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Plan {
    /// Whether the deployment would work, as far as can be seen.
    works: bool,
    /// In the order in which they would run.
    events: Vec<EventPlan>,
    /// What Install would do.
    install: Option<Preview>,
    /// What would keep scripts from running.
    scripts: Vec<ScriptPlan>,
    /// Why there is nothing to plan from.
    error: Option<Failure>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct EventPlan {
    name: String,
    /// `deed`, `scripts`, `nothing` or `fails`.
    what: &'static str,
    /// How long its scripts may take in all.
    timeout_secs: Option<u64>,
    /// Why it would fail.
    message: Option<String>,
}

/// A script that would not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ScriptPlan {
    event: String,
    location: String,
    problem: String,
    /// Whether nothing before it can mend it.
    is_certain: bool,
}

impl Plan {
    /// Looks at the revision, which is unpacked into a temporary folder unless it is one already.
    pub(super) async fn new(request: &Request, settings: &Arc<Settings>) -> Result<Plan, BeginError> {
        let identity = Arc::new(ready::identity(request, settings).await?);
        let folder = tempfile::tempdir()?;
        let executor = |root: &Path| {
            ready::executor(request, Arc::clone(settings), root, &identity, RunningScript::default())
        };
        // The host as it is, and a deployment root of its own in which the revision has arrived.
        let (host, arrived) = (executor(&settings.root_dir)?, executor(folder.path())?);
        let fetched = match &request.directory {
            Some(directory) => {
                let dir = arrived.deployment_dir(&request.spec);
                fs::create_dir_all(&dir)?;
                symlink(directory, dir.join(ARCHIVE))?;
                Ok(())
            }
            None => arrived.execute("DownloadBundle", &request.spec).await.map(drop),
        };
        match fetched {
            Ok(()) => Ok(Plan::of_arrived(request, &host, &arrived)),
            Err(failure) => Ok(Plan::failed("DownloadBundle", failure)),
        }
    }

    fn failed(event: &str, failure: CommandFailure) -> Plan {
        let error = Some(Failure::of(event, failure));
        Plan { works: false, events: Vec::new(), install: None, scripts: Vec::new(), error }
    }

    fn of_arrived(request: &Request, host: &Executor, arrived: &Executor) -> Plan {
        let archive_dir = arrived.deployment_dir(&request.spec).join(ARCHIVE);
        // What the person named is shown, and not where it is looked at.
        let archive_dir = request.directory.clone().unwrap_or(archive_dir);
        let install = match install::preview(&host.install_request(&request.spec, archive_dir.clone())) {
            Ok(preview) => preview,
            Err(error) => return Plan::failed("Install", CommandFailure::of(&error)),
        };
        let events: Vec<EventPlan> =
            request.events.iter().map(|name| event(name, request, host, arrived)).collect();
        let scripts = scripts(request, &archive_dir);
        let works = install.conflicts.is_empty()
            && events.iter().all(|event| event.message.is_none())
            && !scripts.iter().any(|script| script.is_certain);
        Plan { works, events, install: Some(install), scripts, error: None }
    }

    /// Whether the deployment would work, as far as can be seen.
    pub(super) fn works(&self) -> bool {
        self.works
    }

    /// The plan for people.
    pub(super) fn lines(&self, has_colour: bool) -> Vec<String> {
        let mut lines: Vec<String> = self.events.iter().map(EventPlan::line).collect();
        if let Some(install) = &self.install {
            lines.extend(plan_text::lines(install, None, has_colour));
        }
        for script in &self.scripts {
            let sign = if script.is_certain { '!' } else { '?' };
            lines.push(format!("{sign} {}: script {} {}", script.event, script.location, script.problem));
        }
        if let Some(error) = &self.error {
            lines.push(format!("ERROR: {}", error.message));
            lines
                .extend(error.evidence.iter().flat_map(evidence_text::lines).map(|line| format!("  {line}")));
        }
        lines.push(if self.works {
            "The deployment would work".to_owned()
        } else {
            "The deployment would fail; nothing has been changed".to_owned()
        });
        lines
    }
}

impl EventPlan {
    fn line(&self) -> String {
        let EventPlan { name, what, timeout_secs, message } = self;
        match (message, timeout_secs) {
            (Some(message), _) => format!("{name}: would fail: {message}"),
            (None, Some(secs)) => format!("{name}: runs scripts, for {secs} s at most"),
            (None, None) if *what == "nothing" => format!("{name}: nothing to do"),
            (None, None) => name.clone(),
        }
    }
}

/// The stop side uses the revision that is on the host, the rest the one that arrives.
fn event(name: &str, request: &Request, host: &Executor, arrived: &Executor) -> EventPlan {
    let is_stop_side = LifecycleEventName::from_name(name).is_some_and(LifecycleEventName::is_stop_side);
    let executor = if is_stop_side { host } else { arrived };
    let (what, timeout_secs, message) = match executor.mapping.kind(name) {
        CommandKind::DownloadBundle | CommandKind::Install | CommandKind::Unknown => ("deed", None, None),
        CommandKind::Hooks(_) => match executor.total_timeout(name, &request.spec) {
            Ok(Some(total)) => ("scripts", Some(total.as_secs()), None),
            Ok(None) => ("nothing", None, None),
            Err(failure) => ("fails", None, Some(failure.report.message)),
        },
    };
    EventPlan { name: name.to_owned(), what, timeout_secs, message }
}

/// The problems of the scripts of the events that are to run. What the preview could read can be read again.
fn scripts(request: &Request, archive_dir: &Path) -> Vec<ScriptPlan> {
    let Ok(appspec) = appspec_file::read(archive_dir, &request.spec.app_spec_filename) else {
        return Vec::new();
    };
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    let findings = preflight::check_scripts(archive_dir, &appspec, &search_path);
    let runs = |event: &String| request.events.contains(event);
    findings
        .into_iter()
        .filter(|finding| runs(&finding.event))
        .map(|finding| ScriptPlan {
            problem: finding.problem.to_string(),
            is_certain: is_certain(&finding.problem),
            event: finding.event,
            location: finding.location,
        })
        .collect()
}

/// A program or a user may still be made by what runs before; the revision itself stays as it is.
fn is_certain(problem: &ScriptProblem) -> bool {
    match problem {
        ScriptProblem::Missing
        | ScriptProblem::NotRegular
        | ScriptProblem::Outside
        | ScriptProblem::CarriageReturn => true,
        ScriptProblem::Unreadable(_) | ScriptProblem::NoInterpreter(_) | ScriptProblem::UnknownUser(_) => {
            false
        }
    }
}
