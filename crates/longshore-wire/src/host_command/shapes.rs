//! The shapes of the host command service.
//!
//! Written by `tools/generate-wire` from `api-models/`; do not edit.

#![expect(missing_docs, reason = "the members are the model's own")]

use serde::{Deserialize, Serialize};

use crate::codec::Time;

/// The values of `DeploymentCommandStatus`.
pub const DEPLOYMENT_COMMAND_STATUS: &[&str] = &["Pending", "InProgress", "Succeeded", "Failed"];

/// The structure `DeploymentSpecification`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeploymentSpecification {
    #[serde(rename = "GenericEnvelope", default, skip_serializing_if = "Option::is_none")]
    pub generic_envelope: Option<Envelope>,
    #[serde(rename = "VariantEnvelope", default, skip_serializing_if = "Option::is_none")]
    pub variant_envelope: Option<Envelope>,
    #[serde(rename = "VariantId", default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<String>,
}

/// The structure `Envelope`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    #[serde(rename = "Format", default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    #[serde(rename = "Payload", default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// The structure `GetDeploymentSpecificationInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GetDeploymentSpecificationInput {
    #[serde(rename = "DeploymentExecutionId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_execution_id: Option<String>,
    #[serde(rename = "HostIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_identifier: Option<String>,
}

/// The structure `GetDeploymentSpecificationOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GetDeploymentSpecificationOutput {
    #[serde(rename = "DeploymentSpecification", default, skip_serializing_if = "Option::is_none")]
    pub deployment_specification: Option<DeploymentSpecification>,
    #[serde(rename = "DeploymentSystem", default, skip_serializing_if = "Option::is_none")]
    pub deployment_system: Option<String>,
}

/// The structure `HostCommandInstance`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostCommandInstance {
    #[serde(rename = "CommandName", default, skip_serializing_if = "Option::is_none")]
    pub command_name: Option<String>,
    #[serde(rename = "DeploymentExecutionId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_execution_id: Option<String>,
    #[serde(rename = "HostCommandIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_command_identifier: Option<String>,
    #[serde(rename = "HostIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_identifier: Option<String>,
    #[serde(rename = "Nonce", default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<i64>,
}

/// The structure `PollHostCommandInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PollHostCommandInput {
    #[serde(rename = "HostIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_identifier: Option<String>,
}

/// The structure `PollHostCommandOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PollHostCommandOutput {
    #[serde(rename = "HostCommand", default, skip_serializing_if = "Option::is_none")]
    pub host_command: Option<HostCommandInstance>,
}

/// The structure `PostHostCommandUpdateInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PostHostCommandUpdateInput {
    #[serde(rename = "Diagnostics", default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Envelope>,
    #[serde(rename = "EstimatedCompletionTime", default, skip_serializing_if = "Option::is_none")]
    pub estimated_completion_time: Option<Time>,
    #[serde(rename = "HostCommandIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_command_identifier: Option<String>,
}

/// The structure `PostHostCommandUpdateOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PostHostCommandUpdateOutput {
    #[serde(rename = "CommandStatus", default, skip_serializing_if = "Option::is_none")]
    pub command_status: Option<String>,
}

/// The structure `PutHostCommandAcknowledgementInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PutHostCommandAcknowledgementInput {
    #[serde(rename = "Diagnostics", default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Envelope>,
    #[serde(rename = "HostCommandIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_command_identifier: Option<String>,
}

/// The structure `PutHostCommandAcknowledgementOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PutHostCommandAcknowledgementOutput {
    #[serde(rename = "CommandStatus", default, skip_serializing_if = "Option::is_none")]
    pub command_status: Option<String>,
}

/// The structure `PutHostCommandCompleteInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PutHostCommandCompleteInput {
    #[serde(rename = "CommandStatus", default, skip_serializing_if = "Option::is_none")]
    pub command_status: Option<String>,
    #[serde(rename = "Diagnostics", default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Envelope>,
    #[serde(rename = "HostCommandIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_command_identifier: Option<String>,
}
