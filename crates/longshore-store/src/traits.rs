//! The traits, one errand each. All lists are in a stable order and are read by keyset: `Page`
//! names the last key seen, never an offset.

use async_trait::async_trait;
use longshore_model::application::{Application, ResourceTag};
use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::deployment_config::DeploymentConfig;
use longshore_model::deployment_group::{DeploymentGroup, GroupHistory};
use longshore_model::host::{Host, HostContact, HostHealth, HostTag};
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupId, DeploymentGroupName, DeploymentId, HostArn,
    HostName, PrincipalArn,
};
use longshore_model::revision::{RegisteredRevision, Revision};
use longshore_model::tag_filter::TagSelector;
use longshore_model::target::{
    Clocks, NoChange, Target, TargetEvent, TargetKey, TargetStatus, TargetSummary,
};
use longshore_model::time::Timestamp;

use crate::StoreError;

/// Everything that the server remembers.
pub trait Store:
    ApplicationStore
    + DeploymentGroupStore
    + DeploymentConfigStore
    + RevisionStore
    + HostStore
    + DeploymentStore
    + IdentityStore
    + BundleIndex
    + ServerRecordStore
{
}

impl<T> Store for T where
    T: ApplicationStore
        + DeploymentGroupStore
        + DeploymentConfigStore
        + RevisionStore
        + HostStore
        + DeploymentStore
        + IdentityStore
        + BundleIndex
        + ServerRecordStore
{
}

/// One page of a list: at most `limit` items after the item with key `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The key of the last item already seen; absent for the first page.
    pub after: Option<String>,
    /// At least 1.
    pub limit: usize,
}

/// Applications.
#[async_trait]
pub trait ApplicationStore: Send + Sync {
    /// Adds an application.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, `LimitExceeded` when there are `max` already.
    async fn create_application(&self, application: &Application, max: usize) -> Result<(), StoreError>;
    /// The application called `name`.
    async fn application(&self, name: &ApplicationName) -> Result<Option<Application>, StoreError>;
    /// Names in ascending byte order.
    async fn applications(&self, page: &Page) -> Result<Vec<ApplicationName>, StoreError>;
    /// Renames; groups and revisions follow, deployments keep the names of their creation. Renaming to
    /// itself succeeds.
    ///
    /// # Errors
    /// `NotFound`, or `AlreadyExists` when another application has the new name.
    async fn rename_application(
        &self,
        from: &ApplicationName,
        to: &ApplicationName,
    ) -> Result<(), StoreError>;
    /// Replaces the resource tags.
    ///
    /// # Errors
    /// `NotFound`.
    async fn tag_application(&self, name: &ApplicationName, tags: &[ResourceTag]) -> Result<(), StoreError>;
    /// Deletes the application with its groups (and their host health) and revisions; deployments
    /// stay readable by id. Answers the ids of its deployments that are not final, for the caller
    /// to stop. An unknown name is no error.
    async fn delete_application(&self, name: &ApplicationName) -> Result<Vec<DeploymentId>, StoreError>;
}

/// Deployment groups.
#[async_trait]
pub trait DeploymentGroupStore: Send + Sync {
    /// Adds a group.
    ///
    /// # Errors
    /// `NotFound` when the application does not exist, `AlreadyExists`, `LimitExceeded` when the
    /// application has `max` already.
    async fn create_deployment_group(&self, group: &DeploymentGroup, max: usize) -> Result<(), StoreError>;
    /// The group called `name` of `application`.
    async fn deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<Option<DeploymentGroup>, StoreError>;
    /// The group with this id, whatever its name is by now.
    async fn deployment_group_by_id(
        &self,
        id: &DeploymentGroupId,
    ) -> Result<Option<DeploymentGroup>, StoreError>;
    /// Names in ascending byte order.
    async fn deployment_groups(
        &self,
        application: &ApplicationName,
        page: &Page,
    ) -> Result<Vec<DeploymentGroupName>, StoreError>;
    /// Replaces the group found by its id, all but `history`; the name may change.
    ///
    /// # Errors
    /// `NotFound`, or `AlreadyExists` when another group of the application has the name.
    async fn update_deployment_group(&self, group: &DeploymentGroup) -> Result<(), StoreError>;
    /// Deletes the group and its host health. Answers the ids of its deployments that are not
    /// final. An unknown name is no error.
    async fn delete_deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<Vec<DeploymentId>, StoreError>;
    /// The group's record of each host that it ever deployed to.
    async fn host_health(&self, group: &DeploymentGroupId) -> Result<Vec<(HostArn, HostHealth)>, StoreError>;
}

/// Custom deployment configs; the predefined ones are constants of the model and not stored.
#[async_trait]
pub trait DeploymentConfigStore: Send + Sync {
    /// Adds a config.
    ///
    /// # Errors
    /// `AlreadyExists`, `LimitExceeded`.
    async fn create_deployment_config(&self, config: &DeploymentConfig, max: usize)
    -> Result<(), StoreError>;
    /// The custom config called `name`.
    async fn deployment_config(
        &self,
        name: &DeploymentConfigName,
    ) -> Result<Option<DeploymentConfig>, StoreError>;
    /// Names of custom configs in ascending byte order.
    async fn deployment_configs(&self, page: &Page) -> Result<Vec<DeploymentConfigName>, StoreError>;
    /// Deletes a config. An unknown name is no error.
    ///
    /// # Errors
    /// `InUse` when a deployment group or an unfinished deployment names it.
    async fn delete_deployment_config(&self, name: &DeploymentConfigName) -> Result<(), StoreError>;
}

/// Registered revisions. Identity is [`Revision::identity`].
#[async_trait]
pub trait RevisionStore: Send + Sync {
    /// Adds a revision, or replaces the description of a known one when `revision` has one.
    ///
    /// # Errors
    /// `NotFound` when the application does not exist.
    async fn register_revision(&self, revision: &RegisteredRevision) -> Result<(), StoreError>;
    /// The record of `revision`.
    async fn revision(
        &self,
        application: &ApplicationName,
        revision: &Revision,
    ) -> Result<Option<RegisteredRevision>, StoreError>;
    /// All revisions of the application in order of registration (then of identity); the page key
    /// is opaque: `<registered millis, 20 digits>/<identity>`.
    async fn revisions(
        &self,
        application: &ApplicationName,
        page: &Page,
    ) -> Result<Vec<RegisteredRevision>, StoreError>;
    /// The names of the groups whose target revision this is, ascending.
    async fn groups_with_target(
        &self,
        application: &ApplicationName,
        revision: &Revision,
    ) -> Result<Vec<DeploymentGroupName>, StoreError>;
}

/// Which hosts a list means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFilter {
    /// `Some(true)` only registered, `Some(false)` only tombstones, `None` both, no name twice.
    pub is_registered: Option<bool>,
    /// Of the tombstones only those made at this time or later; `None` does not filter.
    pub deregistered_from: Option<Timestamp>,
    /// Only hosts that this selects; `None` does not filter.
    pub tags: Option<TagSelector>,
}

/// Hosts: registered on-premises instances and tombstones.
#[async_trait]
pub trait HostStore: Send + Sync {
    /// Registers a host (without tags).
    ///
    /// # Errors
    /// `AlreadyExists` with the host's name when the name is registered, with the ARN when another
    /// registered host has it; the name is checked first.
    async fn register_host(&self, host: &Host) -> Result<(), StoreError>;
    /// Turns the registration into a tombstone at `now`. An unknown name is no error. Tombstones
    /// made before `forget_before` are removed on this occasion.
    async fn deregister_host(
        &self,
        name: &HostName,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<(), StoreError>;
    /// The registered host called `name`, else its latest tombstone.
    async fn host(&self, name: &HostName) -> Result<Option<Host>, StoreError>;
    /// The registered host that signs as `principal`.
    async fn host_by_principal(&self, principal: &PrincipalArn) -> Result<Option<Host>, StoreError>;
    /// Names in ascending byte order.
    async fn hosts(&self, filter: &HostFilter, page: &Page) -> Result<Vec<HostName>, StoreError>;
    /// Every registered host that `selector` selects, in ascending order of name.
    async fn select_hosts(&self, selector: &TagSelector) -> Result<Vec<Host>, StoreError>;
    /// Adds every tag to every host, all or nothing. A pair that is there already counts once.
    ///
    /// # Errors
    /// `NotFound` with the first name that is not registered; `LimitExceeded` when a host would
    /// have more than `max` pairs.
    async fn add_host_tags(&self, names: &[HostName], tags: &[HostTag], max: usize)
    -> Result<(), StoreError>;
    /// Removes every pair from every host, all or nothing. An absent pair is no error.
    ///
    /// # Errors
    /// `NotFound` with the first name that is not registered.
    async fn remove_host_tags(&self, names: &[HostName], tags: &[HostTag]) -> Result<(), StoreError>;
    /// Notes that the host polled. This alone need not be durable when it returns: it may be kept
    /// in memory and written with the next group commit.
    async fn note_contact(&self, principal: &PrincipalArn, contact: &HostContact) -> Result<(), StoreError>;
    /// When the host was last heard of.
    async fn contact(&self, principal: &PrincipalArn) -> Result<Option<HostContact>, StoreError>;
}

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

/// A command that waits for its host to pick it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandTarget {
    /// The target, in progress and waiting for pickup.
    pub target: Target,
    /// Since when the command waits.
    pub available_at: Timestamp,
}

/// Deployments and their targets.
#[async_trait]
pub trait DeploymentStore: Send + Sync {
    /// Adds a deployment, status `Created`, and notes its use of the revision, in one transaction.
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

    /// Everything `plan` looks at, read as of one instant.
    async fn snapshot(&self, id: &DeploymentId) -> Result<Option<Snapshot>, StoreError>;
    /// Writes one round, all or none, if nobody wrote since `seen`. Target events are applied with
    /// [`Target::after`] under the rules of the deployment *after* the round. Answers the targets
    /// that the round made or changed.
    ///
    /// # Errors
    /// `Stale` when another round or stop was committed since `seen`, or when an event does not
    /// apply any more; the caller reads and plans again.
    async fn commit(
        &self,
        seen: Generation,
        outcome: &RoundOutcome,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Vec<Target>, StoreError>;
    /// Applies one event to one target with [`Target::after`], under the rules of its deployment
    /// (stopping once a stop is asked for or it is final), read in the same transaction. `None` when
    /// there is no such target, or it belongs to another principal. Does not change the deployment's generation. Many of these at the
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
    /// Target ids (host names) in scheduling order; the page key is the position in 10 digits.
    async fn targets(
        &self,
        id: &DeploymentId,
        filter: &TargetFilter,
        page: &Page,
    ) -> Result<Vec<(u32, HostName)>, StoreError>;
    /// Place, host and status of every target, in scheduling order.
    async fn target_endings(
        &self,
        id: &DeploymentId,
    ) -> Result<Vec<(u32, HostArn, TargetStatus)>, StoreError>;
    /// The commands that wait for the host that signs as `principal`, oldest first.
    async fn waiting_commands(&self, principal: &PrincipalArn) -> Result<Vec<CommandTarget>, StoreError>;
}

/// An IAM user, made by `aws deploy register` or an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Unique in the account, whatever the path.
    pub name: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// `AIDA…`, drawn once.
    pub id: String,
    /// `arn:aws:iam::<account>:user<path><name>`.
    pub arn: PrincipalArn,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An access key with its secret: SigV4 needs the secret itself. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// `AKIA…`.
    pub id: String,
    /// 40 characters.
    pub secret: String,
    /// The user's name.
    pub user: String,
    /// Inactive keys do not verify.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AccessKey")
            .field("id", &self.id)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A policy written into a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinePolicy {
    /// Unique in the user.
    pub name: String,
    /// The policy document, JSON as given.
    pub document: String,
}

/// Users, access keys and inline policies.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Adds a user.
    ///
    /// # Errors
    /// `AlreadyExists`.
    async fn create_user(&self, user: &User) -> Result<(), StoreError>;
    /// The user called `name`.
    async fn user(&self, name: &str) -> Result<Option<User>, StoreError>;
    /// Users by name, ascending, whose path begins with `path_prefix`.
    async fn users(&self, path_prefix: &str, page: &Page) -> Result<Vec<User>, StoreError>;
    /// Deletes a user.
    ///
    /// # Errors
    /// `NotFound`; `InUse` while it has access keys or policies.
    async fn delete_user(&self, name: &str) -> Result<(), StoreError>;
    /// Adds a key.
    ///
    /// # Errors
    /// `NotFound` when the user does not exist, `LimitExceeded` when it has `max` already.
    async fn create_access_key(&self, key: &AccessKey, max: usize) -> Result<(), StoreError>;
    /// The key with this id and its user.
    async fn access_key(&self, id: &str) -> Result<Option<(AccessKey, User)>, StoreError>;
    /// The user's keys, oldest first.
    async fn access_keys(&self, user: &str) -> Result<Vec<AccessKey>, StoreError>;
    /// Deletes a key of a user.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_access_key(&self, user: &str, id: &str) -> Result<(), StoreError>;
    /// Adds or replaces a policy.
    ///
    /// # Errors
    /// `NotFound` when the user does not exist.
    async fn put_user_policy(&self, user: &str, policy: &InlinePolicy) -> Result<(), StoreError>;
    /// The user's policies by name, ascending.
    async fn user_policies(&self, user: &str) -> Result<Vec<InlinePolicy>, StoreError>;
    /// Deletes a policy.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_user_policy(&self, user: &str, name: &str) -> Result<(), StoreError>;
}

/// One version of one object, or a delete marker. The bytes are files of the bundle store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// `null` in a bucket without versioning.
    pub version: String,
    /// Grows with every row of the store: the row with the largest number is the current one.
    /// Set by the store; ignored on input.
    pub sequence: i64,
    /// A deletion in a versioned bucket.
    pub is_delete_marker: bool,
    /// Length of the content.
    pub size_bytes: u64,
    /// Without quotes.
    pub e_tag: String,
    /// When it was written.
    pub modified_at: Timestamp,
    /// File names of the content under the bundle store's folder, to be read one after another.
    pub files: Vec<String>,
    /// Headers to give back: `content-type`, `x-amz-meta-*`, `x-amz-checksum-*`, …
    pub headers: Vec<(String, String)>,
}

/// A multipart upload that is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartUpload {
    /// Drawn when it began.
    pub id: String,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Headers of the object to come.
    pub headers: Vec<(String, String)>,
}

/// A part of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// 1 to 10,000.
    pub number: u32,
    /// Length of the content.
    pub size_bytes: u64,
    /// Without quotes.
    pub e_tag: String,
    /// File name under the bundle store's folder.
    pub file: String,
    /// Checksums that were verified: header name and value.
    pub checksums: Vec<(String, String)>,
    /// When it was written.
    pub modified_at: Timestamp,
}

/// Which objects there are; their bytes are files of the bundle store.
#[async_trait]
pub trait BundleIndex: Send + Sync {
    /// Makes a bucket.
    ///
    /// # Errors
    /// `AlreadyExists`.
    async fn create_bucket(&self, name: &str, now: Timestamp) -> Result<(), StoreError>;
    /// When the bucket was made and whether it keeps versions (`None`: never said).
    async fn bucket(&self, name: &str) -> Result<Option<(Timestamp, Option<bool>)>, StoreError>;
    /// All buckets by name, ascending.
    async fn buckets(&self) -> Result<Vec<(String, Timestamp)>, StoreError>;
    /// Switches versioning on (`true`) or suspends it.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_versioning(&self, bucket: &str, is_enabled: bool) -> Result<(), StoreError>;
    /// Deletes an empty bucket.
    ///
    /// # Errors
    /// `NotFound`, `InUse` when it holds any object or delete marker.
    async fn delete_bucket(&self, name: &str) -> Result<(), StoreError>;
    /// Adds an object version (or delete marker); a row with the same bucket, key and version is
    /// replaced. Answers the files that no row names any more.
    ///
    /// # Errors
    /// `NotFound` when there is no such bucket.
    async fn put_object(&self, object: &ObjectRow) -> Result<Vec<String>, StoreError>;
    /// The version `version` of the key, or its current row (which may be a delete marker).
    async fn object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<ObjectRow>, StoreError>;
    /// Current objects (no delete markers) whose key begins with `prefix`, by key in byte order,
    /// after `page.after`.
    async fn objects(&self, bucket: &str, prefix: &str, page: &Page) -> Result<Vec<ObjectRow>, StoreError>;
    /// All rows, delete markers too, by key, then newest first; the page key is
    /// `<key>\u{0}<sequence, 20 digits>`.
    async fn object_versions(
        &self,
        bucket: &str,
        prefix: &str,
        page: &Page,
    ) -> Result<Vec<ObjectRow>, StoreError>;
    /// Removes one row. Answers the files that no row names any more. An unknown row is no error.
    async fn remove_object(&self, bucket: &str, key: &str, version: &str) -> Result<Vec<String>, StoreError>;
    /// Begins a multipart upload.
    async fn create_upload(&self, upload: &MultipartUpload) -> Result<(), StoreError>;
    /// The upload with this id and its parts by number.
    async fn upload(&self, id: &str) -> Result<Option<(MultipartUpload, Vec<UploadedPart>)>, StoreError>;
    /// Adds or replaces a part. Answers the file of the part that it replaced.
    ///
    /// # Errors
    /// `NotFound` when the upload is not open any more.
    async fn put_part(&self, upload_id: &str, part: &UploadedPart) -> Result<Option<String>, StoreError>;
    /// Ends the upload with `object` in its place, or with nothing (abort), in one transaction.
    /// Answers the files that no row names any more.
    ///
    /// # Errors
    /// `NotFound` when the upload is not open any more.
    async fn end_upload(&self, id: &str, object: Option<&ObjectRow>) -> Result<Vec<String>, StoreError>;
    /// Every file name that any row names, for removing leftovers at start.
    async fn bundle_files(&self) -> Result<Vec<String>, StoreError>;
}

/// A named record of the server itself: signer key, first start, page token key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRecord {
    /// Unique.
    pub name: String,
    /// Any text.
    pub value: String,
}

/// The server's own records.
#[async_trait]
pub trait ServerRecordStore: Send + Sync {
    /// The record's value; if there is none, stores `value` and answers it. Two servers that start at the
    /// same time get the same answer.
    async fn server_record(&self, record: &ServerRecord) -> Result<String, StoreError>;
}
