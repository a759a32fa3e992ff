//! Hosts that come late are looked after, if their group says so. Source: `longshore:late-hosts` in
//! docs/compatibility.md.

use std::collections::{BTreeMap, BTreeSet};

use longshore_model::deployment::{Creator, Deployment, DeploymentStatus};
use longshore_model::id::{DeploymentGroupId, PrincipalArn};
use longshore_model::revision::Revision;
use longshore_model::target::TargetStatus;

use super::{Auditor, Known};

/// Who came, and who went.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// The earliest time at which a server may have seen that a host came.
    came: BTreeMap<PrincipalArn, i64>,
    left: BTreeSet<PrincipalArn>,
}

impl Auditor {
    /// A server knows for sure that a host has come: it was tagged while it was there, or it polled after so
    /// long a silence that it was away. It may have seen so since `at`.
    pub(crate) fn came(&mut self, principal: &PrincipalArn, at: i64) {
        self.late.came.insert(principal.clone(), at);
    }

    /// A caller wants to take a host out of the fleet.
    pub(crate) fn may_leave(&mut self, principal: &PrincipalArn) {
        self.late.left.insert(principal.clone());
    }

    /// Everything is over: who came late has what its group has, or it was tried.
    pub(super) fn check_late(&mut self) {
        let groups: BTreeSet<DeploymentGroupId> =
            self.deployments().map(|deployment| deployment.group_id.clone()).collect();
        let mut problems = Vec::new();
        for group in groups.iter().filter(|group| !self.may_be_gone.contains(group)) {
            let Some(revision) = self.revision_of(group) else { continue };
            for (principal, at) in &self.late.came {
                if !self.late.left.contains(principal)
                    && !self.is_looked_after(group, revision, principal, *at)
                {
                    problems.push(format!("{principal} came since {at}, is outdated, and nobody cares"));
                }
            }
        }
        self.problems.append(&mut problems);
    }

    fn of_group<'a>(&'a self, group: &'a DeploymentGroupId) -> impl Iterator<Item = &'a Known> {
        self.known.values().filter(|known| known.deployment.group_id == *group)
    }

    /// That of the deployment which succeeded last.
    fn revision_of<'a>(&'a self, group: &'a DeploymentGroupId) -> Option<&'a Revision> {
        let deployments = self.of_group(group).map(|known| &known.deployment);
        let succeeded = deployments.filter(|deployment| deployment.status == DeploymentStatus::Succeeded);
        succeeded.max_by_key(|deployment| deployment.completed_at).map(|deployment| &deployment.revision)
    }

    fn is_looked_after(
        &self,
        group: &DeploymentGroupId,
        revision: &Revision,
        principal: &PrincipalArn,
        came_at: i64,
    ) -> bool {
        let parts = || {
            self.of_group(group).flat_map(|known| {
                let of_host = known.targets.values().filter(|target| target.principal == *principal);
                of_host.map(|target| (&known.deployment, target))
            })
        };
        let succeeded = parts().filter(|(_, target)| target.status() == TargetStatus::Succeeded);
        let installed = succeeded.max_by_key(|(_, target)| target.updated_at);
        let is_up_to_date = installed.is_some_and(|(deployment, _)| deployment.revision == *revision);
        let spread = self.terms.clock_spread;
        let was_tried = parts().any(|(deployment, _)| came_at - spread <= deployment.created_at.millis());
        // One silence over its own update is no coming; which one it was is not looked at.
        let is_update = |deployment: &Deployment| deployment.creator == Creator::AutoUpdate;
        is_up_to_date || was_tried || parts().any(|(deployment, _)| is_update(deployment))
    }
}
