//! What is done from time to time, whoever calls: old deployments and tombstones are forgotten, and a
//! deployment whose group went away while nobody could end it is ended. Source: service.md §2.1 and §2.5.

use std::time::Duration;

use longshore_model::deployment::StopReason;
use longshore_store::{Forget, StoreError};

use crate::Engine;

/// How often.
const INTERVAL: Duration = Duration::from_secs(600);

/// How many deployments are forgotten in one write: with a thousand targets each, that is some ten
/// thousand rows, for which other writes wait a moment.
const DEPLOYMENTS_AT_ONCE: usize = 10;

/// How many tombstones are forgotten in one write.
const TOMBSTONES_AT_ONCE: usize = 500;

/// How many writes one round may take. What is left waits for the next one.
const MAX_WRITES: usize = 200;

impl Engine {
    /// Does it again and again until the engine ends.
    pub(crate) async fn keep_up(&self) {
        let mut is_stopping = self.inner.is_stopping.subscribe();
        loop {
            if *is_stopping.borrow() {
                return;
            }
            // From the beginning of a round: what grows old during it is due at the next.
            let next = self.now().plus(INTERVAL);
            if let Err(error) = self.upkeep_round().await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "cannot tidy up the history; trying again later");
            }
            tokio::select! {
                biased;
                _ = is_stopping.changed() => return,
                () = self.inner.clock.sleep_until(next) => {}
            }
        }
    }

    async fn upkeep_round(&self) -> Result<(), StoreError> {
        self.end_all_orphans().await?;
        self.inner.store.forget_deliveries(self.now().minus(self.inner.config.retention.age)).await?;
        let mut n_writes = 0;
        while n_writes < MAX_WRITES && !*self.inner.is_stopping.borrow() && self.forget_some().await? {
            n_writes += 1;
        }
        Ok(())
    }

    /// Deleting a group and ending its deployment are two steps: a process may end between them.
    pub(crate) async fn end_all_orphans(&self) -> Result<(), StoreError> {
        for (id, has_application) in self.inner.store.orphaned_deployments().await? {
            let reason = if has_application {
                StopReason::DeploymentGroupDeleted
            } else {
                StopReason::ApplicationDeleted
            };
            self.end_orphans(std::slice::from_ref(&id), &reason).await?;
        }
        Ok(())
    }

    /// Forgets a bounded part of what is old. Answers whether there may be more.
    async fn forget_some(&self) -> Result<bool, StoreError> {
        let config = &self.inner.config;
        let now = self.now();
        let forget = Forget {
            created_before: now.minus(config.retention.age),
            keep_newest: config.retention.deployments,
            limit: DEPLOYMENTS_AT_ONCE,
        };
        let forgotten = self.inner.store.forget_deployments(&forget).await?;
        let tombstone = now.minus(config.tombstone);
        let n_tombstones = self.inner.store.forget_tombstones(tombstone, TOMBSTONES_AT_ONCE).await?;
        if !forgotten.is_empty() || n_tombstones > 0 {
            let n_deployments = forgotten.len();
            tracing::info!(n_deployments, n_tombstones, "forgot old deployments and deregistered hosts");
        }
        Ok(forgotten.len() == DEPLOYMENTS_AT_ONCE || n_tombstones == TOMBSTONES_AT_ONCE)
    }
}
