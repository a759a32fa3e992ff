//! Values that several sections have, each with its range.

use std::time::Duration;

use http::Uri;

use super::ConfigError;

/// No clock is longer: a month.
pub(super) const MAX_CLOCK: Duration = Duration::from_secs(31 * 24 * 3600);

/// Seconds, more than 0 and at most `max`.
pub(super) fn clock(
    key: &'static str,
    secs: Option<f64>,
    default: Duration,
    max: Duration,
) -> Result<Duration, ConfigError> {
    let Some(secs) = secs else { return Ok(default) };
    match Duration::try_from_secs_f64(secs) {
        Ok(duration) if Duration::from_millis(1) <= duration && duration <= max => Ok(duration),
        Ok(_) | Err(_) => {
            Err(invalid(key, secs, &format!("seconds, more than 0 and at most {}", max.as_secs())))
        }
    }
}

/// A count of 1 to `max`.
pub(super) fn number(
    key: &'static str,
    value: Option<usize>,
    default: usize,
    max: usize,
) -> Result<usize, ConfigError> {
    match value {
        None => Ok(default),
        Some(value) if (1..=max).contains(&value) => Ok(value),
        Some(value) if max == usize::MAX => Err(invalid(key, value, "at least 1")),
        Some(value) => Err(invalid(key, value, &format!("1 to {max}"))),
    }
}

/// An `http://` or `https://` address that something may be added to.
pub(super) fn base_url(key: &str, text: &str) -> Result<Uri, ConfigError> {
    let uri = text.parse::<Uri>().ok();
    let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
    // Not repeated: there may be a password in it.
    if text.contains('@') {
        return Err(invalid(key, "an address with an `@`", "without user and password"));
    }
    let uri = uri.filter(|uri| is_http(uri) && uri.host().is_some_and(|host| !host.is_empty()));
    let uri = uri.filter(|uri| uri.query().is_none());
    uri.ok_or_else(|| invalid(key, text, "an http:// or https:// address without a query"))
}

/// `key` has a value that breaks `rule`.
pub(super) fn invalid(key: impl Into<String>, value: impl ToString, rule: &str) -> ConfigError {
    ConfigError::Invalid { key: key.into(), value: value.to_string(), rule: rule.to_owned() }
}
