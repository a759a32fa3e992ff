//! What must hold when a run is over.

use longshore_model::deployment::{Creator, DeploymentStatus, Rollback, StopReason};
use longshore_model::deployment_group::AutoRollbackEvent;
use longshore_model::id::DeploymentId;

use super::Auditor;

impl Auditor {
    /// Everything is over.
    pub(crate) fn ended(&mut self) {
        let mut problems = Vec::new();
        for known in self.known.values() {
            let deployment = &known.deployment;
            let id = &deployment.id;
            if !deployment.status.is_final() {
                problems.push(format!("{id} never ended: it is {:?}", deployment.status));
            }
            let is_users = deployment.creator == Creator::User;
            let has_group = !self.may_be_gone.contains(&deployment.group_id);
            if is_users && has_group && rolls_back(deployment) != deployment.rollback.is_some() {
                problems.push(format!("{id}: {:?}, rollback {:?}", deployment.status, deployment.rollback));
            }
            if let Some(Rollback::By(rollback)) = &deployment.rollback
                && !self.is_rollback_of(rollback, id)
            {
                problems.push(format!("{rollback} should roll {id} back"));
            }
        }
        self.problems.append(&mut problems);
        if self.terms.keeps_late_up_to_date {
            self.check_late();
        }
    }

    fn is_rollback_of(&self, rollback: &DeploymentId, of: &DeploymentId) -> bool {
        self.deployment(rollback).is_some_and(|rollback| {
            rollback.creator == Creator::Rollback && rollback.rollback == Some(Rollback::Of(of.clone()))
        })
    }
}

/// Whether a user's deployment is to be followed by a rollback. Source: service.md §7.1 and §7.4.
fn rolls_back(deployment: &longshore_model::deployment::Deployment) -> bool {
    let rule = &deployment.auto_rollback;
    let lists = |event| rule.is_enabled && rule.events.contains(&event);
    let after_stop = |reason: &StopReason, said: Option<bool>| match reason {
        StopReason::Manual => said.unwrap_or_else(|| lists(AutoRollbackEvent::DeploymentStopOnRequest)),
        StopReason::AlarmActive(_) | StopReason::AlarmUnreadable { .. } => {
            lists(AutoRollbackEvent::DeploymentStopOnAlarm)
        }
        StopReason::DeploymentGroupDeleted | StopReason::ApplicationDeleted => false,
    };
    match deployment.status {
        DeploymentStatus::Succeeded => false,
        DeploymentStatus::Failed | DeploymentStatus::Stopped => match &deployment.stop {
            Some(stop) => after_stop(&stop.reason, stop.rolls_back),
            None => lists(AutoRollbackEvent::DeploymentFailure),
        },
        DeploymentStatus::Created
        | DeploymentStatus::Queued
        | DeploymentStatus::InProgress
        | DeploymentStatus::Baking => false,
    }
}
