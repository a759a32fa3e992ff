//! Load balancers, deployment styles and blue/green settings. Source: service.md §2.4 and §2.4.3.

use longshore_model::traffic::{
    BlueGreen, DeploymentType, GreenFleet, LoadBalancers, OriginalHosts, ReadyOption, Traffic, TrafficChange,
    TrafficError, TrafficOption,
};

use super::quoted;
use crate::api::shapes::{
    BlueGreenDeploymentConfiguration, BlueInstanceTerminationOption, DeploymentReadyOption, DeploymentStyle,
    ELBInfo, GreenFleetProvisioningOption, LoadBalancerInfo, TargetGroupInfo,
};
use crate::error::ApiError;

const MAX_LOAD_BALANCERS: usize = 10;
const MAX_WAIT_MINUTES: u16 = 2880;
const STYLE: &str = "InvalidDeploymentStyleException";
const BALANCERS: &str = "InvalidLoadBalancerInfoException";
const BLUE_GREEN: &str = "InvalidBlueGreenDeploymentConfigurationException";

/// `deploymentStyle`; either member may be given alone.
pub(super) fn style(shape: Option<&DeploymentStyle>, change: &mut TrafficChange) -> Result<(), ApiError> {
    let Some(shape) = shape else { return Ok(()) };
    change.deployment_type = match shape.deployment_type.as_deref() {
        None | Some("") => None,
        Some("IN_PLACE") => Some(DeploymentType::InPlace),
        Some("BLUE_GREEN") => Some(DeploymentType::BlueGreen),
        Some(other) => return Err(refused(STYLE, format!("{} is not a deployment type.", quoted(other)))),
    };
    change.option = match shape.deployment_option.as_deref() {
        None | Some("") => None,
        Some("WITHOUT_TRAFFIC_CONTROL") => Some(TrafficOption::WithoutTrafficControl),
        Some("WITH_TRAFFIC_CONTROL") => Some(TrafficOption::WithTrafficControl),
        Some(other) => return Err(refused(STYLE, format!("{} is not a deployment option.", quoted(other)))),
    };
    Ok(())
}

/// `loadBalancerInfo`; an object that names nothing clears the setting.
pub(super) fn load_balancers(
    info: Option<LoadBalancerInfo>,
    change: &mut TrafficChange,
) -> Result<(), ApiError> {
    let Some(info) = info else { return Ok(()) };
    if info.target_group_pair_info_list.as_ref().is_some_and(|pairs| !pairs.is_empty()) {
        return Err(refused(
            "InvalidTargetGroupPairException",
            "Target group pairs are not for compute platform `Server`.",
        ));
    }
    let classic = info.elb_info_list.into_iter().flatten().map(|balancer| balancer.name);
    let groups = info.target_group_info_list.into_iter().flatten().map(|group| group.name);
    let balancers = LoadBalancers { classic: all_named(classic)?, target_groups: all_named(groups)? };
    if MAX_LOAD_BALANCERS < balancers.classic.len() || MAX_LOAD_BALANCERS < balancers.target_groups.len() {
        return Err(refused(
            BALANCERS,
            format!(
                "At most {MAX_LOAD_BALANCERS} load balancers and {MAX_LOAD_BALANCERS} target groups are allowed."
            ),
        ));
    }
    change.load_balancers = Some(balancers);
    Ok(())
}

fn all_named(names: impl Iterator<Item = Option<String>>) -> Result<Vec<String>, ApiError> {
    names
        .map(|name| {
            name.filter(|name| !name.is_empty())
                .ok_or_else(|| refused(BALANCERS, "A load balancer or target group has no name."))
        })
        .collect()
}

/// `blueGreenDeploymentConfiguration`; an empty object clears the setting.
pub(super) fn blue_green(
    shape: Option<&BlueGreenDeploymentConfiguration>,
    change: &mut TrafficChange,
) -> Result<(), ApiError> {
    let Some(shape) = shape else { return Ok(()) };
    let provisioning = shape.green_fleet_provisioning_option.as_ref().map(provisioning).transpose()?;
    let ready = shape.deployment_ready_option.as_ref().map(ready).transpose()?;
    let original = shape.terminate_blue_instances_on_deployment_success.as_ref().map(original).transpose()?;
    change.blue_green = Some(BlueGreen { provisioning, ready, original });
    Ok(())
}

fn provisioning(shape: &GreenFleetProvisioningOption) -> Result<GreenFleet, ApiError> {
    match shape.action.as_deref() {
        None | Some("" | "DISCOVER_EXISTING") => Ok(GreenFleet::DiscoverExisting),
        Some("COPY_AUTO_SCALING_GROUP") => Ok(GreenFleet::CopyAutoScalingGroup),
        Some(other) => Err(refused(BLUE_GREEN, format!("{} is not a provisioning action.", quoted(other)))),
    }
}

fn ready(shape: &DeploymentReadyOption) -> Result<ReadyOption, ApiError> {
    let wait = shape.wait_time_in_minutes.map(wait_minutes).transpose()?;
    match (shape.action_on_timeout.as_deref(), wait) {
        (Some("STOP_DEPLOYMENT"), wait_minutes) => Ok(ReadyOption::Stop { wait_minutes }),
        (None | Some("" | "CONTINUE_DEPLOYMENT"), None | Some(0)) => Ok(ReadyOption::Continue),
        (None | Some("" | "CONTINUE_DEPLOYMENT"), Some(_)) => {
            Err(refused(BLUE_GREEN, "A wait is only for the action STOP_DEPLOYMENT."))
        }
        (Some(other), _) => Err(refused(
            BLUE_GREEN,
            format!("{} is not one of CONTINUE_DEPLOYMENT and STOP_DEPLOYMENT.", quoted(other)),
        )),
    }
}

fn original(shape: &BlueInstanceTerminationOption) -> Result<OriginalHosts, ApiError> {
    let wait = shape.termination_wait_time_in_minutes.map(wait_minutes).transpose()?;
    match (shape.action.as_deref(), wait) {
        (None | Some("" | "TERMINATE"), wait) => {
            Ok(OriginalHosts::Terminate { wait_minutes: wait.unwrap_or_default() })
        }
        (Some("KEEP_ALIVE"), None | Some(0)) => Ok(OriginalHosts::KeepAlive),
        (Some("KEEP_ALIVE"), Some(_)) => Err(refused(BLUE_GREEN, "A wait is only for the action TERMINATE.")),
        (Some(other), _) => {
            Err(refused(BLUE_GREEN, format!("{} is not one of KEEP_ALIVE and TERMINATE.", quoted(other))))
        }
    }
}

fn wait_minutes(minutes: i32) -> Result<u16, ApiError> {
    let in_range = u16::try_from(minutes).ok().filter(|minutes| *minutes <= MAX_WAIT_MINUTES);
    in_range.ok_or_else(|| {
        refused(BLUE_GREEN, format!("{minutes} is not a wait: 0 to {MAX_WAIT_MINUTES} minutes."))
    })
}

fn refused(exception: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::client(exception, message)
}

/// The exception for settings that do not go together.
pub fn traffic_refused(error: TrafficError) -> ApiError {
    match error {
        TrafficError::BlueGreenWithoutControl => {
            refused(STYLE, "A blue/green deployment needs the option WITH_TRAFFIC_CONTROL.")
        }
        TrafficError::NoLoadBalancer => {
            refused(BALANCERS, "The option WITH_TRAFFIC_CONTROL needs a load balancer.")
        }
        TrafficError::NotOneAutoScalingGroup => {
            refused(BLUE_GREEN, "COPY_AUTO_SCALING_GROUP needs exactly one Auto Scaling group.")
        }
        TrafficError::OnPremisesInBlueGreen => {
            refused(BLUE_GREEN, "On-premises instances cannot take part in blue/green deployments.")
        }
    }
}

/// `deploymentStyle` as the API answers it: always whole.
pub(super) fn from_style(traffic: &Traffic) -> DeploymentStyle {
    let deployment_type = match traffic.deployment_type {
        DeploymentType::InPlace => "IN_PLACE",
        DeploymentType::BlueGreen => "BLUE_GREEN",
    };
    let option = match traffic.option {
        TrafficOption::WithoutTrafficControl => "WITHOUT_TRAFFIC_CONTROL",
        TrafficOption::WithTrafficControl => "WITH_TRAFFIC_CONTROL",
    };
    DeploymentStyle {
        deployment_type: Some(deployment_type.to_owned()),
        deployment_option: Some(option.to_owned()),
    }
}

/// `loadBalancerInfo` as the API answers it, when it is set.
pub(super) fn from_load_balancers(balancers: &LoadBalancers) -> Option<LoadBalancerInfo> {
    if balancers.is_empty() {
        return None;
    }
    let classic = balancers.classic.iter().map(|name| ELBInfo { name: Some(name.clone()) }).collect();
    let groups =
        balancers.target_groups.iter().map(|name| TargetGroupInfo { name: Some(name.clone()) }).collect();
    Some(LoadBalancerInfo {
        elb_info_list: Some(classic).filter(|list: &Vec<ELBInfo>| !list.is_empty()),
        target_group_info_list: Some(groups).filter(|list: &Vec<TargetGroupInfo>| !list.is_empty()),
        target_group_pair_info_list: None,
    })
}

/// `blueGreenDeploymentConfiguration` as the API answers it, when it is set: the parts that were given,
/// with their defaults.
pub(super) fn from_blue_green(settings: &BlueGreen) -> Option<BlueGreenDeploymentConfiguration> {
    if settings.is_empty() {
        return None;
    }
    let text = |text: &str| Some(text.to_owned());
    Some(BlueGreenDeploymentConfiguration {
        green_fleet_provisioning_option: settings.provisioning.map(|fleet| GreenFleetProvisioningOption {
            action: match fleet {
                GreenFleet::DiscoverExisting => text("DISCOVER_EXISTING"),
                GreenFleet::CopyAutoScalingGroup => text("COPY_AUTO_SCALING_GROUP"),
            },
        }),
        deployment_ready_option: settings.ready.map(|ready| match ready {
            ReadyOption::Continue => DeploymentReadyOption {
                action_on_timeout: text("CONTINUE_DEPLOYMENT"),
                wait_time_in_minutes: None,
            },
            ReadyOption::Stop { wait_minutes } => DeploymentReadyOption {
                action_on_timeout: text("STOP_DEPLOYMENT"),
                wait_time_in_minutes: wait_minutes.map(i32::from),
            },
        }),
        terminate_blue_instances_on_deployment_success: settings.original.map(|original| match original {
            OriginalHosts::Terminate { wait_minutes } => BlueInstanceTerminationOption {
                action: text("TERMINATE"),
                termination_wait_time_in_minutes: Some(i32::from(wait_minutes)),
            },
            OriginalHosts::KeepAlive => BlueInstanceTerminationOption {
                action: text("KEEP_ALIVE"),
                termination_wait_time_in_minutes: None,
            },
        }),
    })
}
