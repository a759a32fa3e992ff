//! The hot path: events for targets, mostly acknowledgements and reports of a whole fleet at once.
//! However many are neighbours in the queue, they cost one statement to read and one to write.

use std::collections::HashMap;

use longshore_model::id::PrincipalArn;
use longshore_model::target::{Clocks, TargetEvent, TargetKey, TargetRules};
use longshore_model::time::Timestamp;
use longshore_model::timeline::{TimelineEntry, of_target};
use tokio::sync::oneshot;

use super::row::Columns as _;
use super::target::{self, N_TARGET_COLUMNS, StoredTarget, target_columns};
use super::writer::{CommitFailed, Job};
use super::{Connection, Row, dialect, join_in_order, json_rows, timeline};
use crate::{Applied, StoreError};

type Answer = Result<Option<Applied>, StoreError>;

/// One event for one target.
#[derive(Debug)]
pub(super) struct ApplyJob {
    key: TargetKey,
    principal: PrincipalArn,
    event: TargetEvent,
    clocks: Clocks,
    now: Timestamp,
    result: Answer,
    answer: oneshot::Sender<Answer>,
}

impl ApplyJob {
    /// The job, and the place where its answer will be.
    pub(super) fn new(
        key: &TargetKey,
        principal: &PrincipalArn,
        event: TargetEvent,
        clocks: &Clocks,
        now: Timestamp,
    ) -> (ApplyJob, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        let (key, principal, clocks) = (key.clone(), principal.clone(), *clocks);
        (ApplyJob { key, principal, event, clocks, now, result: Ok(None), answer }, receiver)
    }

    /// Gives the answer, or tells that the commit failed.
    pub(super) fn answer(self, committed: Result<(), CommitFailed>) {
        let result = committed.map_err(CommitFailed::error).and(self.result);
        // The caller may have gone; the event has happened all the same.
        let _ = self.answer.send(result);
    }
}

/// A target of the batch: as it stands after the events so far.
struct Touched {
    stored: StoredTarget,
    is_stopping: bool,
    ignores_stop_failures: bool,
    is_changed: bool,
}

/// Applies the events of all `jobs`, which are all [`Job::Apply`], in their order. An error means
/// that the transaction is lost.
pub(super) async fn apply_all(conn: &mut Connection, jobs: &mut [Job]) -> Result<(), sqlx::Error> {
    let mut jobs: Vec<&mut ApplyJob> = jobs
        .iter_mut()
        .filter_map(|job| match job {
            Job::Apply(job) => Some(job.as_mut()),
            Job::Work(_) | Job::Close => None,
        })
        .collect();
    // Several events may meet the same target: it is read once.
    let mut place_of_key: HashMap<&TargetKey, usize> = HashMap::with_capacity(jobs.len());
    let mut keys: Vec<(usize, &str, &str)> = Vec::with_capacity(jobs.len());
    let places: Vec<usize> = jobs
        .iter()
        .map(|job| {
            *place_of_key.entry(&job.key).or_insert_with(|| {
                keys.push((keys.len(), job.key.deployment.as_str(), job.key.host.as_str()));
                keys.len() - 1
            })
        })
        .collect();
    let mut touched = read(conn, &keys).await?;
    let mut happened: Vec<TimelineEntry> = Vec::new();
    for (job, place) in jobs.iter_mut().zip(places) {
        if let Some(found) = &mut touched[place] {
            job.result = apply(job, found, &mut happened);
        }
    }
    timeline::insert_all(conn, &happened).await?;
    let changed: Vec<&StoredTarget> = touched
        .iter()
        .filter_map(|found| match found {
            Some(Ok(touched)) if touched.is_changed => Some(&touched.stored),
            Some(Ok(_) | Err(_)) | None => None,
        })
        .collect();
    target::update_all(conn, &changed).await?;
    dialect::tell(conn, &target::news(changed.iter().map(|stored| &stored.target))).await
}

/// From the wanted keys to the targets to their deployments.
pub(in super::super) const READ: &str = concat!(
    "SELECT ",
    target_columns!(),
    ", CAST(wanted.value ->> 0 AS BIGINT), d.is_stopping, d.ignores_stop_failures FROM ",
    json_rows!("$1", "wanted"),
    join_in_order!(),
    "targets t ON t.deployment_id = wanted.value ->> 1 AND t.host = wanted.value ->> 2",
    join_in_order!(),
    "deployments d ON d.id = t.deployment_id"
);

/// Reads the targets at `keys`, each to its place, which it begins with.
async fn read(
    conn: &mut Connection,
    keys: &[(usize, &str, &str)],
) -> Result<Vec<Option<Result<Touched, StoreError>>>, sqlx::Error> {
    let json = serde_json::to_string(keys).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let rows = sqlx::query(READ).bind(json).fetch_all(conn).await?;
    let mut touched: Vec<Option<Result<Touched, StoreError>>> = Vec::new();
    touched.resize_with(keys.len(), || None);
    for row in &rows {
        let place = usize::try_from(sqlx::Row::try_get::<i64, _>(row, N_TARGET_COLUMNS)?).ok();
        if let Some(slot) = place.and_then(|place| touched.get_mut(place)) {
            *slot = Some(touched_of_row(row));
        }
    }
    Ok(touched)
}

fn touched_of_row(row: &Row) -> Result<Touched, StoreError> {
    Ok(Touched {
        stored: StoredTarget::of_row(row)?,
        is_stopping: row.int(N_TARGET_COLUMNS + 1)? != 0,
        ignores_stop_failures: row.int(N_TARGET_COLUMNS + 2)? != 0,
        is_changed: false,
    })
}

fn apply(
    job: &ApplyJob,
    found: &mut Result<Touched, StoreError>,
    happened: &mut Vec<TimelineEntry>,
) -> Answer {
    let touched = match found {
        Ok(touched) => touched,
        // The first to ask gets the reason, the others that there is one.
        Err(error) => return Err(std::mem::replace(error, unreadable())),
    };
    if touched.stored.target.principal != job.principal {
        return Ok(None);
    }
    let rules = TargetRules {
        is_stopping: touched.is_stopping,
        ignore_application_stop_failures: touched.ignores_stop_failures,
        clocks: job.clocks,
    };
    let change = match touched.stored.target.after(&job.event, &rules, job.now) {
        Ok(next) => {
            happened.extend(of_target(touched.stored.target.status(), &next));
            touched.stored.target = next;
            touched.is_changed = true;
            Ok(())
        }
        Err(reason) => Err(reason),
    };
    Ok(Some(Applied { target: touched.stored.target.clone(), change }))
}

fn unreadable() -> StoreError {
    StoreError::Corrupt {
        kind: "target",
        source: serde::de::Error::custom("it could not be read for another event of the same batch"),
    }
}
