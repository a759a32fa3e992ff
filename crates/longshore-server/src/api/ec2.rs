//! The EC2 inventory: told to this server by its operators. Source: service.md §2.6.

use longshore_engine::ec2::NewEc2Instance;
use longshore_model::host::ec2::{Ec2Instance, Ec2State, MAX_TAGS};
use longshore_model::host::{HostContact, HostTag};
use longshore_model::id::{Ec2InstanceId, NameError, RoleName, ZoneName};
use longshore_wire::api::convert::tag::{from_host_tags, unique_host_tags};
use longshore_wire::ec2::{
    DeleteEc2InstanceInput, DeleteEc2InstanceOutput, Ec2InstanceInfo, ListEc2InstancesInput,
    ListEc2InstancesOutput, PutEc2InstanceInput, PutEc2InstanceOutput,
};
use longshore_wire::error::ApiError;

use super::{RequestContext, host};
use crate::authorize::Resource;

/// The most characters of the name of an Auto Scaling group or a launch template. As EC2.
const MAX_NAME_CHARS: usize = 255;

/// `PutEc2Instance`.
pub(super) async fn put(
    ctx: &RequestContext<'_>,
    input: PutEc2InstanceInput,
) -> Result<PutEc2InstanceOutput, ApiError> {
    let new = new_instance(input)?;
    let given = new.tags.iter().map(|tag: &HostTag| (tag.key.as_str(), tag.value.as_str()));
    let engine = ctx.allowed_with_tags(&[Resource::Ec2Instance(&new.id)], given)?;
    let instance = engine.put_ec2_instance(new).await.map_err(ApiError::internal)?;
    let contact = engine.contact(&instance.host_identifier()).await.map_err(host::refused)?;
    Ok(PutEc2InstanceOutput { instance: info(&instance, contact) })
}

/// `ListEc2Instances`, by id, each with its last contact.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListEc2InstancesInput,
) -> Result<ListEc2InstancesOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::All)?;
    let found = engine.ec2_instances(paging.page()).await.map_err(ApiError::internal)?;
    let (found, next_token) = paging.cut(found, |instance| instance.id.to_string());
    let mut instances = Vec::with_capacity(found.len());
    for instance in &found {
        let contact = engine.contact(&instance.host_identifier()).await.map_err(host::refused)?;
        instances.push(info(instance, contact));
    }
    Ok(ListEc2InstancesOutput { instances, next_token })
}

/// `DeleteEc2Instance`. An unknown id succeeds.
pub(super) async fn delete(
    ctx: &RequestContext<'_>,
    input: DeleteEc2InstanceInput,
) -> Result<DeleteEc2InstanceOutput, ApiError> {
    let id = Ec2InstanceId::required(input.instance_id.as_deref()).map_err(invalid)?;
    let engine = ctx.allowed(&Resource::Ec2Instance(&id))?;
    engine.delete_ec2_instance(&id).await.map_err(ApiError::internal)?;
    Ok(DeleteEc2InstanceOutput {})
}

fn new_instance(input: PutEc2InstanceInput) -> Result<NewEc2Instance, ApiError> {
    Ok(NewEc2Instance {
        id: Ec2InstanceId::required(input.instance_id.as_deref()).map_err(invalid)?,
        zone: ZoneName::required(input.availability_zone.as_deref()).map_err(invalid)?,
        state: state(input.state.as_deref())?,
        role: RoleName::required(input.role_name.as_deref()).map_err(invalid)?,
        tags: unique_host_tags(input.tags, MAX_TAGS)?,
        auto_scaling_group: short("Auto Scaling group name", input.auto_scaling_group_name)?,
        launch_template: short("launch template", input.launch_template)?,
    })
}

fn state(name: Option<&str>) -> Result<Ec2State, ApiError> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(Ec2State::default()) };
    Ec2State::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Ec2State::ALL.into_iter().map(Ec2State::as_str).collect();
        let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
        ApiError::validation(format!("The state `{shown}` is none of: {}.", known.join(", ")))
    })
}

fn short(what: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if MAX_NAME_CHARS < text.chars().count() => {
            Err(ApiError::validation(format!("The {what} has more than {MAX_NAME_CHARS} characters.")))
        }
        text => Ok(text),
    }
}

fn invalid(error: NameError) -> ApiError {
    ApiError::validation(format!("The {error}."))
}

fn info(instance: &Ec2Instance, contact: Option<HostContact>) -> Ec2InstanceInfo {
    let (last_poll_time, agent_version) = match contact {
        Some(contact) => (Some(contact.last_poll_at.into()), contact.agent_version),
        None => (None, None),
    };
    Ec2InstanceInfo {
        instance_id: instance.id.to_string(),
        instance_arn: instance.arn.to_string(),
        availability_zone: instance.zone.to_string(),
        state: instance.state.as_str().to_owned(),
        role_name: instance.role.to_string(),
        tags: from_host_tags(&instance.tags),
        auto_scaling_group_name: instance.auto_scaling_group.clone(),
        launch_template: instance.launch_template.clone(),
        update_time: instance.put_at.into(),
        last_poll_time,
        agent_version,
    }
}
