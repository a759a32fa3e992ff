//! Deployment groups. Source: service.md §3.3.

use longshore_engine::Engine;
use longshore_engine::deployment_group::{
    DeploymentGroupChange, DeploymentGroupError, DeploymentGroupView, NewDeploymentGroup,
};
use longshore_model::id::{ApplicationName, DeploymentGroupName};
use longshore_model::traffic::Traffic;
use longshore_wire::api::convert::deployment_group::{
    self as convert, deployment_group_batch, deployment_group_info, deployment_group_update,
    new_deployment_group,
};
use longshore_wire::api::convert::name;
use longshore_wire::api::convert::traffic::traffic_refused;
use longshore_wire::api::shapes::{
    BatchGetDeploymentGroupsInput, BatchGetDeploymentGroupsOutput, CreateDeploymentGroupInput,
    CreateDeploymentGroupOutput, DeleteDeploymentGroupInput, DeleteDeploymentGroupOutput,
    DeploymentGroupInfo, GetDeploymentGroupInput, GetDeploymentGroupOutput, ListDeploymentGroupsInput,
    ListDeploymentGroupsOutput, UpdateDeploymentGroupInput, UpdateDeploymentGroupOutput,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// `CreateDeploymentGroup`.
pub(super) async fn create(
    ctx: &RequestContext<'_>,
    input: CreateDeploymentGroupInput,
) -> Result<CreateDeploymentGroupOutput, ApiError> {
    let new = new_deployment_group(input)?;
    let tags = new.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    let engine = ctx.allowed_with_tags(&[Resource::Group(&new.application, &new.name)], tags)?;
    ctx.require_pass_role(&new.service_role_arn)?;
    let id = engine.create_deployment_group(new_group(new)).await.map_err(refused)?;
    Ok(CreateDeploymentGroupOutput { deployment_group_id: Some(id.to_string()) })
}

/// `GetDeploymentGroup`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetDeploymentGroupInput,
) -> Result<GetDeploymentGroupOutput, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let group = name::deployment_group(input.deployment_group_name.as_deref())?;
    let engine = ctx.allowed(&Resource::Group(&application, &group))?;
    let info = info(engine, &application, &group).await.map_err(refused)?;
    Ok(GetDeploymentGroupOutput { deployment_group_info: Some(info) })
}

/// `BatchGetDeploymentGroups`. Unknown groups are left out and named in the message.
pub(super) async fn batch_get(
    ctx: &RequestContext<'_>,
    input: BatchGetDeploymentGroupsInput,
) -> Result<BatchGetDeploymentGroupsOutput, ApiError> {
    let (application, names) = deployment_group_batch(input)?;
    let resources: Vec<Resource<'_>> = names.iter().map(|name| Resource::Group(&application, name)).collect();
    let engine = ctx.allowed_all(&resources)?;
    let (mut infos, mut unknown) = (Vec::new(), Vec::new());
    for name in &names {
        match info(engine, &application, name).await {
            Ok(info) => infos.push(info),
            Err(DeploymentGroupError::NotFound(name)) => unknown.push(name.to_string()),
            Err(error) => return Err(refused(error)),
        }
    }
    let message = match unknown.as_slice() {
        [] => String::new(),
        unknown => format!("No Deployment Group found for name: {}", unknown.join(", ")),
    };
    Ok(BatchGetDeploymentGroupsOutput { deployment_groups_info: Some(infos), error_message: Some(message) })
}

/// `ListDeploymentGroups`.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListDeploymentGroupsInput,
) -> Result<ListDeploymentGroupsOutput, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::Groups(&application))?;
    let names = engine.deployment_groups(&application, paging.page()).await.map_err(refused)?;
    let (names, next_token) = paging.cut(names, ToString::to_string);
    Ok(ListDeploymentGroupsOutput {
        application_name: Some(application.to_string()),
        deployment_groups: Some(names.iter().map(ToString::to_string).collect()),
        next_token,
    })
}

/// `UpdateDeploymentGroup`; a rename needs permission on both names.
pub(super) async fn update(
    ctx: &RequestContext<'_>,
    input: UpdateDeploymentGroupInput,
) -> Result<UpdateDeploymentGroupOutput, ApiError> {
    let update = deployment_group_update(input)?;
    let mut resources = vec![Resource::Group(&update.application, &update.name)];
    resources.extend(update.new_name.as_ref().map(|name| Resource::Group(&update.application, name)));
    let engine = ctx.allowed_all(&resources)?;
    if let Some(role) = &update.service_role_arn {
        ctx.require_pass_role(role)?;
    }
    let change = change(&update);
    engine.update_deployment_group(&update.application, &update.name, change).await.map_err(refused)?;
    Ok(UpdateDeploymentGroupOutput { hooks_not_cleaned_up: Some(Vec::new()) })
}

/// `DeleteDeploymentGroup`. An unknown name succeeds.
pub(super) async fn delete(
    ctx: &RequestContext<'_>,
    input: DeleteDeploymentGroupInput,
) -> Result<DeleteDeploymentGroupOutput, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let group = name::deployment_group(input.deployment_group_name.as_deref())?;
    let engine = ctx.allowed(&Resource::Group(&application, &group))?;
    engine.delete_deployment_group(&application, &group).await.map_err(refused)?;
    Ok(DeleteDeploymentGroupOutput { hooks_not_cleaned_up: Some(Vec::new()) })
}

/// The one place where failures on deployment groups become exceptions.
pub(super) fn refused(error: DeploymentGroupError) -> ApiError {
    use DeploymentGroupError as E;
    match error {
        E::NoSuchApplication(name) => ApiError::client(
            "ApplicationDoesNotExistException",
            format!("No application found for name: {name}"),
        ),
        E::NotFound(name) => ApiError::client(
            "DeploymentGroupDoesNotExistException",
            format!("No Deployment Group found for name: {name}"),
        ),
        E::AlreadyExists(name) => ApiError::client(
            "DeploymentGroupAlreadyExistsException",
            format!("A deployment group named `{name}` already exists."),
        ),
        E::LimitExceeded(max) => ApiError::client(
            "DeploymentGroupLimitExceededException",
            format!("An application may have at most {max} deployment groups."),
        ),
        E::Traffic(error) => traffic_refused(error),
        E::NoSuchConfig(name) => ApiError::client(
            "DeploymentConfigDoesNotExistException",
            format!("No deployment configuration found for name: {name}"),
        ),
        E::Store(source) => ApiError::internal(source),
    }
}

async fn info(
    engine: &Engine,
    application: &ApplicationName,
    name: &DeploymentGroupName,
) -> Result<DeploymentGroupInfo, DeploymentGroupError> {
    let DeploymentGroupView { group, last_attempted, last_successful } =
        engine.deployment_group(application, name).await?;
    Ok(deployment_group_info(&group, last_attempted.as_ref(), last_successful.as_ref()))
}

fn new_group(new: convert::NewDeploymentGroup) -> NewDeploymentGroup {
    let settings = new.settings;
    NewDeploymentGroup {
        application: new.application,
        name: new.name,
        config: settings.config,
        service_role_arn: new.service_role_arn,
        ec2_selector: settings.ec2_selector.unwrap_or_default(),
        on_premises_selector: settings.on_premises_selector.unwrap_or_default(),
        auto_rollback: settings.auto_rollback.unwrap_or_default(),
        outdated_instances_strategy: settings.outdated_instances_strategy.unwrap_or_default(),
        termination_hook_enabled: settings.termination_hook_enabled.unwrap_or_default(),
        traffic: settings.traffic.apply(Traffic::default()),
        alarms: settings.alarms,
        triggers: settings.triggers.unwrap_or_default(),
        processes_to_suspend: settings.processes_to_suspend.unwrap_or_default(),
        tags: new.tags,
    }
}

fn change(update: &convert::DeploymentGroupUpdate) -> DeploymentGroupChange {
    let settings = update.settings.clone();
    DeploymentGroupChange {
        name: update.new_name.clone(),
        config: settings.config,
        service_role_arn: update.service_role_arn.clone(),
        ec2_selector: settings.ec2_selector,
        on_premises_selector: settings.on_premises_selector,
        auto_rollback: settings.auto_rollback,
        outdated_instances_strategy: settings.outdated_instances_strategy,
        termination_hook_enabled: settings.termination_hook_enabled,
        traffic: settings.traffic,
        alarms: settings.alarms,
        triggers: settings.triggers,
        processes_to_suspend: settings.processes_to_suspend,
        n_auto_scaling_groups: settings.n_auto_scaling_groups,
    }
}
