//! Copies files and links of the revision, with few system calls per file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, copy_file_range, fchmod, fchown, fstat, futimens,
    getxattr_query, open, openat, readlinkat, symlinkat,
};
use rustix::io::Errno;

use super::attributes::DEFAULT_ACL;
use crate::execute::umask;

/// Larger files are copied inside the kernel, which may share blocks instead.
const BUFFER_BYTES: usize = 128 * 1024;

const SETUID_SETGID: u32 = 0o6000;

/// Copies entries one after the other; remembers the directories of the last one.
#[derive(Debug)]
pub(in crate::execute) struct Copier {
    source_dir: Option<Directory>,
    target_dir: Option<Directory>,
    buffer: Vec<u8>,
    umask: u32,
    uid: u32,
    gid: u32,
}

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    handle: OwnedFd,
    /// Whether new files get the directory's group.
    sets_group: bool,
    /// Whether new files get lists from the directory, which have a say in their modes.
    sets_acl: bool,
}

/// A new file, and what of its source and its directory matters for its attributes.
struct Copied {
    file: File,
    stat: Stat,
    sets_group: bool,
    sets_acl: bool,
}

impl Copier {
    pub(in crate::execute) fn new() -> Copier {
        Copier {
            source_dir: None,
            target_dir: None,
            buffer: vec![0; BUFFER_BYTES],
            umask: umask::current(),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }

    /// Makes `target`, which must not exist, a link with the text of `source`.
    pub(in crate::execute) fn link(&mut self, source: &Path, target: &Path) -> io::Result<()> {
        let (source_dir, source_name) = enter(&mut self.source_dir, source)?;
        let text = readlinkat(source_dir, source_name, Vec::new())?;
        let (target_dir, target_name) = enter(&mut self.target_dir, target)?;
        Ok(symlinkat(text, target_dir, target_name)?)
    }

    /// Makes `target`, which must not exist, a copy of the regular file `source`: content, mode, times,
    /// and owner when permitted.
    pub(in crate::execute) fn file(&mut self, source: &Path, target: &Path) -> io::Result<()> {
        let Copied { file, stat, sets_group, sets_acl } = self.copied(source, target)?;
        let mode = stat.st_mode & 0o7777;
        let is_others = stat.st_uid != self.uid || stat.st_gid != self.gid || sets_group;
        let mode = if is_others { give_to_owner(&file, &stat, mode)? } else { mode };
        if is_others || sets_acl || self.is_altered(mode) {
            fchmod(&file, Mode::from_raw_mode(mode))?;
        }
        Ok(futimens(&file, &times(&stat))?)
    }

    /// As [`Copier::file`], but a new file of this process: only content and mode are the source's.
    pub(in crate::execute) fn own_file(&mut self, source: &Path, target: &Path) -> io::Result<()> {
        let Copied { file, stat, sets_acl, .. } = self.copied(source, target)?;
        let mode = stat.st_mode & 0o7777;
        if sets_acl || self.is_altered(mode) {
            fchmod(&file, Mode::from_raw_mode(mode))?;
        }
        Ok(())
    }

    /// Whether a file made with this mode has another one.
    fn is_altered(&self, mode: u32) -> bool {
        mode & (self.umask | 0o7000) != 0
    }

    /// Makes `target` with the content of `source`, and with its permission bits as far as the system lets.
    fn copied(&mut self, source: &Path, target: &Path) -> io::Result<Copied> {
        let (source_dir, source_name) = enter(&mut self.source_dir, source)?;
        let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let from = openat(source_dir, source_name, read, Mode::empty())?;
        let stat = fstat(&from)?;
        let (target_dir, target_name) = enter(&mut self.target_dir, target)?;
        let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let first_mode = Mode::from_raw_mode(stat.st_mode & 0o777);
        let to = openat(target_dir, target_name, create, first_mode)?;
        let (sets_group, sets_acl) =
            self.target_dir.as_ref().map_or((false, false), |dir| (dir.sets_group, dir.sets_acl));
        let (from, to) = (File::from(from), File::from(to));
        self.content(&from, &to, stat.st_size)?;
        Ok(Copied { file: to, stat, sets_group, sets_acl })
    }

    fn content(&mut self, mut from: &File, mut to: &File, size: i64) -> io::Result<()> {
        let size = u64::try_from(size).unwrap_or(0);
        if (BUFFER_BYTES as u64) < size && copy_in_kernel(from, to, size)? {
            return Ok(());
        }
        let mut n_copied = 0;
        loop {
            let n_read = from.read(&mut self.buffer)?;
            to.write_all(&self.buffer[..n_read])?;
            n_copied += n_read as u64;
            // Nobody is meant to write to what is copied, so its size saves asking for the end.
            if n_read == 0 || (n_copied == size && n_read < self.buffer.len()) {
                return Ok(());
            }
        }
    }
}

/// The directory of `path` and its last name.
fn enter<'d, 'p>(last: &'d mut Option<Directory>, path: &'p Path) -> io::Result<(BorrowedFd<'d>, &'p OsStr)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::INVAL.into());
    };
    let directory = match last.take() {
        Some(directory) if directory.path == parent => directory,
        _ => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let handle = open(parent, flags, Mode::empty())?;
            let sets_group = fstat(&handle)?.st_mode & 0o2000 != 0;
            let sets_acl = getxattr_query(parent, DEFAULT_ACL).is_ok_and(|n_bytes| 0 < n_bytes);
            Directory { path: parent.to_owned(), handle, sets_group, sets_acl }
        }
    };
    Ok((last.insert(directory).handle.as_fd(), name))
}

/// Tries to set the owner, and tells the mode that the file may have then: what belongs to somebody
/// else than meant must not lend out its rights.
fn give_to_owner(file: &File, stat: &Stat, mode: u32) -> io::Result<u32> {
    match fchown(file, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid))) {
        Ok(()) => Ok(mode),
        Err(Errno::PERM) => Ok(mode & !SETUID_SETGID),
        Err(error) => Err(error.into()),
    }
}

/// Whether the kernel copied everything; if it cannot at all, nothing was written.
fn copy_in_kernel(from: &File, to: &File, size: u64) -> io::Result<bool> {
    let mut n_left = size;
    while 0 < n_left {
        let n_wanted = usize::try_from(n_left).unwrap_or(usize::MAX);
        match copy_file_range(from, None, to, None, n_wanted) {
            Ok(0) => return Ok(n_left < size),
            Ok(n_copied) => n_left = n_left.saturating_sub(n_copied as u64),
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                if n_left == size =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

#[expect(clippy::cast_possible_wrap, reason = "nanoseconds are below a billion")]
fn times(stat: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: stat.st_atime, tv_nsec: stat.st_atime_nsec as i64 },
        last_modification: Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as i64 },
    }
}
