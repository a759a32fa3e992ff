//! Writes members below one directory and nowhere else.
//!
//! A member's parent is reached from the root handle component by component without following links;
//! a symbolic link on the way is resolved by hand and may not lead out.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, fchmod, fchown, fstat, futimens,
    linkat, mkdirat, mkfifoat, open, openat, readlinkat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::Fault;
use super::member::{MemberPath, joined};

/// Bytes copied at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// As many links as Linux itself follows in one path.
const MAX_LINKS: usize = 40;

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
    root: OwnedFd,
    /// The last parent that was reached: most members follow one of the same directory.
    last_parent: Option<(Vec<u8>, OwnedFd)>,
    /// Set at the end, so that read-only directories can be filled and times stay.
    directories: HashMap<Vec<u8>, Attributes>,
    ids: Ids,
    umask: u32,
    n_bytes: u64,
    max_bytes: Option<u64>,
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
    pub(super) fn open(path: &Path, max_bytes: Option<u64>) -> Result<Tree, Fault> {
        let root = open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let is_inherited = fstat(&root)?.st_mode & 0o2000 != 0;
        Ok(Tree {
            root,
            last_parent: None,
            directories: HashMap::new(),
            ids: Ids {
                is_root: rustix::process::geteuid().is_root(),
                gid: rustix::process::getegid().as_raw(),
                is_inherited,
            },
            umask: crate::execute::umask::current(),
            n_bytes: 0,
            max_bytes,
            buffer: vec![0; CHUNK_BYTES],
        })
    }

    /// Makes a directory; its attributes are set when everything is in place.
    pub(super) fn directory(&mut self, path: &MemberPath<'_>, attributes: Attributes) -> Result<(), Fault> {
        if let Some((parents, name)) = path.split_last() {
            let parent = self.parent(parents)?;
            match mkdirat(parent, name, Mode::from_raw_mode(0o777)) {
                Err(Errno::EXIST) if !is_directory(parent, name)? => {
                    unlinkat(parent, name, AtFlags::empty())?;
                    mkdirat(parent, name, Mode::from_raw_mode(0o777))?;
                }
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.directories.insert(joined(path.components()), attributes);
        Ok(())
    }

    /// Writes a regular file, replacing what has its name.
    pub(super) fn file(
        &mut self,
        path: &MemberPath<'_>,
        attributes: Attributes,
        content: &mut dyn Read,
    ) -> Result<(), Fault> {
        let (parents, name) = named(path)?;
        let owner = self.new_owner(attributes);
        let mode = attributes.mode.unwrap_or(0o666);
        // Nobody else may open it while it still belongs to us.
        let first_mode = if owner.is_some() { mode & 0o700 } else { mode & 0o777 };
        let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let umask = self.umask;
        let parent = self.parent(parents)?;
        let file = replacing(parent, name, || openat(parent, name, create, Mode::from_raw_mode(first_mode)))?;
        self.copy(content, &file)?;
        if let Some((uid, gid)) = owner {
            fchown(&file, Some(uid), Some(gid))?;
        }
        let is_as_created = owner.is_none() && mode & (umask | 0o7000) == 0;
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
        let (parents, name) = named(path)?;
        let owner = self.new_owner(attributes);
        let parent = self.parent(parents)?;
        replacing(parent, name, || symlinkat(text, parent, name))?;
        if let Some((uid, gid)) = owner {
            rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if let Some(modified) = attributes.modified {
            utimensat(parent, name, &timestamps(modified), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        // The link may replace a directory that the remembered parent lies in.
        self.last_parent = None;
        Ok(())
    }

    /// Gives an earlier member a second name.
    pub(super) fn hard_link(&mut self, path: &MemberPath<'_>, target: &MemberPath<'_>) -> Result<(), Fault> {
        let (target_parents, target_name) = named(target)?;
        let target_parent = self.reach(target_parents)?;
        let (parents, name) = named(path)?;
        let parent = self.parent(parents)?;
        if path == target {
            return Ok(());
        }
        // Without AT_SYMLINK_FOLLOW a link is linked itself, so this cannot reach outside either.
        replacing(parent, name, || linkat(&target_parent, target_name, parent, name, AtFlags::empty()))?;
        Ok(())
    }

    /// Makes a named pipe. Install refuses them, but a revision may hold one that it does not install.
    pub(super) fn fifo(&mut self, path: &MemberPath<'_>, attributes: Attributes) -> Result<(), Fault> {
        let (parents, name) = named(path)?;
        let parent = self.parent(parents)?;
        let mode = Mode::from_raw_mode(attributes.mode.unwrap_or(0o644) & 0o777);
        replacing(parent, name, || mkfifoat(parent, name, mode))?;
        Ok(())
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

    fn copy(&mut self, content: &mut dyn Read, file: &OwnedFd) -> Result<(), Fault> {
        loop {
            let n_read = match content.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(n_read) => n_read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.n_bytes += n_read as u64;
            if let Some(limit) = self.max_bytes.filter(|limit| *limit < self.n_bytes) {
                return Err(Fault::TooLarge(limit));
            }
            write_all(file, &self.buffer[..n_read])?;
        }
    }

    /// The directory that a member goes into, made if absent.
    fn parent(&mut self, components: &[&[u8]]) -> Result<BorrowedFd<'_>, Fault> {
        if components.is_empty() {
            return Ok(self.root.as_fd());
        }
        let path = joined(components);
        let is_remembered = self.last_parent.as_ref().is_some_and(|(last, _)| *last == path);
        if !is_remembered {
            let directory = self.reach(components)?;
            self.last_parent = Some((path, directory));
        }
        match &self.last_parent {
            Some((_, directory)) => Ok(directory.as_fd()),
            None => Ok(self.root.as_fd()),
        }
    }

    /// Walks down from the root; missing directories are made.
    fn reach(&self, components: &[&[u8]]) -> Result<OwnedFd, Fault> {
        let leads_outside = || Fault::Unsafe(joined(components));
        let mut pending: VecDeque<Vec<u8>> = components.iter().map(|part| part.to_vec()).collect();
        let mut way: Vec<OwnedFd> = Vec::new();
        let mut n_links = 0;
        while let Some(part) = pending.pop_front() {
            if part == b".." {
                way.pop().ok_or_else(leads_outside)?;
                continue;
            }
            let here = way.last().unwrap_or(&self.root);
            match enter(here, &part)? {
                Step::Directory(directory) => way.push(directory),
                Step::Link(text) => {
                    n_links += 1;
                    if text.first() == Some(&b'/') || MAX_LINKS < n_links {
                        return Err(leads_outside());
                    }
                    let parts = text.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
                    for part in parts.rev() {
                        pending.push_front(part.to_vec());
                    }
                }
            }
        }
        match way.pop() {
            Some(directory) => Ok(directory),
            None => Ok(self.root.try_clone()?),
        }
    }

    /// A directory for changing its attributes; `None` when the path has something else.
    fn reopen(&self, path: &[u8]) -> Result<Option<OwnedFd>, Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let components: Vec<&[u8]> =
            path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
        let opened = match components.split_last() {
            None => openat(&self.root, ".", flags, Mode::empty()),
            Some((name, parents)) => openat(self.reach(parents)?, *name, flags, Mode::empty()),
        };
        match opened {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where one component leads.
enum Step {
    Directory(OwnedFd),
    Link(Vec<u8>),
}

fn enter(here: &OwnedFd, name: &[u8]) -> Result<Step, Fault> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(here, name, flags, Mode::empty()) {
        Ok(directory) => Ok(Step::Directory(directory)),
        Err(Errno::NOENT) => {
            mkdirat(here, name, Mode::from_raw_mode(0o777))?;
            Ok(Step::Directory(openat(here, name, flags, Mode::empty())?))
        }
        Err(Errno::NOTDIR | Errno::LOOP) => match readlinkat(here, name, Vec::new()) {
            Ok(text) => Ok(Step::Link(text.into_bytes())),
            Err(_) => Err(Errno::NOTDIR.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn named<'p, 'a>(path: &'p MemberPath<'a>) -> Result<(&'p [&'a [u8]], &'a [u8]), Fault> {
    path.split_last().ok_or_else(|| Fault::Io(Errno::ISDIR.into()))
}

fn is_directory(parent: BorrowedFd<'_>, name: &[u8]) -> Result<bool, Fault> {
    let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory)
}

/// Runs `make`; if something has the name already, removes that and runs it again.
fn replacing<T>(
    parent: BorrowedFd<'_>,
    name: &[u8],
    make: impl Fn() -> Result<T, Errno>,
) -> Result<T, Fault> {
    match make() {
        Err(Errno::EXIST) => {
            unlinkat(parent, name, AtFlags::empty())?;
            Ok(make()?)
        }
        result => Ok(result?),
    }
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
