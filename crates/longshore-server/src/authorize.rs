//! Who may do what with which resource. Source: service.md §11.

use longshore_bundles::Principal;
use longshore_model::id::{ApplicationName, DeploymentConfigName, DeploymentGroupName, HostName};
use longshore_model::policy::{self, Decision};
use longshore_wire::error::ApiError;

use crate::app::App;

/// What an operation is about, as policies name it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource<'a> {
    /// One application.
    Application(&'a ApplicationName),
    /// All applications.
    Applications,
    /// One deployment group.
    Group(&'a ApplicationName, &'a DeploymentGroupName),
    /// All groups of one application.
    Groups(&'a ApplicationName),
    /// Some group: a deployment that nobody knows has none.
    SomeGroup,
    /// One deployment config.
    Config(&'a DeploymentConfigName),
    /// All deployment configs.
    Configs,
    /// One on-premises instance.
    Host(&'a HostName),
    /// Some on-premises instance.
    Hosts,
    /// Everything.
    All,
}

impl Resource<'_> {
    fn arn(&self, app: &App) -> String {
        let (kind, id) = match self {
            Resource::Application(name) => ("application:", name.to_string()),
            Resource::Applications => ("application:", String::from("*")),
            Resource::Group(application, group) => ("deploymentgroup:", format!("{application}/{group}")),
            Resource::Groups(application) => ("deploymentgroup:", format!("{application}/*")),
            Resource::SomeGroup => ("deploymentgroup:", String::from("*")),
            Resource::Config(name) => ("deploymentconfig:", name.to_string()),
            Resource::Configs => ("deploymentconfig:", String::from("*")),
            Resource::Host(name) => ("instance/", name.to_string()),
            Resource::Hosts => ("instance/", String::from("*")),
            Resource::All => return String::from("*"),
        };
        format!("arn:aws:codedeploy:{}:{}:{kind}{id}", app.region, app.account_id)
    }
}

/// Refuses `action` (`codedeploy:GetApplication`) on `resource` unless `caller` may do it.
///
/// # Errors
/// `AccessDeniedException`.
pub(crate) fn authorize(
    app: &App,
    caller: &Principal,
    action: &str,
    resource: &Resource<'_>,
) -> Result<(), ApiError> {
    if caller.is_root {
        return Ok(());
    }
    let arn = resource.arn(app);
    match policy::decide(&caller.policies, action, &arn) {
        Decision::Allowed => Ok(()),
        Decision::NotAllowed | Decision::ExplicitlyDenied => {
            Err(ApiError::access_denied(&caller.arn.to_string(), action, &arn))
        }
    }
}
