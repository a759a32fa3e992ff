//! Bounds the memory that an `aws-chunked` body may take.
//!
//! `s3s` holds a whole chunk in memory before it passes any of it on, and some SDKs send an object
//! as one chunk. Chunks without signatures can be cut anywhere, so each block that arrives becomes a
//! chunk of its own. A signed chunk must stay whole until its signature is checked, so a large one is
//! refused; SDKs sign chunks of 64 or 128 KiB. Size lines that are not understood are refused too:
//! `s3s` might find a size in them.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::Body;

const UNSIGNED: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED: &str = "STREAMING-AWS4-";
type StdError = Box<dyn std::error::Error + Send + Sync>;

/// No size line is longer, without a signature.
const MAX_SIZE_LINE: usize = 32;
/// No size line is longer, signature and all.
const MAX_SIGNED_SIZE_LINE: usize = 128;
/// The largest chunk whose signature is checked: a compromise between what a connection may take of
/// the memory and what a client might send.
const MAX_SIGNED_CHUNK_BYTES: u64 = 4 * 1024 * 1024;

/// Why a body is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    /// A size line is none.
    #[error("the aws-chunked body is malformed")]
    Malformed,
    /// A signed chunk would have to be held in memory.
    #[error("a signed chunk has {size_bytes} bytes, more than the {MAX_SIGNED_CHUNK_BYTES} allowed")]
    TooLarge {
        /// As its size line says.
        size_bytes: u64,
    },
}

/// The request with a body of chunks that are small enough to be held in memory.
pub(crate) fn with_bounded_chunks(request: Request<Body>) -> Request<Body> {
    let payload = request.headers().get("x-amz-content-sha256").map(|value| value.as_bytes().to_owned());
    match payload {
        Some(payload) if payload == UNSIGNED.as_bytes() => {
            let mut place = Place::SizeLine(Vec::new());
            request.map(|body| transformed(body, move |block| place.reframed(&block)))
        }
        Some(payload) if payload.starts_with(SIGNED.as_bytes()) => {
            let mut place = SignedPlace::SizeLine(Vec::new());
            request.map(|body| transformed(body, move |block| place.checked(block)))
        }
        Some(_) | None => request,
    }
}

fn transformed(
    body: Body,
    mut transform: impl FnMut(Bytes) -> Result<Bytes, ChunkError> + Send + 'static,
) -> Body {
    let blocks = body.map(move |block| Ok::<Bytes, StdError>(transform(block?)?));
    Body::http_body_unsync(StreamBody::new(blocks.map_ok(Frame::data)))
}

/// Where in a body of signed chunks the next byte stands.
enum SignedPlace {
    /// In the line with a chunk's size and signature, of which this is there.
    SizeLine(Vec<u8>),
    /// In a chunk's data or in the line end after it, with so much to come.
    Data(u64),
    /// After the last chunk: trailers, whose length `s3s` bounds.
    Trailers,
}

impl SignedPlace {
    /// The block as it is, if no chunk in it is too large.
    fn checked(&mut self, block: Bytes) -> Result<Bytes, ChunkError> {
        let mut rest = &block[..];
        while let Some(&first) = rest.first() {
            match self {
                SignedPlace::Trailers => break,
                SignedPlace::SizeLine(line) => {
                    line.push(first);
                    rest = &rest[1..];
                    if line.ends_with(b"\n") {
                        *self = SignedPlace::after_size_line(line)?;
                    } else if line.len() > MAX_SIGNED_SIZE_LINE {
                        return Err(ChunkError::Malformed);
                    }
                }
                SignedPlace::Data(left) => {
                    let n_bytes = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    rest = &rest[n_bytes..];
                    *left -= n_bytes as u64;
                    if *left == 0 {
                        *self = SignedPlace::SizeLine(Vec::new());
                    }
                }
            }
        }
        Ok(block)
    }

    fn after_size_line(line: &[u8]) -> Result<SignedPlace, ChunkError> {
        let digits = line.split(|&byte| byte == b';' || byte == b'\r').next().unwrap_or_default();
        match size(digits) {
            None => Err(ChunkError::Malformed),
            Some(0) => Ok(SignedPlace::Trailers),
            Some(size_bytes) if size_bytes > MAX_SIGNED_CHUNK_BYTES => {
                Err(ChunkError::TooLarge { size_bytes })
            }
            // Two more for the line end after the data.
            Some(size_bytes) => Ok(SignedPlace::Data(size_bytes + 2)),
        }
    }
}

/// A size as a chunk's line has it.
fn size(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

/// Where in a body of unsigned chunks the next byte stands.
enum Place {
    /// In the line with a chunk's size, of which this is there.
    SizeLine(Vec<u8>),
    /// In a chunk's data, with so much to come.
    Data(u64),
    /// In the line end after the data, with so many bytes to come.
    DataEnd(&'static [u8]),
    /// After the last chunk: trailers, whose length `s3s` bounds.
    Trailers,
}

impl Place {
    fn reframed(&mut self, mut block: &[u8]) -> Result<Bytes, ChunkError> {
        let mut out = Vec::with_capacity(block.len() + 2 * MAX_SIZE_LINE);
        while let Some((&first, rest)) = block.split_first() {
            match self {
                Place::Trailers => {
                    out.extend_from_slice(block);
                    break;
                }
                Place::SizeLine(line) => {
                    line.push(first);
                    block = rest;
                    if line.ends_with(b"\n") {
                        *self = Place::after_size_line(line, &mut out)?;
                    } else if line.len() > MAX_SIZE_LINE {
                        return Err(ChunkError::Malformed);
                    }
                }
                Place::Data(left) => {
                    let n_bytes = usize::try_from(*left).unwrap_or(usize::MAX).min(block.len());
                    out.extend_from_slice(format!("{n_bytes:x}\r\n").as_bytes());
                    out.extend_from_slice(&block[..n_bytes]);
                    out.extend_from_slice(b"\r\n");
                    block = &block[n_bytes..];
                    *left -= n_bytes as u64;
                    if *left == 0 {
                        *self = Place::DataEnd(b"\r\n");
                    }
                }
                Place::DataEnd(awaited) => {
                    if awaited.first() != Some(&first) {
                        return Err(ChunkError::Malformed);
                    }
                    *awaited = &awaited[1..];
                    block = rest;
                    if awaited.is_empty() {
                        *self = Place::SizeLine(Vec::new());
                    }
                }
            }
        }
        Ok(out.into())
    }

    /// What follows a whole size line; the line of the last chunk goes to `out` as it is.
    fn after_size_line(line: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<Place, ChunkError> {
        match line.strip_suffix(b"\r\n").and_then(size) {
            None => Err(ChunkError::Malformed),
            Some(0) => {
                out.append(line);
                Ok(Place::Trailers)
            }
            Some(size_bytes) => Ok(Place::Data(size_bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(blocks: impl Iterator<Item = Result<Bytes, ChunkError>>) -> String {
        match blocks.collect::<Result<Vec<Bytes>, ChunkError>>() {
            Ok(blocks) => String::from_utf8_lossy(&blocks.concat()).into_owned(),
            Err(error) => format!("{error:?}"),
        }
    }

    /// An unsigned `body` arrives in blocks of `block_bytes`.
    #[track_caller]
    fn check(body: &str, block_bytes: usize, expected: &str) {
        let mut place = Place::SizeLine(Vec::new());
        let blocks = body.as_bytes().chunks(block_bytes);
        let out = shown(blocks.map(|block| place.reframed(block)));
        assert_eq!(out, expected, "{body:?} in blocks of {block_bytes}");
    }

    /// A signed `body` arrives in blocks of `block_bytes`, and is passed on as it is or not at all.
    #[track_caller]
    fn check_signed(body: &str, block_bytes: usize, expected: &str) {
        let mut place = SignedPlace::SizeLine(Vec::new());
        let blocks = body.as_bytes().chunks(block_bytes).map(Bytes::copy_from_slice);
        let out = shown(blocks.map(|block| place.checked(block)));
        let expected = if expected == "ok" { body } else { expected };
        assert_eq!(out, expected, "{body:?} in blocks of {block_bytes}");
    }

    const BODY: &str = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";

    #[test]
    fn a_chunk_in_one_block_stays() {
        check(BODY, 1000, BODY);
        check("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 1000, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    }

    #[test]
    fn a_chunk_over_blocks_is_cut() {
        check("a\r\n0123456789\r\n0\r\n\r\n", 7, "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n");
        let bytes =
            "1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        check(BODY, 1, bytes);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        check("zz\r\nhello", 3, "Malformed");
        check("ffffffffzz\r\nhello", 3, "Malformed");
        check("5;chunk-signature=abc\r\nhello\r\n", 100, "Malformed");
        check("5\r\nhelloXX", 100, "Malformed");
        check("-5\r\nhello", 100, "Malformed");
        check("+5\r\nhello", 100, "Malformed");
        check(&"1".repeat(100), 10, "Malformed");
    }

    #[test]
    fn signed_chunks_are_passed_on_if_they_are_small() {
        let signature = "a".repeat(64);
        let body = format!(
            "5;chunk-signature={signature}\r\nhello\r\n0;chunk-signature={signature}\r\n5000000\r\n\r\n"
        );
        for block_bytes in [1, 7, 1000] {
            check_signed(&body, block_bytes, "ok");
        }
        check_signed("400000;chunk-signature=a\r\nhello", 9, "ok");
        check_signed("400001;chunk-signature=a\r\nhello", 9, "TooLarge { size_bytes: 4194305 }");
        check_signed("1\r\nh\r\nffffffff;chunk-signature=a\r\n", 9, "TooLarge { size_bytes: 4294967295 }");
        check_signed("ffffffffzz;chunk-signature=a\r\n", 9, "Malformed");
        check_signed(&"1".repeat(200), 10, "Malformed");
    }
}
