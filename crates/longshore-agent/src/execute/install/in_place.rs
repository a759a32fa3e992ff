//! Attributes that are set after the switch, because links lead there: maybe to files that are not ours,
//! so a failing Install gives them back what they had.

use std::io;
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, Gid, Mode, Stat, Uid, chmodat, chownat};

use super::InstallError;
use super::stage::{change, mode_set_by};
use crate::install_plan::Instruction;

/// What has been changed in place, with the attributes of before, in the order of the changes.
#[derive(Debug, Default)]
pub(super) struct InPlace {
    before: Vec<(PathBuf, Stat)>,
}

impl InPlace {
    /// Carries out the instructions that had to wait: all of them, or none.
    pub(super) fn carry_out(instructions: &[Instruction]) -> Result<InPlace, InstallError> {
        let mut in_place = InPlace::default();
        let mut mode_before = None;
        for instruction in instructions {
            if let Instruction::ChangeMode { file, .. } | Instruction::ChangeOwner { file, .. } = instruction
            {
                let changed = in_place.remember(file).and_then(|()| change(instruction, file, mode_before));
                if let Err(error) = changed {
                    in_place.revert();
                    return Err(InstallError::at(file)(error));
                }
            }
            mode_before = mode_set_by(instruction);
        }
        Ok(in_place)
    }

    fn remember(&mut self, file: &PathBuf) -> io::Result<()> {
        self.before.push((file.clone(), rustix::fs::stat(file)?));
        Ok(())
    }

    /// Gives everything back what it had. To be called while the links are in place.
    pub(super) fn revert(&self) {
        for (file, stat) in self.before.iter().rev() {
            let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
            // The owner first: a change of owner takes setuid and setgid away.
            let reverted = chownat(CWD, file, Some(uid), Some(gid), AtFlags::empty())
                .and_then(|()| chmodat(CWD, file, Mode::from_raw_mode(stat.st_mode), AtFlags::empty()));
            if let Err(error) = reverted {
                tracing::error!("cannot give {} its attributes back: {error}", file.display());
            }
        }
    }
}
