//! What the cleanup of the previous revision removes, found out without removing it. Source: agent.md §7.6.

use std::collections::HashSet;
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
        let mut all: HashSet<PathBuf> = HashSet::with_capacity(entries.len());
        for entry in entries.iter().rev() {
            let path = match entry {
                CleanupEntry::Path(path) if !all.contains(path) => path,
                CleanupEntry::Path(_) | CleanupEntry::Semanage(_) => continue,
            };
            let goes = match view.entry(path).map_err(|source| PlanError::system(path, source))? {
                None => false,
                Some(EntryKind::File | EntryKind::Symlink | EntryKind::Special) => true,
                Some(EntryKind::Directory) => is_emptied(path, &all, view)?,
            };
            if goes {
                all.insert(path.clone());
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

fn is_emptied(
    directory: &Path,
    removed: &HashSet<PathBuf>,
    view: &dyn FileSystemView,
) -> Result<bool, PlanError> {
    let children = view.list(directory).map_err(|source| PlanError::system(directory, source))?;
    Ok(children.iter().all(|(name, _)| removed.contains(&directory.join(name))))
}
