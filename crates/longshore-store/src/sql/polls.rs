//! What polls look at, read for many hosts at a time: while one query runs the next ones gather. A fleet that
//! asks at once costs few queries, and a host that asks alone one of its own.

use std::sync::Arc;

use longshore_model::id::PrincipalArn;
use longshore_model::target::Target;
use tokio::sync::{mpsc, oneshot};

use super::row::{Columns as _, Doing as _, encode};
use super::target::{N_TARGET_COLUMNS, StoredTarget, target_columns};
use super::writer::Closed;
use super::{Readers, join_in_order, json_rows, left_join_each};
use crate::StoreError;

/// The most hosts of one query.
const MAX_BATCH: usize = 256;

/// The commands that wait for an instance; `None` when it is not registered.
type Answer = Result<Option<Vec<Target>>, StoreError>;

/// Where polls gather.
#[derive(Debug)]
pub(super) struct Polls {
    queue: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    principal: PrincipalArn,
    answer: oneshot::Sender<Answer>,
}

impl Polls {
    /// Starts to gather; ends with the last handle.
    pub(super) fn start(readers: Arc<Readers>) -> Polls {
        let (queue, jobs) = mpsc::channel(MAX_BATCH);
        tokio::spawn(run(readers, jobs));
        Polls { queue }
    }

    /// The commands that wait for the registered instance with the identity `principal`, oldest first.
    pub(super) async fn of_instance(&self, principal: &PrincipalArn) -> Answer {
        let (answer, answered) = oneshot::channel();
        let job = Job { principal: principal.clone(), answer };
        self.queue.send(job).await.map_err(|_| Closed.error())?;
        answered.await.map_err(|_| Closed.error())?
    }
}

async fn run(readers: Arc<Readers>, mut jobs: mpsc::Receiver<Job>) {
    let mut gathered: Vec<Job> = Vec::with_capacity(MAX_BATCH);
    while jobs.recv_many(&mut gathered, MAX_BATCH).await != 0 {
        let (principals, answers): (Vec<PrincipalArn>, Vec<_>) =
            gathered.drain(..).map(|job| (job.principal, job.answer)).unzip();
        // Whoever asked may have gone.
        match read(&readers, &principals).await {
            Ok(found) => {
                answers.into_iter().zip(found).for_each(|(answer, found)| drop(answer.send(Ok(found))))
            }
            Err(error) => {
                let error = Shared(Arc::new(error));
                for answer in answers {
                    let source = Box::new(error.clone());
                    let _ = answer.send(Err(StoreError::Database { doing: "answer many polls", source }));
                }
            }
        }
    }
}

/// An error that all polls of a query share.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the query failed")]
struct Shared(#[source] Arc<StoreError>);

/// From the wanted identities to the instances to their commands; without any an instance is alone.
pub(in super::super) const WAITING_OF_INSTANCES: &str = concat!(
    "SELECT ",
    target_columns!(),
    ", CAST(wanted.value ->> 0 AS BIGINT), CAST(CASE WHEN t.row_id IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM ",
    json_rows!("$1", "wanted"),
    join_in_order!(),
    "hosts h ON h.principal = wanted.value ->> 1 AND h.deregistered_at IS NULL",
    left_join_each!("targets", "t", "t.principal = h.principal AND t.state = 'Pickup'"),
    "ORDER BY t.since, t.row_id"
);

async fn read(
    readers: &Readers,
    principals: &[PrincipalArn],
) -> Result<Vec<Option<Vec<Target>>>, StoreError> {
    let wanted: Vec<(usize, &str)> =
        principals.iter().enumerate().map(|(place, principal)| (place, principal.0.as_str())).collect();
    let rows = sqlx::query(WAITING_OF_INSTANCES)
        .bind(encode(&wanted, "identities")?)
        .fetch_all(&mut *readers.acquire().await?)
        .await
        .doing("list the waiting commands of instances")?;
    let mut found: Vec<Option<Vec<Target>>> = vec![None; principals.len()];
    for row in &rows {
        let place = usize::try_from(row.int(N_TARGET_COLUMNS)?).ok();
        let Some(slot) = place.and_then(|place| found.get_mut(place)) else { continue };
        let commands = slot.get_or_insert_default();
        if row.int(N_TARGET_COLUMNS + 1)? != 0 {
            commands.push(StoredTarget::of_row(row)?.target);
        }
    }
    Ok(found)
}
