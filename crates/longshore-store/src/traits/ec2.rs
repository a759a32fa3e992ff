//! The EC2 inventory.

use async_trait::async_trait;
use longshore_model::host::ec2::Ec2Instance;
use longshore_model::id::Ec2InstanceId;
use longshore_model::tag_filter::TagSelector;

use crate::{Page, StoreError};

/// EC2 instances. Their contacts are noted in [`HostStore`](crate::HostStore), under their ARNs.
#[async_trait]
pub trait Ec2Store: Send + Sync {
    /// Adds an instance, or replaces what is known of it.
    async fn put_ec2_instance(&self, instance: &Ec2Instance) -> Result<(), StoreError>;
    /// The instance with this id.
    async fn ec2_instance(&self, id: &Ec2InstanceId) -> Result<Option<Ec2Instance>, StoreError>;
    /// In ascending order of id, which is the page key.
    async fn ec2_instances(&self, page: &Page) -> Result<Vec<Ec2Instance>, StoreError>;
    /// Every instance that `selector` selects, in ascending order of id: none that is terminated or
    /// about to be.
    async fn select_ec2_instances(&self, selector: &TagSelector) -> Result<Vec<Ec2Instance>, StoreError>;
    /// Forgets an instance and when it polled. An unknown id is no error.
    async fn delete_ec2_instance(&self, id: &Ec2InstanceId) -> Result<(), StoreError>;
}
