//! Which commands this process has handed out, and whose acknowledgements it has answered.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::time::Timestamp;

use crate::host_command::{CommandKey, Connection, HostCommand};

/// What this process remembers of commands that it handed out or whose acknowledgement it answered.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<BTreeMap<CommandKey, Entry>>,
    /// The command that each host was handed last.
    last: Mutex<HashMap<PrincipalArn, CommandKey>>,
}

/// What is known of a command.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    HandedOut { at: Timestamp, principal: PrincipalArn, connection: Connection },
    AckAnswered,
}

impl Ledger {
    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<CommandKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first command that nobody holds, and notes that `principal` now does.
    pub(crate) fn take(
        &self,
        commands: &[&HostCommand],
        principal: &PrincipalArn,
        connection: &Connection,
        now: Timestamp,
        redelivery: std::time::Duration,
    ) -> Option<HostCommand> {
        let mut entries = self.lock();
        let free = commands.iter().find(|command| match entries.get(&command.key) {
            None => true,
            Some(Entry::HandedOut { at, connection, .. }) => {
                connection.is_closed() || at.plus(redelivery) <= now
            }
            Some(Entry::AckAnswered) => false,
        })?;
        let entry =
            Entry::HandedOut { at: now, principal: principal.clone(), connection: connection.clone() };
        entries.insert(free.key.clone(), entry);
        drop(entries);
        self.lock_last().insert(principal.clone(), free.key.clone());
        Some((*free).clone())
    }

    /// Whether `principal` has just been handed a command of a deployment, and has not acknowledged it yet.
    pub(crate) fn holds(&self, principal: &PrincipalArn, deployment: &DeploymentId) -> bool {
        let last =
            self.lock_last().get(principal).filter(|key| key.target.deployment == *deployment).cloned();
        last.is_some_and(|key| match self.lock().get(&key) {
            Some(Entry::HandedOut { principal: holder, .. }) => holder == principal,
            Some(Entry::AckAnswered) | None => false,
        })
    }

    fn lock_last(&self) -> std::sync::MutexGuard<'_, HashMap<PrincipalArn, CommandKey>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the first of `commands` may be handed out again.
    pub(crate) fn next_redelivery(
        &self,
        commands: &[HostCommand],
        redelivery: std::time::Duration,
    ) -> Option<Timestamp> {
        let entries = self.lock();
        commands
            .iter()
            .filter_map(|command| match entries.get(&command.key) {
                Some(Entry::HandedOut { at, .. }) => Some(at.plus(redelivery)),
                Some(Entry::AckAnswered) | None => None,
            })
            .min()
    }

    /// Whether this process answered the acknowledgement of a command.
    pub(crate) fn has_answered(&self, key: &CommandKey) -> bool {
        match self.lock().get(key) {
            Some(Entry::AckAnswered) => true,
            Some(Entry::HandedOut { .. }) | None => false,
        }
    }

    /// A final deployment has no commands.
    pub(crate) fn forget_deployment(&self, id: &DeploymentId) {
        self.lock().retain(|key, _| key.target.deployment != *id);
        self.lock_last().retain(|_, key| key.target.deployment != *id);
    }

    /// Frees a command that was to go over `connection`. Answers whether nobody holds it now.
    pub(crate) fn give_up(&self, key: &CommandKey, connection: &Connection) -> bool {
        let mut entries = self.lock();
        match entries.get(key) {
            Some(Entry::HandedOut { connection: holder, .. }) if holder.is_same(connection) => {
                entries.remove(key);
                true
            }
            Some(Entry::HandedOut { .. } | Entry::AckAnswered) => false,
            None => true,
        }
    }

    pub(crate) fn forget(&self, key: &CommandKey) {
        self.lock().remove(key);
    }
}
