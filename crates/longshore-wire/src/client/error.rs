//! What can go wrong in a client, and what an error answer says.

use std::error::Error;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// Why a configuration makes no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not `http://host[:port]` or `https://host[:port]`.
    #[error("endpoint `{endpoint}` is not an http or https address")]
    Endpoint {
        /// The setting.
        endpoint: String,
    },
    /// Not `http://[user:password@]host:port`.
    #[error("proxy `{proxy}` is not an http address with a host")]
    Proxy {
        /// The setting, without its password.
        proxy: String,
    },
    /// Characters that no header may have.
    #[error("user agent `{user_agent}` cannot be sent in a header")]
    UserAgent {
        /// The setting.
        user_agent: String,
    },
    /// Not PEM, or without a certificate.
    #[error("the CA bundle has no usable certificate")]
    CaBundle {
        /// What the reader said, if anything.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// TLS cannot be set up at all.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Why a call has no answer, or not a good one.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service answered with an error.
    #[error("{code}: {message}")]
    Service {
        /// The HTTP status.
        status: u16,
        /// The exception's bare name, or one made of the status (`BadRequest`).
        code: String,
        /// The service's sentence, or empty.
        message: String,
        /// By which the service's log knows the call.
        request_id: Option<String>,
        /// Where an S3 bucket really is, when the answer says so.
        bucket_region: Option<String>,
    },
    /// No connection, or one that broke.
    #[error("cannot reach `{endpoint}`")]
    Network {
        /// Host and port.
        endpoint: String,
        /// What happened.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Connected, but silent for too long.
    #[error("no answer from `{endpoint}` within {} s", .after.as_secs_f64())]
    Timeout {
        /// Host and port.
        endpoint: String,
        /// How long it was waited.
        after: Duration,
    },
    /// A good status, and a body that is not as the operation's output.
    #[error("the answer cannot be read")]
    Decode {
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The request cannot be made: a name or token that HTTP cannot carry.
    #[error("the request cannot be made")]
    Request {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A file to send cannot be read.
    #[error("cannot read `{path}`")]
    File {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Codes by which services say "too fast", whatever the status.
const THROTTLING_CODES: [&str; 7] = [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

impl CallError {
    /// Whether the same call may succeed a little later: network, time-outs, 5xx and throttling.
    pub fn is_retryable(&self) -> bool {
        match self {
            CallError::Service { status, code, .. } => {
                *status >= 500 || *status == 429 || THROTTLING_CODES.contains(&code.as_str())
            }
            CallError::Network { .. } | CallError::Timeout { .. } => true,
            CallError::Decode { .. } | CallError::Request { .. } | CallError::File { .. } => false,
        }
    }

    /// The service's code, if the service answered.
    pub fn code(&self) -> Option<&str> {
        match self {
            CallError::Service { code, .. } => Some(code),
            CallError::Network { .. }
            | CallError::Timeout { .. }
            | CallError::Decode { .. }
            | CallError::Request { .. }
            | CallError::File { .. } => None,
        }
    }

    /// The error of an answer that is not a success, in JSON, XML or neither.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> CallError {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = String::from_utf8_lossy(body);
        let (code, message) = match serde_json::from_slice::<Value>(body) {
            Ok(document) => {
                (json_text(&document, &["__type", "code"]), json_text(&document, &["message", "Message"]))
            }
            Err(_) => (xml_text(&text, "Code"), xml_text(&text, "Message")),
        };
        let code = header("x-amzn-errortype").or(code).filter(|code| !code.is_empty());
        CallError::Service {
            status: status.as_u16(),
            code: code.map_or_else(|| code_of(status), |code| bare(&code).to_owned()),
            message: message.unwrap_or_default(),
            request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
            bucket_region: header("x-amz-bucket-region").or_else(|| xml_text(&text, "Region")),
        }
    }
}

fn json_text(document: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| document.get(key)?.as_str()).map(str::to_owned)
}

/// `prefix#Name:http://…` to `Name`.
fn bare(code: &str) -> &str {
    let name = code.rsplit_once('#').map_or(code, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// `400 Bad Request` to `BadRequest`.
fn code_of(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Unknown").replace([' ', '-', '\''], "")
}

/// The text of the first element called `name`; error documents of S3, IAM and STS are that simple.
fn xml_text(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    // Last, or `&amp;lt;` would be unescaped twice.
    Some(text.replace("&#39;", "'").replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, error_type: Option<&str>, body: &str, expected: &str, is_retryable: bool) {
        let mut headers = HeaderMap::new();
        if let Some(value) = error_type {
            headers.insert("x-amzn-errortype", value.parse().expect("a header"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let error = CallError::from_answer(status, &headers, body.as_bytes());
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
    }

    #[test]
    fn json_errors_are_read() {
        let body = r#"{"__type": "ClientException", "message": "The host is not registered."}"#;
        check(400, None, body, "ClientException: The host is not registered.", false);
        check(400, None, r#"{"__type":"com.amazonaws#ThrottlingException"}"#, "ThrottlingException: ", true);
        check(400, None, r#"{"code":"X","Message":"m"}"#, "X: m", false);
        check(400, Some("Real:http://x"), r#"{"message":"m"}"#, "Real: m", false);
    }

    #[test]
    fn xml_errors_are_read() {
        let body = "<Error><Code>NoSuchKey</Code><Message>a &amp;lt; &lt;b&gt;</Message></Error>";
        check(404, None, body, "NoSuchKey: a &lt; <b>", false);
        check(503, None, "<Error><Code>SlowDown</Code></Error>", "SlowDown: ", true);
    }

    #[test]
    fn without_a_code_the_status_names_it() {
        check(400, None, "", "BadRequest: ", false);
        check(403, None, "<html>no</html>", "Forbidden: ", false);
        check(429, None, "", "TooManyRequests: ", true);
        check(500, None, "oops", "InternalServerError: ", true);
    }
}
