//! The rounds of an in-place deployment: start hosts, keep enough healthy, know the end.
//! Source: service.md §4.2 rules 5 to 8, §4.5, §7.1 and §8.

use crate::deployment::zones::ZoneRun;
use crate::deployment::{Deployment, DeploymentStatus, ErrorCode};
use crate::plan::zonal::{self, Ahead, PresentZone};
use crate::plan::{Ending, Round, Step};
use crate::target::{Clocks, TargetEvent, TargetState, TargetSummary, Waiting};
use crate::time::Timestamp;

/// How many targets are in each state, and how many commands run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) unstarted: usize,
    pub(super) in_flight: usize,
    pub(super) running: usize,
    pub(super) succeeded: usize,
    pub(super) failed: usize,
}

/// Decides what happens next. Pure: same snapshot and `now`, same steps.
///
/// `targets` is the whole deployment in scheduling order. At any moment at most
/// `N - M` targets are failed or in flight, so at least M hosts are neither.
pub fn round(deployment: &Deployment, targets: &[TargetSummary], clocks: &Clocks, now: Timestamp) -> Round {
    match deployment.status {
        DeploymentStatus::InProgress => deploying(deployment, targets, clocks, now),
        // Nothing is in flight then.
        DeploymentStatus::Baking if deployment.stop.is_some() => {
            Round { steps: stop(deployment, targets, count(targets)), wake_at: None }
        }
        DeploymentStatus::Baking => zonal::bake(deployment, now),
        DeploymentStatus::Created
        | DeploymentStatus::Queued
        | DeploymentStatus::Succeeded
        | DeploymentStatus::Failed
        | DeploymentStatus::Stopped => Round::default(),
    }
}

fn deploying(deployment: &Deployment, targets: &[TargetSummary], clocks: &Clocks, now: Timestamp) -> Round {
    let expired = expired_clocks(targets, clocks, now);
    if !expired.is_empty() {
        // What a host's failure means for the others is the next round's question.
        return Round { steps: expired, wake_at: Some(now) };
    }
    let counts = count(targets);
    let ends_at = ends_at(deployment, clocks, now);
    let steps = if ends_at <= now {
        abandon(deployment, targets)
    } else if deployment.stop.is_some() {
        stop(deployment, targets, counts)
    } else {
        go_on(deployment, targets, counts)
    };
    let wake_at = next_clock(targets, clocks).into_iter().chain([ends_at]).min();
    Round { steps, wake_at }
}

/// When the deployment has run for too long. Waits between zones do not count: one alone may take longer
/// than all hosts may.
fn ends_at(deployment: &Deployment, clocks: &Clocks, now: Timestamp) -> Timestamp {
    let baked = deployment.zones.as_ref().map(ZoneRun::baked).unwrap_or_default();
    deployment.started_at.unwrap_or(now).plus(clocks.deployment).plus(baked)
}

pub(super) fn count(targets: &[TargetSummary]) -> Counts {
    let mut counts = Counts::default();
    for target in targets {
        match target.state {
            TargetState::Pending => counts.unstarted += 1,
            TargetState::InProgress(progress) => {
                counts.in_flight += 1;
                counts.running += usize::from(progress.waiting == Waiting::Report);
            }
            TargetState::Succeeded => counts.succeeded += 1,
            TargetState::Failed => counts.failed += 1,
            TargetState::Skipped => {}
        }
    }
    counts
}

fn expired_clocks(targets: &[TargetSummary], clocks: &Clocks, now: Timestamp) -> Vec<Step> {
    let is_expired = |target: &&TargetSummary| match target.state {
        TargetState::InProgress(progress) => progress.deadline(clocks) <= now,
        TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => false,
    };
    targets.iter().filter(is_expired).map(|target| step(target, TargetEvent::ClockRanOut)).collect()
}

fn next_clock(targets: &[TargetSummary], clocks: &Clocks) -> Option<Timestamp> {
    targets
        .iter()
        .filter_map(|target| match target.state {
            TargetState::InProgress(progress) => Some(progress.deadline(clocks)),
            TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => {
                None
            }
        })
        .min()
}

/// Rules 5, 7 and 8, each for the present zone, too, if the deployment goes zone by zone.
fn go_on(deployment: &Deployment, targets: &[TargetSummary], counts: Counts) -> Vec<Step> {
    let n_hosts = deployment.n_hosts as usize;
    let minimum = deployment.minimum_hosts as usize;
    let capacity = n_hosts.saturating_sub(minimum);
    let zone = PresentZone::of(deployment, targets);
    let n_free = capacity.saturating_sub(counts.in_flight + counts.failed);
    let n_free = zone.as_ref().map_or(n_free, |zone| n_free.min(zone.n_free()));
    let candidates = zone.as_ref().map_or(targets, PresentZone::targets);
    let steps: Vec<Step> =
        unstarted(candidates).take(n_free).map(|target| step(target, TargetEvent::Started)).collect();
    if !steps.is_empty() || counts.in_flight > 0 {
        return steps;
    }
    let ahead = zone.and_then(|zone| zone.end(deployment, counts, capacity <= counts.failed));
    match ahead {
        Some(Ahead::Zone(zone_step)) => return vec![Step::Zone(zone_step)],
        Some(Ahead::Failed) => return give_up(targets),
        None if counts.unstarted > 0 => return give_up(targets),
        None => {}
    }
    let n_untouched = n_hosts.saturating_sub(targets.len());
    let is_success = counts.succeeded >= 1 && n_untouched + counts.succeeded >= minimum;
    vec![Step::Finish(if is_success {
        Ending::Succeeded
    } else {
        Ending::Failed(ErrorCode::HealthConstraints.error())
    })]
}

/// Too many hosts failed: whatever has not begun never will.
fn give_up(targets: &[TargetSummary]) -> Vec<Step> {
    let mut steps: Vec<Step> = unstarted(targets).map(|target| step(target, TargetEvent::Skipped)).collect();
    steps.push(Step::Finish(Ending::Failed(ErrorCode::HealthConstraints.error())));
    steps
}

/// Nothing new begins, what nobody took is withdrawn, what runs may end. Source: service.md §7.1.
fn stop(deployment: &Deployment, targets: &[TargetSummary], counts: Counts) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for target in targets {
        match target.state {
            TargetState::Pending => steps.push(step(target, TargetEvent::Skipped)),
            TargetState::InProgress(progress) if progress.waiting == Waiting::Pickup => {
                steps.push(step(target, TargetEvent::Withdrawn));
            }
            TargetState::InProgress(_)
            | TargetState::Succeeded
            | TargetState::Failed
            | TargetState::Skipped => {}
        }
    }
    if counts.running == 0 {
        steps.push(Step::Finish(stopped(deployment)));
    }
    steps
}

fn stopped(deployment: &Deployment) -> Ending {
    Ending::Stopped(match &deployment.stop {
        Some(stop) => stop.reason.error(),
        None => ErrorCode::ManualStop.error(),
    })
}

/// The deployment has run for too long: whatever runs is given up. One that is to be stopped was promised
/// that it would be. Source: service.md §8 and §7.1.
fn abandon(deployment: &Deployment, targets: &[TargetSummary]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for target in targets {
        match target.state {
            TargetState::Pending => steps.push(step(target, TargetEvent::Skipped)),
            TargetState::InProgress(_) => steps.push(step(target, TargetEvent::Abandoned)),
            TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => {}
        }
    }
    steps.push(Step::Finish(match deployment.stop {
        Some(_) => stopped(deployment),
        None => Ending::Failed(ErrorCode::Timeout.error()),
    }));
    steps
}

fn unstarted(targets: &[TargetSummary]) -> impl Iterator<Item = &TargetSummary> {
    targets.iter().filter(|target| target.state == TargetState::Pending)
}

fn step(target: &TargetSummary, event: TargetEvent) -> Step {
    Step::Target { position: target.position, event }
}

#[cfg(test)]
mod tests;
