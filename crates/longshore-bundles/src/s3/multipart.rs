//! Multipart uploads. Parts stay files of their own and are joined when the object is read.

use std::sync::Arc;

use longshore_store::{MultipartUpload, StoreError, UploadedPart};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Checksum, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ListPartsInput, ListPartsOutput, Part, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use uuid::Uuid;

use super::commit::{Committed, NewObject, Staged, WriteCondition, in_own_task, no_such_upload};
use super::object::check_key;
use super::{Bundles, http_time, now, store_failed, strong};
use crate::body::{Declared, Received, disk_failed, receive};
use crate::digest::{self, Algorithm};
use crate::headers;
use crate::reader::run_blocking;

/// As S3: every part but the last has at least this.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
const MAX_PARTS: i32 = 10_000;
const MAX_LISTED_PARTS: usize = 1000;
/// Headers of the upload that say how the object's checksum is made.
const ALGORITHM: &str = "x-amz-checksum-algorithm";
const TYPE: &str = "x-amz-checksum-type";

/// The checksum algorithm that the upload was begun with.
pub(super) fn algorithm(upload: &MultipartUpload) -> Option<Algorithm> {
    Algorithm::named(header(upload, ALGORITHM)?)
}

/// How the object's checksum will be made, if the upload was begun with one.
pub(super) fn checksum_type_of(upload: &MultipartUpload) -> Option<&str> {
    header(upload, TYPE)
}

fn header<'a>(upload: &'a MultipartUpload, wanted: &str) -> Option<&'a str> {
    upload.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

impl Bundles {
    pub(super) async fn create_multipart_upload(
        self: Arc<Self>,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        check_key(&req.input.key)?;
        self.versioning(&req.input.bucket).await?;
        let mut kept = headers::kept(&req.headers)?;
        let input = req.input;
        if !kept.iter().any(|(name, _)| name == "content-type") {
            kept.push(("content-type".to_owned(), "binary/octet-stream".to_owned()));
        }
        let algorithm = match &input.checksum_algorithm {
            Some(wanted) => Some(Algorithm::named(wanted.as_str()).ok_or_else(|| {
                s3_error!(InvalidRequest, "The checksum algorithm {} is not known.", wanted.as_str())
            })?),
            None => None,
        };
        let kind =
            algorithm.map(|algorithm| checksum_type(algorithm, input.checksum_type.as_ref())).transpose()?;
        kept.extend(algorithm.map(|algorithm| (ALGORITHM.to_owned(), algorithm.name().to_owned())));
        kept.extend(kind.map(|kind| (TYPE.to_owned(), kind.to_owned())));
        let upload = MultipartUpload {
            // Ids grow with time, so that uploads to one key are listed in the order in which they began.
            id: Uuid::now_v7().simple().to_string(),
            bucket: input.bucket,
            key: input.key,
            started_at: now(),
            headers: kept,
        };
        self.index.create_upload(&upload).await.map_err(store_failed)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(upload.bucket),
            key: Some(upload.key),
            upload_id: Some(upload.id),
            checksum_algorithm: algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: kind.map(ChecksumType::from_static),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn upload_part(
        self: Arc<Self>,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        headers::refuse_unsupported(&req.headers)?;
        let number = req.input.part_number;
        if !(1..=MAX_PARTS).contains(&number) {
            return Err(s3_error!(InvalidArgument, "Part number {number} is not between 1 and {MAX_PARTS}."));
        }
        let input = req.input;
        let (upload, _parts) = self.open_upload(&input.bucket, &input.key, &input.upload_id).await?;
        let algorithms: Vec<_> = algorithm(&upload).into_iter().collect();
        let declared = Declared::from_request(&req.headers, req.trailing_headers, &algorithms)?;
        let received = receive(&self.content, input.body, declared).await?;
        let checksum = received.sums.checksum.clone();
        let part = self.keep_part(&upload.id, number, received).await?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(strong(&part.e_tag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            ..UploadPartOutput::default()
        }))
    }

    pub(super) async fn list_parts(
        self: Arc<Self>,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        let (upload, parts) = self.open_upload(&input.bucket, &input.key, &input.upload_id).await?;
        let marker = input.part_number_marker.and_then(|marker| u32::try_from(marker).ok()).unwrap_or(0);
        let limit = input.max_parts.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_LISTED_PARTS);
        let mut rest = parts.iter().filter(|part| part.number > marker);
        let listed: Vec<Part> = rest.by_ref().take(limit.min(MAX_LISTED_PARTS)).map(listed_part).collect();
        let is_truncated = rest.next().is_some();
        let last = listed.last().and_then(|part| part.part_number);
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: input.part_number_marker,
            next_part_number_marker: last.filter(|_| is_truncated),
            max_parts: i32::try_from(limit).ok(),
            is_truncated: Some(is_truncated),
            parts: Some(listed),
            owner: Some(self.owner()),
            checksum_algorithm: algorithm(&upload).map(|found| ChecksumAlgorithm::from_static(found.name())),
            checksum_type: checksum_type_of(&upload).map(|kind| ChecksumType::from(kind.to_owned())),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) async fn complete_multipart_upload(
        self: Arc<Self>,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let wanted = input.multipart_upload.as_ref().and_then(|upload| upload.parts.clone());
        let wanted = wanted.filter(|parts| !parts.is_empty()).ok_or_else(|| {
            s3_error!(MalformedXML, "You must specify at least one part to complete the upload.")
        })?;
        let opened = self.open_upload(&input.bucket, &input.key, &input.upload_id).await;
        let (upload, parts) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                return self.completed_before(&input, &wanted).await?.map(S3Response::new).ok_or(error);
            }
        };
        let parts = chosen_parts(&wanted, &parts)?;
        let size_bytes: u64 = parts.iter().map(|part| part.size_bytes).sum();
        check_size(input.mpu_object_size, size_bytes)?;
        let e_tags = parts.iter().map(|part| part.e_tag.as_str());
        let e_tag = digest::multipart_e_tag(e_tags).ok_or_else(|| s3_error!(InternalError))?;
        let checksum = whole_checksum(&upload, &parts, &input)?;
        let mut headers: Vec<_> = upload.headers.clone();
        headers.retain(|(name, _)| name != ALGORITHM && (name != TYPE || checksum.checksum_type.is_some()));
        headers.extend(digest::headers(&checksum));
        let object = NewObject {
            bucket: input.bucket,
            key: input.key,
            size_bytes,
            e_tag,
            headers,
            staged: Staged::Parts {
                upload_id: upload.id,
                files: parts.iter().map(|part| part.file.clone()).collect(),
            },
            condition: WriteCondition { if_match: input.if_match, if_none_match: input.if_none_match },
        };
        let Committed { row, version_id } = self.commit(object).await?;
        Ok(S3Response::new(completed(row.bucket, row.key, &row.e_tag, version_id, checksum)))
    }

    pub(super) async fn abort_multipart_upload(
        self: Arc<Self>,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = req.input;
        let (upload, _parts) = self.open_upload(&input.bucket, &input.key, &input.upload_id).await?;
        in_own_task(async move {
            match self.index.end_upload(&upload.id, None).await {
                Ok(files) => self.remove_files(files).await,
                Err(StoreError::NotFound(_)) => return Err(no_such_upload()),
                Err(error) => return Err(store_failed(error)),
            }
            Ok(S3Response::new(AbortMultipartUploadOutput::default()))
        })
        .await
    }

    /// The upload and its parts, by number.
    pub(super) async fn open_upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> S3Result<(MultipartUpload, Vec<UploadedPart>)> {
        let found = self.index.upload(id).await.map_err(store_failed)?;
        let found = found.filter(|(upload, _)| upload.bucket == bucket && upload.key == key);
        found.ok_or_else(no_such_upload)
    }

    /// Makes a part durable and records it.
    pub(super) async fn keep_part(
        self: &Arc<Self>,
        upload_id: &str,
        number: i32,
        received: Received,
    ) -> S3Result<UploadedPart> {
        let number =
            u32::try_from(number).map_err(|_| s3_error!(InvalidArgument, "Part numbers are positive."))?;
        let (bundles, upload_id) = (Arc::clone(self), upload_id.to_owned());
        in_own_task(async move {
            let Received { incoming, len, sums } = received;
            let content = bundles.content.clone();
            let file = run_blocking(move || content.keep(incoming)).await.map_err(disk_failed)?;
            let part = UploadedPart {
                number,
                size_bytes: len,
                e_tag: sums.e_tag,
                file,
                checksums: digest::headers(&sums.checksum),
                modified_at: now(),
            };
            match bundles.index.put_part(&upload_id, &part).await {
                Ok(replaced) => bundles.remove_files(replaced.into_iter().collect()).await,
                Err(StoreError::NotFound(_)) => {
                    bundles.remove_files(vec![part.file]).await;
                    return Err(no_such_upload());
                }
                Err(error) => return Err(store_failed(error)),
            }
            Ok(part)
        })
        .await
    }

    /// The answer that got lost: the upload is gone, but the object that it made is there.
    async fn completed_before(
        &self,
        input: &CompleteMultipartUploadInput,
        wanted: &[CompletedPart],
    ) -> S3Result<Option<CompleteMultipartUploadOutput>> {
        let e_tags: Option<Vec<&str>> =
            wanted.iter().map(|part| part.e_tag.as_ref().map(|e_tag| e_tag.value())).collect();
        let Some(e_tag) = e_tags.and_then(|e_tags| digest::multipart_e_tag(e_tags.into_iter())) else {
            return Ok(None);
        };
        let current = self.index.object(&input.bucket, &input.key, None).await.map_err(store_failed)?;
        let Some(row) = current.filter(|row| row.e_tag == e_tag) else { return Ok(None) };
        let version_id = self.told_version(&row).await?;
        Ok(Some(completed(row.bucket, row.key, &row.e_tag, version_id, Checksum::default())))
    }
}

fn completed(
    bucket: String,
    key: String,
    e_tag: &str,
    version_id: Option<String>,
    checksum: Checksum,
) -> CompleteMultipartUploadOutput {
    CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{key}")),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(strong(e_tag)),
        version_id,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        checksum_type: checksum.checksum_type,
        ..CompleteMultipartUploadOutput::default()
    }
}

fn checksum_type(algorithm: Algorithm, wanted: Option<&ChecksumType>) -> S3Result<&'static str> {
    let can_be_whole = match algorithm {
        Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Crc64Nvme => true,
        Algorithm::Sha1 | Algorithm::Sha256 => false,
    };
    let must_be_whole = algorithm == Algorithm::Crc64Nvme;
    match wanted.map(ChecksumType::as_str) {
        Some(ChecksumType::FULL_OBJECT) if can_be_whole => Ok(ChecksumType::FULL_OBJECT),
        Some(ChecksumType::COMPOSITE) if !must_be_whole => Ok(ChecksumType::COMPOSITE),
        None if must_be_whole => Ok(ChecksumType::FULL_OBJECT),
        None => Ok(ChecksumType::COMPOSITE),
        Some(other) => Err(s3_error!(
            InvalidRequest,
            "The checksum type {other} cannot be used with the algorithm {}.",
            algorithm.name()
        )),
    }
}

/// The stored parts that the caller lists, in the order of the list.
fn chosen_parts<'a>(wanted: &[CompletedPart], stored: &'a [UploadedPart]) -> S3Result<Vec<&'a UploadedPart>> {
    let mut chosen: Vec<&UploadedPart> = Vec::with_capacity(wanted.len());
    for part in wanted {
        let number = part.part_number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
        }
        let found = stored.iter().find(|stored| stored.number == number).filter(|stored| {
            part.e_tag.as_ref().is_none_or(|e_tag| e_tag.value() == stored.e_tag)
                && has_stated_checksums(part, stored)
        });
        let found = found.ok_or_else(|| {
            s3_error!(
                InvalidPart,
                "Part {number} could not be found. It may not have been uploaded, or its entity tag or checksum \
                 differs."
            )
        })?;
        chosen.push(found);
    }
    let too_small = chosen.iter().rev().skip(1).find(|part| part.size_bytes < MIN_PART_BYTES);
    match too_small {
        Some(part) => Err(s3_error!(
            EntityTooSmall,
            "Part {} has {} bytes; all but the last need {MIN_PART_BYTES}.",
            part.number,
            part.size_bytes
        )),
        None => Ok(chosen),
    }
}

/// Compares the length that the caller states, if it does, with that of the parts.
fn check_size(stated: Option<i64>, size_bytes: u64) -> S3Result<()> {
    match stated {
        Some(stated) if u64::try_from(stated).ok() != Some(size_bytes) => Err(s3_error!(
            InvalidRequest,
            "The value of x-amz-mp-object-size, {stated}, is not the length of the parts, {size_bytes}."
        )),
        Some(_) | None => Ok(()),
    }
}

fn has_stated_checksums(part: &CompletedPart, stored: &UploadedPart) -> bool {
    let stated = Checksum {
        checksum_crc32: part.checksum_crc32.clone(),
        checksum_crc32c: part.checksum_crc32c.clone(),
        checksum_crc64nvme: part.checksum_crc64nvme.clone(),
        checksum_sha1: part.checksum_sha1.clone(),
        checksum_sha256: part.checksum_sha256.clone(),
        ..Checksum::default()
    };
    digest::headers(&stated).iter().all(|header| {
        let has_other = stored.checksums.iter().any(|(name, _)| *name == header.0);
        !has_other || stored.checksums.contains(header)
    })
}

/// The object's checksum, made from those of its parts, and compared with what the caller states.
fn whole_checksum(
    upload: &MultipartUpload,
    parts: &[&UploadedPart],
    input: &CompleteMultipartUploadInput,
) -> S3Result<Checksum> {
    let mut checksum = Checksum::default();
    let Some(algorithm) = algorithm(upload) else { return Ok(checksum) };
    let is_whole = header(upload, TYPE) == Some(ChecksumType::FULL_OBJECT);
    let of_part = |part: &&'_ UploadedPart| {
        let found = part.checksums.iter().find(|(name, _)| name == algorithm.header());
        found.map(|(_, value)| (value.clone(), part.size_bytes))
    };
    let sums: Option<Vec<(String, u64)>> = parts.iter().map(of_part).collect();
    let made = sums.and_then(|sums| {
        if is_whole {
            let sums: Vec<(&str, u64)> = sums.iter().map(|(sum, len)| (sum.as_str(), *len)).collect();
            digest::full_object(algorithm, &sums)
        } else {
            let sums: Vec<&str> = sums.iter().map(|(sum, _)| sum.as_str()).collect();
            digest::composite(algorithm, &sums)
        }
    });
    let Some(made) = made else { return Ok(checksum) };
    let stated = Checksum {
        checksum_crc32: input.checksum_crc32.clone(),
        checksum_crc32c: input.checksum_crc32c.clone(),
        checksum_crc64nvme: input.checksum_crc64nvme.clone(),
        checksum_sha1: input.checksum_sha1.clone(),
        checksum_sha256: input.checksum_sha256.clone(),
        ..Checksum::default()
    };
    if let Some(stated) = algorithm.value(&stated)
        && stated != made
    {
        let name = algorithm.name();
        return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
    }
    algorithm.set(&mut checksum, made);
    let kind = if is_whole { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
    checksum.checksum_type = Some(ChecksumType::from_static(kind));
    Ok(checksum)
}

fn listed_part(part: &UploadedPart) -> Part {
    let checksum = |algorithm: Algorithm| {
        let found = part.checksums.iter().find(|(name, _)| name == algorithm.header());
        found.map(|(_, value)| value.clone())
    };
    Part {
        part_number: i32::try_from(part.number).ok(),
        size: i64::try_from(part.size_bytes).ok(),
        e_tag: Some(strong(&part.e_tag)),
        last_modified: Some(http_time(part.modified_at)),
        checksum_crc32: checksum(Algorithm::Crc32),
        checksum_crc32c: checksum(Algorithm::Crc32c),
        checksum_crc64nvme: checksum(Algorithm::Crc64Nvme),
        checksum_sha1: checksum(Algorithm::Sha1),
        checksum_sha256: checksum(Algorithm::Sha256),
    }
}
