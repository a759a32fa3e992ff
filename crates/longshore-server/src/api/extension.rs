//! What only this service answers, under a target prefix of its own: hosts with their last contact; the
//! operations on enrollment tokens are in `enrollment`, those on GitHub tokens in `git_hub`, those on the
//! EC2 inventory in `ec2`, that on the secret of webhooks in `webhook`.

use longshore_model::host::{Host, HostContact};
use longshore_store::HostFilter;
use longshore_wire::api::convert::tag::from_host_tags;
use longshore_wire::api::shapes::Tag;
use longshore_wire::codec::Time;
use longshore_wire::error::ApiError;
use serde::{Deserialize, Serialize};

use super::{RequestContext, host};
use crate::authorize::Resource;

/// What stands before the dot in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "Longshore_v1";

/// An operation that only this service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtensionOperation {
    /// Makes a token with which machines enroll themselves as hosts.
    CreateEnrollmentToken,
    /// Takes an instance out of the EC2 inventory.
    DeleteEc2Instance,
    /// The EC2 inventory.
    ListEc2Instances,
    /// Enrollment tokens, without their secrets.
    ListEnrollmentTokens,
    /// What happened to a deployment, and why.
    GetDeploymentTimeline,
    /// What webhooks are signed with.
    GetWebhookSecret,
    /// Links an application to a token for a GitHub account.
    LinkApplicationToGitHub,
    /// Who changed what.
    ListAuditEvents,
    /// State changes of all deployments.
    ListEvents,
    /// Registered hosts with their last contact.
    ListHosts,
    /// How long each script of a deployment's hooks ran.
    ListScriptTimes,
    /// Notifications that nobody took.
    ListUndeliveredNotifications,
    /// Adds an instance to the EC2 inventory.
    PutEc2Instance,
    /// Keeps a token for a GitHub account.
    PutGitHubAccountToken,
    /// Tries notifications that nobody took again.
    ResendNotifications,
    /// Takes an enrollment token back.
    RevokeEnrollmentToken,
}

impl ExtensionOperation {
    /// All operations, by name.
    const ALL: [ExtensionOperation; 16] = [
        ExtensionOperation::CreateEnrollmentToken,
        ExtensionOperation::DeleteEc2Instance,
        ExtensionOperation::ListEc2Instances,
        ExtensionOperation::ListEnrollmentTokens,
        ExtensionOperation::GetDeploymentTimeline,
        ExtensionOperation::GetWebhookSecret,
        ExtensionOperation::LinkApplicationToGitHub,
        ExtensionOperation::ListAuditEvents,
        ExtensionOperation::ListEvents,
        ExtensionOperation::ListHosts,
        ExtensionOperation::ListScriptTimes,
        ExtensionOperation::ListUndeliveredNotifications,
        ExtensionOperation::PutEc2Instance,
        ExtensionOperation::PutGitHubAccountToken,
        ExtensionOperation::ResendNotifications,
        ExtensionOperation::RevokeEnrollmentToken,
    ];

    /// The operation spelled `name`.
    pub(crate) fn from_name(name: &str) -> Option<ExtensionOperation> {
        ExtensionOperation::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// As callers and policies spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ExtensionOperation::CreateEnrollmentToken => "CreateEnrollmentToken",
            ExtensionOperation::DeleteEc2Instance => "DeleteEc2Instance",
            ExtensionOperation::ListEc2Instances => "ListEc2Instances",
            ExtensionOperation::ListEnrollmentTokens => "ListEnrollmentTokens",
            ExtensionOperation::GetDeploymentTimeline => "GetDeploymentTimeline",
            ExtensionOperation::GetWebhookSecret => "GetWebhookSecret",
            ExtensionOperation::LinkApplicationToGitHub => "LinkApplicationToGitHub",
            ExtensionOperation::ListAuditEvents => "ListAuditEvents",
            ExtensionOperation::ListEvents => "ListEvents",
            ExtensionOperation::ListHosts => "ListHosts",
            ExtensionOperation::ListScriptTimes => "ListScriptTimes",
            ExtensionOperation::ListUndeliveredNotifications => "ListUndeliveredNotifications",
            ExtensionOperation::PutEc2Instance => "PutEc2Instance",
            ExtensionOperation::PutGitHubAccountToken => "PutGitHubAccountToken",
            ExtensionOperation::ResendNotifications => "ResendNotifications",
            ExtensionOperation::RevokeEnrollmentToken => "RevokeEnrollmentToken",
        }
    }
}

/// The input of `ListHosts`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListHostsInput {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The output of `ListHosts`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListHostsOutput {
    hosts: Vec<HostInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// One registered host.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HostInfo {
    name: String,
    arn: String,
    iam_arn: String,
    register_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_poll_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_version: Option<String>,
    tags: Vec<Tag>,
}

/// `ListHosts`: registered hosts by name, each with its last contact.
pub(super) async fn list_hosts(
    ctx: &RequestContext<'_>,
    mut input: ListHostsInput,
) -> Result<ListHostsOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::All)?;
    let registered = HostFilter { is_registered: Some(true), ..HostFilter::default() };
    let names = engine.hosts(&registered, paging.page()).await.map_err(host::refused)?;
    let (names, next_token) = paging.cut(names, ToString::to_string);
    let mut hosts = Vec::with_capacity(names.len());
    for name in &names {
        // A host that went away meanwhile is left out.
        let Ok(host) = engine.host(name).await else { continue };
        let contact = engine.contact(host.identity.principal()).await.map_err(host::refused)?;
        hosts.push(host_info(&host, contact));
    }
    Ok(ListHostsOutput { hosts, next_token })
}

fn host_info(host: &Host, contact: Option<HostContact>) -> HostInfo {
    let (last_poll_time, agent_version) = match contact {
        Some(contact) => (Some(contact.last_poll_at.into()), contact.agent_version),
        None => (None, None),
    };
    HostInfo {
        name: host.name.to_string(),
        arn: host.arn.to_string(),
        iam_arn: host.identity.principal().to_string(),
        register_time: host.registered_at.into(),
        last_poll_time,
        agent_version,
        tags: from_host_tags(&host.tags),
    }
}
