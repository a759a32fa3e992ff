//! The other servers on the database.
//!
//! Hand-outs are written beside the writer, see [`hand_outs`](super::hand_outs).

use async_trait::async_trait;
use longshore_model::id::{DeploymentId, PrincipalArn};
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
        self.hand_outs.take(hand_out, now, free_before).await
    }

    async fn take_back(&self, hand_out: &HandOut) -> Result<(), StoreError> {
        let HandOut { target, event_idx, principal, server } = hand_out;
        sqlx::query(
            "WITH gone AS (
                 DELETE FROM hand_outs WHERE deployment_id = $1 AND host = $2 AND event_idx = $3
                 AND server = $4 RETURNING 1)
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

    async fn forget_hand_outs(&self, deployment: &DeploymentId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM hand_outs WHERE deployment_id = $1")
            .bind(deployment.as_str())
            .execute(&mut *self.reader().await?)
            .await
            .doing("forget what was handed out")?;
        Ok(())
    }
}
