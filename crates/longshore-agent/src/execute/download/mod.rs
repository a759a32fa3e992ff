//! Fetches a revision's bundle, one file for each place where it may be. Source: agent.md §5.

mod error;
mod git_hub;
pub mod local;
mod partial_file;
pub mod reuse;
mod s3;
#[cfg(test)]
mod tests;

pub use error::{DownloadError, GitHubAnswer, Refusal};
pub use git_hub::Commit;
pub use s3::Object;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::identity::Identity;
use crate::service::Outgoing;

/// How long an unreachable or failing bundle store is tried again while nothing arrives; the first
/// pauses are those of agent.md §1.3.
const S3_PATIENCE: Duration = Duration::from_secs(30);

/// The pauses before GitHub is asked again. Source: agent.md §5.2.
const GIT_HUB_PAUSES: [Duration; 3] =
    [Duration::from_secs(10), Duration::from_secs(30), Duration::from_secs(90)];

/// Fetches bundles from afar.
#[derive(Debug)]
pub struct Downloader {
    settings: Arc<Settings>,
    outgoing: Arc<Outgoing>,
    identity: Arc<Identity>,
    endpoint_of_environment: Option<String>,
    s3_patience: Duration,
    git_hub_pauses: Vec<Duration>,
}

impl Downloader {
    /// A downloader that signs as `identity`.
    pub fn new(settings: Arc<Settings>, outgoing: Arc<Outgoing>, identity: Arc<Identity>) -> Downloader {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint_of_environment =
            variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
        Downloader {
            settings,
            outgoing,
            identity,
            endpoint_of_environment,
            s3_patience: S3_PATIENCE,
            git_hub_pauses: GIT_HUB_PAUSES.to_vec(),
        }
    }
}

/// Removes the tree at `path`; its absence is success.
///
/// # Errors
/// [`DownloadError::Disk`].
pub fn remove_directory(path: &Path) -> Result<(), DownloadError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn disk(path: &Path, source: io::Error) -> DownloadError {
    DownloadError::Disk { path: path.to_owned(), source }
}
