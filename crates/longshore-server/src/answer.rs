//! Answers: bodies of one type whoever makes them, and what every error looks like on the wire.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use longshore_wire::codec::{Codec, cbor, json};
use longshore_wire::error::ApiError;

/// What a body may fail with: the connection is then closed.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A body that is there already.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// The header that says a body is of RPC v2 CBOR.
pub(crate) const SMITHY_PROTOCOL: &str = "smithy-protocol";

/// A JSON 1.1 answer.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    encoded(Codec::Json, status, body)
}

/// An answer written with `codec`. An empty `body` is an answer of operations without an output.
pub(crate) fn encoded(codec: Codec, status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = with_type(status, codec.content_type(), full(body));
    if codec == Codec::Cbor {
        response.headers_mut().insert(SMITHY_PROTOCOL, HeaderValue::from_static(cbor::PROTOCOL));
    }
    response
}

/// An error as `codec` tells it. Its chain goes to the log once, here.
pub(crate) fn error(codec: Codec, error: &ApiError) -> Response<Body> {
    log(error);
    encoded(codec, status(error), codec.encode_error(error))
}

/// Plain text, for people and probes.
pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    with_type(status, "text/plain; charset=utf-8", full(text.into()))
}

/// What is here is only for reading.
pub(crate) fn read_only() -> Response<Body> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// The HTTP status of `error`.
pub(crate) fn status(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Writes a failure of ours to the log with its whole chain.
pub(crate) fn log(error: &ApiError) {
    if error.status < 500 {
        return;
    }
    let mut chain = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if !chain.is_empty() {
            chain.push_str(": ");
        }
        chain.push_str(&cause.to_string());
        source = cause.source();
    }
    tracing::error!(error.code = %error.code, error.chain = chain, "a request failed: {chain}");
}

fn with_type(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(n_bytes) = http_body::Body::size_hint(response.body()).exact() {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(n_bytes));
    }
    response
}

/// Whether an answer that must not be lost unnoticed was written to a connection, and has not been flushed to
/// the system since.
#[derive(Clone, Default)]
pub(crate) struct Unflushed {
    is_some: Arc<AtomicBool>,
}

impl Unflushed {
    /// Called by the connection when everything written has been flushed.
    pub(crate) fn flushed(&self) {
        self.is_some.store(false, Ordering::Release);
    }

    /// Whether there is such an answer.
    pub(crate) fn is_some(&self) -> bool {
        self.is_some.load(Ordering::Acquire)
    }

    fn written(&self) {
        self.is_some.store(true, Ordering::Release);
    }
}

/// A body that does something if it never gets as far as its connection.
pub(crate) struct WatchedBody {
    bytes: Option<Bytes>,
    unflushed: Unflushed,
    on_lost: Option<Box<dyn FnOnce() + Send>>,
}

impl WatchedBody {
    /// `bytes`, with what to do if they are lost before the connection has them.
    pub(crate) fn new(
        bytes: impl Into<Bytes>,
        unflushed: Unflushed,
        on_lost: impl FnOnce() + Send + 'static,
    ) -> WatchedBody {
        WatchedBody { bytes: Some(bytes.into()), unflushed, on_lost: Some(Box::new(on_lost)) }
    }

    /// As the body of a JSON answer.
    pub(crate) fn into_answer(self) -> Response<Body> {
        with_type(StatusCode::OK, json::CONTENT_TYPE, self.boxed_unsync())
    }
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        // From here on the connection has it: the next flush sends it, or the connection breaks.
        self.on_lost = None;
        self.unflushed.written();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        if let Some(on_lost) = self.on_lost.take() {
            on_lost();
        }
    }
}
