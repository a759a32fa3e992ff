//! An Install from its journal's first byte to its last: carried out, undone, or finished.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open, syncfs};
use rustix::io::Errno;

use super::in_place::InPlace;
use super::journal::{Journal, Phase};
use super::operation::{Names, remove_tree};
use super::stage::{self, Stage};
use super::state_files::StateFiles;
use super::{Checkpoint, InstallError, backup};
use crate::install_plan::{InstallPlan, parse_cleanup};

/// How an interrupted Install was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Finished,
    Undone,
}

/// An Install under way.
#[derive(Debug)]
pub(super) struct Transaction {
    journal: Journal,
    state_files: StateFiles,
}

impl Transaction {
    /// Writes down what the plan will switch.
    pub(super) fn begin(
        state_files: StateFiles,
        deployment_id: &str,
        plan: &InstallPlan,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Transaction, InstallError> {
        let operations = stage::operations(plan)?;
        let group_id = state_files.deployment_group_id();
        let journal = Journal::create(&state_files.journal(), group_id, deployment_id, operations)?;
        checkpoint();
        Ok(Transaction { journal, state_files })
    }

    /// Takes up what an earlier process left.
    pub(super) fn resume(journal: Journal) -> Transaction {
        let state_files = StateFiles::new(journal.instructions_dir(), journal.deployment_group_id());
        Transaction { journal, state_files }
    }

    /// Carries the plan out.
    pub(super) fn carry_out(
        mut self,
        plan: &InstallPlan,
        deployment_dir: &Path,
        checkpoint: Checkpoint<'_>,
    ) -> Result<(), InstallError> {
        match self.up_to_commit(plan, deployment_dir, checkpoint) {
            Ok(()) => self.finish(checkpoint),
            Err(error) => {
                let group_id = self.state_files.deployment_group_id().to_owned();
                if let Err(also) = self.undo(checkpoint) {
                    tracing::error!(
                        deployment_group.id = group_id,
                        "cannot undo an Install, the next start tries again: {also}"
                    );
                }
                Err(error)
            }
        }
    }

    /// Brings an interrupted Install to an end.
    pub(super) fn settle(self, checkpoint: Checkpoint<'_>) -> Result<Outcome, InstallError> {
        match self.journal.phase() {
            Phase::Staging | Phase::Switching => {
                self.undo(checkpoint)?;
                Ok(Outcome::Undone)
            }
            Phase::Committed => {
                // A power cut may have lost renames that the commit followed.
                for (operation, names) in self.journal.operations() {
                    operation.switch_again(&names, checkpoint)?;
                }
                self.finish(checkpoint)?;
                Ok(Outcome::Finished)
            }
        }
    }

    fn up_to_commit(
        &mut self,
        plan: &InstallPlan,
        deployment_dir: &Path,
        checkpoint: Checkpoint<'_>,
    ) -> Result<(), InstallError> {
        let late = stage::late_instructions(&plan.instructions);
        let n_early = plan.instructions.len() - late.len();
        let roots = self.placed().map(|names| (names.path, names.staged));
        Stage::new(roots).build(&plan.instructions[..n_early], checkpoint)?;
        self.state_files.stage(&plan.instructions, deployment_dir)?;
        checkpoint();
        let file_systems = FileSystems::of(self.state_files.dir(), self.placed())?;
        file_systems.sync_all()?;
        self.journal.enter(Phase::Switching)?;
        checkpoint();
        for (operation, names) in self.journal.operations() {
            operation.switch(&names, checkpoint)?;
        }
        let in_place = InPlace::carry_out(late)?;
        // On the journal's own file system the commit record comes after the renames by itself.
        let committed = file_systems.sync_others().and_then(|()| self.journal.enter(Phase::Committed));
        committed.inspect_err(|_| in_place.revert())?;
        checkpoint();
        Ok(())
    }

    fn placed(&self) -> impl Iterator<Item = Names> {
        self.journal.operations().filter(|(operation, _)| operation.places).map(|(_, names)| names)
    }

    /// Puts everything back and forgets the Install.
    fn undo(mut self, checkpoint: Checkpoint<'_>) -> Result<(), InstallError> {
        if self.journal.phase() == Phase::Switching {
            for (operation, names) in self.journal.operations() {
                operation.switch_back(&names, checkpoint)?;
            }
            // From here on a staged name that is missing was removed, not switched.
            self.journal.enter(Phase::Staging)?;
            checkpoint();
        }
        for names in self.placed() {
            remove_tree(&names.staged)?;
            checkpoint();
        }
        self.state_files.discard()?;
        self.journal.close()
    }

    /// Tidies up after the commit. The old cleanup file is replaced last, because it says what to remove.
    fn finish(self, checkpoint: Checkpoint<'_>) -> Result<(), InstallError> {
        let set_aside: Vec<Names> = self
            .journal
            .operations()
            .filter(|(operation, _)| operation.removes)
            .map(|(_, names)| names)
            .collect();
        let cleanup = parse_cleanup(&self.state_files.read_cleanup()?);
        backup::remove(&cleanup, &set_aside, checkpoint)?;
        self.state_files.switch(checkpoint)?;
        self.journal.close()
    }
}

/// The file systems that an Install writes to, each by one of its directories.
struct FileSystems {
    of_journal: PathBuf,
    others: Vec<PathBuf>,
}

impl FileSystems {
    fn of(journal_dir: &Path, placed: impl Iterator<Item = Names>) -> Result<FileSystems, InstallError> {
        let mut by_device: HashMap<u64, PathBuf> = HashMap::new();
        by_device.insert(device(journal_dir)?, journal_dir.to_owned());
        let mut others = Vec::new();
        let mut last_parent = PathBuf::new();
        for names in placed {
            let parent = names.path.parent().unwrap_or(Path::new("/"));
            if parent == last_parent {
                continue;
            }
            last_parent = parent.to_owned();
            if let Entry::Vacant(entry) = by_device.entry(device(parent)?) {
                entry.insert(parent.to_owned());
                others.push(parent.to_owned());
            }
        }
        Ok(FileSystems { of_journal: journal_dir.to_owned(), others })
    }

    fn sync_all(&self) -> Result<(), InstallError> {
        sync(&self.of_journal)?;
        self.sync_others()
    }

    fn sync_others(&self) -> Result<(), InstallError> {
        self.others.iter().try_for_each(|directory| sync(directory))
    }
}

fn device(directory: &Path) -> Result<u64, InstallError> {
    let stat = rustix::fs::stat(directory).map_err(|error| InstallError::at(directory)(error.into()))?;
    Ok(stat.st_dev)
}

fn sync(directory: &Path) -> Result<(), InstallError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let synced = open(directory, flags, Mode::empty()).and_then(|handle| match syncfs(&handle) {
        // Some user-space kernels only know the call that syncs everything.
        Err(Errno::NOSYS | Errno::INVAL) => {
            rustix::fs::sync();
            Ok(())
        }
        synced => synced,
    });
    synced.map_err(|error| InstallError::at(directory)(error.into()))
}
