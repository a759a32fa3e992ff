//! How a target is kept: its state in columns, which the planner and the polls read by the
//! thousand, and its events in a document, which only a change or a look at one target needs.

use std::collections::BTreeSet;

use longshore_model::id::{DeploymentId, HostArn, HostId, PrincipalArn};
use longshore_model::lifecycle::{
    CommandCopy, Diagnostics, EndedBy, EventState, LifecycleEvent, LifecycleEventName,
};
use longshore_model::target::{
    Progress, Target, TargetKey, TargetState, TargetStatus, TargetSummary, Waiting,
};
use longshore_model::time::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::row::{Columns as _, Doing as _, encode, limit};
use super::{Connection, Row, dialect, json_rows};
use crate::{News, Page, StoreError, TargetFilter};

/// The columns that [`StoredTarget::of_row`] takes.
macro_rules! target_columns {
    () => {
        "t.row_id, t.deployment_id, t.host, t.position, t.host_arn, t.principal, t.state, t.event_idx, \
         t.since, t.updated_at, t.events"
    };
}
pub(super) use target_columns;

/// How many columns [`target_columns`] names.
pub(super) const N_TARGET_COLUMNS: usize = 11;

/// A target and the row that it came from.
#[derive(Debug)]
pub(super) struct StoredTarget {
    pub(super) row_id: i64,
    pub(super) target: Target,
}

impl StoredTarget {
    /// Columns: [`target_columns`].
    pub(super) fn of_row(row: &Row) -> Result<StoredTarget, StoreError> {
        let events: Vec<StoredEvent> = row.document(10, "target's events")?;
        Ok(StoredTarget {
            row_id: row.int(0)?,
            target: Target {
                key: TargetKey { deployment: row.word(1, "deployment id")?, host: row.word(2, "host id")? },
                position: position(row.int(3)?),
                host_arn: HostArn(row.text(4)?),
                principal: PrincipalArn(row.text(5)?),
                state: state_of_columns(row, 6)?,
                updated_at: Timestamp::from_millis(row.int(9)?),
                events: events.into_iter().map(|stored| stored.0).collect(),
            },
        })
    }
}

/// A place in the order as the domain counts it. The store only ever wrote 32-bit numbers.
pub(super) fn position(column: i64) -> u32 {
    u32::try_from(column).unwrap_or(u32::MAX)
}

/// The `state` column: a status, told apart further by what a target in progress waits for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum StateWord {
    Pending,
    Pickup,
    Report,
    Succeeded,
    Failed,
    Skipped,
}

impl StateWord {
    fn as_str(self) -> &'static str {
        match self {
            StateWord::Pending => "Pending",
            StateWord::Pickup => "Pickup",
            StateWord::Report => "Report",
            StateWord::Succeeded => "Succeeded",
            StateWord::Failed => "Failed",
            StateWord::Skipped => "Skipped",
        }
    }

    fn of(state: TargetState) -> StateWord {
        match state {
            TargetState::Pending => StateWord::Pending,
            TargetState::InProgress(progress) => match progress.waiting {
                Waiting::Pickup => StateWord::Pickup,
                Waiting::Report => StateWord::Report,
            },
            TargetState::Succeeded => StateWord::Succeeded,
            TargetState::Failed => StateWord::Failed,
            TargetState::Skipped => StateWord::Skipped,
        }
    }

    /// Whether a command waits for its host.
    fn is_waiting(self) -> bool {
        matches!(self, StateWord::Pickup)
    }

    fn status(self) -> TargetStatus {
        match self {
            StateWord::Pending => TargetStatus::Pending,
            StateWord::Pickup | StateWord::Report => TargetStatus::InProgress,
            StateWord::Succeeded => TargetStatus::Succeeded,
            StateWord::Failed => TargetStatus::Failed,
            StateWord::Skipped => TargetStatus::Skipped,
        }
    }

    fn state(self, event_idx: u32, since: Timestamp) -> TargetState {
        match self {
            StateWord::Pending => TargetState::Pending,
            StateWord::Pickup => {
                TargetState::InProgress(Progress { event_idx, waiting: Waiting::Pickup, since })
            }
            StateWord::Report => {
                TargetState::InProgress(Progress { event_idx, waiting: Waiting::Report, since })
            }
            StateWord::Succeeded => TargetState::Succeeded,
            StateWord::Failed => TargetState::Failed,
            StateWord::Skipped => TargetState::Skipped,
        }
    }
}

/// Columns from `first`: state, event_idx, since.
fn state_of_columns(row: &Row, first: usize) -> Result<TargetState, StoreError> {
    let word: StateWord = row.word(first, "target's state")?;
    Ok(word.state(position(row.int(first + 1)?), Timestamp::from_millis(row.int(first + 2)?)))
}

/// An event as its document has it: the model's types, but with tags outside, which are read
/// several times faster than the model's own flattened form.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct StoredEvent(#[serde(with = "EventDocument")] LifecycleEvent);

#[derive(Serialize)]
#[serde(transparent)]
struct EventToStore<'a>(#[serde(with = "EventDocument")] &'a LifecycleEvent);

#[derive(Serialize, Deserialize)]
#[serde(remote = "LifecycleEvent")]
struct EventDocument {
    name: LifecycleEventName,
    #[serde(with = "EventStateDocument")]
    state: EventState,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "EventState")]
enum EventStateDocument {
    Pending,
    InProgress {
        started_at: Timestamp,
        #[serde(default)]
        copy: CommandCopy,
    },
    Succeeded {
        started_at: Timestamp,
        ended_at: Timestamp,
        diagnostics: Diagnostics,
    },
    Failed {
        started_at: Option<Timestamp>,
        ended_at: Timestamp,
        by: EndedBy,
        diagnostics: Diagnostics,
    },
    Skipped,
}

struct EventsToStore<'a>(&'a [LifecycleEvent]);

impl Serialize for EventsToStore<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(EventToStore))
    }
}

/// A new target, as the insert statement takes it.
#[derive(Serialize)]
struct NewRow<'a>(
    u32,
    &'a HostId,
    &'a HostArn,
    &'a PrincipalArn,
    StateWord,
    u32,
    Timestamp,
    Timestamp,
    String,
);

fn progress_columns(state: TargetState) -> (u32, Timestamp) {
    match state {
        TargetState::InProgress(progress) => (progress.event_idx, progress.since),
        TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => {
            (0, Timestamp::from_millis(0))
        }
    }
}

/// What has changed of a target, as columns.
#[derive(Debug)]
pub(in super::super) struct ChangedRow {
    pub(in super::super) row_id: i64,
    pub(in super::super) state: &'static str,
    pub(in super::super) event_idx: i64,
    pub(in super::super) since: i64,
    pub(in super::super) updated_at: i64,
    pub(in super::super) events: String,
}

impl ChangedRow {
    fn of(stored: &StoredTarget) -> Result<ChangedRow, sqlx::Error> {
        let target = &stored.target;
        let (event_idx, since) = progress_columns(target.state);
        Ok(ChangedRow {
            row_id: stored.row_id,
            state: StateWord::of(target.state).as_str(),
            event_idx: i64::from(event_idx),
            since: since.millis(),
            updated_at: target.updated_at.millis(),
            events: serde_json::to_string(&EventsToStore(&target.events))
                .map_err(|error| sqlx::Error::Encode(error.into()))?,
        })
    }
}

/// Writes what has changed of `targets`, as few statements as the database likes.
pub(super) async fn update_all(conn: &mut Connection, targets: &[&StoredTarget]) -> Result<(), sqlx::Error> {
    let rows = targets.iter().map(|stored| ChangedRow::of(stored)).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Ok(());
    }
    dialect::update_targets(conn, rows).await
}

/// Adds the targets of one deployment, all with one statement.
pub(super) async fn insert_all(
    conn: &mut Connection,
    deployment: &DeploymentId,
    targets: &[Target],
) -> Result<(), StoreError> {
    if targets.is_empty() {
        return Ok(());
    }
    let rows: Vec<NewRow<'_>> = targets
        .iter()
        .map(|target| {
            let (event_idx, since) = progress_columns(target.state);
            Ok(NewRow(
                target.position,
                &target.key.host,
                &target.host_arn,
                &target.principal,
                StateWord::of(target.state),
                event_idx,
                since,
                target.updated_at,
                encode(&EventsToStore(&target.events), "target's events")?,
            ))
        })
        .collect::<Result<_, StoreError>>()?;
    sqlx::query(concat!(
        "INSERT INTO targets (deployment_id, position, host, host_arn, principal, state, event_idx,
                              since, updated_at, events)
         SELECT $1, CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2, value ->> 3, value ->> 4,
                CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), CAST(value ->> 7 AS BIGINT),
                value ->> 8
         FROM ",
        json_rows!("$2", "target")
    ))
    .bind(deployment.as_str())
    .bind(encode(&rows, "target")?)
    .execute(conn)
    .await
    .doing("add targets")?;
    Ok(())
}

/// One target.
pub(super) async fn one(conn: &mut Connection, key: &TargetKey) -> Result<Option<Target>, StoreError> {
    let row = sqlx::query(concat!(
        "SELECT ",
        target_columns!(),
        " FROM targets t WHERE t.deployment_id = $1 AND t.host = $2"
    ))
    .bind(key.deployment.as_str())
    .bind(key.host.as_str())
    .fetch_optional(conn)
    .await
    .doing("read a target")?;
    row.map(|row| Ok(StoredTarget::of_row(&row)?.target)).transpose()
}

/// The part of every target that the planner looks at, in scheduling order.
pub(super) async fn summaries(
    conn: &mut Connection,
    deployment: &DeploymentId,
) -> Result<Vec<TargetSummary>, StoreError> {
    let rows = sqlx::query(
        "SELECT position, state, event_idx, since FROM targets WHERE deployment_id = $1 ORDER BY position",
    )
    .bind(deployment.as_str())
    .fetch_all(conn)
    .await
    .doing("read the targets of a snapshot")?;
    rows.iter()
        .map(|row| Ok(TargetSummary { position: position(row.int(0)?), state: state_of_columns(row, 1)? }))
        .collect()
}

/// How many targets are in each status.
pub(super) async fn counts(
    conn: &mut Connection,
    deployment: &DeploymentId,
) -> Result<Vec<(TargetStatus, usize)>, StoreError> {
    let rows = sqlx::query("SELECT state, COUNT(*) FROM targets WHERE deployment_id = $1 GROUP BY state")
        .bind(deployment.as_str())
        .fetch_all(conn)
        .await
        .doing("count targets")?;
    let mut counts = Vec::with_capacity(TargetStatus::ALL.len());
    for status in TargetStatus::ALL {
        let mut total = 0;
        for row in &rows {
            let word: StateWord = row.word(0, "target's state")?;
            if word.status() == status {
                total += usize::try_from(row.int(1)?).unwrap_or(usize::MAX);
            }
        }
        if total > 0 {
            counts.push((status, total));
        }
    }
    Ok(counts)
}

/// One page of target ids in scheduling order.
pub(super) async fn page(
    conn: &mut Connection,
    deployment: &DeploymentId,
    filter: &TargetFilter,
    page: &Page,
) -> Result<Vec<(u32, HostId)>, StoreError> {
    let after = match page.after.as_deref() {
        None => -1,
        Some(key) => key.parse::<i64>().map_err(|_| super::row::unreadable_key(key))?,
    };
    let wants = |status| i64::from(filter.statuses.is_empty() || filter.statuses.contains(&status));
    let rows = sqlx::query(
        "SELECT position, host FROM targets WHERE deployment_id = $1 AND position > $2
         AND CASE state WHEN 'Pending' THEN $3 WHEN 'Succeeded' THEN $4 WHEN 'Failed' THEN $5
                        WHEN 'Skipped' THEN $6 ELSE $7 END = 1
         ORDER BY position LIMIT $8",
    )
    .bind(deployment.as_str())
    .bind(after)
    .bind(wants(TargetStatus::Pending))
    .bind(wants(TargetStatus::Succeeded))
    .bind(wants(TargetStatus::Failed))
    .bind(wants(TargetStatus::Skipped))
    .bind(wants(TargetStatus::InProgress))
    .bind(limit(page))
    .fetch_all(conn)
    .await
    .doing("list targets")?;
    rows.iter().map(|row| Ok((position(row.int(0)?), row.word(1, "host id")?))).collect()
}

/// Place, host and status of every target, in scheduling order.
pub(super) async fn endings(
    conn: &mut Connection,
    deployment: &DeploymentId,
) -> Result<Vec<(u32, HostArn, TargetStatus)>, StoreError> {
    let rows = sqlx::query(
        "SELECT position, host_arn, state FROM targets WHERE deployment_id = $1 ORDER BY position",
    )
    .bind(deployment.as_str())
    .fetch_all(conn)
    .await
    .doing("read how targets ended")?;
    rows.iter()
        .map(|row| {
            let word: StateWord = row.word(2, "target's state")?;
            Ok((position(row.int(0)?), HostArn(row.text(1)?), word.status()))
        })
        .collect()
}

pub(in super::super) const WAITING: &str = concat!(
    "SELECT ",
    target_columns!(),
    " FROM targets t WHERE t.principal = $1 AND t.state = 'Pickup' ORDER BY t.since, t.row_id"
);

/// The commands that wait for `principal`, oldest first.
pub(super) async fn waiting(
    conn: &mut Connection,
    principal: &PrincipalArn,
) -> Result<Vec<Target>, StoreError> {
    let rows =
        sqlx::query(WAITING).bind(&principal.0).fetch_all(conn).await.doing("list waiting commands")?;
    rows.iter().map(|row| Ok(StoredTarget::of_row(row)?.target)).collect()
}

/// From the instance to its target in the deployment.
pub(in super::super) const PART_OF_INSTANCE: &str =
    "SELECT CAST(CASE WHEN t.row_id IS NULL THEN 0 ELSE 1 END AS BIGINT)
     FROM hosts h LEFT JOIN targets t
          ON t.deployment_id = $2 AND t.host = h.name AND t.principal = h.principal
     WHERE h.principal = $1 AND h.deregistered_at IS NULL";

/// Whether the registered instance with the identity `principal` is a target of `deployment`.
pub(super) async fn is_part(
    conn: &mut Connection,
    principal: &PrincipalArn,
    deployment: &DeploymentId,
) -> Result<Option<bool>, StoreError> {
    let row = sqlx::query(PART_OF_INSTANCE)
        .bind(&principal.0)
        .bind(deployment.as_str())
        .fetch_optional(conn)
        .await
        .doing("look whether an instance is a target")?;
    row.map(|row| Ok(row.int(0)? != 0)).transpose()
}

/// What a transaction that made or changed `targets` has to tell: their deployments, and who has a
/// command now.
pub(super) fn news<'a>(targets: impl IntoIterator<Item = &'a Target>) -> BTreeSet<News> {
    let mut news = BTreeSet::new();
    for target in targets {
        news.insert(News::Deployment(target.key.deployment.clone()));
        if StateWord::of(target.state).is_waiting() {
            news.insert(News::Commands(target.principal.clone()));
        }
    }
    news
}
