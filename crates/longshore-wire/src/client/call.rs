//! One call: signed anew and sent at each attempt, until an answer or the last retry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, DATE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use longshore_model::time::Timestamp;

use super::body::{Payload, RequestBody};
use super::wire_log::Shown;
use super::{CallError, Client};
use crate::sigv4;

/// The most that an answer other than an object may have; the largest of the API's are some 100 KiB.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// One request, ready to be signed.
pub(super) struct Call<'a> {
    method: Method,
    uri: Uri,
    service: &'a str,
    pub(super) headers: HeaderMap,
    payload: Payload,
}

/// An answer with its whole body.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, uri: Uri, service: &'a str, payload: Payload) -> Call<'a> {
        Call { method, uri, service, headers: HeaderMap::new(), payload }
    }
}

impl Client {
    /// What time it is at the endpoint, if it says so. Asked without a signature, which is of no use to
    /// somebody whose own clock is wrong.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn server_time(&self) -> Result<Option<Timestamp>, CallError> {
        let uri = self.uri("/healthz")?;
        let mut delays = self.shared.retries.iter();
        loop {
            let error = match self.attempt_time(&uri).await {
                Ok(time) => return Ok(time),
                Err(error) => error,
            };
            wait_or_give_up(error, delays.next()).await?;
        }
    }

    async fn attempt_time(&self, uri: &Uri) -> Result<Option<Timestamp>, CallError> {
        let mut request = Request::new(RequestBody::Bytes(None));
        *request.uri_mut() = uri.clone();
        request.headers_mut().extend(self.shared.headers.clone());
        let answer =
            self.in_time(self.shared.http.request(request)).await?.map_err(|source| self.network(source))?;
        let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok());
        let time = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        Ok(time.map(|time| Timestamp::from_millis(time.timestamp().as_millisecond())))
    }

    /// Sends `call` and reads the whole answer.
    pub(super) async fn buffered(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        let mut delays = self.shared.retries.iter();
        loop {
            let error = match self.attempt_buffered(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            wait_or_give_up(error, delays.next()).await?;
        }
    }

    /// Sends `call`; the caller reads the body.
    pub(super) async fn streamed(&self, call: &Call<'_>) -> Result<Response<Incoming>, CallError> {
        let mut delays = self.shared.retries.iter();
        loop {
            let error = match self.attempt(call).await {
                Ok(answer) => {
                    self.shared.listener.answer(answer.status(), answer.headers(), Shown::Length);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            wait_or_give_up(error, delays.next()).await?;
        }
    }

    async fn attempt_buffered(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        let (head, body) = self.attempt(call).await?.into_parts();
        let body = self.collected(body).await?;
        self.shared.listener.answer(head.status, &head.headers, Shown::Text(&body));
        Ok(Answer { headers: head.headers, body })
    }

    /// One request and the head of its answer; an error status is an error.
    async fn attempt(&self, call: &Call<'_>) -> Result<Response<Incoming>, CallError> {
        let request = self.signed(call).await?;
        let shown = match &call.payload {
            Payload::Bytes(bytes) => Shown::Text(bytes),
            Payload::File { .. } => Shown::Length,
        };
        self.shared.listener.request(&call.method, &call.uri, request.headers(), shown);
        let answer = self.in_time(self.shared.http.request(request)).await;
        let answer = answer
            .and_then(|answer| answer.map_err(|source| self.network(source)))
            .inspect_err(|error| self.shared.listener.failure(error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let body = self.collected(body).await?;
        self.shared.listener.answer(head.status, &head.headers, Shown::Text(&body));
        Err(CallError::from_answer(head.status, &head.headers, &body))
    }

    async fn signed(&self, call: &Call<'_>) -> Result<Request<RequestBody>, CallError> {
        let body = call.payload.to_body().await.map_err(|source| match &call.payload {
            Payload::File { path, .. } => CallError::File { path: path.display().to_string(), source },
            Payload::Bytes(_) => CallError::Request { source: source.into() },
        })?;
        let (mut parts, body) = Request::new(body).into_parts();
        parts.method = call.method.clone();
        parts.uri = call.uri.clone();
        parts.headers = self.shared.headers.clone();
        parts.headers.extend(call.headers.clone());
        if call.method == Method::PUT || call.method == Method::POST {
            // Otherwise left out when there is no body, which S3 refuses.
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(call.payload.len()));
        }
        let sha256_hex = call.payload.sha256_hex();
        let credentials = self.credentials();
        sigv4::sign(&mut parts, &sha256_hex, &credentials, &self.shared.region, call.service, now())
            .map_err(|source| CallError::Request { source: source.into() })?;
        Ok(Request::from_parts(parts, body))
    }

    async fn collected(&self, body: Incoming) -> Result<Bytes, CallError> {
        let collected = self.in_time(Limited::new(body, MAX_ANSWER_BYTES).collect()).await?;
        collected.map(http_body_util::Collected::to_bytes).map_err(|source| self.network(source))
    }

    /// The result of `future`, or a time-out.
    pub(super) async fn in_time<T>(&self, future: impl Future<Output = T>) -> Result<T, CallError> {
        let after = self.shared.read_timeout;
        tokio::time::timeout(after, future)
            .await
            .map_err(|_| CallError::Timeout { endpoint: self.shared.authority.to_string(), after })
    }

    pub(super) fn network(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CallError {
        CallError::Network { endpoint: self.shared.authority.to_string(), source: source.into() }
    }
}

/// Waits `delay` if `error` may pass; otherwise it is the call's error.
async fn wait_or_give_up(error: CallError, delay: Option<&Duration>) -> Result<(), CallError> {
    let Some(delay) = delay.filter(|_| error.is_retryable()) else {
        return Err(error);
    };
    tracing::debug!(error = %error, delay_ms = delay.as_millis(), "call failed, trying again");
    tokio::time::sleep(*delay).await;
    Ok(())
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
