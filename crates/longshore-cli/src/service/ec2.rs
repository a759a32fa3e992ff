//! The EC2 inventory.

use longshore_wire::ec2::{
    DeleteEc2InstanceInput, DeleteEc2InstanceOutput, Ec2InstanceInfo, ListEc2InstancesInput,
    ListEc2InstancesOutput, PutEc2InstanceInput, PutEc2InstanceOutput,
};

use super::{SIGNING_NAME, Service, explained};

const PUT: &str = "Longshore_v1.PutEc2Instance";
const LIST: &str = "Longshore_v1.ListEc2Instances";
const DELETE: &str = "Longshore_v1.DeleteEc2Instance";

impl Service {
    /// Adds an instance, or replaces what is known of it.
    pub(crate) async fn put_ec2_instance(
        &self,
        input: &PutEc2InstanceInput,
    ) -> anyhow::Result<Ec2InstanceInfo> {
        let answer = self.client.call_json(SIGNING_NAME, PUT, input).await;
        let answer: PutEc2InstanceOutput = explained(answer, "cannot put the instance into the inventory")?;
        Ok(answer.instance)
    }

    /// The whole inventory.
    pub(crate) async fn ec2_instances(&self) -> anyhow::Result<Vec<Ec2InstanceInfo>> {
        let mut instances = Vec::new();
        let mut input = ListEc2InstancesInput::default();
        loop {
            let answer = self.client.call_json(SIGNING_NAME, LIST, &input).await;
            let answer: ListEc2InstancesOutput = explained(answer, "cannot list the EC2 instances")?;
            instances.extend(answer.instances);
            match answer.next_token {
                Some(token) => input.next_token = Some(token),
                None => return Ok(instances),
            }
        }
    }

    /// Takes an instance out of the inventory.
    pub(crate) async fn delete_ec2_instance(&self, id: &str) -> anyhow::Result<()> {
        let input = DeleteEc2InstanceInput { instance_id: Some(id.to_owned()) };
        let answer = self.client.call_json(SIGNING_NAME, DELETE, &input).await;
        let DeleteEc2InstanceOutput {} =
            explained(answer, format!("cannot take `{id}` out of the inventory"))?;
        Ok(())
    }
}
