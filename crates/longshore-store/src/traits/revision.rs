//! Registered revisions.

use crate::Page;
use crate::StoreError;
use async_trait::async_trait;
use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_model::revision::{RegisteredRevision, Revision};

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
