//! What can go on does so soon: no wake-up is lost for good, no clock runs out unseen.
//!
//! Without this an engine that loses a wake-up would keep every other promise: hosts would be silent until
//! a clock runs out, and the deployment would end as failed, in order.

use longshore_engine::host_command::CommandKey;
use longshore_model::deployment::DeploymentStatus;
use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::target::{TargetState, Waiting};

use super::fleet::{Tally, minimum};
use super::{Auditor, Known, waits_for_pickup};

impl Auditor {
    /// After a write: which deployments could go on by themselves, each since when.
    pub(super) fn note_who_stands(&mut self, written: &DeploymentId) {
        // A place that was freed concerns the others.
        let ids: Vec<DeploymentId> = self.known.keys().cloned().collect();
        for id in ids {
            let can_go_on = self.known.get(&id).is_some_and(|known| self.can_go_on(known));
            let now = self.now;
            if let Some(known) = self.known.get_mut(&id) {
                let since = if id == *written { None } else { known.stands_since };
                known.stands_since = can_go_on.then(|| since.unwrap_or(now));
            }
        }
    }

    /// Whether the next step waits for no host and no clock.
    fn can_go_on(&self, known: &Known) -> bool {
        let deployment = &known.deployment;
        let tally = Tally::of(known.targets.values());
        match deployment.status {
            DeploymentStatus::Succeeded | DeploymentStatus::Failed | DeploymentStatus::Stopped => false,
            // A wait between zones, which a stop ends.
            DeploymentStatus::Baking => deployment.stop.is_some(),
            // How many hosts it will have is known only when it begins: sure is only that it goes alone.
            DeploymentStatus::Created | DeploymentStatus::Queued => self.in_progress().next().is_none(),
            DeploymentStatus::InProgress if tally.in_progress == 0 => true,
            DeploymentStatus::InProgress => {
                let n_hosts = deployment.n_hosts as usize;
                let has_room = minimum(deployment.minimum_healthy_hosts, n_hosts) + tally.down() < n_hosts;
                let is_whole = deployment.zones.is_none() && deployment.stop.is_none();
                is_whole && has_room && 0 < tally.pending
            }
        }
    }

    /// Looks whether anything stands still that should not. To be asked before time goes on.
    pub(crate) fn look_for_standstill(&mut self) {
        let within = self.terms.prompt_within;
        if self.now < self.steady_since + within {
            return;
        }
        let mut problems = Vec::new();
        for (id, known) in &self.known {
            if known.stands_since.is_some_and(|since| since + within < self.now) {
                let since = known.stands_since.unwrap_or_default();
                problems.push(format!(
                    "{id} ({:?}) can go on since {} ms, and does not",
                    known.deployment.status,
                    self.now - since
                ));
            }
            problems.extend(self.overdue(known));
        }
        self.problems.append(&mut problems);
    }

    /// A clock of the deployment or its targets that ran out long ago.
    fn overdue(&self, known: &Known) -> Option<String> {
        let deployment = &known.deployment;
        if deployment.status.is_final() {
            return None;
        }
        let clocks = &self.terms.clocks;
        let grace = self.terms.prompt_within + self.terms.clock_spread;
        // Waits between zones do not count; how long they were is not looked at.
        let started = deployment.started_at.filter(|_| deployment.zones.is_none());
        let mut ends: Vec<_> = started.map(|at| at.plus(clocks.deployment)).into_iter().collect();
        ends.extend(known.targets.values().filter_map(|target| match target.state {
            TargetState::InProgress(progress) => Some(progress.since.plus(match progress.waiting {
                Waiting::Pickup => clocks.pickup,
                Waiting::Report => clocks.event,
            })),
            TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => {
                None
            }
        }));
        let first = ends.into_iter().min()?;
        (first.millis() + grace < self.now)
            .then(|| format!("a clock of {} ran out {} ms ago", deployment.id, self.now - first.millis()))
    }

    /// A poll of this host waits on a server since `since`: says so if a command should have ended it.
    /// `held_for` is how long a hand-out holds, `may_hold_until` until when one may hold that nobody saw.
    pub(crate) fn look_at_poll(
        &mut self,
        principal: &PrincipalArn,
        since: i64,
        held_for: i64,
        may_hold_until: i64,
    ) {
        let steady = since.max(self.steady_since).max(may_hold_until);
        let deadline = |waits_since: i64| waits_since.max(steady) + self.terms.prompt_within;
        let forgotten = self.targets().find_map(|target| {
            let TargetState::InProgress(progress) = target.state else { return None };
            let key = CommandKey { target: target.key.clone(), event_idx: progress.event_idx };
            let is_free = waits_for_pickup(target) && target.principal == *principal;
            let waits_since = progress.since.millis() + self.terms.clock_spread;
            let is_late = deadline(waits_since) < self.now;
            (is_free && is_late && !self.is_held_or_was_lately(&key, held_for)).then_some(key)
        });
        if let Some(key) = forgotten {
            self.problems.push(format!("{key:?} waits for its host, whose poll waits since {since}"));
        }
    }

    /// What was held a moment ago may be on its way.
    fn is_held_or_was_lately(&self, key: &CommandKey, held_for: i64) -> bool {
        self.is_held(key, held_for + self.terms.prompt_within)
    }
}
