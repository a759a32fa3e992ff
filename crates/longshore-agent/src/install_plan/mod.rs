//! What an Install will do, decided before anything is touched. Source: agent.md §7.2, §7.3, I-27.
//!
//! Pure: the file system is seen through [`FileSystemView`], so every rule is tested in memory, and a
//! plan that fails leaves the host byte for byte as it was.

mod cleanup_file;
mod error;
mod files;
mod install_json;
mod path;
mod permissions;
mod removal;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use longshore_model::appspec::{AppSpec, FileExistsBehavior, Mode};

pub use cleanup_file::{CleanupEntry, cleanup_text, parse_cleanup};
pub use error::PlanError;
pub use install_json::install_json;
pub use removal::Removals;

use files::FilePlanner;

/// More steps than this are a folder that contains itself in disguise.
const MAX_INSTRUCTIONS: usize = 2_000_000;

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe, socket or device.
    Special,
}

/// What a plan may ask about the host.
pub trait FileSystemView {
    /// What the path itself is; `None` when nothing is there.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>>;

    /// What the path leads to, never [`EntryKind::Symlink`]; `None` for a dangling link too.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn target(&self, path: &Path) -> io::Result<Option<EntryKind>>;

    /// The entries of a directory in any order; links are not followed.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>>;

    /// The path without links.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn real_path(&self, path: &Path) -> io::Result<PathBuf>;

    /// The number of a user.
    fn user_id(&self, name: &str) -> Option<u32>;

    /// The number of a group.
    fn group_id(&self, name: &str) -> Option<u32>;
}

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

/// What an Install will do.
#[derive(Clone, Debug)]
pub struct InstallPlan {
    /// In the order of the original agent.
    pub instructions: Vec<Instruction>,
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
    let removals = Removals::simulate(request.cleanup, view)?;
    let host = HostAfterCleanup { view, removals: &removals };
    let behavior = behavior(request);
    let mut planner = FilePlanner::new(host, &behavior);
    for file in &request.appspec.files {
        planner.entry(file, request.archive_dir, request.working_dir)?;
    }
    let planned = planner.finish();
    let (instructions, warnings) =
        permissions::plan(planned, &request.appspec.permissions, host, request.working_dir)?;
    Ok(InstallPlan { instructions, removals, warnings })
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

/// The host as it will be when the previous revision is gone (I-27).
#[derive(Clone, Copy)]
struct HostAfterCleanup<'a> {
    view: &'a dyn FileSystemView,
    removals: &'a Removals,
}

impl HostAfterCleanup<'_> {
    fn entry(&self, path: &Path) -> Result<Option<EntryKind>, PlanError> {
        if self.removals.contains(path) {
            return Ok(None);
        }
        self.view.entry(path).map_err(|source| PlanError::system(path, source))
    }

    fn target(&self, path: &Path) -> Result<Option<EntryKind>, PlanError> {
        if self.removals.contains(path) {
            return Ok(None);
        }
        self.view.target(path).map_err(|source| PlanError::system(path, source))
    }

    fn is_directory(&self, path: &Path) -> Result<bool, PlanError> {
        Ok(self.target(path)? == Some(EntryKind::Directory))
    }
}

#[cfg(test)]
mod tests;
