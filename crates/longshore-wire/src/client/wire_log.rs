//! What goes over the wire, for people who look for a fault: every request and answer, without secrets.
//! Source: agent.md §3 (`log_aws_wire`), §4.7.

use std::fmt::{self, Write};
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use serde_json::Value;

/// What stands where a secret was.
const REMOVED: &str = "[removed]";

/// Headers that are secrets as a whole.
const SECRET_HEADERS: [&str; 6] = [
    "x-amz-security-token",
    "x-aws-ec2-metadata-token",
    "x-amz-server-side-encryption-customer-key",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// JSON members that are secrets, in lower case.
const SECRET_MEMBERS: [&str; 10] = [
    "secretaccesskey",
    "secretkey",
    "sessiontoken",
    "securitytoken",
    "token",
    "accesstoken",
    "githubaccesstoken",
    "oauthtoken",
    "password",
    "authorization",
];

/// The parameters of a query that are no secrets; the rest may be (presigned addresses, download tokens).
const HARMLESS_PARAMETERS: [&str; 7] = [
    "versionId",
    "x-id",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
];

/// Takes down what a client says and hears.
pub trait WireLog: fmt::Debug + Send + Sync {
    /// Keeps one entry: several lines, without secrets, ending in a newline.
    fn write(&self, entry: &str);
}

/// A client's side of a [`WireLog`].
#[derive(Clone, Debug)]
pub(super) struct Listener {
    log: Option<Arc<dyn WireLog>>,
}

/// How much of a body is shown.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    /// A document of a service.
    Text(&'a [u8]),
    /// Only its length, which a header says.
    Length,
}

impl Listener {
    pub(super) fn new(log: Option<Arc<dyn WireLog>>) -> Listener {
        Listener { log }
    }

    pub(super) fn request(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: Shown<'_>) {
        let Some(log) = &self.log else { return };
        log.write(&entry("->", &format!("{method} {}", shown_address(&uri.to_string())), headers, body));
    }

    pub(super) fn answer(&self, status: StatusCode, headers: &HeaderMap, body: Shown<'_>) {
        let Some(log) = &self.log else { return };
        log.write(&entry("<-", &status.to_string(), headers, body));
    }

    pub(super) fn failure(&self, error: &dyn std::error::Error) {
        let Some(log) = &self.log else { return };
        let mut text = format!("<- no answer: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            // Writing to a text cannot fail.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        log.write(&(text + "\n"));
    }
}

fn entry(arrow: &str, first_line: &str, headers: &HeaderMap, body: Shown<'_>) -> String {
    let mut text = format!("{arrow} {first_line}\n");
    for (name, value) in headers {
        let value = shown_header(name, &String::from_utf8_lossy(value.as_bytes()));
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{arrow} {name}: {value}");
    }
    let shown = shown_body(headers, body);
    if !shown.is_empty() {
        let _ = writeln!(text, "{arrow} {shown}");
    }
    text
}

fn shown_header(name: &HeaderName, value: &str) -> String {
    if SECRET_HEADERS.contains(&name.as_str()) {
        return REMOVED.to_owned();
    }
    if *name == LOCATION {
        return shown_address(value);
    }
    if *name != AUTHORIZATION {
        return value.to_owned();
    }
    match value.split_once("Signature=") {
        Some((harmless, _)) if value.starts_with("AWS4-") => format!("{harmless}Signature={REMOVED}"),
        Some(_) | None => REMOVED.to_owned(),
    }
}

/// An address without user information and without what its query may keep secret.
pub(super) fn shown_address(address: &str) -> String {
    let (address, query) = match address.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (address, None),
    };
    let address = match address.split_once("://").and_then(|(scheme, rest)| {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (_, host) = authority.rsplit_once('@')?;
        Some(format!("{scheme}://{host}/{path}"))
    }) {
        Some(without_user) => without_user,
        None => address.to_owned(),
    };
    let Some(query) = query else { return address };
    let parameters: Vec<String> = query.split('&').map(shown_parameter).collect();
    format!("{address}?{}", parameters.join("&"))
}

fn shown_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if !HARMLESS_PARAMETERS.contains(&name) => format!("{name}={REMOVED}"),
        Some(_) | None => parameter.to_owned(),
    }
}

fn shown_body(headers: &HeaderMap, body: Shown<'_>) -> String {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match body {
        Shown::Text(b"") => String::new(),
        Shown::Text(bytes) => match serde_json::from_slice::<Value>(bytes) {
            Ok(mut document) => {
                remove_secrets(&mut document);
                document.to_string()
            }
            // Nobody knows where in it a secret stands.
            Err(_) => {
                format!("({} bytes of {})", bytes.len(), text(CONTENT_TYPE).unwrap_or("an unknown type"))
            }
        },
        Shown::Length => {
            format!("({} bytes, not shown)", text(CONTENT_LENGTH).unwrap_or("an unknown number of"))
        }
    }
}

fn remove_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if SECRET_MEMBERS.contains(&name.to_ascii_lowercase().as_str()) && !member.is_null() {
                    *member = Value::from(REMOVED);
                } else {
                    remove_secrets(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(remove_secrets),
        Value::String(text) => {
            if let Some(shown) = shown_text(text) {
                *text = shown;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What is shown of a text that holds a document of its own: diagnostics, or a signed specification,
/// which may hold the token of a private repository.
fn shown_text(text: &str) -> Option<String> {
    if text.starts_with("-----BEGIN") {
        return Some(format!("[a signed document of {} characters, may hold a token]", text.len()));
    }
    if !text.starts_with('{') {
        return None;
    }
    let mut document = serde_json::from_str(text).ok()?;
    remove_secrets(&mut document);
    Some(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_header(name: &str, value: &str, expected: &str) {
        let name: HeaderName = name.parse().expect("a name");
        assert_eq!(shown_header(&name, value), expected);
    }

    #[test]
    fn secret_headers_are_removed() {
        let signed =
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=";
        check_header("authorization", &format!("{signed}0123abcd"), &format!("{signed}[removed]"));
        check_header("authorization", "token ghp_secret", "[removed]");
        check_header("authorization", "token Signature=secret", "[removed]");
        check_header("proxy-authorization", "Basic c2VjcmV0", "[removed]");
        check_header("x-amz-security-token", "secret", "[removed]");
        check_header("location", "https://me:secret@h/p?token=secret", "https://h/p?token=[removed]");
        check_header("content-type", "text/plain", "text/plain");
    }

    #[track_caller]
    fn check_address(address: &str, expected: &str) {
        assert_eq!(shown_address(address), expected);
    }

    #[test]
    fn what_a_query_may_keep_secret_is_removed() {
        check_address(
            "https://h/b/k?versionId=v1&x-id=GetObject",
            "https://h/b/k?versionId=v1&x-id=GetObject",
        );
        check_address(
            "https://h/k?X-Amz-Date=1&X-Amz-Signature=abc&X-Amz-Security-Token=def",
            "https://h/k?X-Amz-Date=1&X-Amz-Signature=[removed]&X-Amz-Security-Token=[removed]",
        );
        check_address("http://user:secret@h:1/", "http://h:1/");
        check_address("/relative?a=b", "/relative?a=[removed]");
    }

    #[track_caller]
    fn check_body(body: &str, expected: &str) {
        assert_eq!(shown_body(&HeaderMap::new(), Shown::Text(body.as_bytes())), expected);
    }

    #[test]
    fn secrets_in_documents_are_removed() {
        check_body(r#"{"HostIdentifier":"h"}"#, r#"{"HostIdentifier":"h"}"#);
        check_body(
            r#"{"a":[{"SecretAccessKey":"s","Token":"t"}],"GitHubAccessToken":"g","AccessKeyId":"A"}"#,
            r#"{"AccessKeyId":"A","GitHubAccessToken":"[removed]","a":[{"SecretAccessKey":"[removed]","Token":"[removed]"}]}"#,
        );
        check_body(r#"{"Payload":"{\"password\":\"p\"}"}"#, r#"{"Payload":"{\"password\":\"[removed]\"}"}"#);
        check_body(
            r#"{"Payload":"-----BEGIN PKCS7-----\nAAAA"}"#,
            r#"{"Payload":"[a signed document of 26 characters, may hold a token]"}"#,
        );
        check_body("<Secret>s</Secret>", "(18 bytes of an unknown type)");
    }
}
