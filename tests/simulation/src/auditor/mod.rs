//! Looks at everything that is committed and at everything that hosts are told, and says when a promise
//! is broken. It knows the promises (service.md §4, §5, §9.2; ARCHITECTURE.md, "What must stay true") and
//! none of the code that keeps them.

mod commands;
mod end;
mod fleet;
mod late;
mod prompt;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::deployment_config::MinimumHealthyHosts;
use longshore_model::id::{DeploymentGroupId, DeploymentId, PrincipalArn};
use longshore_model::lifecycle::EventState;
use longshore_model::target::{Clocks, Target, TargetKey, TargetState, TargetStatus, Waiting};
use longshore_store::{Places, RoundOutcome};

use self::commands::Commands;
pub(crate) use self::commands::HandOutSeen;
use self::fleet::Zones;
use self::late::Late;

/// What the auditor must be told beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// The clocks that the servers run with.
    pub(crate) clocks: Clocks,
    /// What may be in progress at the same time.
    pub(crate) places: Places,
    /// The rule of each group.
    pub(crate) rules: BTreeMap<DeploymentGroupId, MinimumHealthyHosts>,
    /// How many hosts each group has, if none come or go.
    pub(crate) fleet: Option<usize>,
    /// The zone of each EC2 instance, by its id.
    pub(crate) zones: Zones,
    /// Within how many milliseconds what can happen does, when nothing is in its way.
    pub(crate) prompt_within: i64,
    /// Whether all groups have their late hosts updated.
    pub(crate) keeps_late_up_to_date: bool,
    /// By how many milliseconds two servers' clocks may differ.
    pub(crate) clock_spread: i64,
}

/// The auditor.
#[derive(Debug)]
pub(crate) struct Auditor {
    pub(crate) now: i64,
    pub(crate) problems: Vec<String>,
    terms: Terms,
    known: BTreeMap<DeploymentId, Known>,
    commands: Commands,
    late: Late,
    /// Groups that a caller wanted to delete.
    may_be_gone: BTreeSet<DeploymentGroupId>,
    /// Since when no server died, started, or was refused by its store.
    steady_since: i64,
}

/// A deployment as it was committed last.
#[derive(Debug)]
struct Known {
    deployment: Deployment,
    /// By place in scheduling order.
    targets: BTreeMap<u32, Target>,
    /// Since when it could go on by itself.
    stands_since: Option<i64>,
}

impl Auditor {
    pub(crate) fn new(terms: Terms) -> Auditor {
        Auditor {
            now: 0,
            problems: Vec::new(),
            terms,
            known: BTreeMap::new(),
            commands: Commands::default(),
            late: Late::default(),
            may_be_gone: BTreeSet::new(),
            steady_since: 0,
        }
    }

    fn require(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(problem());
        }
    }

    /// A group was made with this rule.
    pub(crate) fn has_rule(&mut self, group: DeploymentGroupId, rule: MinimumHealthyHosts) {
        self.terms.rules.insert(group, rule);
    }

    /// A deployment was accepted.
    pub(crate) fn created(&mut self, deployment: &Deployment) {
        let id = &deployment.id;
        self.require(deployment.status == DeploymentStatus::Created, || {
            format!("{id} is accepted as {:?}", deployment.status)
        });
        let known = Known { deployment: deployment.clone(), targets: BTreeMap::new(), stands_since: None };
        let before = self.known.insert(id.clone(), known);
        self.require(before.is_none(), || format!("the id {id} was used before"));
        self.look_at(id);
    }

    /// A round was committed.
    pub(crate) fn committed(&mut self, outcome: &RoundOutcome, changed: &[Target]) {
        let after = &outcome.deployment;
        let id = &after.id;
        let Some(mut known) = self.known.remove(id) else {
            self.problems.push(format!("a round of {id}, which nobody made"));
            return;
        };
        let (before_status, before_stop) = (known.deployment.status, known.deployment.stop.clone());
        self.require(!before_status.is_final(), || format!("{id} was {before_status:?} and is changed"));
        let goes_forward = rank(before_status) <= rank(after.status);
        self.require(goes_forward, || format!("{id} goes from {before_status:?} to {:?}", after.status));
        let keeps_stop = before_stop.is_none() || after.stop.is_some();
        self.require(keeps_stop, || format!("the stop of {id} is forgotten"));
        known.deployment = after.clone();
        for target in changed {
            self.target_changed(&mut known, target);
        }
        self.known.insert(id.clone(), known);
        if let Some(follow_up) = &outcome.follow_up {
            self.created(&follow_up.deployment);
        }
        self.look_at(id);
    }

    /// An event of one target was committed.
    pub(crate) fn applied(&mut self, target: &Target) {
        let id = &target.key.deployment;
        let Some(mut known) = self.known.remove(id) else {
            self.problems.push(format!("a target of {id}, which nobody made"));
            return;
        };
        self.target_changed(&mut known, target);
        self.known.insert(id.clone(), known);
        self.look_at(id);
    }

    /// A server died or started, or was refused by its store: what was to follow may take its time.
    pub(crate) fn unsettled(&mut self) {
        self.steady_since = self.now;
    }

    /// A caller wants to delete a group: nobody can roll its deployments back.
    pub(crate) fn group_may_go(&mut self, group: DeploymentGroupId) {
        self.may_be_gone.insert(group);
    }

    /// Whether all deployments are final.
    pub(crate) fn is_quiet(&self) -> bool {
        self.known.values().all(|known| known.deployment.status.is_final())
    }

    /// The deployment as it was committed last.
    pub(crate) fn deployment(&self, id: &DeploymentId) -> Option<&Deployment> {
        self.known.get(id).map(|known| &known.deployment)
    }

    /// All deployments, as they were committed last.
    pub(crate) fn deployments(&self) -> impl Iterator<Item = &Deployment> {
        self.known.values().map(|known| &known.deployment)
    }

    /// All targets, as they were committed last.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.known.values().flat_map(|known| known.targets.values())
    }

    /// As whom the hosts sign for which a command waits.
    pub(crate) fn waiting_principals(&self) -> Vec<PrincipalArn> {
        let mut principals: Vec<PrincipalArn> =
            self.targets().filter(|target| waits_for_pickup(target)).map(|t| t.principal.clone()).collect();
        principals.sort();
        principals.dedup();
        principals
    }

    fn target(&self, key: &TargetKey) -> Option<&Target> {
        self.known.get(&key.deployment)?.targets.values().find(|target| target.key == *key)
    }

    fn target_changed(&mut self, known: &mut Known, after: &Target) {
        let key = &after.key;
        if let Some(before) = known.targets.get(&after.position) {
            self.require(before.key == *key, || format!("{key:?} takes the place of {:?}", before.key));
            self.require(!before.status().is_final(), || {
                format!("{key:?} was {:?} and is changed", before.status())
            });
            let goes_forward = target_rank(before.status()) <= target_rank(after.status());
            self.require(goes_forward, || format!("{key:?} goes to {:?}", after.status()));
            for (was, is) in before.events.iter().zip(&after.events) {
                let goes_forward = event_rank(&was.state) <= event_rank(&is.state);
                let stays = event_rank(&was.state) < 2 || was == is;
                self.require(goes_forward && stays, || format!("{key:?}: {was:?} becomes {is:?}"));
            }
        }
        if after.status() == TargetStatus::Succeeded {
            let is_done = |state: &EventState| {
                matches!(state, EventState::Succeeded { .. } | EventState::Failed { .. })
            };
            let all_done = after.events.iter().all(|event| is_done(&event.state));
            self.require(all_done, || format!("{key:?} succeeded without having run all: {after:?}"));
        }
        if after.status() == TargetStatus::Failed {
            let has_cause = fleet::has_cause(&known.deployment, after);
            self.require(has_cause, || format!("no cause of the failure of {after:?}"));
        }
        known.targets.insert(after.position, after.clone());
    }

    /// What must hold of a deployment after every write.
    fn look_at(&mut self, id: &DeploymentId) {
        let Some(known) = self.known.remove(id) else { return };
        fleet::check(self, &known);
        self.known.insert(id.clone(), known);
        self.check_groups(id);
        self.note_who_stands(id);
    }

    /// Of each group at most one deployment is active.
    fn check_groups(&mut self, id: &DeploymentId) {
        let Some(known) = self.known.get(id) else { return };
        let group = known.deployment.group_id.clone();
        let active: Vec<DeploymentId> = self
            .deployments()
            .filter(|deployment| deployment.group_id == group && !deployment.status.is_final())
            .map(|deployment| deployment.id.clone())
            .collect();
        self.require(active.len() <= 1, || format!("one group has several active deployments: {active:?}"));
        let n_in_progress = self.in_progress().count();
        let n_places = self.terms.places.deployments;
        self.require(n_in_progress <= n_places, || {
            format!("{n_in_progress} deployments are in progress, and there are {n_places} places")
        });
    }

    fn in_progress(&self) -> impl Iterator<Item = &Deployment> {
        self.deployments().filter(|deployment| {
            matches!(deployment.status, DeploymentStatus::InProgress | DeploymentStatus::Baking)
        })
    }
}

fn waits_for_pickup(target: &Target) -> bool {
    matches!(target.state, TargetState::InProgress(progress) if progress.waiting == Waiting::Pickup)
}

fn rank(status: DeploymentStatus) -> u8 {
    match status {
        DeploymentStatus::Created => 0,
        DeploymentStatus::Queued => 1,
        DeploymentStatus::InProgress | DeploymentStatus::Baking => 2,
        DeploymentStatus::Succeeded | DeploymentStatus::Failed | DeploymentStatus::Stopped => 3,
    }
}

fn target_rank(status: TargetStatus) -> u8 {
    match status {
        TargetStatus::Pending => 0,
        TargetStatus::InProgress => 1,
        TargetStatus::Succeeded | TargetStatus::Failed | TargetStatus::Skipped => 2,
    }
}

fn event_rank(state: &EventState) -> u8 {
    match state {
        EventState::Pending => 0,
        EventState::InProgress { .. } => 1,
        EventState::Succeeded { .. } | EventState::Failed { .. } | EventState::Skipped => 2,
    }
}
