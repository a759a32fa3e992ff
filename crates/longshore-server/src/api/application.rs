//! Applications. Source: service.md §3.1.

use longshore_engine::application::ApplicationError;
use longshore_wire::api::convert::application::{
    application_batch, application_info, application_rename, new_application,
};
use longshore_wire::api::convert::name;
use longshore_wire::api::shapes::{
    BatchGetApplicationsInput, BatchGetApplicationsOutput, CreateApplicationInput, CreateApplicationOutput,
    DeleteApplicationInput, GetApplicationInput, GetApplicationOutput, ListApplicationsInput,
    ListApplicationsOutput, UpdateApplicationInput,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// `CreateApplication`.
pub(super) async fn create(
    ctx: &RequestContext<'_>,
    input: CreateApplicationInput,
) -> Result<CreateApplicationOutput, ApiError> {
    let new = new_application(input)?;
    let tags = new.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    let engine = ctx.allowed_with_tags(&[Resource::Application(&new.name)], tags)?;
    let id = engine.create_application(new.name, new.tags).await.map_err(refused)?;
    Ok(CreateApplicationOutput { application_id: Some(id.to_string()) })
}

/// `GetApplication`.
pub(super) async fn get(
    ctx: &RequestContext<'_>,
    input: GetApplicationInput,
) -> Result<GetApplicationOutput, ApiError> {
    let name = name::application(input.application_name.as_deref())?;
    let engine = ctx.allowed(&Resource::Application(&name))?;
    let application = engine.application(&name).await.map_err(refused)?;
    Ok(GetApplicationOutput { application: Some(application_info(&application)) })
}

/// `BatchGetApplications`. One unknown name refuses the whole call.
pub(super) async fn batch_get(
    ctx: &RequestContext<'_>,
    input: BatchGetApplicationsInput,
) -> Result<BatchGetApplicationsOutput, ApiError> {
    let names = application_batch(input)?;
    let engine = ctx.allowed(&Resource::Applications)?;
    let mut infos = Vec::with_capacity(names.len());
    for name in &names {
        infos.push(application_info(&engine.application(name).await.map_err(refused)?));
    }
    Ok(BatchGetApplicationsOutput { applications_info: Some(infos) })
}

/// `ListApplications`.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListApplicationsInput,
) -> Result<ListApplicationsOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::Applications)?;
    let names = engine.applications(paging.page()).await.map_err(refused)?;
    let (names, next_token) = paging.cut(names, ToString::to_string);
    let applications = names.iter().map(ToString::to_string).collect();
    Ok(ListApplicationsOutput { applications: Some(applications), next_token })
}

/// `UpdateApplication`: a rename, which needs permission on both names.
pub(super) async fn update(ctx: &RequestContext<'_>, input: UpdateApplicationInput) -> Result<(), ApiError> {
    let rename = application_rename(input)?;
    let engine = ctx.allowed(&Resource::Application(&rename.from))?;
    match rename.to {
        Some(to) => {
            ctx.allowed(&Resource::Application(&to))?;
            engine.rename_application(&rename.from, &to).await.map_err(refused)
        }
        None => engine.application(&rename.from).await.map(drop).map_err(refused),
    }
}

/// `DeleteApplication`. An unknown name succeeds.
pub(super) async fn delete(ctx: &RequestContext<'_>, input: DeleteApplicationInput) -> Result<(), ApiError> {
    let name = name::application(input.application_name.as_deref())?;
    let engine = ctx.allowed(&Resource::Application(&name))?;
    engine.delete_application(&name).await.map_err(refused)
}

/// The one place where failures on applications become exceptions.
fn refused(error: ApplicationError) -> ApiError {
    use ApplicationError as E;
    match error {
        E::NotFound(name) => ApiError::client(
            "ApplicationDoesNotExistException",
            format!("No application found for name: {name}"),
        ),
        E::AlreadyExists(name) => ApiError::client(
            "ApplicationAlreadyExistsException",
            format!("An application named `{name}` already exists."),
        ),
        E::LimitExceeded(max) => ApiError::client(
            "ApplicationLimitExceededException",
            format!("The account may have at most {max} applications."),
        ),
        E::Store(source) => ApiError::internal(source),
    }
}
