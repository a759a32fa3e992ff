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

/// The header by which a Longshore server says, with every answer, that it takes how long each script of a hook
/// ran: the member `scripts` of the diagnostics of a completion. AWS's service does not say so, and gets exactly
/// what AWS's agent sends.
pub const SCRIPT_TIMES_HEADER: &str = "x-longshore-script-times";

/// The value of [`SCRIPT_TIMES_HEADER`]: the only form of `scripts` that there is.
pub const SCRIPT_TIMES_FORM: &str = "1";

/// The most characters that the payload of an envelope may have.
pub const MAX_PAYLOAD_CHARS: usize = 8192;

/// The `DeploymentSystem` of every specification.
pub const DEPLOYMENT_SYSTEM: &str = "CodeDeploy";
