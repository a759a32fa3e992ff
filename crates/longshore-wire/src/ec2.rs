//! What an operator says and asks about the EC2 inventory, which CodeDeploy reads from EC2 instead.
//! Source: service.md §2.6.

use serde::{Deserialize, Serialize};

use crate::api::shapes::Tag;
use crate::codec::Time;

/// Adds an instance to the inventory, or replaces what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutEc2InstanceInput {
    /// `i-` and 8 or 17 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// The zone that it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// As EC2 spells it; `running` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The role of its instance profile, without its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// At most 50, no key twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// The Auto Scaling group that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group_name: Option<String>,
    /// What it was launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_template: Option<String>,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutEc2InstanceOutput {
    /// The instance as it is known now.
    pub instance: Ec2InstanceInfo,
}

/// Asks for the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEc2InstancesInput {
    /// Of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEc2InstancesOutput {
    /// By id.
    pub instances: Vec<Ec2InstanceInfo>,
    /// Present when there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Takes an instance out of the inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteEc2InstanceInput {
    /// Which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteEc2InstanceOutput {}

/// One instance of the inventory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ec2InstanceInfo {
    /// Its id.
    pub instance_id: String,
    /// Its ARN, as which its agent polls.
    pub instance_arn: String,
    /// The zone that it runs in.
    pub availability_zone: String,
    /// As EC2 spells it.
    pub state: String,
    /// The role of its instance profile.
    pub role_name: String,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The Auto Scaling group that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group_name: Option<String>,
    /// What it was launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_template: Option<String>,
    /// When the inventory was last told about it.
    pub update_time: Time,
    /// When its agent last polled, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_poll_time: Option<Time>,
    /// What its agent calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
}
