//! Why a bundle could not be fetched: what the service shows, and what was seen.

use std::fmt;
use std::io;
use std::path::PathBuf;

use longshore_model::evidence::Evidence;

use crate::failure::{self, Evident};
use crate::service::{CallError, ConnectError};

/// Why a bundle could not be fetched. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// S3 answered with an error.
    #[error("{0}")]
    Service(Box<Refusal>),
    /// S3 could not be reached, or the connection broke.
    #[error("{detail}{hint}")]
    Network {
        /// What was asked for.
        subject: String,
        /// What happened.
        detail: String,
        /// What may help.
        hint: String,
    },
    /// No keys, or a request that cannot be made.
    #[error("{}", .0.sentence())]
    Call(CallError),
    /// The object is another than the revision names.
    #[error("Expected deployment artifact bundle etag {expected} but was actually {actual}")]
    Etag {
        /// Of the revision.
        expected: String,
        /// Of the answer.
        actual: String,
    },
    /// The connection ended before the object did.
    #[error("the bundle ended after {received_bytes} of {expected_bytes} bytes")]
    Truncated {
        /// Arrived.
        received_bytes: u64,
        /// Announced.
        expected_bytes: u64,
    },
    /// GitHub packs commits in two ways only. The text is the original's, without its bracket.
    #[error("GitHub revision specified with bundle_type other than zip or tar [bundle_type={0}")]
    GitHubBundleType(String),
    /// GitHub gave no bundle.
    #[error(
        "Could not download bundle at '{url}' after {} retries. Server returned codes: {}.",
        answers.len().saturating_sub(1),
        answers.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    GitHub {
        /// What was asked for; it holds no secret.
        url: String,
        /// What came of each attempt.
        answers: Vec<GitHubAnswer>,
    },
    /// The address that the configuration and the revision make is none.
    #[error("'{0}' is not an address that a bundle can be downloaded from")]
    Address(String),
    /// The client cannot be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The revision's place on this host is inside the place that it is copied to, or around it.
    #[error("cannot copy {} into itself", .0.display())]
    IntoItself(PathBuf),
    /// This host's disk.
    #[error("cannot use {}: {source}", path.display())]
    Disk {
        /// What was read or written.
        path: PathBuf,
        /// What the system says; part of the text, because the service shows only that.
        source: io::Error,
    },
}

/// An error answer of S3, with what was asked for (I-18).
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code}, s3://{bucket}/{key}, region {region}, request id {request_id})")]
pub struct Refusal {
    /// S3's sentence.
    pub message: String,
    /// S3's code.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// Asked for.
    pub bucket: String,
    /// Asked for.
    pub key: String,
    /// Signed for.
    pub region: String,
    /// For the operator of the store.
    pub request_id: String,
    /// Where the bucket is, when the answer says so.
    pub bucket_region: Option<String>,
}

/// What came of asking GitHub once.
#[derive(Debug)]
pub enum GitHubAnswer {
    /// An error.
    Status {
        /// The HTTP status.
        status: u16,
        /// The status in words.
        reason: &'static str,
        /// For GitHub's people.
        request_id: Option<String>,
    },
    /// No connection, or one that broke.
    Network {
        /// What happened.
        detail: String,
    },
    /// It sends us where we do not go.
    Redirect {
        /// Where to, without secrets.
        target: String,
    },
}

impl GitHubAnswer {
    /// Whether it may pass: network errors, 429 and 5xx (I-17).
    pub(super) fn is_transient(&self) -> bool {
        match self {
            GitHubAnswer::Status { status, .. } => *status == 429 || 500 <= *status,
            GitHubAnswer::Network { .. } => true,
            GitHubAnswer::Redirect { .. } => false,
        }
    }

    fn evidence(&self, url: &str) -> Evidence {
        let subject = url.to_owned();
        match self {
            GitHubAnswer::Status { status, request_id, .. } => {
                let (status, request_id) = (*status, request_id.clone());
                Evidence::HttpRefusal { subject, status, code: None, request_id }
            }
            GitHubAnswer::Network { detail } => Evidence::Unreachable { subject, detail: detail.clone() },
            GitHubAnswer::Redirect { target } => Evidence::RuleBroken {
                rule: "redirect_without_tls".to_owned(),
                subjects: vec![subject, target.clone()],
            },
        }
    }
}

impl fmt::Display for GitHubAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GitHubAnswer::Status { status, reason, .. } => write!(formatter, "{status} '{reason}'"),
            GitHubAnswer::Network { detail } => write!(formatter, "no answer '{detail}'"),
            GitHubAnswer::Redirect { target } => write!(formatter, "a redirect to '{target}', not followed"),
        }
    }
}

impl Evident for DownloadError {
    fn evidence(&self) -> Vec<Evidence> {
        let differs = |property: &str, expected: String, actual: String| {
            vec![Evidence::BundleDiffers { property: property.to_owned(), expected, actual }]
        };
        match self {
            DownloadError::Service(refusal) => vec![refusal.evidence()],
            DownloadError::Network { subject, detail, .. } => {
                vec![Evidence::Unreachable { subject: subject.clone(), detail: detail.clone() }]
            }
            DownloadError::Call(error) => error.evidence(),
            DownloadError::Etag { expected, actual } => differs("etag", expected.clone(), actual.clone()),
            DownloadError::Truncated { received_bytes, expected_bytes } => {
                differs("length", expected_bytes.to_string(), received_bytes.to_string())
            }
            DownloadError::GitHub { url, answers } => {
                answers.iter().map(|answer| answer.evidence(url)).collect()
            }
            DownloadError::GitHubBundleType(bundle_type) => broken("git_hub_bundle_type", bundle_type),
            DownloadError::Address(address) => broken("bundle_address", address),
            DownloadError::IntoItself(path) => broken("copy_into_itself", &failure::shown(path)),
            DownloadError::Disk { path, source } => failure::system_refusal(Some(path), source),
            DownloadError::Connect(ConnectError::CaBundle { path, source }) => {
                failure::system_refusal(Some(path), source)
            }
            DownloadError::Connect(_) => Vec::new(),
        }
    }
}

impl Refusal {
    fn evidence(&self) -> Evidence {
        Evidence::HttpRefusal {
            subject: format!("s3://{}/{}", self.bucket, self.key),
            status: self.status,
            code: Some(self.code.clone()),
            request_id: Some(self.request_id.clone()),
        }
    }
}

fn broken(rule: &str, subject: &str) -> Vec<Evidence> {
    vec![Evidence::RuleBroken { rule: rule.to_owned(), subjects: vec![subject.to_owned()] }]
}
