//! GET requests that are not signed, to whatever host an address names.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use super::body::RequestBody;
use super::connect::{Http, Targets};
use super::wire_log::{Listener, Shown};
use super::{CallError, ClientError, Download, Transport};

/// Fetches what needs no signature.
pub struct Fetcher {
    http: Http,
    user_agent: HeaderValue,
    read_timeout: Duration,
    listener: Listener,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fetcher").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// Checks the configuration; connects only when asked.
    ///
    /// # Errors
    /// [`ClientError`] names the setting at fault.
    pub fn new(transport: &Transport, user_agent: &str) -> Result<Fetcher, ClientError> {
        Ok(Fetcher {
            http: Http::new(transport, Targets::Any)?,
            user_agent: HeaderValue::from_str(user_agent)
                .map_err(|_| ClientError::UserAgent { user_agent: user_agent.to_owned() })?,
            read_timeout: transport.http_read_timeout,
            listener: Listener::new(transport.wire_log.clone()),
        })
    }

    /// Sends one GET. Any status is an answer; redirects are the caller's to follow.
    ///
    /// # Errors
    /// [`CallError::Network`], [`CallError::Timeout`], and [`CallError::Request`] for an address
    /// without a host.
    pub async fn get(&self, uri: &Uri, headers: HeaderMap) -> Result<Download, CallError> {
        let request = self.request(uri, headers)?;
        let endpoint = uri.authority().map(ToString::to_string).unwrap_or_default();
        self.listener.request(&Method::GET, uri, request.headers(), Shown::Text(b""));
        let after = self.read_timeout;
        let answer = tokio::time::timeout(after, self.http.request(request))
            .await
            .map_err(|_| CallError::Timeout { endpoint: endpoint.clone(), after })
            .and_then(|answer| {
                answer.map_err(|source| CallError::Network { endpoint: endpoint.clone(), source })
            })
            .inspect_err(|error| self.listener.failure(error))?;
        self.listener.answer(answer.status(), answer.headers(), Shown::Length);
        Ok(Download::new(answer, &endpoint, self.read_timeout))
    }

    fn request(&self, uri: &Uri, headers: HeaderMap) -> Result<Request<RequestBody>, CallError> {
        let bad = |source: Box<dyn std::error::Error + Send + Sync>| CallError::Request { source };
        let authority = uri.authority().ok_or_else(|| bad("the address names no host".into()))?;
        let host = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
        let host = HeaderValue::from_str(host).map_err(|source| bad(source.into()))?;
        let mut request = Request::new(RequestBody::Bytes(None));
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(USER_AGENT, self.user_agent.clone());
        request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        Ok(request)
    }
}
