//! Resource tags.

use async_trait::async_trait;
use longshore_model::application::{TagChange, TaggedResource};

use crate::StoreError;

/// Tags of applications and deployment groups. They are read with their resource.
#[async_trait]
pub trait TagStore: Send + Sync {
    /// Changes a resource's tags, all or nothing; changes at the same time follow each other.
    ///
    /// # Errors
    /// `NotFound` when there is no such resource, `LimitExceeded`.
    async fn change_tags(&self, resource: &TaggedResource, change: &TagChange) -> Result<(), StoreError>;
}
