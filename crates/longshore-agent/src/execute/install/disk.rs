//! The host's file system and accounts, as a plan sees them.

use std::ffi::OsString;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, StatVfs};

use crate::install_plan::{EntryKind, FileSystem, FileSystemView, SourceFile};

/// File systems that may share the blocks of a copy with its source, or compress them: how many bytes a
/// copy takes there is not known before it is made. Source: `linux/magic.h`; ZFS and bcachefs from their own.
const THRIFTY: [i64; 5] = [0x9123_683e, 0x5846_5342, 0x7461_636f, 0x2fc1_2fc1, 0xca45_1a4e];

/// Who may read whom.
const EVERYBODY_READS: u32 = 0o444;

/// This host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    is_root: bool,
}

impl Disk {
    /// The host as the user of this process may use it.
    pub(super) fn new() -> Disk {
        Disk { is_root: rustix::process::geteuid().is_root() }
    }

    fn source_file(self, metadata: &Metadata, path: impl FnOnce() -> PathBuf) -> SourceFile {
        let is_open_to_all = self.is_root || metadata.mode() & EVERYBODY_READS == EVERYBODY_READS;
        let is_readable = is_open_to_all || rustix::fs::access(path(), Access::READ_OK).is_ok();
        let kind = kind(metadata.file_type());
        SourceFile { kind, size_bytes: metadata.len(), is_readable }
    }

    fn available_bytes(self, stat: &StatVfs) -> Option<u64> {
        let n_blocks = if self.is_root { stat.f_bfree } else { stat.f_bavail };
        // Some file systems know no end, or do not tell.
        (stat.f_blocks != 0).then(|| n_blocks.saturating_mul(stat.f_frsize))
    }
}

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

    fn source(&self, path: &Path) -> io::Result<Option<SourceFile>> {
        let Some(kind) = self.entry(path)? else { return Ok(None) };
        if kind != EntryKind::File {
            return Ok(Some(other_than_file(kind)));
        }
        let metadata = fs::symlink_metadata(path)?;
        Ok(Some(self.source_file(&metadata, || path.to_owned())))
    }

    fn sources(&self, directory: &Path) -> io::Result<Vec<(OsString, SourceFile)>> {
        fs::read_dir(directory)?
            .map(|entry| {
                let entry = entry?;
                let file = match kind(entry.file_type()?) {
                    EntryKind::File => self.source_file(&entry.metadata()?, || entry.path()),
                    kind => other_than_file(kind),
                };
                Ok((entry.file_name(), file))
            })
            .collect()
    }

    fn file_system(&self, directory: &Path) -> io::Result<FileSystem> {
        let id = fs::metadata(directory)?.dev();
        let is_thrifty = THRIFTY.contains(&rustix::fs::statfs(directory)?.f_type);
        let stat = rustix::fs::statvfs(directory)?;
        let available_bytes = if is_thrifty { None } else { self.available_bytes(&stat) };
        Ok(FileSystem { id, available_bytes, block_bytes: stat.f_frsize })
    }

    fn mount_point(&self, directory: &Path) -> PathBuf {
        let mut mount_point = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        while let Some(parent) = mount_point.parent()
            && device(parent) == device(&mount_point)
        {
            mount_point = parent.to_owned();
        }
        mount_point
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

/// Links are copied by their text, folders by their content.
fn other_than_file(kind: EntryKind) -> SourceFile {
    SourceFile { kind, size_bytes: 0, is_readable: true }
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

pub(super) fn kind(file_type: FileType) -> EntryKind {
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
