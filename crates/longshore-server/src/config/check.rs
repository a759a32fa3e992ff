//! Values that several sections have, each with its range.

use std::time::Duration;

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

/// `key` has a value that breaks `rule`.
pub(super) fn invalid(key: &'static str, value: impl ToString, rule: &str) -> ConfigError {
    ConfigError::Invalid { key, value: value.to_string(), rule: rule.to_owned() }
}
