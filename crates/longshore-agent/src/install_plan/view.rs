//! The host as a plan sees it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{PlanError, Removals};

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe, socket or device.
    Special,
}

/// A file or folder of the revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// What it is.
    pub kind: EntryKind,
    /// Of a regular file; otherwise 0.
    pub size_bytes: u64,
    /// Whether the agent may read it.
    pub is_readable: bool,
}

/// A file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Tells it from others.
    pub id: u64,
    /// How many bytes the agent may still write; `None` when that cannot be told beforehand.
    pub available_bytes: Option<u64>,
    /// What is the least that a file with content takes.
    pub block_bytes: u64,
}

/// What a plan may ask about the host.
pub trait FileSystemView {
    /// What the path itself is; `None` when nothing is there.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>>;

    /// What the path leads to, never [`EntryKind::Symlink`]; `None` for a dangling link too.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn target(&self, path: &Path) -> io::Result<Option<EntryKind>>;

    /// The entries of a directory in any order; links are not followed.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>>;

    /// A file of the revision; `None` when nothing is there.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn source(&self, path: &Path) -> io::Result<Option<SourceFile>>;

    /// The files of a directory of the revision, in any order; links are not followed.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn sources(&self, directory: &Path) -> io::Result<Vec<(OsString, SourceFile)>>;

    /// The file system that a directory is on.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn file_system(&self, directory: &Path) -> io::Result<FileSystem>;

    /// Where the file system of a directory is mounted.
    fn mount_point(&self, directory: &Path) -> PathBuf;

    /// The path without links.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn real_path(&self, path: &Path) -> io::Result<PathBuf>;

    /// The number of a user.
    fn user_id(&self, name: &str) -> Option<u32>;

    /// The number of a group.
    fn group_id(&self, name: &str) -> Option<u32>;
}

/// The host as it will be when the previous revision is gone (I-27).
#[derive(Clone, Copy)]
pub(super) struct HostAfterCleanup<'a> {
    pub(super) view: &'a dyn FileSystemView,
    pub(super) removals: &'a Removals,
}

impl HostAfterCleanup<'_> {
    pub(super) fn entry(&self, path: &Path) -> Result<Option<EntryKind>, PlanError> {
        if self.removals.contains(path) {
            return Ok(None);
        }
        self.view.entry(path).map_err(|source| PlanError::system(path, source))
    }

    pub(super) fn target(&self, path: &Path) -> Result<Option<EntryKind>, PlanError> {
        if self.removals.contains(path) {
            return Ok(None);
        }
        self.view.target(path).map_err(|source| PlanError::system(path, source))
    }

    pub(super) fn is_directory(&self, path: &Path) -> Result<bool, PlanError> {
        Ok(self.target(path)? == Some(EntryKind::Directory))
    }
}
