//! Plans what the `files` section asks for: directories and copies. Source: agent.md §7.2.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use longshore_model::appspec::{FileEntry, FileExistsBehavior};
use rustix::io::Errno;

use super::path::{in_archive, normalized};
use super::{Behavior, EntryKind, HostAfterCleanup, Instruction, MAX_INSTRUCTIONS, PlanError};

/// Copies and directories so far.
pub(super) struct FilePlanner<'a> {
    host: HostAfterCleanup<'a>,
    behavior: &'a Behavior,
    planned: PlannedFiles,
}

/// What is copied and made, in order and by path.
#[derive(Debug, Default)]
pub(super) struct PlannedFiles {
    pub(super) instructions: Vec<Instruction>,
    /// Targets of copies, to the place of the instruction.
    pub(super) copies: HashMap<PathBuf, usize>,
    pub(super) directories: HashSet<PathBuf>,
}

/// A folder of the revision that is being gone through.
struct Source<'a> {
    path: PathBuf,
    /// Where it really is, and the folders from which links led to it: none may be entered again.
    real: PathBuf,
    came_from: Option<&'a Source<'a>>,
}

impl<'a> FilePlanner<'a> {
    pub(super) fn new(host: HostAfterCleanup<'a>, behavior: &'a Behavior) -> FilePlanner<'a> {
        FilePlanner { host, behavior, planned: PlannedFiles::default() }
    }

    pub(super) fn finish(self) -> PlannedFiles {
        self.planned
    }

    /// Plans one entry: the content of a directory, or a file.
    pub(super) fn entry(
        &mut self,
        entry: &FileEntry,
        archive_dir: &Path,
        working_dir: &Path,
    ) -> Result<(), PlanError> {
        if entry.destination.starts_with('~') {
            return Err(PlanError::HomeDirectory(entry.destination.clone()));
        }
        let source = in_archive(archive_dir, &entry.source);
        let destination = normalized(Path::new(&entry.destination), working_dir);
        let view = self.host.view;
        let failed = |error| PlanError::system(&source, error);
        if view.target(&source).map_err(failed)? == Some(EntryKind::Directory) {
            self.ancestors(&destination)?;
            let real = view.real_path(&source).map_err(failed)?;
            return self.tree(&Source { path: source, real, came_from: None }, &destination);
        }
        let Some(kind) = view.entry(&source).map_err(failed)? else {
            return Err(PlanError::foreseen(&source, Errno::NOENT));
        };
        let target = destination.join(source.file_name().unwrap_or_default());
        self.ancestors(&target)?;
        self.file(source, kind, target)
    }

    /// Plans the directories that are missing above `path`.
    fn ancestors(&mut self, path: &Path) -> Result<(), PlanError> {
        let mut missing: Vec<&Path> = Vec::new();
        for ancestor in path.ancestors().skip(1) {
            if self.planned.directories.contains(ancestor) {
                break;
            }
            match self.host.target(ancestor)? {
                Some(EntryKind::Directory) => break,
                Some(EntryKind::File | EntryKind::Symlink | EntryKind::Special) => {
                    return Err(PlanError::foreseen(ancestor, Errno::NOTDIR));
                }
                None => missing.push(ancestor),
            }
        }
        missing.into_iter().rev().try_for_each(|directory| self.make_directory(directory))
    }

    fn make_directory(&mut self, directory: &Path) -> Result<(), PlanError> {
        if let Some(idx) = self.planned.copies.get(directory) {
            return Err(PlanError::DirectoryOntoCopy {
                target: directory.to_owned(),
                source_path: self.planned.source(*idx).to_owned(),
            });
        }
        if self.planned.directories.contains(directory) {
            return Ok(());
        }
        if self.host.entry(directory)?.is_some() {
            return Err(PlanError::foreseen(directory, Errno::EXIST));
        }
        self.planned.directories.insert(directory.to_owned());
        self.push(Instruction::MakeDirectory { directory: directory.to_owned() })
    }

    /// Plans the content of a directory of the revision into `destination`, whose parent exists or is planned.
    fn tree(&mut self, source: &Source<'_>, destination: &Path) -> Result<(), PlanError> {
        let is_new = self.is_absent_by_plan(destination) || !self.host.is_directory(destination)?;
        if is_new {
            self.make_directory(destination)?;
        }
        let view = self.host.view;
        let mut children = view.list(&source.path).map_err(|error| PlanError::system(&source.path, error))?;
        // By byte value, so that equal revisions give equal plans.
        children.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, kind) in children {
            let path = source.path.join(&name);
            let target = destination.join(&name);
            match kind {
                EntryKind::Directory => {
                    let real = source.real.join(&name);
                    self.tree(&Source { path, real, came_from: source.came_from }, &target)?;
                }
                EntryKind::Symlink if self.is_linked_directory(&path)? => {
                    let real = self.real_unless_open(&path, source)?;
                    self.tree(&Source { path, real, came_from: Some(source) }, &target)?;
                }
                EntryKind::File | EntryKind::Symlink | EntryKind::Special => self.file(path, kind, target)?,
            }
        }
        Ok(())
    }

    fn is_linked_directory(&self, path: &Path) -> Result<bool, PlanError> {
        match self.host.view.target(path) {
            Ok(kind) => Ok(kind == Some(EntryKind::Directory)),
            // A link that leads to itself is a link like any other.
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Ok(false),
            Err(error) => Err(PlanError::system(path, error)),
        }
    }

    /// Where a linked directory is, unless the way here already leads through it.
    fn real_unless_open(&self, path: &Path, source: &Source<'_>) -> Result<PathBuf, PlanError> {
        let real = self.host.view.real_path(path).map_err(|error| PlanError::system(path, error))?;
        let mut open = Some(source);
        while let Some(folder) = open {
            if folder.real.starts_with(&real) {
                return Err(PlanError::LinkLoop(path.to_owned()));
            }
            open = folder.came_from;
        }
        Ok(real)
    }

    /// The file rule.
    fn file(&mut self, source: PathBuf, kind: EntryKind, target: PathBuf) -> Result<(), PlanError> {
        if kind == EntryKind::Special {
            return Err(PlanError::SpecialFile(source));
        }
        let existing = if self.is_absent_by_plan(&target) { None } else { self.host.entry(&target)? };
        if let Some(existing) = existing {
            match self.behavior {
                Behavior::Invalid(name) => return Err(PlanError::InvalidBehavior(name.clone())),
                Behavior::Known(FileExistsBehavior::Disallow) => return Err(PlanError::FileExists(target)),
                Behavior::Known(FileExistsBehavior::Retain) => return Ok(()),
                Behavior::Known(FileExistsBehavior::Overwrite) if existing == EntryKind::Directory => {
                    return Err(PlanError::foreseen(&target, Errno::ISDIR));
                }
                Behavior::Known(FileExistsBehavior::Overwrite) => {}
            }
        }
        self.copy(source, target, kind == EntryKind::Symlink)
    }

    fn copy(&mut self, source: PathBuf, destination: PathBuf, is_link: bool) -> Result<(), PlanError> {
        if let Some(idx) = self.planned.copies.get(&destination) {
            let old = self.planned.source(*idx).to_owned();
            return Err(PlanError::TwoSources { new: source, old, target: destination });
        }
        if self.planned.directories.contains(&destination) {
            return Err(PlanError::CopyOntoDirectory { source_path: source, target: destination });
        }
        self.planned.copies.insert(destination.clone(), self.planned.instructions.len());
        self.push(Instruction::Copy { source, destination, is_link })
    }

    /// Whether the path cannot exist, because its directory is yet to be made. Saves asking the host.
    fn is_absent_by_plan(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.planned.directories.contains(parent))
    }

    fn push(&mut self, instruction: Instruction) -> Result<(), PlanError> {
        if MAX_INSTRUCTIONS <= self.planned.instructions.len() {
            return Err(PlanError::TooManyFiles { limit: MAX_INSTRUCTIONS });
        }
        self.planned.instructions.push(instruction);
        Ok(())
    }
}

impl PlannedFiles {
    /// The source of the copy planned at `idx`.
    fn source(&self, idx: usize) -> &Path {
        match &self.instructions[idx] {
            Instruction::Copy { source, .. } => source,
            Instruction::MakeDirectory { directory: path }
            | Instruction::ChangeMode { file: path, .. }
            | Instruction::ChangeOwner { file: path, .. } => path,
        }
    }
}
