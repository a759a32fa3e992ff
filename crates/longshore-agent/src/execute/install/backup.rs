//! Removes what was set aside, after the commit: exactly what the previous Install listed. What somebody
//! else put into one of its directories at the last moment is moved to the new directory instead.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
    for entry in cleanup.iter().rev() {
        match entry {
            CleanupEntry::Path(path) => {
                if let Some(moved) = moved_path(path, &backups) {
                    remove_entry(&moved)?;
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

/// Where a path of the previous revision is now.
fn moved_path(path: &Path, backups: &HashMap<&Path, &Path>) -> Option<PathBuf> {
    for ancestor in path.ancestors() {
        if let Some(backup) = backups.get(ancestor) {
            let below = path.strip_prefix(ancestor).ok()?;
            // Joining nothing would add a slash, which follows links.
            return Some(if below.as_os_str().is_empty() {
                backup.to_path_buf()
            } else {
                backup.join(below)
            });
        }
    }
    None
}

/// Removes a file, a link, or an empty directory.
fn remove_entry(path: &Path) -> Result<(), InstallError> {
    let removed = match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir(path),
        removed => removed,
    };
    match removed {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Ok(())
        }
        removed => removed.map_err(InstallError::at(path)),
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
