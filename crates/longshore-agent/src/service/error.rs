//! Why a call to the service has no good answer, and what that means for the caller.

use std::error::Error;
use std::fmt;

use longshore_model::evidence::Evidence;
use longshore_wire::client;
use longshore_wire::host_command::SIGNING_NAME;

use crate::causes::with_causes;
use crate::failure::{self, Evident};
use crate::identity::CredentialsError;

/// Codes that speak of our keys or clock, not of what we asked for.
const CREDENTIAL_CODES: [&str; 13] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClient",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignature",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "RequestExpired",
    "InvalidAccessKeyId",
    "InvalidToken",
    "TokenRefreshRequired",
];

/// Why a call has no good answer.
#[derive(Debug)]
pub enum CallError {
    /// There are no keys to sign with.
    Credentials(CredentialsError),
    /// The call was made, or tried.
    Call(client::CallError),
}

impl From<CredentialsError> for CallError {
    fn from(error: CredentialsError) -> CallError {
        CallError::Credentials(error)
    }
}

impl From<client::CallError> for CallError {
    fn from(error: client::CallError) -> CallError {
        CallError::Call(error)
    }
}

impl CallError {
    /// Whether the same call may succeed a little later: network, time-outs, 5xx, throttling.
    pub fn is_transient(&self) -> bool {
        match self {
            CallError::Credentials(_) => false,
            CallError::Call(error) => error.is_retryable(),
        }
    }

    /// Whether the service refused our keys or our clock.
    pub fn is_about_credentials(&self) -> bool {
        self.code().is_some_and(is_about_credentials)
    }

    /// Whether the service has understood the request and will never accept it.
    pub fn is_refusal(&self) -> bool {
        self.status().is_some_and(|status| (400..500).contains(&status))
            && !self.is_transient()
            && !self.is_about_credentials()
    }

    /// Whether no connection came about, or it broke.
    pub fn is_network(&self) -> bool {
        matches!(self, CallError::Call(client::CallError::Network { .. } | client::CallError::Timeout { .. }))
    }

    /// Whether the service may have done what it was asked to all the same: its answer was lost, or it
    /// failed at some point.
    pub fn may_have_been_taken(&self) -> bool {
        self.is_network() || self.status().is_some_and(|status| 500 <= status)
    }

    /// Whether the service's certificate was not believed.
    pub fn is_certificate(&self) -> bool {
        self.is_network() && self.sentence().contains("certificate")
    }

    /// The HTTP status, if the service answered with an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            CallError::Call(client::CallError::Service { status, .. }) => Some(*status),
            CallError::Call(_) | CallError::Credentials(_) => None,
        }
    }

    /// The bare name of the service's exception.
    pub fn code(&self) -> Option<&str> {
        match self {
            CallError::Call(error) => error.code(),
            CallError::Credentials(_) => None,
        }
    }

    /// What kind of error, for the log.
    pub fn class(&self) -> &str {
        match self {
            CallError::Credentials(_) => "MissingCredentialsError",
            CallError::Call(client::CallError::Service { code, .. }) => code,
            CallError::Call(client::CallError::Network { .. } | client::CallError::Timeout { .. }) => {
                "NetworkingError"
            }
            CallError::Call(client::CallError::Decode { .. }) => "ParserError",
            CallError::Call(client::CallError::Request { .. } | client::CallError::File { .. }) => {
                "ArgumentError"
            }
        }
    }

    /// The service's sentence, or our own with all its causes: what a person needs to read.
    pub fn sentence(&self) -> String {
        match self {
            CallError::Call(client::CallError::Service { message, code, .. }) => {
                if message.is_empty() {
                    code.clone()
                } else {
                    message.clone()
                }
            }
            CallError::Call(error) => with_causes(error),
            CallError::Credentials(error) => with_causes(error),
        }
    }
}

/// Whether a service's error of this name speaks of our keys or clock.
pub fn is_about_credentials(code: &str) -> bool {
    CREDENTIAL_CODES.contains(&code)
}

impl Evident for CallError {
    fn evidence(&self) -> Vec<Evidence> {
        let error = match self {
            CallError::Credentials(error) => return error.evidence(),
            CallError::Call(error) => error,
        };
        match error {
            client::CallError::Service { status, code, request_id, .. } => vec![Evidence::HttpRefusal {
                subject: SIGNING_NAME.to_owned(),
                status: *status,
                code: Some(failure::cut(code)),
                request_id: request_id.as_deref().map(failure::cut),
            }],
            client::CallError::Network { endpoint, .. } | client::CallError::Timeout { endpoint, .. } => {
                vec![Evidence::Unreachable { subject: endpoint.clone(), detail: self.sentence() }]
            }
            client::CallError::Decode { .. } => {
                vec![Evidence::RuleBroken {
                    rule: "unreadable_answer".to_owned(),
                    subjects: vec![SIGNING_NAME.to_owned()],
                }]
            }
            client::CallError::Request { .. } | client::CallError::File { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.class(), self.sentence())
    }
}

impl Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(status: u16, code: &str, message: &str) -> CallError {
        CallError::Call(client::CallError::Service {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: None,
            bucket_region: None,
        })
    }

    #[track_caller]
    fn check(status: u16, code: &str, is_transient: bool, is_refusal: bool) {
        let error = service(status, code, "m");
        assert_eq!((error.is_transient(), error.is_refusal()), (is_transient, is_refusal), "{status} {code}");
    }

    #[test]
    fn a_refusal_is_about_the_request_and_final() {
        check(400, "ClientException", false, true);
        check(404, "UnknownOperationException", false, true);
        check(400, "ThrottlingException", true, false);
        check(429, "TooManyRequestsException", true, false);
        check(500, "ServerException", true, false);
        check(503, "ServiceUnavailable", true, false);
        check(403, "InvalidSignatureException", false, false);
        check(403, "ExpiredTokenException", false, false);
    }

    #[test]
    fn a_person_reads_the_services_sentence() {
        assert_eq!(service(400, "ClientException", "No such host.").sentence(), "No such host.");
        assert_eq!(service(400, "ClientException", "").sentence(), "ClientException");
        let text = service(400, "ClientException", "No such host.").to_string();
        assert_eq!(text, "ClientException No such host.");
    }
}
