//! The other servers on the database.
//!
//! Hand-outs are written by single statements beside the writer: no rule of the store rests on them,
//! each concerns one row, and so the polls of a fleet do not wait for each other.

use async_trait::async_trait;
use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::target::TargetKey;
use longshore_model::time::Timestamp;
use tokio::sync::broadcast;

use super::sql::row::{Columns as _, Doing as _};
use super::{CHANNEL, PostgresStore, news};
use crate::{HandOut, HandOutOutcome, News, Others, SharedStore, StoreError};

impl SharedStore for PostgresStore {
    fn others(&self) -> Option<&dyn Others> {
        Some(self)
    }
}

#[async_trait]
impl Others for PostgresStore {
    fn news(&self) -> broadcast::Receiver<News> {
        self.hearing.subscribe()
    }

    async fn waiting_principals(&self) -> Result<Vec<PrincipalArn>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT principal FROM targets WHERE state = 'Pickup'")
            .fetch_all(&mut *self.reader().await?)
            .await
            .doing("list who has waiting commands")?;
        rows.iter().map(|row| Ok(PrincipalArn(row.text(0)?))).collect()
    }

    async fn hand_out(
        &self,
        hand_out: &HandOut,
        now: Timestamp,
        free_before: Timestamp,
    ) -> Result<HandOutOutcome, StoreError> {
        let mut conn = self.reader().await?;
        let HandOut { target, event_idx, server, .. } = hand_out;
        // A row that the condition keeps as it is, is not answered.
        let ours = sqlx::query(
            "INSERT INTO hand_outs AS known (deployment_id, host, event_idx, server, at, is_ack_answered)
             VALUES ($1, $2, $3, $4, $5, 0)
             ON CONFLICT (deployment_id, host) DO UPDATE
             SET event_idx = excluded.event_idx, server = excluded.server, at = excluded.at,
                 is_ack_answered = 0
             WHERE known.event_idx <> excluded.event_idx
                OR (known.is_ack_answered = 0 AND (known.server = excluded.server OR known.at <= $6))
             RETURNING at",
        )
        .bind(target.deployment.as_str())
        .bind(target.host.as_str())
        .bind(i64::from(*event_idx))
        .bind(server)
        .bind(now.millis())
        .bind(free_before.millis())
        .fetch_optional(&mut *conn)
        .await
        .doing("hand out a command")?;
        if ours.is_some() {
            return Ok(HandOutOutcome::Ours);
        }
        let row = sqlx::query("SELECT at FROM hand_outs WHERE deployment_id = $1 AND host = $2")
            .bind(target.deployment.as_str())
            .bind(target.host.as_str())
            .fetch_optional(&mut *conn)
            .await
            .doing("read who handed out a command")?;
        // Gone meanwhile: it was taken back, which is told.
        let at = row.map(|row| row.int(0)).transpose()?.map_or(now, Timestamp::from_millis);
        Ok(HandOutOutcome::Elsewhere(at))
    }

    async fn take_back(&self, hand_out: &HandOut) -> Result<(), StoreError> {
        let HandOut { target, event_idx, principal, server } = hand_out;
        sqlx::query(
            "WITH gone AS (
                 DELETE FROM hand_outs WHERE deployment_id = $1 AND host = $2 AND event_idx = $3
                 AND server = $4 AND is_ack_answered = 0 RETURNING 1)
             SELECT pg_notify($5, $6) FROM gone",
        )
        .bind(target.deployment.as_str())
        .bind(target.host.as_str())
        .bind(i64::from(*event_idx))
        .bind(server)
        .bind(CHANNEL)
        .bind(news::line(&News::Commands(principal.clone())))
        .execute(&mut *self.reader().await?)
        .await
        .doing("take back a command")?;
        Ok(())
    }

    async fn note_ack_answered(&self, target: &TargetKey, event_idx: u32) -> Result<(), StoreError> {
        // Whoever acknowledged may have had the command from a server that is gone with its note.
        sqlx::query(
            "INSERT INTO hand_outs AS known (deployment_id, host, event_idx, server, at, is_ack_answered)
             SELECT $1, $2, $3, '', 0, 1 WHERE EXISTS (SELECT 1 FROM deployments WHERE id = $1)
             ON CONFLICT (deployment_id, host) DO UPDATE
             SET event_idx = excluded.event_idx, is_ack_answered = 1
             WHERE known.event_idx <= excluded.event_idx",
        )
        .bind(target.deployment.as_str())
        .bind(target.host.as_str())
        .bind(i64::from(event_idx))
        .execute(&mut *self.reader().await?)
        .await
        .doing("note that an acknowledgement was answered")?;
        Ok(())
    }

    async fn is_ack_answered(&self, target: &TargetKey, event_idx: u32) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT is_ack_answered FROM hand_outs
             WHERE deployment_id = $1 AND host = $2 AND event_idx = $3",
        )
        .bind(target.deployment.as_str())
        .bind(target.host.as_str())
        .bind(i64::from(event_idx))
        .fetch_optional(&mut *self.reader().await?)
        .await
        .doing("read whether an acknowledgement was answered")?;
        Ok(row.map(|row| row.int(0)).transpose()?.is_some_and(|is_answered| is_answered != 0))
    }

    async fn forget_hand_outs(&self, deployment: &DeploymentId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM hand_outs WHERE deployment_id = $1")
            .bind(deployment.as_str())
            .execute(&mut *self.reader().await?)
            .await
            .doing("forget what was handed out")?;
        Ok(())
    }
}
