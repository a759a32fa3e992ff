//! What servers on one database know of each other's hand-outs, by the rules of the PostgreSQL store.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use async_trait::async_trait;
use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::target::TargetKey;
use longshore_model::time::Timestamp;
use longshore_store::passing::{Access, Passing as _};
use longshore_store::{HandOut, HandOutOutcome, News, Others, StoreError};
use tokio::sync::broadcast;

use super::SimulatedStore;

/// The table of hand-outs.
#[derive(Debug, Default)]
pub(crate) struct HandOuts(BTreeMap<TargetKey, Row>);

#[derive(Debug)]
struct Row {
    event_idx: u32,
    server: String,
    at: Timestamp,
}

impl HandOuts {
    /// When the target's present command was handed out, by the clock of the server that did.
    pub(crate) fn handed_out_at(&self, target: &TargetKey) -> Option<Timestamp> {
        self.0.get(target).map(|row| row.at)
    }

    fn hand_out(&mut self, wish: &HandOut, now: Timestamp, free_before: Timestamp) -> HandOutOutcome {
        if let Some(row) = self.0.get(&wish.target) {
            let is_another_event = row.event_idx != wish.event_idx;
            let is_free = row.server == wish.server || row.at <= free_before;
            if !is_another_event && !is_free {
                return HandOutOutcome::Elsewhere(row.at);
            }
        }
        let row = Row { event_idx: wish.event_idx, server: wish.server.clone(), at: now };
        self.0.insert(wish.target.clone(), row);
        HandOutOutcome::Ours
    }

    /// Says whether there was something to take back.
    fn take_back(&mut self, wish: &HandOut) -> bool {
        let is_held = |row: &Row| row.event_idx == wish.event_idx && row.server == wish.server;
        let is_there = self.0.get(&wish.target).is_some_and(is_held);
        is_there && self.0.remove(&wish.target).is_some()
    }
}

#[async_trait]
impl Others for SimulatedStore {
    fn news(&self) -> broadcast::Receiver<News> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (first, &self.hearing) {
            (Some(first), _) => first,
            (None, Some(hearing)) => hearing.subscribe(),
            // Nobody asks: there are no others.
            (None, None) => broadcast::Sender::new(1).subscribe(),
        }
    }

    async fn waiting_principals(&self) -> Result<Vec<PrincipalArn>, StoreError> {
        let work = async { Ok(self.shared.audit(|auditor| auditor.waiting_principals())) };
        self.pass("waiting_principals", Access::Read, work).await
    }

    async fn hand_out(
        &self,
        hand_out: &HandOut,
        now: Timestamp,
        free_before: Timestamp,
    ) -> Result<HandOutOutcome, StoreError> {
        let work = async { Ok(self.shared.hand_outs(|rows| rows.hand_out(hand_out, now, free_before))) };
        self.pass("hand_out", Access::Write, work).await
    }

    async fn take_back(&self, hand_out: &HandOut) -> Result<(), StoreError> {
        let work = async {
            if self.shared.hand_outs(|rows| rows.take_back(hand_out)) {
                self.tells([News::Commands(hand_out.principal.clone())]);
            }
            Ok(())
        };
        self.pass("take_back", Access::Write, work).await
    }

    async fn forget_hand_outs(&self, deployment: &DeploymentId) -> Result<(), StoreError> {
        let work = async {
            self.shared.hand_outs(|rows| rows.0.retain(|target, _| target.deployment != *deployment));
            Ok(())
        };
        self.pass("forget_hand_outs", Access::Write, work).await
    }
}
