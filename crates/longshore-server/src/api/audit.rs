//! `ListAuditEvents`: who changed what.

use longshore_model::audit::AuditEvent;
use longshore_store::{AuditFilter, StoreError};
use longshore_wire::audit::{AuditEventInfo, ListAuditEventsInput, ListAuditEventsOutput};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// `ListAuditEvents`: oldest first.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListAuditEventsInput,
) -> Result<ListAuditEventsOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::All)?;
    let filter = AuditFilter {
        since: input.since.map(Into::into),
        until: input.until.map(Into::into),
        principal: input.principal.filter(|text| !text.is_empty()),
        operation: input.operation.filter(|text| !text.is_empty()),
    };
    let found = engine.store().audit_events(&filter, paging.page()).await.map_err(refused)?;
    let (found, next_token) = paging.cut(found, |(key, _)| key.clone());
    let events = found.into_iter().map(|(_, event)| info(event)).collect();
    Ok(ListAuditEventsOutput { events, next_token })
}

fn info(event: AuditEvent) -> AuditEventInfo {
    AuditEventInfo {
        event_time: event.event_time.into(),
        request_id: event.request_id,
        principal: event.principal,
        access_key_id: event.access_key_id,
        source_ip: event.source_ip,
        user_agent: event.user_agent,
        service: event.service,
        operation: event.operation,
        resources: event.resources,
        outcome: event.outcome,
        parameters: event.parameters,
    }
}

fn refused(error: StoreError) -> ApiError {
    ApiError::internal(error)
}
