//! Buckets: making, finding, deleting, versioning.

use std::sync::Arc;

use longshore_store::StoreError;
use s3s::dto::{
    Bucket, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput, CreateBucketOutput,
    DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput,
    GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput,
    ListBucketsOutput, Owner, PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::commit::Versioning;
use super::{Bundles, http_time, no_such_bucket, now, store_failed};
use crate::headers;

/// The region whose name clients leave out.
const UNNAMED_REGION: &str = "us-east-1";
const MAX_BUCKETS: usize = 10_000;

impl Bundles {
    pub(super) async fn list_buckets(
        self: Arc<Self>,
        req: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let limit = input.max_buckets.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_BUCKETS).max(1);
        let after = input.continuation_token.unwrap_or_default();
        let all = self.index.buckets().await.map_err(store_failed)?;
        let mut found = all.into_iter().filter(|(name, _)| name.starts_with(&prefix) && *name > after);
        let buckets: Vec<Bucket> = found
            .by_ref()
            .take(limit)
            .map(|(name, created_at)| Bucket {
                name: Some(name),
                creation_date: Some(http_time(created_at)),
                bucket_region: Some(self.region.clone()),
            })
            .collect();
        let last = buckets.last().and_then(|bucket| bucket.name.clone());
        Ok(S3Response::new(ListBucketsOutput {
            continuation_token: last.filter(|_| found.next().is_some()),
            buckets: Some(buckets),
            owner: Some(self.owner()),
            prefix: input.prefix,
        }))
    }

    pub(super) async fn create_bucket(
        self: Arc<Self>,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        headers::refuse_unsupported(&req.headers)?;
        let input = req.input;
        if input.object_lock_enabled_for_bucket == Some(true) {
            return Err(s3_error!(NotImplemented, "Object lock is not supported here."));
        }
        let constraint = input.create_bucket_configuration.and_then(|wanted| wanted.location_constraint);
        if let Some(constraint) = &constraint
            && !constraint.as_str().is_empty()
            && constraint.as_str() != self.region
        {
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The location constraint {} is not the region of this server, {}.",
                constraint.as_str(),
                self.region
            ));
        }
        let location = Some(format!("/{}", input.bucket));
        match self.index.create_bucket(&input.bucket, now()).await {
            Ok(()) => Ok(S3Response::new(CreateBucketOutput { location })),
            // As S3: in its first region, making one's own bucket again succeeds.
            Err(StoreError::AlreadyExists(_)) if self.region == UNNAMED_REGION => {
                Ok(S3Response::new(CreateBucketOutput { location }))
            }
            Err(StoreError::AlreadyExists(_)) => Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the bucket {} succeeded and you already own it.",
                input.bucket
            )),
            Err(error) => Err(store_failed(error)),
        }
    }

    pub(super) async fn head_bucket(
        self: Arc<Self>,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.versioning(&req.input.bucket).await?;
        let bucket_region = Some(self.region.clone());
        Ok(S3Response::new(HeadBucketOutput { bucket_region, ..HeadBucketOutput::default() }))
    }

    pub(super) async fn delete_bucket(
        self: Arc<Self>,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let bucket = req.input.bucket;
        match self.index.delete_bucket(&bucket).await {
            Ok(()) => Ok(S3Response::new(DeleteBucketOutput::default())),
            Err(StoreError::NotFound(_)) => Err(no_such_bucket(&bucket)),
            Err(StoreError::InUse(_)) => Err(s3_error!(
                BucketNotEmpty,
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket {bucket}."
            )),
            Err(error) => Err(store_failed(error)),
        }
    }

    pub(super) async fn get_bucket_location(
        self: Arc<Self>,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.versioning(&req.input.bucket).await?;
        let is_named = self.region != UNNAMED_REGION;
        let location_constraint = is_named.then(|| BucketLocationConstraint::from(self.region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    pub(super) async fn get_bucket_versioning(
        self: Arc<Self>,
        req: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let status = match self.versioning(&req.input.bucket).await? {
            Versioning::Unset => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        let status = status.map(BucketVersioningStatus::from_static);
        Ok(S3Response::new(GetBucketVersioningOutput { status, mfa_delete: None }))
    }

    pub(super) async fn put_bucket_versioning(
        self: Arc<Self>,
        req: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let bucket = req.input.bucket;
        let wanted = req.input.versioning_configuration;
        if wanted.mfa_delete.is_some_and(|mfa| mfa.as_str() == "Enabled") {
            return Err(s3_error!(NotImplemented, "MFA delete is not supported here."));
        }
        let status = wanted.status.as_ref().map(BucketVersioningStatus::as_str).unwrap_or_default();
        let is_enabled = match status {
            BucketVersioningStatus::ENABLED => true,
            BucketVersioningStatus::SUSPENDED => false,
            other => {
                return Err(s3_error!(
                    IllegalVersioningConfigurationException,
                    "The versioning status must be Enabled or Suspended, not {other:?}."
                ));
            }
        };
        match self.index.set_versioning(&bucket, is_enabled).await {
            Ok(()) => Ok(S3Response::new(PutBucketVersioningOutput::default())),
            Err(StoreError::NotFound(_)) => Err(no_such_bucket(&bucket)),
            Err(error) => Err(store_failed(error)),
        }
    }

    pub(super) fn owner(&self) -> Owner {
        Owner { id: Some(self.account.clone()), display_name: None }
    }
}
