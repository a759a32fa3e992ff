//! Sets modes, access control lists and owners, on the stage or in place.

use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, Uid, XattrFlags, chmodat, chownat, setxattr, stat};
use rustix::io::Errno;

use super::InstallError;
use crate::install_plan::{AclRule, Instruction, acl_text, complete_acl, encoded_acl};

const PERMISSION_BITS: u32 = 0o777;
const SPECIAL_BITS: u32 = 0o7000;

/// The attributes in which the kernel keeps access control lists.
pub(super) const ACCESS_ACL: &str = "system.posix_acl_access";
pub(super) const DEFAULT_ACL: &str = "system.posix_acl_default";

/// Sets attributes, one instruction after the other.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    /// The last object that was given a mode with special bits, and these.
    special: Option<(&'a Path, u32)>,
}

impl<'a> Attributes<'a> {
    /// Carries out an instruction on `target`, which is where its object is now; links are followed.
    /// What sets no such attribute is left alone.
    pub(super) fn set(&mut self, instruction: &'a Instruction, target: &Path) -> Result<(), InstallError> {
        match instruction {
            Instruction::ChangeMode { mode, file } => {
                let bits = mode.bits();
                self.special = (bits & SPECIAL_BITS != 0).then_some((file, bits & SPECIAL_BITS));
                change_mode(target, bits).map_err(|error| InstallError::at(file)(error.into()))
            }
            Instruction::SetAcl { acl, file } => set_acl(acl, file, target),
            Instruction::ChangeOwner { owner, group, file } => {
                let uid = owner.as_ref().map(|owner| Uid::from_raw(owner.id));
                let gid = group.as_ref().map(|group| Gid::from_raw(group.id));
                chownat(CWD, target, uid, gid, AtFlags::empty())
                    .and_then(|()| self.restore_special_bits(file, target))
                    .map_err(|error| InstallError::at(file)(error.into()))
            }
            Instruction::Copy { .. } | Instruction::MakeDirectory { .. } | Instruction::SetContext { .. } => {
                Ok(())
            }
        }
    }

    /// A change of owner takes setuid and setgid away (I-26). The other bits are set to what they are: with
    /// an access control list, those of the group are its mask.
    fn restore_special_bits(&self, file: &Path, target: &Path) -> Result<(), Errno> {
        match self.special {
            Some((path, bits)) if path == file => {
                change_mode(target, stat(target)?.st_mode & PERMISSION_BITS | bits)
            }
            _ => Ok(()),
        }
    }
}

fn change_mode(target: &Path, bits: u32) -> Result<(), Errno> {
    chmodat(CWD, target, Mode::from_raw_mode(bits), AtFlags::empty())
}

/// Sets the access list, and the default list when there are entries for it; as `setfacl --set`.
fn set_acl(rules: &[AclRule], file: &Path, target: &Path) -> Result<(), InstallError> {
    let stat = stat(target).map_err(|error| InstallError::at(file)(error.into()))?;
    let complete = complete_acl(rules, stat.st_mode);
    for (is_default, name) in [(false, ACCESS_ACL), (true, DEFAULT_ACL)] {
        let Some(value) = encoded_acl(&complete, is_default) else { continue };
        match setxattr(target, name, &value, XattrFlags::empty()) {
            // A list that says what the mode says needs no file system that knows lists.
            Ok(()) => {}
            Err(Errno::OPNOTSUPP) if rules.is_empty() => {}
            Err(error) => {
                let (object, acl) = (file.to_owned(), acl_text(&complete));
                return Err(InstallError::Acl { object, acl, source: error.into() });
            }
        }
    }
    Ok(())
}
