//! Who has handed out which command, written for many hosts at a time.
//!
//! No rule of the store rests on a hand-out, each concerns one row, and none has to outlive the database:
//! one that is lost is made again, and the acknowledgement decides. So they have a connection of their own
//! beside the writer, which waits for no disk; and while one statement runs the next ones gather.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use longshore_model::target::TargetKey;
use longshore_model::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use tokio::sync::{mpsc, oneshot};

use super::sql::writer::Closed;
use crate::{HandOut, HandOutOutcome, StoreError};

/// The most that one statement carries.
const MAX_BATCH: usize = 512;

/// Gathers hand-outs.
#[derive(Debug)]
pub(super) struct HandOuts {
    queue: mpsc::Sender<Job>,
    pool: PgPool,
}

/// One thing to note.
#[derive(Debug)]
enum Job {
    Take(Take),
    Answered(Answered),
}

/// A command is handed out.
#[derive(Debug)]
struct Take {
    hand_out: HandOut,
    now: Timestamp,
    free_before: Timestamp,
    answer: oneshot::Sender<Result<HandOutOutcome, StoreError>>,
}

/// The answer to an acknowledgement has left.
#[derive(Debug)]
struct Answered {
    target: TargetKey,
    event_idx: u32,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Job {
    fn target(&self) -> &TargetKey {
        match self {
            Job::Take(take) => &take.hand_out.target,
            Job::Answered(answered) => &answered.target,
        }
    }
}

impl HandOuts {
    /// Starts to gather; ends with the last handle. `pool` is of one connection.
    pub(super) fn start(pool: PgPool) -> HandOuts {
        let (queue, jobs) = mpsc::channel(MAX_BATCH);
        tokio::spawn(run(pool.clone(), jobs));
        HandOuts { queue, pool }
    }

    /// Closes the connection; what is asked later fails.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// As [`Others::hand_out`](crate::Others::hand_out).
    pub(super) async fn take(
        &self,
        hand_out: &HandOut,
        now: Timestamp,
        free_before: Timestamp,
    ) -> Result<HandOutOutcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Job::Take(Take { hand_out: hand_out.clone(), now, free_before, answer });
        self.queue.send(job).await.map_err(|_| Closed.error())?;
        answered.await.map_err(|_| Closed.error())?
    }

    /// As [`Others::note_ack_answered`](crate::Others::note_ack_answered).
    pub(super) async fn answered(&self, target: &TargetKey, event_idx: u32) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Job::Answered(Answered { target: target.clone(), event_idx, answer });
        self.queue.send(job).await.map_err(|_| Closed.error())?;
        answered.await.map_err(|_| Closed.error())?
    }
}

async fn run(pool: PgPool, mut jobs: mpsc::Receiver<Job>) {
    let mut gathered: Vec<Job> = Vec::with_capacity(MAX_BATCH);
    loop {
        if gathered.is_empty() && jobs.recv_many(&mut gathered, MAX_BATCH).await == 0 {
            break;
        }
        let (now, later) = one_of_each(std::mem::take(&mut gathered));
        gathered = later;
        carry_out(&pool, now).await;
    }
}

/// The first job of each target, and the others, which come after them: a statement writes a row only once.
fn one_of_each(jobs: Vec<Job>) -> (Vec<Job>, Vec<Job>) {
    let mut seen: HashSet<TargetKey> = HashSet::with_capacity(jobs.len());
    jobs.into_iter().partition(|job| seen.insert(job.target().clone()))
}

async fn carry_out(pool: &PgPool, jobs: Vec<Job>) {
    let (mut takes, mut answered): (Vec<Take>, Vec<Answered>) = (Vec::new(), Vec::new());
    for job in jobs {
        match job {
            Job::Take(take) => takes.push(take),
            Job::Answered(one) => answered.push(one),
        }
    }
    let taken = in_one_or_each(pool, &takes).await;
    for (take, outcome) in takes.into_iter().zip(taken) {
        // Whoever asked may have gone.
        let _ = take.answer.send(outcome.map_err(|error| failed("hand out a command", error)));
    }
    let noted = in_one_or_each(pool, &answered).await;
    for (one, outcome) in answered.into_iter().zip(noted) {
        let doing = "note that an acknowledgement was answered";
        let _ = one.answer.send(outcome.map_err(|error| failed(doing, error)));
    }
}

/// An error that all jobs of a statement share.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the statement failed")]
struct Failed(#[source] Arc<sqlx::Error>);

fn failed(doing: &'static str, error: Failed) -> StoreError {
    StoreError::Database { doing, source: Box::new(error) }
}

/// What one statement can do of many.
trait InOne: Sized {
    type Outcome;

    /// Does all of `jobs`, each of another target, and answers what came of each.
    fn do_all(
        pool: &PgPool,
        jobs: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, sqlx::Error>> + Send;
}

impl InOne for Take {
    type Outcome = HandOutOutcome;

    async fn do_all(pool: &PgPool, jobs: &[Take]) -> Result<Vec<HandOutOutcome>, sqlx::Error> {
        take_all(pool, jobs).await
    }
}

impl InOne for Answered {
    type Outcome = ();

    async fn do_all(pool: &PgPool, jobs: &[Answered]) -> Result<Vec<()>, sqlx::Error> {
        note_all(pool, jobs).await
    }
}

/// Does all with one statement. If the database refuses it, each alone: one must not spoil the others, and
/// of two servers that wait for each other one is refused.
async fn in_one_or_each<J: InOne>(pool: &PgPool, jobs: &[J]) -> Vec<Result<J::Outcome, Failed>> {
    if jobs.is_empty() {
        return Vec::new();
    }
    match J::do_all(pool, jobs).await {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        Err(error) if 1 < jobs.len() && error.as_database_error().is_some() => {
            let mut outcomes = Vec::with_capacity(jobs.len());
            for job in jobs {
                let alone = J::do_all(pool, std::slice::from_ref(job)).await;
                let alone = alone.map(|mut outcomes| outcomes.pop());
                outcomes.push(match alone {
                    Ok(Some(outcome)) => Ok(outcome),
                    Ok(None) => Err(Failed(Arc::new(sqlx::Error::RowNotFound))),
                    Err(error) => Err(Failed(Arc::new(error))),
                });
            }
            outcomes
        }
        Err(error) => {
            let error = Failed(Arc::new(error));
            jobs.iter().map(|_| Err(error.clone())).collect()
        }
    }
}

/// The columns of all `targets`.
fn columns<'a>(targets: impl Iterator<Item = &'a TargetKey>) -> (Vec<&'a str>, Vec<&'a str>) {
    targets.map(|target| (target.deployment.as_str(), target.host.as_str())).unzip()
}

async fn take_all(pool: &PgPool, takes: &[Take]) -> Result<Vec<HandOutOutcome>, sqlx::Error> {
    let mut conn = pool.acquire().await?;
    let (deployments, hosts) = columns(takes.iter().map(|take| &take.hand_out.target));
    let servers: Vec<&str> = takes.iter().map(|take| take.hand_out.server.as_str()).collect();
    let column = |of: fn(&Take) -> i64| takes.iter().map(of).collect::<Vec<i64>>();
    // A row that the condition keeps as it is, is not answered. In one order, so that two servers do not
    // wait for each other.
    let rows = sqlx::query(
        "INSERT INTO hand_outs AS known (deployment_id, host, event_idx, server, at, is_ack_answered)
         SELECT wanted.deployment_id, wanted.host, wanted.event_idx, wanted.server, wanted.at, 0
         FROM UNNEST($1::TEXT[], $2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[])
              AS wanted (deployment_id, host, event_idx, server, at)
         WHERE EXISTS (SELECT 1 FROM deployments d WHERE d.id = wanted.deployment_id)
         ORDER BY wanted.deployment_id, wanted.host
         ON CONFLICT (deployment_id, host) DO UPDATE
         SET event_idx = excluded.event_idx, server = excluded.server, at = excluded.at,
             is_ack_answered = 0
         WHERE known.event_idx <> excluded.event_idx
            OR (known.is_ack_answered = 0 AND (known.server = excluded.server
                OR known.at <= (SELECT free.before FROM UNNEST($1::TEXT[], $2::TEXT[], $6::BIGINT[])
                                AS free (deployment_id, host, before)
                                WHERE free.deployment_id = known.deployment_id AND free.host = known.host)))
         RETURNING deployment_id, host",
    )
    .bind(&deployments)
    .bind(&hosts)
    .bind(column(|take| i64::from(take.hand_out.event_idx)))
    .bind(servers)
    .bind(column(|take| take.now.millis()))
    .bind(column(|take| take.free_before.millis()))
    .fetch_all(&mut *conn)
    .await?;
    let ours = keys(&rows)?;
    let is_ours = |take: &Take| ours.contains(&key(&take.hand_out.target));
    if takes.iter().all(is_ours) {
        return Ok(takes.iter().map(|_| HandOutOutcome::Ours).collect());
    }
    let held = held_since(&mut conn, &deployments, &hosts).await?;
    // One that is gone meanwhile was taken back, which is told.
    let since = |take: &Take| held.get(&key(&take.hand_out.target)).copied().unwrap_or(take.now);
    Ok(takes
        .iter()
        .map(|take| if is_ours(take) { HandOutOutcome::Ours } else { HandOutOutcome::Elsewhere(since(take)) })
        .collect())
}

type Key = (String, String);

fn key(target: &TargetKey) -> Key {
    (target.deployment.as_str().to_owned(), target.host.as_str().to_owned())
}

/// Columns: deployment, host.
fn keys(rows: &[PgRow]) -> Result<HashSet<Key>, sqlx::Error> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn held_since(
    conn: &mut PgConnection,
    deployments: &[&str],
    hosts: &[&str],
) -> Result<HashMap<Key, Timestamp>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT known.deployment_id, known.host, known.at FROM hand_outs known
         JOIN UNNEST($1::TEXT[], $2::TEXT[]) AS wanted (deployment_id, host)
              ON known.deployment_id = wanted.deployment_id AND known.host = wanted.host",
    )
    .bind(deployments)
    .bind(hosts)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), Timestamp::from_millis(row.try_get(2)?))))
        .collect()
}

async fn note_all(pool: &PgPool, answered: &[Answered]) -> Result<Vec<()>, sqlx::Error> {
    let (deployments, hosts) = columns(answered.iter().map(|one| &one.target));
    let event_idxs: Vec<i64> = answered.iter().map(|one| i64::from(one.event_idx)).collect();
    // Whoever acknowledged may have had the command from a server that is gone with its note.
    sqlx::query(
        "INSERT INTO hand_outs AS known (deployment_id, host, event_idx, server, at, is_ack_answered)
         SELECT noted.deployment_id, noted.host, noted.event_idx, '', 0, 1
         FROM UNNEST($1::TEXT[], $2::TEXT[], $3::BIGINT[]) AS noted (deployment_id, host, event_idx)
         WHERE EXISTS (SELECT 1 FROM deployments d WHERE d.id = noted.deployment_id)
         ORDER BY noted.deployment_id, noted.host
         ON CONFLICT (deployment_id, host) DO UPDATE
         SET event_idx = excluded.event_idx, is_ack_answered = 1
         WHERE known.event_idx <= excluded.event_idx",
    )
    .bind(deployments)
    .bind(hosts)
    .bind(event_idxs)
    .execute(&mut *pool.acquire().await?)
    .await?;
    Ok(vec![(); answered.len()])
}
