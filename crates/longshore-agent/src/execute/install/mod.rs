//! Installs a revision, all or nothing. Source: agent.md §7, design.md §5.
//!
//! The order: plan everything (`install_plan`), write down in a journal what will be switched, stage the
//! new files beside their places, switch by rename, commit. Until the commit record is on disk everything
//! is undone, by the failing Install itself or by the next start of the agent; after it, everything is
//! finished. So a host has the old revision or the new one, never a mix.

mod attributes;
mod backup;
mod contexts;
pub(super) mod copier;
mod disk;
mod file_systems;
mod in_place;
mod journal;
mod occupied;
mod operation;
mod preview;
mod raw;
mod record;
mod recorded;
mod selinux;
mod stage;
mod state_files;
mod transaction;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use longshore_model::appspec::{AppSpec, LifecycleCheckError};
use longshore_model::evidence::Evidence;

use super::appspec_file::{self, AppSpecFileError};
use super::system_error;
use crate::failure::{self, Evident};
use crate::group_lock;
use crate::install_plan::{self, InstallPlan, PlanError, PlanRequest, parse_cleanup};
use disk::Disk;
use journal::Journal;
use selinux::{ProgramFailure, Selinux};
use state_files::StateFiles;
use transaction::Transaction;

pub use preview::{Cause, Change, Conflict, PathPreview, Preview, Totals, preview};

/// What to install, from where.
#[derive(Clone, Debug)]
pub struct InstallRequest {
    /// The deployment root.
    pub root_dir: PathBuf,
    /// Names the files under `deployment-instructions`.
    pub deployment_group_id: String,
    /// Of this deployment; its directory is what the pointer file will name.
    pub deployment_id: String,
    /// The unpacked revision.
    pub archive_dir: PathBuf,
    /// As the specification names it.
    pub appspec_filename: String,
    /// The deployment's behaviour, for AppSpecs that have none; not necessarily a valid one.
    pub file_exists_behavior: String,
    /// All events of the deployment, when the specification lists them.
    pub all_possible_lifecycle_events: Option<Vec<String>>,
}

/// Why an Install failed. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No AppSpec to go by.
    #[error(transparent)]
    AppSpec(#[from] AppSpecFileError),
    /// The hooks do not fit the deployment's events.
    #[error(transparent)]
    LifecycleEvents(#[from] LifecycleCheckError),
    /// The plan does not work; nothing was touched.
    #[error("{error}")]
    Plan {
        /// The first rule broken.
        error: Box<PlanError>,
        /// What was seen on the host.
        evidence: Vec<Evidence>,
    },
    /// An access control list cannot be set; what had been done is undone. The text is the original's, which
    /// runs a program for it.
    #[error(
        "The deployment failed because of a problem with the acls permission settings in the application specification file for this object: {0}. Failed command: setfacl --set {acl} {0}. Exit code: 1",
        object.display()
    )]
    Acl {
        /// Of what.
        object: PathBuf,
        /// The complete list.
        acl: String,
        /// Why.
        source: io::Error,
    },
    /// An SELinux context cannot be set; what had been done is undone.
    #[error(
        "The deployment failed because the application specification file contains an error in the settings for the context parameter. Update the permissions section of the AppSpec file, and then try again. {0}"
    )]
    Context(ContextError),
    /// An earlier Install of the group was interrupted under another version of the agent; nothing was
    /// touched.
    #[error(
        "An earlier Install was interrupted, and its journal {} is of another version: \"{version}\". Start the agent that wrote it once, so that it finishes or undoes that Install",
        path.display()
    )]
    JournalVersion {
        /// The journal, which is kept.
        path: PathBuf,
        /// What it begins with.
        version: String,
    },
    /// The file system refused; what had been done is undone.
    #[error("{} - {}", system_error::text(source), path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A program that sets SELinux contexts failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ContextError(ProgramFailure);

impl InstallError {
    /// For `map_err`.
    fn at(path: &Path) -> impl Fn(io::Error) -> InstallError {
        move |source| InstallError::System { path: path.to_owned(), source }
    }
}

/// Called between any two changes to the disk. Tests die in it; agents do nothing.
type Checkpoint<'a> = &'a mut dyn FnMut();

/// Installs a revision. Blocks.
///
/// # Errors
/// The host's files are then as they were.
pub fn install(request: &InstallRequest) -> Result<(), InstallError> {
    install_with(request, &Selinux::of_host(), &mut || ())
}

/// Finishes or undoes what Installs left when the agent died. To be called before the first command.
/// Returns one sentence per Install that was found.
///
/// # Errors
/// What stood in the way of one that could not be settled, when all others are; its journal is kept and
/// the next call tries again.
pub fn recover(root_dir: &Path) -> Result<Vec<String>, InstallError> {
    recover_with(root_dir, &Selinux::of_host(), &mut || ())
}

fn install_with(
    request: &InstallRequest,
    selinux: &Selinux,
    checkpoint: Checkpoint<'_>,
) -> Result<(), InstallError> {
    let instructions_dir = instructions_dir(&request.root_dir);
    fs::create_dir_all(&instructions_dir).map_err(InstallError::at(&instructions_dir))?;
    let state_files = StateFiles::new(&instructions_dir, &request.deployment_group_id);
    // Of an Install of this group that the agent did not survive.
    if let Some(sentence) = recover_one(&state_files.journal(), selinux, checkpoint)? {
        tracing::warn!("{sentence}");
    }
    let appspec = read_appspec(request)?;
    let plan = plan(request, &appspec, &state_files)?;
    for warning in warnings(&appspec, &plan) {
        tracing::warn!(deployment.id = request.deployment_id, "{warning}");
    }
    let deployment_dir = request.root_dir.join(&request.deployment_group_id).join(&request.deployment_id);
    Transaction::begin(state_files, selinux, &request.deployment_id, &plan, checkpoint)?.carry_out(
        &plan,
        &deployment_dir,
        checkpoint,
    )?;
    tracing::info!(
        deployment.id = request.deployment_id,
        n_instructions = plan.instructions.len(),
        "Installed the revision"
    );
    Ok(())
}

fn read_appspec(request: &InstallRequest) -> Result<AppSpec, InstallError> {
    let appspec = appspec_file::read(&request.archive_dir, &request.appspec_filename)?;
    if let Some(events) = &request.all_possible_lifecycle_events {
        let path = appspec_file::find(&request.archive_dir, &request.appspec_filename)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        appspec.check_lifecycle_events(&name, events)?;
    }
    Ok(appspec)
}

/// What the author of the AppSpec should look at.
fn warnings(appspec: &AppSpec, plan: &InstallPlan) -> Vec<String> {
    let of_appspec = appspec.warnings.iter().map(|warning| format!("AppSpec: {warning}"));
    of_appspec.chain(plan.warnings.iter().cloned()).collect()
}

fn plan(
    request: &InstallRequest,
    appspec: &AppSpec,
    state_files: &StateFiles,
) -> Result<InstallPlan, InstallError> {
    let planned =
        with_plan_request(request, appspec, state_files, |request, disk| install_plan::plan(request, disk))?;
    planned.map_err(|error| {
        let mut evidence = occupied::evidence(std::slice::from_ref(&error), state_files.dir());
        InstallError::Plan { error: Box::new(error), evidence: evidence.pop().unwrap_or_default() }
    })
}

/// Hands `use_it` what a plan is made from.
fn with_plan_request<T>(
    request: &InstallRequest,
    appspec: &AppSpec,
    state_files: &StateFiles,
    use_it: impl FnOnce(&PlanRequest<'_>, &Disk) -> T,
) -> Result<T, InstallError> {
    let here = Path::new(".");
    let working_dir = std::env::current_dir().map_err(InstallError::at(here))?;
    let archive_dir = working_dir.join(&request.archive_dir);
    let cleanup = parse_cleanup(&state_files.read_cleanup()?);
    let request = PlanRequest {
        archive_dir: &archive_dir,
        appspec,
        deployment_behavior: &request.file_exists_behavior,
        cleanup: &cleanup,
        working_dir: &working_dir,
    };
    Ok(use_it(&request, &Disk::new()))
}

fn instructions_dir(root_dir: &Path) -> PathBuf {
    root_dir.join("deployment-instructions")
}

fn recover_with(
    root_dir: &Path,
    selinux: &Selinux,
    checkpoint: Checkpoint<'_>,
) -> Result<Vec<String>, InstallError> {
    let dir = instructions_dir(root_dir);
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(InstallError::at(&dir))?,
    };
    let (mut sentences, mut refused) = (Vec::new(), None);
    for entry in entries {
        let path = entry.map_err(InstallError::at(&dir))?.path();
        match recover_leftover(root_dir, &path, selinux, checkpoint) {
            Ok(sentence) => sentences.extend(sentence),
            // One group's trouble must not keep the others from their recovery.
            Err(error) => {
                if let Some(earlier) = refused.replace(error) {
                    tracing::error!("Cannot recover an interrupted Install: {earlier}");
                }
            }
        }
    }
    let Some(error) = refused else { return Ok(sentences) };
    for sentence in sentences {
        tracing::warn!("{sentence}");
    }
    Err(error)
}

/// Settles what may be left of an Install; `None` when it is something else.
fn recover_leftover(
    root_dir: &Path,
    path: &Path,
    selinux: &Selinux,
    checkpoint: Checkpoint<'_>,
) -> Result<Option<String>, InstallError> {
    // What looks interrupted may be at work in another process: a person's local deployment.
    let _turn = journal::group_of(path).map(|group| group_lock::take_blocking(&root_dir.join(group)));
    if journal::is_journal(path) {
        return recover_one(path, selinux, checkpoint);
    }
    if journal::is_unfinished(path) {
        operation::remove_file(path)?;
    }
    Ok(None)
}

/// Settles one journal; `None` when there is none.
fn recover_one(
    path: &Path,
    selinux: &Selinux,
    checkpoint: Checkpoint<'_>,
) -> Result<Option<String>, InstallError> {
    let Some(journal) = Journal::open(path)? else {
        return Ok(None);
    };
    let name = format!(
        "The Install of deployment {} in deployment group {} was interrupted",
        journal.deployment_id(),
        journal.deployment_group_id()
    );
    let outcome = match Transaction::resume(journal, selinux).settle(checkpoint)? {
        transaction::Outcome::Finished => "its files were in place, the rest is done now",
        transaction::Outcome::Undone => "it is undone, the files are as they were before",
    };
    Ok(Some(format!("{name}: {outcome}")))
}

impl Evident for InstallError {
    fn evidence(&self) -> Vec<Evidence> {
        match self {
            InstallError::AppSpec(error) => error.evidence(),
            InstallError::LifecycleEvents(error) => {
                let (rule, events) = match error {
                    LifecycleCheckError::Unknown { events, .. } => ("unknown_lifecycle_event", events),
                    LifecycleCheckError::WithoutHook { events, .. } => ("event_without_hook", events),
                };
                vec![Evidence::RuleBroken { rule: rule.to_owned(), subjects: events.clone() }]
            }
            InstallError::Plan { evidence, .. } => evidence.clone(),
            InstallError::Acl { object: path, source, .. } | InstallError::System { path, source } => {
                failure::system_refusal(Some(path), source)
            }
            InstallError::Context(ContextError(failure)) => vec![failure.evidence()],
            InstallError::JournalVersion { path, version } => {
                let subjects = vec![path.display().to_string(), version.clone()];
                vec![Evidence::RuleBroken { rule: "unknown_journal_version".to_owned(), subjects }]
            }
        }
    }
}

#[cfg(test)]
mod tests;
