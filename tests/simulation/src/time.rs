//! The world's time, which only the scheduler moves, and the clocks that servers read it from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use longshore_engine::Clock;
use longshore_model::time::Timestamp;
use tokio::sync::oneshot;

/// One life of a server, from a start to its death. No two have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerRun(pub(crate) u32);

/// When a world begins: some day, so that nothing is taken for the beginning of time.
pub(crate) const BEGINNING: i64 = 1_700_000_000_000;

/// The world's time.
#[derive(Debug)]
pub(crate) struct Time {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: i64,
    sleepers: BTreeMap<u64, Sleeper>,
    n_sleepers: u64,
}

#[derive(Debug)]
struct Sleeper {
    run: ServerRun,
    until: i64,
    wake: oneshot::Sender<()>,
}

impl Time {
    pub(crate) fn new() -> Time {
        Time { state: Mutex::new(State { now: BEGINNING, sleepers: BTreeMap::new(), n_sleepers: 0 }) }
    }

    /// Milliseconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        self.lock().now
    }

    /// Milliseconds since the world began.
    pub(crate) fn elapsed(&self) -> i64 {
        self.now() - BEGINNING
    }

    pub(crate) fn advance_to(&self, point: i64) {
        let mut state = self.lock();
        state.now = state.now.max(point);
    }

    /// When the next sleeper is to be woken.
    pub(crate) fn next_waking(&self) -> Option<i64> {
        self.lock().sleepers.values().map(|sleeper| sleeper.until).min()
    }

    /// Those that have slept long enough.
    pub(crate) fn due(&self) -> Vec<u64> {
        let state = self.lock();
        let due = state.sleepers.iter().filter(|(_, sleeper)| sleeper.until <= state.now);
        due.map(|(id, _)| *id).collect()
    }

    pub(crate) fn wake(&self, id: u64) {
        if let Some(sleeper) = self.lock().sleepers.remove(&id) {
            // An error means that it waits for something else by now.
            let _ = sleeper.wake.send(());
        }
    }

    /// What sleeps of a server that is dead sleeps for ever.
    pub(crate) fn forget(&self, run: ServerRun) {
        self.lock().sleepers.retain(|_, sleeper| sleeper.run != run);
    }

    async fn sleep_until(&self, run: ServerRun, until: i64) {
        let (wake, woken) = oneshot::channel();
        let id = {
            let mut state = self.lock();
            state.n_sleepers += 1;
            let id = state.n_sleepers;
            state.sleepers.insert(id, Sleeper { run, until, wake });
            id
        };
        let _leaves = Leaves { time: self, id };
        if woken.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Leaves<'a> {
    time: &'a Time,
    id: u64,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.time.lock().sleepers.remove(&self.id);
    }
}

/// The clock of one server, which may be wrong by some milliseconds.
#[derive(Debug)]
pub(crate) struct ServerClock {
    pub(crate) time: Arc<Time>,
    pub(crate) run: ServerRun,
    pub(crate) wrong_by: i64,
}

#[async_trait]
impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.now() + self.wrong_by)
    }

    async fn sleep_until(&self, point: Timestamp) {
        let until = point.millis().saturating_sub(self.wrong_by);
        if self.time.now() < until {
            self.time.sleep_until(self.run, until).await;
        }
    }
}
