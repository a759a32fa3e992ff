//! Deployment configs. Source: service.md §3.4.

use longshore_engine::deployment_config::DeploymentConfigError;
use longshore_wire::api::convert::deployment_config::{deployment_config_info, new_deployment_config};
use longshore_wire::api::convert::name;
use longshore_wire::api::shapes::{
    CreateDeploymentConfigInput, CreateDeploymentConfigOutput, DeleteDeploymentConfigInput,
    GetDeploymentConfigInput, GetDeploymentConfigOutput, ListDeploymentConfigsInput,
    ListDeploymentConfigsOutput,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// `CreateDeploymentConfig`.
pub(super) async fn create(
    ctx: &RequestContext<'_>,
    input: CreateDeploymentConfigInput,
) -> Result<CreateDeploymentConfigOutput, ApiError> {
    let new = new_deployment_config(input)?;
    let engine = ctx.allowed(&Resource::Config(&new.name))?;
    let id = engine
        .create_deployment_config(new.name, new.minimum_healthy_hosts, new.zonal)
        .await
        .map_err(refused)?;
    Ok(CreateDeploymentConfigOutput { deployment_config_id: Some(id) })
}

/// `GetDeploymentConfig`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetDeploymentConfigInput,
) -> Result<GetDeploymentConfigOutput, ApiError> {
    let name = name::deployment_config(input.deployment_config_name.as_deref())?;
    let engine = ctx.allowed(&Resource::Config(&name))?;
    let config = engine.deployment_config(&name).await.map_err(refused)?;
    Ok(GetDeploymentConfigOutput { deployment_config_info: Some(deployment_config_info(&config)) })
}

/// `ListDeploymentConfigs`.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListDeploymentConfigsInput,
) -> Result<ListDeploymentConfigsOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::Configs)?;
    let names = engine.deployment_configs(paging.page()).await.map_err(refused)?;
    let (names, next_token) = paging.cut(names, ToString::to_string);
    let names = names.iter().map(ToString::to_string).collect();
    Ok(ListDeploymentConfigsOutput { deployment_configs_list: Some(names), next_token })
}

/// `DeleteDeploymentConfig`. An unknown name succeeds.
pub(super) async fn delete(
    ctx: &RequestContext<'_>,
    input: DeleteDeploymentConfigInput,
) -> Result<(), ApiError> {
    let name = name::deployment_config(input.deployment_config_name.as_deref())?;
    let engine = ctx.allowed(&Resource::Config(&name))?;
    engine.delete_deployment_config(&name).await.map_err(refused)
}

/// The one place where failures on deployment configs become exceptions.
fn refused(error: DeploymentConfigError) -> ApiError {
    use DeploymentConfigError as E;
    match error {
        E::NotFound(name) => ApiError::client(
            "DeploymentConfigDoesNotExistException",
            format!("No deployment configuration found for name: {name}"),
        ),
        E::AlreadyExists(name) => ApiError::client(
            "DeploymentConfigAlreadyExistsException",
            format!("A deployment configuration named `{name}` already exists."),
        ),
        E::Reserved(name) => ApiError::client(
            "InvalidOperationException",
            format!("`{name}` is a predefined deployment configuration: it cannot be made or deleted."),
        ),
        E::LimitExceeded(max) => ApiError::client(
            "DeploymentConfigLimitExceededException",
            format!("The account may have at most {max} custom deployment configurations."),
        ),
        E::InUse { name, user } => ApiError::client(
            "DeploymentConfigInUseException",
            format!("The deployment configuration `{name}` is in use by {user}."),
        ),
        E::Store(source) => ApiError::internal(source),
    }
}
