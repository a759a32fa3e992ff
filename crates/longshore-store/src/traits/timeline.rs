//! Timelines of deployments, and whom to tell of what they say.

use async_trait::async_trait;
use longshore_model::id::DeploymentId;
use longshore_model::notification::Delivery;
use longshore_model::time::Timestamp;
use longshore_model::timeline::TimelineEntry;

use crate::{Page, StoreError};

/// A place in the timeline of all deployments: that of the last entry before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelinePlace(pub i64);

/// A delivery that nobody tries any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadDelivery {
    /// What was to be delivered.
    pub delivery: Delivery,
    /// How often it was tried.
    pub attempts: u32,
    /// What was said the last time.
    pub error: String,
}

/// Entries are written by the writes that they tell of ([`DeploymentStore`](crate::DeploymentStore)).
#[async_trait]
pub trait TimelineStore: Send + Sync {
    /// One deployment's timeline in order, each entry with its key.
    async fn timeline(
        &self,
        deployment: &DeploymentId,
        page: &Page,
    ) -> Result<Vec<(String, TimelineEntry)>, StoreError>;
    /// The timeline of all deployments after `place`, each entry with its own place. No entry will appear
    /// later before one that was answered.
    async fn timeline_after(
        &self,
        place: TimelinePlace,
        limit: usize,
    ) -> Result<Vec<(TimelinePlace, TimelineEntry)>, StoreError>;
    /// The place after the last entry.
    async fn timeline_end(&self) -> Result<TimelinePlace, StoreError>;
}

/// What is to be told to people and programs, until it was taken.
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Up to where the timeline was turned into deliveries.
    async fn told(&self) -> Result<TimelinePlace, StoreError>;
    /// Adds what the timeline from `from` to `to` is to be told as, due at once, and moves the place.
    ///
    /// # Errors
    /// `Stale` when the place is not `from` any more: somebody else has done it.
    async fn tell(
        &self,
        from: TimelinePlace,
        to: TimelinePlace,
        deliveries: &[Delivery],
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Adds deliveries that no timeline has, due at once.
    async fn add_deliveries(&self, deliveries: &[Delivery], now: Timestamp) -> Result<(), StoreError>;
    /// Takes deliveries that are due, oldest first: nobody else gets them before `until`. Each comes with
    /// how often it was tried before.
    async fn take_deliveries(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Delivery, u32)>, StoreError>;
    /// Puts deliveries that were taken back, as if they had not been tried, due at `due_at`.
    async fn postpone_deliveries(&self, ids: &[String], due_at: Timestamp) -> Result<(), StoreError>;
    /// When the next delivery is due.
    async fn next_delivery(&self) -> Result<Option<Timestamp>, StoreError>;
    /// A delivery was taken by its target; it is forgotten.
    async fn delivered(&self, id: &str) -> Result<(), StoreError>;
    /// A delivery was not taken. It is tried again at `due_at`, or never when there is none.
    async fn not_delivered(&self, id: &str, error: &str, due_at: Option<Timestamp>)
    -> Result<(), StoreError>;
    /// Deliveries that nobody tries any more, oldest first. The page key is
    /// `<created millis, 20 digits>/<id>`.
    async fn dead_deliveries(&self, page: &Page) -> Result<Vec<(Timestamp, DeadDelivery)>, StoreError>;
    /// Tries dead deliveries again from the beginning: that of this id, or all. Answers how many.
    async fn revive_deliveries(&self, id: Option<&str>, now: Timestamp) -> Result<usize, StoreError>;
    /// Forgets dead deliveries that were made before.
    async fn forget_deliveries(&self, created_before: Timestamp) -> Result<usize, StoreError>;
}
