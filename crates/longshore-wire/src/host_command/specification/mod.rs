//! The deployment specification: what a host needs to know to run a command, inside the signed
//! envelope. The service writes it, the agent reads and checks it. Source: service.md §9.3, agent.md §1.10.

mod read;
mod write;

use std::fmt;

use longshore_model::revision::BundleType;

/// The AppSpec file's name when the specification gives none.
pub const DEFAULT_APP_SPEC_FILENAME: &str = "appspec.yml";

/// One deployment as its hosts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specification {
    /// A safe path component; an ARN is reduced to its id.
    pub deployment_id: String,
    /// A safe path component.
    pub deployment_group_id: String,
    /// For scripts' environment.
    pub deployment_group_name: String,
    /// For scripts' environment.
    pub application_name: String,
    /// `user`, `codeDeployRollback`, …
    pub deployment_creator: String,
    /// `IN_PLACE` or `BLUE_GREEN`.
    pub deployment_type: String,
    /// Relative to the revision's folder, never outside it.
    pub app_spec_filename: String,
    /// What Install does about files in the way; upper case, not checked.
    pub file_exists_behavior: String,
    /// Where the bundle is.
    pub revision: RevisionSource,
    /// Every hook that the AppSpec may name; empty means no such list.
    pub all_possible_lifecycle_events: Vec<String>,
    /// For private repositories.
    pub git_hub_access_token: Option<AccessToken>,
    /// Whose archive to take instead of downloading, if it is still there.
    pub reuse_archive_from: Option<String>,
}

/// Where the bundle is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevisionSource {
    /// An object in a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
        /// How it is packed.
        bundle_type: BundleType,
        /// Which version.
        version: Option<String>,
        /// What the download must answer with; quotes do not count.
        e_tag: Option<String>,
    },
    /// A commit.
    GitHub {
        /// The owner.
        account: String,
        /// Without the owner.
        repository: String,
        /// 40 hexadecimal digits.
        commit_id: String,
        /// `tar` or `zip`, if said.
        bundle_type: Option<String>,
    },
    /// A file or folder of the host itself.
    Local {
        /// Its path.
        location: String,
        /// How it is packed.
        bundle_type: LocalBundleType,
    },
}

/// How a local revision is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalBundleType {
    /// An archive.
    Archive(BundleType),
    /// A plain folder.
    Directory,
}

/// A token that does not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(pub String);

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("REDACTED")
    }
}

/// Why a specification is refused; the texts of a row are the original agent's.
#[derive(Debug, thiserror::Error)]
pub enum SpecificationError {
    /// Not JSON at all.
    #[error("The deployment specification is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// A field that must be set is not.
    #[error("Deployment Spec has no {0}")]
    Missing(&'static str),
    /// An id that would lead out of its folder.
    #[error("{field} is not a valid path component: \"{value}\"")]
    NotPathComponent {
        /// Which field.
        field: &'static str,
        /// Its text.
        value: String,
    },
    /// A file name that leaves the revision's folder.
    #[error("AppSpecFilename is not a safe revision-relative path: \"{0}\"")]
    UnsafeAppSpecFilename(String),
    /// No `Revision`.
    #[error("Must specify a revison")]
    NoRevision,
    /// No `RevisionType`.
    #[error("Must specify a revision source")]
    NoRevisionSource,
    /// An S3 revision lacks something.
    #[error("S3Revision in Deployment Spec must specify Bucket, Key and BundleType")]
    IncompleteS3,
    /// Unknown packing.
    #[error("BundleType in S3Revision must be tar, tgz or zip")]
    S3BundleType,
    /// A GitHub revision lacks something.
    #[error("GitHubRevision in Deployment Spec must specify Account, Repository and CommitId")]
    IncompleteGitHub,
    /// A local revision lacks something.
    #[error("LocalRevision in Deployment Spec must specify Location and BundleType")]
    IncompleteLocal,
    /// Unknown packing.
    #[error("BundleType in LocalRevision must be tar, tgz, zip, or directory")]
    LocalBundleType,
    /// Another `RevisionType`.
    #[error("Exactly one of S3Revision, GitHubRevision, or LocalRevision must be specified")]
    UnknownRevisionType,
}
