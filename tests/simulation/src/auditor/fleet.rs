//! What holds of the fleet of one deployment after every write. Source: service.md §4.

use std::collections::BTreeMap;

use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::deployment_config::MinimumHealthyHosts;
use longshore_model::lifecycle::EventState;
use longshore_model::target::{Target, TargetStatus};

use super::{Auditor, Known};

/// The zone of each EC2 instance, by its id.
pub(crate) type Zones = BTreeMap<String, String>;

/// How many targets are in each state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) pending: usize,
    pub(super) in_progress: usize,
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    pub(super) all: usize,
}

impl Tally {
    pub(super) fn of<'a>(targets: impl IntoIterator<Item = &'a Target>) -> Tally {
        let mut tally = Tally::default();
        for target in targets {
            tally.all += 1;
            match target.status() {
                TargetStatus::Pending => tally.pending += 1,
                TargetStatus::InProgress => tally.in_progress += 1,
                TargetStatus::Succeeded => tally.succeeded += 1,
                TargetStatus::Failed => tally.failed += 1,
                TargetStatus::Skipped => {}
            }
        }
        tally
    }

    /// Hosts that are not in service by our doing.
    pub(super) fn down(self) -> usize {
        self.in_progress + self.failed
    }
}

/// The table of service.md §4.1.
pub(super) fn minimum(rule: MinimumHealthyHosts, n_hosts: usize) -> usize {
    match rule {
        MinimumHealthyHosts::HostCount(count) => count as usize,
        MinimumHealthyHosts::FleetPercent(percent) => {
            // Rounded up: the first number of hosts that is no less than the share.
            let is_enough = |hosts: &usize| n_hosts * usize::from(percent) <= hosts * 100;
            (0..=n_hosts).find(is_enough).unwrap_or(n_hosts)
        }
        MinimumHealthyHosts::Half => (n_hosts - n_hosts / 2).min(n_hosts.saturating_sub(1)),
        MinimumHealthyHosts::AllButOne => n_hosts.saturating_sub(1),
    }
}

pub(super) fn check(auditor: &mut Auditor, known: &Known) {
    let deployment = &known.deployment;
    let id = &deployment.id;
    let tally = Tally::of(known.targets.values());
    let n_hosts = deployment.n_hosts as usize;
    // What the deployment says of itself is held against what the world was made with.
    let rule = auditor.terms.rules.get(&deployment.group_id).copied();
    auditor.require(rule == Some(deployment.minimum_healthy_hosts), || {
        format!("{id} has the rule {:?}, its group has {rule:?}", deployment.minimum_healthy_hosts)
    });
    if let Some(fleet) = auditor.terms.fleet.filter(|_| deployment.started_at.is_some()) {
        auditor.require(n_hosts == fleet, || format!("{id} counts {n_hosts} hosts, and there are {fleet}"));
    }
    let minimum = minimum(deployment.minimum_healthy_hosts, n_hosts);
    if deployment.started_at.is_some() || !known.targets.is_empty() {
        auditor
            .require(tally.all <= n_hosts, || format!("{id} has {} targets of {n_hosts} hosts", tally.all));
        let is_whole = !deployment.update_outdated_instances_only && deployment.only_hosts.is_none();
        auditor.require(!is_whole || tally.all == n_hosts, || {
            format!("{id} is for all {n_hosts} hosts and has {} targets", tally.all)
        });
    }
    auditor.require(tally.down() == 0 || minimum + tally.down() <= n_hosts, || {
        format!("{} of the {n_hosts} hosts of {id} are down, and {minimum} must be up", tally.down())
    });
    if deployment.status.is_final() {
        check_end(auditor, known, tally, minimum);
    }
    check_zones(auditor, known);
}

fn check_end(auditor: &mut Auditor, known: &Known, tally: Tally, minimum: usize) {
    let deployment = &known.deployment;
    let id = &deployment.id;
    auditor.require(tally.pending == 0 && tally.in_progress == 0, || {
        format!("{id} is {:?} and has open targets: {tally:?}", deployment.status)
    });
    let is_success = deployment.status == DeploymentStatus::Succeeded;
    auditor.require(deployment.error.is_none() == is_success, || {
        format!("{id} is {:?} with the error {:?}", deployment.status, deployment.error)
    });
    auditor.require(deployment.completed_at.is_some(), || format!("{id} ended at no time"));
    if is_success && tally.all > 0 {
        let n_up = deployment.n_hosts as usize - tally.all + tally.succeeded;
        auditor.require(tally.succeeded >= 1 && n_up >= minimum, || {
            format!("{id} succeeded with {n_up} hosts of {minimum} that must be up: {tally:?}")
        });
    }
}

/// An event that says why, or a stop that took the command back before anybody had it. `deployment` is as it was
/// written before the target, or with it.
pub(super) fn has_cause(deployment: &Deployment, target: &Target) -> bool {
    let says_why = target.events.iter().any(|event| match &event.state {
        EventState::Failed { diagnostics, .. } => !diagnostics.message.is_empty(),
        EventState::Pending
        | EventState::InProgress { .. }
        | EventState::Succeeded { .. }
        | EventState::Skipped => false,
    });
    says_why || deployment.stop.is_some()
}

/// One zone at a time, in the order of their names, each above its own minimum. Source: service.md §4.5.
fn check_zones(auditor: &mut Auditor, known: &Known) {
    let deployment = &known.deployment;
    if deployment.zones.is_none() {
        return;
    }
    let mut by_zone: BTreeMap<String, Vec<&Target>> = BTreeMap::new();
    for target in known.targets.values() {
        let zone = auditor.terms.zones.get(target.key.host.as_str());
        by_zone.entry(zone.cloned().unwrap_or_default()).or_default().push(target);
    }
    let rule = deployment.zonal.and_then(|zonal| zonal.minimum_healthy_hosts_per_zone);
    let mut has_open_zone = false;
    for (zone, targets) in by_zone {
        let tally = Tally::of(targets);
        let has_begun = tally.down() + tally.succeeded > 0;
        auditor.require(!(has_open_zone && has_begun), || {
            format!("zone {zone} of {} has begun before the one before it ended", deployment.id)
        });
        has_open_zone |= tally.pending + tally.in_progress > 0;
        let is_whole = !deployment.update_outdated_instances_only && deployment.only_hosts.is_none();
        if let Some(rule) = rule.filter(|_| is_whole) {
            let minimum = minimum(rule, tally.all);
            auditor.require(tally.down() == 0 || minimum + tally.down() <= tally.all, || {
                format!("zone {zone} of {}: {tally:?}, and {minimum} must be up", deployment.id)
            });
        }
    }
}
