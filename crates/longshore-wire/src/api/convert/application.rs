//! Applications. Source: service.md §2.1 and §3.1.

use longshore_model::application::{Application, ResourceTag};
use longshore_model::id::ApplicationName;

use super::{COMPUTE_PLATFORM, compute_platform, name, non_empty, tag};
use crate::api::shapes::{
    ApplicationInfo, BatchGetApplicationsInput, CreateApplicationInput, UpdateApplicationInput,
};
use crate::error::ApiError;

/// The most applications in one batch.
const MAX_BATCH: usize = 100;

/// `CreateApplication`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApplication {
    /// Its name.
    pub name: ApplicationName,
    /// Its tags.
    pub tags: Vec<ResourceTag>,
}

/// `UpdateApplication`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationRename {
    /// The present name.
    pub from: ApplicationName,
    /// The new name; without one nothing changes.
    pub to: Option<ApplicationName>,
}

/// Checks `CreateApplication`.
///
/// # Errors
/// The name, `InvalidComputePlatformException`, `InvalidTagsToAddException`.
pub fn new_application(input: CreateApplicationInput) -> Result<NewApplication, ApiError> {
    let name = name::application(input.application_name.as_deref())?;
    compute_platform(input.compute_platform.as_deref())?;
    Ok(NewApplication { name, tags: tag::resource_tags(input.tags)? })
}

/// Checks `UpdateApplication`.
///
/// # Errors
/// The names.
pub fn application_rename(input: UpdateApplicationInput) -> Result<ApplicationRename, ApiError> {
    let from = name::application(input.application_name.as_deref())?;
    let to = match non_empty(input.new_application_name) {
        Some(new_name) => Some(name::application(Some(&new_name))?),
        None => None,
    };
    Ok(ApplicationRename { from, to })
}

/// Checks `BatchGetApplications`: names in the order of the request, each once.
///
/// # Errors
/// `ApplicationNameRequiredException`, `BatchLimitExceededException`, `InvalidApplicationNameException`.
pub fn application_batch(input: BatchGetApplicationsInput) -> Result<Vec<ApplicationName>, ApiError> {
    let names = input.application_names.unwrap_or_default();
    if names.is_empty() {
        return Err(ApiError::client(
            "ApplicationNameRequiredException",
            "At least one application name is required.",
        ));
    }
    if MAX_BATCH < names.len() {
        return Err(ApiError::client(
            "BatchLimitExceededException",
            format!("{} applications were asked for; at most {MAX_BATCH} are allowed.", names.len()),
        ));
    }
    let mut checked: Vec<ApplicationName> = Vec::with_capacity(names.len());
    for text in names {
        let name = name::application(Some(&text))?;
        if !checked.contains(&name) {
            checked.push(name);
        }
    }
    Ok(checked)
}

/// An application as the API answers it.
pub fn application_info(application: &Application) -> ApplicationInfo {
    ApplicationInfo {
        application_id: Some(application.id.to_string()),
        application_name: Some(application.name.to_string()),
        create_time: Some(application.created_at.into()),
        linked_to_git_hub: Some(application.git_hub_token.is_some()),
        git_hub_account_name: application.git_hub_token.as_ref().map(ToString::to_string),
        compute_platform: Some(COMPUTE_PLATFORM.to_owned()),
    }
}
