//! An answer whose body is read piece by piece.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::CallError;

/// Something that is being downloaded.
pub struct Download {
    /// Of the answer.
    pub status: StatusCode,
    /// The head of the answer.
    pub headers: HeaderMap,
    body: Incoming,
    endpoint: String,
    read_timeout: Duration,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Download { status, headers, .. } = self;
        formatter
            .debug_struct("Download")
            .field("status", status)
            .field("headers", headers)
            .finish_non_exhaustive()
    }
}

impl Download {
    pub(super) fn new(answer: Response<Incoming>, endpoint: &str, read_timeout: Duration) -> Download {
        let (head, body) = answer.into_parts();
        Download {
            status: head.status,
            headers: head.headers,
            body,
            endpoint: endpoint.to_owned(),
            read_timeout,
        }
    }

    /// The next piece, or nothing at the end.
    ///
    /// # Errors
    /// [`CallError::Network`], also when the connection ends before the content does, and
    /// [`CallError::Timeout`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            let after = self.read_timeout;
            let frame = tokio::time::timeout(after, self.body.frame())
                .await
                .map_err(|_| CallError::Timeout { endpoint: self.endpoint.clone(), after })?;
            let frame = match frame {
                None => return Ok(None),
                Some(frame) => frame.map_err(|source| CallError::Network {
                    endpoint: self.endpoint.clone(),
                    source: source.into(),
                })?,
            };
            // Trailers are of no interest.
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
    }

    /// The whole body, if it has at most `max_bytes`.
    ///
    /// # Errors
    /// As [`Download::chunk`]; [`CallError::Network`] for a longer body.
    pub async fn collected(mut self, max_bytes: usize) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if max_bytes < body.len() + chunk.len() {
                let source = format!("the answer has more than {max_bytes} bytes").into();
                return Err(CallError::Network { endpoint: self.endpoint, source });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The text of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `ETag` of the answer, with its quotes.
    pub fn e_tag(&self) -> Option<&str> {
        self.header(ETAG.as_str())
    }

    /// How many bytes will come.
    pub fn content_length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.parse().ok()
    }

    /// The place in the content at which this answer begins; `None` when a partial answer does not say.
    pub fn first_byte(&self) -> Option<u64> {
        if self.status != StatusCode::PARTIAL_CONTENT {
            return Some(0);
        }
        let range = self.header(CONTENT_RANGE.as_str())?.strip_prefix("bytes ")?;
        range.split_once('-')?.0.parse().ok()
    }
}
