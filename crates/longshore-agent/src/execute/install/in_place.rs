//! Attributes that are set after the switch, because links lead there: maybe to files that are not ours.
//! How these were is in the journal before anything is changed, and an Install that fails, or that is
//! undone by the next start, gives it back.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, Uid, XattrFlags, chmodat, chownat, getxattr, removexattr, setxattr,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::InstallError;
use super::attributes::{ACCESS_ACL, Attributes, DEFAULT_ACL};
use super::raw::Raw;
use crate::install_plan::Instruction;

/// Where the kernel keeps an SELinux context.
const LABEL: &str = "security.selinux";

/// The most that an extended attribute may have. Source: `linux/limits.h`.
const MAX_XATTR_BYTES: usize = 64 * 1024;

/// How a file was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// Without links, so that it is found whichever links are in place.
    path: Raw,
    /// Tells the file from another one that is there by then.
    inode: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    access_acl: Option<Raw>,
    default_acl: Option<Raw>,
    label: Option<Raw>,
}

impl Before {
    fn of(path: &Path) -> io::Result<Before> {
        let path = path.canonicalize()?;
        let metadata = fs::metadata(&path)?;
        Ok(Before {
            inode: metadata.ino(),
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            access_acl: attribute(&path, ACCESS_ACL)?,
            default_acl: attribute(&path, DEFAULT_ACL)?,
            label: attribute(&path, LABEL)?,
            path: Raw::from(path.as_os_str().as_bytes()),
        })
    }

    /// Makes the file as it was. May be called again.
    pub(super) fn give_back(&self) -> io::Result<()> {
        let path = self.path.to_path();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.ino() == self.inode => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        // The owner first: a change of owner takes setuid and setgid away. The lists last: they have a say
        // in the mode.
        chownat(CWD, &path, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)), AtFlags::empty())?;
        chmodat(CWD, &path, Mode::from_raw_mode(self.mode), AtFlags::empty())?;
        set_attribute(&path, ACCESS_ACL, self.access_acl.as_ref())?;
        set_attribute(&path, DEFAULT_ACL, self.default_acl.as_ref())?;
        match &self.label {
            Some(_) if attribute(&path, LABEL)? != self.label => {
                set_attribute(&path, LABEL, self.label.as_ref())
            }
            _ => Ok(()),
        }
    }

    /// Where it is, for messages.
    pub(super) fn shown(&self) -> String {
        self.path.to_path().display().to_string()
    }
}

/// How everything is that the instructions will change; contexts are attributes too.
pub(super) fn befores<'a>(
    instructions: impl Iterator<Item = &'a Instruction>,
) -> Result<Vec<Before>, InstallError> {
    let mut seen: HashSet<&Path> = HashSet::new();
    instructions
        .map(Instruction::path)
        .filter(|path| seen.insert(path))
        .map(|path| Before::of(path).map_err(InstallError::at(path)))
        .collect()
}

/// Carries out the instructions that had to wait.
pub(super) fn carry_out(instructions: &[Instruction]) -> Result<(), InstallError> {
    let mut attributes = Attributes::default();
    instructions.iter().try_for_each(|instruction| attributes.set(instruction, instruction.path()))
}

/// An extended attribute; `None` where there is none.
fn attribute(path: &Path, name: &str) -> io::Result<Option<Raw>> {
    let mut value = vec![0; MAX_XATTR_BYTES];
    match getxattr(path, name, &mut value[..]) {
        Ok(n_bytes) => Ok(Some(Raw::from(&value[..n_bytes]))),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn set_attribute(path: &Path, name: &str, value: Option<&Raw>) -> io::Result<()> {
    let set = match value {
        Some(value) => setxattr(path, name, value.bytes(), XattrFlags::empty()),
        None => removexattr(path, name),
    };
    match set {
        // Nothing to remove. A default list exists only on directories.
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::ACCESS) if value.is_none() => Ok(()),
        set => Ok(set?),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use longshore_model::appspec::Mode as FileMode;

    /// Something that changes a file.
    pub(in super::super) fn instruction(file: &Path) -> Instruction {
        Instruction::ChangeMode { mode: FileMode::parse("640").expect("a mode"), file: file.to_owned() }
    }

    #[test]
    fn a_file_gets_back_what_it_had_unless_it_is_another_one() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("f");
        fs::write(&file, "").expect("write");
        let mode = || fs::metadata(&file).expect("stat").mode() & 0o7777;
        chmodat(CWD, &file, Mode::from_raw_mode(0o4711), AtFlags::empty()).expect("chmod");
        let before = Before::of(&file).expect("before");
        carry_out(&[instruction(&file)]).expect("change");
        assert_eq!(mode(), 0o640);
        before.give_back().expect("back");
        before.give_back().expect("back again");
        assert_eq!((mode(), Before::of(&file).expect("after")), (0o4711, before.clone()));

        let other = folder.path().join("g");
        fs::write(&other, "").expect("write");
        carry_out(&[instruction(&other)]).expect("change");
        fs::rename(&other, &file).expect("rename");
        before.give_back().expect("not this one");
        assert_eq!(mode(), 0o640);
        fs::remove_file(&file).expect("remove");
        before.give_back().expect("nothing there");
    }
}
