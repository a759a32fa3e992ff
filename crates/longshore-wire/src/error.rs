//! The error that a caller sees: a code, a status and one sentence. Source: service.md §1.2, §1.3, §1.9.
//!
//! What went wrong inside stays in the source chain, for the log; it never reaches the wire.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use longshore_model::policy::Denial;
use serde::Serialize;

/// The source of an [`ApiError`].
pub type Source = Box<dyn Error + Send + Sync>;

/// An error answer.
#[derive(Debug)]
pub struct ApiError {
    /// The bare name of the exception.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// One sentence for the caller.
    pub message: String,
    /// What lies beneath, for the log only.
    pub source: Option<Source>,
}

impl ApiError {
    /// The caller's fault: status 400.
    pub fn client(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> ApiError {
        ApiError { code: code.into(), status: 400, message: message.into(), source: None }
    }

    /// Our fault; the caller learns nothing of it.
    pub fn internal(source: impl Into<Source>) -> ApiError {
        ApiError {
            code: Cow::Borrowed("InternalFailure"),
            status: 500,
            message: String::from("An internal error occurred. Try again."),
            source: Some(source.into()),
        }
    }

    /// Shutting down or overloaded: SDKs try again.
    pub fn unavailable(message: impl Into<String>) -> ApiError {
        let code = Cow::Borrowed("ServiceUnavailable");
        ApiError { code, status: 503, message: message.into(), source: None }
    }

    /// A constraint of the model for which it has no exception of its own.
    pub fn validation(message: impl Into<String>) -> ApiError {
        ApiError::client("ValidationException", message)
    }

    /// A body that cannot be read.
    pub fn serialization(message: impl Into<String>) -> ApiError {
        ApiError::client("SerializationException", message)
    }

    /// No target, or one that nobody answers.
    pub fn unknown_operation(message: impl Into<String>) -> ApiError {
        ApiError::client("UnknownOperationException", message)
    }

    /// Too many requests.
    pub fn throttling() -> ApiError {
        ApiError::client("ThrottlingException", "Rate exceeded")
    }

    /// Somebody may not do something.
    pub fn access_denied(denial: &Denial<'_>) -> ApiError {
        ApiError::client("AccessDeniedException", denial.to_string())
    }

    /// This error with what caused it, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> ApiError {
        self.source = Some(source.into());
        self
    }

    /// The body of the answer in JSON: exactly `{"__type":<code>,"message":<text>}`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.body()).expect("two texts have a JSON form")
    }

    /// The body of the answer in CBOR: a map of the same two members.
    pub fn to_cbor(&self) -> Vec<u8> {
        minicbor_serde::to_vec(self.body()).expect("two texts have a CBOR form")
    }

    fn body(&self) -> Body<'_> {
        Body { code: &self.code, message: &self.message }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "__type")]
    code: &'a str,
    message: &'a str,
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_two_members_and_no_more() {
        let error = ApiError::client("RoleRequiredException", "The \"role\" is missing.");
        assert_eq!(
            error.to_json(),
            r#"{"__type":"RoleRequiredException","message":"The \"role\" is missing."}"#
        );
    }

    #[test]
    fn what_failed_inside_stays_in_the_chain() {
        let error = ApiError::internal(std::io::Error::other("disk full"));
        assert_eq!(error.status, 500);
        assert!(!error.to_json().contains("disk"));
        assert_eq!(error.source().expect("kept").to_string(), "disk full");
    }
}
