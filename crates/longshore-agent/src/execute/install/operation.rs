//! One switch: what is at a path goes aside, what was staged takes its place.
//!
//! Every function here may run again after a crash in the middle of it: it looks at which of the three
//! names exist and does what is left to do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};

use super::InstallError;

/// One path to be switched. No two operations of an Install have paths of which one is above the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) path: PathBuf,
    /// Whether something is there that goes away.
    pub(super) removes: bool,
    /// Whether something new comes.
    pub(super) places: bool,
}

/// An operation and the names that are its own while it runs.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) path: PathBuf,
    /// Where the new file or tree is staged.
    pub(super) staged: PathBuf,
    /// Where the old one waits for the commit.
    pub(super) backup: PathBuf,
}

impl Operation {
    /// The names of the operation at place `idx` of the journal with this nonce. They are in the path's
    /// own directory, so every rename stays on one file system.
    pub(super) fn names(&self, nonce: &str, idx: usize) -> Names {
        Names {
            path: self.path.clone(),
            staged: self.path.with_file_name(format!(".longshore-new-{nonce}-{idx}")),
            backup: self.path.with_file_name(format!(".longshore-old-{nonce}-{idx}")),
        }
    }

    /// Switches to the new state.
    pub(super) fn switch(&self, names: &Names, checkpoint: &mut dyn FnMut()) -> Result<(), InstallError> {
        if self.removes && !exists(&names.backup)? {
            self.set_aside(names)?;
            checkpoint();
        }
        if self.places {
            rename(&names.staged, &names.path)?;
            checkpoint();
        }
        Ok(())
    }

    /// Switches unless that was done before. Only for what is committed: then, and only then, a staged
    /// name that is missing was switched.
    pub(super) fn switch_again(
        &self,
        names: &Names,
        checkpoint: &mut dyn FnMut(),
    ) -> Result<(), InstallError> {
        // A path that is only removed may have been taken by somebody else since.
        if self.places && exists(&names.staged)? {
            self.switch(names, checkpoint)?;
        }
        Ok(())
    }

    /// Gives what is there its second name. A file that is replaced by a file keeps its own until the
    /// rename, so that readers find one or the other at any moment.
    fn set_aside(&self, names: &Names) -> Result<(), InstallError> {
        let is_file_coming = self.places && !is_directory(&names.staged);
        if is_file_coming && linkat(CWD, &names.path, CWD, &names.backup, AtFlags::empty()).is_ok() {
            return Ok(());
        }
        match fs::rename(&names.path, &names.backup) {
            // Somebody else has removed it in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(InstallError::at(&names.path)),
        }
    }

    /// Back to the old state: what was staged is again where it was staged.
    pub(super) fn switch_back(
        &self,
        names: &Names,
        checkpoint: &mut dyn FnMut(),
    ) -> Result<(), InstallError> {
        // Without a backup of what was there before, what is there now is that.
        let may_be_new = self.places && (!self.removes || exists(&names.backup)?);
        if may_be_new && !exists(&names.staged)? && exists(&names.path)? {
            rename(&names.path, &names.staged)?;
            checkpoint();
        }
        if self.removes && exists(&names.backup)? {
            rename(&names.backup, &names.path)?;
            // Between two names of one file a rename does nothing.
            remove_file(&names.backup)?;
            checkpoint();
        }
        Ok(())
    }
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether the name exists, be it a dangling link.
pub(super) fn exists(path: &Path) -> Result<bool, InstallError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(InstallError::at(path)(error)),
    }
}

/// Removes a file or link if it is there.
pub(super) fn remove_file(path: &Path) -> Result<(), InstallError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(InstallError::at(path)),
    }
}

/// Removes whatever is there, with all that is in it.
pub(super) fn remove_tree(path: &Path) -> Result<(), InstallError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(InstallError::at(path)),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), InstallError> {
    fs::rename(from, to).map_err(InstallError::at(to))
}
