//! Plans what the `files` section asks for: directories and copies. Source: agent.md §7.2.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use longshore_model::appspec::{FileEntry, FileExistsBehavior};
use rustix::io::Errno;

use super::path::{in_archive, normalized};
use super::{
    Behavior, EntryKind, HostAfterCleanup, Instruction, MAX_INSTRUCTIONS, PlanError, Refusals, SourceFile,
};

/// A target that stays as it is because of `RETAIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// In the revision.
    pub source: PathBuf,
    /// On the host.
    pub target: PathBuf,
    /// The place of its entry in `files`.
    pub entry: usize,
}

/// A directory that is there, stays, and receives files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingDirectory {
    /// On the host.
    pub path: PathBuf,
    /// The place of its entry in `files`.
    pub entry: usize,
}

/// Copies and directories so far.
pub(super) struct FilePlanner<'a> {
    host: HostAfterCleanup<'a>,
    behavior: &'a Behavior,
    refusals: &'a mut Refusals,
    /// The place of the present entry.
    entry: usize,
    planned: PlannedFiles,
}

/// What is copied and made, in order and by path.
#[derive(Debug, Default)]
pub(super) struct PlannedFiles {
    pub(super) instructions: Vec<Instruction>,
    /// The place of each instruction's entry in `files`.
    pub(super) entries: Vec<usize>,
    /// Targets of copies, to the place of the instruction.
    pub(super) copies: HashMap<PathBuf, usize>,
    pub(super) directories: HashSet<PathBuf>,
    pub(super) kept: Vec<Kept>,
    pub(super) existing_directories: Vec<ExistingDirectory>,
}

/// A folder of the revision that is being gone through.
struct Source<'a> {
    path: PathBuf,
    /// Where it really is, and the folders from which links led to it: none may be entered again.
    real: PathBuf,
    came_from: Option<&'a Source<'a>>,
}

impl<'a> FilePlanner<'a> {
    pub(super) fn new(
        host: HostAfterCleanup<'a>,
        behavior: &'a Behavior,
        refusals: &'a mut Refusals,
    ) -> FilePlanner<'a> {
        FilePlanner { host, behavior, refusals, entry: 0, planned: PlannedFiles::default() }
    }

    pub(super) fn finish(self) -> PlannedFiles {
        self.planned
    }

    /// Plans the entry at place `idx`: the content of a directory, or a file.
    pub(super) fn entry(
        &mut self,
        idx: usize,
        entry: &FileEntry,
        archive_dir: &Path,
        working_dir: &Path,
    ) -> Result<(), PlanError> {
        self.entry = idx;
        if entry.destination.starts_with('~') {
            return self.refusals.refuse(PlanError::HomeDirectory(entry.destination.clone()));
        }
        let source = in_archive(archive_dir, &entry.source);
        if !source.starts_with(in_archive(archive_dir, "/")) {
            return self.refusals.refuse(PlanError::SourceOutside(entry.source.clone()));
        }
        let destination = normalized(Path::new(&entry.destination), working_dir);
        match self.place(&source, &destination) {
            // What the file system says ends an entry, not a survey.
            Err(error @ PlanError::System { .. }) => self.refusals.refuse(error),
            placed => placed,
        }
    }

    fn place(&mut self, source: &Path, destination: &Path) -> Result<(), PlanError> {
        let view = self.host.view;
        let failed = |error| PlanError::system(source, error);
        if view.target(source).map_err(failed)? == Some(EntryKind::Directory) {
            if !self.ancestors(destination)? {
                return Ok(());
            }
            let real = view.real_path(source).map_err(failed)?;
            return self.tree(&Source { path: source.to_owned(), real, came_from: None }, destination);
        }
        let Some(file) = view.source(source).map_err(failed)? else {
            return Err(PlanError::foreseen(source, Errno::NOENT));
        };
        let target = destination.join(source.file_name().unwrap_or_default());
        if !self.ancestors(&target)? {
            return Ok(());
        }
        if !self.planned.directories.contains(destination) {
            self.use_directory(destination);
        }
        self.file(source.to_owned(), file, target)
    }

    /// Plans the directories that are missing above `path`. Whether they will be there.
    fn ancestors(&mut self, path: &Path) -> Result<bool, PlanError> {
        let mut missing: Vec<&Path> = Vec::new();
        for ancestor in path.ancestors().skip(1) {
            if self.planned.directories.contains(ancestor) {
                break;
            }
            match self.host.target(ancestor)? {
                Some(EntryKind::Directory) => break,
                Some(EntryKind::File | EntryKind::Symlink | EntryKind::Special) => {
                    self.refusals.refuse(PlanError::foreseen(ancestor, Errno::NOTDIR))?;
                    return Ok(false);
                }
                None => missing.push(ancestor),
            }
        }
        for directory in missing.into_iter().rev() {
            if !self.make_directory(directory)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Plans a directory. Whether it will be there.
    fn make_directory(&mut self, directory: &Path) -> Result<bool, PlanError> {
        if let Some(idx) = self.planned.copies.get(directory) {
            let source_path = self.planned.source(*idx).to_owned();
            let target = directory.to_owned();
            self.refusals.refuse(PlanError::DirectoryOntoCopy { target, source_path })?;
            return Ok(false);
        }
        if self.planned.directories.contains(directory) {
            return Ok(true);
        }
        if self.host.entry(directory)?.is_some() {
            self.refusals.refuse(PlanError::foreseen(directory, Errno::EXIST))?;
            return Ok(false);
        }
        self.planned.directories.insert(directory.to_owned());
        self.push(Instruction::MakeDirectory { directory: directory.to_owned() })?;
        Ok(true)
    }

    fn use_directory(&mut self, directory: &Path) {
        let path = directory.to_owned();
        self.planned.existing_directories.push(ExistingDirectory { path, entry: self.entry });
    }

    /// Plans the content of a directory of the revision into `destination`, whose parent exists or is planned.
    fn tree(&mut self, source: &Source<'_>, destination: &Path) -> Result<(), PlanError> {
        let is_new = self.is_absent_by_plan(destination) || !self.host.is_directory(destination)?;
        if !is_new {
            self.use_directory(destination);
        } else if !self.make_directory(destination)? {
            return Ok(());
        }
        let mut children = match self.host.view.sources(&source.path) {
            Ok(children) => children,
            Err(error) => return self.refusals.refuse(PlanError::system(&source.path, error)),
        };
        // By byte value, so that equal revisions give equal plans.
        children.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, file) in children {
            let path = source.path.join(&name);
            let target = destination.join(&name);
            match file.kind {
                EntryKind::Directory => {
                    let real = source.real.join(&name);
                    self.tree(&Source { path, real, came_from: source.came_from }, &target)?;
                }
                EntryKind::Symlink if self.is_linked_directory(&path)? => {
                    match self.real_unless_open(&path, source) {
                        Ok(real) => self.tree(&Source { path, real, came_from: Some(source) }, &target)?,
                        Err(error) => self.refusals.refuse(error)?,
                    }
                }
                EntryKind::File | EntryKind::Symlink | EntryKind::Special => self.file(path, file, target)?,
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
    fn file(&mut self, source: PathBuf, file: SourceFile, target: PathBuf) -> Result<(), PlanError> {
        if file.kind == EntryKind::Special {
            return self.refusals.refuse(PlanError::SpecialFile(source));
        }
        let existing = if self.is_absent_by_plan(&target) { None } else { self.host.entry(&target)? };
        if let Some(existing) = existing {
            let refusal = match self.behavior {
                Behavior::Invalid(name) => PlanError::InvalidBehavior(name.clone()),
                Behavior::Known(FileExistsBehavior::Disallow) => PlanError::FileExists(target),
                Behavior::Known(FileExistsBehavior::Retain) => {
                    self.planned.kept.push(Kept { source, target, entry: self.entry });
                    return Ok(());
                }
                Behavior::Known(FileExistsBehavior::Overwrite) if existing == EntryKind::Directory => {
                    PlanError::foreseen(&target, Errno::ISDIR)
                }
                Behavior::Known(FileExistsBehavior::Overwrite) => return self.copy(source, target, file),
            };
            return self.refusals.refuse(refusal);
        }
        self.copy(source, target, file)
    }

    fn copy(&mut self, source: PathBuf, destination: PathBuf, file: SourceFile) -> Result<(), PlanError> {
        if !file.is_readable {
            return self.refusals.refuse(PlanError::foreseen(&source, Errno::ACCESS));
        }
        if let Some(idx) = self.planned.copies.get(&destination) {
            let old = self.planned.source(*idx).to_owned();
            return self.refusals.refuse(PlanError::TwoSources { new: source, old, target: destination });
        }
        if self.planned.directories.contains(&destination) {
            let refusal = PlanError::CopyOntoDirectory { source_path: source, target: destination };
            return self.refusals.refuse(refusal);
        }
        self.planned.copies.insert(destination.clone(), self.planned.instructions.len());
        let is_link = file.kind == EntryKind::Symlink;
        self.push(Instruction::Copy { source, destination, is_link, size_bytes: file.size_bytes })
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
        self.planned.entries.push(self.entry);
        Ok(())
    }
}

impl PlannedFiles {
    /// The source of the copy planned at `idx`.
    fn source(&self, idx: usize) -> &Path {
        match &self.instructions[idx] {
            Instruction::Copy { source, .. } => source,
            instruction => instruction.path(),
        }
    }
}
