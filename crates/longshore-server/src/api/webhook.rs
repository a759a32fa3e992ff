//! The secret that webhooks are signed with. With it anybody can sign what their receivers believe, so root
//! alone is shown it, whatever policies allow.

use longshore_wire::error::ApiError;
use longshore_wire::webhook::{GetWebhookSecretInput, GetWebhookSecretOutput};

use super::RequestContext;
use crate::authorize::Resource;

/// `GetWebhookSecret`.
pub(super) fn secret(
    ctx: &RequestContext<'_>,
    GetWebhookSecretInput {}: GetWebhookSecretInput,
) -> Result<GetWebhookSecretOutput, ApiError> {
    ctx.allowed(&Resource::All)?;
    if !ctx.caller.is_root {
        let message = "Only the root key is shown what webhooks are signed with.";
        return Err(ApiError::client("AccessDeniedException", message));
    }
    Ok(GetWebhookSecretOutput { webhook_secret: ctx.app.webhook_secret.clone() })
}
