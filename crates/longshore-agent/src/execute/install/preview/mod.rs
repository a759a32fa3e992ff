//! What an Install would do, path by path, found out without changing anything: for people who want to see
//! it before.

mod paths;

use std::path::Path;

use longshore_model::evidence::Evidence;
use serde::{Deserialize, Serialize};

use super::occupied;
use super::state_files::StateFiles;
use super::{InstallError, InstallRequest, instructions_dir, read_appspec, warnings, with_plan_request};
use crate::execute::appspec_file;
use crate::failure::shown;
use crate::install_plan::{self, PlanError};
use paths::Paths;

/// What an Install would do. Paths are shown with U+FFFD where they are not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The AppSpec's file.
    pub appspec_file: String,
    /// Sorted. What conflicts is not among them.
    pub paths: Vec<PathPreview>,
    /// Everything that stands in the way. With one of these, an Install changes nothing.
    pub conflicts: Vec<Conflict>,
    /// What the author of the AppSpec should look at.
    pub warnings: Vec<String>,
    /// Sums.
    pub totals: Totals,
}

/// One path, as it will be; as it was, when it is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathPreview {
    /// Where.
    pub path: String,
    /// What happens to it.
    pub change: Change,
    /// `file`, `directory`, `symlink` or `special`.
    pub entry_kind: String,
    /// Bytes of a file.
    pub size_bytes: u64,
    /// The owner's number.
    pub uid: u32,
    /// The owner's name, if the number has one here.
    pub owner: Option<String>,
    /// The group's number.
    pub gid: u32,
    /// The group's name, if the number has one here.
    pub group: Option<String>,
    /// Permission bits, octal: `0644`.
    pub mode: String,
    /// The access control list that is set, as `setfacl` would be given it.
    pub acl: Option<String>,
    /// The SELinux type that is set.
    pub selinux_type: Option<String>,
    /// What is copied.
    pub source: Option<String>,
    /// Where a symbolic link leads.
    pub link_text: Option<String>,
    /// Why, the first reason first.
    pub causes: Vec<Cause>,
}

/// What happens to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Nothing is there yet.
    Create,
    /// What is there makes room.
    Replace,
    /// It stays because of `RETAIN`.
    Keep,
    /// The previous Install's, and not in this revision.
    Remove,
    /// A directory that is there and receives files.
    Unchanged,
}

/// What makes something happen to a path. Entries are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "section", rename_all = "snake_case")]
pub enum Cause {
    /// An entry of the AppSpec's `files`.
    Files {
        /// Its number.
        entry: usize,
        /// As in the AppSpec.
        source: String,
        /// As in the AppSpec.
        destination: String,
    },
    /// An entry of the AppSpec's `permissions`.
    Permissions {
        /// Its number.
        entry: usize,
        /// As in the AppSpec.
        object: String,
    },
    /// The list of what the group's previous Install made.
    Cleanup {
        /// The list's file.
        list: String,
    },
}

/// Something that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What the service would show, were it the first.
    pub message: String,
    /// What was seen.
    pub evidence: Vec<Evidence>,
}

/// Sums over a preview.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Paths that are new.
    pub n_created: usize,
    /// Paths whose content makes room.
    pub n_replaced: usize,
    /// Paths that stay because of `RETAIN`.
    pub n_kept: usize,
    /// Paths that go away.
    pub n_removed: usize,
    /// Directories that are there already.
    pub n_unchanged: usize,
    /// What is in the way.
    pub n_conflicts: usize,
    /// Bytes to be copied.
    pub copied_bytes: u64,
}

/// Finds out what [`super::install`] would do now. Blocks, and changes nothing.
///
/// # Errors
/// When there is nothing to plan from: no AppSpec, or one that breaks a rule.
pub fn preview(request: &InstallRequest) -> Result<Preview, InstallError> {
    let state_files = StateFiles::new(&instructions_dir(&request.root_dir), &request.deployment_group_id);
    let appspec = read_appspec(request)?;
    let (plan, errors) = with_plan_request(request, &appspec, &state_files, |request, disk| {
        install_plan::survey(request, disk)
    })?;
    let appspec_file = appspec_file::find(&request.archive_dir, &request.appspec_filename)?;
    let mut warnings = warnings(&appspec, &plan);
    if state_files.journal().exists() {
        warnings.push(
            "an Install of this deployment group was interrupted: it will be settled first, but here the host is shown as it is now".to_owned(),
        );
    }
    let mut paths = Paths::new(&appspec, &state_files.cleanup(), &mut warnings);
    paths.add(&plan)?;
    let paths = paths.finish();
    let conflicts = conflicts(&errors, state_files.dir());
    let totals = totals(&paths, &conflicts);
    Ok(Preview { appspec_file: shown(&appspec_file), paths, conflicts, warnings, totals })
}

fn conflicts(errors: &[PlanError], instructions_dir: &Path) -> Vec<Conflict> {
    let evidence = occupied::evidence(errors, instructions_dir);
    let conflict = |(error, evidence): (&PlanError, _)| Conflict { message: error.to_string(), evidence };
    errors.iter().zip(evidence).map(conflict).collect()
}

fn totals(paths: &[PathPreview], conflicts: &[Conflict]) -> Totals {
    let mut totals = Totals { n_conflicts: conflicts.len(), ..Totals::default() };
    for path in paths {
        match path.change {
            Change::Create => totals.n_created += 1,
            Change::Replace => totals.n_replaced += 1,
            Change::Keep => totals.n_kept += 1,
            Change::Remove => totals.n_removed += 1,
            Change::Unchanged => totals.n_unchanged += 1,
        }
        if matches!(path.change, Change::Create | Change::Replace) {
            totals.copied_bytes = totals.copied_bytes.saturating_add(path.size_bytes);
        }
    }
    totals
}
