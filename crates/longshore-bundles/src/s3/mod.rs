//! The S3 operations. Each is a method of [`Bundles`] in the file of its errand; [`Front`] is the
//! list of those that are there, as `s3s` wants it.

mod bucket;
mod commit;
mod copy;
mod delete;
mod list;
mod multipart;
mod object;
mod part;
mod uploads;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use longshore_model::time::Timestamp;
use longshore_store::{BundleIndex, StoreError};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput, CreateBucketOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput, DeleteBucketOutput,
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, ETag,
    GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
    GetObjectInput, GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectVersionsInput, ListObjectVersionsOutput,
    ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput,
    ListPartsOutput, PutBucketVersioningInput, PutBucketVersioningOutput, PutObjectInput, PutObjectOutput,
    Timestamp as HttpTime, TimestampFormat, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use crate::content::ContentFolder;
use crate::s3::commit::KeyLocks;

/// What all operations work on.
pub(crate) struct Bundles {
    index: Arc<dyn BundleIndex>,
    content: ContentFolder,
    locks: KeyLocks,
    region: String,
    account: String,
}

impl Bundles {
    pub(crate) fn new(
        index: Arc<dyn BundleIndex>,
        content: ContentFolder,
        region: String,
        account: String,
    ) -> Bundles {
        Bundles { index, content, locks: KeyLocks::default(), region, account }
    }
}

/// What `s3s` calls.
pub(crate) struct Front(pub(crate) Arc<Bundles>);

macro_rules! operations {
    ($($method:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait]
        impl S3 for Front {
            $(
                async fn $method(&self, req: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    Arc::clone(&self.0).$method(req).await
                }
            )*
        }
    };
}

operations! {
    list_buckets(ListBucketsInput) -> ListBucketsOutput;
    create_bucket(CreateBucketInput) -> CreateBucketOutput;
    head_bucket(HeadBucketInput) -> HeadBucketOutput;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput;
    put_object(PutObjectInput) -> PutObjectOutput;
    get_object(GetObjectInput) -> GetObjectOutput;
    head_object(HeadObjectInput) -> HeadObjectOutput;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    copy_object(CopyObjectInput) -> CopyObjectOutput;
    list_objects(ListObjectsInput) -> ListObjectsOutput;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    upload_part(UploadPartInput) -> UploadPartOutput;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    list_parts(ListPartsInput) -> ListPartsOutput;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
}

/// The version id of objects in buckets without versioning.
const NULL_VERSION: &str = "null";

/// A failure of the store as an answer; the causes go to the log.
pub(crate) fn store_failed(error: StoreError) -> S3Error {
    tracing::error!(error = &error as &dyn Error, "bundle store: the index failed");
    s3_error!(InternalError, "The bundle store's index could not be read or written. Please try again.")
}

fn no_such_bucket(bucket: &str) -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist: {bucket}")
}

fn no_such_key(bucket: &str, key: &str) -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist: {bucket}/{key}")
}

/// The server's time, to the millisecond that rows keep.
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn http_time(time: Timestamp) -> HttpTime {
    let millis = u64::try_from(time.millis()).unwrap_or(0);
    HttpTime::from(UNIX_EPOCH + Duration::from_millis(millis))
}

/// `time` as `x-amz-date` has it: `20261122T202301Z`.
pub(crate) fn amz_date(time: SystemTime) -> String {
    let mut text = Vec::new();
    // Only years beyond 9999 cannot be written, and the text is for messages.
    let _ = HttpTime::from(time).format(TimestampFormat::DateTime, &mut text);
    let text = String::from_utf8_lossy(&text);
    let date: String = text.chars().take(19).filter(char::is_ascii_alphanumeric).collect();
    format!("{date}Z")
}

fn strong(e_tag: &str) -> ETag {
    ETag::Strong(e_tag.to_owned())
}
