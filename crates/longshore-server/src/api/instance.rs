//! Targets in their older view, as instances. Deprecated, and still called. Source: service.md §3.6.

use longshore_wire::api::convert::target::{instance_batch, instance_list, instance_of, instance_summary};
use longshore_wire::api::shapes::{
    BatchGetDeploymentInstancesInput, BatchGetDeploymentInstancesOutput, GetDeploymentInstanceInput,
    GetDeploymentInstanceOutput, ListDeploymentInstancesInput, ListDeploymentInstancesOutput,
};
use longshore_wire::error::ApiError;

use super::{RequestContext, target};

/// `ListDeploymentInstances`, in scheduling order.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListDeploymentInstancesInput,
) -> Result<ListDeploymentInstancesOutput, ApiError> {
    let token = input.next_token.take();
    let list = instance_list(input.clone())?;
    let paging = ctx.paging(token.as_deref(), &input)?;
    let (names, next_token) = target::listed(ctx, list, &paging).await?;
    Ok(ListDeploymentInstancesOutput { instances_list: Some(names), next_token })
}

/// `GetDeploymentInstance`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetDeploymentInstanceInput,
) -> Result<GetDeploymentInstanceOutput, ApiError> {
    let (deployment, id) = instance_of(input)?;
    let engine = ctx.allowed_deployment(&deployment).await?;
    let found = target::found(engine, &deployment, &id).await?.ok_or_else(|| {
        ApiError::client(
            "InstanceDoesNotExistException",
            format!("The deployment `{deployment}` has no instance `{}`.", id.given),
        )
    })?;
    Ok(GetDeploymentInstanceOutput { instance_summary: Some(instance_summary(&found)) })
}

/// `BatchGetDeploymentInstances`. Unknown ids are left out and named in the message.
pub(super) async fn batch_get(
    ctx: &RequestContext<'_>,
    input: BatchGetDeploymentInstancesInput,
) -> Result<BatchGetDeploymentInstancesOutput, ApiError> {
    let (deployment, ids) = instance_batch(input)?;
    let engine = ctx.allowed_deployment(&deployment).await?;
    let (mut summaries, mut unknown) = (Vec::new(), Vec::new());
    for id in ids {
        match target::found(engine, &deployment, &id).await? {
            Some(found) => summaries.push(instance_summary(&found)),
            None => unknown.push(id.given),
        }
    }
    let message = match unknown.as_slice() {
        [] => String::new(),
        unknown => format!("The deployment has no instance: {}", unknown.join(", ")),
    };
    Ok(BatchGetDeploymentInstancesOutput { instances_summary: Some(summaries), error_message: Some(message) })
}
