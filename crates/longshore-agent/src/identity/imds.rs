//! The instance metadata service: who an EC2 instance is, and its role's keys. Source: agent.md §2.4.
//!
//! It is asked only when no file and no variable names the host, and never through a proxy (I-15).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use longshore_model::evidence::Evidence;
use serde::Deserialize;

use super::keys::Keys;
use crate::failure::Evident;

/// Where every instance finds it.
pub(super) const ADDRESS: &str = "http://169.254.169.254";

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The waits before a request is tried again.
const RETRIES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// What a session token is asked for, in seconds; and how long it is used, somewhat less.
const TOKEN_TTL_SECS: u64 = 21_600;
const TOKEN_USE: Duration = Duration::from_secs(21_000);

/// How long a refused token is remembered, so that not every question asks for one first.
const NO_TOKEN_USE: Duration = Duration::from_secs(60);

/// The most that an answer may have; documents are a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why the metadata service did not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImdsError {
    /// It answered with an error.
    #[error("HTTP error from metadata service: {reason}, code {code}")]
    Status {
        /// The status in words.
        reason: String,
        /// The status.
        code: u16,
    },
    /// It gave no token, and version 1 is switched off.
    #[error("HTTP error from metadata service to get imdsv2 token.")]
    NoToken,
    /// It could not be reached.
    #[error("the metadata service cannot be reached: {0}")]
    Network(String),
    /// It answered something else than expected.
    #[error("the metadata service's answer cannot be read: {0}")]
    Unreadable(String),
}

impl Evident for ImdsError {
    fn evidence(&self) -> Vec<Evidence> {
        let subject = ADDRESS.to_owned();
        match self {
            ImdsError::Status { code, .. } => {
                vec![Evidence::HttpRefusal { subject, status: *code, code: None, request_id: None }]
            }
            ImdsError::Network(detail) => vec![Evidence::Unreachable { subject, detail: detail.clone() }],
            ImdsError::NoToken | ImdsError::Unreadable(_) => Vec::new(),
        }
    }
}

/// What the identity document says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityDocument {
    /// Where the instance runs.
    pub region: String,
    /// Whose it is.
    pub account_id: String,
    /// Which it is.
    pub instance_id: String,
}

/// A client of the metadata service.
#[derive(Debug)]
pub struct Imds {
    client: Client<HttpConnector, Full<Bytes>>,
    address: String,
    is_v1_allowed: bool,
    retries: [Duration; 2],
    token: Mutex<Option<CachedToken>>,
}

/// A token, or the knowledge that there is none.
#[derive(Clone, Debug)]
struct CachedToken {
    token: Option<String>,
    until: Instant,
}

impl Imds {
    /// A client of the service at `address`; connects only when asked.
    pub fn new(address: impl Into<String>, is_v1_allowed: bool) -> Imds {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(TIMEOUT));
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        let address = address.into();
        Imds { client, address, is_v1_allowed, retries: RETRIES, token: Mutex::new(None) }
    }

    /// The same, trying again without waiting.
    #[cfg(test)]
    pub(super) fn hasty(address: impl Into<String>, is_v1_allowed: bool) -> Imds {
        Imds { retries: [Duration::ZERO; 2], ..Imds::new(address, is_v1_allowed) }
    }

    /// Who the instance is.
    ///
    /// # Errors
    /// [`ImdsError`].
    pub async fn identity_document(&self) -> Result<IdentityDocument, ImdsError> {
        let text = self.get("/latest/dynamic/instance-identity/document").await?;
        let mut document: IdentityDocument =
            serde_json::from_str(&text).map_err(|error| ImdsError::Unreadable(error.to_string()))?;
        document.region = document.region.trim().to_owned();
        Ok(document)
    }

    /// `amazonaws.com`, `amazonaws.com.cn`, …; `None` when it does not say.
    pub async fn domain(&self) -> Option<String> {
        self.get("/latest/meta-data/services/domain").await.ok().filter(|domain| !domain.is_empty())
    }

    /// `aws`, `aws-cn`, `aws-us-gov`, …
    ///
    /// # Errors
    /// [`ImdsError`].
    pub async fn partition(&self) -> Result<String, ImdsError> {
        self.get("/latest/meta-data/services/partition").await
    }

    /// The keys of the instance's role.
    ///
    /// # Errors
    /// [`ImdsError`], with code 404 when the instance has no role.
    pub(super) async fn role_keys(&self) -> Result<Keys, ImdsError> {
        let roles = self.get("/latest/meta-data/iam/security-credentials/").await?;
        let role = roles.lines().next().unwrap_or_default().trim();
        let text = self.get(&format!("/latest/meta-data/iam/security-credentials/{role}")).await?;
        let keys = Keys::from_json(text.as_bytes());
        keys.ok_or_else(|| ImdsError::Unreadable("no keys in it".to_owned()))
    }

    async fn get(&self, path: &str) -> Result<String, ImdsError> {
        match self.get_with_retries(path).await {
            Err(ImdsError::Status { code: 401, .. }) => {
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.get_with_retries(path).await
            }
            result => result,
        }
    }

    async fn get_with_retries(&self, path: &str) -> Result<String, ImdsError> {
        let token = self.token().await?;
        let headers: Vec<(&str, &str)> =
            token.iter().map(|token| ("x-aws-ec2-metadata-token", token.as_str())).collect();
        self.tried(&Method::GET, path, &headers).await
    }

    /// The request, three times at most.
    async fn tried(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<String, ImdsError> {
        let mut result = self.request(method, path, headers).await;
        for pause in self.retries {
            match &result {
                // A missing role will not be there a second later.
                Ok(_) | Err(ImdsError::Status { code: 404, .. }) => break,
                Err(_) => tokio::time::sleep(pause).await,
            }
            result = self.request(method, path, headers).await;
        }
        result
    }

    /// The session token; `None` when the service has none and version 1 may be used.
    async fn token(&self) -> Result<Option<String>, ImdsError> {
        let cached = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cached) = cached.filter(|cached| Instant::now() < cached.until) {
            return self.allowed(cached.token);
        }
        let ttl = TOKEN_TTL_SECS.to_string();
        let headers = [("x-aws-ec2-metadata-token-ttl-seconds", ttl.as_str())];
        let token = self.tried(&Method::PUT, "/latest/api/token", &headers).await.ok();
        let use_for = if token.is_some() { TOKEN_USE } else { NO_TOKEN_USE };
        let cached = CachedToken { token: token.clone(), until: Instant::now() + use_for };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached);
        if token.is_none() && self.is_v1_allowed {
            tracing::warn!("IMDSv2 http request failed, falling back to IMDSv1.");
        }
        self.allowed(token)
    }

    fn allowed(&self, token: Option<String>) -> Result<Option<String>, ImdsError> {
        if token.is_none() && !self.is_v1_allowed {
            return Err(ImdsError::NoToken);
        }
        Ok(token)
    }

    async fn request(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<String, ImdsError> {
        let network = |error: &dyn std::fmt::Display| ImdsError::Network(error.to_string());
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default()).map_err(|error| network(&error))?;
        let answer = tokio::time::timeout(TIMEOUT, self.client.request(request)).await;
        let answer = answer.map_err(|error| network(&error))?.map_err(|error| network(&error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(status_error(status));
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect();
        let body = tokio::time::timeout(TIMEOUT, body).await.map_err(|error| network(&error))?;
        let body = body.map_err(|error| network(&error))?.to_bytes();
        Ok(String::from_utf8_lossy(&body).trim().to_owned())
    }
}

fn status_error(status: StatusCode) -> ImdsError {
    let reason = status.canonical_reason().unwrap_or("Unknown").to_owned();
    ImdsError::Status { reason, code: status.as_u16() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, Seen, TestServer};

    const DOCUMENT: &str = r#"{"region":" us-west-2\n","accountId":"1","instanceId":"i-0"}"#;

    fn answer(request: &Seen) -> Reply {
        match request.path() {
            "/latest/api/token" => Reply::new(200, "T1"),
            "/latest/dynamic/instance-identity/document" => Reply::new(200, DOCUMENT),
            "/latest/meta-data/services/partition" => Reply::new(200, " aws\n"),
            "/latest/meta-data/services/domain" => Reply::new(200, "amazonaws.com\n"),
            _ => Reply::new(404, ""),
        }
    }

    fn count(server: &TestServer, line: &str) -> usize {
        server.requests().iter().filter(|request| request.line() == line).count()
    }

    #[tokio::test]
    async fn a_token_is_fetched_once_and_texts_are_trimmed() {
        let server = TestServer::start(|_, request| answer(request)).await;
        let imds = Imds::hasty(server.address(), true);
        assert_eq!(imds.identity_document().await.expect("a document").region, "us-west-2");
        assert_eq!(imds.partition().await.expect("a partition"), "aws");
        assert_eq!(imds.domain().await.as_deref(), Some("amazonaws.com"));
        assert_eq!(count(&server, "PUT /latest/api/token"), 1);
        let requests = server.requests();
        assert_eq!(requests[0].header("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
        assert!(requests[1..].iter().all(|request| request.header("x-aws-ec2-metadata-token") == "T1"));
    }

    #[tokio::test]
    async fn without_a_token_version_1_is_asked_after_three_tries_and_that_is_remembered() {
        let server = TestServer::start(|_, request| match request.path() {
            "/latest/api/token" => Reply::new(503, ""),
            _ => answer(request),
        })
        .await;
        let imds = Imds::hasty(server.address(), true);
        imds.partition().await.expect("a partition");
        imds.identity_document().await.expect("a document");
        assert_eq!(count(&server, "PUT /latest/api/token"), 3);
        assert!(
            server.requests().iter().all(|request| request.header("x-aws-ec2-metadata-token").is_empty())
        );
    }

    #[tokio::test]
    async fn without_a_token_and_version_1_nothing_is_asked() {
        let server = TestServer::start(|_, _| Reply::new(503, "")).await;
        let imds = Imds::hasty(server.address(), false);
        let error = imds.identity_document().await.expect_err("no token").to_string();
        assert_eq!(error, "HTTP error from metadata service to get imdsv2 token.");
        assert_eq!(imds.domain().await, None);
        assert_eq!(server.requests().len(), 3);
    }

    #[tokio::test]
    async fn a_refused_token_is_fetched_anew_once() {
        let server = TestServer::start(|n, request| match (request.path(), n) {
            ("/latest/api/token", 0) => Reply::new(200, "OLD"),
            ("/latest/api/token", _) => Reply::new(200, "NEW"),
            _ if request.header("x-aws-ec2-metadata-token") == "OLD" => Reply::new(401, ""),
            _ => answer(request),
        })
        .await;
        let imds = Imds::hasty(server.address(), true);
        assert_eq!(imds.partition().await.expect("a partition"), "aws");
        let partition = "GET /latest/meta-data/services/partition";
        assert_eq!((count(&server, "PUT /latest/api/token"), count(&server, partition)), (2, 4));
    }

    #[tokio::test]
    async fn errors_are_tried_three_times_and_named() {
        let server = TestServer::start(|_, request| match request.path() {
            "/latest/api/token" => Reply::new(200, "T1"),
            _ => Reply::new(500, ""),
        })
        .await;
        let error = Imds::hasty(server.address(), true).partition().await.expect_err("500").to_string();
        assert_eq!(error, "HTTP error from metadata service: Internal Server Error, code 500");
        assert_eq!(count(&server, "GET /latest/meta-data/services/partition"), 3);
    }

    #[tokio::test]
    async fn an_instance_without_a_role_is_not_asked_again_and_again() {
        let server = TestServer::start(|_, request| answer(request)).await;
        let error = Imds::hasty(server.address(), true).role_keys().await.expect_err("no role").to_string();
        assert_eq!(error, "HTTP error from metadata service: Not Found, code 404");
        assert_eq!(server.requests().len(), 2);
    }
}
