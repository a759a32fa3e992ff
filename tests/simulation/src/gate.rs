//! Where every call to the store waits until the scheduler lets it go: one at a time, so that the
//! database's own threads bring in no chance, and so that a server can die before or after any of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::time::ServerRun;

/// What a parked call is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Read.
    Read,
    /// Write.
    Write,
    /// Hear the answer to what it did.
    Answer,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is done.
    Go,
    /// It is done, and its answer waits again.
    GoAndWait,
    /// It fails, and nothing is done.
    Refuse,
    /// It is done, and the caller is told that it failed.
    LoseAnswer,
}

/// A call that waits.
#[derive(Debug)]
struct Parked {
    run: ServerRun,
    what: &'static str,
    kind: Kind,
    go: oneshot::Sender<Verdict>,
}

/// The gate of a world.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    parked: BTreeMap<u64, Parked>,
    n_parked: u64,
}

impl Gate {
    /// Waits for the verdict; for ever, when the server dies before.
    pub(crate) async fn pass(&self, run: ServerRun, what: &'static str, kind: Kind) -> Verdict {
        let (go, verdict) = oneshot::channel();
        let id = {
            let mut state = self.lock();
            state.n_parked += 1;
            let id = state.n_parked;
            state.parked.insert(id, Parked { run, what, kind, go });
            id
        };
        let _leaves = Leaves { gate: self, id };
        match verdict.await {
            Ok(verdict) => verdict,
            Err(_) => std::future::pending().await,
        }
    }

    /// What was let go is done.
    pub(crate) fn done(&self) {
        self.ended.notify_one();
    }

    /// All calls that wait, in the order in which they came.
    pub(crate) fn waiting(&self) -> Vec<(u64, Kind)> {
        self.lock().parked.iter().map(|(id, parked)| (*id, parked.kind)).collect()
    }

    /// Who wants what.
    pub(crate) fn describe(&self, id: u64) -> Option<(ServerRun, &'static str, Kind)> {
        self.lock().parked.get(&id).map(|parked| (parked.run, parked.what, parked.kind))
    }

    /// Lets a call go, and waits until it is done.
    pub(crate) async fn let_go(&self, id: u64, verdict: Verdict) {
        let Some(parked) = self.lock().parked.remove(&id) else { return };
        let does_something = match (parked.kind, verdict) {
            (Kind::Answer, _) | (_, Verdict::Refuse) => false,
            (Kind::Read | Kind::Write, Verdict::Go | Verdict::GoAndWait | Verdict::LoseAnswer) => true,
        };
        // An error means that the caller has gone, and does nothing.
        if parked.go.send(verdict).is_ok() && does_something {
            self.ended.notified().await;
        }
    }

    /// The calls of a server that is dead wait for ever.
    pub(crate) fn forget(&self, run: ServerRun) {
        self.lock().parked.retain(|_, parked| parked.run != run);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller that goes away does not wait any more.
struct Leaves<'a> {
    gate: &'a Gate,
    id: u64,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.gate.lock().parked.remove(&self.id);
    }
}
