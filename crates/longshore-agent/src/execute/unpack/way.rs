//! The way from the archive's root to the directories that members go into.
//!
//! A directory is reached component by component without following links; a symbolic link on the way is
//! resolved by hand and may not lead out.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, mkdirat, open, openat, readlinkat};
use rustix::io::Errno;

use super::error::Fault;
use super::member::{MAX_DEPTH, split_last};

/// As many links as Linux itself follows in one path.
const MAX_LINKS: usize = 40;

/// Directories held open, so that members of a few directories in turn cost no walk each.
const MAX_OPEN: usize = 128;

/// The root and the directories that were reached lately.
#[derive(Debug)]
pub(super) struct Way {
    root: OwnedFd,
    open: HashMap<Box<[u8]>, OpenDirectory>,
}

#[derive(Debug)]
struct OpenDirectory {
    handle: OwnedFd,
    /// Reached without a link: what is above it in its path is above it on the disk.
    is_plain: bool,
}

impl Way {
    /// Ways from the existing directory `path`.
    pub(super) fn from(path: &Path) -> Result<Way, Fault> {
        let root = open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Way { root, open: HashMap::new() })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Forgets what is open: a name that led somewhere was given to something else.
    pub(super) fn forget(&mut self) {
        self.open.clear();
    }

    /// The directory at `path`, made if absent.
    pub(super) fn to(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Fault> {
        if path.is_empty() {
            return Ok(self.root.as_fd());
        }
        Ok(self.directory(path)?.handle.as_fd())
    }

    fn directory(&mut self, path: &[u8]) -> Result<&OpenDirectory, Fault> {
        if !self.open.contains_key(path) {
            let found = self.find(path)?;
            if MAX_OPEN <= self.open.len() {
                self.open.clear();
            }
            self.open.insert(path.into(), found);
        }
        self.open.get(path).ok_or_else(|| Errno::NOENT.into())
    }

    fn find(&mut self, path: &[u8]) -> Result<OpenDirectory, Fault> {
        let (above, name) = split_last(path);
        let step = if above.is_empty() {
            Some(enter(self.root.as_fd(), name)?)
        } else {
            let above = self.directory(above)?;
            if above.is_plain { Some(enter(above.handle.as_fd(), name)?) } else { None }
        };
        match step {
            Some(Step::Directory(handle)) => Ok(OpenDirectory { handle, is_plain: true }),
            Some(Step::Link(_)) | None => Ok(OpenDirectory { handle: self.walk(path)?, is_plain: false }),
        }
    }

    /// Walks down from the root; missing directories are made.
    fn walk(&self, path: &[u8]) -> Result<OwnedFd, Fault> {
        let leads_outside = || Fault::Unsafe(path.to_vec());
        let mut pending: VecDeque<Vec<u8>> = VecDeque::new();
        push_front(&mut pending, path);
        let mut way: Vec<OwnedFd> = Vec::new();
        let mut n_links = 0;
        while let Some(part) = pending.pop_front() {
            if part == b".." {
                way.pop().ok_or_else(leads_outside)?;
                continue;
            }
            let here = way.last().unwrap_or(&self.root);
            match enter(here.as_fd(), &part)? {
                Step::Directory(_) if MAX_DEPTH < way.len() => return Err(leads_outside()),
                Step::Directory(directory) => way.push(directory),
                Step::Link(text) => {
                    n_links += 1;
                    if text.first() == Some(&b'/') || MAX_LINKS < n_links {
                        return Err(leads_outside());
                    }
                    push_front(&mut pending, &text);
                }
            }
        }
        match way.pop() {
            Some(directory) => Ok(directory),
            None => Ok(self.root.try_clone()?),
        }
    }
}

/// Puts the components of a path before the others.
fn push_front(pending: &mut VecDeque<Vec<u8>>, path: &[u8]) {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    for part in parts.rev() {
        pending.push_front(part.to_vec());
    }
}

/// Where one component leads.
enum Step {
    Directory(OwnedFd),
    Link(Vec<u8>),
}

fn enter(here: BorrowedFd<'_>, name: &[u8]) -> Result<Step, Fault> {
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
