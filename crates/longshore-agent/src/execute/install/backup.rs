//! Removes what was set aside, after the commit: exactly what the previous Install listed. What somebody
//! else put into one of its directories at the last moment is moved to the new directory instead.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, open, unlinkat};
use rustix::io::Errno;

use super::InstallError;
use super::operation::{Names, remove_file};
use crate::install_plan::CleanupEntry;

/// Removes the backups of the given operations.
pub(super) fn remove(
    cleanup: &[CleanupEntry],
    set_aside: &[Names],
    checkpoint: &mut dyn FnMut(),
) -> Result<(), InstallError> {
    let backups: HashMap<&Path, &Path> =
        set_aside.iter().map(|names| (names.path.as_path(), names.backup.as_path())).collect();
    let mut directories = MovedDirectories { backups, last: None };
    for entry in cleanup.iter().rev() {
        match entry {
            CleanupEntry::Path(path) => {
                if directories.remove(path)? {
                    checkpoint();
                }
            }
            // What the policy says is no file.
            CleanupEntry::Semanage(_) => {}
        }
    }
    for names in set_aside {
        remove_rest(names)?;
    }
    Ok(())
}

/// The directories of the previous revision where they are now. Files of one directory follow each other
/// in a cleanup list, so the last one is kept open.
struct MovedDirectories<'a> {
    backups: HashMap<&'a Path, &'a Path>,
    /// A directory of the list, and what it is now; `None` when it is gone or was not set aside.
    last: Option<(&'a Path, Option<OwnedFd>)>,
}

impl<'a> MovedDirectories<'a> {
    /// Removes what was at `path` of the previous revision, if that was set aside.
    fn remove(&mut self, path: &'a Path) -> Result<bool, InstallError> {
        if let Some(backup) = self.backups.get(path) {
            return remove_entry(CWD, backup.as_os_str()).map_err(InstallError::at(backup)).map(|()| true);
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
        if self.last.as_ref().is_none_or(|(last, _)| *last != parent) {
            self.last = Some((parent, self.open(parent)?));
        }
        match &self.last {
            Some((_, Some(directory))) => {
                remove_entry(directory, name).map_err(InstallError::at(path)).map(|()| true)
            }
            Some((_, None)) | None => Ok(false),
        }
    }

    fn open(&self, directory: &Path) -> Result<Option<OwnedFd>, InstallError> {
        let Some(moved) = self.moved(directory) else { return Ok(None) };
        match open(&moved, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(handle) => Ok(Some(handle)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(InstallError::at(&moved)(error.into())),
        }
    }

    /// Where a path of the previous revision is now.
    fn moved(&self, path: &Path) -> Option<PathBuf> {
        path.ancestors().find_map(|ancestor| {
            let backup = self.backups.get(ancestor)?;
            let below = path.strip_prefix(ancestor).ok()?;
            Some(backup.join(below))
        })
    }
}

/// Removes a file, a link, or an empty directory.
fn remove_entry(directory: impl AsFd, name: &OsStr) -> io::Result<()> {
    let removed = match unlinkat(&directory, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => unlinkat(&directory, name, AtFlags::REMOVEDIR),
        removed => removed,
    };
    match removed {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        removed => Ok(removed?),
    }
}

/// What the list does not name: a foreign file that was overwritten, or files that came in between.
fn remove_rest(names: &Names) -> Result<(), InstallError> {
    match fs::symlink_metadata(&names.backup) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(InstallError::at(&names.backup)(error)),
        Ok(metadata) if !metadata.is_dir() => remove_file(&names.backup),
        Ok(_) => {
            tracing::warn!(
                path = %names.path.display(),
                "files were added to a folder while it was being replaced: they are kept"
            );
            rescue(&names.backup, &names.path).map_err(InstallError::at(&names.path))
        }
    }
}

/// Moves what is left in `from` to `to`; what has no room there stays.
fn rescue(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if fs::symlink_metadata(&target).is_err() {
            fs::rename(entry.path(), &target)?;
        } else if entry.file_type()?.is_dir() && target.is_dir() {
            rescue(&entry.path(), &target)?;
        } else {
            tracing::warn!(path = %entry.path().display(), "a file that was added has no place in the new revision");
        }
    }
    match fs::remove_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed,
    }
}
