//! A deployment: one revision on its way to one group's hosts. Source: service.md §2.9 and §5.1.

pub mod zones;

use serde::{Deserialize, Serialize};

use self::zones::ZoneRun;
use crate::deployment_config::{MinimumHealthyHosts, Zonal};
use crate::deployment_group::AutoRollback;
use crate::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupId, DeploymentGroupName, DeploymentId, HostArn,
};
use crate::revision::Revision;
use crate::tag_filter::TagSelector;
use crate::time::Timestamp;
use crate::traffic::Traffic;
use crate::watch::{Alarms, ScalingProcess, Trigger};

/// A deployment to be made, its parts checked one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeployment {
    /// The application.
    pub application: ApplicationName,
    /// The group.
    pub group: DeploymentGroupName,
    /// May be absent only with `update_outdated_instances_only`: then the group's target revision.
    pub revision: Option<Revision>,
    /// The group's config when absent.
    pub config: Option<DeploymentConfigName>,
    /// At most 256 characters.
    pub description: Option<String>,
    /// A failing stop-side event does not fail the host.
    pub ignore_application_stop_failures: bool,
    /// Only hosts on which another revision, or none, is installed.
    pub update_outdated_instances_only: bool,
    /// What Install does when a file is in the way.
    pub file_exists_behavior: FileExistsBehavior,
    /// The group's rule when absent.
    pub auto_rollback: Option<AutoRollback>,
    /// In place of the group's alarms.
    pub override_alarms: Option<Alarms>,
    /// In place of the group's processes.
    pub processes_to_suspend: Option<Vec<ScalingProcess>>,
    /// The revision of the last successful deployment again, without downloading it.
    pub is_restart: bool,
    /// The replacement hosts, which only a blue/green deployment takes.
    pub target_instances: Option<TargetInstances>,
}

/// The replacement hosts of a blue/green deployment, as they were named. Source: service.md §3.5.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetInstances {
    /// EC2 instances.
    pub selector: TagSelector,
    /// Names of Auto Scaling groups.
    pub auto_scaling_groups: Vec<String>,
}

/// One deployment with everything that was fixed when it was accepted; later changes of its group
/// do not reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Never used twice.
    pub id: DeploymentId,
    /// As it was named then.
    pub application: ApplicationName,
    /// As it was named then.
    pub group: DeploymentGroupName,
    /// What agents key their files by.
    pub group_id: DeploymentGroupId,
    /// The effective config's name.
    pub config: DeploymentConfigName,
    /// The effective config's rule.
    pub minimum_healthy_hosts: MinimumHealthyHosts,
    /// Which on-premises instances; evaluated when the deployment starts.
    pub selector: TagSelector,
    /// Which EC2 instances; evaluated when the deployment starts.
    #[serde(default)]
    pub ec2_selector: TagSelector,
    /// What is deployed.
    pub revision: Revision,
    /// The group's target revision at that time.
    pub previous_revision: Option<Revision>,
    /// At most 256 characters.
    pub description: Option<String>,
    /// Who made it.
    pub creator: Creator,
    /// A failing stop-side event does not fail the host.
    pub ignore_application_stop_failures: bool,
    /// Only hosts on which another revision, or none, is installed.
    pub update_outdated_instances_only: bool,
    /// Of those only these, which came late; the others of the group stay as they are.
    #[serde(default)]
    pub only_hosts: Option<Vec<HostArn>>,
    /// How it is related to the updates of hosts that came late.
    #[serde(default)]
    pub late: Late,
    /// What Install does when a file is in the way.
    pub file_exists_behavior: FileExistsBehavior,
    /// The effective rollback rule.
    pub auto_rollback: AutoRollback,
    /// The rollback that it is, or that followed it.
    #[serde(default)]
    pub rollback: Option<Rollback>,
    /// The group's style, load balancers and blue/green settings.
    #[serde(default)]
    pub traffic: Traffic,
    /// The replacement hosts, as they were named.
    #[serde(default)]
    pub target_instances: Option<TargetInstances>,
    /// The group's alarms.
    #[serde(default)]
    pub alarms: Option<Alarms>,
    /// The group's triggers.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Alarms that take the place of the group's.
    #[serde(default)]
    pub override_alarms: Option<Alarms>,
    /// The effective Auto Scaling processes to suspend; ignored, as no Auto Scaling group is targeted.
    /// Source: service-additions.md §3.
    #[serde(default)]
    pub processes_to_suspend: Vec<ScalingProcess>,
    /// The effective config's zones.
    #[serde(default)]
    pub zonal: Option<Zonal>,
    /// A restart: the deployment whose archives its hosts use again.
    #[serde(default)]
    pub restart_of: Option<DeploymentId>,
    /// Where it stands.
    pub status: DeploymentStatus,
    /// Why it failed or was stopped.
    pub error: Option<DeploymentError>,
    /// A stop that somebody asked for; from then on no further command is scheduled.
    pub stop: Option<StopRequest>,
    /// Sentences for people, oldest first.
    pub status_messages: Vec<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it left `Created`.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub completed_at: Option<Timestamp>,
    /// Size of the whole group when it started (N); 0 before.
    pub n_hosts: u32,
    /// How many hosts must stay healthy (M); 0 before it started.
    pub minimum_hosts: u32,
    /// Where it stands among its zones, from its start on, if it goes zone by zone.
    #[serde(default)]
    pub zones: Option<ZoneRun>,
}

/// Updates of hosts that joined a group while a deployment to it ran. Source: service.md §7.6.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Late {
    /// The deployment whose late hosts this one brings up to date.
    pub root: Option<DeploymentId>,
    /// The deployments that bring this one's late hosts up to date.
    pub updates: Vec<DeploymentId>,
}

/// How a deployment takes part in a rollback. Source: service.md §7.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rollback {
    /// It rolls this deployment back.
    Of(DeploymentId),
    /// It is rolled back by this deployment.
    By(DeploymentId),
    /// It should be rolled back, and its group has no earlier success.
    Nowhere,
}

impl Deployment {
    /// Another deployment with the same settings, made at `now` and not begun.
    pub(crate) fn anew(&self, id: DeploymentId, now: Timestamp) -> Deployment {
        Deployment {
            id,
            description: None,
            late: Late::default(),
            rollback: None,
            restart_of: None,
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
            ..self.clone()
        }
    }

    /// The sentence about its rollback, for people and tools. Source: service.md §7.4; AWS's own texts
    /// where they are known.
    pub fn rollback_message(&self) -> Option<String> {
        let id = &self.id;
        self.rollback.as_ref().map(|rollback| match rollback {
            Rollback::Of(trigger) => {
                format!("Deployment {id} is triggered to roll back deployment {trigger}.")
            }
            Rollback::By(rollback) => format!(
                "Deployment {id} terminated. Automatic rollback is triggered with a DeploymentId {rollback}."
            ),
            Rollback::Nowhere => {
                format!("Deployment {id} terminated. No previous successful deployment to roll back to.")
            }
        })
    }

    /// The alarms that may stop it, if any may. Source: service.md §7.5.
    pub fn watched_alarms(&self) -> Option<&Alarms> {
        let alarms = self.override_alarms.as_ref().or(self.alarms.as_ref())?;
        // They are likely still active after the deployment that is rolled back. Source: service.md §7.4.
        let is_watched = alarms.is_enabled && self.creator != Creator::Rollback;
        is_watched.then_some(alarms)
    }
}

/// Who made a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Creator {
    /// A caller of CreateDeployment.
    User,
    /// The end of another deployment, which it rolls back.
    Rollback,
    /// Hosts that came late, which it brings up to date.
    AutoUpdate,
}

impl Creator {
    /// As the API and the deployment specification spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Creator::User => "user",
            Creator::Rollback => "codeDeployRollback",
            Creator::AutoUpdate => "CodeDeployAutoUpdate",
        }
    }
}

/// What Install does when a file that it would write exists already. Source: service.md §6.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileExistsBehavior {
    /// Fail before anything is changed.
    #[default]
    Disallow,
    /// Replace it.
    Overwrite,
    /// Leave it.
    Retain,
}

impl FileExistsBehavior {
    /// As the API and AppSpec files spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            FileExistsBehavior::Disallow => "DISALLOW",
            FileExistsBehavior::Overwrite => "OVERWRITE",
            FileExistsBehavior::Retain => "RETAIN",
        }
    }

    /// The behaviour spelled `name`; case matters.
    pub fn from_name(name: &str) -> Option<FileExistsBehavior> {
        [FileExistsBehavior::Disallow, FileExistsBehavior::Overwrite, FileExistsBehavior::Retain]
            .into_iter()
            .find(|behavior| behavior.as_str() == name)
    }
}

/// A stop that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRequest {
    /// Why.
    pub reason: StopReason,
    /// When.
    pub requested_at: Timestamp,
    /// Whether commands ran at that time, so that the stop took effect only later.
    pub was_pending: bool,
    /// What the caller said about a rollback, in place of the deployment's own rule.
    #[serde(default)]
    pub rolls_back: Option<bool>,
}

/// Why a deployment is being stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// StopDeployment.
    Manual,
    /// These alarms are active.
    AlarmActive(Vec<String>),
    /// This alarm cannot be read, and that counts.
    AlarmUnreadable {
        /// Which.
        alarm: String,
        /// Why not.
        why: String,
    },
    /// Its deployment group was deleted.
    DeploymentGroupDeleted,
    /// Its application was deleted.
    ApplicationDeleted,
}

/// What a blue/green deployment waits for. Source: service.md §7.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeploymentWait {
    /// For the word to reroute traffic.
    #[default]
    Ready,
    /// For the time to terminate the original hosts.
    Termination,
}

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeploymentStatus {
    /// Accepted, hosts not yet looked up.
    Created,
    /// Waits for a place among the account's concurrent deployments.
    Queued,
    /// Hosts are being deployed to.
    InProgress,
    /// A zone is done; alarms are watched for a while before the next one goes.
    Baking,
    /// Final: enough hosts succeeded.
    Succeeded,
    /// Final: see the error.
    Failed,
    /// Final: somebody stopped it.
    Stopped,
}

/// What can happen to a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentEvent {
    /// No place is free.
    Queued,
    /// Its hosts are known and the first may go.
    Started,
    /// A zone is done, and the wait after it begins.
    ZoneDone,
    /// Another zone's hosts may go.
    ZoneBegun,
    /// Enough hosts succeeded.
    Succeeded,
    /// It cannot start, or too many hosts failed.
    Failed,
    /// A stop took effect.
    Stopped,
}

/// An event that does not apply to a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} does not apply to a deployment that is {from:?}")]
pub struct IllegalTransition {
    /// The status it was in.
    pub from: DeploymentStatus,
    /// What was to happen.
    pub event: DeploymentEvent,
}

impl DeploymentStatus {
    /// All of them, in the order of the journey.
    pub const ALL: [DeploymentStatus; 7] = [
        DeploymentStatus::Created,
        DeploymentStatus::Queued,
        DeploymentStatus::InProgress,
        DeploymentStatus::Baking,
        DeploymentStatus::Succeeded,
        DeploymentStatus::Failed,
        DeploymentStatus::Stopped,
    ];

    /// The status after `event`. The whole table is here; no other code assigns a status.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the event does not apply, e.g. anything after a final status.
    pub fn after(self, event: DeploymentEvent) -> Result<DeploymentStatus, IllegalTransition> {
        use {DeploymentEvent as E, DeploymentStatus as S};
        match (self, event) {
            (S::Created, E::Queued) => Ok(S::Queued),
            (S::Created | S::Queued, E::Started) => Ok(S::InProgress),
            // From `Created`, an update of outdated hosts only that finds none outdated.
            (S::Created | S::Queued | S::InProgress, E::Succeeded) => Ok(S::Succeeded),
            (S::Created | S::Queued | S::InProgress, E::Failed) => Ok(S::Failed),
            (S::Created | S::Queued | S::InProgress | S::Baking, E::Stopped) => Ok(S::Stopped),
            (S::InProgress, E::ZoneDone) => Ok(S::Baking),
            // From `InProgress`, when there is nothing to wait for.
            (S::InProgress | S::Baking, E::ZoneBegun) => Ok(S::InProgress),
            (S::Queued | S::InProgress | S::Baking | S::Succeeded | S::Failed | S::Stopped, E::Queued)
            | (S::InProgress | S::Baking | S::Succeeded | S::Failed | S::Stopped, E::Started)
            | (S::Created | S::Queued | S::Succeeded | S::Failed | S::Stopped, E::ZoneDone | E::ZoneBegun)
            | (S::Baking, E::ZoneDone | E::Succeeded | E::Failed)
            | (S::Succeeded | S::Failed | S::Stopped, E::Succeeded | E::Failed | E::Stopped) => {
                Err(IllegalTransition { from: self, event })
            }
        }
    }

    /// Whether nothing can happen any more.
    pub fn is_final(self) -> bool {
        match self {
            DeploymentStatus::Created
            | DeploymentStatus::Queued
            | DeploymentStatus::InProgress
            | DeploymentStatus::Baking => false,
            DeploymentStatus::Succeeded | DeploymentStatus::Failed | DeploymentStatus::Stopped => true,
        }
    }

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            DeploymentStatus::Created => "Created",
            DeploymentStatus::Queued => "Queued",
            DeploymentStatus::InProgress => "InProgress",
            DeploymentStatus::Baking => "Baking",
            DeploymentStatus::Succeeded => "Succeeded",
            DeploymentStatus::Failed => "Failed",
            DeploymentStatus::Stopped => "Stopped",
        }
    }

    /// The status spelled `name`.
    pub fn from_name(name: &str) -> Option<DeploymentStatus> {
        DeploymentStatus::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// Why a deployment failed or was stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentError {
    /// The API's code.
    pub code: ErrorCode,
    /// One or two sentences.
    pub message: String,
}

/// The codes that this service raises. Source: service.md §5.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the service's own; §5.5 tells what each is for")]
pub enum ErrorCode {
    AlarmActive,
    ApplicationMissing,
    DeploymentGroupMissing,
    ElasticLoadBalancingInvalid,
    HealthConstraints,
    HealthConstraintsInvalid,
    ManualStop,
    NoInstances,
    OverMaxInstances,
    Timeout,
}

impl ErrorCode {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::AlarmActive => "ALARM_ACTIVE",
            ErrorCode::ApplicationMissing => "APPLICATION_MISSING",
            ErrorCode::DeploymentGroupMissing => "DEPLOYMENT_GROUP_MISSING",
            ErrorCode::ElasticLoadBalancingInvalid => "ELASTIC_LOAD_BALANCING_INVALID",
            ErrorCode::HealthConstraints => "HEALTH_CONSTRAINTS",
            ErrorCode::HealthConstraintsInvalid => "HEALTH_CONSTRAINTS_INVALID",
            ErrorCode::ManualStop => "MANUAL_STOP",
            ErrorCode::NoInstances => "NO_INSTANCES",
            ErrorCode::OverMaxInstances => "OVER_MAX_INSTANCES",
            ErrorCode::Timeout => "TIMEOUT",
        }
    }

    /// The text that goes with the code. Source: service.md §5.5; real texts where they are known.
    pub fn message(self) -> &'static str {
        match self {
            ErrorCode::AlarmActive => {
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected deployments have been stopped."
            }
            ErrorCode::ApplicationMissing => "The deployment ended because its application was deleted.",
            ErrorCode::DeploymentGroupMissing => {
                "The deployment ended because its deployment group was deleted."
            }
            ErrorCode::ElasticLoadBalancingInvalid => {
                "The deployment can't start because a load balancer of its deployment group cannot be used."
            }
            ErrorCode::HealthConstraints => {
                "The overall deployment failed because too many individual instances failed deployment, too few healthy instances are available for deployment, or some instances in your deployment group are experiencing problems."
            }
            ErrorCode::HealthConstraintsInvalid => {
                "The deployment can't start because the minimum number of healthy instances, as defined by your deployment configuration, are not available. You can reduce the required number of healthy instances by updating your deployment configuration or increase the number of instances in this deployment group."
            }
            ErrorCode::ManualStop => "The deployment was stopped by a StopDeployment request.",
            ErrorCode::NoInstances => {
                "The deployment failed because no instances were found for your deployment group. Check your deployment group settings to make sure the tags for your EC2 instances or Auto Scaling groups correctly identify the instances you want to deploy to, and then try again."
            }
            ErrorCode::OverMaxInstances => {
                "The deployment failed because more instances are targeted for deployment than are allowed for your account. To reduce the number of instances targeted for this deployment, update the tag settings for this deployment group or delete some of the targeted instances."
            }
            ErrorCode::Timeout => {
                "The deployment ran longer than the longest time allowed for one deployment."
            }
        }
    }

    /// The error with its usual text.
    pub fn error(self) -> DeploymentError {
        DeploymentError { code: self, message: self.message().to_owned() }
    }
}

impl StopReason {
    /// The error that a deployment stopped for this reason carries.
    pub fn error(&self) -> DeploymentError {
        match self {
            StopReason::Manual => ErrorCode::ManualStop.error(),
            // Each name in angle brackets, separated by spaces. Source: service.md §5.5.
            StopReason::AlarmActive(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("<{name}>")).collect();
                let usual = ErrorCode::AlarmActive.message();
                let message = format!("{usual} Activated alarms: {}", names.join(" "));
                DeploymentError { code: ErrorCode::AlarmActive, message }
            }
            // Source: service.md §7.5, "ALARM_ACTIVE with another message".
            StopReason::AlarmUnreadable { alarm, why } => DeploymentError {
                code: ErrorCode::AlarmActive,
                message: format!(
                    "The deployment was stopped because the alarm <{alarm}> cannot be read: {why}. With \
                     ignorePollAlarmFailure a deployment goes on without it."
                ),
            },
            StopReason::DeploymentGroupDeleted => ErrorCode::DeploymentGroupMissing.error(),
            StopReason::ApplicationDeleted => ErrorCode::ApplicationMissing.error(),
        }
    }
}

#[cfg(test)]
mod tests;
