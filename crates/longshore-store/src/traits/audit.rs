//! The audit trail.

use async_trait::async_trait;
use longshore_model::audit::AuditEvent;
use longshore_model::time::Timestamp;

use crate::{Page, StoreError};

/// Which events are meant; all of what is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// The principal's ARN, or what it ends in after a `/`.
    pub principal: Option<String>,
    /// The operation's name.
    pub operation: Option<String>,
}

/// Events are added and, when they are old, forgotten; never altered.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Adds an event, and forgets some of those from before `forget_before`: more than are added, so that in
    /// the end none is left.
    async fn add_audit_event(&self, event: &AuditEvent, forget_before: Timestamp) -> Result<(), StoreError>;
    /// Counts the events that were ever added: it is another one after each.
    async fn audit_end(&self) -> Result<i64, StoreError>;
    /// Events in the order in which they were added, each with its key.
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Vec<(String, AuditEvent)>, StoreError>;
}
