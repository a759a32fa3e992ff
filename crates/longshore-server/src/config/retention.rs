//! `[retention]` and `[audit]`: how much of what happened is kept.

use std::time::Duration;

use longshore_engine::Retention;
use serde::Deserialize;

use super::ConfigError;
use super::check::{invalid, number};

/// A hundred years.
const MAX_RETENTION_DAYS: f64 = 36_500.0;
const SECS_PER_DAY: f64 = 86_400.0;
/// The index of so many is read through whenever the history is tidied up.
const MAX_RETENTION_DEPLOYMENTS: usize = 10_000_000;
/// A quarter: long enough to find out who did it, short enough to stay small.
const DEFAULT_AUDIT_DAYS: usize = 90;
/// Ten years.
const MAX_AUDIT_DAYS: usize = 3660;

/// Whichever of the two keeps more.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRetention {
    days: Option<f64>,
    deployments: Option<usize>,
}

impl RawRetention {
    pub(super) fn checked(&self, default: Retention) -> Result<Retention, ConfigError> {
        let age = match self.days {
            None => default.age,
            Some(days) if (0.0..=MAX_RETENTION_DAYS).contains(&days) => {
                Duration::from_secs_f64(days * SECS_PER_DAY)
            }
            Some(days) => {
                let rule = format!("days, 0 to {MAX_RETENTION_DAYS}");
                return Err(invalid("retention.days", days, &rule));
            }
        };
        let deployments = number(
            "retention.deployments",
            self.deployments,
            default.deployments,
            MAX_RETENTION_DEPLOYMENTS,
        )?;
        Ok(Retention { age, deployments })
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAudit {
    retention_days: Option<usize>,
}

impl RawAudit {
    pub(super) fn retention(&self) -> Result<Duration, ConfigError> {
        let key = "audit.retention_days";
        let n_days = number(key, self.retention_days, DEFAULT_AUDIT_DAYS, MAX_AUDIT_DAYS)?;
        Ok(days(n_days))
    }
}

/// What [`RawAudit`] says when it says nothing.
pub(super) fn default_audit_retention() -> Duration {
    days(DEFAULT_AUDIT_DAYS)
}

fn days(n_days: usize) -> Duration {
    Duration::from_secs(24 * 3600 * n_days as u64)
}
