//! Hosts: registered on-premises instances, their IAM users and their tags.

use std::str::FromStr;

use anyhow::{Context, bail};
use longshore_wire::api::{Operation, shapes};
use longshore_wire::sigv4::Credentials;
use serde::{Deserialize, Serialize};

use super::{Ignored, SIGNING_NAME, Service, explained};
use crate::host_files::Identity;

/// The IAM path of hosts' users, the one that `aws deploy register` uses.
const USER_PATH: &str = "/AWS/CodeDeploy/";
/// The name of the policy that lets a host read bundles, as `aws deploy register` names it.
const POLICY_NAME: &str = "codedeploy-agent";
/// What a host may do besides polling and reporting as itself.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;
/// The version of the IAM API that the query protocol names in each call.
const IAM_VERSION: &str = "2010-05-08";
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

    /// Makes `name` a host: an IAM user with a key and the right to read bundles, registered under the
    /// name and tagged, all as `aws deploy register` does it. What was made is taken back on failure.
    pub(crate) async fn register_host(&self, name: &str, tags: &[Tag]) -> anyhow::Result<Identity> {
        let iam_user_arn = self.create_user(name).await?;
        match self.register_user(name, &iam_user_arn, tags).await {
            Ok(credentials) => {
                Ok(Identity { iam_user_arn, credentials, region: self.connection.region.clone() })
            }
            Err(error) => {
                self.delete_user(name).await;
                Err(error)
            }
        }
    }

    async fn register_user(
        &self,
        name: &str,
        iam_user_arn: &str,
        tags: &[Tag],
    ) -> anyhow::Result<Credentials> {
        let credentials = self.create_access_key(name).await?;
        self.put_user_policy(name).await?;
        self.register_instance(name, iam_user_arn).await?;
        if !tags.is_empty()
            && let Err(error) = self.add_tags(name, tags).await
        {
            self.deregister_instance(name).await;
            return Err(error);
        }
        Ok(credentials)
    }

    async fn iam(&self, action: &str, name: &str, params: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut all = vec![("Action", action), ("Version", IAM_VERSION), ("UserName", name)];
        all.extend_from_slice(params);
        explained(
            self.client.query("iam", &all).await,
            format!("cannot register the host `{name}` ({action})"),
        )
    }

    async fn create_user(&self, name: &str) -> anyhow::Result<String> {
        let answer = self.iam("CreateUser", name, &[("Path", USER_PATH)]).await?;
        element(&answer, "Arn").context("the server answered no ARN of the user")
    }

    async fn create_access_key(&self, name: &str) -> anyhow::Result<Credentials> {
        let answer = self.iam("CreateAccessKey", name, &[]).await?;
        let (Some(access_key_id), Some(secret_access_key)) =
            (element(&answer, "AccessKeyId"), element(&answer, "SecretAccessKey"))
        else {
            bail!("the server answered no access key");
        };
        Ok(Credentials { access_key_id, secret_access_key, session_token: None })
    }

    async fn put_user_policy(&self, name: &str) -> anyhow::Result<()> {
        let params = [("PolicyName", POLICY_NAME), ("PolicyDocument", POLICY)];
        self.iam("PutUserPolicy", name, &params).await.map(drop)
    }

    async fn register_instance(&self, name: &str, iam_user_arn: &str) -> anyhow::Result<()> {
        let input = shapes::RegisterOnPremisesInstanceInput {
            instance_name: Some(name.to_owned()),
            iam_user_arn: Some(iam_user_arn.to_owned()),
            ..shapes::RegisterOnPremisesInstanceInput::default()
        };
        let registered: Result<Ignored, _> = self.call(Operation::RegisterOnPremisesInstance, &input).await;
        explained(registered, format!("cannot register the host `{name}`")).map(drop)
    }

    async fn add_tags(&self, name: &str, tags: &[Tag]) -> anyhow::Result<()> {
        let tags =
            tags.iter().map(|tag| shapes::Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) });
        let input = shapes::AddTagsToOnPremisesInstancesInput {
            instance_names: Some(vec![name.to_owned()]),
            tags: Some(tags.collect()),
        };
        let added: Result<Ignored, _> = self.call(Operation::AddTagsToOnPremisesInstances, &input).await;
        explained(added, format!("cannot tag the host `{name}`")).map(drop)
    }

    /// Takes back a registration; the error that led here is the one to tell.
    async fn deregister_instance(&self, name: &str) {
        let input = shapes::DeregisterOnPremisesInstanceInput { instance_name: Some(name.to_owned()) };
        let _: Result<Ignored, _> = self.call(Operation::DeregisterOnPremisesInstance, &input).await;
    }

    /// Takes back a user that was made a moment ago, as far as it got.
    async fn delete_user(&self, name: &str) {
        let _ = self.iam("DeleteUserPolicy", name, &[("PolicyName", POLICY_NAME)]).await;
        if let Ok(answer) = self.iam("ListAccessKeys", name, &[]).await
            && let Some(key) = element(&answer, "AccessKeyId")
        {
            let _ = self.iam("DeleteAccessKey", name, &[("AccessKeyId", &key)]).await;
        }
        let _ = self.iam("DeleteUser", name, &[]).await;
    }
}

/// The text of the first element called `name`. IAM's answers are flat, and the values read here (ARNs
/// and keys) have no character that XML escapes.
fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
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

    #[test]
    fn keys_are_read_from_iams_answer() {
        let answer = "<R><AccessKey><AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>s/e+c</SecretAccessKey></AccessKey></R>";
        assert_eq!(element(answer, "SecretAccessKey").as_deref(), Some("s/e+c"));
        assert_eq!(element(answer, "UserName"), None);
    }
}
