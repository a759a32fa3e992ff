//! The shapes of the host command service.
//!
//! Written by `tools/generate-wire` from `api-models/`; do not edit.

#![expect(missing_docs, reason = "the members are the model's own")]

use serde::{Deserialize, Serialize};

use crate::codec::{Time, structure};

/// The values of `DeploymentCommandStatus`.
pub const DEPLOYMENT_COMMAND_STATUS: &[&str] = &["Pending", "InProgress", "Succeeded", "Failed"];

/// The structure `DeploymentSpecification`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentSpecification {
    #[serde(rename = "GenericEnvelope", default, skip_serializing_if = "Option::is_none")]
    pub generic_envelope: Option<Envelope>,
    #[serde(rename = "VariantEnvelope", default, skip_serializing_if = "Option::is_none")]
    pub variant_envelope: Option<Envelope>,
    #[serde(rename = "VariantId", default, skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<String>,
}

structure!(DeploymentSpecification);

/// The structure `Envelope`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Envelope {
    #[serde(rename = "Format", default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    #[serde(rename = "Payload", default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

structure!(Envelope);

/// The structure `GetDeploymentSpecificationInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentSpecificationInput {
    #[serde(rename = "DeploymentExecutionId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_execution_id: Option<String>,
    #[serde(rename = "HostIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_identifier: Option<String>,
}

structure!(GetDeploymentSpecificationInput);

/// The structure `GetDeploymentSpecificationOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentSpecificationOutput {
    #[serde(rename = "DeploymentSpecification", default, skip_serializing_if = "Option::is_none")]
    pub deployment_specification: Option<DeploymentSpecification>,
    #[serde(rename = "DeploymentSystem", default, skip_serializing_if = "Option::is_none")]
    pub deployment_system: Option<String>,
}

structure!(GetDeploymentSpecificationOutput);

/// The structure `HostCommandInstance`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
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

structure!(HostCommandInstance);

/// The structure `PollHostCommandInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PollHostCommandInput {
    #[serde(rename = "HostIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_identifier: Option<String>,
}

structure!(PollHostCommandInput);

/// The structure `PollHostCommandOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PollHostCommandOutput {
    #[serde(rename = "HostCommand", default, skip_serializing_if = "Option::is_none")]
    pub host_command: Option<HostCommandInstance>,
}

structure!(PollHostCommandOutput);

/// The structure `PostHostCommandUpdateInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PostHostCommandUpdateInput {
    #[serde(rename = "Diagnostics", default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Envelope>,
    #[serde(rename = "EstimatedCompletionTime", default, skip_serializing_if = "Option::is_none")]
    pub estimated_completion_time: Option<Time>,
    #[serde(rename = "HostCommandIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_command_identifier: Option<String>,
}

structure!(PostHostCommandUpdateInput);

/// The structure `PostHostCommandUpdateOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PostHostCommandUpdateOutput {
    #[serde(rename = "CommandStatus", default, skip_serializing_if = "Option::is_none")]
    pub command_status: Option<String>,
}

structure!(PostHostCommandUpdateOutput);

/// The structure `PutHostCommandAcknowledgementInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PutHostCommandAcknowledgementInput {
    #[serde(rename = "Diagnostics", default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Envelope>,
    #[serde(rename = "HostCommandIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_command_identifier: Option<String>,
}

structure!(PutHostCommandAcknowledgementInput);

/// The structure `PutHostCommandAcknowledgementOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PutHostCommandAcknowledgementOutput {
    #[serde(rename = "CommandStatus", default, skip_serializing_if = "Option::is_none")]
    pub command_status: Option<String>,
}

structure!(PutHostCommandAcknowledgementOutput);

/// The structure `PutHostCommandCompleteInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PutHostCommandCompleteInput {
    #[serde(rename = "CommandStatus", default, skip_serializing_if = "Option::is_none")]
    pub command_status: Option<String>,
    #[serde(rename = "Diagnostics", default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Envelope>,
    #[serde(rename = "HostCommandIdentifier", default, skip_serializing_if = "Option::is_none")]
    pub host_command_identifier: Option<String>,
}

structure!(PutHostCommandCompleteInput);
