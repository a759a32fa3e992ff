//! What the bundle store keeps: buckets, objects, uploads. The bytes are files, not rows.

use crate::Page;
use crate::StoreError;
use async_trait::async_trait;
use longshore_model::time::Timestamp;

/// One version of one object, or a delete marker. The bytes are files of the bundle store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// `null` in a bucket without versioning.
    pub version: String,
    /// Grows with every row of the store: the row with the largest number is the current one.
    /// Set by the store; ignored on input.
    pub sequence: i64,
    /// A deletion in a versioned bucket.
    pub is_delete_marker: bool,
    /// Length of the content.
    pub size_bytes: u64,
    /// Without quotes.
    pub e_tag: String,
    /// When it was written.
    pub modified_at: Timestamp,
    /// File names of the content under the bundle store's folder, to be read one after another.
    pub files: Vec<String>,
    /// Headers to give back: `content-type`, `x-amz-meta-*`, `x-amz-checksum-*`, …
    pub headers: Vec<(String, String)>,
}

/// A multipart upload that is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartUpload {
    /// Drawn when it began.
    pub id: String,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Headers of the object to come.
    pub headers: Vec<(String, String)>,
}

/// A part of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// 1 to 10,000.
    pub number: u32,
    /// Length of the content.
    pub size_bytes: u64,
    /// Without quotes.
    pub e_tag: String,
    /// File name under the bundle store's folder.
    pub file: String,
    /// Checksums that were verified: header name and value.
    pub checksums: Vec<(String, String)>,
    /// When it was written.
    pub modified_at: Timestamp,
}

/// Which objects there are; their bytes are files of the bundle store.
#[async_trait]
pub trait BundleIndex: Send + Sync {
    /// Makes a bucket.
    ///
    /// # Errors
    /// `AlreadyExists`.
    async fn create_bucket(&self, name: &str, now: Timestamp) -> Result<(), StoreError>;
    /// When the bucket was made and whether it keeps versions (`None`: never said).
    async fn bucket(&self, name: &str) -> Result<Option<(Timestamp, Option<bool>)>, StoreError>;
    /// All buckets by name, ascending.
    async fn buckets(&self) -> Result<Vec<(String, Timestamp)>, StoreError>;
    /// Switches versioning on (`true`) or suspends it.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_versioning(&self, bucket: &str, is_enabled: bool) -> Result<(), StoreError>;
    /// Deletes an empty bucket.
    ///
    /// # Errors
    /// `NotFound`, `InUse` when it holds any object or delete marker.
    async fn delete_bucket(&self, name: &str) -> Result<(), StoreError>;
    /// Adds an object version (or delete marker); a row with the same bucket, key and version is
    /// replaced. Answers the files that no row names any more.
    ///
    /// # Errors
    /// `NotFound` when there is no such bucket.
    async fn put_object(&self, object: &ObjectRow) -> Result<Vec<String>, StoreError>;
    /// The version `version` of the key, or its current row (which may be a delete marker).
    async fn object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<ObjectRow>, StoreError>;
    /// Current objects (no delete markers) whose key begins with `prefix`, by key in byte order,
    /// after `page.after`.
    async fn objects(&self, bucket: &str, prefix: &str, page: &Page) -> Result<Vec<ObjectRow>, StoreError>;
    /// All rows, delete markers too, by key, then newest first; the page key is
    /// `<key>\u{0}<sequence, 20 digits>`.
    async fn object_versions(
        &self,
        bucket: &str,
        prefix: &str,
        page: &Page,
    ) -> Result<Vec<ObjectRow>, StoreError>;
    /// Removes one row. Answers the files that no row names any more. An unknown row is no error.
    async fn remove_object(&self, bucket: &str, key: &str, version: &str) -> Result<Vec<String>, StoreError>;
    /// Begins a multipart upload.
    async fn create_upload(&self, upload: &MultipartUpload) -> Result<(), StoreError>;
    /// The upload with this id and its parts by number.
    async fn upload(&self, id: &str) -> Result<Option<(MultipartUpload, Vec<UploadedPart>)>, StoreError>;
    /// Adds or replaces a part. Answers the file of the part that it replaced.
    ///
    /// # Errors
    /// `NotFound` when the upload is not open any more.
    async fn put_part(&self, upload_id: &str, part: &UploadedPart) -> Result<Option<String>, StoreError>;
    /// Ends the upload with `object` in its place, or with nothing (abort), in one transaction.
    /// Answers the files that no row names any more.
    ///
    /// # Errors
    /// `NotFound` when the upload is not open any more.
    async fn end_upload(&self, id: &str, object: Option<&ObjectRow>) -> Result<Vec<String>, StoreError>;
    /// Open uploads of the bucket whose key begins with `prefix`, by key, then by id; the page key is
    /// `<key>\u{0}<id>`.
    async fn uploads(
        &self,
        bucket: &str,
        prefix: &str,
        page: &Page,
    ) -> Result<Vec<MultipartUpload>, StoreError>;
    /// The ids of open uploads that began before `point`, oldest first, at most `limit`.
    async fn uploads_before(&self, point: Timestamp, limit: usize) -> Result<Vec<String>, StoreError>;
    /// Every file name that any row names, for removing leftovers at start.
    async fn bundle_files(&self) -> Result<Vec<String>, StoreError>;
}
