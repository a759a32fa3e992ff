//! The EC2 inventory: what the real service reads from EC2 is told to this one. Source: service.md §2.6.

use longshore_model::host::HostTag;
use longshore_model::host::ec2::{Ec2Instance, Ec2State};
use longshore_model::id::{Ec2InstanceId, HostArn, RoleName, ZoneName};
use longshore_store::{Page, StoreError};

use crate::Engine;

/// What somebody says of an instance, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEc2Instance {
    /// Which.
    pub id: Ec2InstanceId,
    /// The availability zone that it runs in.
    pub zone: ZoneName,
    /// Where it stands in EC2.
    pub state: Ec2State,
    /// The role of its instance profile.
    pub role: RoleName,
    /// No key twice.
    pub tags: Vec<HostTag>,
    /// The Auto Scaling group that it belongs to.
    pub auto_scaling_group: Option<String>,
    /// What it was launched from.
    pub launch_template: Option<String>,
}

impl Engine {
    /// Adds an instance to the inventory, or replaces what is known of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_ec2_instance(&self, new: NewEc2Instance) -> Result<Ec2Instance, StoreError> {
        let config = &self.inner.config;
        let arn = format!("arn:aws:ec2:{}:{}:instance/{}", config.region, config.account_id, new.id);
        let instance = Ec2Instance {
            id: new.id,
            arn: HostArn(arn),
            zone: new.zone,
            state: new.state,
            role: new.role,
            tags: new.tags,
            auto_scaling_group: new.auto_scaling_group,
            launch_template: new.launch_template,
            put_at: self.now(),
        };
        self.inner.store.put_ec2_instance(&instance).await?;
        self.tagged(&[instance.host_identifier()]).await?;
        Ok(instance)
    }

    /// Instances by id, ascending.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ec2_instances(&self, page: &Page) -> Result<Vec<Ec2Instance>, StoreError> {
        self.inner.store.ec2_instances(page).await
    }

    /// Takes an instance out of the inventory, of all selections, and of the host command service at once.
    /// An unknown id succeeds.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete_ec2_instance(&self, id: &Ec2InstanceId) -> Result<(), StoreError> {
        let instance = self.inner.store.ec2_instance(id).await?;
        self.inner.store.delete_ec2_instance(id).await?;
        if let Some(instance) = instance {
            self.inner.arrivals.forget(&instance.host_identifier());
        }
        Ok(())
    }
}
