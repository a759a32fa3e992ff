//! What the cleanup of the previous revision removes, found out without removing it. Source: agent.md §7.6.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{CleanupEntry, EntryKind, FileSystemView, PlanError};

/// The paths that go away.
#[derive(Clone, Debug, Default)]
pub struct Removals {
    all: HashSet<PathBuf>,
    roots: Vec<PathBuf>,
}

impl Removals {
    /// Goes through the entries in reverse, as the removal does: files and links vanish, directories
    /// only if nothing else is left in them.
    ///
    /// # Errors
    /// When a listed directory cannot be read.
    pub fn simulate(entries: &[CleanupEntry], view: &dyn FileSystemView) -> Result<Removals, PlanError> {
        let mut listings = Listings::new(entries, view);
        let mut all: HashSet<PathBuf> = HashSet::with_capacity(entries.len());
        for entry in entries.iter().rev() {
            let CleanupEntry::Path(path) = entry else { continue };
            match listings.take(path)? {
                None => {}
                Some(EntryKind::Directory) if !listings.is_emptied(path)? => listings.put_back(path),
                Some(EntryKind::File | EntryKind::Directory | EntryKind::Symlink | EntryKind::Special) => {
                    all.insert(path.clone());
                }
            }
        }
        let is_root = |path: &&PathBuf| path.parent().is_none_or(|parent| !all.contains(parent));
        let mut roots: Vec<PathBuf> = all.iter().filter(is_root).cloned().collect();
        roots.sort_unstable();
        Ok(Removals { all, roots })
    }

    /// Whether the path goes away.
    pub fn contains(&self, path: &Path) -> bool {
        !self.all.is_empty() && self.all.contains(path)
    }

    /// All paths, in any order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.all.iter().map(PathBuf::as_path)
    }

    /// The paths whose directory stays: with them, everything goes. Sorted.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }
}

/// What is left in the directories of the list. Each has to be read to see whether it is emptied, and that
/// tells what its entries are too: no need to ask for each.
struct Listings<'a> {
    view: &'a dyn FileSystemView,
    /// All paths of the list, with the entries of those that were read.
    left: HashMap<&'a Path, Option<HashMap<OsString, EntryKind>>>,
}

impl<'a> Listings<'a> {
    fn new(entries: &'a [CleanupEntry], view: &'a dyn FileSystemView) -> Listings<'a> {
        let paths = entries.iter().filter_map(|entry| match entry {
            CleanupEntry::Path(path) => Some((path.as_path(), None)),
            CleanupEntry::Semanage(_) => None,
        });
        Listings { view, left: paths.collect() }
    }

    /// What the path is. It is left in its directory no longer.
    fn take(&mut self, path: &Path) -> Result<Option<EntryKind>, PlanError> {
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
            && let Some(Ok(left)) = self.read(parent)
        {
            return Ok(left.remove(name));
        }
        self.view.entry(path).map_err(|source| PlanError::system(path, source))
    }

    /// A directory is left in its directory after all.
    fn put_back(&mut self, path: &Path) {
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
            && let Some(Some(left)) = self.left.get_mut(parent)
        {
            left.insert(name.to_owned(), EntryKind::Directory);
        }
    }

    fn is_emptied(&mut self, directory: &Path) -> Result<bool, PlanError> {
        match self.read(directory) {
            Some(Ok(left)) => Ok(left.is_empty()),
            Some(Err(source)) => Err(PlanError::system(directory, source)),
            None => Ok(false),
        }
    }

    /// What is left in a directory; `None` when it is not in the list.
    fn read(&mut self, directory: &Path) -> Option<io::Result<&mut HashMap<OsString, EntryKind>>> {
        let left = self.left.get_mut(directory)?;
        match left {
            Some(left) => Some(Ok(left)),
            None => match self.view.list(directory) {
                Ok(children) => Some(Ok(left.insert(children.into_iter().collect()))),
                Err(error) => Some(Err(error)),
            },
        }
    }
}
