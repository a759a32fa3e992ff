//! Targets. Source: service.md §3.6.

use longshore_engine::Engine;
use longshore_engine::target::TargetError;
use longshore_model::id::DeploymentId;
use longshore_model::target::Target;
use longshore_store::TargetFilter;
use longshore_wire::api::convert::target::{
    TargetId, TargetList, deployment_target, target_batch, target_list, target_of,
};
use longshore_wire::api::shapes::{
    BatchGetDeploymentTargetsInput, BatchGetDeploymentTargetsOutput, GetDeploymentTargetInput,
    GetDeploymentTargetOutput, ListDeploymentTargetsInput, ListDeploymentTargetsOutput,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use super::deployment::no_such_deployment;
use super::paging::Paging;

/// `ListDeploymentTargets`, in scheduling order.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListDeploymentTargetsInput,
) -> Result<ListDeploymentTargetsOutput, ApiError> {
    let token = input.next_token.take();
    let list = target_list(input.clone())?;
    let paging = ctx.paging(token.as_deref(), &input)?;
    let (names, next_token) = listed(ctx, list, &paging).await?;
    Ok(ListDeploymentTargetsOutput { target_ids: Some(names), next_token })
}

/// `GetDeploymentTarget`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetDeploymentTargetInput,
) -> Result<GetDeploymentTargetOutput, ApiError> {
    let (deployment, id) = target_of(input)?;
    let engine = ctx.allowed_deployment(&deployment).await?;
    let target = found(engine, &deployment, &id).await?.ok_or_else(|| no_such_target(&deployment, &id))?;
    Ok(GetDeploymentTargetOutput { deployment_target: Some(deployment_target(&target)) })
}

/// `BatchGetDeploymentTargets`. One unknown id refuses the whole call.
pub(super) async fn batch_get(
    ctx: &RequestContext<'_>,
    input: BatchGetDeploymentTargetsInput,
) -> Result<BatchGetDeploymentTargetsOutput, ApiError> {
    let (deployment, ids) = target_batch(input)?;
    let engine = ctx.allowed_deployment(&deployment).await?;
    let mut targets = Vec::with_capacity(ids.len());
    for id in &ids {
        let target = found(engine, &deployment, id).await?;
        targets.push(deployment_target(&target.ok_or_else(|| no_such_target(&deployment, id))?));
    }
    Ok(BatchGetDeploymentTargetsOutput { deployment_targets: Some(targets) })
}

/// The names of a deployment's targets, and the token for more; both views list the same.
pub(super) async fn listed(
    ctx: &RequestContext<'_>,
    list: TargetList,
    paging: &Paging<'_>,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let engine = ctx.allowed_deployment(&list.deployment).await?;
    let selects_nothing = list.statuses.as_ref().is_some_and(Vec::is_empty);
    let filter = TargetFilter { statuses: list.statuses.unwrap_or_default() };
    let targets = engine.targets(&list.deployment, &filter, paging.page()).await.map_err(refused)?;
    // Every deployment is in place yet.
    if list.is_by_label {
        return Err(ApiError::client(
            "InvalidDeploymentInstanceTypeException",
            "Instances of an in-place deployment are neither Blue nor Green.",
        ));
    }
    let targets = if selects_nothing { Vec::new() } else { targets };
    let (targets, next_token) = paging.cut(targets, |(position, _)| format!("{position:010}"));
    Ok((targets.iter().map(|(_, host)| host.to_string()).collect(), next_token))
}

/// The target that `id` means, if the deployment has it.
pub(super) async fn found(
    engine: &Engine,
    deployment: &DeploymentId,
    id: &TargetId,
) -> Result<Option<Target>, ApiError> {
    let Some(host) = &id.host else {
        // No target has such an id, but the deployment must be there.
        let nothing = longshore_store::Page { after: None, limit: 1 };
        engine.targets(deployment, &TargetFilter::default(), &nothing).await.map_err(refused)?;
        return Ok(None);
    };
    match engine.target(deployment, host).await {
        Ok(target) => {
            Ok(Some(target).filter(|target| id.arn.as_ref().is_none_or(|arn| *arn == target.host_arn)))
        }
        Err(TargetError::NotFound { .. }) => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

/// The one place where failures on targets become exceptions.
pub(super) fn refused(error: TargetError) -> ApiError {
    match error {
        TargetError::NoSuchDeployment(id) => no_such_deployment(&id),
        TargetError::NotStarted(id) => ApiError::client(
            "DeploymentNotStartedException",
            format!("The deployment `{id}` has not started: its instances are not known yet."),
        ),
        TargetError::NotFound { deployment, host } => ApiError::client(
            "DeploymentTargetDoesNotExistException",
            format!("The deployment `{deployment}` has no target `{host}`."),
        ),
        TargetError::Store(source) => ApiError::internal(source),
    }
}

fn no_such_target(deployment: &DeploymentId, id: &TargetId) -> ApiError {
    ApiError::client(
        "DeploymentTargetDoesNotExistException",
        format!("The deployment `{deployment}` has no target `{}`.", id.given),
    )
}
