//! The host command service: what an agent and the service say to each other. Source: service.md §9.

pub mod acknowledgement;
pub mod command_id;
pub mod diagnostics;
pub mod operations;
pub mod shapes;
pub mod specification;

pub use operations::HostOperation;

/// The target prefix when the agent runs with `enable_auth_policy`; the shapes are the same.
pub const SECURE_TARGET_PREFIX: &str = "CodeDeployCommandService";

/// The signing name of the classic flavour.
pub const SIGNING_NAME: &str = "codedeploy-commands";

/// The signing name of the secure flavour.
pub const SECURE_SIGNING_NAME: &str = "codedeploy-commands-secure";

/// The format of a specification's envelope.
pub const ENVELOPE_FORMAT: &str = "PKCS7/JSON";

/// The format of diagnostics.
pub const DIAGNOSTICS_FORMAT: &str = "JSON";

/// The most characters that the payload of an envelope may have.
pub const MAX_PAYLOAD_CHARS: usize = 8192;

/// The `DeploymentSystem` of every specification.
pub const DEPLOYMENT_SYSTEM: &str = "CodeDeploy";
