//! Fetches a revision's bundle: from S3, or from this host itself. Source: agent.md §5, with I-18.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use longshore_wire::client::{self, Client, S3Addressing};
use tokio::io::AsyncWriteExt;

use crate::config::Settings;
use crate::identity::Identity;
use crate::patience::patiently;
use crate::service::{CallError, ConnectError, client_config, s3_endpoint};

/// How long an unreachable or failing bundle store is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which object of which bucket.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The version, if one is asked for.
    pub version: Option<&'a str>,
}

/// Why a bundle could not be fetched. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// S3 answered with an error.
    #[error("{0}")]
    Service(Box<Refusal>),
    /// S3 could not be reached, or the connection broke.
    #[error("{detail}{hint}")]
    Network {
        /// What happened.
        detail: String,
        /// What may help.
        hint: String,
    },
    /// No keys, or a request that cannot be made.
    #[error("{0}")]
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
    /// The client cannot be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// This host's disk.
    #[error("cannot write {}: {source}", path.display())]
    Disk {
        /// What was written.
        path: PathBuf,
        /// What the system says; part of the text, because the service shows only that.
        source: io::Error,
    },
}

/// An error answer of S3, with what was asked for.
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

/// Fetches bundles from S3.
#[derive(Debug)]
pub struct Downloader {
    settings: Arc<Settings>,
    identity: Arc<Identity>,
    endpoint_of_environment: Option<String>,
}

/// Where to send a request, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    endpoint: String,
    region: String,
    addressing: S3Addressing,
}

impl Downloader {
    /// A downloader that signs as `identity`.
    pub fn new(settings: Arc<Settings>, identity: Arc<Identity>) -> Downloader {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint_of_environment =
            variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
        Downloader { settings, identity, endpoint_of_environment }
    }

    /// Puts `object` at `path`, whole or not at all, if it has the ETag `e_tag`.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub async fn fetch(
        &self,
        object: &Object<'_>,
        e_tag: Option<&str>,
        path: &Path,
    ) -> Result<(), DownloadError> {
        let Object { bucket, key, version } = object;
        tracing::info!(
            "Downloading artifact bundle from bucket '{bucket}' and key '{key}', version '{}', etag '{}'",
            version.unwrap_or_default(),
            e_tag.unwrap_or_default(),
        );
        let region = &self.identity.region;
        let mut result = self.fetch_patiently(object, e_tag, path, region).await;
        // The store may name the right region; it is asked there, once.
        if let Err(DownloadError::Service(refusal)) = &result
            && let Some(elsewhere) = refusal.bucket_region.clone()
            && elsewhere != *region
            && self.is_regional()
        {
            result = self.fetch_patiently(object, e_tag, path, &elsewhere).await;
        }
        if result.is_ok() {
            tracing::info!("Download complete from bucket {bucket} and key {key}");
        }
        result
    }

    fn is_regional(&self) -> bool {
        let (_, is_aws) = s3_endpoint(&self.settings, "", self.endpoint_of_environment.clone());
        is_aws
    }

    async fn fetch_patiently(
        &self,
        object: &Object<'_>,
        e_tag: Option<&str>,
        path: &Path,
        region: &str,
    ) -> Result<(), DownloadError> {
        let place = self.place(object.bucket, region);
        let mut config = client_config(&self.settings, &self.identity, place.endpoint.clone())?;
        config.region = place.region.clone();
        config.s3_addressing = place.addressing;
        let client = Client::new(config).map_err(ConnectError::Client)?;
        let temporary = path.with_extension("part");
        let attempt = || self.attempt(&client, object, e_tag, &temporary, region);
        let fetched = patiently(PATIENCE, is_transient, attempt).await;
        let moved = fetched.and_then(|()| fs::rename(&temporary, path).map_err(|error| disk(path, error)));
        if moved.is_err() {
            // What went wrong is said by the result.
            let _ = fs::remove_file(&temporary);
        }
        moved
    }

    async fn attempt(
        &self,
        client: &Client,
        object: &Object<'_>,
        e_tag: Option<&str>,
        temporary: &Path,
        region: &str,
    ) -> Result<(), DownloadError> {
        let keys = self.identity.credentials.current().await;
        client.set_credentials(keys.map_err(|error| DownloadError::Call(error.into()))?);
        let failed = |error| self.named(error, object, region);
        let mut answer =
            client.get_object(object.bucket, object.key, object.version).await.map_err(failed)?;
        check_e_tag(e_tag, answer.e_tag())?;
        let mut file = tokio::fs::File::create(temporary).await.map_err(|error| disk(temporary, error))?;
        let mut received_bytes = 0;
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            file.write_all(&chunk).await.map_err(|error| disk(temporary, error))?;
            received_bytes += chunk.len() as u64;
        }
        file.flush().await.map_err(|error| disk(temporary, error))?;
        match answer.content_length() {
            Some(expected_bytes) if expected_bytes != received_bytes => {
                Err(DownloadError::Truncated { received_bytes, expected_bytes })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn place(&self, bucket: &str, region: &str) -> Place {
        let (endpoint, is_aws) = s3_endpoint(&self.settings, region, self.endpoint_of_environment.clone());
        let is_path_style = self.settings.s3_force_path_style.unwrap_or(!is_aws);
        let addressing = if is_path_style || !fits_host_name(bucket, &endpoint) {
            S3Addressing::Path
        } else {
            S3Addressing::VirtualHost
        };
        Place { endpoint, region: region.to_owned(), addressing }
    }

    /// The error of a call, with what was asked for.
    fn named(&self, error: client::CallError, object: &Object<'_>, region: &str) -> DownloadError {
        match error {
            client::CallError::Service { status, code, message, request_id, bucket_region } => {
                DownloadError::Service(Box::new(Refusal {
                    message: if message.is_empty() { format!("S3 answered {status}") } else { message },
                    code,
                    status,
                    bucket: object.bucket.to_owned(),
                    key: object.key.to_owned(),
                    region: region.to_owned(),
                    request_id: request_id.unwrap_or_else(|| "unknown".to_owned()),
                    bucket_region,
                }))
            }
            client::CallError::Network { .. } | client::CallError::Timeout { .. } => {
                DownloadError::Network { detail: CallError::from(error).sentence(), hint: self.hint(region) }
            }
            client::CallError::Decode { .. }
            | client::CallError::Request { .. }
            | client::CallError::File { .. } => DownloadError::Call(error.into()),
        }
    }

    fn hint(&self, region: &str) -> String {
        if self.settings.use_fips_mode {
            return format!(". Check that Fips exists in {region}. Or, try using s3 endpoint override.");
        }
        ". Try using s3 endpoint override.".to_owned()
    }
}

fn is_transient(error: &DownloadError) -> bool {
    match error {
        DownloadError::Service(refusal) => {
            500 <= refusal.status
                || refusal.status == 429
                || matches!(refusal.code.as_str(), "SlowDown" | "Throttling")
        }
        DownloadError::Network { .. } | DownloadError::Truncated { .. } => true,
        DownloadError::Call(_)
        | DownloadError::Etag { .. }
        | DownloadError::Connect(_)
        | DownloadError::Disk { .. } => false,
    }
}

/// Compares without quotes, which some write and some do not.
fn check_e_tag(expected: Option<&str>, actual: Option<&str>) -> Result<(), DownloadError> {
    let Some(expected) = expected else { return Ok(()) };
    let actual = actual.unwrap_or_default();
    if expected.replace('"', "") == actual.replace('"', "") {
        return Ok(());
    }
    Err(DownloadError::Etag { expected: expected.to_owned(), actual: actual.to_owned() })
}

/// Whether `bucket` can stand before the host of `endpoint`: a DNS label, a host that is a name, and
/// no dots under https, where no certificate would fit.
fn fits_host_name(bucket: &str, endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_name = host != "localhost" && host.parse::<IpAddr>().is_err();
    let is_label = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && bucket.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bucket.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric());
    let has_dots_under_tls = bucket.contains('.') && uri.scheme_str() == Some("https");
    is_name && is_label && !has_dots_under_tls
}

fn disk(path: &Path, source: io::Error) -> DownloadError {
    DownloadError::Disk { path: path.to_owned(), source }
}

/// Makes `to` a link to the archive `from`, or a copy where links cannot be.
///
/// # Errors
/// [`DownloadError::Disk`].
pub fn link_local_file(from: &Path, to: &Path) -> Result<(), DownloadError> {
    if std::os::unix::fs::symlink(from, to).is_ok() {
        return Ok(());
    }
    // An earlier attempt may have left a link; copying through it would truncate the original.
    if fs::symlink_metadata(to).is_ok_and(|metadata| metadata.is_symlink()) {
        fs::remove_file(to).map_err(|error| disk(to, error))?;
    }
    fs::copy(from, to).map(drop).map_err(|error| disk(to, error))
}

/// Copies the tree `from` into `to`, links as links.
///
/// # Errors
/// [`DownloadError::Disk`] at the first entry that cannot be copied.
pub fn copy_local_directory(from: &Path, to: &Path) -> Result<(), DownloadError> {
    fs::create_dir_all(to).map_err(|error| disk(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| disk(from, error))? {
        let entry = entry.map_err(|error| disk(from, error))?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().map_err(|error| disk(&entry.path(), error))?;
        if kind.is_dir() {
            copy_local_directory(&entry.path(), &target)?;
        } else {
            copy_entry(&entry.path(), &target, kind).map_err(|error| disk(&target, error))?;
        }
    }
    let mode = fs::metadata(from).map_err(|error| disk(from, error))?.permissions();
    fs::set_permissions(to, mode).map_err(|error| disk(to, error))
}

fn copy_entry(from: &Path, to: &Path, kind: fs::FileType) -> io::Result<()> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if !kind.is_file() {
        return Err(io::Error::other("neither a file nor a folder nor a link"));
    }
    fs::copy(from, to).map(drop)
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

impl crate::failure::Evident for DownloadError {
    fn evidence(&self) -> Vec<longshore_model::evidence::Evidence> {
        match self {
            DownloadError::Disk { path, source } => crate::failure::system_refusal(Some(path), source),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_e_tags(expected: Option<&str>, actual: Option<&str>, message: &str) {
        let shown =
            check_e_tag(expected, actual).map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        assert_eq!(shown, message);
    }

    #[test]
    fn e_tags_are_compared_without_quotes() {
        check_e_tags(None, Some("\"a\""), "ok");
        check_e_tags(Some("a"), Some("\"a\""), "ok");
        check_e_tags(Some("\"a\""), Some("a"), "ok");
        check_e_tags(
            Some("0123"),
            Some("\"1a74\""),
            "Expected deployment artifact bundle etag 0123 but was actually \"1a74\"",
        );
    }

    #[track_caller]
    fn check_style(bucket: &str, endpoint: &str, expected: bool) {
        assert_eq!(fits_host_name(bucket, endpoint), expected, "{bucket} at {endpoint}");
    }

    #[test]
    fn a_bucket_goes_into_the_host_only_where_dns_and_tls_allow() {
        check_style("bundles", "https://s3.us-east-1.amazonaws.com", true);
        check_style("my.bundles", "https://s3.us-east-1.amazonaws.com", false);
        check_style("my.bundles", "http://store.example", true);
        check_style("Bundles", "http://store.example", false);
        check_style("bundles", "http://127.0.0.1:9000", false);
        check_style("bundles", "http://[::1]:9000", false);
        check_style("bundles", "http://localhost:9000", false);
    }

    #[test]
    fn a_local_archive_is_linked_and_linked_again() {
        let dir = tempfile::tempdir().expect("dir");
        let (from, to) = (dir.path().join("app.tar"), dir.path().join("bundle.tar"));
        fs::write(&from, "content").expect("write");
        for _ in 0..2 {
            link_local_file(&from, &to).expect("link");
            assert_eq!(fs::read_to_string(&to).expect("read"), "content");
            assert_eq!(fs::read_to_string(&from).expect("read"), "content");
        }
    }

    #[test]
    fn a_local_directory_is_copied_with_its_links() {
        let dir = tempfile::tempdir().expect("dir");
        let (from, to) = (dir.path().join("app"), dir.path().join("archive"));
        fs::create_dir_all(from.join("scripts")).expect("create");
        fs::write(from.join("scripts/start"), "run").expect("write");
        std::os::unix::fs::symlink("scripts/start", from.join("link")).expect("link");
        for _ in 0..2 {
            copy_local_directory(&from, &to).expect("copy");
        }
        assert_eq!(fs::read_to_string(to.join("scripts/start")).expect("read"), "run");
        assert_eq!(fs::read_link(to.join("link")).expect("link"), Path::new("scripts/start"));
    }
}
