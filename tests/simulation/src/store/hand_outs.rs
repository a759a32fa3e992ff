//! What servers on one database know of each other's hand-outs, by the rules of the PostgreSQL store.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use async_trait::async_trait;
use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::target::TargetKey;
use longshore_model::time::Timestamp;
use longshore_store::passing::{Access, Passing as _};
use longshore_store::{DeploymentStore as _, HandOut, HandOutOutcome, News, Others, StoreError};
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
    is_ack_answered: bool,
}

impl HandOuts {
    /// When the target's present command was handed out, by the clock of the server that did.
    pub(crate) fn handed_out_at(&self, target: &TargetKey) -> Option<Timestamp> {
        self.0.get(target).map(|row| row.at)
    }

    fn hand_out(&mut self, wish: &HandOut, now: Timestamp, free_before: Timestamp) -> HandOutOutcome {
        if let Some(row) = self.0.get(&wish.target) {
            let is_another_event = row.event_idx != wish.event_idx;
            let is_free = !row.is_ack_answered && (row.server == wish.server || row.at <= free_before);
            if !is_another_event && !is_free {
                return HandOutOutcome::Elsewhere(row.at);
            }
        }
        let row =
            Row { event_idx: wish.event_idx, server: wish.server.clone(), at: now, is_ack_answered: false };
        self.0.insert(wish.target.clone(), row);
        HandOutOutcome::Ours
    }

    /// Says whether there was something to take back.
    fn take_back(&mut self, wish: &HandOut) -> bool {
        let is_there = self.0.get(&wish.target).is_some_and(|row| {
            row.event_idx == wish.event_idx && row.server == wish.server && !row.is_ack_answered
        });
        is_there && self.0.remove(&wish.target).is_some()
    }

    fn note_ack_answered(&mut self, target: &TargetKey, event_idx: u32) {
        let beginning = Timestamp::from_millis(0);
        let none = Row { event_idx, server: String::new(), at: beginning, is_ack_answered: false };
        let row = self.0.entry(target.clone()).or_insert(none);
        if row.event_idx <= event_idx {
            row.event_idx = event_idx;
            row.is_ack_answered = true;
        }
    }

    fn is_ack_answered(&self, target: &TargetKey, event_idx: u32) -> bool {
        self.0.get(target).is_some_and(|row| row.event_idx == event_idx && row.is_ack_answered)
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

    async fn note_ack_answered(&self, target: &TargetKey, event_idx: u32) -> Result<(), StoreError> {
        let work = async {
            let is_known = self.inner.deployment(&target.deployment).await?.is_some();
            if is_known {
                self.shared.hand_outs(|rows| rows.note_ack_answered(target, event_idx));
                self.shared.audit(|auditor| auditor.noted_ack_answered(target, event_idx));
            }
            Ok(())
        };
        self.pass("note_ack_answered", Access::Write, work).await
    }

    async fn is_ack_answered(&self, target: &TargetKey, event_idx: u32) -> Result<bool, StoreError> {
        let work = async { Ok(self.shared.hand_outs(|rows| rows.is_ack_answered(target, event_idx))) };
        self.pass("is_ack_answered", Access::Read, work).await
    }

    async fn forget_hand_outs(&self, deployment: &DeploymentId) -> Result<(), StoreError> {
        let work = async {
            self.shared.hand_outs(|rows| rows.0.retain(|target, _| target.deployment != *deployment));
            Ok(())
        };
        self.pass("forget_hand_outs", Access::Write, work).await
    }
}
