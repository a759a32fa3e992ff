//! Why a local deployment is not begun. The texts are those of agent.md §9.6.

use std::path::PathBuf;

use crate::specification::OpenError;

/// The first rule that the options break.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidRequest {
    /// Not one of four.
    #[error("type {0} is not a valid type. Must be one of tgz,tar,zip,directory")]
    Type(String),
    /// Neither a URI nor a path that exists.
    #[error("location {0} is not a valid uri")]
    NotUri(String),
    /// Not encrypted.
    #[error("location {0} cannot be http, only encrypted (https) url endpoints supported")]
    PlainHttp(String),
    /// No such path.
    #[error("location {0} is specified as a file or directory which does not exist")]
    Absent(String),
    /// A file instead of a folder.
    #[error("location {0} is specified with type directory but it is a file")]
    FileAsDirectory(String),
    /// A folder instead of an archive.
    #[error("location {0} is specified as a compressed local file but it is a directory")]
    DirectoryAsFile(String),
    /// A folder that is no revision.
    #[error(
        "Expecting appspec file at location {expected} but it is not found there. Please either run the CLI from within a directory containing the {name} file or specify a bundle location containing an {name} file in its root directory"
    )]
    NoAppSpec {
        /// Where it should be.
        expected: String,
        /// What it may be called.
        name: String,
    },
    /// An event that needs the bundle before there is one.
    #[error(
        "The only events that can be specified before DownloadBundle are BeforeBlockTraffic,AfterBlockTraffic,ApplicationStop. Please fix the order of your specified events: {0}"
    )]
    BeforeDownloadBundle(String),
    /// An event that needs the installed files before they are.
    #[error(
        "The only events that can be specified before Install are BeforeBlockTraffic,AfterBlockTraffic,ApplicationStop,DownloadBundle,BeforeInstall. Please fix the order of your specified events: {0}"
    )]
    BeforeInstall(String),
    /// No bucket or no key.
    #[error("s3 location {0} not in the expected format of 's3://bucket/key'")]
    S3Form(String),
    /// Not an address of a repository.
    #[error(
        "github location {0} not in the expected format of 'https://github.com/<owner>/<repository_name>'(assumes HEAD commit) or 'https://api.github.com/repos/<owner>/<repository_name>/tarball/<commit>' or 'https://api.github.com/repos/<owner>/<repository_name>/zipball/<commit>'"
    )]
    GitHubForm(String),
    /// Some other host.
    #[error("unknown location {0} cannot be determined to be S3, Github, or a local file / directory")]
    UnknownPlace(String),
    /// A name that no event can have.
    #[error("Received command is not in PascalCase form: {0}")]
    NotPascalCase(String),
    /// No such file.
    #[error("configuration file {} does not exist or is not readable", .0.display())]
    NoConfiguration(PathBuf),
    /// The specification made of the options is refused.
    #[error(transparent)]
    Specification(#[from] OpenError),
}
