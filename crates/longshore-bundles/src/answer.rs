//! Completes answers: a message where `s3s` gives none, a request id, no body where HTTP has none.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use s3s::{Body, S3Error, S3ErrorCode};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Completes `response`. `clocks` are the request's date and the server's, for messages.
pub(crate) fn completed(mut response: Response<Body>, clocks: &Clocks) -> Response<Body> {
    let request_id = Uuid::new_v4().simple().to_string()[..16].to_ascii_uppercase();
    if response.status() == StatusCode::OK && response.headers().contains_key(CONTENT_RANGE) {
        // `s3s` does so for a GET, and not for a HEAD.
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::empty();
    } else if let Some(xml) = error_xml(&response) {
        if let Some(code) = error_code(&xml) {
            response.extensions_mut().insert(ErrorCode(code.to_owned()));
        }
        *response.body_mut() = Body::from(with_message(&xml, &request_id, clocks));
        // An error with headers of its own comes without this one.
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    }
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Among the extensions of an answer that is an error: which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCode(pub String);

fn error_code(xml: &str) -> Option<&str> {
    xml.split_once("<Code>")?.1.split_once("</Code>").map(|(code, _)| code)
}

/// The times that a refusal for skew names.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    /// `x-amz-date` as sent.
    pub(crate) request: Option<String>,
    /// The server's time in the same form.
    pub(crate) server: String,
}

/// An error as an answer.
pub(crate) fn error_response(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn error_xml(response: &Response<Body>) -> Option<String> {
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return None;
    }
    let bytes = response.body().bytes()?;
    String::from_utf8(bytes.to_vec()).ok().filter(|xml| xml.contains("<Error>"))
}

fn with_message(xml: &str, request_id: &str, clocks: &Clocks) -> String {
    let mut xml = xml.to_owned();
    if let Some((before, after)) = xml.split_once("</Code>") {
        let code = before.rsplit("<Code>").next().unwrap_or_default();
        let replaces = code == "RequestTimeTooSkewed";
        if !after.contains("<Message>") {
            let message = default_message(code).unwrap_or("The request cannot be served.");
            xml = format!("{before}</Code><Message>{message}</Message>{after}");
        } else if replaces && let Some((_, rest)) = after.split_once("</Message>") {
            xml = format!("{before}</Code>{}{rest}", skew(clocks));
        }
    }
    let end = "</Error>";
    if !xml.contains("<RequestId>") && xml.ends_with(end) {
        xml.truncate(xml.len() - end.len());
        xml = format!("{xml}<RequestId>{request_id}</RequestId>{end}");
    }
    xml
}

fn skew(clocks: &Clocks) -> String {
    // The date was read as a date by then, so it holds no markup; anything else is not repeated.
    let is_date = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let request = clocks.request.as_deref().filter(is_date).unwrap_or("unknown");
    let server = &clocks.server;
    format!(
        "<Message>The difference between the request time and the server's time is too large: \
         the request is of {request}, the server's clock says {server}.</Message>\
         <RequestTime>{request}</RequestTime><ServerTime>{server}</ServerTime>\
         <MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>"
    )
}

fn default_message(code: &str) -> Option<&'static str> {
    Some(match S3ErrorCode::from_bytes(code.as_bytes())? {
        S3ErrorCode::SignatureDoesNotMatch => {
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method."
        }
        S3ErrorCode::InvalidAccessKeyId => {
            "The AWS Access Key Id you provided does not exist in our records."
        }
        S3ErrorCode::InvalidURI => "The URI cannot be parsed.",
        S3ErrorCode::InvalidBucketName => "The specified bucket is not valid.",
        S3ErrorCode::KeyTooLongError => "Your key is longer than 1024 bytes.",
        S3ErrorCode::InvalidRange => "The requested range is not satisfiable.",
        S3ErrorCode::MethodNotAllowed => "The method is not allowed against this resource.",
        S3ErrorCode::MissingContentLength => "You must provide the Content-Length HTTP header.",
        S3ErrorCode::MalformedXML => "The XML you provided is not well formed or does not fit the request.",
        S3ErrorCode::IncompleteBody => "The body has not the length that was announced.",
        S3ErrorCode::MaxMessageLengthExceeded => "Your request is too large.",
        S3ErrorCode::InternalError => "An internal error occurred. Please try again.",
        S3ErrorCode::NotImplemented => "The request asks for something that is not supported here.",
        S3ErrorCode::AccessDenied => "Access denied.",
        S3ErrorCode::InvalidRequest => "The request is not valid.",
        S3ErrorCode::InvalidArgument => "An argument is not valid.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(xml: &str, expected: &str) {
        let clocks = Clocks { request: Some("20260101T000000Z".into()), server: "20260102T000000Z".into() };
        let completed = with_message(xml, "ID", &clocks);
        assert!(completed.contains(expected), "{completed}");
        assert!(completed.ends_with("<RequestId>ID</RequestId></Error>"), "{completed}");
    }

    #[test]
    fn messages_are_filled_in() {
        check("<Error><Code>SignatureDoesNotMatch</Code></Error>", "<Message>The request signature we");
        check("<Error><Code>Unheard</Code></Error>", "<Message>The request cannot be served.</Message>");
        check("<Error><Code>NoSuchKey</Code><Message>m</Message></Error>", "<Message>m</Message>");
    }

    #[test]
    fn a_skewed_clock_is_told_by_how_much() {
        check(
            "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>",
            "the request is of 20260101T000000Z, the server's clock says 20260102T000000Z.</Message>",
        );
    }
}
