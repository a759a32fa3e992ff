//! The commands that run or have just ended, so that a second delivery starts nothing (I-03).

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::service_manager;

/// Commands remembered after their end: an answer that was under way meanwhile may name one again.
const MAX_REMEMBERED: usize = 64;

/// What runs and what has ended.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    commands: Arc<Mutex<Commands>>,
}

#[derive(Debug, Default)]
struct Commands {
    running: HashSet<String>,
    ended: VecDeque<String>,
}

/// A command's place among the running ones; given up when dropped.
pub(super) struct InFlightGuard {
    in_flight: InFlight,
    identifier: String,
}

impl InFlight {
    pub(super) fn begin(&self, identifier: &str) -> Option<InFlightGuard> {
        let mut commands = self.lock();
        if commands.ended.iter().any(|ended| ended == identifier) {
            return None;
        }
        let is_new = commands.running.insert(identifier.to_owned());
        is_new.then(|| InFlightGuard { in_flight: self.clone(), identifier: identifier.to_owned() })
    }

    /// How many run, in words.
    pub(super) fn summary(&self) -> String {
        match self.lock().running.len() {
            0 => service_manager::WAITING.to_owned(),
            1 => "Running a command".to_owned(),
            n_running => format!("Running {n_running} commands"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Commands> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut commands = self.in_flight.lock();
        commands.running.remove(&self.identifier);
        commands.ended.push_back(std::mem::take(&mut self.identifier));
        if MAX_REMEMBERED < commands.ended.len() {
            commands.ended.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_runs_or_has_ended_is_not_begun_again() {
        let in_flight = InFlight::default();
        let guard = in_flight.begin("hc-1").expect("first");
        assert!(in_flight.begin("hc-1").is_none());
        assert!(in_flight.begin("hc-2").is_some());
        drop(guard);
        assert!(in_flight.begin("hc-1").is_none());
    }

    #[test]
    fn ended_commands_are_forgotten_after_a_while() {
        let in_flight = InFlight::default();
        for number in 0..=MAX_REMEMBERED {
            drop(in_flight.begin(&format!("hc-{number}")).expect("new"));
        }
        assert!(in_flight.begin("hc-1").is_none());
        assert!(in_flight.begin("hc-0").is_some());
    }
}
