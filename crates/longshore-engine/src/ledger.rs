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
    HandedOut {
        at: Timestamp,
        principal: PrincipalArn,
        connection: Connection,
    },
    /// Its acknowledgement is stored, and the answer has not left.
    Acknowledged,
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
            // Whoever asks has read it before.
            Some(Entry::Acknowledged | Entry::AckAnswered) => false,
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
            Some(Entry::Acknowledged | Entry::AckAnswered) | None => false,
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
                Some(Entry::Acknowledged | Entry::AckAnswered) | None => None,
            })
            .min()
    }

    /// Whether this process answered the acknowledgement of a command.
    pub(crate) fn has_answered(&self, key: &CommandKey) -> bool {
        match self.lock().get(key) {
            Some(Entry::AckAnswered) => true,
            Some(Entry::HandedOut { .. } | Entry::Acknowledged) | None => false,
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
            Some(Entry::HandedOut { .. } | Entry::Acknowledged | Entry::AckAnswered) => false,
            None => true,
        }
    }

    /// The acknowledgement of a command is stored.
    pub(crate) fn acknowledged(&self, key: &CommandKey) {
        self.lock().insert(key.clone(), Entry::Acknowledged);
    }

    pub(crate) fn forget(&self, key: &CommandKey) {
        self.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use longshore_model::id::{HostId, HostName};
    use longshore_model::lifecycle::LifecycleEventName;
    use longshore_model::target::TargetKey;

    use super::*;

    const REDELIVERY: Duration = Duration::from_secs(60);
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn command() -> HostCommand {
        let deployment = DeploymentId::parse("d-000000001").expect("a valid id");
        let host = HostId::OnPremises(HostName::parse("host-0").expect("a valid name"));
        let key = CommandKey { target: TargetKey { deployment, host }, event_idx: 0 };
        HostCommand { key, event: LifecycleEventName::ApplicationStop, available_at: NOW }
    }

    /// A second poll of the host reads its commands, and the first poll's is acknowledged before the second
    /// takes one. Found by the simulation.
    #[test]
    fn what_was_read_before_its_acknowledgement_is_not_handed_out_again() {
        let (ledger, command) = (Ledger::default(), command());
        let principal = PrincipalArn(String::from("arn:aws:iam::000000000000:user/host-0"));
        let take = |now| ledger.take(&[&command], &principal, &Connection::new(), now, REDELIVERY);
        assert!(take(NOW).is_some());
        ledger.acknowledged(&command.key);
        assert_eq!(take(NOW), None);
        assert_eq!(take(NOW.plus(REDELIVERY)), None, "it runs, however long it takes");
    }
}
