//! Polls that wait for a command, and what they are woken with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use longshore_model::id::PrincipalArn;
use longshore_model::target::Target;
use tokio::sync::Notify;

use crate::host_command::HostCommand;

/// Polls that wait, by who polls.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    parked: Mutex<HashMap<PrincipalArn, Weak<Waiter>>>,
}

/// Where the polls of one host wait.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    pub(crate) notify: Notify,
    found: Mutex<Found>,
}

/// What a poll is woken with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Found {
    /// Only the store knows.
    #[default]
    Unknown,
    /// This command, which was just committed: a fleet that is woken at once needs no query a host.
    Command(HostCommand),
}

impl Waiter {
    /// Before the store is read: what came until then is in the store.
    pub(crate) fn forget(&self) {
        *self.lock() = Found::Unknown;
    }

    /// After being woken. Of several polls of one host the first gets the command, and the others look in
    /// the store.
    pub(crate) fn found(&self) -> Found {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiters {
    /// Makes every parked poll of `principal` look again.
    pub(crate) fn wake(&self, principal: &PrincipalArn) {
        if let Some(waiter) = self.waiting(principal) {
            waiter.forget();
            waiter.notify.notify_waiters();
        }
    }

    /// Wakes the parked polls of the host of `target`, which was just committed, and tells them its command.
    pub(crate) fn wake_with(&self, target: &Target) {
        let Some(waiter) = self.waiting(&target.principal) else { return };
        {
            let mut found = waiter.lock();
            // Of two deployments' commands the older one goes first, which the store knows.
            *found = match (&*found, HostCommand::of(target)) {
                (Found::Unknown, Some(command)) => Found::Command(command),
                (Found::Unknown | Found::Command(_), _) => Found::Unknown,
            };
        }
        waiter.notify.notify_waiters();
    }

    /// Where the polls of `principal` wait.
    pub(crate) fn enter(&self, principal: &PrincipalArn) -> Arc<Waiter> {
        let mut parked = self.lock();
        if let Some(waiter) = parked.get(principal).and_then(Weak::upgrade) {
            return waiter;
        }
        let waiter = Arc::new(Waiter::default());
        parked.insert(principal.clone(), Arc::downgrade(&waiter));
        waiter
    }

    fn waiting(&self, principal: &PrincipalArn) -> Option<Arc<Waiter>> {
        self.lock().get(principal).and_then(Weak::upgrade)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PrincipalArn, Weak<Waiter>>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
