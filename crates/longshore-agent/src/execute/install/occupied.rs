//! What stands where a revision wants to go, and who put it there. Source: failures.md §2.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use longshore_model::evidence::{Evidence, FoundEntry};
use nix::unistd::{Gid, Group, Uid, User};

use super::disk::kind;
use super::recorded;
use crate::failure::{Evident, shown};
use crate::install_plan::{EntryKind, PlanError};

/// The evidence of each error. Occupied paths come first; the lists of all groups are searched once.
pub(super) fn evidence(errors: &[PlanError], instructions_dir: &Path) -> Vec<Vec<Evidence>> {
    let paths: HashSet<&Path> = errors.iter().filter_map(PlanError::occupied_path).collect();
    let mut groups = recorded::search(instructions_dir, &paths);
    let mut accounts = Accounts::default();
    let of_error = |error: &PlanError| {
        let occupied = error.occupied_path().and_then(|path| {
            let found = found(path, &mut accounts)?;
            let recorded_by = groups.remove(path).unwrap_or_default();
            Some(Evidence::PathOccupied { path: shown(path), found, recorded_by })
        });
        occupied.into_iter().chain(error.evidence()).collect()
    };
    errors.iter().map(of_error).collect()
}

fn found(path: &Path, accounts: &mut Accounts) -> Option<FoundEntry> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    let modified_epoch_secs = match modified.duration_since(UNIX_EPOCH) {
        Ok(age) => i64::try_from(age.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    Some(FoundEntry {
        entry_kind: kind_name(kind(metadata.file_type())).to_owned(),
        uid: metadata.uid(),
        owner: accounts.user(metadata.uid()),
        gid: metadata.gid(),
        group: accounts.group(metadata.gid()),
        mode: mode_text(metadata.mode()),
        size_bytes: metadata.len(),
        modified_epoch_secs,
    })
}

/// The word for a kind.
pub(super) fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink => "symlink",
        EntryKind::Special => "special",
    }
}

/// Permission bits as four octal digits.
pub(super) fn mode_text(mode: u32) -> String {
    format!("{:04o}", mode & 0o7777)
}

/// Names of numbers, each asked for once.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: HashMap<u32, Option<String>>,
    groups: HashMap<u32, Option<String>>,
}

impl Accounts {
    /// The name of a user.
    pub(super) fn user(&mut self, id: u32) -> Option<String> {
        let name = || User::from_uid(Uid::from_raw(id)).ok().flatten().map(|user| user.name);
        self.users.entry(id).or_insert_with(name).clone()
    }

    /// The name of a group.
    pub(super) fn group(&mut self, id: u32) -> Option<String> {
        let name = || Group::from_gid(Gid::from_raw(id)).ok().flatten().map(|group| group.name);
        self.groups.entry(id).or_insert_with(name).clone()
    }
}
