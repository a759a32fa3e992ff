//! What an operator asks about webhooks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Asks what webhooks are signed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetWebhookSecretInput {}

/// The answer to it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetWebhookSecretOutput {
    /// The key of the HMAC, as text.
    pub webhook_secret: String,
}

impl fmt::Debug for GetWebhookSecretOutput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GetWebhookSecretOutput").finish_non_exhaustive()
    }
}
