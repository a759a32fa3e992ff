//! Resource tags. Source: service.md §3.8.

use longshore_engine::Engine;
use longshore_engine::tag::TagError;
use longshore_model::application::{TagChange, TaggedResource};
use longshore_wire::api::convert::tag::{
    from_resource_tags, invalid_arn, tagged_resource, tags_to_add, tags_to_remove,
};
use longshore_wire::api::shapes::{
    ListTagsForResourceInput, ListTagsForResourceOutput, TagResourceInput, TagResourceOutput,
    UntagResourceInput, UntagResourceOutput,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// `TagResource`.
pub(super) async fn add(
    ctx: &RequestContext<'_>,
    input: TagResourceInput,
) -> Result<TagResourceOutput, ApiError> {
    let (resource, change) = tags_to_add(input, &ctx.app.region, &ctx.app.account_id)?;
    let engine = allowed(ctx, &resource, &change)?;
    engine.change_tags(&resource, &change).await.map_err(refused)?;
    Ok(TagResourceOutput {})
}

/// `UntagResource`.
pub(super) async fn remove(
    ctx: &RequestContext<'_>,
    input: UntagResourceInput,
) -> Result<UntagResourceOutput, ApiError> {
    let (resource, change) = tags_to_remove(input, &ctx.app.region, &ctx.app.account_id)?;
    let engine = allowed(ctx, &resource, &change)?;
    engine.change_tags(&resource, &change).await.map_err(refused)?;
    Ok(UntagResourceOutput {})
}

/// `ListTagsForResource`, ascending by key. A resource that does not exist makes the ARN invalid.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, ApiError> {
    let token = input.next_token.take();
    let text = input.resource_arn.clone().unwrap_or_default();
    let resource = tagged_resource(Some(&text), &ctx.app.region, &ctx.app.account_id)?;
    let paging = ctx.paging(token.as_deref(), &input)?;
    let engine = ctx.allowed(&named(&resource))?;
    let tags = engine.tags(&resource, paging.page()).await.map_err(|error| match error {
        TagError::NoSuchApplication(_) | TagError::NoSuchGroup(_) => {
            invalid_arn(&text, "what it names does not exist")
        }
        error => refused(error),
    })?;
    let (tags, next_token) = paging.cut(tags, |tag| tag.key.clone());
    Ok(ListTagsForResourceOutput { next_token, tags: Some(from_resource_tags(&tags)) })
}

/// The engine, if the caller may change these tags of the resource.
fn allowed<'a>(
    ctx: &RequestContext<'a>,
    resource: &TaggedResource,
    change: &TagChange,
) -> Result<&'a Engine, ApiError> {
    let resources = [named(resource)];
    match change {
        TagChange::Add(tags) => {
            let given = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            ctx.allowed_with_tags(&resources, given)
        }
        TagChange::Remove(keys) => ctx.allowed_without_tags(&resources, keys.iter().map(String::as_str)),
    }
}

fn named(resource: &TaggedResource) -> Resource<'_> {
    match resource {
        TaggedResource::Application(name) => Resource::Application(name),
        TaggedResource::Group(application, name) => Resource::Group(application, name),
    }
}

/// The one place where failures on tags become exceptions.
fn refused(error: TagError) -> ApiError {
    match error {
        TagError::NoSuchApplication(name) => ApiError::client(
            "ApplicationDoesNotExistException",
            format!("No application found for name: {name}"),
        ),
        TagError::NoSuchGroup(name) => ApiError::client(
            "DeploymentGroupDoesNotExistException",
            format!("No Deployment Group found for name: {name}"),
        ),
        TagError::LimitExceeded(max) => ApiError::client(
            "InvalidTagsToAddException",
            format!("The resource would have more than {max} tags."),
        ),
        TagError::Store(source) => ApiError::internal(source),
    }
}
