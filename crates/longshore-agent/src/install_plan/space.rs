//! Whether the copies of a revision fit on the file systems that they go to.
//!
//! The new files are staged while the old ones are still there, so nothing becomes free before all are
//! written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::refusals::Refusals;
use super::{FileSystem, FileSystemView, Instruction, PlanError};

/// What goes to one file system.
struct Share {
    file_system: FileSystem,
    /// A directory on it.
    directory: PathBuf,
    needed_bytes: u64,
}

/// Compares what the instructions copy with what is free.
pub(super) fn check(
    instructions: &[Instruction],
    view: &dyn FileSystemView,
    refusals: &mut Refusals,
) -> Result<(), PlanError> {
    for share in shares(instructions, view) {
        let Some(available_bytes) = share.file_system.available_bytes else { continue };
        if available_bytes < share.needed_bytes {
            let path = view.mount_point(&share.directory);
            refusals.refuse(PlanError::NoSpace {
                path,
                needed_bytes: share.needed_bytes,
                available_bytes,
            })?;
        }
    }
    Ok(())
}

/// Adds up the copies per file system; the host is asked once for each directory that exists.
fn shares(instructions: &[Instruction], view: &dyn FileSystemView) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    let mut share_of: HashMap<&Path, usize> = HashMap::new();
    for instruction in instructions {
        let path = instruction.path();
        let Some(parent) = path.parent() else { continue };
        let idx = match share_of.get(parent) {
            Some(idx) => *idx,
            None => {
                // In a survey the parent may be what is in the way; then the file does not matter either.
                let Ok(file_system) = view.file_system(parent) else { continue };
                let idx = place_of(&mut shares, file_system, parent);
                share_of.insert(parent, idx);
                idx
            }
        };
        match instruction {
            Instruction::Copy { size_bytes, .. } => {
                let share = &mut shares[idx];
                let block_bytes = share.file_system.block_bytes.max(1);
                let taken_bytes = size_bytes.checked_next_multiple_of(block_bytes).unwrap_or(u64::MAX);
                share.needed_bytes = share.needed_bytes.saturating_add(taken_bytes);
            }
            Instruction::MakeDirectory { directory } => {
                share_of.insert(directory, idx);
            }
            Instruction::ChangeMode { .. }
            | Instruction::SetAcl { .. }
            | Instruction::SetContext { .. }
            | Instruction::ChangeOwner { .. } => {}
        }
    }
    shares
}

fn place_of(shares: &mut Vec<Share>, file_system: FileSystem, directory: &Path) -> usize {
    if let Some(idx) = shares.iter().position(|share| share.file_system.id == file_system.id) {
        return idx;
    }
    shares.push(Share { file_system, directory: directory.to_owned(), needed_bytes: 0 });
    shares.len() - 1
}
