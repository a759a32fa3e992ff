//! An Install from its journal's first byte to its last: carried out, undone, or finished.

use std::path::Path;

use super::contexts::{self, Contexts};
use super::file_systems::FileSystems;
use super::journal::{Journal, Phase};
use super::operation::{Names, remove_tree};
use super::record::Record;
use super::selinux::Selinux;
use super::stage::{self, Stage};
use super::state_files::StateFiles;
use super::{Checkpoint, InstallError, backup, in_place};
use crate::install_plan::{CleanupEntry, InstallPlan, parse_cleanup};

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
    selinux: Selinux,
}

impl Transaction {
    /// Writes down what the plan will switch.
    pub(super) fn begin(
        state_files: StateFiles,
        selinux: &Selinux,
        deployment_id: &str,
        plan: &InstallPlan,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Transaction, InstallError> {
        let operations = stage::operations(plan)?;
        let group_id = state_files.deployment_group_id();
        let journal = Journal::create(&state_files.journal(), group_id, deployment_id, operations)?;
        checkpoint();
        Ok(Transaction { journal, state_files, selinux: selinux.clone() })
    }

    /// Takes up what an earlier process left.
    pub(super) fn resume(journal: Journal, selinux: &Selinux) -> Transaction {
        let state_files = StateFiles::new(journal.instructions_dir(), journal.deployment_group_id());
        Transaction { journal, state_files, selinux: selinux.clone() }
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
        let befores = in_place::befores(stage::through_links(&plan.instructions))?;
        self.journal.record(befores.into_iter().map(Record::Attributes).collect())?;
        checkpoint();
        in_place::carry_out(late)?;
        checkpoint();
        let Transaction { journal, state_files, selinux } = self;
        Contexts { journal, state_files, selinux }.carry_out(&plan.instructions, checkpoint)?;
        // On the journal's own file system the commit record comes after the renames by itself.
        file_systems.sync_others()?;
        self.journal.enter(Phase::Committed)?;
        checkpoint();
        Ok(())
    }

    fn placed(&self) -> impl Iterator<Item = Names> {
        self.journal.operations().filter(|(operation, _)| operation.places).map(|(_, names)| names)
    }

    /// Puts everything back and forgets the Install.
    fn undo(mut self, checkpoint: Checkpoint<'_>) -> Result<(), InstallError> {
        if self.journal.phase() == Phase::Switching {
            self.take_changes_back();
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

    /// Undoes what is no switch, last change first. What cannot be undone is said, and holds up nothing.
    fn take_changes_back(&self) {
        for change in self.journal.changes().into_iter().rev() {
            match change {
                Record::Attributes(before) => {
                    if let Err(error) = before.give_back() {
                        tracing::error!("cannot give {} its attributes back: {error}", before.shown());
                    }
                }
                Record::Rule { path, previous } => {
                    contexts::take_back(&self.selinux, &path.to_path(), previous.as_ref());
                }
                Record::RuleRefused => {}
            }
        }
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
        let has_rules = cleanup.iter().any(|entry| matches!(entry, CleanupEntry::Semanage(_)));
        if has_rules && let Some(next) = self.state_files.read_next_cleanup()? {
            contexts::forget_old(&self.selinux, &cleanup, &parse_cleanup(&next));
        }
        backup::remove(&cleanup, &set_aside, checkpoint)?;
        self.state_files.switch(checkpoint)?;
        self.journal.close()
    }
}
