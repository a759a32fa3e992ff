//! Looks at every change of a world and panics when a promise is broken.

use std::collections::HashMap;

use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::lifecycle::EventState;
use longshore_model::target::{Target, TargetStatus};
use longshore_model::time::Timestamp;

use crate::zones::ZoneAuditor;

/// What the auditor has seen so far.
pub(crate) struct Auditor {
    runs: HashMap<(usize, u32), u32>,
    zones: Option<ZoneAuditor>,
}

impl Auditor {
    /// Somebody who looks at zones too, if there are any.
    pub(crate) fn new(zones: Option<ZoneAuditor>) -> Auditor {
        Auditor { runs: HashMap::new(), zones }
    }

    /// A host runs the command of one event.
    pub(crate) fn command_runs(&mut self, host: usize, event_idx: u32) {
        let runs = self.runs.entry((host, event_idx)).or_default();
        *runs += 1;
        assert_eq!(*runs, 1, "host {host} runs event {event_idx} a second time");
    }

    /// One target changed.
    pub(crate) fn target_changed(before: &Target, after: &Target) {
        let rank = |target: &Target| match target.status() {
            TargetStatus::Pending => 0,
            TargetStatus::InProgress => 1,
            TargetStatus::Succeeded | TargetStatus::Failed | TargetStatus::Skipped => 2,
        };
        assert!(rank(before) <= rank(after), "a target went back: {before:?} to {after:?}");
        assert!(!before.status().is_final(), "a final target changed: {before:?} to {after:?}");
        for (was, is) in before.events.iter().zip(&after.events) {
            let rank = |state: &EventState| match state {
                EventState::Pending => 0,
                EventState::InProgress { .. } => 1,
                EventState::Succeeded { .. } | EventState::Failed { .. } | EventState::Skipped => 2,
            };
            assert!(rank(&was.state) <= rank(&is.state), "an event went back: {was:?} to {is:?}");
            if rank(&was.state) == 2 {
                assert_eq!(was, is, "a final event changed");
            }
        }
        if after.status() == TargetStatus::Succeeded {
            let is_open = |state: &EventState| {
                matches!(state, EventState::Pending | EventState::InProgress { .. } | EventState::Skipped)
            };
            assert!(!after.events.iter().any(|event| is_open(&event.state)), "succeeded without {after:?}");
        }
    }

    /// The world after any change.
    pub(crate) fn world(&mut self, deployment: &Deployment, targets: &[Target], now: Timestamp) {
        let count = |status| targets.iter().filter(|target| target.status() == status).count();
        let n_down = count(TargetStatus::Failed) + count(TargetStatus::InProgress);
        let n_hosts = deployment.n_hosts as usize;
        let minimum = deployment.minimum_hosts as usize;
        if !deployment.status.is_final() {
            assert!(n_hosts >= minimum + n_down, "{n_down} of {n_hosts} are down, minimum is {minimum}");
        }
        if deployment.status.is_final() {
            let open: Vec<_> = targets.iter().filter(|target| !target.status().is_final()).collect();
            assert!(open.is_empty(), "a final deployment has open targets: {open:?}");
            assert_eq!(deployment.error.is_some(), deployment.status != DeploymentStatus::Succeeded);
        }
        assert_eq!(deployment.zones.is_some(), self.zones.is_some(), "who goes zone by zone");
        if let Some(zones) = &mut self.zones {
            zones.world(deployment, targets, now);
        }
    }

    /// The end of the run.
    pub(crate) fn ended(&self, deployment: &Deployment, targets: &[Target]) {
        assert!(deployment.status.is_final(), "the deployment never ended");
        let n_succeeded = targets.iter().filter(|target| target.status() == TargetStatus::Succeeded).count();
        if deployment.status == DeploymentStatus::Succeeded && !targets.is_empty() {
            let n_untouched = deployment.n_hosts as usize - targets.len();
            assert!(n_succeeded >= 1 && n_untouched + n_succeeded >= deployment.minimum_hosts as usize);
            if let Some(zones) = &self.zones {
                zones.succeeded(targets);
            }
        }
        for target in targets.iter().filter(|target| target.status() == TargetStatus::Failed) {
            let has_cause = target.events.iter().any(|event| {
                matches!(&event.state, EventState::Failed { diagnostics, .. } if !diagnostics.message.is_empty())
            });
            assert!(has_cause || deployment.stop.is_some(), "a target failed without a cause: {target:?}");
        }
    }
}
