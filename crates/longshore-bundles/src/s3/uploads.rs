//! Multipart uploads as a whole: their list, and the end of those that nobody finished.

use std::sync::Arc;

use longshore_model::time::Timestamp;
use longshore_store::{MultipartUpload, StoreError};
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    MultipartUpload as ListedUpload, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

use super::list::{Encoding, after_marker, as_i32, limit};
use super::multipart::{algorithm, checksum_type_of};
use super::{Bundles, http_time, store_failed};
use crate::listing::{self, Entry, Listed, OpenUploads, Query, Rows, after_uploads, upload_page_key};

/// How many expired uploads are looked up at once.
const EXPIRED_BATCH: usize = 100;

impl Bundles {
    pub(super) async fn list_multipart_uploads(
        self: Arc<Self>,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        self.versioning(&input.bucket).await?;
        let encoding = Encoding::from_input(input.encoding_type.clone())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let rows = OpenUploads {
            index: Arc::clone(&self.index),
            bucket: input.bucket.clone(),
            prefix: prefix.clone(),
        };
        let after = after_upload_marker(&rows, &input);
        let limit = limit(input.max_uploads)?;
        let query = Query { prefix, delimiter: input.delimiter.clone(), after, limit };
        let listed = listing::list(&rows, &query).await.map_err(store_failed)?;
        let (next_key_marker, next_upload_id_marker) = next_markers(&encoding, &listed);
        let (mut uploads, mut common_prefixes) = (Vec::new(), Vec::new());
        for entry in &listed.entries {
            match entry {
                Entry::Row(upload) => uploads.push(self.listed_upload(&encoding, upload)),
                Entry::CommonPrefix(prefix) => common_prefixes.push(encoding.prefix(prefix)),
            }
        }
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: Some(encoding.text(&query.prefix)),
            key_marker: Some(encoding.text(&input.key_marker.unwrap_or_default())),
            upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
            next_key_marker,
            next_upload_id_marker,
            max_uploads: as_i32(limit),
            is_truncated: Some(listed.next.is_some()),
            uploads: Some(uploads),
            common_prefixes: Some(common_prefixes),
            delimiter: encoding.optional(input.delimiter),
            encoding_type: encoding.0,
            request_charged: None,
        }))
    }

    fn listed_upload(&self, encoding: &Encoding, upload: &MultipartUpload) -> ListedUpload {
        let algorithm = algorithm(upload);
        ListedUpload {
            key: Some(encoding.text(&upload.key)),
            upload_id: Some(upload.id.clone()),
            initiated: Some(http_time(upload.started_at)),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            owner: Some(self.owner()),
            initiator: Some(Initiator { id: Some(self.account.clone()), display_name: None }),
            checksum_algorithm: algorithm.map(|found| ChecksumAlgorithm::from_static(found.name())),
            checksum_type: checksum_type_of(upload).map(|kind| ChecksumType::from(kind.to_owned())),
        }
    }

    /// Ends the uploads that began before `point`; answers how many.
    ///
    /// # Errors
    /// When the store fails; what was ended by then stays so.
    pub(crate) async fn expire_uploads(&self, point: Timestamp) -> Result<usize, StoreError> {
        let mut n_ended = 0;
        loop {
            let ids = self.index.uploads_before(point, EXPIRED_BATCH).await?;
            for id in &ids {
                match self.index.end_upload(id, None).await {
                    Ok(files) => {
                        self.remove_files(files).await;
                        n_ended += 1;
                    }
                    // Completed or aborted in this moment.
                    Err(StoreError::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            if ids.len() < EXPIRED_BATCH {
                return Ok(n_ended);
            }
        }
    }
}

/// Where the list goes on. As S3: an id counts only with a key, and a key alone means all of its uploads.
fn after_upload_marker(rows: &OpenUploads, input: &ListMultipartUploadsInput) -> Option<String> {
    let key = input.key_marker.as_deref().filter(|key| !key.is_empty())?;
    let id = input.upload_id_marker.as_deref().filter(|id| !id.is_empty());
    Some(match id {
        Some(id) => upload_page_key(key, id),
        None => after_marker(rows, key, &rows.prefix, input.delimiter.as_deref())
            .unwrap_or_else(|| after_uploads(key)),
    })
}

/// The markers of the next page; none after the last one.
fn next_markers(
    encoding: &Encoding,
    listed: &Listed<<OpenUploads as Rows>::Row>,
) -> (Option<String>, Option<String>) {
    match listed.entries.last().filter(|_| listed.next.is_some()) {
        Some(Entry::Row(upload)) => (Some(encoding.text(&upload.key)), Some(upload.id.clone())),
        Some(Entry::CommonPrefix(prefix)) => (Some(encoding.text(prefix)), None),
        None => (None, None),
    }
}
