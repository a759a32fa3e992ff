//! Zone by zone: which zones, how many of each, what comes after one. Source: service.md §4.5.
//!
//! `begin` divides the hosts, and puts the targets of one zone behind those of another; so a zone is a run of
//! places in scheduling order. `in_place` asks here what one zone allows, and what follows its end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::begin::Candidate;
use super::in_place::{Counts, count};
use super::{Round, Step};
use crate::deployment::zones::{ZoneRun, ZoneShare};
use crate::deployment::{Creator, Deployment, DeploymentEvent, DeploymentStatus, IllegalTransition};
use crate::id::ZoneName;
use crate::target::TargetSummary;
use crate::time::Timestamp;
use crate::traffic::DeploymentType;

/// What a zonal configuration means for the hosts of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Division {
    /// All hosts are one.
    Whole,
    /// There is a configuration, and it does not apply; the sentence says why.
    Ignored(String),
    /// By zone, ascending, without targets yet.
    Zones(Vec<ZoneShare>),
}

/// What happens to the deployment between two zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneStep {
    /// The present zone is done: the wait after it begins.
    Bake,
    /// The wait, if there was one, is over: the next zone goes.
    Next,
}

impl ZoneStep {
    /// `deployment` after this step.
    ///
    /// # Errors
    /// [`IllegalTransition`] when its status does not allow it.
    pub fn apply(self, deployment: &Deployment, now: Timestamp) -> Result<Deployment, IllegalTransition> {
        let mut next = deployment.clone();
        let event = match self {
            ZoneStep::Bake => DeploymentEvent::ZoneDone,
            ZoneStep::Next => DeploymentEvent::ZoneBegun,
        };
        next.status = deployment.status.after(event)?;
        if let Some(run) = &mut next.zones {
            match self {
                ZoneStep::Bake => run.baking_since = Some(now),
                ZoneStep::Next => {
                    let waited = run.baking_since.take().map_or(Duration::ZERO, |since| now.since(since));
                    run.baked_millis += u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                    run.present += 1;
                }
            }
        }
        Ok(next)
    }
}

/// Divides the hosts of `deployment` by zone, if its configuration says so and applies: to what a caller
/// deploys in place, to EC2 instances alone.
pub(super) fn divide(deployment: &Deployment, candidates: &[Candidate]) -> Division {
    let Some(zonal) = deployment.zonal else { return Division::Whole };
    let ignored = |why: &str| {
        let config = &deployment.config;
        Division::Ignored(format!("The zonal configuration of deployment config {config} is ignored: {why}"))
    };
    if deployment.traffic.deployment_type == DeploymentType::BlueGreen {
        return ignored("a blue/green deployment goes to all zones at once.");
    }
    if deployment.creator != Creator::User {
        return ignored("the deployment was made by the service and goes to all zones at once.");
    }
    let mut n_hosts: BTreeMap<&ZoneName, u32> = BTreeMap::new();
    for candidate in candidates {
        let Some(zone) = &candidate.zone else {
            return ignored("the deployment group has on-premises instances, which are in no zone.");
        };
        *n_hosts.entry(zone).or_default() += 1;
    }
    let minimum = |n_hosts: u32| match zonal.minimum_healthy_hosts_per_zone {
        Some(rule) => u32::try_from(rule.minimum(n_hosts as usize)).unwrap_or(u32::MAX),
        None => 0,
    };
    let share = |(name, n_hosts): (&ZoneName, u32)| ZoneShare {
        name: name.clone(),
        n_hosts,
        minimum_hosts: minimum(n_hosts),
        n_targets: 0,
    };
    Division::Zones(n_hosts.into_iter().map(share).collect())
}

/// Whether a zone could never spare a host: then nothing can begin.
pub(super) fn is_impossible(zone: &ZoneShare) -> bool {
    0 < zone.minimum_hosts && zone.n_hosts <= zone.minimum_hosts
}

/// The run through `zones`, when `targets` is all of the targets' zones in scheduling order.
pub(super) fn run<'a>(zones: Vec<ZoneShare>, targets: impl Iterator<Item = Option<&'a ZoneName>>) -> ZoneRun {
    let mut zones = zones;
    for name in targets.flatten() {
        if let Some(zone) = zones.iter_mut().find(|zone| zone.name == *name) {
            zone.n_targets += 1;
        }
    }
    // One where nothing is outdated is neither deployed to nor waited after.
    zones.retain(|zone| 0 < zone.n_targets);
    ZoneRun { zones, present: 0, baking_since: None, baked_millis: 0 }
}

/// The zone that goes now.
pub(super) struct PresentZone<'a> {
    share: &'a ZoneShare,
    targets: &'a [TargetSummary],
    counts: Counts,
}

impl<'a> PresentZone<'a> {
    /// The zone of `deployment` that goes now, if it goes zone by zone. `targets` is all of them.
    pub(super) fn of(deployment: &'a Deployment, targets: &'a [TargetSummary]) -> Option<PresentZone<'a>> {
        let (share, places) = deployment.zones.as_ref()?.present_zone()?;
        let targets = targets.get(places)?;
        Some(PresentZone { share, targets, counts: count(targets) })
    }

    /// Its targets.
    pub(super) fn targets(&self) -> &'a [TargetSummary] {
        self.targets
    }

    /// How many more of its hosts may be in flight.
    pub(super) fn n_free(&self) -> usize {
        self.capacity().saturating_sub(self.counts.in_flight + self.counts.failed)
    }

    fn capacity(&self) -> usize {
        self.share.n_hosts.saturating_sub(self.share.minimum_hosts) as usize
    }

    /// What follows when nothing of the zone is in flight and nothing more of it may begin. `None` when it
    /// has ended well and was the last: then the fleet as a whole decides.
    pub(super) fn end(
        &self,
        deployment: &Deployment,
        overall: Counts,
        is_budget_spent: bool,
    ) -> Option<Ahead> {
        let n_untouched = (self.share.n_hosts as usize).saturating_sub(self.targets.len());
        let is_healthy = n_untouched + self.counts.succeeded >= self.share.minimum_hosts as usize;
        if 0 < self.counts.unstarted || !is_healthy {
            return Some(Ahead::Failed);
        }
        if overall.unstarted == 0 {
            return None;
        }
        if is_budget_spent {
            return Some(Ahead::Failed);
        }
        Some(Ahead::Zone(if wait_after(deployment).is_zero() { ZoneStep::Next } else { ZoneStep::Bake }))
    }
}

/// What is ahead of a zone that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// Too many hosts failed.
    Failed,
    /// Another zone.
    Zone(ZoneStep),
}

/// A round of a deployment that waits after a zone and is not to be stopped.
pub(super) fn bake(deployment: &Deployment, now: Timestamp) -> Round {
    let until = waits_until(deployment).unwrap_or(now);
    if until <= now {
        return Round { steps: vec![Step::Zone(ZoneStep::Next)], wake_at: Some(now) };
    }
    Round { steps: Vec::new(), wake_at: Some(until) }
}

/// When the wait between zones ends in which `deployment` is, if it is in one.
pub fn waits_until(deployment: &Deployment) -> Option<Timestamp> {
    // One that was stopped in a wait remembers when it began.
    let run = deployment.zones.as_ref().filter(|_| deployment.status == DeploymentStatus::Baking)?;
    Some(run.baking_since?.plus(wait_after(deployment)))
}

/// How long alarms are watched after the present zone before the next one goes.
fn wait_after(deployment: &Deployment) -> Duration {
    let zonal = deployment.zonal.unwrap_or_default();
    let is_first = deployment.zones.as_ref().is_some_and(|run| run.present == 0);
    let secs = match zonal.first_zone_monitor_secs {
        Some(secs) if is_first => Some(secs),
        Some(_) | None => zonal.monitor_secs,
    };
    Duration::from_secs(u64::from(secs.unwrap_or(0)))
}
