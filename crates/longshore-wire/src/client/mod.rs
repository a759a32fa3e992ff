//! The HTTP client of the agent and the command line: signs, sends, retries, reads the answer.
//!
//! One client talks to one endpoint. Dropping the future of a call cancels it and closes its connection.

mod body;
mod call;
mod connect;
mod download;
mod error;
mod fetch;
mod proxy;
mod s3;
mod wire_log;

pub use connect::{CaBundle, client_tls};
pub use download::Download;
pub use error::{CallError, ClientError};
pub use fetch::Fetcher;
pub use s3::{ObjectSource, PutObject, S3Addressing};
pub use wire_log::WireLog;

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::json;
use crate::sigv4::Credentials;
use body::Payload;
use call::Call;
use connect::{Http, Targets};
use wire_log::Listener;

/// The form of the bodies that IAM and STS read.
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// How long to wait for a connection. Source: agent.md §1.1.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long to wait for an answer; longer than any poll is held. Source: agent.md §1.1.
pub const HTTP_READ_TIMEOUT: Duration = Duration::from_secs(80);

/// The waits before the second, third and fourth attempt of a call. Source: agent.md §1.3.
pub const RETRIES: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_millis(600), Duration::from_millis(1200)];

/// How to reach any host at all.
#[derive(Clone, Debug)]
pub struct Transport {
    /// See [`CONNECT_TIMEOUT`].
    pub connect_timeout: Duration,
    /// From sending to the head of the answer, and between two pieces of its body.
    pub http_read_timeout: Duration,
    /// `http://[user:password@]host:port`: https targets are reached through a tunnel, http ones by
    /// handing it the request; link-local addresses without it.
    pub proxy_uri: Option<String>,
    /// Whom to trust instead of the system's certificates.
    pub ca_bundle: Option<CaBundle>,
    /// Takes down what is said and heard.
    pub wire_log: Option<Arc<dyn WireLog>>,
}

impl Default for Transport {
    fn default() -> Transport {
        Transport {
            connect_timeout: CONNECT_TIMEOUT,
            http_read_timeout: HTTP_READ_TIMEOUT,
            proxy_uri: None,
            ca_bundle: None,
            wire_log: None,
        }
    }
}

/// How to reach an endpoint, and as whom.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// `http://` or `https://`, host and port; a path is not used.
    pub endpoint: String,
    /// The region to sign for.
    pub region: String,
    /// As whom to sign.
    pub credentials: Credentials,
    /// Sent, not signed.
    pub user_agent: String,
    /// Sent with every call; those that begin with `x-amz-` are signed.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How to get there.
    pub transport: Transport,
    /// The wait before each further attempt after a retryable error; empty means one attempt.
    pub retries: Vec<Duration>,
    /// Where the bucket's name goes.
    pub s3_addressing: S3Addressing,
}

impl ClientConfig {
    /// The configuration of an ordinary client; change fields as needed.
    pub fn new(
        endpoint: impl Into<String>,
        region: impl Into<String>,
        credentials: Credentials,
    ) -> ClientConfig {
        ClientConfig {
            endpoint: endpoint.into(),
            region: region.into(),
            credentials,
            user_agent: concat!("longshore/", env!("CARGO_PKG_VERSION")).to_owned(),
            headers: Vec::new(),
            transport: Transport::default(),
            retries: RETRIES.to_vec(),
            s3_addressing: S3Addressing::Path,
        }
    }
}

/// A client of one endpoint; clones share connections and credentials.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    scheme: Scheme,
    authority: Authority,
    region: String,
    credentials: RwLock<Arc<Credentials>>,
    headers: HeaderMap,
    read_timeout: Duration,
    retries: Vec<Duration>,
    s3_addressing: S3Addressing,
    http: Http,
    listener: Listener,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { scheme, authority, .. } = &*self.shared;
        formatter
            .debug_struct("Client")
            .field("endpoint", &format!("{scheme}://{authority}"))
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the configuration; connects only when called.
    ///
    /// # Errors
    /// [`ClientError`] names the setting at fault.
    pub fn new(config: ClientConfig) -> Result<Client, ClientError> {
        let bad_endpoint = || ClientError::Endpoint { endpoint: config.endpoint.clone() };
        let endpoint = config.endpoint.parse::<Uri>().map_err(|_| bad_endpoint())?.into_parts();
        let (Some(scheme), Some(authority)) = (endpoint.scheme, endpoint.authority) else {
            return Err(bad_endpoint());
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(bad_endpoint());
        }
        let user_agent = HeaderValue::from_str(&config.user_agent)
            .map_err(|_| ClientError::UserAgent { user_agent: config.user_agent.clone() })?;
        let mut headers = HeaderMap::new();
        headers.insert(http::header::USER_AGENT, user_agent);
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.extend(config.headers.iter().cloned());
        let targets = if scheme == Scheme::HTTP { Targets::Plain } else { Targets::Any };
        let http = Http::new(&config.transport, targets)?;
        Ok(Client {
            shared: Arc::new(Shared {
                scheme,
                authority,
                region: config.region,
                credentials: RwLock::new(Arc::new(config.credentials)),
                headers,
                read_timeout: config.transport.http_read_timeout,
                retries: config.retries,
                s3_addressing: config.s3_addressing,
                http,
                listener: Listener::new(config.transport.wire_log),
            }),
        })
    }

    /// Signs with `credentials` from the next attempt on, also in calls that are under way.
    pub fn set_credentials(&self, credentials: Credentials) {
        let mut held = self.shared.credentials.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *held = Arc::new(credentials);
    }

    fn credentials(&self) -> Arc<Credentials> {
        let held = self.shared.credentials.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&held)
    }

    /// Calls the operation named by `target` (`CodeDeploy_20141006.GetDeployment`) in AWS JSON 1.1,
    /// signed for `service`. An empty answer is read as `{}`.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn call_json<I, O>(&self, service: &str, target: &str, input: &I) -> Result<O, CallError>
    where
        I: Serialize + ?Sized,
        O: DeserializeOwned,
    {
        Ok(self.call_json_for_headers(service, target, input).await?.1)
    }

    /// The same, with the headers of the answer.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn call_json_for_headers<I, O>(
        &self,
        service: &str,
        target: &str,
        input: &I,
    ) -> Result<(HeaderMap, O), CallError>
    where
        I: Serialize + ?Sized,
        O: DeserializeOwned,
    {
        let body =
            serde_json::to_vec(input).map_err(|source| CallError::Request { source: source.into() })?;
        let target =
            HeaderValue::from_str(target).map_err(|source| CallError::Request { source: source.into() })?;
        let mut call = Call::new(Method::POST, self.uri("/")?, service, Payload::Bytes(Bytes::from(body)));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static(json::CONTENT_TYPE));
        call.headers.insert(HeaderName::from_static("x-amz-target"), target);
        let answer = self.buffered(&call).await?;
        let body: &[u8] = if answer.body.is_empty() { b"{}" } else { &answer.body };
        let output = serde_json::from_slice(body).map_err(|source| CallError::Decode { source })?;
        Ok((answer.headers, output))
    }

    /// Calls an operation of the query protocol (IAM, STS): `params` with `Action` and `Version`
    /// go as a form; the answer is XML.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn query(&self, service: &str, params: &[(&str, &str)]) -> Result<String, CallError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let mut call = Call::new(Method::POST, self.uri("/")?, service, Payload::Bytes(Bytes::from(form)));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        let answer = self.buffered(&call).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// The URI of `path_and_query` at the endpoint.
    fn uri(&self, path_and_query: &str) -> Result<Uri, CallError> {
        self.uri_at(self.shared.authority.as_str(), path_and_query)
    }

    fn uri_at(&self, authority: &str, path_and_query: &str) -> Result<Uri, CallError> {
        Uri::builder()
            .scheme(self.shared.scheme.clone())
            .authority(authority)
            .path_and_query(path_and_query)
            .build()
            .map_err(|source| CallError::Request { source: source.into() })
    }
}
