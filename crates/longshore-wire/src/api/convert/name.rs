//! Names and ids as members, each with its two exceptions. Source: service.md §2.0 and §1.9.

use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupName, DeploymentId, GitHubTokenName, HostName,
    NameError,
};

use super::quoted;
use crate::error::ApiError;

/// `applicationName`.
///
/// # Errors
/// `ApplicationNameRequiredException`, `InvalidApplicationNameException`.
pub fn application(text: Option<&str>) -> Result<ApplicationName, ApiError> {
    named(
        ApplicationName::required(text),
        "ApplicationNameRequiredException",
        "InvalidApplicationNameException",
    )
}

/// `deploymentGroupName`.
///
/// # Errors
/// `DeploymentGroupNameRequiredException`, `InvalidDeploymentGroupNameException`.
pub fn deployment_group(text: Option<&str>) -> Result<DeploymentGroupName, ApiError> {
    let (required, invalid) = ("DeploymentGroupNameRequiredException", "InvalidDeploymentGroupNameException");
    match DeploymentGroupName::required(text) {
        // The text is AWS's own; tools match on it.
        Err(NameError::Missing { .. }) => Err(ApiError::client(required, "Deployment Group name is missing")),
        parsed => named(parsed, required, invalid),
    }
}

/// `deploymentConfigName`.
///
/// # Errors
/// `DeploymentConfigNameRequiredException`, `InvalidDeploymentConfigNameException`.
pub fn deployment_config(text: Option<&str>) -> Result<DeploymentConfigName, ApiError> {
    named(
        DeploymentConfigName::required(text),
        "DeploymentConfigNameRequiredException",
        "InvalidDeploymentConfigNameException",
    )
}

/// `deploymentConfigName` where it may be left out.
///
/// # Errors
/// `InvalidDeploymentConfigNameException`.
pub fn optional_deployment_config(text: Option<&str>) -> Result<Option<DeploymentConfigName>, ApiError> {
    match text {
        None | Some("") => Ok(None),
        Some(_) => deployment_config(text).map(Some),
    }
}

/// `instanceName`.
///
/// # Errors
/// `InstanceNameRequiredException`, `InvalidInstanceNameException`.
pub fn host(text: Option<&str>) -> Result<HostName, ApiError> {
    named(HostName::required(text), "InstanceNameRequiredException", "InvalidInstanceNameException")
}

/// `tokenName` of a token for a GitHub account.
///
/// # Errors
/// `GitHubAccountTokenNameRequiredException`, `InvalidGitHubAccountTokenNameException`.
pub fn git_hub_token(text: Option<&str>) -> Result<GitHubTokenName, ApiError> {
    named(
        GitHubTokenName::required(text),
        "GitHubAccountTokenNameRequiredException",
        "InvalidGitHubAccountTokenNameException",
    )
}

/// `deploymentId`.
///
/// # Errors
/// `DeploymentIdRequiredException`, `InvalidDeploymentIdException`.
pub fn deployment(text: Option<&str>) -> Result<DeploymentId, ApiError> {
    let (required, invalid) = ("DeploymentIdRequiredException", "InvalidDeploymentIdException");
    match DeploymentId::required(text) {
        // The text is AWS's own; tools match on it.
        Err(NameError::Invalid { value, .. }) => Err(ApiError::client(
            invalid,
            format!(
                "Specified DeploymentId is not in the valid format: {}",
                quoted(&value).trim_matches('`')
            ),
        )),
        parsed => named(parsed, required, invalid),
    }
}

fn named<T>(
    parsed: Result<T, NameError>,
    required: &'static str,
    invalid: &'static str,
) -> Result<T, ApiError> {
    parsed.map_err(|error| match error {
        NameError::Missing { kind } => ApiError::client(required, format!("The {kind} is missing.")),
        NameError::Invalid { kind, value, rule } => {
            ApiError::client(invalid, format!("The {kind} {} is not valid: {rule}.", quoted(&value)))
        }
    })
}
