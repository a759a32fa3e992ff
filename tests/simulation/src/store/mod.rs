//! The real store on SQLite in memory, as one life of one server sees it: every call passes the gate,
//! every write that matters is shown to the auditor when it is committed.

mod hand_outs;
mod observed;

use std::sync::{Arc, Mutex};

use longshore_store::passing::{Access, Done, Passing};
use longshore_store::sqlite::SqliteStore;
use longshore_store::{News, Others, SharedStore, Store, StoreError};
use tokio::sync::broadcast;

pub(crate) use self::hand_outs::HandOuts;
use crate::gate::{Kind, Verdict};
use crate::shared::Shared;
use crate::time::ServerRun;

/// News that a server has not read yet; more than a run can make between two reads.
const MAX_UNREAD: usize = 1024;

/// The store as one life of one server sees it.
#[derive(Debug)]
pub(crate) struct SimulatedStore {
    inner: SqliteStore,
    shared: Arc<Shared>,
    run: ServerRun,
    /// What this server hears of others, if there may be any.
    hearing: Option<broadcast::Sender<News>>,
    /// For whoever asks first: all that was heard since the start, as PostgreSQL's store has it.
    first: Mutex<Option<broadcast::Receiver<News>>>,
}

/// Why a call failed: the scheduler wanted it.
#[derive(Debug, thiserror::Error)]
#[error("the simulation lets the store fail")]
struct Wanted;

impl SimulatedStore {
    pub(crate) fn new(
        inner: SqliteStore,
        shared: Arc<Shared>,
        run: ServerRun,
        is_shared: bool,
    ) -> SimulatedStore {
        let (hearing, first) = broadcast::channel(MAX_UNREAD);
        // What was told before nobody heard. It is kept: there is a receiver.
        let _ = hearing.send(News::Missed);
        let hearing = is_shared.then_some(hearing);
        SimulatedStore { inner, shared, run, hearing, first: Mutex::new(Some(first)) }
    }

    /// Lets this server hear something.
    pub(crate) fn hears(&self, news: News) {
        if let Some(hearing) = &self.hearing {
            // An error means that nobody listens yet.
            let _ = hearing.send(news);
        }
    }

    fn tells(&self, news: impl IntoIterator<Item = News>) {
        if self.hearing.is_some() {
            self.shared.told(self.run, news);
        }
    }
}

impl Passing for SimulatedStore {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    /// Does `work` when the scheduler says so, as it says.
    async fn pass<T>(
        &self,
        what: &'static str,
        access: Access,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let gate = &self.shared.gate;
        let kind = match access {
            Access::Read => Kind::Read,
            Access::Write => Kind::Write,
        };
        let verdict = gate.pass(self.run, what, kind).await;
        if verdict == Verdict::Refuse {
            return Err(failure());
        }
        let answer = work.await;
        let word = match &answer {
            Ok(_) => "ok",
            Err(StoreError::Stale) => "stale",
            Err(_) => "error",
        };
        if kind == Kind::Write {
            self.shared.note(format_args!("        {what}: {word}"));
        }
        if let Err(StoreError::Database { source, .. }) = &answer {
            self.shared.violated(format!("the database failed at {what}: {source}"));
        }
        gate.done();
        match verdict {
            Verdict::GoAndWait => {
                gate.pass(self.run, what, Kind::Answer).await;
                answer
            }
            Verdict::LoseAnswer => answer.and_then(|_| Err(failure())),
            Verdict::Go | Verdict::Refuse => answer,
        }
    }

    fn done(&self, done: Done<'_>) {
        self.observe(done);
    }
}

fn failure() -> StoreError {
    StoreError::Database { doing: "do what was asked", source: Box::new(Wanted) }
}

impl SharedStore for SimulatedStore {
    fn others(&self) -> Option<&dyn Others> {
        self.hearing.is_some().then_some(self as &dyn Others)
    }
}
