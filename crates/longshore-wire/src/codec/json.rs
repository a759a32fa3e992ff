//! AWS JSON 1.1: bodies to shapes and shapes to bodies. Source: service.md §1.1, §1.3 and §1.4.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{path, unexpected};
use crate::error::ApiError;

/// The `Content-Type` of both directions.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Reads a request body. An empty body is an empty object, unknown members are ignored, `null` is absent.
///
/// # Errors
/// `SerializationException` naming the member at fault.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
    // A sequence would be read as a structure's members in order; the protocol knows objects only.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(ApiError::serialization("The request body is a JSON array; an object was expected."));
    }
    serde_json::from_slice(body).map_err(|error| describe(body, &error))
}

/// Whether a request body is JSON at all; its members are [`decode`]'s matter.
///
/// # Errors
/// `SerializationException`.
pub fn check_syntax(body: &[u8]) -> Result<(), ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(body);
    read.map(drop).map_err(|error| describe(body, &error))
}

/// Writes an answer.
///
/// # Errors
/// `InternalFailure`: no shape of the models can fail (all map keys are texts).
pub fn encode<T: Serialize>(shape: &T) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(shape).map_err(ApiError::internal)
}

fn describe(body: &[u8], error: &serde_json::Error) -> ApiError {
    match error.classify() {
        serde_json::error::Category::Data => {
            let member = path::member_at(body, offset(body, error.line(), error.column()));
            unexpected(&member, without_position(&error.to_string()))
        }
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => {
            ApiError::serialization(format!("The request body is not JSON: {error}."))
        }
    }
}

/// The byte offset of a 1-based line and a column counted in bytes.
fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => body
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(0, |(idx, _)| idx + 1),
    };
    line_start + column
}

fn without_position(text: &str) -> &str {
    text.rsplit_once(" at line ").map_or(text, |(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::shapes::{CreateDeploymentInput, ListDeploymentsInput, TagResourceInput};

    #[track_caller]
    fn check_refused<T: DeserializeOwned + std::fmt::Debug>(body: &str, expected: &str) {
        let error = decode::<T>(body.as_bytes()).expect_err(body);
        assert_eq!(error.code, "SerializationException");
        assert!(error.message.contains(expected), "{} does not have {expected}", error.message);
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert_eq!(decode::<ListDeploymentsInput>(b"").expect("empty"), ListDeploymentsInput::default());
        assert_eq!(decode::<ListDeploymentsInput>(b" \n").expect("blank"), ListDeploymentsInput::default());
    }

    #[test]
    fn null_is_absent_and_unknown_members_are_ignored() {
        let input = decode::<ListDeploymentsInput>(br#"{"applicationName":null,"later":{"a":[1]}}"#);
        assert_eq!(input.expect("read"), ListDeploymentsInput::default());
    }

    #[test]
    fn an_error_names_the_member() {
        check_refused::<CreateDeploymentInput>(r#"{"applicationName":5}"#, "`applicationName`");
        check_refused::<CreateDeploymentInput>(r#"{"applicationName":{"a":1}}"#, "`applicationName`");
        check_refused::<CreateDeploymentInput>(r#"{"revision":{"s3Location":"x"}}"#, "`revision.s3Location`");
        check_refused::<CreateDeploymentInput>(
            "{\"applicationName\":\"a\",\n \"revision\":{\n\"s3Location\":{\"key\":[]}}}",
            "`revision.s3Location.key`",
        );
        check_refused::<CreateDeploymentInput>(
            r#"{"ignoreApplicationStopFailures":"true"}"#,
            "`ignoreApplicationStopFailures`",
        );
        check_refused::<TagResourceInput>(r#"{"Tags":[{"Key":"a"},{"Key":1}]}"#, "`Tags[1].Key`");
        check_refused::<CreateDeploymentInput>(r#"{"revision":[]}"#, "`revision`");
        check_refused::<TagResourceInput>(r#"{"Tags":[["k","v"]]}"#, "`Tags[0]`");
        check_refused::<ListDeploymentsInput>(
            r#"{"createTimeRange":{"start":"never","end":1}}"#,
            "`createTimeRange.start`",
        );
    }

    #[test]
    fn what_is_not_json_or_no_object_is_refused() {
        check_refused::<ListDeploymentsInput>("{", "not JSON");
        check_refused::<ListDeploymentsInput>("applicationName=a", "not JSON");
        check_refused::<ListDeploymentsInput>("[]", "array");
        check_refused::<ListDeploymentsInput>("3", "not as expected");
        check_refused::<ListDeploymentsInput>("{} x", "not JSON");
    }

    #[test]
    fn syntax_is_known_before_members() {
        for body in ["", " \n", "{}", r#"{"applicationName":5}"#, "[1]"] {
            assert!(check_syntax(body.as_bytes()).is_ok(), "{body}");
        }
        for body in ["{", "applicationName=a", "{} x", "\u{1}"] {
            assert_eq!(check_syntax(body.as_bytes()).expect_err(body).code, "SerializationException");
        }
    }
}
