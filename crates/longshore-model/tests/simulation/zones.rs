//! What the auditor knows of zones: counted here from the fleet itself, not from what the planner noted.
//! Source: service.md §4.5.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::deployment_config::{MinimumHealthyHosts, Zonal};
use longshore_model::id::HostId;
use longshore_model::plan::begin::Candidate;
use longshore_model::target::{Target, TargetStatus};
use longshore_model::time::Timestamp;

/// The zones of a fleet that is deployed to zone by zone.
pub(crate) struct ZoneAuditor {
    zonal: Zonal,
    zone_of: BTreeMap<HostId, String>,
    /// Hosts of the group in each zone, whether they are targets or not.
    n_hosts: BTreeMap<String, usize>,
    /// When the first host of each zone began.
    begun_at: BTreeMap<String, Timestamp>,
}

/// The targets of one zone.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    pending: usize,
    in_flight: usize,
    succeeded: usize,
    failed: usize,
    /// When one last changed.
    changed_at: Option<Timestamp>,
}

impl ZoneAuditor {
    /// `None` when zones are not to be gone through.
    pub(crate) fn new(deployment: &Deployment, candidates: &[Candidate]) -> Option<ZoneAuditor> {
        let zonal = deployment.zonal?;
        let mut auditor = ZoneAuditor {
            zonal,
            zone_of: BTreeMap::new(),
            n_hosts: BTreeMap::new(),
            begun_at: BTreeMap::new(),
        };
        for candidate in candidates {
            let zone = candidate.zone.as_ref()?.to_string();
            *auditor.n_hosts.entry(zone.clone()).or_default() += 1;
            auditor.zone_of.insert(candidate.id.clone(), zone);
        }
        Some(auditor)
    }

    fn minimum(&self, zone: &str) -> usize {
        let n_hosts = self.n_hosts[zone];
        match self.zonal.minimum_healthy_hosts_per_zone {
            None => 0,
            Some(MinimumHealthyHosts::HostCount(count)) => count as usize,
            Some(MinimumHealthyHosts::FleetPercent(percent)) => {
                (n_hosts * usize::from(percent)).div_ceil(100)
            }
            Some(rule) => panic!("no zone has the rule {rule:?}"),
        }
    }

    fn tallies(&self, targets: &[Target]) -> BTreeMap<&str, Tally> {
        let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
        for target in targets {
            let tally = tallies.entry(&self.zone_of[&target.key.host]).or_default();
            match target.status() {
                TargetStatus::Pending => tally.pending += 1,
                TargetStatus::InProgress => tally.in_flight += 1,
                TargetStatus::Succeeded => tally.succeeded += 1,
                TargetStatus::Failed => tally.failed += 1,
                TargetStatus::Skipped => {}
            }
            tally.changed_at = tally.changed_at.max(Some(target.updated_at));
        }
        tallies
    }

    /// The world after any change.
    pub(crate) fn world(&mut self, deployment: &Deployment, targets: &[Target], now: Timestamp) {
        let tallies = self.tallies(targets);
        if deployment.status.is_final() {
            return;
        }
        for (zone, tally) in &tallies {
            let (n_hosts, minimum) = (self.n_hosts[*zone], self.minimum(zone));
            let n_down = tally.failed + tally.in_flight;
            assert!(
                n_down == 0 || n_down + minimum <= n_hosts,
                "zone {zone}: {tally:?} of {n_hosts}, {minimum}"
            );
            assert!(
                deployment.status != DeploymentStatus::Baking || tally.in_flight == 0,
                "{zone}: {tally:?}"
            );
        }
        check_one_after_another(&tallies);
        let begun: Vec<(String, Timestamp)> = self.new_zones(&tallies, now);
        self.begun_at.extend(begun);
    }

    /// Zones whose first host begins now; each after the wait that follows the zone before.
    fn new_zones(&self, tallies: &BTreeMap<&str, Tally>, now: Timestamp) -> Vec<(String, Timestamp)> {
        let mut begun = Vec::new();
        let mut before: Option<Tally> = None;
        for (idx, (zone, tally)) in tallies.iter().enumerate() {
            let is_begun = tally.in_flight + tally.succeeded + tally.failed > 0;
            if is_begun && !self.begun_at.contains_key(*zone) {
                if let Some(ended_at) = before.and_then(|tally| tally.changed_at) {
                    let may_begin_at = ended_at.plus(self.wait_after(idx - 1));
                    assert!(may_begin_at <= now, "zone {zone} begins before the wait is over");
                }
                begun.push(((*zone).to_owned(), now));
            }
            before = Some(*tally);
        }
        begun
    }

    fn wait_after(&self, zone_idx: usize) -> Duration {
        let first = self.zonal.first_zone_monitor_secs.filter(|_| zone_idx == 0);
        Duration::from_secs(u64::from(first.or(self.zonal.monitor_secs).unwrap_or(0)))
    }

    /// The end of a deployment that succeeded.
    pub(crate) fn succeeded(&self, targets: &[Target]) {
        for (zone, tally) in self.tallies(targets) {
            let n_untouched = self.n_hosts[zone] - (tally.succeeded + tally.failed);
            assert!(n_untouched + tally.succeeded >= self.minimum(zone), "zone {zone}: {tally:?}");
        }
    }
}

/// When hosts of a zone have begun, all of those before have ended.
fn check_one_after_another(tallies: &BTreeMap<&str, Tally>) {
    let mut open: Option<&str> = None;
    for (zone, tally) in tallies {
        let is_begun = tally.in_flight + tally.succeeded + tally.failed > 0;
        if let Some(open) = open {
            assert!(!is_begun, "zone {zone} has begun and zone {open} has not ended");
        }
        if tally.pending + tally.in_flight > 0 {
            open.get_or_insert(zone);
        }
    }
}
