//! Deployments. Source: service.md §3.5 and §7.1.

use longshore_engine::Engine;
use longshore_engine::deployment::{DeploymentError, DeploymentList, DeploymentView, StopAnswer};
use longshore_engine::deployment_group::DeploymentGroupError;
use longshore_engine::revision::RevisionError;
use longshore_model::deployment::{DeploymentStatus, NewDeployment};
use longshore_model::id::DeploymentId;
use longshore_wire::api::convert::deployment::{
    deployment_batch, deployment_info, deployment_list, new_deployment,
};
use longshore_wire::api::convert::{name, not_available};
use longshore_wire::api::shapes::{
    BatchGetDeploymentsInput, BatchGetDeploymentsOutput, CreateDeploymentInput, CreateDeploymentOutput,
    GetDeploymentInput, GetDeploymentOutput, ListDeploymentsInput, ListDeploymentsOutput,
    StopDeploymentInput, StopDeploymentOutput,
};
use longshore_wire::error::ApiError;

use super::{RequestContext, deployment_group};
use crate::authorize::Resource;

/// `CreateDeployment`.
pub(super) async fn create(
    ctx: &RequestContext<'_>,
    input: CreateDeploymentInput,
) -> Result<CreateDeploymentOutput, ApiError> {
    let new = new_deployment(input)?;
    let engine = ctx.allowed(&Resource::Group(&new.application, &new.group))?;
    if !ctx.caller.is_root {
        require_ingredients(ctx, engine, &new).await?;
    }
    let id = engine.create_deployment(new).await.map_err(|error| refused(ctx, error))?;
    Ok(CreateDeploymentOutput { deployment_id: Some(id.to_string()) })
}

/// `GetDeployment`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetDeploymentInput,
) -> Result<GetDeploymentOutput, ApiError> {
    let id = name::deployment(input.deployment_id.as_deref())?;
    let engine = ctx.allowed_deployment(&id).await?;
    let DeploymentView { deployment, counts } =
        engine.deployment(&id).await.map_err(|error| refused(ctx, error))?;
    Ok(GetDeploymentOutput { deployment_info: Some(deployment_info(&deployment, &counts)) })
}

/// `BatchGetDeployments`. Unknown ids are left out.
pub(super) async fn batch_get(
    ctx: &RequestContext<'_>,
    input: BatchGetDeploymentsInput,
) -> Result<BatchGetDeploymentsOutput, ApiError> {
    let ids = deployment_batch(input)?;
    let mut infos = Vec::with_capacity(ids.len());
    for id in &ids {
        match ctx.allowed_deployment(id).await?.deployment(id).await {
            Ok(view) => infos.push(deployment_info(&view.deployment, &view.counts)),
            Err(DeploymentError::NotFound(_)) => {}
            Err(error) => return Err(refused(ctx, error)),
        }
    }
    Ok(BatchGetDeploymentsOutput { deployments_info: Some(infos) })
}

/// `ListDeployments`, newest first.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListDeploymentsInput,
) -> Result<ListDeploymentsOutput, ApiError> {
    let token = input.next_token.take();
    let list = deployment_list(input.clone())?;
    let paging = ctx.paging(token.as_deref(), &input)?;
    let resource = match &list.group {
        Some((application, group)) => Resource::Group(application, group),
        None => Resource::All,
    };
    let engine = ctx.allowed(&resource)?;
    let selects_nothing = list.is_by_external_id || list.statuses.as_ref().is_some_and(Vec::is_empty);
    let list = DeploymentList {
        group: list.group,
        statuses: list.statuses.unwrap_or_default(),
        created_from: list.created_from,
        created_to: list.created_to,
    };
    // Asked even when nothing can come of it: the names must exist.
    let found = engine.deployments(list, paging.page()).await.map_err(|error| refused(ctx, error))?;
    let found = if selects_nothing { Vec::new() } else { found };
    let (found, next_token) =
        paging.cut(found, |(created_at, id)| format!("{:020}/{id}", created_at.millis()));
    let ids = found.iter().map(|(_, id)| id.to_string()).collect();
    Ok(ListDeploymentsOutput { deployments: Some(ids), next_token })
}

/// `StopDeployment`.
pub(super) async fn stop(
    ctx: &RequestContext<'_>,
    input: StopDeploymentInput,
) -> Result<StopDeploymentOutput, ApiError> {
    let id = name::deployment(input.deployment_id.as_deref())?;
    if input.auto_rollback_enabled == Some(true) {
        return Err(not_available("Rollback after a stop (autoRollbackEnabled)"));
    }
    let engine = ctx.allowed_deployment(&id).await?;
    let (status, message) = match engine.stop_deployment(&id).await.map_err(|error| refused(ctx, error))? {
        StopAnswer::Stopped => {
            ("Succeeded", "No more commands will be scheduled for execution in the deployment instances")
        }
        StopAnswer::Pending => (
            "Pending",
            "No more commands will be scheduled for execution in the deployment instances; commands that \
             run on instances now will end first",
        ),
    };
    Ok(StopDeploymentOutput { status: Some(status.to_owned()), status_message: Some(message.to_owned()) })
}

impl<'a> RequestContext<'a> {
    /// The engine, if the caller may do this operation on the group of deployment `id`.
    ///
    /// # Errors
    /// `AccessDeniedException`, or a failure of ours.
    pub(super) async fn allowed_deployment(&self, id: &DeploymentId) -> Result<&'a Engine, ApiError> {
        let engine = &self.app.engine;
        if self.caller.is_root {
            return Ok(engine);
        }
        match engine.deployment(id).await {
            Ok(DeploymentView { deployment, .. }) => {
                self.allowed(&Resource::Group(&deployment.application, &deployment.group))
            }
            Err(DeploymentError::NotFound(_)) => self.allowed(&Resource::SomeGroup),
            Err(error) => Err(refused(self, error)),
        }
    }
}

/// What CreateDeployment needs besides the group: its config and its revision. Source: service.md §11.
async fn require_ingredients(
    ctx: &RequestContext<'_>,
    engine: &Engine,
    new: &NewDeployment,
) -> Result<(), ApiError> {
    let group = match engine.deployment_group(&new.application, &new.group).await {
        Ok(view) => view.group,
        Err(error) => return Err(refused(ctx, DeploymentError::Group(error))),
    };
    ctx.require("GetDeploymentConfig", &Resource::Config(new.config.as_ref().unwrap_or(&group.config)))?;
    let Some(revision) = &new.revision else { return Ok(()) };
    let operation = match engine.revision(&new.application, revision).await {
        Ok(_) => "GetApplicationRevision",
        Err(RevisionError::NotFound { .. } | RevisionError::NoSuchApplication(_)) => {
            "RegisterApplicationRevision"
        }
        Err(RevisionError::Store(source)) => return Err(ApiError::internal(source)),
    };
    ctx.require(operation, &Resource::Application(&new.application))
}

/// The one place where failures on deployments become exceptions.
fn refused(ctx: &RequestContext<'_>, error: DeploymentError) -> ApiError {
    use DeploymentError as E;
    match error {
        // The text is AWS's own; tools match on it.
        E::Group(DeploymentGroupError::NoSuchApplication(_)) => ApiError::client(
            "ApplicationDoesNotExistException",
            format!("Applications not found for {}", ctx.app.account_id),
        ),
        E::Group(error) => deployment_group::refused(error),
        E::RevisionRequired(group) => ApiError::client(
            "RevisionRequiredException",
            format!(
                "A revision is required: the deployment group `{group}` has no revision of a successful \
                 deployment to go by."
            ),
        ),
        E::GroupBusy { group, running } => ApiError::client(
            "DeploymentLimitExceededException",
            format!("The Deployment Group '{group}' already has an active Deployment '{running}'"),
        ),
        E::NotFound(id) => no_such_deployment(&id),
        E::AlreadyCompleted { id, status } => already_completed(&id, status),
        E::Store(source) => ApiError::internal(source),
    }
}

/// `DeploymentDoesNotExistException`.
pub(super) fn no_such_deployment(id: &DeploymentId) -> ApiError {
    ApiError::client("DeploymentDoesNotExistException", format!("The deployment `{id}` does not exist."))
}

fn already_completed(id: &DeploymentId, status: DeploymentStatus) -> ApiError {
    ApiError::client(
        "DeploymentAlreadyCompletedException",
        format!("The deployment `{id}` has ended already: {}.", status.as_str()),
    )
}
