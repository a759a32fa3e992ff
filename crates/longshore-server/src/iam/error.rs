//! What can go wrong with an action, and the name and status that callers know it by.

use http::StatusCode;
use longshore_model::policy::PolicyError;
use longshore_store::StoreError;
use longshore_wire::error::ApiError;

/// Why an action was not carried out. The text is the caller's message.
#[derive(Debug, thiserror::Error)]
pub(super) enum IamError {
    #[error("The request does not name an Action.")]
    MissingAction,
    #[error("The action {0} is not available here.")]
    NotImplemented(String),
    #[error("The parameter {0} is not supported here.")]
    UnsupportedParameter(String),
    #[error("{0}")]
    AccessDenied(String),
    #[error(
        "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: {rule}"
    )]
    Validation { parameter: &'static str, value: String, rule: String },
    #[error("UserName must be given: the key that signed belongs to no user.")]
    NoUser,
    #[error("User with name {0} already exists.")]
    UserExists(String),
    #[error("The user with name {0} cannot be found.")]
    NoSuchUser(String),
    #[error("The Access Key with id {0} cannot be found.")]
    NoSuchAccessKey(String),
    #[error("Group with name {0} already exists.")]
    GroupExists(String),
    #[error("The group with name {0} cannot be found.")]
    NoSuchGroup(String),
    #[error("Role with name {0} already exists.")]
    RoleExists(String),
    #[error("The role with name {0} cannot be found.")]
    NoSuchRole(String),
    #[error("The {holder} policy with name {name} cannot be found.")]
    NoSuchPolicy { holder: String, name: String },
    #[error("{0}")]
    Session(&'static str),
    #[error("Cannot delete entity, must {0} first.")]
    DeleteConflict(&'static str),
    #[error("Cannot exceed quota for {what}: {limit}")]
    LimitExceeded { what: &'static str, limit: usize },
    #[error("{0}")]
    MalformedPolicyDocument(PolicyError),
    #[error("An internal error occurred. Please try again.")]
    Internal(#[from] StoreError),
    #[error("{message}")]
    Refused { code: String, status: StatusCode, message: String },
}

impl IamError {
    /// A refusal of the signature check, whose codes are those of the JSON protocol.
    pub(super) fn from_refusal(error: &ApiError) -> IamError {
        let (code, status) = match error.code.as_ref() {
            "MissingAuthenticationTokenException" => ("MissingAuthenticationToken", StatusCode::FORBIDDEN),
            "UnrecognizedClientException" => ("InvalidClientTokenId", StatusCode::FORBIDDEN),
            "InvalidSignatureException" => ("SignatureDoesNotMatch", StatusCode::FORBIDDEN),
            "ExpiredTokenException" => ("ExpiredToken", StatusCode::FORBIDDEN),
            "IncompleteSignatureException" => ("IncompleteSignature", StatusCode::BAD_REQUEST),
            "ThrottlingException" => ("Throttling", StatusCode::BAD_REQUEST),
            other => (other, StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST)),
        };
        IamError::Refused { code: code.to_owned(), status, message: error.message.clone() }
    }

    pub(super) fn code(&self) -> &str {
        match self {
            IamError::MissingAction => "MissingAction",
            IamError::NotImplemented(_) | IamError::UnsupportedParameter(_) => "NotImplemented",
            IamError::AccessDenied(_) => "AccessDenied",
            IamError::Validation { .. } | IamError::NoUser | IamError::Session(_) => "ValidationError",
            IamError::UserExists(_) | IamError::GroupExists(_) | IamError::RoleExists(_) => {
                "EntityAlreadyExists"
            }
            IamError::NoSuchUser(_)
            | IamError::NoSuchGroup(_)
            | IamError::NoSuchRole(_)
            | IamError::NoSuchAccessKey(_)
            | IamError::NoSuchPolicy { .. } => "NoSuchEntity",
            IamError::DeleteConflict(_) => "DeleteConflict",
            IamError::LimitExceeded { .. } => "LimitExceeded",
            IamError::MalformedPolicyDocument(_) => "MalformedPolicyDocument",
            IamError::Internal(_) => "ServiceFailure",
            IamError::Refused { code, .. } => code,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            IamError::MissingAction
            | IamError::Validation { .. }
            | IamError::NoUser
            | IamError::Session(_)
            | IamError::MalformedPolicyDocument(_) => StatusCode::BAD_REQUEST,
            IamError::NotImplemented(_) | IamError::UnsupportedParameter(_) => StatusCode::NOT_IMPLEMENTED,
            IamError::AccessDenied(_) => StatusCode::FORBIDDEN,
            IamError::NoSuchUser(_)
            | IamError::NoSuchGroup(_)
            | IamError::NoSuchRole(_)
            | IamError::NoSuchAccessKey(_)
            | IamError::NoSuchPolicy { .. } => StatusCode::NOT_FOUND,
            IamError::UserExists(_)
            | IamError::GroupExists(_)
            | IamError::RoleExists(_)
            | IamError::DeleteConflict(_)
            | IamError::LimitExceeded { .. } => StatusCode::CONFLICT,
            IamError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            IamError::Refused { status, .. } => *status,
        }
    }
}
