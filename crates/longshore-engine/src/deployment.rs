//! Deployments: making, reading and stopping them. Source: service.md §3.5 and §7.1.

use longshore_model::deployment::{
    Creator, Deployment, DeploymentStatus, DeploymentWait, Late, NewDeployment, StopReason, StopRequest,
};
use longshore_model::deployment_config::DeploymentConfig;
use longshore_model::deployment_group::DeploymentGroup;
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupName, DeploymentId, HostArn,
};
use longshore_model::plan::{Ending, Step, in_place};
use longshore_model::revision::{RegisteredRevision, Revision};
use longshore_model::target::TargetStatus;
use longshore_model::time::Timestamp;
use longshore_model::traffic::{DeploymentType, GreenFleet};
use longshore_store::{DeploymentFilter, NewRevisionUse, Page, Snapshot, StoreError};

use crate::Engine;
use crate::deployment_config::DeploymentConfigError;
use crate::deployment_group::DeploymentGroupError;

/// Which deployments are listed.
#[derive(Clone, Debug, Default)]
pub struct DeploymentList {
    /// Only those of this group, by its present names.
    pub group: Option<(ApplicationName, DeploymentGroupName)>,
    /// Only those with one of these statuses; empty does not filter.
    pub statuses: Vec<DeploymentStatus>,
    /// Only those made at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only those made at this time or earlier.
    pub created_to: Option<Timestamp>,
}

/// A deployment and how many of its targets are in each status.
#[derive(Clone, Debug)]
pub struct DeploymentView {
    /// The deployment.
    pub deployment: Deployment,
    /// Counts; a status without targets may be left out.
    pub counts: Vec<(TargetStatus, usize)>,
}

impl DeploymentView {
    /// How many targets are in `status`.
    pub fn count(&self, status: TargetStatus) -> usize {
        self.counts.iter().filter(|(counted, _)| *counted == status).map(|(_, n)| n).sum()
    }
}

/// What became of a request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAnswer {
    /// The deployment is stopped.
    Stopped,
    /// No further command is scheduled; commands that run will end first.
    Pending,
}

/// Why an operation on a deployment was refused.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The application, group or config is not there.
    #[error(transparent)]
    Group(#[from] DeploymentGroupError),
    /// No revision was given, and the group has none to go by.
    #[error(
        "a revision is required: deployment group `{0}` has no revision of a successful deployment to go by"
    )]
    RevisionRequired(DeploymentGroupName),
    /// A restart is in place.
    #[error("a deployment of mode RESTART is in place, and deployment group `{0}` is blue/green")]
    RestartOfBlueGreen(DeploymentGroupName),
    /// Target instances were named for a deployment that takes none, or not for one that needs them.
    #[error("{0}")]
    TargetInstances(TargetInstancesError),
    /// The group has a deployment that is not final.
    #[error("The Deployment Group '{group}' already has an active Deployment '{running}'")]
    GroupBusy {
        /// The group.
        group: DeploymentGroupName,
        /// Its active deployment.
        running: DeploymentId,
    },
    /// There is no such deployment.
    #[error("the deployment `{0}` does not exist")]
    NotFound(DeploymentId),
    /// It is final, so it cannot be stopped.
    #[error("the deployment `{id}` is {} already", status.as_str())]
    AlreadyCompleted {
        /// The deployment.
        id: DeploymentId,
        /// How it ended.
        status: DeploymentStatus,
    },
    /// It is in place, and only a blue/green deployment waits.
    #[error("the deployment `{0}` is in place: it never waits to be continued")]
    NotBlueGreen(DeploymentId),
    /// It does not wait, or for something else.
    #[error("the deployment `{id}` is not in the wait that is to be ended")]
    NotWaiting {
        /// The deployment.
        id: DeploymentId,
        /// What it should wait for.
        wait: DeploymentWait,
    },
    /// The store failed.
    #[error("the deployments could not be read or written")]
    Store(#[source] StoreError),
}

/// What is wrong with the replacement hosts that were named, or not named. Source: service.md §3.5.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetInstancesError {
    /// The deployment is in place.
    #[error(
        "Target instances are only for blue/green deployments, and the deployment group `{0}` is in place."
    )]
    InPlace(DeploymentGroupName),
    /// The replacement hosts are a copy.
    #[error(
        "The deployment group `{0}` copies its Auto Scaling group for a blue/green deployment, which takes no \
         target instances."
    )]
    Copied(DeploymentGroupName),
    /// The replacement hosts are there already, and nobody said which they are.
    #[error(
        "A blue/green deployment to the deployment group `{0}` needs target instances: the instances that \
         take over from those of the group."
    )]
    Required(DeploymentGroupName),
    /// There are no such hosts.
    #[error("The target instances of the deployment match no instance.")]
    NoMatch,
}

/// What no caller can say of a deployment.
#[derive(Clone, Debug)]
pub(crate) struct ServiceMade {
    /// Who makes it.
    pub(crate) creator: Creator,
    /// Of the group's hosts only these.
    pub(crate) only_hosts: Option<Vec<HostArn>>,
}

impl Engine {
    /// Accepts a deployment and answers its id; it starts by itself.
    ///
    /// # Errors
    /// `Group`, `RestartOfBlueGreen`, `RevisionRequired`, `TargetInstances`, `GroupBusy`, `Store`.
    pub async fn create_deployment(&self, new: NewDeployment) -> Result<DeploymentId, DeploymentError> {
        self.create_by_service(new, ServiceMade { creator: Creator::User, only_hosts: None }).await
    }

    /// As [`Engine::create_deployment`], with what no caller can say.
    pub(crate) async fn create_by_service(
        &self,
        new: NewDeployment,
        made: ServiceMade,
    ) -> Result<DeploymentId, DeploymentError> {
        let group = self.find_deployment_group(&new.application, &new.group).await?;
        let config = self.effective_config(new.config.as_ref().unwrap_or(&group.config)).await?;
        let source = source(&new, &group)?;
        self.check_target_instances(&new, &group).await?;
        loop {
            let id = self.draw().deployment_id();
            let mut deployment = accepted(id.clone(), &new, &group, &config, source.clone(), self.now());
            deployment.creator = made.creator;
            deployment.only_hosts.clone_from(&made.only_hosts);
            let revision_use = first_use(&deployment);
            match self.inner.store.create_deployment(&deployment, &revision_use).await {
                Ok(()) => {
                    self.timeline_grew();
                    self.wake(&id);
                    return Ok(id);
                }
                // The id was drawn before: draw another.
                Err(StoreError::AlreadyExists(_)) => {}
                Err(StoreError::GroupBusy(running)) => {
                    return Err(DeploymentError::GroupBusy { group: new.group, running });
                }
                Err(StoreError::NotFound(_)) => {
                    return Err(DeploymentGroupError::NotFound(new.group).into());
                }
                Err(error) => return Err(DeploymentError::Store(error)),
            }
        }
    }

    /// The deployment with its counts.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn deployment(&self, id: &DeploymentId) -> Result<DeploymentView, DeploymentError> {
        let found = self.inner.store.deployment(id).await.map_err(DeploymentError::Store)?;
        let deployment = found.ok_or_else(|| DeploymentError::NotFound(id.clone()))?;
        let counts = self.inner.store.target_counts(id).await.map_err(DeploymentError::Store)?;
        Ok(DeploymentView { deployment, counts })
    }

    /// Ids with their creation times, newest first.
    ///
    /// # Errors
    /// `Group` when the list names an application or group that does not exist, `Store`.
    pub async fn deployments(
        &self,
        list: DeploymentList,
        page: &Page,
    ) -> Result<Vec<(Timestamp, DeploymentId)>, DeploymentError> {
        let group = match &list.group {
            Some((application, group)) => Some(self.find_deployment_group(application, group).await?.id),
            None => None,
        };
        let filter = DeploymentFilter {
            group,
            statuses: list.statuses,
            created_from: list.created_from,
            created_to: list.created_to,
        };
        self.inner.store.deployments(&filter, page).await.map_err(DeploymentError::Store)
    }

    /// Stops a deployment: nothing further is scheduled, what runs on hosts may end. `rolls_back` is what
    /// the caller says about a rollback, which takes the place of the deployment's own rule.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyCompleted`, `Store`.
    pub async fn stop_deployment(
        &self,
        id: &DeploymentId,
        rolls_back: Option<bool>,
    ) -> Result<StopAnswer, DeploymentError> {
        self.stop_for(id, StopReason::Manual, rolls_back).await
    }

    /// Ends the wait of a blue/green deployment. None gets as far as a wait: no load balancer is known.
    ///
    /// # Errors
    /// `NotFound`, `NotBlueGreen`, `AlreadyCompleted`, `NotWaiting`, `Store`.
    pub async fn continue_deployment(
        &self,
        id: &DeploymentId,
        wait: DeploymentWait,
    ) -> Result<(), DeploymentError> {
        let found = self.inner.store.deployment(id).await.map_err(DeploymentError::Store)?;
        let deployment = found.ok_or_else(|| DeploymentError::NotFound(id.clone()))?;
        if deployment.traffic.deployment_type == DeploymentType::InPlace {
            return Err(DeploymentError::NotBlueGreen(id.clone()));
        }
        if deployment.status.is_final() {
            return Err(DeploymentError::AlreadyCompleted { id: id.clone(), status: deployment.status });
        }
        Err(DeploymentError::NotWaiting { id: id.clone(), wait })
    }

    /// Ends the deployments of a group or application that was just deleted.
    pub(crate) async fn end_orphans(
        &self,
        unfinished: &[DeploymentId],
        reason: &StopReason,
    ) -> Result<(), StoreError> {
        for id in unfinished {
            match self.stop_for(id, reason.clone(), None).await {
                // It became final by itself meanwhile.
                Ok(_) | Err(DeploymentError::AlreadyCompleted { .. } | DeploymentError::NotFound(_)) => {}
                Err(DeploymentError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::error!(deployment.id = %id, %error, "cannot end an orphaned deployment")
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn stop_for(
        &self,
        id: &DeploymentId,
        reason: StopReason,
        rolls_back: Option<bool>,
    ) -> Result<StopAnswer, DeploymentError> {
        loop {
            let found = self.inner.store.snapshot(id).await.map_err(DeploymentError::Store)?;
            let snapshot = found.ok_or_else(|| DeploymentError::NotFound(id.clone()))?;
            let deployment = &snapshot.deployment;
            if deployment.status.is_final() {
                return after_the_end(deployment);
            }
            if deployment.stop.is_some() {
                return Ok(StopAnswer::Pending);
            }
            match self.commit_stop(&snapshot, &reason, rolls_back).await {
                Ok(answer) => return Ok(answer),
                Err(StoreError::Stale) => {}
                Err(error) => return Err(DeploymentError::Store(error)),
            }
        }
    }

    async fn commit_stop(
        &self,
        snapshot: &Snapshot,
        reason: &StopReason,
        rolls_back: Option<bool>,
    ) -> Result<StopAnswer, StoreError> {
        let now = self.now();
        let clocks = &self.inner.config.clocks;
        let mut stopping = snapshot.deployment.clone();
        let request =
            StopRequest { reason: reason.clone(), requested_at: now, was_pending: false, rolls_back };
        stopping.stop = Some(request.clone());
        let steps = match stopping.status {
            DeploymentStatus::Created | DeploymentStatus::Queued => {
                vec![Step::Finish(before_the_start(reason))]
            }
            DeploymentStatus::InProgress
            | DeploymentStatus::Baking
            | DeploymentStatus::Succeeded
            | DeploymentStatus::Failed
            | DeploymentStatus::Stopped => in_place::round(&stopping, &snapshot.targets, clocks, now).steps,
        };
        let is_final = steps.iter().any(|step| matches!(step, Step::Finish(_)));
        stopping.stop = Some(StopRequest { was_pending: !is_final, ..request });
        self.commit_round(snapshot, stopping, steps, now).await?;
        self.wake(&snapshot.deployment.id);
        Ok(if is_final { StopAnswer::Stopped } else { StopAnswer::Pending })
    }

    async fn check_target_instances(
        &self,
        new: &NewDeployment,
        group: &DeploymentGroup,
    ) -> Result<(), DeploymentError> {
        check_target_instances(new, group).map_err(DeploymentError::TargetInstances)?;
        let Some(named) = &new.target_instances else { return Ok(()) };
        // No Auto Scaling group is known, so whoever names only those names no instance.
        let matching = self.inner.store.select_ec2_instances(&named.selector).await;
        if matching.map_err(DeploymentError::Store)?.is_empty() {
            return Err(DeploymentError::TargetInstances(TargetInstancesError::NoMatch));
        }
        Ok(())
    }

    async fn effective_config(
        &self,
        name: &DeploymentConfigName,
    ) -> Result<DeploymentConfig, DeploymentError> {
        match self.deployment_config(name).await {
            Ok(config) => Ok(config),
            Err(DeploymentConfigError::Store(error)) => Err(DeploymentError::Store(error)),
            Err(_) => Err(DeploymentGroupError::NoSuchConfig(name.clone()).into()),
        }
    }
}

/// Orphans that had not started fail, everything else is stopped. Source: service.md §2.1 and §3.3.
fn before_the_start(reason: &StopReason) -> Ending {
    match reason {
        StopReason::Manual | StopReason::AlarmActive(_) | StopReason::AlarmUnreadable { .. } => {
            Ending::Stopped(reason.error())
        }
        StopReason::DeploymentGroupDeleted | StopReason::ApplicationDeleted => Ending::Failed(reason.error()),
    }
}

/// A stop that was pending is told that it succeeded; anything else final cannot be stopped.
fn after_the_end(deployment: &Deployment) -> Result<StopAnswer, DeploymentError> {
    let was_pending = deployment.stop.as_ref().is_some_and(|stop| stop.was_pending);
    if deployment.status == DeploymentStatus::Stopped && was_pending {
        return Ok(StopAnswer::Stopped);
    }
    Err(DeploymentError::AlreadyCompleted { id: deployment.id.clone(), status: deployment.status })
}

/// What is deployed, and whose archives are used again. Source: service.md §3.5, service-additions.md §2.
fn source(
    new: &NewDeployment,
    group: &DeploymentGroup,
) -> Result<(Revision, Option<DeploymentId>), DeploymentError> {
    let required = || DeploymentError::RevisionRequired(new.group.clone());
    let history = &group.history;
    if new.is_restart {
        if group.traffic.deployment_type == DeploymentType::BlueGreen {
            return Err(DeploymentError::RestartOfBlueGreen(new.group.clone()));
        }
        let revision = history.target_revision.clone().ok_or_else(required)?;
        return Ok((revision, Some(history.last_successful.clone().ok_or_else(required)?)));
    }
    let revision = new.revision.clone().or_else(|| history.target_revision.clone());
    Ok((revision.ok_or_else(required)?, None))
}

/// Only a blue/green deployment to hosts that are there already names them, and must.
fn check_target_instances(new: &NewDeployment, group: &DeploymentGroup) -> Result<(), TargetInstancesError> {
    let provisioning = group.traffic.blue_green.provisioning.unwrap_or_default();
    match (group.traffic.deployment_type, provisioning, &new.target_instances) {
        (DeploymentType::InPlace, _, None)
        | (DeploymentType::BlueGreen, GreenFleet::CopyAutoScalingGroup, None) => Ok(()),
        (DeploymentType::InPlace, _, Some(_)) => Err(TargetInstancesError::InPlace(new.group.clone())),
        (DeploymentType::BlueGreen, GreenFleet::CopyAutoScalingGroup, Some(_)) => {
            Err(TargetInstancesError::Copied(new.group.clone()))
        }
        (DeploymentType::BlueGreen, GreenFleet::DiscoverExisting, None) => {
            Err(TargetInstancesError::Required(new.group.clone()))
        }
        (DeploymentType::BlueGreen, GreenFleet::DiscoverExisting, Some(_)) => Ok(()),
    }
}

fn accepted(
    id: DeploymentId,
    new: &NewDeployment,
    group: &DeploymentGroup,
    config: &DeploymentConfig,
    (revision, restart_of): (Revision, Option<DeploymentId>),
    now: Timestamp,
) -> Deployment {
    let auto_rollback = new.auto_rollback.clone().unwrap_or_else(|| group.auto_rollback.clone());
    let processes = new.processes_to_suspend.clone();
    Deployment {
        id,
        application: new.application.clone(),
        group: group.name.clone(),
        group_id: group.id.clone(),
        config: config.name.clone(),
        minimum_healthy_hosts: config.minimum_healthy_hosts,
        selector: group.on_premises_selector.clone(),
        ec2_selector: group.ec2_selector.clone(),
        revision,
        previous_revision: group.history.target_revision.clone(),
        description: new.description.clone(),
        creator: Creator::User,
        ignore_application_stop_failures: new.ignore_application_stop_failures,
        update_outdated_instances_only: new.update_outdated_instances_only,
        only_hosts: None,
        late: Late::default(),
        file_exists_behavior: new.file_exists_behavior,
        auto_rollback,
        rollback: None,
        traffic: group.traffic.clone(),
        target_instances: new.target_instances.clone(),
        alarms: group.alarms.clone(),
        triggers: group.triggers.clone(),
        override_alarms: new.override_alarms.clone(),
        processes_to_suspend: processes.unwrap_or_else(|| group.processes_to_suspend.clone()),
        zonal: config.zonal,
        restart_of,
        status: DeploymentStatus::Created,
        error: None,
        stop: None,
        status_messages: Vec::new(),
        created_at: now,
        started_at: None,
        completed_at: None,
        n_hosts: 0,
        minimum_hosts: 0,
        zones: None,
    }
}

pub(crate) fn first_use(deployment: &Deployment) -> NewRevisionUse {
    NewRevisionUse {
        revision: RegisteredRevision {
            application: deployment.application.clone(),
            revision: deployment.revision.clone(),
            description: Some(format!("Application revision registered by Deployment ID: {}", deployment.id)),
            registered_at: deployment.created_at,
            first_used_at: Some(deployment.created_at),
            last_used_at: Some(deployment.created_at),
        },
    }
}
