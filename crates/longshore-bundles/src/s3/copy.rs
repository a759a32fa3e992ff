//! Copies within the store: whole objects without moving a byte, parts by reading and writing.

use std::sync::Arc;

use longshore_store::ObjectRow;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, MetadataDirective,
    Range, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::commit::{Committed, NewObject, Staged, WriteCondition};
use super::object::{check_key, precondition_failed};
use super::{Bundles, http_time, strong};
use crate::body::{Declared, disk_failed, receive};
use crate::condition::{Conditions, Verdict};
use crate::content::Lease;
use crate::{headers, reader};

impl Bundles {
    pub(super) async fn copy_object(
        self: Arc<Self>,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        check_key(&req.input.key)?;
        self.versioning(&req.input.bucket).await?;
        let described = headers::kept(&req.headers)?;
        let input = req.input;
        let conditions = Conditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        };
        let (source, lease) = self.copy_source(&input.copy_source, &conditions).await?;
        let replaces = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replaces && source.bucket == input.bucket && source.key == input.key {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing \
                 its metadata."
            ));
        }
        let copy_source_version_id = self.told_version(&source).await?;
        let object = NewObject {
            bucket: input.bucket,
            key: input.key,
            size_bytes: source.size_bytes,
            e_tag: source.e_tag,
            headers: copied_headers(source.headers, replaces.then_some(described)),
            staged: Staged::Linked(source.files, lease),
            condition: WriteCondition::default(),
        };
        let Committed { row, version_id } = self.commit(object).await?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(strong(&row.e_tag)),
                last_modified: Some(http_time(row.modified_at)),
                ..CopyObjectResult::default()
            }),
            copy_source_version_id,
            version_id,
            ..CopyObjectOutput::default()
        }))
    }

    pub(super) async fn upload_part_copy(
        self: Arc<Self>,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = req.input;
        let (upload, _parts) = self.open_upload(&input.bucket, &input.key, &input.upload_id).await?;
        let conditions = Conditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        };
        let (source, lease) = self.copy_source(&input.copy_source, &conditions).await?;
        let range = match &input.copy_source_range {
            Some(range) => Range::parse(range)
                .ok()
                .and_then(|range| range.check(source.size_bytes).ok())
                .ok_or_else(|| s3_error!(InvalidArgument, "The copy source range {range} is not valid."))?,
            None => 0..source.size_bytes,
        };
        let algorithms: Vec<_> = super::multipart::algorithm(&upload).into_iter().collect();
        let declared = Declared::from_request(&http::HeaderMap::new(), None, &algorithms)?;
        let body = reader::stream(&self.content, lease, source.files.clone(), source.size_bytes, range).await;
        let received = receive(&self.content, Some(body.map_err(disk_failed)?), declared).await?;
        let copy_source_version_id = self.told_version(&source).await?;
        let part = self.keep_part(&upload.id, input.part_number, received).await?;
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(CopyPartResult {
                e_tag: Some(strong(&part.e_tag)),
                last_modified: Some(http_time(part.modified_at)),
                ..CopyPartResult::default()
            }),
            copy_source_version_id,
            ..UploadPartCopyOutput::default()
        }))
    }

    async fn copy_source(
        &self,
        source: &CopySource,
        conditions: &Conditions,
    ) -> S3Result<(ObjectRow, Lease)> {
        let (bucket, key, version) = match source {
            CopySource::Bucket { bucket, key, version_id } => (bucket, key, version_id.as_deref()),
            CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
                return Err(s3_error!(NotImplemented, "Only <bucket>/<key> can be copied from."));
            }
        };
        let (row, lease) = self.leased(bucket, key, version).await?;
        match conditions.on_copy(&row.e_tag, row.modified_at) {
            Verdict::Proceed => Ok((row, lease)),
            Verdict::PreconditionFailed(header) => Err(precondition_failed(header)),
            Verdict::NotModified => Err(precondition_failed("x-amz-copy-source-if-*")),
        }
    }
}

/// The source's headers, or in their place what the request says; checksums go with the content.
fn copied_headers(
    source: Vec<(String, String)>,
    described: Option<Vec<(String, String)>>,
) -> Vec<(String, String)> {
    let Some(mut described) = described else { return source };
    described.extend(source.into_iter().filter(|(name, _)| name.starts_with("x-amz-checksum-")));
    described
}
