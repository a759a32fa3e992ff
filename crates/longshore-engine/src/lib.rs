//! One deployment's journey without HTTP: what callers may do, and the loop that carries plans out.
//!
//! This is the only place where plan and store meet. Callers come in through one file per resource;
//! [`drive`] reads a snapshot, asks `longshore_model::plan`, commits the answer and wakes whoever
//! waits; [`host_command`] hands commands to hosts and takes their reports, which wakes [`drive`].

mod alarm;
pub mod application;
pub mod clock;
pub mod config;
pub mod deployment;
pub mod deployment_config;
pub mod deployment_group;
mod drive;
pub mod ec2;
pub mod enrollment;
pub mod git_hub;
pub mod host;
pub mod host_command;
mod late;
mod ledger;
mod notify;
mod others;
pub mod outside;
mod random;
pub mod revision;
pub mod tag;
pub mod target;
mod upkeep;
mod waiters;

use std::sync::{Arc, Mutex, PoisonError};

use longshore_store::{Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

pub use clock::{Clock, SystemClock};
pub use config::{EngineConfig, Quotas, Retention};
pub use outside::Outside;
pub use random::{RandomSource, SystemRandom};

/// The journey's engine. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    config: EngineConfig,
    outside: Outside,
    drives: drive::Drives,
    waiters: waiters::Waiters,
    ledger: ledger::Ledger,
    is_stopping: watch::Sender<bool>,
    arrivals: late::Arrivals,
    /// Counts what is new on timelines.
    timeline: watch::Sender<u64>,
    /// Told when there is something to deliver.
    deliveries: Notify,
    /// What goes on beside the deployments.
    beside: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot find the deployments to go on with")]
pub struct EngineStartError(#[source] StoreError);

impl Engine {
    /// Starts the engine and goes on with every deployment that is not final. Must be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// [`EngineStartError`] when the store cannot tell which deployments those are.
    pub async fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        outside: Outside,
        config: EngineConfig,
    ) -> Result<Engine, EngineStartError> {
        let inner = Inner {
            store,
            clock,
            config,
            outside,
            drives: drive::Drives::default(),
            waiters: waiters::Waiters::default(),
            ledger: ledger::Ledger::default(),
            is_stopping: watch::Sender::new(false),
            arrivals: late::Arrivals::default(),
            timeline: watch::Sender::new(0),
            deliveries: Notify::new(),
            beside: Mutex::default(),
        };
        let engine = Engine { inner: Arc::new(inner) };
        engine.end_all_orphans().await.map_err(EngineStartError)?;
        for id in engine.inner.store.unfinished_deployments().await.map_err(EngineStartError)? {
            engine.wake(&id);
        }
        let (keeper, teller, deliverer, updater) =
            (engine.clone(), engine.clone(), engine.clone(), engine.clone());
        *engine.inner.beside.lock().unwrap_or_else(PoisonError::into_inner) = vec![
            tokio::spawn(async move { keeper.keep_up().await }),
            tokio::spawn(async move { teller.keep_telling().await }),
            tokio::spawn(async move { deliverer.keep_delivering().await }),
            tokio::spawn(async move { updater.keep_up_to_date().await }),
        ];
        engine.follow_others();
        Ok(engine)
    }

    /// Ends the loops and answers parked polls empty. What was committed stays; a new engine on the
    /// same store goes on where this one stopped.
    pub async fn shutdown(&self) {
        self.inner.is_stopping.send_replace(true);
        self.inner.drives.ended().await;
        let beside = std::mem::take(&mut *self.inner.beside.lock().unwrap_or_else(PoisonError::into_inner));
        for task in beside {
            if let Err(error) = task.await {
                tracing::error!(%error, "what goes on beside the deployments did not end well");
            }
        }
    }

    /// What the engine remembers things in.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The settings it was started with.
    pub fn config(&self) -> &EngineConfig {
        &self.inner.config
    }

    /// The engine's idea of now.
    pub fn now(&self) -> longshore_model::time::Timestamp {
        self.inner.clock.now()
    }
}
