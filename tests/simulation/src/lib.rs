//! The whole control plane in one process: real engines on the real SQL in memory, a clock that only the
//! scheduler moves, hosts and callers as state machines, everything that may go wrong, and an auditor that
//! knows the promises. One seed is one history: the same in every run and every process.
//!
//! What is simulated is the world around the engines: time, the network, agents, deaths of servers, failures
//! of the store. What is real: `longshore-engine` with its loops, `longshore-model`, `longshore-store` on
//! SQLite. Of several servers on one database only the news between them and the table of hand-outs are
//! played, by the rules of the PostgreSQL store, which its own tests hold.

mod agent;
mod auditor;
mod gate;
mod history;
mod idle;
mod many;
mod panics;
mod scenario;
mod shared;
mod store;
mod time;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use many::{Progress, Summary, simulate_many};

use self::idle::Idle;
use self::world::World;

/// What a seed came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The same exactly when the history is.
    pub fingerprint: u64,
    /// How many things happened.
    pub n_steps: u64,
    /// How long it took in the world, in milliseconds.
    pub world_millis: i64,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// What happened, if it was to be read.
    pub history: Vec<String>,
}

/// A seed that broke a promise.
#[derive(Clone, Debug, thiserror::Error)]
#[error("seed {seed}: {problem}")]
pub struct Broken {
    /// The seed.
    pub seed: u64,
    /// Which promise, and how.
    pub problem: String,
    /// What happened until then, if it was to be read.
    pub history: Vec<String>,
}

/// Runs one seed. With `is_read` its history is kept.
///
/// # Errors
/// [`Broken`] when a promise was broken.
///
/// # Panics
/// When the machine has no room for a runtime.
pub fn simulate(seed: u64, is_read: bool) -> Result<Outcome, Broken> {
    panics::note_all();
    let simulated = std::panic::catch_unwind(|| simulate_once(seed, is_read));
    simulated.unwrap_or_else(|_| {
        let problem = format!("the simulation panicked: {}", panics::take().unwrap_or_default());
        Err(Broken { seed, problem, history: Vec::new() })
    })
}

fn simulate_once(seed: u64, is_read: bool) -> Result<Outcome, Broken> {
    let idle = Arc::new(Idle::default());
    let parks = Arc::clone(&idle);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .on_thread_park(move || parks.parks())
        .build()
        .expect("room for a runtime");
    let broken = |problem: String, history: Vec<String>| Broken { seed, problem, history };
    runtime.block_on(async {
        let world = World::new(seed, idle, is_read).await;
        let mut world = world.map_err(|error| broken(format!("{error:#}"), Vec::new()))?;
        match world.run().await {
            Ok(()) => Ok(world.outcome(seed)),
            Err(problem) => Err(broken(problem, world.history())),
        }
    })
}
