//! Cuts the chunks of an unsigned `aws-chunked` body into small ones.
//!
//! `s3s` holds a whole chunk in memory before it passes any of it on, and some SDKs send an object
//! as one chunk. Chunks without signatures can be cut anywhere, so each block that arrives becomes a
//! chunk of its own. What is not understood is passed on as it is, for `s3s` to judge.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::Body;

const UNSIGNED: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
type StdError = Box<dyn std::error::Error + Send + Sync>;

/// No size line is longer.
const MAX_SIZE_LINE: usize = 32;

/// The request with a body of small chunks, if it is of this kind.
pub(crate) fn with_small_chunks(request: Request<Body>) -> Request<Body> {
    let is_unsigned = request.headers().get("x-amz-content-sha256").is_some_and(|value| value == UNSIGNED);
    if !is_unsigned {
        return request;
    }
    request.map(|body| {
        let mut place = Place::SizeLine(Vec::new());
        let blocks = body.map(move |block| Ok::<Bytes, StdError>(place.reframed(&block?)));
        Body::http_body_unsync(StreamBody::new(blocks.map_ok(Frame::data)))
    })
}

/// Where in the body the next byte stands.
enum Place {
    /// In the line with a chunk's size, of which this is there.
    SizeLine(Vec<u8>),
    /// In a chunk's data, with so much to come.
    Data(u64),
    /// In the line end after the data, with so many bytes to come.
    DataEnd(&'static [u8]),
    /// After the last chunk, or where nothing is understood any more.
    Verbatim,
}

impl Place {
    fn reframed(&mut self, mut block: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(block.len() + 2 * MAX_SIZE_LINE);
        while let Some((&first, rest)) = block.split_first() {
            match self {
                Place::Verbatim => {
                    out.extend_from_slice(block);
                    break;
                }
                Place::SizeLine(line) => {
                    line.push(first);
                    block = rest;
                    if let Some(next) = after_size_line(line) {
                        if matches!(next, Place::Verbatim) {
                            out.append(line);
                        }
                        *self = next;
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
                Place::DataEnd(awaited) if awaited.first() == Some(&first) => {
                    *awaited = &awaited[1..];
                    block = rest;
                    if awaited.is_empty() {
                        *self = Place::SizeLine(Vec::new());
                    }
                }
                // Where a size line should begin, this is none.
                Place::DataEnd(_) => *self = Place::Verbatim,
            }
        }
        out.into()
    }
}

/// What follows when `line` is a whole size line, or cannot become one.
fn after_size_line(line: &[u8]) -> Option<Place> {
    if !line.ends_with(b"\n") {
        return (line.len() > MAX_SIZE_LINE).then_some(Place::Verbatim);
    }
    let digits = line.strip_suffix(b"\r\n").and_then(|digits| std::str::from_utf8(digits).ok());
    match digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
        Some(size) if size > 0 => Some(Place::Data(size)),
        Some(_) | None => Some(Place::Verbatim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `body` arrives in blocks of `block_bytes`.
    #[track_caller]
    fn check(body: &str, block_bytes: usize, expected: &str) {
        let mut place = Place::SizeLine(Vec::new());
        let blocks = body.as_bytes().chunks(block_bytes);
        let out: Vec<u8> = blocks.flat_map(|block| place.reframed(block)).collect();
        assert_eq!(String::from_utf8_lossy(&out), expected, "{body:?} in blocks of {block_bytes}");
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
    fn what_is_not_understood_is_left_alone() {
        check("zz\r\nhello", 3, "zz\r\nhello");
        check("5;chunk-signature=abc\r\nhello\r\n", 100, "5;chunk-signature=abc\r\nhello\r\n");
        check("5\r\nhelloXX", 100, "5\r\nhello\r\nXX");
        check("-5\r\nhello", 100, "-5\r\nhello");
        let endless = "1".repeat(100);
        check(&endless, 10, &endless);
    }
}
