//! What webhooks are signed with.

use longshore_wire::webhook::{GetWebhookSecretInput, GetWebhookSecretOutput};

use super::{SIGNING_NAME, Service, explained};

const GET: &str = "Longshore_v1.GetWebhookSecret";

impl Service {
    /// The secret; root alone is shown it.
    pub(crate) async fn webhook_secret(&self) -> anyhow::Result<String> {
        let answer = self.client.call_json(SIGNING_NAME, GET, &GetWebhookSecretInput {}).await;
        let GetWebhookSecretOutput { webhook_secret } = explained(answer, "cannot show the webhook secret")?;
        Ok(webhook_secret)
    }
}
