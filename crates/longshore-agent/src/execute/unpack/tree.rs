//! Writes members below one directory and nowhere else (see [`super::way`]).

use std::collections::HashMap;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, fchmod, fchown, fstat, futimens,
    linkat, mkdirat, mkfifoat, openat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::compression::BUFFER_BYTES;
use super::error::Fault;
use super::member::{MemberPath, split_last};
use super::rules::UnpackLimits;
use super::way::Way;

/// What an archive says about a member besides its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes {
    /// Permission bits; `None` leaves what the umask gives.
    pub(super) mode: Option<u32>,
    /// Seconds and nanoseconds since 1970.
    pub(super) modified: Option<(i64, u32)>,
    /// User and group; used only when running as root.
    pub(super) owner: Option<(u32, u32)>,
}

/// A directory that members are written into.
#[derive(Debug)]
pub(super) struct Tree {
    way: Way,
    limits: UnpackLimits,
    n_members: u64,
    /// What the members so far have, or say that they have.
    n_bytes: u64,
    /// What all members together have, if the archive says so beforehand.
    announced_bytes: u64,
    /// Set at the end, so that read-only directories can be filled and times stay.
    directories: HashMap<Vec<u8>, Attributes>,
    ids: Ids,
    umask: u32,
    buffer: Vec<u8>,
}

/// Whose files new ones are.
#[derive(Clone, Copy, Debug)]
struct Ids {
    is_root: bool,
    gid: u32,
    /// Whether a new file's group may come from its directory.
    is_inherited: bool,
}

impl Tree {
    /// The tree below the existing directory `path`.
    pub(super) fn open(path: &Path, limits: UnpackLimits) -> Result<Tree, Fault> {
        let way = Way::from(path)?;
        let is_inherited = fstat(way.root())?.st_mode & 0o2000 != 0;
        Ok(Tree {
            way,
            limits,
            n_members: 0,
            n_bytes: 0,
            announced_bytes: 0,
            directories: HashMap::new(),
            ids: Ids {
                is_root: rustix::process::geteuid().is_root() && !limits.ignores_owners,
                gid: rustix::process::getegid().as_raw(),
                is_inherited,
            },
            umask: crate::execute::umask::current(),
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    /// Takes what the archive's directory says before anything is written.
    pub(super) fn announce(&mut self, n_members: u64, n_bytes: u64) -> Result<(), Fault> {
        UnpackLimits::check_members(n_members)?;
        self.announced_bytes = n_bytes;
        self.limits.check_bytes(n_bytes)
    }

    /// Looks at a member before it is written.
    pub(super) fn admit(&mut self, name: &[u8], mode: Option<u32>) -> Result<(), Fault> {
        self.n_members += 1;
        UnpackLimits::check_members(self.n_members)?;
        self.limits.check_mode(name, mode)
    }

    /// What the files take at least, as far as that is known.
    pub(super) fn needed_bytes(&self) -> u64 {
        self.n_bytes.max(self.announced_bytes)
    }

    /// Makes a directory; its attributes are set when everything is in place.
    pub(super) fn directory(&mut self, path: &MemberPath<'_>, attributes: Attributes) -> Result<(), Fault> {
        if let Some((parent, name)) = path.split_last() {
            let mode = Mode::from_raw_mode(0o777);
            let parent = self.way.to(parent)?;
            match mkdirat(parent, name, mode) {
                Err(Errno::EXIST) if !is_directory(parent, name)? => {
                    unlinkat(parent, name, AtFlags::empty())?;
                    mkdirat(parent, name, mode)?;
                    self.way.forget();
                }
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.directories.insert(path.text().to_vec(), attributes);
        Ok(())
    }

    /// Writes a regular file of `size` bytes, replacing what has its name.
    pub(super) fn file(
        &mut self,
        path: &MemberPath<'_>,
        attributes: Attributes,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<(), Fault> {
        let n_bytes_before = self.n_bytes;
        // Counted before it is written, so that no disk is filled for a member that is too large anyway.
        self.n_bytes = self.n_bytes.saturating_add(size);
        self.limits.check_bytes(self.n_bytes)?;
        let owner = self.new_owner(attributes);
        let mode = attributes.mode.unwrap_or(0o666);
        // Nobody else may open it while it still belongs to us.
        let first_mode = Mode::from_raw_mode(if owner.is_some() { mode & 0o700 } else { mode & 0o777 });
        let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = self.replacing(path, |parent, name| openat(parent, name, create, first_mode))?;
        let n_written = self.copy(content, &file, n_bytes_before)?;
        self.n_bytes = n_bytes_before.saturating_add(n_written.max(size));
        if let Some((uid, gid)) = owner {
            fchown(&file, Some(uid), Some(gid))?;
        }
        let is_as_created = owner.is_none() && mode & (self.umask | 0o7000) == 0;
        if attributes.mode.is_some() && !is_as_created {
            fchmod(&file, Mode::from_raw_mode(mode))?;
        }
        if let Some(modified) = attributes.modified {
            futimens(&file, &timestamps(modified))?;
        }
        Ok(())
    }

    /// Makes a symbolic link with exactly this text, wherever it leads.
    pub(super) fn symlink(
        &mut self,
        path: &MemberPath<'_>,
        attributes: Attributes,
        text: &[u8],
    ) -> Result<(), Fault> {
        self.limits.check_link(path.text())?;
        let owner = self.new_owner(attributes);
        self.replacing(path, |parent, name| symlinkat(text, parent, name))?;
        let (parent, name) = named(path)?;
        let parent = self.way.to(parent)?;
        if let Some((uid, gid)) = owner {
            rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if let Some(modified) = attributes.modified {
            utimensat(parent, name, &timestamps(modified), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    /// Gives an earlier member a second name.
    pub(super) fn hard_link(&mut self, path: &MemberPath<'_>, target: &MemberPath<'_>) -> Result<(), Fault> {
        self.limits.check_link(path.text())?;
        let (target_parent, target_name) = named(target)?;
        let target_parent = self.way.to(target_parent)?.try_clone_to_owned()?;
        if path == target {
            return Ok(());
        }
        // Without AT_SYMLINK_FOLLOW a link is linked itself, so this cannot reach outside either.
        self.replacing(path, |parent, name| {
            linkat(&target_parent, target_name, parent, name, AtFlags::empty())
        })
    }

    /// Makes a named pipe. Install refuses them, but a revision may hold one that it does not install.
    pub(super) fn fifo(&mut self, path: &MemberPath<'_>, attributes: Attributes) -> Result<(), Fault> {
        let mode = Mode::from_raw_mode(attributes.mode.unwrap_or(0o644) & 0o777);
        self.replacing(path, |parent, name| mkfifoat(parent, name, mode))
    }

    /// Sets what directories are to have, children before parents.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        let mut directories: Vec<(Vec<u8>, Attributes)> = self.directories.drain().collect();
        directories.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        for (path, attributes) in directories {
            let owner = self.new_owner(attributes);
            // A later member may have replaced it by something else.
            let Some(directory) = self.reopen(&path)? else { continue };
            if let Some((uid, gid)) = owner {
                fchown(&directory, Some(uid), Some(gid))?;
            }
            if let Some(mode) = attributes.mode {
                fchmod(&directory, Mode::from_raw_mode(mode))?;
            }
            if let Some(modified) = attributes.modified {
                futimens(&directory, &timestamps(modified))?;
            }
        }
        Ok(())
    }

    /// The owner to set, when it is not the one that a new file has anyway.
    fn new_owner(&self, attributes: Attributes) -> Option<(Uid, Gid)> {
        let (uid, gid) = attributes.owner.filter(|_| self.ids.is_root)?;
        let is_ours = uid == 0 && gid == self.ids.gid && !self.ids.is_inherited;
        (!is_ours).then(|| (Uid::from_raw(uid), Gid::from_raw(gid)))
    }

    /// Copies everything; tells how much that was.
    fn copy(&mut self, content: &mut dyn Read, file: &OwnedFd, n_bytes_before: u64) -> Result<u64, Fault> {
        let mut n_written = 0;
        loop {
            let n_read = match content.read(&mut self.buffer) {
                Ok(0) => return Ok(n_written),
                Ok(n_read) => n_read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            n_written += n_read as u64;
            self.limits.check_bytes(n_bytes_before.saturating_add(n_written))?;
            write_all(file, &self.buffer[..n_read])?;
        }
    }

    /// Runs `make` for the member; if something has its name already, removes that and runs it again.
    fn replacing<T>(
        &mut self,
        path: &MemberPath<'_>,
        make: impl Fn(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> Result<T, Fault> {
        let (parent, name) = named(path)?;
        let parent = self.way.to(parent)?;
        match make(parent, name) {
            Err(Errno::EXIST) => {
                unlinkat(parent, name, AtFlags::empty())?;
                let made = make(parent, name)?;
                // What is gone may be a link that led to a directory.
                self.way.forget();
                Ok(made)
            }
            result => Ok(result?),
        }
    }

    /// A directory for changing its attributes; `None` when the path has something else.
    fn reopen(&mut self, path: &[u8]) -> Result<Option<OwnedFd>, Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = split_last(path);
        let name = if name.is_empty() { b"." } else { name };
        match openat(self.way.to(parent)?, name, flags, Mode::empty()) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn named<'p>(path: &'p MemberPath<'_>) -> Result<(&'p [u8], &'p [u8]), Fault> {
    path.split_last().ok_or_else(|| Fault::Io(Errno::ISDIR.into()))
}

fn is_directory(parent: BorrowedFd<'_>, name: &[u8]) -> Result<bool, Fault> {
    let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory)
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> Result<(), Fault> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(n_written) => bytes = &bytes[n_written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The access time is left as it is.
fn timestamps((secs, nanos): (i64, u32)) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: secs, tv_nsec: i64::from(nanos) },
    }
}
