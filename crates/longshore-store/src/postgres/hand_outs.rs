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
    queue: mpsc::Sender<Take>,
    pool: PgPool,
}

/// A command is handed out.
#[derive(Debug)]
struct Take {
    hand_out: HandOut,
    now: Timestamp,
    free_before: Timestamp,
    answer: oneshot::Sender<Result<HandOutOutcome, StoreError>>,
}

impl HandOuts {
    /// Starts to gather; ends with the last handle. `pool` is of one connection.
    pub(super) fn start(pool: PgPool) -> HandOuts {
        let (queue, takes) = mpsc::channel(MAX_BATCH);
        tokio::spawn(run(pool.clone(), takes));
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
        let take = Take { hand_out: hand_out.clone(), now, free_before, answer };
        self.queue.send(take).await.map_err(|_| Closed.error())?;
        answered.await.map_err(|_| Closed.error())?
    }
}

async fn run(pool: PgPool, mut takes: mpsc::Receiver<Take>) {
    let mut gathered: Vec<Take> = Vec::with_capacity(MAX_BATCH);
    loop {
        if gathered.is_empty() && takes.recv_many(&mut gathered, MAX_BATCH).await == 0 {
            break;
        }
        let (now, later) = one_of_each(std::mem::take(&mut gathered));
        gathered = later;
        let outcomes = in_one_or_each(&pool, &now).await;
        for (take, outcome) in now.into_iter().zip(outcomes) {
            let outcome = outcome
                .map_err(|error| StoreError::Database { doing: "hand out a command", source: error.into() });
            // Whoever asked may have gone.
            let _ = take.answer.send(outcome);
        }
    }
}

/// The first of each target, and the others, which come after them: a statement writes a row only once.
fn one_of_each(takes: Vec<Take>) -> (Vec<Take>, Vec<Take>) {
    let mut seen: HashSet<TargetKey> = HashSet::with_capacity(takes.len());
    takes.into_iter().partition(|take| seen.insert(take.hand_out.target.clone()))
}

/// An error that all of a statement share.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the statement failed")]
struct Failed(#[source] Arc<sqlx::Error>);

/// Writes all with one statement. If the database refuses it, each alone: one must not spoil the others, and
/// of two servers that wait for each other one is refused.
async fn in_one_or_each(pool: &PgPool, takes: &[Take]) -> Vec<Result<HandOutOutcome, Failed>> {
    match take_all(pool, takes).await {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        Err(error) if 1 < takes.len() && error.as_database_error().is_some() => {
            let mut outcomes = Vec::with_capacity(takes.len());
            for take in takes {
                let alone = take_all(pool, std::slice::from_ref(take)).await;
                outcomes.push(match alone.map(|mut outcomes| outcomes.pop()) {
                    Ok(Some(outcome)) => Ok(outcome),
                    Ok(None) => Err(Failed(Arc::new(sqlx::Error::RowNotFound))),
                    Err(error) => Err(Failed(Arc::new(error))),
                });
            }
            outcomes
        }
        Err(error) => {
            let error = Failed(Arc::new(error));
            takes.iter().map(|_| Err(error.clone())).collect()
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
        "INSERT INTO hand_outs AS known (deployment_id, host, event_idx, server, at)
         SELECT wanted.deployment_id, wanted.host, wanted.event_idx, wanted.server, wanted.at
         FROM UNNEST($1::TEXT[], $2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[])
              AS wanted (deployment_id, host, event_idx, server, at)
         WHERE EXISTS (SELECT 1 FROM deployments d WHERE d.id = wanted.deployment_id)
         ORDER BY wanted.deployment_id, wanted.host
         ON CONFLICT (deployment_id, host) DO UPDATE
         SET event_idx = excluded.event_idx, server = excluded.server, at = excluded.at
         WHERE known.event_idx <> excluded.event_idx
            OR known.server = excluded.server
            OR known.at <= (SELECT free.before FROM UNNEST($1::TEXT[], $2::TEXT[], $6::BIGINT[])
                            AS free (deployment_id, host, before)
                            WHERE free.deployment_id = known.deployment_id AND free.host = known.host)
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
