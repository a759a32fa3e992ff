//! Timelines of deployments.

use async_trait::async_trait;
use longshore_model::id::{DeploymentId, HostId};
use longshore_model::time::Timestamp;
use longshore_model::timeline::{Happening, TimelineEntry};
use serde::Serialize;

use super::row::{Columns as _, Doing as _, limit, unreadable_key};
use super::{Connection, Row, SqlStore, json_rows};
use crate::{Page, StoreError, TimelinePlace, TimelineStore};

/// An entry, as the insert statement takes it.
#[derive(Serialize)]
struct NewRow<'a>(&'a DeploymentId, Timestamp, Option<&'a HostId>, Option<u32>, String);

/// Adds entries, all with one statement. The host whose turn is next is named by its place.
pub(super) async fn insert_all(conn: &mut Connection, entries: &[TimelineEntry]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<NewRow<'_>> = entries
        .iter()
        .map(|entry| {
            let next = match entry.what {
                Happening::HostsWait { next, .. } => Some(next),
                _ => None,
            };
            let what = serde_json::to_string(&entry.what)?;
            Ok(NewRow(&entry.deployment, entry.at, entry.host.as_ref(), next, what))
        })
        .collect::<Result<_, serde_json::Error>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    let rows = serde_json::to_string(&rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(concat!(
        "INSERT INTO timeline (deployment_id, at, host, what)
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT),
                COALESCE(value ->> 2, (SELECT t.host FROM targets t WHERE t.deployment_id = value ->> 0
                                       AND t.position = CAST(value ->> 3 AS BIGINT))),
                value ->> 4
         FROM ",
        json_rows!("$1", "entry")
    ))
    .bind(rows)
    .execute(conn)
    .await?;
    Ok(())
}

#[async_trait]
impl TimelineStore for SqlStore {
    async fn timeline(
        &self,
        deployment: &DeploymentId,
        page: &Page,
    ) -> Result<Vec<(String, TimelineEntry)>, StoreError> {
        let after = match &page.after {
            None => 0,
            Some(key) => key.parse::<i64>().map_err(|_| unreadable_key(key))?,
        };
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT seq, deployment_id, at, host, what FROM timeline
             WHERE deployment_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(deployment.as_str())
        .bind(after)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("read a timeline")?;
        rows.iter().map(|row| Ok((row.int(0)?.to_string(), entry(row)?))).collect()
    }

    async fn timeline_after(
        &self,
        place: TimelinePlace,
        limit: usize,
    ) -> Result<Vec<(TimelinePlace, TimelineEntry)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // As a write, which waits for those under way: one of them may hold an earlier place.
        self.write(move |conn| Box::pin(async move { after(conn, place, limit).await })).await
    }

    async fn timeline_end(&self) -> Result<TimelinePlace, StoreError> {
        self.write(|conn| {
            Box::pin(async move {
                let row = sqlx::query("SELECT COALESCE(MAX(seq), 0) FROM timeline")
                    .fetch_one(conn)
                    .await
                    .doing("read the end of the timeline")?;
                Ok(TimelinePlace(row.int(0)?))
            })
        })
        .await
    }
}

async fn after(
    conn: &mut Connection,
    place: TimelinePlace,
    limit: i64,
) -> Result<Vec<(TimelinePlace, TimelineEntry)>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, deployment_id, at, host, what FROM timeline WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(place.0)
    .bind(limit)
    .fetch_all(conn)
    .await
    .doing("read the timeline of all deployments")?;
    rows.iter().map(|row| Ok((TimelinePlace(row.int(0)?), entry(row)?))).collect()
}

/// Columns from the second: deployment, time, host, what.
fn entry(row: &Row) -> Result<TimelineEntry, StoreError> {
    Ok(TimelineEntry {
        deployment: row.word(1, "deployment id")?,
        at: Timestamp::from_millis(row.int(2)?),
        host: row.maybe_word(3, "host name")?,
        what: row.document(4, "timeline entry")?,
    })
}
