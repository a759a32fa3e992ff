//! What hosts were handed and told. Source: service.md §9.2: "a command is handed out once", the first
//! acknowledgement lets it run, and what is answered has happened.

use std::collections::{BTreeMap, BTreeSet};

use longshore_engine::host_command::{AckAnswer, CommandKey};
use longshore_model::lifecycle::CommandCopy;
use longshore_model::target::{TargetState, Waiting};

use super::Auditor;
use crate::time::ServerRun;

/// What was seen of hand-outs, acknowledgements and runs.
#[derive(Debug, Default)]
pub(super) struct Commands {
    held: BTreeMap<CommandKey, Held>,
    /// The copy of a command that was let run.
    let_run: BTreeMap<CommandKey, CommandCopy>,
    has_run: BTreeSet<CommandKey>,
}

/// A hand-out that holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    seen: HandOutSeen,
    at: i64,
}

/// A command that a poll was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandOutSeen {
    /// Which server, which keeps its number when it is started again.
    pub(crate) server: usize,
    /// Which life of it.
    pub(crate) run: ServerRun,
    /// The call that it answered.
    pub(crate) call: u64,
}

impl Auditor {
    /// A poll is answered with a command, which it holds from `at` on for `held_for` milliseconds.
    /// `is_shared` says that other servers know of it.
    pub(crate) fn handed_out(
        &mut self,
        key: &CommandKey,
        seen: HandOutSeen,
        is_shared: bool,
        (at, held_for): (i64, i64),
    ) {
        if let Some(held) = self.commands.held.get(key).copied() {
            let holds = self.now < held.at + held_for - 2 * self.terms.clock_spread;
            // A server that was started again may not know of it, and may hand out what it had.
            let is_known = held.seen.run == seen.run || (is_shared && held.seen.server != seen.server);
            // Of a deployment that has ended meanwhile nothing runs, whoever is handed it.
            let can_run =
                self.deployment(&key.target.deployment).is_some_and(|known| !known.status.is_final());
            self.require(!(holds && is_known && can_run), || {
                format!("{key:?} is handed out by {seen:?} while {held:?} holds")
            });
        }
        self.commands.held.insert(key.clone(), Held { seen, at });
    }

    /// The server knows that this did not reach its host.
    pub(crate) fn hand_out_lost(&mut self, call: u64) {
        self.commands.held.retain(|_, held| held.seen.call != call);
    }

    /// Whether somebody holds the command.
    pub(super) fn is_held(&self, key: &CommandKey, held_for: i64) -> bool {
        self.commands.held.get(key).is_some_and(|held| self.now < held.at + held_for)
    }

    /// The acknowledgement of a copy is answered like this by the engine.
    pub(crate) fn ack_answer(&mut self, key: &CommandKey, copy: CommandCopy, answer: AckAnswer) {
        if answer != AckAnswer::InProgress {
            return;
        }
        let first = *self.commands.let_run.entry(key.clone()).or_insert(copy);
        self.require(first == copy, || format!("{key:?}: {copy:?} is let run after {first:?}"));
        let is_stored = self.is_past(key, Waiting::Pickup);
        self.require(is_stored, || format!("{key:?}: the acknowledgement is answered and not stored"));
    }

    /// A report is answered.
    pub(crate) fn report_answered(&mut self, key: &CommandKey) {
        let is_stored = self.is_past(key, Waiting::Report);
        self.require(is_stored, || format!("{key:?}: the report is answered and not stored"));
    }

    /// A host runs a command.
    pub(crate) fn runs(&mut self, key: &CommandKey) {
        let is_first = self.commands.has_run.insert(key.clone());
        self.require(is_first, || format!("{key:?} runs again"));
    }

    /// Whether the target is past waiting for this with the command.
    fn is_past(&self, key: &CommandKey, what: Waiting) -> bool {
        let Some(target) = self.target(&key.target) else { return false };
        match target.state {
            TargetState::InProgress(progress) if progress.event_idx == key.event_idx => {
                what == Waiting::Pickup && progress.waiting == Waiting::Report
            }
            // A report of what was never due is answered, and changes nothing.
            TargetState::InProgress(progress) => {
                key.event_idx < progress.event_idx || what == Waiting::Report
            }
            TargetState::Pending => what == Waiting::Report,
            TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => true,
        }
    }
}
