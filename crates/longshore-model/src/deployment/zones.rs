//! Where a deployment stands that goes zone by zone. The rules are in `plan::zonal`.
//! Source: service.md §4.5.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::ZoneName;
use crate::time::Timestamp;

/// The zones of a deployment in their order, and which of them it has come to. Data, so that whoever goes
/// on after a restart knows which wait has begun and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneRun {
    /// By name; only those that have targets.
    pub zones: Vec<ZoneShare>,
    /// Index of the zone whose targets go, or of the one after which the deployment waits.
    pub present: u32,
    /// Since when it waits, while its status is `Baking`.
    pub baking_since: Option<Timestamp>,
    /// How long all waits that are over took, in milliseconds.
    pub baked_millis: u64,
}

/// One zone's part of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneShare {
    /// The availability zone.
    pub name: ZoneName,
    /// Hosts of the group in it when the deployment started (N of the zone).
    pub n_hosts: u32,
    /// How many of them must stay healthy (M of the zone).
    pub minimum_hosts: u32,
    /// Its targets, which follow those of the zone before in scheduling order.
    pub n_targets: u32,
}

impl ZoneRun {
    /// The zone whose targets go, or after which the deployment waits, and the places of its targets in
    /// scheduling order.
    pub fn present_zone(&self) -> Option<(&ZoneShare, std::ops::Range<usize>)> {
        let present = self.present as usize;
        let zone = self.zones.get(present)?;
        let start: usize = self.zones[..present].iter().map(|zone| zone.n_targets as usize).sum();
        Some((zone, start..start + zone.n_targets as usize))
    }

    /// How long all waits that are over took.
    pub fn baked(&self) -> Duration {
        Duration::from_millis(self.baked_millis)
    }
}
