//! `[triggers]`: how those are reached who want to be told.

use std::path::PathBuf;

use longshore_adapters::{Network, SnsConfig, WebhookConfig};
use longshore_model::notification::MessageForm;
use serde::Deserialize;

use super::ConfigError;
use super::check::{base_url, invalid};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTriggers {
    ca_file: Option<PathBuf>,
    webhook_networks: Vec<String>,
    payload: RawPayload,
    sns: Option<RawSns>,
}

/// The form of what triggers are sent.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawPayload {
    #[default]
    Observed,
    Guide,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawSns {
    endpoint: Option<String>,
}

impl RawTriggers {
    pub(super) fn payload(&self) -> MessageForm {
        match self.payload {
            RawPayload::Observed => MessageForm::Observed,
            RawPayload::Guide => MessageForm::Guide,
        }
    }

    pub(super) fn webhooks(&self) -> Result<WebhookConfig, ConfigError> {
        let networks = self.webhook_networks.iter().map(|text| {
            let not_one =
                |error| invalid("triggers.webhook_networks", format!("`{text}`"), &networks_rule(error));
            text.parse::<Network>().map_err(not_one)
        });
        Ok(WebhookConfig { ca_file: self.ca_file.clone(), networks: networks.collect::<Result<_, _>>()? })
    }

    pub(super) fn sns(&self) -> Result<Option<SnsConfig>, ConfigError> {
        let Some(RawSns { endpoint }) = &self.sns else { return Ok(None) };
        if let Some(endpoint) = endpoint {
            base_url("triggers.sns.endpoint", endpoint)?;
        }
        Ok(Some(SnsConfig { endpoint: endpoint.clone() }))
    }
}

fn networks_rule(_: longshore_adapters::NotANetwork) -> String {
    String::from("a list of networks such as `10.0.0.0/8`, or of addresses")
}

#[cfg(test)]
mod tests {
    use longshore_model::notification::MessageForm;

    use crate::config::tests::{check_refused, parse};

    #[test]
    fn topics_are_reached_if_asked_for_and_webhooks_always() {
        let outside = parse("").expect("empty").outside;
        assert!(outside.sns.is_none() && outside.webhooks.networks.is_empty());
        let text = "[triggers]\nca_file = \"/ca.pem\"\nwebhook_networks = [\"10.0.0.0/8\", \"::1\"]\n[triggers.sns]\n";
        let outside = parse(text).expect("triggers").outside;
        assert_eq!(outside.sns.expect("SNS").endpoint, None);
        assert_eq!(outside.webhooks.networks.len(), 2);
        assert_eq!(outside.webhooks.ca_file.expect("a file").to_str(), Some("/ca.pem"));
    }

    /// Source: service.md §10.1.
    #[test]
    fn messages_are_as_aws_sends_them_or_as_its_guide_shows_them() {
        let payload = |text: &str| parse(text).expect(text).trigger_payload;
        assert_eq!(payload(""), MessageForm::Observed);
        assert_eq!(payload("[triggers]\npayload = \"observed\""), MessageForm::Observed);
        assert_eq!(payload("[triggers]\npayload = \"guide\""), MessageForm::Guide);
        check_refused("[triggers]\npayload = \"xml\"", "unknown variant `xml`");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check_refused(
            "[triggers]\nwebhook_networks = [\"10.0.0.1/8\"]",
            "`triggers.webhook_networks` is `10.0.0.1/8`, but must be a list of networks",
        );
        check_refused("[triggers.sns]\nendpoint = \"sns\"", "`triggers.sns.endpoint` is sns");
        check_refused("[triggers.sns]\nregion = \"a\"", "unknown field `region`");
        check_refused("[triggers]\nca = 1", "unknown field `ca`");
    }
}
