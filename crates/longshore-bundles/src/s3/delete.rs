//! Deleting objects, one or many.

use std::sync::Arc;

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETagCondition, Error as DeleteError, ObjectIdentifier,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::Bundles;
use super::commit::WriteCondition;
use crate::access::{authorize, caller, object_arn};
use crate::principal::Caller;

/// As S3: the most keys of one DeleteObjects.
const MAX_DELETES: usize = 1000;

impl Bundles {
    pub(super) async fn delete_object(
        self: Arc<Self>,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        let condition = WriteCondition { if_match: input.if_match, if_none_match: None };
        let deleted = self.delete(&input.bucket, &input.key, input.version_id.as_deref(), condition).await?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.is_marker.then_some(true),
            version_id: deleted.version_id,
            ..DeleteObjectOutput::default()
        }))
    }

    pub(super) async fn delete_objects(
        self: Arc<Self>,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let caller = caller(&req)?.clone();
        let input = req.input;
        self.versioning(&input.bucket).await?;
        if input.delete.objects.len() > MAX_DELETES {
            return Err(s3_error!(MalformedXML, "At most {MAX_DELETES} keys can be deleted at once."));
        }
        let is_quiet = input.delete.quiet == Some(true);
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in input.delete.objects {
            match self.delete_one(&caller, &input.bucket, &object).await {
                Ok(one) if !is_quiet => deleted.push(one),
                Ok(_) => {}
                Err(error) => errors.push(DeleteError {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key),
                    message: error.message().map(str::to_owned),
                    version_id: object.version_id,
                }),
            }
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            request_charged: None,
        }))
    }

    async fn delete_one(
        self: &Arc<Self>,
        caller: &Caller,
        bucket: &str,
        object: &ObjectIdentifier,
    ) -> S3Result<DeletedObject> {
        let version = object.version_id.as_deref();
        let action = if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        authorize(caller, action, &object_arn(bucket, &object.key))?;
        let if_match = object.e_tag.clone().map(ETagCondition::ETag);
        let condition = WriteCondition { if_match, if_none_match: None };
        let done = self.delete(bucket, &object.key, version, condition).await?;
        Ok(DeletedObject {
            delete_marker: done.is_marker.then_some(true),
            delete_marker_version_id: done.version_id.filter(|_| done.is_marker),
            key: Some(object.key.clone()),
            version_id: object.version_id.clone(),
        })
    }
}
