//! `[api]`: pages, and how often one principal may call.

use longshore_model::rate::Rate;
use serde::Deserialize;

use super::ConfigError;
use super::check::{invalid, number};

/// The most items on one page of a list.
const MAX_PAGE_SIZE: usize = 1000;

/// How often one principal may call. The service's own rates are not published (service.md §1.7);
/// clients may take for granted that nobody is refused below 1,000 a second (design.md §3).
pub(super) const DEFAULT_RATE: Rate = Rate { per_second: 1000, burst: 2000 };

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawApi {
    page_size: Option<usize>,
    requests_per_second: Option<u32>,
    burst: Option<u32>,
}

impl RawApi {
    pub(super) fn page_size(&self, default: usize) -> Result<usize, ConfigError> {
        number("api.page_size", self.page_size, default, MAX_PAGE_SIZE)
    }

    /// 0 requests a second mean that nobody counts.
    pub(super) fn rate(&self) -> Result<Option<Rate>, ConfigError> {
        let per_second = self.requests_per_second.unwrap_or(DEFAULT_RATE.per_second);
        // Who asks for a rate of their own gets the same proportion of burst, unless they ask for that too.
        let proportion = DEFAULT_RATE.burst / DEFAULT_RATE.per_second;
        let burst = self.burst.unwrap_or(per_second.saturating_mul(proportion));
        match (per_second, self.burst) {
            (_, Some(0)) => Err(invalid("api.burst", 0, "at least 1")),
            (0, _) => Ok(None),
            _ => Ok(Some(Rate { per_second, burst })),
        }
    }
}
