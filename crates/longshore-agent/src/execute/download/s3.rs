//! Bundles in S3: tried again from where the connection broke, and where the bucket really is.
//! Source: agent.md §5.1, with I-18.

use std::net::IpAddr;
use std::path::Path;

use http::Uri;
use longshore_wire::client::{self, Client, Download, S3Addressing};

use super::partial_file::PartialFile;
use super::{DownloadError, Downloader, Refusal};
use crate::patience::Patience;
use crate::service::{CallError, ConnectError, is_about_credentials, s3_endpoint};

/// When this much more has come before a connection breaks, patience begins anew.
const MIN_PROGRESS_BYTES: u64 = 64 * 1024;

/// Which object of which bucket.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The version, if one is asked for.
    pub version: Option<&'a str>,
    /// The ETag that it must have, if the revision says one; quotes do not count.
    pub e_tag: Option<&'a str>,
}

/// Where to send a request, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    endpoint: String,
    region: String,
    addressing: S3Addressing,
}

/// A download under way.
struct Transfer<'a> {
    object: &'a Object<'a>,
    partial: PartialFile,
    /// Of the answer that the bytes came with; they are worthless without it.
    e_tag: Option<String>,
}

impl Downloader {
    /// Puts `object` at `path`, whole or not at all. Answers its ETag.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub async fn fetch(&self, object: &Object<'_>, path: &Path) -> Result<Option<String>, DownloadError> {
        let Object { bucket, key, version, e_tag } = object;
        tracing::info!(
            "Downloading artifact bundle from bucket '{bucket}' and key '{key}', version '{}', etag '{}'",
            version.unwrap_or_default(),
            e_tag.unwrap_or_default(),
        );
        let mut transfer = Transfer { object, partial: PartialFile::create(path).await?, e_tag: None };
        let region = &self.identity.region;
        let mut result = self.fetch_patiently(&mut transfer, region).await;
        // The store may name the right region; it is asked for there, once.
        if let Err(DownloadError::Service(refusal)) = &result
            && let Some(elsewhere) = refusal.bucket_region.clone().filter(|name| is_region(name))
            && elsewhere != *region
        {
            tracing::info!("Bucket {bucket} is in region {elsewhere}");
            result = self.fetch_patiently(&mut transfer, &elsewhere).await;
        }
        result?;
        let Transfer { partial, e_tag, .. } = transfer;
        partial.finish(path).await?;
        tracing::info!("Download complete from bucket {bucket} and key {key}");
        Ok(e_tag)
    }

    async fn fetch_patiently(&self, transfer: &mut Transfer<'_>, region: &str) -> Result<(), DownloadError> {
        let client = self.s3_client(transfer.object.bucket, region)?;
        let mut patience = Patience::new(self.s3_patience);
        let mut is_renewed = false;
        loop {
            let n_before = transfer.partial.n_bytes();
            let Err(error) = self.attempt(&client, transfer, region).await else { return Ok(()) };
            // Keys that were just renewed are worth one more attempt at once (I-14).
            if has_bad_credentials(&error) && !is_renewed && self.identity.credentials.renew().await {
                is_renewed = true;
                continue;
            }
            if !is_transient(&error) {
                return Err(error);
            }
            if n_before + MIN_PROGRESS_BYTES <= transfer.partial.n_bytes() {
                patience = Patience::new(self.s3_patience);
            }
            let Some(pause) = patience.pause() else { return Err(error) };
            tracing::debug!("The download is tried again in {} ms: {error}", pause.as_millis());
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(
        &self,
        client: &Client,
        transfer: &mut Transfer<'_>,
        region: &str,
    ) -> Result<(), DownloadError> {
        let keys = self.identity.credentials.current().await;
        client.set_credentials(keys.map_err(|error| DownloadError::Call(error.into()))?);
        let object = transfer.object;
        let failed = |error| self.named(error, object, region);
        let mut answer = transfer.open(client).await.map_err(failed)?;
        check_e_tag(object.e_tag, answer.e_tag())?;
        let expected_bytes = transfer.begin(&answer).await?;
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            transfer.partial.append(&chunk).await?;
        }
        let received_bytes = transfer.partial.n_bytes();
        match expected_bytes {
            Some(expected_bytes) if expected_bytes != received_bytes => {
                Err(DownloadError::Truncated { received_bytes, expected_bytes })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn s3_client(&self, bucket: &str, region: &str) -> Result<Client, ConnectError> {
        let place = self.place(bucket, region);
        let mut config = self.outgoing.client_config(&self.identity, place.endpoint);
        config.region = place.region;
        config.s3_addressing = place.addressing;
        Ok(Client::new(config)?)
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
            client::CallError::Network { .. } | client::CallError::Timeout { .. } => DownloadError::Network {
                subject: format!("s3://{}/{}", object.bucket, object.key),
                detail: CallError::from(error).sentence(),
                hint: self.hint(region),
            },
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

impl Transfer<'_> {
    /// Asks for what is missing, or for everything when what is here belongs to another object.
    async fn open(&self, client: &Client) -> Result<Download, client::CallError> {
        let Object { bucket, key, version, .. } = *self.object;
        let n_bytes = self.partial.n_bytes();
        // A weak ETag does not promise the same bytes.
        let e_tag = self.e_tag.as_deref().filter(|e_tag| 0 < n_bytes && !e_tag.starts_with("W/"));
        if let Some(e_tag) = e_tag {
            match client.get_object_from(bucket, key, version, n_bytes, e_tag).await {
                Ok(answer) if answer.first_byte() == Some(0) => return Ok(answer),
                Ok(answer) if answer.first_byte() == Some(n_bytes) && answer.e_tag() == Some(e_tag) => {
                    return Ok(answer);
                }
                Ok(_) | Err(client::CallError::Service { status: 412 | 416, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        client.get_object(bucket, key, version).await
    }

    /// Makes ready for the bytes of `answer`, and tells how many there will be in the end.
    async fn begin(&mut self, answer: &Download) -> Result<Option<u64>, DownloadError> {
        if answer.first_byte() == Some(0) {
            self.partial.restart().await?;
        }
        self.e_tag = answer.e_tag().map(str::to_owned);
        Ok(answer.content_length().map(|n_bytes| self.partial.n_bytes() + n_bytes))
    }
}

fn is_transient(error: &DownloadError) -> bool {
    match error {
        DownloadError::Service(refusal) => {
            500 <= refusal.status
                || refusal.status == 429
                || matches!(refusal.code.as_str(), "SlowDown" | "Throttling" | "RequestTimeout")
        }
        DownloadError::Network { .. } | DownloadError::Truncated { .. } => true,
        _ => false,
    }
}

fn has_bad_credentials(error: &DownloadError) -> bool {
    matches!(error, DownloadError::Service(refusal) if is_about_credentials(&refusal.code))
}

/// Whether `name` may stand in a host name; it comes from an answer.
fn is_region(name: &str) -> bool {
    (1..=20).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
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
    fn a_region_from_an_answer_must_look_like_one() {
        for (name, expected) in
            [("eu-west-1", true), ("", false), ("evil.example/", false), ("EU", false), ("a@b", false)]
        {
            assert_eq!(is_region(name), expected, "{name}");
        }
    }
}
