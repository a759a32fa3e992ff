//! For whom commands are carried out, and what that changes.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::hook::{OnProcessGroup, ProcessGroupEvent};
use crate::process_group::ProcessGroup;

/// For whom commands are carried out.
#[derive(Clone, Debug)]
pub enum Caller {
    /// The service: what runs is on disk for the next start, and scripts see no secret of the agent's.
    Service,
    /// Somebody at this host: nothing is tracked, and scripts inherit the environment of the person.
    Person(Person),
}

/// Somebody who waits at a terminal.
#[derive(Clone, Debug)]
pub struct Person {
    /// Told the group's directory when another command of the group has to end first.
    pub on_wait: fn(&Path),
    /// The script that runs now.
    pub running: RunningScript,
}

/// The process group of the script that runs now, if one does.
#[derive(Clone, Debug, Default)]
pub struct RunningScript {
    group: Arc<Mutex<Option<ProcessGroup>>>,
}

impl RunningScript {
    /// The process group.
    pub fn group(&self) -> Option<ProcessGroup> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn recorder(&self) -> OnProcessGroup {
        let group = Arc::clone(&self.group);
        OnProcessGroup(Box::new(move |event| {
            let mut group = group.lock().unwrap_or_else(PoisonError::into_inner);
            *group = match event {
                ProcessGroupEvent::Started(group) => Some(group),
                ProcessGroupEvent::Starting(_) | ProcessGroupEvent::Ended => None,
            };
        }))
    }
}
