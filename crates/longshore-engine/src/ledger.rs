//! Which commands this process has handed out, and what has become of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::time::Timestamp;

use crate::host_command::{CommandKey, Connection, HostCommand};

/// What this process remembers of commands that it handed out or that were acknowledged here.
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
    /// It did not reach its host, and other servers are being told so, `n_tellings` times: until then nobody
    /// here is handed it, whose hand-out they would be told is void.
    TakenBack {
        n_tellings: u32,
    },
    /// Its acknowledgement is stored.
    Acknowledged,
    /// Its end is stored. Kept until the next event's: who has read it before may still ask for it.
    Reported,
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
        let is_free =
            |command: &&&HostCommand| match entries.range(command.key.clone()..=command.key.last()).last() {
                None => true,
                // The target is further on. Whoever asks has read the command before.
                Some((key, _)) if *key != command.key => false,
                Some((_, Entry::HandedOut { at, connection, .. })) => {
                    connection.is_closed() || at.plus(redelivery) <= now
                }
                Some((_, Entry::TakenBack { .. })) => false,
                // Whoever asks has read it before.
                Some((_, Entry::Acknowledged | Entry::Reported)) => false,
            };
        let free = commands.iter().find(is_free)?;
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
            Some(Entry::TakenBack { .. } | Entry::Acknowledged | Entry::Reported) | None => false,
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
                // Whoever takes back wakes who waits.
                Some(Entry::TakenBack { .. }) => None,
                Some(Entry::Acknowledged | Entry::Reported) | None => None,
            })
            .min()
    }

    /// A final deployment has no commands.
    pub(crate) fn forget_deployment(&self, id: &DeploymentId) {
        self.lock().retain(|key, _| key.target.deployment != *id);
        self.lock_last().retain(|_, key| key.target.deployment != *id);
    }

    /// Takes back what was handed out over `connection` and not acknowledged. Each is to be told and then
    /// [set free](Ledger::set_free).
    pub(crate) fn take_back_all(&self, connection: &Connection) -> Vec<(CommandKey, PrincipalArn)> {
        let mut taken_back = Vec::new();
        for (key, entry) in self.lock().iter_mut() {
            if let Some(principal) = entry.take_back(connection) {
                taken_back.push((key.clone(), principal));
            }
        }
        taken_back
    }

    /// The same of one command; answers to whom it was handed out, if it was over `connection`.
    pub(crate) fn take_back(&self, key: &CommandKey, connection: &Connection) -> Option<PrincipalArn> {
        self.lock().get_mut(key)?.take_back(connection)
    }

    /// A hand-out over `connection`, whose poll had gone before, is now known to other servers. Answers
    /// whether they are to be told that it is void, after which it is to be [set free](Ledger::set_free):
    /// not if somebody else holds the command.
    pub(crate) fn take_back_unasked(&self, key: &CommandKey, connection: &Connection) -> bool {
        let mut entries = self.lock();
        match entries.get_mut(key) {
            None => {
                entries.insert(key.clone(), Entry::TakenBack { n_tellings: 1 });
                true
            }
            Some(Entry::TakenBack { n_tellings }) => {
                *n_tellings += 1;
                true
            }
            Some(entry) => entry.take_back(connection).is_some(),
        }
    }

    /// Other servers were told that a command was taken back: whoever asks may have it.
    pub(crate) fn set_free(&self, key: &CommandKey) {
        let mut entries = self.lock();
        match entries.get_mut(key) {
            Some(Entry::TakenBack { n_tellings }) if 1 < *n_tellings => *n_tellings -= 1,
            Some(Entry::TakenBack { .. }) => drop(entries.remove(key)),
            Some(Entry::HandedOut { .. } | Entry::Acknowledged | Entry::Reported) | None => {}
        }
    }

    /// A hand-out over `connection` came to nothing: another server holds the command, or the store failed.
    pub(crate) fn give_up(&self, key: &CommandKey, connection: &Connection) {
        let mut entries = self.lock();
        if entries.get(key).is_some_and(|entry| entry.is_over(connection)) {
            entries.remove(key);
        }
    }

    /// The acknowledgement of a command is stored.
    pub(crate) fn acknowledged(&self, key: &CommandKey) {
        self.lock().insert(key.clone(), Entry::Acknowledged);
    }

    /// The end of a command is stored. The target's earlier commands are of no interest any more.
    pub(crate) fn reported(&self, key: &CommandKey) {
        let mut entries = self.lock();
        let earlier: Vec<CommandKey> =
            entries.range(key.first()..key.clone()).map(|(earlier, _)| earlier.clone()).collect();
        for earlier in &earlier {
            entries.remove(earlier);
        }
        entries.insert(key.clone(), Entry::Reported);
    }
}

impl Entry {
    fn is_over(&self, connection: &Connection) -> bool {
        match self {
            Entry::HandedOut { connection: holder, .. } => holder.is_same(connection),
            Entry::TakenBack { .. } | Entry::Acknowledged | Entry::Reported => false,
        }
    }

    /// Answers to whom it was handed out, if it was over `connection` and is taken back.
    fn take_back(&mut self, connection: &Connection) -> Option<PrincipalArn> {
        let Entry::HandedOut { connection: holder, principal, .. } = self else { return None };
        if !holder.is_same(connection) {
            return None;
        }
        let principal = principal.clone();
        *self = Entry::TakenBack { n_tellings: 1 };
        Some(principal)
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

    /// The same with a report. Found by the simulation: an agent that reports what it did not acknowledge.
    #[test]
    fn what_was_read_before_its_report_is_not_handed_out_again() {
        let (ledger, command) = (Ledger::default(), command());
        let principal = PrincipalArn(String::from("arn:aws:iam::000000000000:user/host-0"));
        let take = |command: &HostCommand, now| {
            ledger.take(&[command], &principal, &Connection::new(), now, REDELIVERY).is_some()
        };
        let mut next = command.clone();
        next.key.event_idx = 1;
        assert!(take(&command, NOW));
        ledger.reported(&command.key);
        assert!(!take(&command, NOW));
        assert!(take(&next, NOW));
        assert!(!take(&command, NOW.plus(REDELIVERY)), "the target is further on");
        ledger.reported(&next.key);
        assert!(!take(&command, NOW), "the target is further on");
    }

    /// Found by the simulation: another poll was handed the command before other servers were told that the
    /// first one's was void, and they took it for the second one's.
    #[test]
    fn what_is_taken_back_is_free_when_other_servers_know() {
        let (ledger, command) = (Ledger::default(), command());
        let principal = PrincipalArn(String::from("arn:aws:iam::000000000000:user/host-0"));
        let take = |connection: &Connection| {
            ledger.take(&[&command], &principal, connection, NOW, REDELIVERY).is_some()
        };
        let (cut, other) = (Connection::new(), Connection::new());
        assert!(take(&cut));
        assert_eq!(ledger.take_back(&command.key, &other), None, "not its");
        assert_eq!(ledger.take_back_all(&cut), [(command.key.clone(), principal.clone())]);
        assert!(!take(&other));
        // The hand-out itself was being written all the while.
        assert!(ledger.take_back_unasked(&command.key, &cut));
        ledger.set_free(&command.key);
        assert!(!take(&other), "another telling is on its way");
        ledger.set_free(&command.key);
        assert!(take(&other));
        assert!(!ledger.take_back_unasked(&command.key, &cut), "somebody else has it");
    }
}
