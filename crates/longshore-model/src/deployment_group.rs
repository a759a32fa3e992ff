//! A deployment group: which hosts, with which rules. Source: service.md §2.4.

use serde::{Deserialize, Serialize};

use crate::application::ResourceTag;
use crate::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupId, DeploymentGroupName, DeploymentId,
};
use crate::revision::Revision;
use crate::tag_filter::TagSelector;
use crate::time::Timestamp;
use crate::traffic::Traffic;
use crate::watch::{Alarms, ScalingProcess, Trigger};

/// One deployment group of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentGroup {
    /// Stable through renames.
    pub id: DeploymentGroupId,
    /// The application it belongs to.
    pub application: ApplicationName,
    /// Unique in the application.
    pub name: DeploymentGroupName,
    /// The config that its deployments use unless they name another.
    pub config: DeploymentConfigName,
    /// Kept as given; roles need not exist here (design.md §3).
    pub service_role_arn: String,
    /// Which EC2 instances of the inventory.
    pub ec2_selector: TagSelector,
    /// Which registered hosts.
    pub on_premises_selector: TagSelector,
    /// What happens after a failure or a stop.
    pub auto_rollback: AutoRollback,
    /// What to do with hosts that joined during a deployment.
    pub outdated_instances_strategy: OutdatedInstancesStrategy,
    /// Kept and answered; only meaningful with Auto Scaling groups.
    pub termination_hook_enabled: bool,
    /// Style, load balancers and blue/green settings.
    #[serde(default)]
    pub traffic: Traffic,
    /// Alarms that stop a deployment, when they were ever set.
    #[serde(default)]
    pub alarms: Option<Alarms>,
    /// Who is told of events.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Auto Scaling processes to suspend during a deployment; ignored, as none targets an Auto Scaling group.
    /// Source: service-additions.md §3.
    #[serde(default)]
    pub processes_to_suspend: Vec<ScalingProcess>,
    /// Resource tags.
    pub tags: Vec<ResourceTag>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What its deployments have left behind.
    pub history: GroupHistory,
}

/// What a group remembers of its deployments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupHistory {
    /// The revision of the last deployment that succeeded.
    pub target_revision: Option<Revision>,
    /// The last deployment that reached `InProgress`.
    pub last_attempted: Option<DeploymentId>,
    /// The last deployment that succeeded.
    pub last_successful: Option<DeploymentId>,
}

/// When a deployment is rolled back by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoRollback {
    /// Off keeps the list and ignores it.
    pub is_enabled: bool,
    /// Which endings count; at least one when enabled.
    pub events: Vec<AutoRollbackEvent>,
}

/// An ending that may start a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AutoRollbackEvent {
    /// The deployment failed.
    DeploymentFailure,
    /// An alarm stopped it.
    DeploymentStopOnAlarm,
    /// A caller stopped it.
    DeploymentStopOnRequest,
}

/// What to do with hosts that started while a deployment ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutdatedInstancesStrategy {
    /// Bring them up to date.
    #[default]
    Update,
    /// Leave them.
    Ignore,
}
