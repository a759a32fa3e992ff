//! What an Install would do, path by path, found out without changing anything: for people who want to see
//! it before.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use longshore_model::appspec::AppSpec;
use longshore_model::evidence::Evidence;
use serde::{Deserialize, Serialize};

use super::disk::kind;
use super::occupied::{self, Accounts, kind_name, mode_text};
use super::state_files::StateFiles;
use super::{InstallError, InstallRequest, instructions_dir, read_appspec, warnings, with_plan_request};
use crate::execute::{appspec_file, umask};
use crate::failure::shown;
use crate::install_plan::{self, AclRule, InstallPlan, Instruction, PlanError, acl_text, complete_acl};

const SETGID: u32 = 0o2000;

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
    let mut builder = Builder {
        appspec: &appspec,
        cleanup_list: shown(&state_files.cleanup()),
        is_root: rustix::process::geteuid().is_root(),
        paths: BTreeMap::new(),
        accounts: Accounts::default(),
        warnings: warnings(&appspec, &plan),
    };
    if state_files.journal().exists() {
        builder.warnings.push(
            "an Install of this deployment group was interrupted: it will be settled first, but here the host is shown as it is now".to_owned(),
        );
    }
    builder.add(&plan)?;
    let Builder { paths, warnings, .. } = builder;
    let paths: Vec<PathPreview> = paths.into_values().collect();
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

struct Builder<'a> {
    appspec: &'a AppSpec,
    cleanup_list: String,
    is_root: bool,
    paths: BTreeMap<PathBuf, PathPreview>,
    accounts: Accounts,
    warnings: Vec<String>,
}

impl Builder<'_> {
    fn add(&mut self, plan: &InstallPlan) -> Result<(), InstallError> {
        for (instruction, entry) in plan.instructions.iter().zip(&plan.entries) {
            match instruction {
                Instruction::Copy { source, destination, is_link, size_bytes } => {
                    self.copy(source, destination, *is_link, *size_bytes)?;
                    self.placed(plan, destination, *entry);
                }
                Instruction::MakeDirectory { directory } => {
                    self.make_directory(directory);
                    self.placed(plan, directory, *entry);
                }
                Instruction::ChangeMode { .. }
                | Instruction::SetAcl { .. }
                | Instruction::SetContext { .. }
                | Instruction::ChangeOwner { .. } => self.attribute(instruction, *entry),
            }
        }
        for kept in &plan.kept {
            let cause = self.files_cause(kept.entry);
            self.existing(&kept.target, Change::Keep, cause);
            if let Some(path) = self.paths.get_mut(&kept.target) {
                path.source = Some(shown(&kept.source));
            }
        }
        for directory in &plan.existing_directories {
            let cause = self.files_cause(directory.entry);
            self.existing(&directory.path, Change::Unchanged, cause);
        }
        for path in plan.removals.paths() {
            if !self.paths.contains_key(path) {
                let cause = Cause::Cleanup { list: self.cleanup_list.clone() };
                self.existing(path, Change::Remove, cause);
            }
        }
        Ok(())
    }

    /// What something that is there now is, and stays until it is removed.
    fn existing(&mut self, path: &Path, change: Change, cause: Cause) {
        let preview = match self.paths.entry(path.to_owned()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let metadata =
                    if change == Change::Unchanged { fs::metadata(path) } else { path.symlink_metadata() };
                // What is gone already will not be missed.
                let Ok(metadata) = metadata else { return };
                let mut preview = of_metadata(path, change, &metadata, &mut self.accounts);
                if metadata.is_symlink() {
                    preview.link_text = fs::read_link(path).ok().map(|text| shown(&text));
                }
                entry.insert(preview)
            }
        };
        if !preview.causes.contains(&cause) {
            preview.causes.push(cause);
        }
    }

    fn copy(
        &mut self,
        source: &Path,
        target: &Path,
        is_link: bool,
        size_bytes: u64,
    ) -> Result<(), InstallError> {
        let metadata = fs::symlink_metadata(source).map_err(InstallError::at(source))?;
        let mut preview = of_metadata(target, Change::Create, &metadata, &mut self.accounts);
        preview.size_bytes = size_bytes;
        preview.source = Some(shown(source));
        if is_link {
            preview.link_text = fs::read_link(source).ok().map(|text| shown(&text));
        }
        if is_link || !self.is_root {
            let group = self.group_for_new(target);
            self.give_to(&mut preview, rustix::process::geteuid().as_raw(), group.0);
        }
        self.paths.insert(target.to_owned(), preview);
        Ok(())
    }

    fn make_directory(&mut self, directory: &Path) {
        let (gid, inherited) = self.group_for_new(directory);
        let mut preview = PathPreview {
            path: shown(directory),
            change: Change::Create,
            entry_kind: "directory".to_owned(),
            size_bytes: 0,
            uid: 0,
            owner: None,
            gid,
            group: None,
            mode: mode_text(0o777 & !umask::current() | inherited),
            acl: None,
            selinux_type: None,
            source: None,
            link_text: None,
            causes: Vec::new(),
        };
        self.give_to(&mut preview, rustix::process::geteuid().as_raw(), gid);
        self.paths.insert(directory.to_owned(), preview);
    }

    /// The group of what is made in a directory, and the bit that its directories inherit.
    fn group_for_new(&self, path: &Path) -> (u32, u32) {
        let own = (rustix::process::getegid().as_raw(), 0);
        let Some(parent) = path.parent() else { return own };
        let (gid, mode) = match self.paths.get(parent) {
            Some(parent) => (parent.gid, mode_bits(parent)),
            None => match fs::metadata(parent) {
                Ok(metadata) => (metadata.gid(), metadata.mode()),
                Err(_) => return own,
            },
        };
        if mode & SETGID != 0 { (gid, SETGID) } else { own }
    }

    fn give_to(&mut self, preview: &mut PathPreview, uid: u32, gid: u32) {
        (preview.uid, preview.gid) = (uid, gid);
        (preview.owner, preview.group) = (self.accounts.user(uid), self.accounts.group(gid));
    }

    /// Adds why a path is placed, and whether something makes room for it.
    fn placed(&mut self, plan: &InstallPlan, path: &Path, entry: usize) {
        let cause = self.files_cause(entry);
        let is_old = plan.removals.contains(path);
        if let Some(preview) = self.paths.get_mut(path) {
            preview.causes.push(cause);
            if is_old || fs::symlink_metadata(path).is_ok() {
                preview.change = Change::Replace;
            }
        }
    }

    fn attribute(&mut self, instruction: &Instruction, entry: usize) {
        let Some(mut preview) = self.paths.remove(instruction.path()) else { return };
        let object = self.appspec.permissions.get(entry).map(|permission| permission.object.clone());
        let cause = Cause::Permissions { entry: entry + 1, object: object.unwrap_or_default() };
        if preview.entry_kind == "symlink" {
            self.warn_about_link(&preview, &cause);
        } else {
            self.set(instruction, &mut preview);
        }
        if !preview.causes.contains(&cause) {
            preview.causes.push(cause);
        }
        self.paths.insert(instruction.path().to_owned(), preview);
    }

    fn warn_about_link(&mut self, link: &PathPreview, cause: &Cause) {
        if !link.causes.contains(cause) {
            self.warnings.push(format!(
                "the permissions for the symbolic link {} change what it leads to: {}",
                link.path,
                link.link_text.as_deref().unwrap_or_default()
            ));
        }
    }

    fn set(&mut self, instruction: &Instruction, preview: &mut PathPreview) {
        match instruction {
            Instruction::ChangeMode { mode, .. } => preview.mode = mode_text(mode.bits()),
            Instruction::SetAcl { acl, .. } => {
                let complete = complete_acl(acl, mode_bits(preview));
                preview.mode = mode_text(mode_with_mask(mode_bits(preview), &complete));
                preview.acl = Some(acl_text(&complete));
            }
            Instruction::SetContext { context, .. } => preview.selinux_type = Some(context.kind.clone()),
            Instruction::ChangeOwner { owner, group, .. } => {
                let uid = owner.as_ref().map_or(preview.uid, |owner| owner.id);
                let gid = group.as_ref().map_or(preview.gid, |group| group.id);
                self.give_to(preview, uid, gid);
            }
            Instruction::Copy { .. } | Instruction::MakeDirectory { .. } => {}
        }
    }

    fn files_cause(&self, entry: usize) -> Cause {
        let file = self.appspec.files.get(entry);
        let (source, destination) =
            file.map(|file| (file.source.clone(), file.destination.clone())).unwrap_or_default();
        Cause::Files { entry: entry + 1, source, destination }
    }
}

fn of_metadata(path: &Path, change: Change, metadata: &Metadata, accounts: &mut Accounts) -> PathPreview {
    PathPreview {
        path: shown(path),
        change,
        entry_kind: kind_name(kind(metadata.file_type())).to_owned(),
        size_bytes: if metadata.is_file() { metadata.len() } else { 0 },
        uid: metadata.uid(),
        owner: accounts.user(metadata.uid()),
        gid: metadata.gid(),
        group: accounts.group(metadata.gid()),
        mode: mode_text(metadata.mode()),
        acl: None,
        selinux_type: None,
        source: None,
        link_text: None,
        causes: Vec::new(),
    }
}

fn mode_bits(preview: &PathPreview) -> u32 {
    u32::from_str_radix(&preview.mode, 8).unwrap_or(0)
}

/// With a mask, that is what the group's bits show.
fn mode_with_mask(mode: u32, complete: &[AclRule]) -> u32 {
    install_plan::acl_mask(complete).map_or(mode, |mask| mode & !0o070 | mask << 3)
}
