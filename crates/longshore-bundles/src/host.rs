//! Path style or virtual-host style: whether the bucket stands in the path or in the `Host` header.
//!
//! The server may be reached by any name, so a host name alone says nothing. Under a configured
//! domain and under `localhost` the first part is the bucket. Under any other name it is the bucket
//! only if there is a bucket of that name and the path does not begin with a bucket itself, or if
//! the request makes no sense otherwise.

use std::net::IpAddr;

use http::{Method, Request};
use longshore_store::{BundleIndex, StoreError};
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};
use s3s::path::check_bucket_name;

tokio::task_local! {
    /// The bucket that the request's host names, found before `s3s` asks for it: it asks without
    /// waiting, and the store cannot answer so.
    static BUCKET: Option<String>;
}

/// Runs `work` with what [`bucket_in_host`] found.
pub(crate) async fn with_bucket<T>(bucket: Option<String>, work: impl Future<Output = T>) -> T {
    BUCKET.scope(bucket, work).await
}

/// Answers `s3s` with the bucket of [`with_bucket`].
pub(crate) struct FoundBucket;

impl S3Host for FoundBucket {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let bucket = BUCKET.try_with(Clone::clone).ok().flatten();
        Ok(match bucket {
            Some(bucket) => VirtualHost::new(host).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

/// The bucket that the request's host names, if it does.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn bucket_in_host<B>(
    request: &Request<B>,
    domains: &[String],
    index: &dyn BundleIndex,
) -> Result<Option<String>, StoreError> {
    let Some(host) = host_name(request) else { return Ok(None) };
    let known = domains.iter().map(String::as_str).chain(["localhost"]);
    for domain in known {
        if host == domain {
            return Ok(None);
        }
        if let Some(bucket) = host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')) {
            return Ok(check_bucket_name(bucket).then(|| bucket.to_owned()));
        }
    }
    let path = request.uri().path();
    let first_segment = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if !first_segment.is_empty() && index.bucket(first_segment).await?.is_some() {
        return Ok(None);
    }
    // A bucket's name may have dots, so each beginning of the host may be one.
    for (at, _) in host.match_indices('.') {
        let candidate = &host[..at];
        if check_bucket_name(candidate) && index.bucket(candidate).await?.is_some() {
            return Ok(Some(candidate.to_owned()));
        }
    }
    let first_label = host.split('.').next().unwrap_or_default();
    let is_new_bucket = first_segment.is_empty() && request.method() == Method::PUT;
    Ok((is_new_bucket && check_bucket_name(first_label)).then(|| first_label.to_owned()))
}

/// The host without port, in lower case; `None` for addresses and plain names.
fn host_name<B>(request: &Request<B>) -> Option<String> {
    let header = request.headers().get(http::header::HOST).and_then(|value| value.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(|authority| authority.as_str()))?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let is_name = !name.starts_with('[') && name.contains('.') && name.parse::<IpAddr>().is_err();
    is_name.then(|| name.trim_end_matches('.').to_ascii_lowercase())
}
