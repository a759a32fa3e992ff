//! `GetDeploymentTimeline`, `ListScriptTimes` and `ListEvents`, Longshore's own operations on what happened:
//! their shapes, for server and command line.

use serde::{Deserialize, Serialize};

use crate::codec::Time;

/// The target of the operation on one deployment.
pub const GET_DEPLOYMENT_TIMELINE: &str = "Longshore_v1.GetDeploymentTimeline";
/// The target of the operation on how long the scripts of one deployment ran.
pub const LIST_SCRIPT_TIMES: &str = "Longshore_v1.ListScriptTimes";
/// The target of the operation on all of them.
pub const LIST_EVENTS: &str = "Longshore_v1.ListEvents";

/// Which deployment, for `GetDeploymentTimeline` and `ListScriptTimes`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PageOfDeploymentInput {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    /// Of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A page of its timeline, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetDeploymentTimelineOutput {
    /// What happened.
    pub entries: Vec<TimelineEntryInfo>,
    /// Of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// When the wait between two zones ends in which the deployment is now, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<Time>,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntryInfo {
    /// When.
    pub time: Time,
    /// To which host; absent when it concerns the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `deployment` and `host` for a new status, `decision` for what was planned and why.
    pub kind: String,
    /// The new status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// For people.
    pub text: String,
}

/// What some of its hosts said, in scheduling order; a page may be empty though more follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListScriptTimesOutput {
    /// The scripts of each host, in run order.
    pub script_times: Vec<ScriptTimeInfo>,
    /// Of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// How long a script ran on a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptTimeInfo {
    /// Where.
    pub host: String,
    /// The lifecycle event whose hook lists it.
    pub event: String,
    /// As the AppSpec names it; the host's word, as is the next.
    pub location: String,
    /// How long.
    pub seconds: f64,
}

/// From where on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListEventsInput {
    /// The place that an earlier answer gave; without it, the present end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// For how long to wait for an event if there is none, in seconds; at most 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
}

/// State-change events, in the order in which they happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEventsOutput {
    /// As EventBridge delivers them.
    pub events: Vec<serde_json::Value>,
    /// From where to go on.
    pub after: String,
}
