//! A revision: where a bundle is, not the bundle itself. Source: service.md §2.2.

use serde::{Deserialize, Serialize};

use crate::id::ApplicationName;
use crate::time::Timestamp;

/// Where a revision's bundle is. Two locations that differ in any part are two revisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Revision {
    /// An object in a bucket.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// At most 1,024 bytes.
        key: String,
        /// How the object is packed.
        bundle_type: BundleType,
        /// The version, when the bucket keeps versions.
        version: Option<String>,
        /// As given, quotes included; compared without quotes.
        e_tag: Option<String>,
    },
    /// A commit of a GitHub repository.
    GitHub {
        /// `account/repository`.
        repository: String,
        /// 40 hexadecimal digits.
        commit_id: String,
    },
}

/// How a bundle is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BundleType {
    /// An uncompressed tar archive (agents look at the content, not the name).
    Tar,
    /// A gzip-compressed tar archive.
    Tgz,
    /// A zip archive.
    Zip,
}

impl BundleType {
    /// As the API and the deployment specification spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            BundleType::Tar => "tar",
            BundleType::Tgz => "tgz",
            BundleType::Zip => "zip",
        }
    }

    /// Reads the API's spelling; case matters.
    pub fn from_name(name: &str) -> Option<BundleType> {
        [BundleType::Tar, BundleType::Tgz, BundleType::Zip].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Revision {
    /// The identity of this revision within its application, as one text: equal texts, equal revisions.
    /// Quotes around an ETag do not count.
    pub fn identity(&self) -> String {
        let parts: Vec<&str> = match self {
            Revision::S3 { bucket, key, bundle_type, version, e_tag } => vec![
                "s3",
                bucket,
                key,
                bundle_type.as_str(),
                version.as_deref().unwrap_or(""),
                e_tag.as_deref().unwrap_or("").trim_matches('"'),
            ],
            Revision::GitHub { repository, commit_id } => vec!["github", repository, commit_id],
        };
        // Lengths keep parts apart whatever characters a key holds.
        parts.iter().map(|part| format!("{}:{part}", part.len())).collect::<Vec<_>>().join(",")
    }
}

/// A revision known to an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredRevision {
    /// The application it belongs to.
    pub application: ApplicationName,
    /// Where it is.
    pub revision: Revision,
    /// Given at registration.
    pub description: Option<String>,
    /// When it was first registered.
    pub registered_at: Timestamp,
    /// When a deployment first named it.
    pub first_used_at: Option<Timestamp>,
    /// When a deployment last named it.
    pub last_used_at: Option<Timestamp>,
}
