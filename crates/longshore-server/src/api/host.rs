//! On-premises instances. Source: service.md §3.7.

use longshore_engine::host::HostError;
use longshore_model::id::HostName;
use longshore_model::tag_filter::TagSelector;
use longshore_store::HostFilter;
use longshore_wire::api::convert::host::{
    HostTagging, host_batch, host_list, host_tagging, host_untagging, instance_info, new_host,
};
use longshore_wire::api::convert::name;
use longshore_wire::api::shapes::{
    AddTagsToOnPremisesInstancesInput, BatchGetOnPremisesInstancesInput, BatchGetOnPremisesInstancesOutput,
    DeregisterOnPremisesInstanceInput, GetOnPremisesInstanceInput, GetOnPremisesInstanceOutput,
    ListOnPremisesInstancesInput, ListOnPremisesInstancesOutput, RegisterOnPremisesInstanceInput,
    RemoveTagsFromOnPremisesInstancesInput,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// `RegisterOnPremisesInstance`.
pub(super) async fn register(
    ctx: &RequestContext<'_>,
    input: RegisterOnPremisesInstanceInput,
) -> Result<(), ApiError> {
    let new = new_host(input)?;
    let engine = ctx.allowed(&Resource::Host(&new.name))?;
    let is_session = matches!(new.identity, longshore_model::host::HostIdentity::IamSession(_));
    engine.register_host(new.name, new.identity).await.map_err(|error| match error {
        HostError::IdentityTaken(_) if is_session => session_taken(),
        error => refused(error),
    })
}

/// `DeregisterOnPremisesInstance`. An unknown name succeeds.
pub(super) async fn deregister(
    ctx: &RequestContext<'_>,
    input: DeregisterOnPremisesInstanceInput,
) -> Result<(), ApiError> {
    let name = name::host(input.instance_name.as_deref())?;
    ctx.allowed(&Resource::Host(&name))?.deregister_host(&name).await.map_err(refused)
}

/// `GetOnPremisesInstance`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetOnPremisesInstanceInput,
) -> Result<GetOnPremisesInstanceOutput, ApiError> {
    let name = name::host(input.instance_name.as_deref())?;
    let host = ctx.allowed(&Resource::Host(&name))?.host(&name).await.map_err(refused)?;
    Ok(GetOnPremisesInstanceOutput { instance_info: Some(instance_info(&host)) })
}

/// `BatchGetOnPremisesInstances`. Unknown names are left out.
pub(super) async fn batch_get(
    ctx: &RequestContext<'_>,
    input: BatchGetOnPremisesInstancesInput,
) -> Result<BatchGetOnPremisesInstancesOutput, ApiError> {
    let names = host_batch(input)?;
    let engine = ctx.allowed(&Resource::All)?;
    let mut infos = Vec::with_capacity(names.len());
    for name in &names {
        match engine.host(name).await {
            Ok(host) => infos.push(instance_info(&host)),
            Err(HostError::NotRegistered(_)) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(BatchGetOnPremisesInstancesOutput { instance_infos: Some(infos) })
}

/// `ListOnPremisesInstances`.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListOnPremisesInstancesInput,
) -> Result<ListOnPremisesInstancesOutput, ApiError> {
    let token = input.next_token.take();
    let list = host_list(input.clone())?;
    let paging = ctx.paging(token.as_deref(), &input)?;
    let tags = Some(list.tag_filters).filter(|filters| !filters.is_empty()).map(TagSelector::Filters);
    let filter = HostFilter { is_registered: list.is_registered, tags, ..HostFilter::default() };
    let names = ctx.allowed(&Resource::All)?.hosts(&filter, paging.page()).await.map_err(refused)?;
    let (names, next_token) = paging.cut(names, ToString::to_string);
    let names = names.iter().map(ToString::to_string).collect();
    Ok(ListOnPremisesInstancesOutput { instance_names: Some(names), next_token })
}

/// `AddTagsToOnPremisesInstances`.
pub(super) async fn add_tags(
    ctx: &RequestContext<'_>,
    input: AddTagsToOnPremisesInstancesInput,
) -> Result<(), ApiError> {
    let HostTagging { names, tags } = host_tagging(input)?;
    let given = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    let engine = ctx.allowed_with_tags(&resources(&names), given)?;
    engine.add_host_tags(&names, &tags).await.map_err(refused)
}

/// `RemoveTagsFromOnPremisesInstances`.
pub(super) async fn remove_tags(
    ctx: &RequestContext<'_>,
    input: RemoveTagsFromOnPremisesInstancesInput,
) -> Result<(), ApiError> {
    let HostTagging { names, tags } = host_untagging(input)?;
    let taken = tags.iter().map(|tag| tag.key.as_str());
    let engine = ctx.allowed_without_tags(&resources(&names), taken)?;
    engine.remove_host_tags(&names, &tags).await.map_err(refused)
}

fn resources(names: &[HostName]) -> Vec<Resource<'_>> {
    names.iter().map(Resource::Host).collect()
}

/// The one place where failures on hosts become exceptions.
pub(super) fn refused(error: HostError) -> ApiError {
    match error {
        HostError::NameTaken(name) => ApiError::client(
            "InstanceNameAlreadyRegisteredException",
            format!("The on-premises instance name `{name}` is already registered."),
        ),
        // The text is AWS's own; tools match on it.
        HostError::IdentityTaken(_) => ApiError::client(
            "IamUserArnAlreadyRegisteredException",
            "The on-premises instance could not be registered because the request included an IAM user ARN \
             that has already been used to register an instance. Include either a different IAM user ARN or \
             IAM session ARN in the request, and then try again.",
        ),
        HostError::NotRegistered(name) => ApiError::client(
            "InstanceNotRegisteredException",
            format!("No on-premises instance is registered under the name `{name}`."),
        ),
        HostError::TooManyTags(max) => ApiError::client(
            "TagLimitExceededException",
            format!("An on-premises instance may have at most {max} tags."),
        ),
        HostError::Store(source) => ApiError::internal(source),
    }
}

fn session_taken() -> ApiError {
    ApiError::client(
        "IamSessionArnAlreadyRegisteredException",
        "The on-premises instance could not be registered because the request included an IAM session ARN \
         that has already been used to register an instance. Include either a different IAM user ARN or IAM \
         session ARN in the request, and then try again.",
    )
}
