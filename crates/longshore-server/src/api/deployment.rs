//! Deployments. Source: service.md §3.5 and §7.1.

use longshore_engine::Engine;
use longshore_engine::deployment::{DeploymentError, DeploymentList, DeploymentView, StopAnswer};
use longshore_engine::deployment_group::DeploymentGroupError;
use longshore_engine::revision::RevisionError;
use longshore_model::deployment::{DeploymentStatus, DeploymentWait, NewDeployment};
use longshore_model::id::DeploymentId;
use longshore_wire::api::convert::deployment::{
    deployment_batch, deployment_info, deployment_list, deployment_wait, hook_execution_deployment,
    new_deployment,
};
use longshore_wire::api::convert::name;
use longshore_wire::api::shapes::{
    BatchGetDeploymentsInput, BatchGetDeploymentsOutput, ContinueDeploymentInput, CreateDeploymentInput,
    CreateDeploymentOutput, DeleteResourcesByExternalIdInput, DeleteResourcesByExternalIdOutput,
    GetDeploymentInput, GetDeploymentOutput, ListDeploymentsInput, ListDeploymentsOutput,
    PutLifecycleEventHookExecutionStatusInput, PutLifecycleEventHookExecutionStatusOutput,
    SkipWaitTimeForInstanceTerminationInput, StopDeploymentInput, StopDeploymentOutput,
};
use longshore_wire::error::ApiError;

use super::{RequestContext, deployment_group};
use crate::authorize::Resource;

const UNSUPPORTED: &str = "UnsupportedActionForDeploymentTypeException";

/// `CreateDeployment`.
pub(super) async fn create(
    ctx: &RequestContext<'_>,
    input: CreateDeploymentInput,
) -> Result<CreateDeploymentOutput, ApiError> {
    let has_alarms = input.override_alarm_configuration.is_some();
    let new = new_deployment(input)?;
    let group = Resource::Group(&new.application, &new.group);
    let engine = ctx.allowed(&group)?;
    if has_alarms {
        ctx.require("UpdateDeploymentGroup", &group)?;
    }
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
    let engine = ctx.allowed_deployment(&id).await?;
    let answer = engine
        .stop_deployment(&id, input.auto_rollback_enabled)
        .await
        .map_err(|error| refused(ctx, error))?;
    // The text is AWS's own; tools match on it.
    let stopped = "No more commands will be scheduled for execution in the deployment instances";
    let (status, message) = match answer {
        StopAnswer::Stopped => ("Succeeded", stopped.to_owned()),
        StopAnswer::Pending => {
            ("Pending", format!("{stopped}; commands that run on instances now will end first"))
        }
    };
    Ok(StopDeploymentOutput { status: Some(status.to_owned()), status_message: Some(message) })
}

/// `ContinueDeployment`.
pub(super) async fn continue_(
    ctx: &RequestContext<'_>,
    input: ContinueDeploymentInput,
) -> Result<(), ApiError> {
    let (id, wait) = deployment_wait(&input)?;
    let engine = ctx.allowed_deployment(&id).await?;
    engine.continue_deployment(&id, wait).await.map_err(|error| refused(ctx, error))
}

/// `SkipWaitTimeForInstanceTermination`. Deprecated, and the same as continuing.
pub(super) async fn skip_wait_time(
    ctx: &RequestContext<'_>,
    input: SkipWaitTimeForInstanceTerminationInput,
) -> Result<(), ApiError> {
    let id = name::deployment(input.deployment_id.as_deref())?;
    let engine = ctx.allowed(&Resource::Hosts)?;
    match engine.continue_deployment(&id, DeploymentWait::Termination).await {
        Err(DeploymentError::NotWaiting { id, .. }) => Err(ApiError::client(
            "DeploymentNotStartedException",
            format!("The deployment `{id}` does not wait yet for its original instances to be terminated."),
        )),
        done => done.map_err(|error| refused(ctx, error)),
    }
}

/// `PutLifecycleEventHookExecutionStatus`, which is for other platforms: no hook here has an execution.
pub(super) async fn put_hook_status(
    ctx: &RequestContext<'_>,
    input: PutLifecycleEventHookExecutionStatusInput,
) -> Result<PutLifecycleEventHookExecutionStatusOutput, ApiError> {
    let id = hook_execution_deployment(&input)?;
    let engine = ctx.allowed_deployment(&id).await?;
    engine.deployment(&id).await.map_err(|error| refused(ctx, error))?;
    Err(ApiError::client(
        UNSUPPORTED,
        format!("The deployment `{id}` is of compute platform `Server`, whose hooks are run by hosts."),
    ))
}

/// `DeleteResourcesByExternalId`: nothing here has an external id, so there is nothing to delete.
pub(super) fn delete_by_external_id(
    ctx: &RequestContext<'_>,
    _input: &DeleteResourcesByExternalIdInput,
) -> Result<DeleteResourcesByExternalIdOutput, ApiError> {
    ctx.allowed(&Resource::All)?;
    Ok(DeleteResourcesByExternalIdOutput {})
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
        E::RestartOfBlueGreen(group) => ApiError::client(
            UNSUPPORTED,
            format!(
                "A deployment of mode RESTART is in place, and the deployment group `{group}` is blue/green."
            ),
        ),
        E::TargetInstances(error) => ApiError::client("InvalidTargetInstancesException", error.to_string()),
        E::GroupBusy { group, running } => ApiError::client(
            "DeploymentLimitExceededException",
            format!("The Deployment Group '{group}' already has an active Deployment '{running}'"),
        ),
        E::NotFound(id) => no_such_deployment(&id),
        E::NotBlueGreen(id) => ApiError::client(
            UNSUPPORTED,
            format!("The deployment `{id}` is in place: only a blue/green deployment waits to be continued."),
        ),
        E::NotWaiting { id, wait: DeploymentWait::Ready } => ApiError::client(
            "DeploymentIsNotInReadyStateException",
            format!("The deployment `{id}` does not wait for traffic to be rerouted."),
        ),
        E::NotWaiting { id, wait: DeploymentWait::Termination } => ApiError::client(
            "InvalidDeploymentStatusException",
            format!("The deployment `{id}` does not wait for its original instances to be terminated."),
        ),
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
