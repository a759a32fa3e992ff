//! Deployments and their targets: the snapshot that is planned from, the round that is committed, the events of single targets.

use crate::Page;
use crate::StoreError;
use async_trait::async_trait;
use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::deployment_group::GroupHistory;
use longshore_model::host::HostHealth;
use longshore_model::id::{DeploymentGroupId, DeploymentId, HostArn, HostId, PrincipalArn};
use longshore_model::revision::RegisteredRevision;
use longshore_model::target::{
    Clocks, NoChange, Target, TargetEvent, TargetKey, TargetStatus, TargetSummary,
};
use longshore_model::time::Timestamp;
use longshore_model::timeline::TimelineEntry;

/// Counts a deployment's rounds and stops; a writer that saw another value is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub i64);

/// What the planner looks at, read as of one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// To be given back with the commit.
    pub generation: Generation,
    /// The deployment.
    pub deployment: Deployment,
    /// All of its targets in scheduling order.
    pub targets: Vec<TargetSummary>,
}

/// What one round changes: all of it is committed, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundOutcome {
    /// The deployment after the round.
    pub deployment: Deployment,
    /// Targets made by the round (only its first makes any).
    pub new_targets: Vec<Target>,
    /// What happens to existing targets, by place in scheduling order. An event that changes
    /// nothing any more makes the whole commit `Stale`.
    pub target_events: Vec<(u32, TargetEvent)>,
    /// The group's history, when the round changes it. A group that is gone is no error.
    pub group_history: Option<GroupHistory>,
    /// The group's record of hosts, when the round changes it.
    pub host_health: Vec<(HostArn, HostHealth)>,
    /// What the round adds to the timeline, besides what becomes of its targets.
    pub timeline: Vec<TimelineEntry>,
    /// What may be in progress at the same time, when the round begins the deployment: without room for it
    /// nothing is written.
    pub places: Option<Places>,
    /// The deployment that takes the place of this one, which the round ends.
    pub follow_up: Option<FollowUp>,
}

/// A deployment that is made together with the end of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Status `Created`.
    pub deployment: Deployment,
    /// Its use of the revision.
    pub revision_use: NewRevisionUse,
}

/// Which deployments a list means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentFilter {
    /// Only those of this group, whatever it was called when they were made.
    pub group: Option<DeploymentGroupId>,
    /// Only those with one of these statuses; empty does not filter.
    pub statuses: Vec<DeploymentStatus>,
    /// Only those made at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only those made at this time or earlier.
    pub created_to: Option<Timestamp>,
}

/// Which targets a list means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetFilter {
    /// Only those with one of these statuses; empty does not filter.
    pub statuses: Vec<TargetStatus>,
}

/// A deployment's use of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevisionUse {
    /// Registered on the fly when the application does not know it yet; otherwise only its times of
    /// use are changed.
    pub revision: RegisteredRevision,
}

/// What became of a target event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The target after the event; as it was when `change` is an error.
    pub target: Target,
    /// Whether the event changed anything.
    pub change: Result<(), NoChange>,
}

/// What is in progress at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Deployments.
    pub deployments: usize,
    /// Hosts of their groups.
    pub hosts: usize,
}

/// What may be in progress at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// Deployments.
    pub deployments: usize,
    /// Hosts of their groups.
    pub hosts: usize,
}

impl Places {
    /// Whether a deployment with `n_hosts` more fits beside `load`.
    pub fn have_room(&self, load: Load, n_hosts: usize) -> bool {
        // One that is larger than all places together would wait for ever: it goes when it is alone.
        let fits = load.hosts == 0 || load.hosts + n_hosts <= self.hosts;
        load.deployments < self.deployments && fits
    }
}

/// How much of the history is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forget {
    /// Only deployments made before this time go.
    pub created_before: Timestamp,
    /// The newest that stay whatever their age.
    pub keep_newest: usize,
    /// At most this many at a time.
    pub limit: usize,
}

/// Deployments and their targets.
#[async_trait]
pub trait DeploymentStore: Send + Sync {
    /// Adds a deployment, status `Created`, with the beginning of its timeline, and notes its use of the
    /// revision, in one transaction.
    ///
    /// # Errors
    /// `AlreadyExists` when the id is taken (draw another); `GroupBusy` when the group has a
    /// deployment that is not final; `NotFound` when the group (by id) is gone.
    async fn create_deployment(
        &self,
        deployment: &Deployment,
        revision_use: &NewRevisionUse,
    ) -> Result<(), StoreError>;
    /// The deployment with this id.
    async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError>;
    /// Newest first; ties by id. The page key is `<created millis, 20 digits>/<id>`.
    async fn deployments(
        &self,
        filter: &DeploymentFilter,
        page: &Page,
    ) -> Result<Vec<(Timestamp, DeploymentId)>, StoreError>;
    /// How many targets are in each status; a status without targets may be left out.
    async fn target_counts(&self, id: &DeploymentId) -> Result<Vec<(TargetStatus, usize)>, StoreError>;
    /// Ids of all deployments that are not final, oldest first.
    async fn unfinished_deployments(&self) -> Result<Vec<DeploymentId>, StoreError>;
    /// Ids of deployments that are not final and whose group is gone, oldest first, each with whether
    /// there is an application of the name that its own had.
    async fn orphaned_deployments(&self) -> Result<Vec<(DeploymentId, bool)>, StoreError>;
    /// What is in progress.
    async fn load(&self) -> Result<Load, StoreError>;
    /// Removes final deployments with their targets, oldest first, and answers their ids. What a group
    /// remembers as its last attempt or success stays. The ids of what was removed are never taken again.
    async fn forget_deployments(&self, forget: &Forget) -> Result<Vec<DeploymentId>, StoreError>;

    /// Everything `plan` looks at, read as of one instant.
    async fn snapshot(&self, id: &DeploymentId) -> Result<Option<Snapshot>, StoreError>;
    /// Writes one round, all or none, if nobody wrote since `seen`. Target events are applied with
    /// [`Target::after`] under the rules of the deployment *after* the round, and what becomes of their
    /// status is added to the timeline. Answers the targets that the round made or changed.
    ///
    /// # Errors
    /// `Stale` when another round or stop was committed since `seen`, when an event does not apply any
    /// more, or when there is no room or the follow-up cannot be made; the caller reads and plans again.
    async fn commit(
        &self,
        seen: Generation,
        outcome: &RoundOutcome,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Vec<Target>, StoreError>;
    /// Applies one event to one target with [`Target::after`], under the rules of its deployment
    /// (stopping once a stop is asked for or it is final), read in the same transaction. `None` when
    /// there is no such target, or it belongs to another principal. What becomes of the target's status is
    /// added to the timeline in the same transaction. Does not change the deployment's generation. Many of these at the
    /// same time share one commit.
    async fn apply(
        &self,
        key: &TargetKey,
        principal: &PrincipalArn,
        event: TargetEvent,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Option<Applied>, StoreError>;

    /// One target.
    async fn target(&self, key: &TargetKey) -> Result<Option<Target>, StoreError>;
    /// Target ids (hosts) in scheduling order; the page key is the position in 10 digits.
    async fn targets(
        &self,
        id: &DeploymentId,
        filter: &TargetFilter,
        page: &Page,
    ) -> Result<Vec<(u32, HostId)>, StoreError>;
    /// Place, host and status of every target, in scheduling order.
    async fn target_endings(
        &self,
        id: &DeploymentId,
    ) -> Result<Vec<(u32, HostArn, TargetStatus)>, StoreError>;
    /// The targets whose commands wait for the host that signs as `principal` to pick them up, oldest first.
    async fn waiting_commands(&self, principal: &PrincipalArn) -> Result<Vec<Target>, StoreError>;
    /// The same for an on-premises instance, which is looked up on the way; `None` when none is registered
    /// with this identity.
    async fn commands_of_instance(&self, principal: &PrincipalArn)
    -> Result<Option<Vec<Target>>, StoreError>;
    /// Whether the on-premises instance with this identity is a target of the deployment; `None` when none is
    /// registered with it.
    async fn is_target(
        &self,
        principal: &PrincipalArn,
        deployment: &DeploymentId,
    ) -> Result<Option<bool>, StoreError>;
}
