//! The audit trail.

use async_trait::async_trait;
use longshore_model::audit::AuditEvent;
use longshore_model::time::Timestamp;

use super::row::{Columns as _, Doing as _, encode, limit, unreadable_key};
use super::{Connection, SqlStore};
use crate::{AuditFilter, AuditStore, Page, StoreError};

/// How many old events one new one makes room: few, so that no write is slow.
const FORGOTTEN_AT_ONCE: i64 = 20;

#[async_trait]
impl AuditStore for SqlStore {
    async fn add_audit_event(&self, event: &AuditEvent, forget_before: Timestamp) -> Result<(), StoreError> {
        let event = event.clone();
        self.write(move |conn| Box::pin(async move { add(conn, &event, forget_before).await })).await
    }

    async fn audit_end(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT COALESCE(MAX(seq), 0) FROM audit_events")
            .fetch_one(&mut *self.reader().await?)
            .await
            .doing("read the end of the audit trail")?;
        row.int(0)
    }

    async fn audit_events(
        &self,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Vec<(String, AuditEvent)>, StoreError> {
        let after = match &page.after {
            None => 0,
            Some(key) => key.parse::<i64>().map_err(|_| unreadable_key(key))?,
        };
        let mut reader = self.reader().await?;
        // A name is what stands behind the last slashes; taken as it is, without wildcards.
        let rows = sqlx::query(
            "SELECT seq, event FROM audit_events
             WHERE seq > $1 AND at >= $2 AND at < $3
               AND ($4 IS NULL OR principal = $4
                    OR substr(principal, length(principal) - length($4)) = '/' || $4)
               AND ($5 IS NULL OR operation = $5)
             ORDER BY seq LIMIT $6",
        )
        .bind(after)
        .bind(filter.since.map_or(i64::MIN, Timestamp::millis))
        .bind(filter.until.map_or(i64::MAX, Timestamp::millis))
        .bind(&filter.principal)
        .bind(&filter.operation)
        .bind(limit(page))
        .fetch_all(&mut *reader)
        .await
        .doing("list audit events")?;
        rows.iter().map(|row| Ok((row.int(0)?.to_string(), row.document(1, "audit event")?))).collect()
    }
}

async fn add(conn: &mut Connection, event: &AuditEvent, forget_before: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM audit_events
         WHERE seq IN (SELECT seq FROM audit_events WHERE at < $1 ORDER BY at LIMIT $2)",
    )
    .bind(forget_before.millis())
    .bind(FORGOTTEN_AT_ONCE)
    .execute(&mut *conn)
    .await
    .doing("forget old audit events")?;
    sqlx::query("INSERT INTO audit_events (at, principal, operation, event) VALUES ($1, $2, $3, $4)")
        .bind(event.event_time.millis())
        .bind(&event.principal)
        .bind(&event.operation)
        .bind(encode(event, "audit event")?)
        .execute(conn)
        .await
        .doing("add an audit event")?;
    Ok(())
}
