//! Hosts: registered on-premises instances and their tags.

use std::str::FromStr;

use longshore_wire::api::shapes;
use serde::{Deserialize, Serialize};

use super::{SIGNING_NAME, Service, explained};

/// An operation of Longshore's own: hosts with what is known of their agents.
const LIST_HOSTS: &str = "Longshore_v1.ListHosts";

/// A tag of a host: a pair, of which a key may have several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    /// 1 to 128 characters.
    pub(crate) key: String,
    /// Up to 256 characters.
    #[serde(default)]
    pub(crate) value: String,
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Tag, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Tag { key: key.to_owned(), value: value.to_owned() }),
            Some(_) | None => Err(String::from("write it as Key=Value")),
        }
    }
}

impl Tag {
    /// A filter that takes hosts with exactly this tag.
    pub(super) fn to_filter(&self) -> shapes::TagFilter {
        shapes::TagFilter {
            key: Some(self.key.clone()),
            value: Some(self.value.clone()),
            r#type: Some(String::from("KEY_AND_VALUE")),
        }
    }

    /// As people write it.
    pub(crate) fn text(&self) -> String {
        format!("{}={}", self.key, self.value)
    }
}

/// A host as the server knows it; also what `--output json` shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownHost {
    /// Its name.
    pub(crate) name: String,
    /// Drawn at registration.
    pub(crate) arn: String,
    /// As whom it polls.
    pub(crate) iam_arn: String,
    /// When it was registered: seconds since the epoch.
    pub(crate) register_time: f64,
    /// When it last polled, if ever: seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_poll_time: Option<f64>,
    /// What its agent calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent_version: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListHostsInput {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListHostsOutput {
    #[serde(default)]
    hosts: Vec<KnownHost>,
    next_token: Option<String>,
}

impl Service {
    /// All registered hosts.
    pub(crate) async fn hosts(&self) -> anyhow::Result<Vec<KnownHost>> {
        let mut hosts = Vec::new();
        let mut input = ListHostsInput { next_token: None };
        loop {
            let answer = self.client.call_json(SIGNING_NAME, LIST_HOSTS, &input).await;
            let answer: ListHostsOutput = explained(answer, "cannot list the hosts")?;
            hosts.extend(answer.hosts);
            match answer.next_token {
                Some(token) => input.next_token = Some(token),
                None => return Ok(hosts),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_tag(text: &str, expected: Option<(&str, &str)>) {
        let tag: Option<Tag> = text.parse().ok();
        assert_eq!(tag.as_ref().map(|tag| (tag.key.as_str(), tag.value.as_str())), expected, "{text}");
    }

    #[test]
    fn a_tag_is_a_key_and_a_value() {
        check_tag("env=prod", Some(("env", "prod")));
        check_tag("env=", Some(("env", "")));
        check_tag("q=a=b", Some(("q", "a=b")));
        check_tag("env", None);
        check_tag("=prod", None);
    }
}
