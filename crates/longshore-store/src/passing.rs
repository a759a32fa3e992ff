//! A store before another store: every call goes through it to the real one. For tests that steer or
//! spread the calls.

use async_trait::async_trait;
use longshore_model::application::{Application, TagChange, TaggedResource};
use longshore_model::audit::AuditEvent;
use longshore_model::deployment::Deployment;
use longshore_model::deployment_config::DeploymentConfig;
use longshore_model::deployment_group::DeploymentGroup;
use longshore_model::enrollment::EnrollmentToken;
use longshore_model::git_hub::{GitHubSecret, GitHubToken};
use longshore_model::host::ec2::Ec2Instance;
use longshore_model::host::{Arrival, Host, HostContact, HostHealth, HostTag};
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupId, DeploymentGroupName, DeploymentId,
    Ec2InstanceId, EnrollmentTokenId, GitHubTokenName, HostArn, HostId, HostName, PrincipalArn,
};
use longshore_model::notification::Delivery;
use longshore_model::revision::{RegisteredRevision, Revision};
use longshore_model::tag_filter::TagSelector;
use longshore_model::target::{Clocks, Target, TargetEvent, TargetKey, TargetStatus};
use longshore_model::time::Timestamp;
use longshore_model::timeline::TimelineEntry;

use crate::{
    AccessKey, ApplicationStore, Applied, AuditFilter, AuditStore, BundleIndex, DeadDelivery, DeliveryStore,
    DeploymentConfigStore, DeploymentFilter, DeploymentGroupStore, DeploymentStore, Ec2Store, EnrollOutcome,
    EnrollmentStore, Forget, Generation, GitHubTokenStore, Group, GroupStore, HostFilter, HostStore,
    IdentityStore, InlinePolicy, LinkOutcome, Load, MultipartUpload, NewEnrollment, NewRevisionUse,
    ObjectRow, Page, PolicyHolder, RevisionStore, Role, RoleStore, RoundOutcome, ServerRecord,
    ServerRecordStore, Session, Snapshot, Store, StoreError, StoredToken, TagStore, TargetFilter,
    TimelinePlace, TimelineStore, UploadedPart, User,
};

/// Whether a call may change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It only reads.
    Read,
    /// It may change something.
    Write,
}

/// What a call has done to deployments, where its answer alone does not say it.
#[derive(Clone, Copy, Debug)]
pub enum Done<'a> {
    /// A deployment was made.
    Created(&'a Deployment),
    /// The outcome of a round is stored.
    Committed {
        /// What was to be stored.
        outcome: &'a RoundOutcome,
        /// The targets as they are now.
        targets: &'a [Target],
    },
    /// A host's target has seen an event.
    Applied {
        /// What it has seen.
        event: &'a TargetEvent,
        /// The target as it is now, and whether that changed it.
        applied: &'a Applied,
    },
}

/// A store that passes its calls on. It has every trait of a store but
/// [`SharedStore`](crate::SharedStore).
pub trait Passing: Send + Sync {
    /// The store that does the next call.
    fn inner(&self) -> &dyn Store;

    /// Does the call named `call`, which is `work` that has not begun.
    fn pass<T: Send>(
        &self,
        call: &'static str,
        access: Access,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// The inner store has done something; the end of its call's `work`.
    fn done(&self, _done: Done<'_>) {}
}

/// Implements a trait of the store for every [`Passing`] store by passing the listed calls on; what stands
/// behind the list is part of the implementation.
macro_rules! pass_calls {
    (@access read) => { Access::Read };
    (@access write) => { Access::Write };
    ($trait:ident {
        $($access:ident fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*
    } $($rest:tt)*) => {
        #[async_trait]
        impl<S: Passing> $trait for S {
            $(
                async fn $name(&self $(, $arg: $type)*) -> Result<$answer, StoreError> {
                    self.pass(stringify!($name), pass_calls!(@access $access), self.inner().$name($($arg),*)).await
                }
            )*
            $($rest)*
        }
    };
}

pass_calls! {
    DeploymentStore {
        read fn deployment(id: &DeploymentId) -> Option<Deployment>;
        read fn deployments(filter: &DeploymentFilter, page: &Page) -> Vec<(Timestamp, DeploymentId)>;
        read fn target_counts(id: &DeploymentId) -> Vec<(TargetStatus, usize)>;
        read fn unfinished_deployments() -> Vec<DeploymentId>;
        read fn orphaned_deployments() -> Vec<(DeploymentId, bool)>;
        read fn load() -> Load;
        write fn forget_deployments(forget: &Forget) -> Vec<DeploymentId>;
        read fn snapshot(id: &DeploymentId) -> Option<Snapshot>;
        read fn target(key: &TargetKey) -> Option<Target>;
        read fn targets(id: &DeploymentId, filter: &TargetFilter, page: &Page) -> Vec<(u32, HostId)>;
        read fn target_endings(id: &DeploymentId) -> Vec<(u32, HostArn, TargetStatus)>;
        read fn waiting_commands(principal: &PrincipalArn) -> Vec<Target>;
        read fn commands_of_instance(principal: &PrincipalArn) -> Option<Vec<Target>>;
        read fn is_target(principal: &PrincipalArn, deployment: &DeploymentId) -> Option<bool>;
    }

    async fn create_deployment(
        &self,
        deployment: &Deployment,
        revision_use: &NewRevisionUse,
    ) -> Result<(), StoreError> {
        let inner = self.inner();
        let work = async {
            inner.create_deployment(deployment, revision_use).await?;
            self.done(Done::Created(deployment));
            Ok(())
        };
        self.pass("create_deployment", Access::Write, work).await
    }

    async fn commit(
        &self,
        seen: Generation,
        outcome: &RoundOutcome,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Vec<Target>, StoreError> {
        let inner = self.inner();
        let work = async {
            let targets = inner.commit(seen, outcome, clocks, now).await?;
            self.done(Done::Committed { outcome, targets: &targets });
            Ok(targets)
        };
        self.pass("commit", Access::Write, work).await
    }

    async fn apply(
        &self,
        key: &TargetKey,
        principal: &PrincipalArn,
        event: TargetEvent,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Option<Applied>, StoreError> {
        let inner = self.inner();
        let work = async {
            let applied = inner.apply(key, principal, event.clone(), clocks, now).await?;
            if let Some(applied) = &applied {
                self.done(Done::Applied { event: &event, applied });
            }
            Ok(applied)
        };
        self.pass("apply", Access::Write, work).await
    }
}

pass_calls! {
    ApplicationStore {
        write fn create_application(application: &Application, max: usize) -> ();
        read fn application(name: &ApplicationName) -> Option<Application>;
        read fn applications(page: &Page) -> Vec<ApplicationName>;
        write fn rename_application(from: &ApplicationName, to: &ApplicationName) -> ();
        write fn delete_application(name: &ApplicationName) -> Vec<DeploymentId>;
    }
}

pass_calls! {
    TagStore {
        write fn change_tags(resource: &TaggedResource, change: &TagChange) -> ();
    }
}

pass_calls! {
    GitHubTokenStore {
        write fn put_git_hub_token(token: &GitHubToken, max: usize) -> ();
        read fn git_hub_tokens(page: &Page) -> Vec<GitHubTokenName>;
        write fn delete_git_hub_token(name: &GitHubTokenName) -> ();
        write fn link_git_hub_token(application: &ApplicationName, token: Option<&GitHubTokenName>) -> LinkOutcome;
        read fn git_hub_secret(group: &DeploymentGroupId) -> Option<GitHubSecret>;
    }
}

pass_calls! {
    DeploymentConfigStore {
        write fn create_deployment_config(config: &DeploymentConfig, max: usize) -> ();
        read fn deployment_config(name: &DeploymentConfigName) -> Option<DeploymentConfig>;
        read fn deployment_configs(page: &Page) -> Vec<DeploymentConfigName>;
        write fn delete_deployment_config(name: &DeploymentConfigName) -> ();
    }
}

pass_calls! {
    DeploymentGroupStore {
        write fn create_deployment_group(group: &DeploymentGroup, max: usize) -> ();
        read fn deployment_group(application: &ApplicationName, name: &DeploymentGroupName) -> Option<DeploymentGroup>;
        read fn deployment_group_by_id(id: &DeploymentGroupId) -> Option<DeploymentGroup>;
        read fn deployment_groups(application: &ApplicationName, page: &Page) -> Vec<DeploymentGroupName>;
        read fn deployment_groups_tagged(key: &str) -> Vec<DeploymentGroup>;
        write fn update_deployment_group(before: &DeploymentGroup, after: &DeploymentGroup) -> ();
        write fn delete_deployment_group(application: &ApplicationName, name: &DeploymentGroupName) -> Vec<DeploymentId>;
        read fn host_health(group: &DeploymentGroupId) -> Vec<(HostArn, HostHealth)>;
    }
}

pass_calls! {
    RevisionStore {
        write fn register_revision(revision: &RegisteredRevision) -> ();
        read fn revision(application: &ApplicationName, revision: &Revision) -> Option<RegisteredRevision>;
        read fn revisions(application: &ApplicationName, page: &Page) -> Vec<RegisteredRevision>;
        read fn groups_with_target(application: &ApplicationName, revision: &Revision) -> Vec<DeploymentGroupName>;
    }
}

pass_calls! {
    HostStore {
        write fn register_host(host: &Host) -> ();
        write fn deregister_host(name: &HostName, now: Timestamp, forget_before: Timestamp) -> ();
        write fn forget_tombstones(forget_before: Timestamp, limit: usize) -> usize;
        read fn host(name: &HostName) -> Option<Host>;
        read fn host_by_principal(principal: &PrincipalArn) -> Option<Host>;
        read fn hosts(filter: &HostFilter, page: &Page) -> Vec<HostName>;
        read fn select_hosts(selector: &TagSelector) -> Vec<Host>;
        write fn add_host_tags(names: &[HostName], tags: &[HostTag], max: usize) -> ();
        write fn remove_host_tags(names: &[HostName], tags: &[HostTag]) -> ();
        write fn note_contact(principal: &PrincipalArn, contact: &HostContact) -> ();
        read fn contact(principal: &PrincipalArn) -> Option<HostContact>;
        write fn note_arrivals(arrivals: &[Arrival]) -> ();
        read fn arrivals() -> Vec<Arrival>;
        write fn forget_arrivals(arrivals: &[Arrival]) -> ();
    }
}

pass_calls! {
    Ec2Store {
        write fn put_ec2_instance(instance: &Ec2Instance) -> ();
        read fn ec2_instance(id: &Ec2InstanceId) -> Option<Ec2Instance>;
        read fn ec2_instances(page: &Page) -> Vec<Ec2Instance>;
        read fn select_ec2_instances(selector: &TagSelector) -> Vec<Ec2Instance>;
        write fn delete_ec2_instance(id: &Ec2InstanceId) -> ();
    }
}

pass_calls! {
    TimelineStore {
        read fn timeline(deployment: &DeploymentId, page: &Page) -> Vec<(String, TimelineEntry)>;
        read fn timeline_after(place: TimelinePlace, limit: usize) -> Vec<(TimelinePlace, TimelineEntry)>;
        read fn timeline_end() -> TimelinePlace;
    }
}

pass_calls! {
    DeliveryStore {
        read fn told() -> TimelinePlace;
        write fn tell(from: TimelinePlace, to: TimelinePlace, deliveries: &[Delivery], now: Timestamp) -> ();
        write fn add_deliveries(deliveries: &[Delivery], now: Timestamp) -> ();
        write fn take_deliveries(now: Timestamp, until: Timestamp, limit: usize) -> Vec<(Delivery, u32)>;
        write fn postpone_deliveries(ids: &[String], due_at: Timestamp) -> ();
        read fn next_delivery() -> Option<Timestamp>;
        write fn delivered(id: &str) -> ();
        write fn not_delivered(id: &str, error: &str, due_at: Option<Timestamp>) -> ();
        read fn dead_deliveries(page: &Page) -> Vec<(Timestamp, DeadDelivery)>;
        write fn revive_deliveries(id: Option<&str>, now: Timestamp) -> usize;
        write fn forget_deliveries(created_before: Timestamp) -> usize;
    }
}

pass_calls! {
    GroupStore {
        write fn create_group(group: &Group) -> ();
        read fn group(name: &str) -> Option<Group>;
        read fn groups(path_prefix: &str, page: &Page) -> Vec<Group>;
        write fn delete_group(name: &str) -> ();
        write fn add_group_member(group: &str, user: &str, max: usize) -> ();
        write fn remove_group_member(group: &str, user: &str) -> ();
        read fn group_members(group: &str, page: &Page) -> Vec<User>;
        read fn groups_of_user(user: &str) -> Vec<Group>;
    }
}

pass_calls! {
    RoleStore {
        write fn create_role(role: &Role) -> ();
        read fn role(name: &str) -> Option<Role>;
        read fn roles(path_prefix: &str, page: &Page) -> Vec<Role>;
        write fn set_trust_policy(role: &str, document: &str) -> ();
        write fn delete_role(name: &str) -> ();
        write fn create_session(session: &Session, forget_before: Timestamp) -> ();
        read fn session(access_key_id: &str) -> Option<(Session, Role)>;
    }
}

pass_calls! {
    IdentityStore {
        write fn create_user(user: &User) -> ();
        read fn user(name: &str) -> Option<User>;
        read fn users(path_prefix: &str, page: &Page) -> Vec<User>;
        write fn delete_user(name: &str) -> ();
        write fn create_access_key(key: &AccessKey, max: usize) -> ();
        read fn access_key(id: &str) -> Option<(AccessKey, User)>;
        read fn access_keys(user: &str) -> Vec<AccessKey>;
        write fn set_access_key_active(user: &str, id: &str, is_active: bool) -> ();
        write fn delete_access_key(user: &str, id: &str) -> ();
        write fn put_policy(holder: &PolicyHolder, policy: &InlinePolicy) -> ();
        read fn policies(holder: &PolicyHolder) -> Vec<InlinePolicy>;
        read fn effective_policies(user: &str) -> Vec<InlinePolicy>;
        write fn delete_policy(holder: &PolicyHolder, name: &str) -> ();
    }
}

pass_calls! {
    AuditStore {
        write fn add_audit_event(event: &AuditEvent, forget_before: Timestamp) -> ();
        read fn audit_end() -> i64;
        read fn audit_events(filter: &AuditFilter, page: &Page) -> Vec<(String, AuditEvent)>;
    }
}

pass_calls! {
    EnrollmentStore {
        write fn create_enrollment_token(token: &StoredToken, forget_before: Timestamp) -> ();
        read fn enrollment_token(id: &EnrollmentTokenId) -> Option<StoredToken>;
        read fn enrollment_tokens(page: &Page) -> Vec<EnrollmentToken>;
        write fn revoke_enrollment_token(id: &EnrollmentTokenId, now: Timestamp) -> EnrollmentToken;
        write fn enroll(enrollment: &NewEnrollment, now: Timestamp) -> EnrollOutcome;
    }
}

pass_calls! {
    BundleIndex {
        write fn create_bucket(name: &str, now: Timestamp) -> ();
        read fn bucket(name: &str) -> Option<(Timestamp, Option<bool>)>;
        read fn buckets() -> Vec<(String, Timestamp)>;
        write fn set_versioning(bucket: &str, is_enabled: bool) -> ();
        write fn delete_bucket(name: &str) -> ();
        write fn put_object(object: &ObjectRow) -> Vec<String>;
        read fn object(bucket: &str, key: &str, version: Option<&str>) -> Option<ObjectRow>;
        read fn objects(bucket: &str, prefix: &str, page: &Page) -> Vec<ObjectRow>;
        read fn object_versions(bucket: &str, prefix: &str, page: &Page) -> Vec<ObjectRow>;
        write fn remove_object(bucket: &str, key: &str, version: &str) -> Vec<String>;
        write fn create_upload(upload: &MultipartUpload) -> ();
        read fn upload(id: &str) -> Option<(MultipartUpload, Vec<UploadedPart>)>;
        write fn put_part(upload_id: &str, part: &UploadedPart) -> Option<String>;
        write fn end_upload(id: &str, object: Option<&ObjectRow>) -> Vec<String>;
        read fn uploads(bucket: &str, prefix: &str, page: &Page) -> Vec<MultipartUpload>;
        read fn uploads_before(point: Timestamp, limit: usize) -> Vec<String>;
        read fn bundle_files() -> Vec<String>;
    }
}

pass_calls! {
    ServerRecordStore {
        write fn server_record(record: &ServerRecord) -> String;
    }
}
