//! What a request carries: bytes at hand, or a file that is read while it is sent.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use crate::sigv4;

/// How much of a file is in memory at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// What a call sends; every attempt makes a fresh [`RequestBody`] of it.
pub(super) enum Payload {
    Bytes(Bytes),
    File { path: PathBuf, len: u64, sha256_hex: String },
}

impl Payload {
    pub(super) fn len(&self) -> u64 {
        match self {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::File { len, .. } => *len,
        }
    }

    pub(super) fn sha256_hex(&self) -> String {
        match self {
            Payload::Bytes(bytes) => sigv4::payload_sha256_hex(bytes),
            Payload::File { sha256_hex, .. } => sha256_hex.clone(),
        }
    }

    pub(super) async fn to_body(&self) -> io::Result<RequestBody> {
        match self {
            Payload::Bytes(bytes) => {
                Ok(RequestBody::Bytes(Some(bytes.clone()).filter(|bytes| !bytes.is_empty())))
            }
            Payload::File { path, len, .. } => {
                Ok(RequestBody::File { file: File::open(path).await?, remaining: *len })
            }
        }
    }
}

/// The body of one attempt.
pub(super) enum RequestBody {
    Bytes(Option<Bytes>),
    File { file: File, remaining: u64 },
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            RequestBody::Bytes(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            RequestBody::File { remaining: 0, .. } => Poll::Ready(None),
            RequestBody::File { file, remaining } => {
                let chunk = ready!(poll_chunk(file, *remaining, context));
                if let Ok(chunk) = &chunk {
                    *remaining -= chunk.len() as u64;
                }
                Poll::Ready(Some(chunk.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, RequestBody::Bytes(None) | RequestBody::File { remaining: 0, .. })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            RequestBody::Bytes(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            RequestBody::File { remaining, .. } => *remaining,
        })
    }
}

/// The next piece of `file`, at most `limit` bytes: a file that grew is sent as long as it was signed.
fn poll_chunk(file: &mut File, limit: u64, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
    let size = usize::try_from(limit).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
    let mut storage = vec![0; size];
    let mut buffer = ReadBuf::new(&mut storage);
    ready!(Pin::new(file).poll_read(context, &mut buffer))?;
    let n_read = buffer.filled().len();
    if n_read == 0 {
        return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter")));
    }
    storage.truncate(n_read);
    Poll::Ready(Ok(Bytes::from(storage)))
}
