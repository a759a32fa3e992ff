//! The one writer: takes whatever is queued, does it in one transaction, commits once, and then
//! answers everybody. A durable commit costs milliseconds however much is in it, so this is what
//! lets a fleet report faster than a disk can sync (design.md §4).
//!
//! Jobs take effect in the order in which they were queued. A queued job is done whether or not its
//! caller still waits for the answer.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::apply::{self, ApplyJob};
use super::contact::Contacts;
use super::{Connection, Writing};
use crate::StoreError;

/// The most jobs that one commit carries: enough that the sync's cost is shared away, few enough
/// that the first in the batch does not wait long for the last.
const MAX_BATCH: usize = 1024;

/// The most jobs that wait. Beyond it callers wait to be queued.
const MAX_QUEUED: usize = 4 * MAX_BATCH;

/// What a transaction will do, so that writers of several servers keep out of each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Access {
    /// Anything: it must be alone, as with one writer.
    Alone,
    /// Changes rows that no rule rests on: several may run at a time.
    Shared,
}

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
    fn run<'a>(&'a mut self, conn: &'a mut Connection) -> BoxFuture<'a, bool>;
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

/// The store was closed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the store is closed")]
pub(in super::super) struct Closed;

impl Closed {
    pub(in super::super) fn error(self) -> StoreError {
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
    pub(super) fn start(writing: Writing, contacts: Arc<Contacts>) -> Writer {
        let (queue, jobs) = mpsc::channel(MAX_QUEUED);
        let task = tokio::spawn(run(writing, jobs, contacts));
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
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    fn run<'a>(&'a mut self, conn: &'a mut Connection) -> BoxFuture<'a, bool> {
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
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    (Job::Work(Box::new(FunctionJob { function: Some(function), result: None, answer })), receiver)
}

async fn run(writing: Writing, mut jobs: mpsc::Receiver<Job>, contacts: Arc<Contacts>) {
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
                commit_batch(&writing, &mut batch).await;
            }
            None => contacts.write(&writing).await,
        }
    }
    contacts.write(&writing).await;
    writing.close().await;
}

/// Does all jobs in one transaction and answers them.
async fn commit_batch(writing: &Writing, batch: &mut Vec<Job>) {
    let jobs = &mut **batch;
    let committed = transact(writing, Access::Alone, async |conn| do_all(conn, jobs).await).await;
    let committed = committed.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a write transaction failed");
        CommitFailed(Arc::new(error))
    });
    for job in batch.drain(..) {
        match job {
            Job::Apply(job) => job.answer(committed.clone()),
            Job::Work(work) => work.answer(committed.clone()),
            Job::Close => {}
        }
    }
}

/// Carries out `function` in a transaction: all of it is durable, or nothing has happened.
pub(super) async fn transact(
    writing: &Writing,
    access: Access,
    function: impl AsyncFnOnce(&mut Connection) -> Result<(), sqlx::Error>,
) -> Result<(), sqlx::Error> {
    let mut conn = writing.acquire().await?;
    let result = async {
        Writing::begin(&mut conn, access).await?;
        function(&mut conn).await?;
        sqlx::query("COMMIT").execute(&mut *conn).await
    };
    match result.await {
        Ok(_) => Ok(()),
        Err(error) => {
            Writing::roll_back(conn).await;
            Err(error)
        }
    }
}

async fn do_all(conn: &mut Connection, batch: &mut [Job]) -> Result<(), sqlx::Error> {
    for neighbours in batch.chunk_by_mut(|a, b| matches!((a, b), (Job::Apply(_), Job::Apply(_)))) {
        match neighbours {
            [Job::Work(work)] => in_savepoint(conn, work.as_mut()).await?,
            [Job::Close] => {}
            applies => apply::apply_all(conn, applies).await?,
        }
    }
    Ok(())
}

/// Does one job so that it can fail alone. An error here means that the whole transaction is lost.
async fn in_savepoint(conn: &mut Connection, work: &mut dyn Work) -> Result<(), sqlx::Error> {
    sqlx::query("SAVEPOINT job").execute(&mut *conn).await?;
    if !work.run(conn).await {
        sqlx::query("ROLLBACK TO SAVEPOINT job").execute(&mut *conn).await?;
    }
    sqlx::query("RELEASE SAVEPOINT job").execute(&mut *conn).await?;
    Ok(())
}
