//! What an Install will do, decided before anything is touched. Source: agent.md §7.2, §7.3, I-27.
//!
//! Pure: the file system is seen through [`FileSystemView`], so every rule is tested in memory, and a
//! plan that fails leaves the host byte for byte as it was.

mod acl;
mod cleanup_file;
mod error;
mod files;
mod install_json;
mod path;
mod permissions;
mod refusals;
mod removal;
mod space;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use longshore_model::appspec::{AppSpec, FileExistsBehavior, Mode, SelinuxContext};

pub use acl::{AclRule, acl_mask, acl_text, complete_acl, encoded_acl};
pub use cleanup_file::{CleanupEntry, cleanup_text, parse_cleanup};
pub use error::PlanError;
pub use files::{ExistingDirectory, Kept};
pub use install_json::install_json;
pub use removal::Removals;
pub use view::{EntryKind, FileSystem, FileSystemView, SourceFile};

use files::FilePlanner;
use refusals::Refusals;
use view::HostAfterCleanup;

/// More steps than this are a folder that contains itself in disguise.
const MAX_INSTRUCTIONS: usize = 2_000_000;

/// What an Install is to be planned from.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// The unpacked revision, absolute.
    pub archive_dir: &'a Path,
    /// Its AppSpec.
    pub appspec: &'a AppSpec,
    /// What the deployment says about files that exist, when the AppSpec says nothing.
    pub deployment_behavior: &'a str,
    /// What the group's previous Install left to be removed.
    pub cleanup: &'a [CleanupEntry],
    /// What relative destinations are relative to.
    pub working_dir: &'a Path,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Copies a file or a link.
    Copy {
        /// In the revision.
        source: PathBuf,
        /// The file itself, not its directory.
        destination: PathBuf,
        /// Whether the source is a symbolic link.
        is_link: bool,
        /// Of the source; 0 for a link.
        size_bytes: u64,
    },
    /// Makes one directory.
    MakeDirectory {
        /// Its path.
        directory: PathBuf,
    },
    /// Sets permission bits.
    ChangeMode {
        /// The bits.
        mode: Mode,
        /// Of what.
        file: PathBuf,
    },
    /// Sets the access control lists.
    SetAcl {
        /// The entries of the AppSpec; the rest follows from the mode at that moment.
        acl: Arc<[AclRule]>,
        /// Of what.
        file: PathBuf,
    },
    /// Sets the SELinux context.
    SetContext {
        /// The context, without a role.
        context: Arc<SelinuxContext>,
        /// Of what.
        file: PathBuf,
    },
    /// Sets user and group.
    ChangeOwner {
        /// The user; `None` leaves it.
        owner: Option<Account>,
        /// The group; `None` leaves it.
        group: Option<Account>,
        /// Of what.
        file: PathBuf,
    },
}

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// As the AppSpec has it.
    pub name: String,
    /// On this host.
    pub id: u32,
}

impl Instruction {
    /// What it makes or changes.
    pub fn path(&self) -> &Path {
        match self {
            Instruction::Copy { destination: path, .. }
            | Instruction::MakeDirectory { directory: path }
            | Instruction::ChangeMode { file: path, .. }
            | Instruction::SetAcl { file: path, .. }
            | Instruction::SetContext { file: path, .. }
            | Instruction::ChangeOwner { file: path, .. } => path,
        }
    }
}

/// What an Install will do.
#[derive(Clone, Debug, Default)]
pub struct InstallPlan {
    /// In the order of the original agent.
    pub instructions: Vec<Instruction>,
    /// For each instruction the place of its entry in the AppSpec: in `files` for what copies and makes,
    /// in `permissions` for what sets attributes.
    pub entries: Vec<usize>,
    /// What stays because of `RETAIN`.
    pub kept: Vec<Kept>,
    /// Directories that are used as they are.
    pub existing_directories: Vec<ExistingDirectory>,
    /// What goes away of the previous revision.
    pub removals: Removals,
    /// What the author of the AppSpec should look at.
    pub warnings: Vec<String>,
}

/// What to do about a target that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Behavior {
    Known(FileExistsBehavior),
    /// An error, but only once something exists.
    Invalid(String),
}

/// Plans an Install.
///
/// # Errors
/// The first rule broken; its text is what the service shows.
pub fn plan(request: &PlanRequest<'_>, view: &dyn FileSystemView) -> Result<InstallPlan, PlanError> {
    make(request, view, &mut Refusals::end_the_plan())
}

/// Plans as [`plan`], but goes on after a broken rule: returns what can be planned, and all that stands in
/// the way, in the order in which [`plan`] would meet it.
pub fn survey(request: &PlanRequest<'_>, view: &dyn FileSystemView) -> (InstallPlan, Vec<PlanError>) {
    let mut refusals = Refusals::are_collected();
    let made = make(request, view, &mut refusals);
    let mut errors = refusals.into_errors();
    let plan = made.unwrap_or_else(|error| {
        errors.push(error);
        InstallPlan::default()
    });
    (plan, errors)
}

fn make(
    request: &PlanRequest<'_>,
    view: &dyn FileSystemView,
    refusals: &mut Refusals,
) -> Result<InstallPlan, PlanError> {
    let removals = match Removals::simulate(request.cleanup, view) {
        Ok(removals) => removals,
        Err(error) => refusals.refuse(error).map(|()| Removals::default())?,
    };
    let host = HostAfterCleanup { view, removals: &removals };
    let behavior = behavior(request);
    let mut planner = FilePlanner::new(host, &behavior, refusals);
    for (idx, file) in request.appspec.files.iter().enumerate() {
        planner.entry(idx, file, request.archive_dir, request.working_dir)?;
    }
    let mut planned = planner.finish();
    let permissions = &request.appspec.permissions;
    let attributes = permissions::plan(&planned, permissions, host, request.working_dir, refusals)?;
    space::check(&planned.instructions, view, refusals)?;
    planned.instructions.extend(attributes.instructions);
    planned.entries.extend(attributes.entries);
    Ok(InstallPlan {
        instructions: planned.instructions,
        entries: planned.entries,
        kept: planned.kept,
        existing_directories: planned.existing_directories,
        removals,
        warnings: attributes.warnings,
    })
}

fn behavior(request: &PlanRequest<'_>) -> Behavior {
    let name = request.deployment_behavior;
    let of_deployment = || match name {
        "" => Some(FileExistsBehavior::Disallow),
        _ => FileExistsBehavior::from_name(name),
    };
    match request.appspec.file_exists_behavior.or_else(of_deployment) {
        Some(behavior) => Behavior::Known(behavior),
        None => Behavior::Invalid(name.to_owned()),
    }
}

#[cfg(test)]
mod tests;
