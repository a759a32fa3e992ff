//! The lists of objects and of versions.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use longshore_store::ObjectRow;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput,
    ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass,
    ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{Bundles, http_time, store_failed, strong};
use crate::listing::{
    self, CurrentObjects, Entry, MAX_ENTRIES, Query, Rows, Versions, after_versions, common_prefix,
    version_page_key,
};

/// What `encoding-type=url` leaves as it is.
const UNENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Writes keys as the caller asked: in URL encoding, which XML can always carry, or as they are.
pub(super) struct Encoding(pub(super) Option<EncodingType>);

impl Encoding {
    pub(super) fn from_input(wanted: Option<EncodingType>) -> S3Result<Encoding> {
        match wanted {
            Some(other) if other.as_str() != EncodingType::URL => {
                Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request"))
            }
            wanted @ (Some(_) | None) => Ok(Encoding(wanted)),
        }
    }

    pub(super) fn text(&self, text: &str) -> String {
        match self.0 {
            Some(_) => utf8_percent_encode(text, &UNENCODED).to_string(),
            None => text.to_owned(),
        }
    }

    pub(super) fn optional(&self, text: Option<String>) -> Option<String> {
        text.map(|text| self.text(&text))
    }

    fn object(&self, row: &ObjectRow) -> Object {
        Object {
            key: Some(self.text(&row.key)),
            e_tag: Some(strong(&row.e_tag)),
            last_modified: Some(http_time(row.modified_at)),
            size: i64::try_from(row.size_bytes).ok(),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            ..Object::default()
        }
    }

    pub(super) fn prefix(&self, prefix: &str) -> CommonPrefix {
        CommonPrefix { prefix: Some(self.text(prefix)) }
    }
}

/// `max-keys` as the answer repeats it, and as it counts.
pub(super) fn limit(max_keys: Option<i32>) -> S3Result<usize> {
    let max_keys = max_keys.map_or(Ok(MAX_ENTRIES), usize::try_from);
    let max_keys = max_keys.map_err(|_| s3_error!(InvalidArgument, "max-keys must not be negative."))?;
    Ok(max_keys.min(MAX_ENTRIES))
}

/// Where a list goes on after `marker`, which is a key or a common prefix of the page before.
pub(super) fn after_marker(
    rows: &impl Rows,
    marker: &str,
    prefix: &str,
    delimiter: Option<&str>,
) -> Option<String> {
    let is_group = common_prefix(marker, prefix, delimiter).as_deref() == Some(marker);
    is_group.then(|| rows.after_prefix(marker))
}

pub(super) fn as_i32(count: usize) -> Option<i32> {
    i32::try_from(count).ok()
}

impl Bundles {
    fn current_objects(&self, bucket: String, prefix: String) -> CurrentObjects {
        CurrentObjects { index: Arc::clone(&self.index), bucket, prefix }
    }

    pub(super) async fn list_objects(
        self: Arc<Self>,
        req: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = req.input;
        self.versioning(&input.bucket).await?;
        let encoding = Encoding::from_input(input.encoding_type.clone())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let rows = self.current_objects(input.bucket.clone(), prefix.clone());
        let delimiter = input.delimiter.as_deref();
        let marker = input.marker.clone().filter(|marker| !marker.is_empty());
        let after = marker.map(|marker| after_marker(&rows, &marker, &prefix, delimiter).unwrap_or(marker));
        let limit = limit(input.max_keys)?;
        let query = Query { prefix, delimiter: input.delimiter.clone(), after, limit };
        let listed = listing::list(&rows, &query).await.map_err(store_failed)?;
        let is_truncated = listed.next.is_some();
        let last = listed.entries.last().map(|entry| match entry {
            Entry::Row(row) => encoding.text(&row.key),
            Entry::CommonPrefix(prefix) => encoding.text(prefix),
        });
        let (contents, common_prefixes) = split(&encoding, &listed.entries);
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.text(&query.prefix)),
            marker: Some(encoding.text(&input.marker.unwrap_or_default())),
            max_keys: as_i32(limit),
            is_truncated: Some(is_truncated),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: encoding.optional(input.delimiter),
            next_marker: last.filter(|_| is_truncated),
            encoding_type: encoding.0,
            request_charged: None,
        }))
    }

    pub(super) async fn list_objects_v2(
        self: Arc<Self>,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        self.versioning(&input.bucket).await?;
        let encoding = Encoding::from_input(input.encoding_type.clone())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let rows = self.current_objects(input.bucket.clone(), prefix.clone());
        let after = match &input.continuation_token {
            Some(token) => Some(from_token(token)?),
            None => input.start_after.clone(),
        };
        let limit = limit(input.max_keys)?;
        let query = Query { prefix, delimiter: input.delimiter.clone(), after, limit };
        let listed = listing::list(&rows, &query).await.map_err(store_failed)?;
        let (contents, common_prefixes) = split(&encoding, &listed.entries);
        let contents = contents.into_iter().map(|object| Object {
            owner: (input.fetch_owner == Some(true)).then(|| self.owner()),
            ..object
        });
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.text(&query.prefix)),
            max_keys: as_i32(limit),
            key_count: as_i32(listed.entries.len()),
            continuation_token: input.continuation_token,
            is_truncated: Some(listed.next.is_some()),
            next_continuation_token: listed.next.as_deref().map(|next| BASE64.encode(next)),
            contents: Some(contents.collect()),
            common_prefixes: Some(common_prefixes),
            delimiter: encoding.optional(input.delimiter),
            start_after: encoding.optional(input.start_after),
            encoding_type: encoding.0,
            request_charged: None,
        }))
    }

    pub(super) async fn list_object_versions(
        self: Arc<Self>,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = req.input;
        self.versioning(&input.bucket).await?;
        let encoding = Encoding::from_input(input.encoding_type.clone())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let rows =
            Versions { index: Arc::clone(&self.index), bucket: input.bucket.clone(), prefix: prefix.clone() };
        let after = self.after_version_marker(&rows, &input).await?;
        let limit = limit(input.max_keys)?;
        let query = Query { prefix, delimiter: input.delimiter.clone(), after, limit };
        let listed = listing::list(&rows, &query).await.map_err(store_failed)?;
        let seen = input.version_id_marker.as_ref().and(input.key_marker.as_deref());
        let page = VersionPage::new(&encoding, &listed.entries, seen);
        let is_truncated = listed.next.is_some();
        Ok(S3Response::new(ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.text(&query.prefix)),
            max_keys: as_i32(limit),
            is_truncated: Some(is_truncated),
            key_marker: Some(encoding.text(&input.key_marker.unwrap_or_default())),
            version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
            next_key_marker: page.last_key.filter(|_| is_truncated),
            next_version_id_marker: page.last_version.filter(|_| is_truncated),
            versions: Some(page.versions),
            delete_markers: Some(page.delete_markers),
            common_prefixes: Some(page.common_prefixes),
            delimiter: encoding.optional(input.delimiter),
            encoding_type: encoding.0,
            request_charged: None,
        }))
    }

    async fn after_version_marker(
        &self,
        rows: &Versions,
        input: &ListObjectVersionsInput,
    ) -> S3Result<Option<String>> {
        let version = input.version_id_marker.as_deref().filter(|version| !version.is_empty());
        let Some(key) = input.key_marker.as_deref().filter(|key| !key.is_empty()) else {
            return match version {
                Some(_) => Err(s3_error!(
                    InvalidArgument,
                    "A version-id marker cannot be specified without a key marker."
                )),
                None => Ok(None),
            };
        };
        let Some(version) = version else {
            let prefix = input.prefix.as_deref().unwrap_or_default();
            let group = after_marker(rows, key, prefix, input.delimiter.as_deref());
            return Ok(Some(group.unwrap_or_else(|| after_versions(key))));
        };
        let row = self.index.object(&input.bucket, key, Some(version)).await.map_err(store_failed)?;
        let row = row.ok_or_else(|| s3_error!(InvalidArgument, "Invalid version id specified: {version}"))?;
        Ok(Some(version_page_key(key, row.sequence)))
    }
}

fn from_token(token: &str) -> S3Result<String> {
    let bytes = BASE64.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect."))
}

fn split(encoding: &Encoding, entries: &[Entry<ObjectRow>]) -> (Vec<Object>, Vec<CommonPrefix>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Row(row) => objects.push(encoding.object(row)),
            Entry::CommonPrefix(prefix) => prefixes.push(encoding.prefix(prefix)),
        }
    }
    (objects, prefixes)
}

#[derive(Default)]
struct VersionPage {
    versions: Vec<ObjectVersion>,
    delete_markers: Vec<DeleteMarkerEntry>,
    common_prefixes: Vec<CommonPrefix>,
    last_key: Option<String>,
    last_version: Option<String>,
}

impl VersionPage {
    /// `seen` is the key whose newer versions were on the page before.
    fn new(encoding: &Encoding, entries: &[Entry<ObjectRow>], seen: Option<&str>) -> VersionPage {
        let mut page = VersionPage::default();
        let mut key_before = seen;
        for entry in entries {
            match entry {
                Entry::CommonPrefix(prefix) => {
                    page.common_prefixes.push(encoding.prefix(prefix));
                    page.last_key = Some(encoding.text(prefix));
                    page.last_version = None;
                }
                Entry::Row(row) => {
                    let is_latest = key_before != Some(row.key.as_str());
                    key_before = Some(&row.key);
                    page.push(encoding, row, is_latest);
                    page.last_key = Some(encoding.text(&row.key));
                    page.last_version = Some(row.version.clone());
                }
            }
        }
        page
    }

    fn push(&mut self, encoding: &Encoding, row: &ObjectRow, is_latest: bool) {
        if row.is_delete_marker {
            self.delete_markers.push(DeleteMarkerEntry {
                key: Some(encoding.text(&row.key)),
                version_id: Some(row.version.clone()),
                is_latest: Some(is_latest),
                last_modified: Some(http_time(row.modified_at)),
                owner: None,
            });
            return;
        }
        let storage_class = ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD);
        self.versions.push(ObjectVersion {
            key: Some(encoding.text(&row.key)),
            version_id: Some(row.version.clone()),
            is_latest: Some(is_latest),
            last_modified: Some(http_time(row.modified_at)),
            e_tag: Some(strong(&row.e_tag)),
            size: i64::try_from(row.size_bytes).ok(),
            storage_class: Some(storage_class),
            ..ObjectVersion::default()
        });
    }
}
