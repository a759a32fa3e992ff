//! Notifications that nobody took: `ListUndeliveredNotifications`, `ResendNotifications`.

use longshore_model::time::Timestamp;
use longshore_store::DeadDelivery;
use longshore_wire::error::ApiError;
use longshore_wire::notification::{
    ListUndeliveredNotificationsInput, ListUndeliveredNotificationsOutput, ResendNotificationsInput,
    ResendNotificationsOutput, UndeliveredNotification,
};

use super::RequestContext;
use crate::authorize::Resource;

/// `ListUndeliveredNotifications`: oldest first.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListUndeliveredNotificationsInput,
) -> Result<ListUndeliveredNotificationsOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::All)?;
    let found = engine.dead_deliveries(paging.page()).await.map_err(ApiError::internal)?;
    let (found, next_token) =
        paging.cut(found, |(created_at, dead)| format!("{:020}/{}", created_at.millis(), dead.delivery.id));
    let notifications = found.into_iter().map(|(created_at, dead)| info(created_at, dead)).collect();
    Ok(ListUndeliveredNotificationsOutput { notifications, next_token })
}

fn info(created_at: Timestamp, dead: DeadDelivery) -> UndeliveredNotification {
    let DeadDelivery { delivery, attempts, error } = dead;
    UndeliveredNotification {
        id: delivery.id,
        trigger: delivery.trigger,
        target: delivery.target,
        deployment_id: delivery.deployment.map(|id| id.to_string()),
        subject: delivery.subject,
        message: delivery.message,
        attempts,
        error,
        create_time: created_at.into(),
    }
}

/// `ResendNotifications`.
pub(super) async fn resend(
    ctx: &RequestContext<'_>,
    input: ResendNotificationsInput,
) -> Result<ResendNotificationsOutput, ApiError> {
    let engine = ctx.allowed(&Resource::All)?;
    let id = input.id.filter(|id| !id.is_empty());
    let resent = engine.revive_deliveries(id.as_deref()).await.map_err(ApiError::internal)?;
    if resent == 0
        && let Some(id) = id
    {
        let message = format!("There is no undelivered notification with the id `{id}`.");
        return Err(ApiError::validation(message));
    }
    Ok(ResendNotificationsOutput { resent })
}
