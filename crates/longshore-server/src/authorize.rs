//! Who may do what with which resource. Source: service.md §11.

use longshore_bundles::Caller;
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupName, Ec2InstanceId, HostName,
};
use longshore_model::policy::{Context, Decision, Denial};
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
    /// One instance of the EC2 inventory.
    Ec2Instance(&'a Ec2InstanceId),
    /// Everything.
    All,
}

impl Resource<'_> {
    /// As policies and denials name it.
    pub(crate) fn arn(&self, app: &App) -> String {
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
            Resource::Ec2Instance(id) => {
                return format!("arn:aws:ec2:{}:{}:instance/{id}", app.region, app.account_id);
            }
            Resource::All => return String::from("*"),
        };
        format!("arn:aws:codedeploy:{}:{}:{kind}{id}", app.region, app.account_id)
    }
}

/// Refuses `action` (`codedeploy:GetApplication`) on the resource called `arn` unless `caller` may do it.
///
/// # Errors
/// `AccessDeniedException`.
pub(crate) fn authorize(caller: &Caller, action: &str, arn: &str, context: &Context) -> Result<(), ApiError> {
    caller.note(arn);
    match caller.principal.decide(action, arn, context) {
        Decision::Allowed => Ok(()),
        decision => Err(ApiError::access_denied(&Denial {
            principal: &caller.arn.0,
            action,
            resource: arn,
            decision,
        })),
    }
}
