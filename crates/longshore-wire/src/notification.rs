//! Longshore's own operations on notifications that nobody took: their shapes, for server and command line.

use serde::{Deserialize, Serialize};

use crate::codec::Time;

/// The target of the list.
pub const LIST_UNDELIVERED_NOTIFICATIONS: &str = "Longshore_v1.ListUndeliveredNotifications";
/// The target of the operation that sends them again.
pub const RESEND_NOTIFICATIONS: &str = "Longshore_v1.ResendNotifications";

/// Which page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListUndeliveredNotificationsInput {
    /// Of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A page of notifications that are not tried any more, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListUndeliveredNotificationsOutput {
    /// The notifications.
    pub notifications: Vec<UndeliveredNotification>,
    /// Of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A notification that nobody took.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndeliveredNotification {
    /// Its id, the same at every attempt.
    pub id: String,
    /// The trigger's name.
    pub trigger: String,
    /// Where it was to go.
    pub target: String,
    /// The deployment that it tells of; absent for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    /// One line.
    pub subject: String,
    /// JSON text.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What was said the last time.
    pub error: String,
    /// When it was made.
    pub create_time: Time,
}

/// Which.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResendNotificationsInput {
    /// Only this one; without it, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResendNotificationsOutput {
    /// How many are tried again.
    pub resent: usize,
}
