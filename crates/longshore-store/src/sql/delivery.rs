//! What is to be told to people and programs, until it was taken.

use async_trait::async_trait;
use longshore_model::notification::Delivery;
use longshore_model::time::Timestamp;
use serde::Serialize;

use super::row::{Columns as _, Doing as _, after_time, encode, limit};
use super::{Connection, Row, SqlStore, json_rows, json_texts};
use crate::{DeadDelivery, DeliveryStore, Page, StoreError, TimelinePlace};

/// A new delivery, as the insert statement takes it.
#[derive(Serialize)]
struct NewRow<'a>(&'a str, String);

#[async_trait]
impl DeliveryStore for SqlStore {
    async fn told(&self) -> Result<TimelinePlace, StoreError> {
        told(&mut *self.reader().await?).await
    }

    async fn tell(
        &self,
        from: TimelinePlace,
        to: TimelinePlace,
        deliveries: &[Delivery],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let deliveries = deliveries.to_vec();
        self.write(move |conn| Box::pin(async move { tell(conn, from, to, &deliveries, now).await })).await
    }

    async fn add_deliveries(&self, deliveries: &[Delivery], now: Timestamp) -> Result<(), StoreError> {
        let deliveries = deliveries.to_vec();
        self.write(move |conn| Box::pin(async move { add(conn, &deliveries, now).await })).await
    }

    async fn take_deliveries(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Delivery, u32)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write(move |conn| Box::pin(async move { take(conn, now, until, limit).await })).await
    }

    async fn postpone_deliveries(&self, ids: &[String], due_at: Timestamp) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = ids.to_vec();
        self.write(move |conn| Box::pin(async move { set_due(conn, &ids, due_at).await })).await
    }

    async fn next_delivery(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT MIN(due_at) FROM deliveries WHERE due_at IS NOT NULL")
            .fetch_one(&mut *reader)
            .await
            .doing("read when the next delivery is due")?;
        Ok(row.maybe_int(0)?.map(Timestamp::from_millis))
    }

    async fn delivered(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query("DELETE FROM deliveries WHERE id = $1")
                    .bind(&id)
                    .execute(conn)
                    .await
                    .doing("forget a delivery that was taken")?;
                Ok(())
            })
        })
        .await
    }

    async fn not_delivered(
        &self,
        id: &str,
        error: &str,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (id, error) = (id.to_owned(), error.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE deliveries SET due_at = $2, attempts = attempts + 1, error = $3 WHERE id = $1",
                )
                .bind(&id)
                .bind(due_at.map(Timestamp::millis))
                .bind(&error)
                .execute(conn)
                .await
                .doing("note that a delivery was not taken")?;
                Ok(())
            })
        })
        .await
    }

    async fn dead_deliveries(&self, page: &Page) -> Result<Vec<(Timestamp, DeadDelivery)>, StoreError> {
        let (created_after, id) = after_time(page, i64::MIN)?;
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT created_at, document, attempts, error FROM deliveries
             WHERE due_at IS NULL AND (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
        )
        .bind(created_after)
        .bind(id)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list dead deliveries")?;
        rows.iter()
            .map(|row| {
                let dead = DeadDelivery {
                    delivery: row.document(1, "delivery")?,
                    attempts: attempts(row, 2)?,
                    error: row.maybe_text(3)?.unwrap_or_default(),
                };
                Ok((Timestamp::from_millis(row.int(0)?), dead))
            })
            .collect()
    }

    async fn revive_deliveries(&self, id: Option<&str>, now: Timestamp) -> Result<usize, StoreError> {
        let id = id.map(ToOwned::to_owned);
        self.write(move |conn| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE deliveries SET due_at = $1, attempts = 0
                     WHERE due_at IS NULL AND id = COALESCE($2, id)",
                )
                .bind(now.millis())
                .bind(&id)
                .execute(conn)
                .await
                .doing("revive deliveries")?;
                Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
            })
        })
        .await
    }

    async fn forget_deliveries(&self, created_before: Timestamp) -> Result<usize, StoreError> {
        self.write(move |conn| {
            Box::pin(async move {
                let done = sqlx::query("DELETE FROM deliveries WHERE due_at IS NULL AND created_at < $1")
                    .bind(created_before.millis())
                    .execute(conn)
                    .await
                    .doing("forget dead deliveries")?;
                Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
            })
        })
        .await
    }
}

async fn told(conn: &mut Connection) -> Result<TimelinePlace, StoreError> {
    let row = sqlx::query("SELECT seq FROM told WHERE id = 1")
        .fetch_optional(conn)
        .await
        .doing("read up to where the timeline was told")?;
    Ok(TimelinePlace(row.map(|row| row.int(0)).transpose()?.unwrap_or(0)))
}

async fn tell(
    conn: &mut Connection,
    from: TimelinePlace,
    to: TimelinePlace,
    deliveries: &[Delivery],
    now: Timestamp,
) -> Result<(), StoreError> {
    if told(conn).await? != from {
        return Err(StoreError::Stale);
    }
    sqlx::query(
        "INSERT INTO told (id, seq) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq",
    )
    .bind(to.0)
    .execute(&mut *conn)
    .await
    .doing("note up to where the timeline was told")?;
    add(conn, deliveries, now).await
}

async fn add(conn: &mut Connection, deliveries: &[Delivery], now: Timestamp) -> Result<(), StoreError> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let rows: Vec<NewRow<'_>> = deliveries
        .iter()
        .map(|delivery| Ok(NewRow(&delivery.id, encode(delivery, "delivery")?)))
        .collect::<Result<_, StoreError>>()?;
    sqlx::query(concat!(
        "INSERT INTO deliveries (id, due_at, created_at, attempts, document)
         SELECT value ->> 0, $2, $2, 0, value ->> 1 FROM ",
        json_rows!("$1", "delivery")
    ))
    .bind(encode(&rows, "delivery")?)
    .bind(now.millis())
    .execute(conn)
    .await
    .doing("add deliveries")?;
    Ok(())
}

async fn take(
    conn: &mut Connection,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<(Delivery, u32)>, StoreError> {
    let rows = sqlx::query(
        "SELECT document, attempts FROM deliveries WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2",
    )
    .bind(now.millis())
    .bind(limit)
    .fetch_all(&mut *conn)
    .await
    .doing("read deliveries that are due")?;
    let taken: Vec<(Delivery, u32)> = rows
        .iter()
        .map(|row| Ok((row.document(0, "delivery")?, attempts(row, 1)?)))
        .collect::<Result<_, StoreError>>()?;
    let ids: Vec<String> = taken.iter().map(|(delivery, _)| delivery.id.clone()).collect();
    set_due(conn, &ids, until).await?;
    Ok(taken)
}

async fn set_due(conn: &mut Connection, ids: &[String], due_at: Timestamp) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "UPDATE deliveries SET due_at = $2 WHERE id IN (SELECT value FROM ",
        json_texts!("$1", "wanted"),
        ")"
    ))
    .bind(encode(ids, "delivery ids")?)
    .bind(due_at.millis())
    .execute(conn)
    .await
    .doing("set when deliveries are due")?;
    Ok(())
}

fn attempts(row: &Row, idx: usize) -> Result<u32, StoreError> {
    Ok(u32::try_from(row.int(idx)?).unwrap_or(u32::MAX))
}
