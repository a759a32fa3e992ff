//! The paths of a preview: each as it is or will be, with its causes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use longshore_model::appspec::AppSpec;

use super::{Cause, Change, PathPreview};
use crate::execute::install::InstallError;
use crate::execute::install::disk::kind;
use crate::execute::install::occupied::{Accounts, kind_name, mode_text};
use crate::execute::umask;
use crate::failure::shown;
use crate::install_plan::{self, AclRule, InstallPlan, Instruction, acl_text, complete_acl};

const SETGID: u32 = 0o2000;

/// The paths so far.
pub(super) struct Paths<'a> {
    appspec: &'a AppSpec,
    cleanup_list: String,
    is_root: bool,
    paths: BTreeMap<PathBuf, PathPreview>,
    accounts: Accounts,
    warnings: &'a mut Vec<String>,
}

impl<'a> Paths<'a> {
    pub(super) fn new(appspec: &'a AppSpec, cleanup: &Path, warnings: &'a mut Vec<String>) -> Paths<'a> {
        Paths {
            appspec,
            cleanup_list: shown(cleanup),
            is_root: rustix::process::geteuid().is_root(),
            paths: BTreeMap::new(),
            accounts: Accounts::default(),
            warnings,
        }
    }

    /// All paths, sorted.
    pub(super) fn finish(self) -> Vec<PathPreview> {
        self.paths.into_values().collect()
    }

    /// Adds what a plan does.
    pub(super) fn add(&mut self, plan: &InstallPlan) -> Result<(), InstallError> {
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
