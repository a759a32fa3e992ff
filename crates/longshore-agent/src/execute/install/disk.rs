//! The host's file system and accounts, as a plan sees them.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::install_plan::{EntryKind, FileSystemView};

/// This host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk;

impl FileSystemView for Disk {
    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        found(fs::symlink_metadata(path).map(|metadata| kind(metadata.file_type())))
    }

    fn target(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        found(fs::metadata(path).map(|metadata| kind(metadata.file_type())))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>> {
        fs::read_dir(directory)?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.file_name(), kind(entry.file_type()?)))
            })
            .collect()
    }

    fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        path.canonicalize()
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        nix::unistd::User::from_name(name).ok().flatten().map(|user| user.uid.as_raw())
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        nix::unistd::Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw())
    }
}

/// Below a file there is nothing.
fn found(kind: io::Result<EntryKind>) -> io::Result<Option<EntryKind>> {
    match kind {
        Ok(kind) => Ok(Some(kind)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn kind(file_type: FileType) -> EntryKind {
    let is_special = file_type.is_fifo()
        || file_type.is_socket()
        || file_type.is_block_device()
        || file_type.is_char_device();
    if file_type.is_dir() {
        EntryKind::Directory
    } else if file_type.is_symlink() {
        EntryKind::Symlink
    } else if is_special {
        EntryKind::Special
    } else {
        EntryKind::File
    }
}
