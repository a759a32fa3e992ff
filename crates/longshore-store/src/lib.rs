//! What Longshore must remember: traits in the domain's words, implemented for SQLite and for
//! PostgreSQL.
//!
//! SQL and drivers stop here. Every write that returns `Ok` is durable (it survives `kill -9` and a
//! power cut); every read sees all writes that returned before it began. The promises are written
//! down as functions in `contract` (feature `test-support`), which every implementation's test file
//! calls.

mod any;
#[cfg(feature = "test-support")]
pub mod cluster;
#[cfg(feature = "test-support")]
pub mod contract;
mod error;
#[cfg(feature = "test-support")]
pub mod passing;
pub mod postgres;
pub mod sqlite;
mod traits;
pub mod transfer;

pub use any::AnyStore;
pub use error::StoreError;
pub use traits::{
    AccessKey, ApplicationStore, Applied, AuditFilter, AuditStore, BundleIndex, DeadDelivery, DeliveryStore,
    DeploymentConfigStore, DeploymentFilter, DeploymentGroupStore, DeploymentStore, Ec2Store, EnrollOutcome,
    EnrolledHost, EnrollmentStore, FollowUp, Forget, Generation, GitHubTokenStore, Group, GroupStore,
    HandOut, HandOutOutcome, HostFilter, HostStore, IdentityStore, InlinePolicy, LinkOutcome, Load,
    MultipartUpload, NewEnrollment, NewRevisionUse, News, ObjectRow, Others, Page, Places, PolicyHolder,
    RevisionStore, Role, RoleStore, RoundOutcome, ServerRecord, ServerRecordStore, Session, SharedStore,
    Snapshot, Store, StoredToken, TagStore, TargetFilter, TimelinePlace, TimelineStore, UploadedPart, User,
};
