//! Objects: put, get, head.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, EXPIRES, HeaderName, HeaderValue, LAST_MODIFIED,
};
use longshore_store::ObjectRow;
use s3s::dto::{
    ChecksumMode, ChecksumType, GetObjectInput, GetObjectOutput, GetObjectTaggingInput,
    GetObjectTaggingOutput, HeadObjectInput, HeadObjectOutput, PutObjectInput, PutObjectOutput, Range,
    TimestampFormat,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::commit::{Committed, NewObject, Staged, WriteCondition};
use super::part::part;
use super::{Bundles, NULL_VERSION, http_time, no_such_bucket, no_such_key, store_failed, strong};
use crate::body::{Declared, disk_failed, receive};
use crate::condition::{Conditions, Verdict};
use crate::content::Lease;
use crate::digest;
use crate::headers;
use crate::reader;

/// How often a row is read again whose files were replaced meanwhile.
const MAX_LOOKS: usize = 10;

impl Bundles {
    pub(super) async fn put_object(
        self: Arc<Self>,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        check_key(&req.input.key)?;
        self.versioning(&req.input.bucket).await?;
        let mut kept = headers::kept(&req.headers)?;
        let declared = Declared::from_request(&req.headers, req.trailing_headers, &[])?;
        let input = req.input;
        let received = receive(&self.content, input.body, declared).await?;
        if !kept.iter().any(|(name, _)| name == "content-type") {
            kept.push(("content-type".to_owned(), "binary/octet-stream".to_owned()));
        }
        let sums = received.sums;
        let checksum_headers = digest::headers(&sums.checksum);
        let checksum_type = (!checksum_headers.is_empty()).then_some(ChecksumType::FULL_OBJECT);
        kept.extend(checksum_headers);
        kept.extend(checksum_type.map(|kind| ("x-amz-checksum-type".to_owned(), kind.to_owned())));
        let object = NewObject {
            bucket: input.bucket,
            key: input.key,
            size_bytes: received.len,
            e_tag: sums.e_tag,
            headers: kept,
            staged: Staged::Received(received.incoming),
            condition: WriteCondition { if_match: input.if_match, if_none_match: input.if_none_match },
        };
        let Committed { row, version_id } = self.commit(object).await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(strong(&row.e_tag)),
            version_id,
            checksum_crc32: sums.checksum.checksum_crc32,
            checksum_crc32c: sums.checksum.checksum_crc32c,
            checksum_crc64nvme: sums.checksum.checksum_crc64nvme,
            checksum_sha1: sums.checksum.checksum_sha1,
            checksum_sha256: sums.checksum.checksum_sha256,
            checksum_type: checksum_type.map(ChecksumType::from_static),
            ..PutObjectOutput::default()
        }))
    }

    pub(super) async fn get_object(
        self: Arc<Self>,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        let overridden = overridden(&input);
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let version = input.version_id.as_deref();
        let (row, lease) = self.leased(&input.bucket, &input.key, version).await?;
        check_conditions(&conditions, &row)?;
        let Wanted { range, content_range, parts_count } =
            self.wanted(&row, input.range, input.part_number).await?;
        let with_checksums = asks_for_checksums(input.checksum_mode.as_ref()) && content_range.is_none();
        let mut headers = headers::given_back(&row.headers, with_checksums);
        for name in overridden {
            headers.remove(name);
        }
        let content_length = range.end - range.start;
        let version_id = self.told_version(&row).await?;
        let files = row.files.clone();
        let body = reader::stream(&self.content, lease, files, row.size_bytes, range).await;
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(body.map_err(disk_failed)?),
            content_length: Some(i64::try_from(content_length).map_err(S3Error::internal_error)?),
            content_range,
            e_tag: Some(strong(&row.e_tag)),
            last_modified: Some(http_time(row.modified_at)),
            parts_count,
            version_id,
            ..GetObjectOutput::default()
        };
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) async fn head_object(
        self: Arc<Self>,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let (row, _lease) = self.leased(&input.bucket, &input.key, input.version_id.as_deref()).await?;
        check_conditions(&conditions, &row)?;
        let Wanted { range, content_range, parts_count } =
            self.wanted(&row, input.range, input.part_number).await?;
        let with_checksums = asks_for_checksums(input.checksum_mode.as_ref()) && content_range.is_none();
        let headers = headers::given_back(&row.headers, with_checksums);
        let output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(i64::try_from(range.end - range.start).map_err(S3Error::internal_error)?),
            content_range,
            e_tag: Some(strong(&row.e_tag)),
            last_modified: Some(http_time(row.modified_at)),
            parts_count,
            version_id: self.told_version(&row).await?,
            ..HeadObjectOutput::default()
        };
        Ok(S3Response::with_headers(output, headers))
    }

    /// Which bytes of `row` are wanted: a range of them, a part, or all.
    async fn wanted(
        &self,
        row: &ObjectRow,
        range: Option<Range>,
        part_number: Option<i32>,
    ) -> S3Result<Wanted> {
        let size_bytes = row.size_bytes;
        let (range, n_parts) = match (range, part_number) {
            (Some(_), Some(_)) => {
                return Err(s3_error!(InvalidRequest, "Cannot specify both Range header and partNumber."));
            }
            (None, None) => {
                return Ok(Wanted { range: 0..size_bytes, content_range: None, parts_count: None });
            }
            (Some(range), None) => (satisfied(range, size_bytes)?, None),
            (None, Some(number)) => {
                let part = part(&self.content, row, number).await?;
                (part.range, part.n_parts)
            }
        };
        // Nothing is no range: an empty object is answered whole.
        let content_range =
            (!range.is_empty()).then(|| format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1));
        let parts_count = n_parts.and_then(|n_parts| i32::try_from(n_parts).ok());
        Ok(Wanted { range, content_range, parts_count })
    }

    /// Tags are not kept; clients that copy objects ask for them all the same.
    pub(super) async fn get_object_tagging(
        self: Arc<Self>,
        req: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = req.input;
        let row = self.found(&input.bucket, &input.key, input.version_id.as_deref()).await?;
        let version_id = self.told_version(&row).await?;
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set: Vec::new(), version_id }))
    }

    /// The object, which is no delete marker.
    pub(super) async fn found(&self, bucket: &str, key: &str, version: Option<&str>) -> S3Result<ObjectRow> {
        let row = self.index.object(bucket, key, version).await.map_err(store_failed)?;
        match row {
            Some(row) if row.is_delete_marker => Err(deleted(row, version.is_some())),
            Some(row) => Ok(row),
            None => {
                if self.index.bucket(bucket).await.map_err(store_failed)?.is_none() {
                    return Err(no_such_bucket(bucket));
                }
                Err(match version {
                    Some(version) => s3_error!(
                        NoSuchVersion,
                        "The specified version does not exist: {bucket}/{key}, version {version}"
                    ),
                    None => no_such_key(bucket, key),
                })
            }
        }
    }

    /// The object with its files held. Looks again when they were replaced in between.
    pub(super) async fn leased(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> S3Result<(ObjectRow, Lease)> {
        for _ in 0..MAX_LOOKS {
            let row = self.found(bucket, key, version).await?;
            let (content, files) = (self.content.clone(), row.files.clone());
            let lease = reader::run_blocking(move || content.lease(&files)).await.map_err(disk_failed)?;
            if let Some(lease) = lease {
                return Ok((row, lease));
            }
        }
        tracing::error!(bucket, key, "bundle store: an object's content files are missing");
        Err(s3_error!(InternalError, "The content of {bucket}/{key} is missing on the server's disk."))
    }

    /// The version that clients are told of: none where the bucket never kept versions.
    pub(super) async fn told_version(&self, row: &ObjectRow) -> S3Result<Option<String>> {
        if row.version != NULL_VERSION {
            return Ok(Some(row.version.clone()));
        }
        let bucket = self.index.bucket(&row.bucket).await.map_err(store_failed)?;
        let ever_versioned = bucket.is_some_and(|(_, versioning)| versioning.is_some());
        Ok(ever_versioned.then(|| NULL_VERSION.to_owned()))
    }
}

/// Keys that XML cannot say are refused.
pub(super) fn check_key(key: &str) -> S3Result<()> {
    if key.contains('\u{0}') {
        return Err(s3_error!(InvalidArgument, "A key must not contain the character U+0000."));
    }
    Ok(())
}

/// Which bytes a read is to answer, and how the answer says so.
struct Wanted {
    range: std::ops::Range<u64>,
    content_range: Option<String>,
    parts_count: Option<i32>,
}

/// The headers that the request wants otherwise than stored; `s3s` sets them.
fn overridden(input: &GetObjectInput) -> Vec<HeaderName> {
    let overridden = [
        (CONTENT_TYPE, input.response_content_type.is_some()),
        (CONTENT_LANGUAGE, input.response_content_language.is_some()),
        (CONTENT_DISPOSITION, input.response_content_disposition.is_some()),
        (CONTENT_ENCODING, input.response_content_encoding.is_some()),
        (CACHE_CONTROL, input.response_cache_control.is_some()),
        (EXPIRES, input.response_expires.is_some()),
    ];
    overridden.into_iter().filter(|(_, is_overridden)| *is_overridden).map(|(name, _)| name).collect()
}

fn asks_for_checksums(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

fn satisfied(range: Range, size_bytes: u64) -> S3Result<std::ops::Range<u64>> {
    range.check(size_bytes).map_err(|_| {
        let mut error =
            s3_error!(InvalidRange, "The object has {size_bytes} bytes, none of them in the range.");
        let content_range = HeaderValue::try_from(format!("bytes */{size_bytes}"));
        error.set_headers(content_range.ok().into_iter().map(|value| (CONTENT_RANGE, value)).collect());
        error
    })
}

fn check_conditions(conditions: &Conditions, row: &ObjectRow) -> S3Result<()> {
    match conditions.on_read(&row.e_tag, row.modified_at) {
        Verdict::Proceed => Ok(()),
        Verdict::PreconditionFailed(header) => Err(precondition_failed(header)),
        Verdict::NotModified => {
            let mut error = s3_error!(NotModified);
            error.set_headers(validators(row));
            Err(error)
        }
    }
}

pub(super) fn precondition_failed(header: &str) -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the preconditions you specified did not hold: {header}")
}

fn validators(row: &ObjectRow) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(e_tag) = strong(&row.e_tag).to_http_header() {
        headers.insert(ETAG, e_tag);
    }
    let mut time = Vec::new();
    let is_written = http_time(row.modified_at).format(TimestampFormat::HttpDate, &mut time).is_ok();
    if is_written && let Ok(time) = HeaderValue::from_bytes(&time) {
        headers.insert(LAST_MODIFIED, time);
    }
    headers
}

/// The answer where a delete marker stands.
fn deleted(marker: ObjectRow, was_named: bool) -> S3Error {
    let mut error = if was_named {
        s3_error!(MethodNotAllowed, "The specified version is a delete marker.")
    } else {
        no_such_key(&marker.bucket, &marker.key)
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(version) = HeaderValue::try_from(marker.version) {
        headers.insert("x-amz-version-id", version);
    }
    error.set_headers(headers);
    error
}
