//! The traits, one errand each. All lists are in a stable order and are read by keyset: `Page`
//! names the last key seen, never an offset.

mod application;
mod audit;
mod bundle;
mod deployment;
mod deployment_config;
mod deployment_group;
mod ec2;
mod enrollment;
mod git_hub;
mod group;
mod host;
mod identity;
mod others;
mod revision;
mod role;
mod server_record;
mod tag;
mod timeline;

pub use application::ApplicationStore;
pub use audit::{AuditFilter, AuditStore};
pub use bundle::{BundleIndex, MultipartUpload, ObjectRow, UploadedPart};
pub use deployment::{
    Applied, DeploymentFilter, DeploymentStore, FollowUp, Forget, Generation, Load, NewRevisionUse, Places,
    RoundOutcome, Snapshot, TargetFilter,
};
pub use deployment_config::DeploymentConfigStore;
pub use deployment_group::DeploymentGroupStore;
pub use ec2::Ec2Store;
pub use enrollment::{EnrollOutcome, EnrolledHost, EnrollmentStore, NewEnrollment, StoredToken};
pub use git_hub::{GitHubTokenStore, LinkOutcome};
pub use group::{Group, GroupStore};
pub use host::{HostFilter, HostStore};
pub use identity::{AccessKey, IdentityStore, InlinePolicy, PolicyHolder, User};
pub use others::{HandOut, HandOutOutcome, News, Others, SharedStore};
pub use revision::RevisionStore;
pub use role::{Role, RoleStore, Session};
pub use server_record::{ServerRecord, ServerRecordStore};
pub use tag::TagStore;
pub use timeline::{DeadDelivery, DeliveryStore, TimelinePlace, TimelineStore};

/// Everything that the server remembers.
pub trait Store:
    ApplicationStore
    + TagStore
    + GitHubTokenStore
    + DeploymentGroupStore
    + DeploymentConfigStore
    + RevisionStore
    + HostStore
    + Ec2Store
    + DeploymentStore
    + TimelineStore
    + DeliveryStore
    + IdentityStore
    + AuditStore
    + EnrollmentStore
    + BundleIndex
    + ServerRecordStore
    + SharedStore
{
}

impl<T> Store for T where
    T: ApplicationStore
        + TagStore
        + GitHubTokenStore
        + DeploymentGroupStore
        + DeploymentConfigStore
        + RevisionStore
        + HostStore
        + Ec2Store
        + Ec2Store
        + DeploymentStore
        + TimelineStore
        + DeliveryStore
        + IdentityStore
        + AuditStore
        + EnrollmentStore
        + BundleIndex
        + ServerRecordStore
        + SharedStore
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
