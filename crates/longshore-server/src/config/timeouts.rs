//! `[timeouts]`: every clock. Source: service.md §8.

use std::time::Duration;

use longshore_model::target::Clocks;
use serde::Deserialize;

use super::ConfigError;
use super::check::{MAX_CLOCK, clock};

/// Agents give up a poll after 80 s; proxies often after 60 s. Source: service.md §8.
const MAX_POLL_HOLD: Duration = Duration::from_secs(60);

/// Seconds, fractions allowed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTimeouts {
    pickup: Option<f64>,
    event: Option<f64>,
    deployment: Option<f64>,
    poll_hold: Option<f64>,
    redelivery: Option<f64>,
    alarm_poll: Option<f64>,
    tombstone: Option<f64>,
    request_head: Option<f64>,
    upload: Option<f64>,
}

impl RawTimeouts {
    pub(super) fn clocks(&self, default: Clocks) -> Result<Clocks, ConfigError> {
        Ok(Clocks {
            pickup: clock("timeouts.pickup", self.pickup, default.pickup, MAX_CLOCK)?,
            event: clock("timeouts.event", self.event, default.event, MAX_CLOCK)?,
            deployment: clock("timeouts.deployment", self.deployment, default.deployment, MAX_CLOCK)?,
        })
    }

    pub(super) fn poll_hold(&self, default: Duration) -> Result<Duration, ConfigError> {
        clock("timeouts.poll_hold", self.poll_hold, default, MAX_POLL_HOLD)
    }

    pub(super) fn redelivery(&self, default: Duration) -> Result<Duration, ConfigError> {
        clock("timeouts.redelivery", self.redelivery, default, MAX_CLOCK)
    }

    pub(super) fn alarm_poll(&self, default: Duration) -> Result<Duration, ConfigError> {
        clock("timeouts.alarm_poll", self.alarm_poll, default, MAX_CLOCK)
    }

    pub(super) fn tombstone(&self, default: Duration) -> Result<Duration, ConfigError> {
        clock("timeouts.tombstone", self.tombstone, default, MAX_CLOCK)
    }

    pub(super) fn request_head(&self, default: Duration) -> Result<Duration, ConfigError> {
        clock("timeouts.request_head", self.request_head, default, MAX_CLOCK)
    }

    pub(super) fn upload(&self, default: Duration) -> Result<Duration, ConfigError> {
        clock("timeouts.upload", self.upload, default, MAX_CLOCK)
    }
}
