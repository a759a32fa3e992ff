//! Revisions: uploaded bundles, registered with their application.

use std::path::Path;

use longshore_wire::api::{Operation, shapes};
use longshore_wire::client::ObjectSource;

use super::{Ignored, Service, explained};

/// A bundle in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct S3Revision {
    /// The bucket.
    pub(crate) bucket: String,
    /// The object's key.
    pub(crate) key: String,
    /// `zip`, `tgz` or `tar`.
    pub(crate) bundle_type: String,
    /// Which version of the object, when the bucket keeps versions.
    pub(crate) version: Option<String>,
    /// What the object's ETag must be, without quotes.
    pub(crate) e_tag: Option<String>,
}

/// The bucket that is used, and made, when none is named.
pub(crate) fn default_bucket(region: &str) -> String {
    format!("longshore-bundles-{region}")
}

impl S3Revision {
    /// As the API takes it.
    pub(super) fn to_shape(&self) -> shapes::RevisionLocation {
        shapes::RevisionLocation {
            revision_type: Some(String::from("S3")),
            s3_location: Some(shapes::S3Location {
                bucket: Some(self.bucket.clone()),
                key: Some(self.key.clone()),
                bundle_type: Some(self.bundle_type.clone()),
                version: self.version.clone(),
                e_tag: self.e_tag.clone(),
            }),
            ..shapes::RevisionLocation::default()
        }
    }

    /// As people write it.
    pub(crate) fn url(&self) -> String {
        match &self.version {
            Some(version) => format!("s3://{}/{}?versionId={version}", self.bucket, self.key),
            None => format!("s3://{}/{}", self.bucket, self.key),
        }
    }

    /// As `aws deploy create-deployment --s3-location` takes it.
    pub(crate) fn s3_location(&self) -> String {
        let mut text = format!("bucket={},key={},bundleType={}", self.bucket, self.key, self.bundle_type);
        for (name, value) in [("version", &self.version), ("eTag", &self.e_tag)] {
            if let Some(value) = value {
                text.push_str(&format!(",{name}={value}"));
            }
        }
        text
    }
}

impl Service {
    /// Makes the bucket unless it is there; tells whether it was made.
    pub(crate) async fn ensure_bucket(&self, bucket: &str) -> anyhow::Result<bool> {
        if explained(self.client.head_bucket(bucket).await, format!("cannot look for the bucket `{bucket}`"))?
        {
            return Ok(false);
        }
        match self.client.create_bucket(bucket).await {
            // Somebody else was quicker.
            Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(false),
            other => explained(other, format!("cannot make the bucket `{bucket}`")).map(|()| true),
        }
    }

    /// Uploads a zip archive; the revision it makes.
    pub(crate) async fn upload(&self, file: &Path, bucket: &str, key: &str) -> anyhow::Result<S3Revision> {
        let put = self.client.put_object(bucket, key, ObjectSource::File(file.to_owned())).await;
        let put = explained(put, format!("cannot upload to `s3://{bucket}/{key}`"))?;
        Ok(S3Revision {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            bundle_type: String::from("zip"),
            version: put.version_id,
            e_tag: put.e_tag.map(|e_tag| e_tag.trim_matches('"').to_owned()),
        })
    }

    /// Makes a revision known to an application.
    pub(crate) async fn register_revision(
        &self,
        application: &str,
        revision: &S3Revision,
        description: Option<&str>,
    ) -> anyhow::Result<()> {
        let input = shapes::RegisterApplicationRevisionInput {
            application_name: Some(application.to_owned()),
            description: description.map(str::to_owned),
            revision: Some(revision.to_shape()),
        };
        let registered: Result<Ignored, _> = self.call(Operation::RegisterApplicationRevision, &input).await;
        explained(registered, format!("cannot register the revision with `{application}`")).map(drop)
    }
}
