//! The deeds of a command: each computes what to do first (pure) and then does it.

pub mod appspec_file;
pub mod caller;
pub mod download;
pub mod environment;
pub mod events;
pub mod hook;
pub mod install;
pub mod unpack;

mod download_bundle;
pub(crate) mod system_error;
mod umask;
mod which_revision;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use longshore_model::appspec::Script;
use longshore_model::evidence::Evidence;
use longshore_model::lifecycle::ScriptTime;
use longshore_wire::host_command::diagnostics::{AgentErrorCode, CompletionReport};
use longshore_wire::host_command::specification::Specification;

use crate::config::Settings;
use crate::failure::{self, CommandFailure, Evident};
use crate::group_lock::{self, GroupLock};
use crate::kept_failure::{self, FailedCommand};
use crate::layout::{ARCHIVE, Layout};
use crate::tracker::Tracker;
use caller::Caller;
use download::Downloader;
use environment::{EnvironmentRules, HookEnvironment};
use events::{CommandKind, HookMapping};
use hook::{HookFailure, HookLogs, HookReport, HookRequest, OnProcessGroup, ProcessGroupEvent};
use install::InstallRequest;

/// The bundle's file in a deployment's directory, whatever its format.
pub(crate) const BUNDLE: &str = "bundle.tar";

/// Carries out commands on this host.
#[derive(Debug)]
pub struct Executor {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Where everything lies.
    pub layout: Layout,
    /// Told which process groups run.
    pub tracker: Tracker,
    /// Fetches bundles.
    pub downloader: Downloader,
    /// For the environment of scripts; empty leaves what they inherit.
    pub host_identifier: String,
    /// For the environment of scripts; empty leaves what they inherit.
    pub region: String,
    /// Which events the hook commands run.
    pub mapping: HookMapping,
    /// Whose commands these are.
    pub caller: Caller,
}

/// The scripts of an event and the revision they lie in.
struct EventScripts {
    archive_dir: PathBuf,
    scripts: Vec<Script>,
}

impl Executor {
    /// Whether the command would do nothing. Source: agent.md §1.6.
    ///
    /// # Errors
    /// When the AppSpec that it would use cannot be read.
    pub fn is_noop(&self, command_name: &str, spec: &Specification) -> Result<bool, CommandFailure> {
        match self.mapping.kind(command_name) {
            CommandKind::DownloadBundle | CommandKind::Install => Ok(false),
            // AWS's service gives this to agents that update themselves. It is work, and refused.
            CommandKind::Unknown => Ok(command_name != "UpdateDeploymentAgent"),
            CommandKind::Hooks(events) => {
                let mut is_noop = true;
                for event in events {
                    let has_scripts = self.scripts(event, spec)?.is_some();
                    if !has_scripts {
                        tracing::info!("Lifecycle event {event} is a noop");
                    }
                    is_noop &= !has_scripts;
                }
                Ok(is_noop)
            }
        }
    }

    /// How long the scripts of the command may run in all; `None` when one of its events has none.
    ///
    /// # Errors
    /// As [`Self::is_noop`].
    pub fn total_timeout(
        &self,
        command_name: &str,
        spec: &Specification,
    ) -> Result<Option<Duration>, CommandFailure> {
        let CommandKind::Hooks(events) = self.mapping.kind(command_name) else { return Ok(None) };
        let mut total = Duration::ZERO;
        for event in events {
            let Some(EventScripts { scripts, .. }) = self.scripts(event, spec)? else { return Ok(None) };
            total += scripts.iter().map(|script| script.timeout).sum::<Duration>();
        }
        Ok(Some(total))
    }

    /// Carries out a command. Answers what the service is told.
    ///
    /// # Errors
    /// What goes into the diagnostics.
    pub async fn execute(
        &self,
        command_name: &str,
        spec: &Specification,
    ) -> Result<CompletionReport, CommandFailure> {
        let deployment_dir = self.deployment_dir(spec);
        let ended = self.execute_in_turn(command_name, spec, &deployment_dir).await;
        if let Err(failure) = &ended {
            let failed = FailedCommand {
                deployment: &spec.deployment_id,
                name: Some(command_name),
                deployment_dir: Some(&deployment_dir),
            };
            kept_failure::keep(&self.layout, failed, failure);
        }
        ended
    }

    async fn execute_in_turn(
        &self,
        command_name: &str,
        spec: &Specification,
        deployment_dir: &Path,
    ) -> Result<CompletionReport, CommandFailure> {
        let kind = self.mapping.kind(command_name);
        if kind == CommandKind::Unknown {
            return Err(CommandFailure {
                report: Box::new(CompletionReport::failed(format!(
                    "Unsupported command type: {command_name}."
                ))),
                evidence: vec![Evidence::RuleBroken {
                    rule: "unsupported_command".to_owned(),
                    subjects: vec![failure::cut(command_name)],
                }],
            });
        }
        std::fs::create_dir_all(deployment_dir).map_err(|source| CommandFailure {
            report: Box::new(CompletionReport::failed(format!(
                "Error creating deployment root directory {}",
                deployment_dir.display()
            ))),
            evidence: failure::system_refusal(Some(deployment_dir), &source),
        })?;
        let _turn = self.turn(&self.layout.group(&spec.deployment_group_id)).await;
        self.execute_known(kind, spec, deployment_dir).await
    }

    /// Waits until no other process runs a command of the group. A file system without locks has one
    /// agent as before, and no protection from a second one.
    async fn turn(&self, group_dir: &Path) -> Option<GroupLock> {
        let on_wait = || {
            tracing::info!("Waiting for another process that runs a command in {}", group_dir.display());
            match &self.caller {
                Caller::Service => {}
                Caller::Person(person) => (person.on_wait)(group_dir),
            }
        };
        let taken = group_lock::take(group_dir, on_wait).await;
        taken.inspect_err(|error| tracing::warn!("Cannot lock {}: {error}", group_dir.display())).ok()
    }

    async fn execute_known(
        &self,
        kind: CommandKind<'_>,
        spec: &Specification,
        deployment_dir: &Path,
    ) -> Result<CompletionReport, CommandFailure> {
        let mut report = CompletionReport::succeeded("");
        match kind {
            CommandKind::DownloadBundle => {
                report = CompletionReport::succeeded(self.download_bundle(spec, deployment_dir).await?);
            }
            CommandKind::Install => self.install(spec, deployment_dir).await?,
            CommandKind::Hooks(events) => report.scripts = self.run_hooks(events, spec).await?,
            CommandKind::Unknown => {}
        }
        Ok(report)
    }

    /// Everything of the deployment.
    pub fn deployment_dir(&self, spec: &Specification) -> PathBuf {
        self.layout.deployment(&spec.deployment_group_id, &spec.deployment_id)
    }

    async fn install(&self, spec: &Specification, deployment_dir: &Path) -> Result<(), CommandFailure> {
        let request = self.install_request(spec, deployment_dir.join(ARCHIVE));
        blocking(move || install::install(&request)).await
    }

    /// What Install asks for, when the revision is unpacked in `archive_dir`.
    pub fn install_request(&self, spec: &Specification, archive_dir: PathBuf) -> InstallRequest {
        let events = &spec.all_possible_lifecycle_events;
        InstallRequest {
            root_dir: self.layout.root().to_owned(),
            deployment_group_id: spec.deployment_group_id.clone(),
            deployment_id: spec.deployment_id.clone(),
            archive_dir,
            appspec_filename: spec.app_spec_filename.clone(),
            file_exists_behavior: spec.file_exists_behavior.clone(),
            all_possible_lifecycle_events: (!events.is_empty()).then(|| events.clone()),
        }
    }

    /// Runs events in order, up to the first that fails, and answers how long their scripts ran. What is
    /// told of the one that fails has what the others logged and took before it.
    async fn run_hooks(
        &self,
        events: &[String],
        spec: &Specification,
    ) -> Result<Vec<ScriptTime>, CommandFailure> {
        let mut log = String::new();
        let mut scripts = Vec::new();
        for event in events {
            match self.run_hook(event, spec).await {
                Ok(ran) => {
                    log.push_str(&ran.log);
                    scripts.extend(ran.scripts);
                }
                Err(mut failure) => {
                    failure.report.log.insert_str(0, &log);
                    failure.report.scripts.splice(0..0, scripts);
                    return Err(failure);
                }
            }
        }
        Ok(scripts)
    }

    /// Runs the scripts of an event.
    async fn run_hook(&self, event: &str, spec: &Specification) -> Result<HookReport, CommandFailure> {
        let Some(EventScripts { archive_dir, scripts }) = self.scripts(event, spec)? else {
            return Ok(HookReport::default());
        };
        let settings = &self.settings;
        let deployments_log = self.layout.deployments_log(&settings.program_name);
        let request = HookRequest {
            event: event.to_owned(),
            deployment_id: spec.deployment_id.clone(),
            archive_dir,
            scripts,
            environment: self.environment(event, spec),
            logs: HookLogs {
                scripts_log: self.deployment_dir(spec).join("logs/scripts.log"),
                deployments_log: settings.enable_deployments_log.then_some(deployments_log),
            },
            kill_grace: settings.hook_kill_grace,
            supervision: settings.hook_supervision,
            on_process_group: Some(match &self.caller {
                Caller::Service => self.process_group_recorder(&spec.deployment_id),
                Caller::Person(person) => person.running.recorder(),
            }),
        };
        let report = hook::run_event(request).await.map_err(|failure| hook_failed(*failure))?;
        let kept = failure::keep_findings(&self.deployment_dir(spec), event, &report.evidence);
        if let Err(error) = kept {
            tracing::warn!("Cannot keep what was seen during {event}: {error}");
        }
        Ok(report)
    }

    fn environment(&self, event: &str, spec: &Specification) -> HookEnvironment {
        let rules = EnvironmentRules {
            // A person's secrets are the person's to pass on.
            are_secrets_kept: matches!(self.caller, Caller::Person(_)),
            is_restricted: self.settings.restrict_hook_env_to_allowlist,
            is_loader_stripped: self.settings.strip_loader_env_in_hooks,
        };
        let deployment = environment::of_deployment(event, spec, &self.host_identifier, &self.region);
        HookEnvironment::new(std::env::vars_os(), rules, deployment)
    }

    /// The scripts of `event`; `None` when it is a no-op.
    fn scripts(&self, event: &str, spec: &Specification) -> Result<Option<EventScripts>, CommandFailure> {
        let archive_dir = which_revision::archive_dir(&self.layout, event, spec).map_err(failed)?;
        let Some(archive_dir) = archive_dir else { return Ok(None) };
        let appspec = appspec_file::read(&archive_dir, &spec.app_spec_filename).map_err(failed)?;
        let scripts = appspec.scripts(event).unwrap_or_default().to_vec();
        Ok((!scripts.is_empty()).then_some(EventScripts { archive_dir, scripts }))
    }

    /// Keeps on disk which process group runs for a deployment, for the next start of the agent.
    fn process_group_recorder(&self, deployment_id: &str) -> OnProcessGroup {
        let tracker = self.tracker.clone();
        let deployment_id = deployment_id.to_owned();
        OnProcessGroup(Box::new(move |event| {
            let recorded = match event {
                ProcessGroupEvent::Starting(group) | ProcessGroupEvent::Started(group) => {
                    tracker.record_process_group(&deployment_id, &group)
                }
                ProcessGroupEvent::Ended => tracker.forget_process_group(&deployment_id),
            };
            if let Err(error) = recorded {
                tracing::warn!("Cannot record the process group of deployment {deployment_id}: {error}");
            }
        }))
    }
}

/// A failure that is no script's, in the words of `error`.
fn failed(error: impl Evident) -> CommandFailure {
    CommandFailure::of(&error)
}

fn hook_failed(failure: HookFailure) -> CommandFailure {
    let error_code = match failure.code {
        1 => AgentErrorCode::ScriptMissing,
        2 => AgentErrorCode::ScriptNotExecutable,
        3 => AgentErrorCode::ScriptTimedOut,
        4 => AgentErrorCode::ScriptFailed,
        6 => AgentErrorCode::OutputsLeftOpen,
        _ => AgentErrorCode::Unknown,
    };
    let evidence = failure.evidence();
    let report = CompletionReport {
        error_code,
        script_name: failure.script_name,
        message: failure.message,
        log: failure.log,
        scripts: failure.scripts,
    };
    CommandFailure { report: Box::new(report), evidence }
}

/// Does `work` where it does not hold up polling.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, CommandFailure>
where
    T: Send + 'static,
    E: Evident + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(error) => Err(CompletionReport::failed(format!("the agent failed inside: {error}")).into()),
    }
}

/// A specification of an S3 revision for tests.
#[cfg(test)]
pub(crate) fn test_specification(deployment_id: &str, creator: &str, deployment_type: &str) -> Specification {
    let json = serde_json::json!({
        "DeploymentId": deployment_id,
        "DeploymentGroupId": "group-1",
        "DeploymentGroupName": "fleet",
        "ApplicationName": "app",
        "DeploymentCreator": creator,
        "DeploymentType": deployment_type,
        "Revision": {
            "RevisionType": "S3",
            "S3Revision": { "Bucket": "bundles", "Key": "app.tgz", "BundleType": "tgz", "ETag": "abc" },
        },
    });
    Specification::from_json(json.to_string().as_bytes()).expect("a valid specification")
}

#[cfg(test)]
mod tests;
