//! `ListAuditEvents`, Longshore's own operation on the audit trail: its shapes, for server and command line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::Time;

/// The target of the operation.
pub const LIST_AUDIT_EVENTS: &str = "Longshore_v1.ListAuditEvents";

/// Which events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListAuditEventsInput {
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The ARN of who signed, or what it ends in after a `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The operation's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A page of events, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListAuditEventsOutput {
    /// The events.
    pub events: Vec<AuditEventInfo>,
    /// Of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One call that changed something, or would have.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEventInfo {
    /// When it was answered.
    pub event_time: Time,
    /// The `x-amzn-RequestId` of its answer.
    pub request_id: String,
    /// The ARN of who signed; of an enrollment, its token.
    pub principal: String,
    /// The id of the key that signed.
    pub access_key_id: String,
    /// The other end of the connection.
    pub source_ip: String,
    /// As the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// `codedeploy`, `iam`, `sts`, `s3` or `longshore`.
    pub service: String,
    /// The operation's name.
    pub operation: String,
    /// What permission was asked on, in ARNs.
    pub resources: Vec<String>,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// The parameters that say which thing was meant.
    pub parameters: BTreeMap<String, String>,
}
