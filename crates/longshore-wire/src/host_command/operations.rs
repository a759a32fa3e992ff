//! The operations and exceptions of the host command service.
//!
//! Written by `tools/generate-wire` from `api-models/`; do not edit.

/// What stands before the dot in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "CodeDeployCommandService_v20141006";

/// An operation of the host command service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the model's own")]
pub enum HostOperation {
    GetDeploymentSpecification,
    PollHostCommand,
    PostHostCommandUpdate,
    PutHostCommandAcknowledgement,
    PutHostCommandComplete,
}

impl HostOperation {
    /// All operations, by name.
    pub const ALL: [HostOperation; 5] = [
        HostOperation::GetDeploymentSpecification,
        HostOperation::PollHostCommand,
        HostOperation::PostHostCommandUpdate,
        HostOperation::PutHostCommandAcknowledgement,
        HostOperation::PutHostCommandComplete,
    ];

    /// As the model spells it.
    pub fn name(self) -> &'static str {
        match self {
            HostOperation::GetDeploymentSpecification => "GetDeploymentSpecification",
            HostOperation::PollHostCommand => "PollHostCommand",
            HostOperation::PostHostCommandUpdate => "PostHostCommandUpdate",
            HostOperation::PutHostCommandAcknowledgement => "PutHostCommandAcknowledgement",
            HostOperation::PutHostCommandComplete => "PutHostCommandComplete",
        }
    }

    /// The operation spelled `name`; case matters.
    pub fn from_name(name: &str) -> Option<HostOperation> {
        HostOperation::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The value of `X-Amz-Target`.
    pub fn target(self) -> &'static str {
        match self {
            HostOperation::GetDeploymentSpecification => {
                "CodeDeployCommandService_v20141006.GetDeploymentSpecification"
            }
            HostOperation::PollHostCommand => "CodeDeployCommandService_v20141006.PollHostCommand",
            HostOperation::PostHostCommandUpdate => {
                "CodeDeployCommandService_v20141006.PostHostCommandUpdate"
            }
            HostOperation::PutHostCommandAcknowledgement => {
                "CodeDeployCommandService_v20141006.PutHostCommandAcknowledgement"
            }
            HostOperation::PutHostCommandComplete => {
                "CodeDeployCommandService_v20141006.PutHostCommandComplete"
            }
        }
    }

    /// Whether the model declares an output. An operation without one answers an empty body,
    /// one whose output has no members answers `{}`.
    pub fn has_output(self) -> bool {
        !matches!(self, HostOperation::PutHostCommandComplete)
    }
}

/// The modelled exceptions and their HTTP status, by name.
pub const EXCEPTIONS: &[(&str, u16)] = &[("ClientException", 400), ("ServerException", 500)];
