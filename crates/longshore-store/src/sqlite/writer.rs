//! The one writer: takes whatever is queued, does it in one transaction, commits once, and then
//! answers everybody. A durable commit costs milliseconds however much is in it, so this is what
//! lets a fleet report faster than a disk can sync (design.md §4).
//!
//! Jobs take effect in the order in which they were queued. A queued job is done whether or not its
//! caller still waits for the answer.

use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::apply::{self, ApplyJob};
use super::contact::Contacts;
use crate::StoreError;

/// The most jobs that one commit carries: enough that the sync's cost is shared away, few enough
/// that the first in the batch does not wait long for the last.
const MAX_BATCH: usize = 1024;

/// The most jobs that wait. Beyond it callers wait to be queued.
const MAX_QUEUED: usize = 4 * MAX_BATCH;

/// The connection that writes. In memory the readers share it.
pub(super) type WriterConnection = Arc<Mutex<SqliteConnection>>;

/// One thing to write.
pub(super) enum Job {
    /// One event for one target; neighbours are done together.
    Apply(Box<ApplyJob>),
    /// Anything else.
    Work(Box<dyn Work>),
    /// Finish what is queued, and take no more.
    Close,
}

/// A job that is done inside its own savepoint.
pub(super) trait Work: Send {
    /// Does it and keeps the answer. Says whether its changes shall stay.
    fn run<'a>(&'a mut self, conn: &'a mut SqliteConnection) -> BoxFuture<'a, bool>;
    /// Gives the answer, or tells that the commit failed.
    fn answer(self: Box<Self>, committed: Result<(), CommitFailed>);
}

/// The transaction that carried a job failed, with all that was in it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the transaction failed")]
pub(super) struct CommitFailed(#[source] Arc<sqlx::Error>);

impl CommitFailed {
    pub(super) fn error(self) -> StoreError {
        StoreError::Database { doing: "commit", source: Box::new(self) }
    }
}

/// The writer is gone: the store was closed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the store is closed")]
pub(super) struct Closed;

impl Closed {
    fn error(self) -> StoreError {
        StoreError::Database { doing: "queue a write", source: Box::new(self) }
    }
}

/// Where jobs are queued.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Writer {
    /// Starts the writer's task. It ends when the store is closed or its last handle is dropped,
    /// after all that was queued by then.
    pub(super) fn start(conn: WriterConnection, contacts: Arc<Contacts>) -> Writer {
        let (queue, jobs) = mpsc::channel(MAX_QUEUED);
        let task = tokio::spawn(run(conn, jobs, contacts));
        Writer { queue, task: Mutex::new(Some(task)) }
    }

    /// Queues `job`.
    pub(super) async fn queue(&self, job: Job) -> Result<(), StoreError> {
        self.queue.send(job).await.map_err(|_| Closed.error())
    }

    /// Waits for the answer to a queued job.
    pub(super) async fn answer<T>(answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        answer.await.map_err(|_| Closed.error())?
    }

    /// Finishes what is queued and ends the task.
    pub(super) async fn close(&self) {
        // An error means that it is closing already.
        let _ = self.queue.send(Job::Close).await;
        if let Some(task) = self.task.lock().await.take() {
            // It only fails when the runtime is shutting down.
            let _ = task.await;
        }
    }
}

/// Any function as a job.
struct FunctionJob<T, F> {
    function: Option<F>,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for FunctionJob<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    fn run<'a>(&'a mut self, conn: &'a mut SqliteConnection) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            if let Some(function) = self.function.take() {
                self.result = Some(function(conn).await);
            }
            matches!(self.result, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), CommitFailed>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Closed.error()),
            (Err(failure), _) => Err(failure.error()),
        };
        // The caller may have gone; the job is done all the same.
        let _ = self.answer.send(result);
    }
}

/// Makes a job of `function` and the place where its answer will be.
pub(super) fn work<T, F>(function: F) -> (Job, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    (Job::Work(Box::new(FunctionJob { function: Some(function), result: None, answer })), receiver)
}

async fn run(conn: WriterConnection, mut jobs: mpsc::Receiver<Job>, contacts: Arc<Contacts>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    loop {
        let n_jobs = tokio::select! {
            n_jobs = jobs.recv_many(&mut batch, MAX_BATCH) => Some(n_jobs),
            () = contacts.due() => None,
        };
        match n_jobs {
            Some(0) => break,
            Some(_) => {
                if batch.iter().any(|job| matches!(job, Job::Close)) {
                    jobs.close();
                }
                let mut conn = conn.lock().await;
                commit_batch(&mut conn, &mut batch).await;
            }
            None => contacts.write(&mut *conn.lock().await).await,
        }
    }
    contacts.write(&mut *conn.lock().await).await;
    close(conn).await;
}

async fn close(conn: WriterConnection) {
    // In memory the readers hold it too; it ends with the last of them.
    let Some(conn) = Arc::into_inner(conn) else { return };
    if let Err(error) = conn.into_inner().close().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot close the database in order");
    }
}

/// Does all jobs in one transaction and answers them.
async fn commit_batch(conn: &mut SqliteConnection, batch: &mut Vec<Job>) {
    let committed = match transact(conn, batch).await {
        Ok(()) => Ok(()),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a write transaction failed");
            // When this fails too, the database has rolled back already.
            let _ = sqlx::query("ROLLBACK").execute(&mut *conn).await;
            Err(CommitFailed(Arc::new(error)))
        }
    };
    for job in batch.drain(..) {
        match job {
            Job::Apply(job) => job.answer(committed.clone()),
            Job::Work(work) => work.answer(committed.clone()),
            Job::Close => {}
        }
    }
}

async fn transact(conn: &mut SqliteConnection, batch: &mut [Job]) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
    for neighbours in batch.chunk_by_mut(|a, b| matches!((a, b), (Job::Apply(_), Job::Apply(_)))) {
        match neighbours {
            [Job::Work(work)] => in_savepoint(conn, work.as_mut()).await?,
            [Job::Close] => {}
            applies => apply::apply_all(conn, applies).await?,
        }
    }
    sqlx::query("COMMIT").execute(&mut *conn).await?;
    Ok(())
}

/// Does one job so that it can fail alone. An error here means that the whole transaction is lost.
async fn in_savepoint(conn: &mut SqliteConnection, work: &mut dyn Work) -> Result<(), sqlx::Error> {
    sqlx::query("SAVEPOINT job").execute(&mut *conn).await?;
    if !work.run(conn).await {
        sqlx::query("ROLLBACK TO SAVEPOINT job").execute(&mut *conn).await?;
    }
    sqlx::query("RELEASE SAVEPOINT job").execute(&mut *conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::super::SqliteStore;
    use super::super::row::Doing as _;
    use crate::{ServerRecord, ServerRecordStore, StoreError};

    /// Lets the file grow no further, or without bound.
    async fn limit_pages(store: &SqliteStore, sql: &'static str) {
        store
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(sql).fetch_all(conn).await.doing("limit the pages")?;
                    Ok(())
                })
            })
            .await
            .expect("the pragma");
    }

    fn record(name: String, value: String) -> ServerRecord {
        ServerRecord { name, value }
    }

    #[tokio::test]
    async fn a_full_disk_refuses_writes_and_loses_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(&folder.path().join("db")).await.expect("open");
        let before = record(String::from("before"), String::from("v"));
        store.server_record(&before).await.expect("room");
        limit_pages(&store, "PRAGMA max_page_count = 1").await;

        let large: Vec<ServerRecord> =
            (0..20).map(|number| record(format!("large {number}"), "x".repeat(100_000))).collect();
        for answer in join_all(large.iter().map(|record| store.server_record(record))).await {
            assert!(matches!(answer, Err(StoreError::Database { .. })), "{answer:?}");
        }
        limit_pages(&store, "PRAGMA max_page_count = 4294967294").await;
        let again = record(String::from("before"), String::from("other"));
        assert_eq!(store.server_record(&again).await.expect("room"), "v");
        let retried = record(String::from("large 3"), String::from("small"));
        assert_eq!(store.server_record(&retried).await.expect("room"), "small", "nothing was left of it");
    }

    #[tokio::test]
    async fn a_closed_store_refuses_writes() {
        let store = SqliteStore::in_memory().await.expect("open");
        store.close().await;
        store.close().await;
        let answer = store.server_record(&record(String::from("a"), String::from("b"))).await;
        assert!(matches!(answer, Err(StoreError::Database { doing: "queue a write", .. })));
    }
}
