//! Receives an upload: body to content file, lengths and checksums verified on the way.

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use crate::content::{ContentFolder, Incoming};
use crate::digest::{Algorithm, Digests, Sums};
use crate::reader::run_blocking;

/// As S3: the most that one request may bring.
const MAX_UPLOAD_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes are handed to the disk in pieces of about this size.
const BLOCK_BYTES: usize = 1024 * 1024;
/// How long an upload may bring nothing before it is given up.
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// What the caller said about the body.
pub(crate) struct Declared {
    len: Option<u64>,
    content_md5: Option<String>,
    algorithms: Vec<Algorithm>,
    checksums: Vec<(Algorithm, String)>,
    trailer_names: Vec<String>,
    trailers: Option<TrailingHeaders>,
}

/// A body that was received whole, is on the disk and is what the caller said.
pub(crate) struct Received {
    pub(crate) incoming: Incoming,
    pub(crate) len: u64,
    pub(crate) sums: Sums,
}

impl Declared {
    /// Reads it from the request; `algorithms` are computed in any case.
    pub(crate) fn from_request(
        headers: &HeaderMap,
        trailers: Option<TrailingHeaders>,
        algorithms: &[Algorithm],
    ) -> S3Result<Declared> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let len = text("x-amz-decoded-content-length").or_else(|| text("content-length"));
        let trailer_names: Vec<String> = text("x-amz-trailer")
            .into_iter()
            .flat_map(|names| names.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty())
            .collect();
        let checksums: Vec<(Algorithm, String)> = headers
            .keys()
            .filter_map(|name| {
                let algorithm = Algorithm::of_header(name.as_str())?;
                Some((algorithm, text(name.as_str())?.to_owned()))
            })
            .collect();
        let mut algorithms = algorithms.to_vec();
        algorithms.extend(checksums.iter().map(|(algorithm, _)| *algorithm));
        algorithms.extend(trailer_names.iter().filter_map(|name| Algorithm::of_header(name)));
        algorithms.extend(text("x-amz-sdk-checksum-algorithm").and_then(Algorithm::named));
        let declared = Declared {
            len: len.and_then(|len| len.parse().ok()),
            content_md5: text("content-md5").map(str::to_owned),
            algorithms,
            checksums,
            trailer_names,
            trailers,
        };
        match declared.len {
            Some(len) if len > MAX_UPLOAD_BYTES => Err(too_large(len)),
            Some(_) | None => Ok(declared),
        }
    }

    fn verify(mut self, len: u64, sums: &Sums) -> S3Result<()> {
        if let Some(declared) = self.len
            && declared != len
        {
            return Err(s3_error!(IncompleteBody, "{declared} bytes were announced, but {len} came."));
        }
        if let Some(md5) = &self.content_md5
            && *md5 != sums.md5_base64
        {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let trailers = self.trailers.take().and_then(|trailers| trailers.take()).unwrap_or_default();
        for name in &self.trailer_names {
            let value = trailers.get(name).and_then(|value| value.to_str().ok());
            let Some(value) = value else {
                let code = S3ErrorCode::Custom("MalformedTrailerError".into());
                let mut error =
                    S3Error::with_message(code, format!("The announced trailer {name} is missing."));
                error.set_status_code(http::StatusCode::BAD_REQUEST);
                return Err(error);
            };
            if let Some(algorithm) = Algorithm::of_header(name) {
                self.checksums.push((algorithm, value.to_owned()));
            }
        }
        for (algorithm, declared) in &self.checksums {
            if algorithm.value(&sums.checksum) != Some(declared) {
                let name = algorithm.name();
                return Err(s3_error!(
                    BadDigest,
                    "The {name} you specified did not match the calculated checksum."
                ));
            }
        }
        Ok(())
    }
}

fn too_large(len: u64) -> S3Error {
    s3_error!(EntityTooLarge, "{len} bytes are more than the {MAX_UPLOAD_BYTES} that one upload may bring.")
}

/// Receives `body` into a synced file under a temporary name.
///
/// # Errors
/// When the body breaks off or is not what was declared, or the disk fails; no file is left then.
pub(crate) async fn receive(
    content: &ContentFolder,
    body: Option<StreamingBlob>,
    declared: Declared,
) -> S3Result<Received> {
    let folder = content.clone();
    let (incoming, file) = run_blocking(move || folder.begin()).await.map_err(disk_failed)?;
    let mut sink = Sink { file, digests: Digests::new(&declared.algorithms), len: 0 };
    if let Some(mut body) = body {
        while let Some(blocks) = next_blocks(&mut body).await? {
            sink = run_blocking(move || sink.write(&blocks)).await.map_err(disk_failed)?;
            if sink.len > MAX_UPLOAD_BYTES {
                return Err(too_large(sink.len));
            }
        }
    }
    let (len, sums) = run_blocking(move || sink.finish()).await.map_err(disk_failed)?;
    declared.verify(len, &sums)?;
    Ok(Received { incoming, len, sums })
}

/// About [`BLOCK_BYTES`] of the body, or what there is at its end; `None` after it.
async fn next_blocks(body: &mut StreamingBlob) -> S3Result<Option<Vec<Bytes>>> {
    let mut blocks: Vec<Bytes> = Vec::new();
    let mut n_bytes = 0;
    while n_bytes < BLOCK_BYTES {
        let next = tokio::time::timeout(MAX_SILENCE, body.next()).await;
        match next.map_err(|_| s3_error!(RequestTimeout, "No data came for {MAX_SILENCE:?}."))? {
            Some(block) => {
                let block = block.map_err(body_failed)?;
                n_bytes += block.len();
                blocks.push(block);
            }
            None => break,
        }
    }
    Ok((!blocks.is_empty()).then_some(blocks))
}

struct Sink {
    file: File,
    digests: Digests,
    len: u64,
}

impl Sink {
    fn write(mut self, blocks: &[Bytes]) -> io::Result<Sink> {
        for block in blocks {
            self.file.write_all(block)?;
            self.digests.update(block);
            self.len += block.len() as u64;
        }
        Ok(self)
    }

    fn finish(self) -> io::Result<(u64, Sums)> {
        self.file.sync_all()?;
        Ok((self.len, self.digests.finish()))
    }
}

/// The error of a body. `s3s` keeps its body errors private, so they are told apart by their texts,
/// and so are ours, which `s3s` wraps.
fn body_failed(error: StdError) -> S3Error {
    let text = error.to_string();
    let mut failure = if text.contains("Sha256Mismatch") {
        let mut mismatch = S3Error::with_message(
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        mismatch.set_status_code(http::StatusCode::BAD_REQUEST);
        mismatch
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "The signature of a chunk of the body does not match.")
    } else if let Some((_, reason)) = text.split_once("a signed chunk has ") {
        s3_error!(InvalidRequest, "A signed chunk of the body has {reason}.")
    } else if ["FormatError", "TooLarge", "TooMany", "malformed"].iter().any(|word| text.contains(word)) {
        s3_error!(InvalidRequest, "The aws-chunked body is malformed.")
    } else {
        s3_error!(IncompleteBody, "The body ended before all of it came.")
    };
    failure.set_source(error);
    failure
}

/// The error of the disk; the cause goes to the log.
pub(crate) fn disk_failed(error: io::Error) -> S3Error {
    tracing::error!(%error, "bundle store: file work failed");
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        let code = S3ErrorCode::Custom("InsufficientStorage".into());
        let mut full = S3Error::with_message(code, "The bundle store's disk is full.");
        // 507: SDKs do not retry it, and a retry would not help.
        full.set_status_code(http::StatusCode::INSUFFICIENT_STORAGE);
        return full;
    }
    s3_error!(InternalError, "The bundle store could not read or write its files. Please try again.")
}
