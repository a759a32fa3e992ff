//! The audit trail.

use longshore_wire::audit::{LIST_AUDIT_EVENTS, ListAuditEventsInput, ListAuditEventsOutput};

use super::{SIGNING_NAME, Service, explained};

impl Service {
    /// One page of the audit trail, oldest first.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub(crate) async fn audit_events(
        &self,
        input: &ListAuditEventsInput,
    ) -> anyhow::Result<ListAuditEventsOutput> {
        let answer = self.client.call_json(SIGNING_NAME, LIST_AUDIT_EVENTS, input).await;
        explained(answer, "cannot read the audit trail")
    }
}
