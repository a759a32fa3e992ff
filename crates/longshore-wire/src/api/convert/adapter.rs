//! Members about services beside this one: triggers, alarms, load balancers, Auto Scaling, blue/green.
//!
//! They are checked whole, as the tables of service.md §2.4 say; what is valid is then refused as not
//! available yet by whoever holds the member, so that no setting is accepted and ignored.

use super::{arn, duplicate, quoted};
use crate::api::shapes::{
    self, AlarmConfiguration, BlueGreenDeploymentConfiguration, DeploymentStyle, EC2DeploymentOptions,
    LoadBalancerInfo, TriggerConfig,
};
use crate::error::ApiError;

const MAX_TRIGGERS: usize = 10;
const MAX_ALARMS: usize = 10;
const MAX_LOAD_BALANCERS: usize = 10;
const MAX_AUTO_SCALING_GROUPS: usize = 10;
const MAX_WAIT_MINUTES: i32 = 2880;
const ALARM_NAME_CHARS: usize = 255;

/// `autoScalingGroups`.
pub(super) fn check_auto_scaling_groups(names: &[String]) -> Result<(), ApiError> {
    let refused = |message: String| Err(ApiError::client("InvalidAutoScalingGroupException", message));
    if MAX_AUTO_SCALING_GROUPS < names.len() {
        return refused(format!(
            "{} Auto Scaling groups were given; at most {MAX_AUTO_SCALING_GROUPS} are allowed.",
            names.len()
        ));
    }
    if names.iter().any(String::is_empty) {
        return refused(String::from("An Auto Scaling group has no name."));
    }
    match duplicate(names) {
        Some(name) => refused(format!("The Auto Scaling group {} is given twice.", quoted(name))),
        None => Ok(()),
    }
}

/// `autoScalingGroups` against the fleet registry, which is empty as long as there is none.
pub(super) fn check_auto_scaling_groups_known(names: &[String]) -> Result<(), ApiError> {
    let Some(name) = names.first() else { return Ok(()) };
    let message = format!("There is no Auto Scaling group {}: this server knows none.", quoted(name));
    Err(ApiError::client("InvalidAutoScalingGroupException", message))
}

/// `triggerConfigurations`.
pub(super) fn check_triggers(triggers: &[TriggerConfig]) -> Result<(), ApiError> {
    if MAX_TRIGGERS < triggers.len() {
        let message = format!("{} triggers were given; at most {MAX_TRIGGERS} are allowed.", triggers.len());
        return Err(ApiError::client("TriggerTargetsLimitExceededException", message));
    }
    for trigger in triggers {
        if let Some(broken) = broken_trigger(trigger) {
            return Err(ApiError::client("InvalidTriggerConfigException", broken));
        }
    }
    let names: Vec<&str> = triggers.iter().filter_map(|trigger| trigger.trigger_name.as_deref()).collect();
    match duplicate(&names) {
        Some(name) => Err(ApiError::client(
            "InvalidTriggerConfigException",
            format!("The trigger name {} is given twice.", quoted(name)),
        )),
        None => Ok(()),
    }
}

fn broken_trigger(trigger: &TriggerConfig) -> Option<String> {
    let name = trigger.trigger_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Some(String::from("A trigger has no name."));
    }
    let target = trigger.trigger_target_arn.as_deref().unwrap_or_default();
    if !arn::is_topic(target) && !target.starts_with("https://") {
        return Some(format!("The trigger {} has no SNS topic ARN: {}.", quoted(name), quoted(target)));
    }
    let events = trigger.trigger_events.as_deref().unwrap_or_default();
    if events.is_empty() {
        return Some(format!("The trigger {} has no event.", quoted(name)));
    }
    if let Some(event) = events.iter().find(|event| !shapes::TRIGGER_EVENT_TYPE.contains(&event.as_str())) {
        return Some(format!("{} is not a trigger event.", quoted(event)));
    }
    duplicate(events)
        .map(|event| format!("The trigger {} has the event {} twice.", quoted(name), quoted(event)))
}

/// `alarmConfiguration` and `overrideAlarmConfiguration`. Answers whether it asks for anything.
pub(super) fn check_alarms(configuration: &AlarmConfiguration) -> Result<bool, ApiError> {
    let refused = |message: String| Err(ApiError::client("InvalidAlarmConfigException", message));
    let Some(alarms) = &configuration.alarms else {
        return refused(String::from("The alarm configuration has no list of alarms."));
    };
    let names: Vec<&str> = alarms.iter().map(|alarm| alarm.name.as_deref().unwrap_or_default()).collect();
    if let Some(name) = names.iter().find(|name| name.is_empty() || ALARM_NAME_CHARS < name.chars().count()) {
        return refused(format!(
            "{} is not an alarm name: 1 to {ALARM_NAME_CHARS} characters.",
            quoted(name)
        ));
    }
    if let Some(name) = duplicate(&names) {
        return refused(format!("The alarm {} is given twice.", quoted(name)));
    }
    let is_enabled = configuration.enabled.unwrap_or_default();
    if is_enabled && names.is_empty() {
        return refused(String::from("An enabled alarm configuration needs at least one alarm."));
    }
    if MAX_ALARMS < names.len() {
        let message = format!("{} alarms were given; at most {MAX_ALARMS} are allowed.", names.len());
        return Err(ApiError::client("AlarmsLimitExceededException", message));
    }
    Ok(is_enabled || !names.is_empty())
}

/// The two choices of a deployment style; the defaults are in place and without traffic control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) is_blue_green: bool,
    pub(super) has_traffic_control: bool,
}

/// `deploymentStyle`.
pub(super) fn style(shape: Option<&DeploymentStyle>) -> Result<Style, ApiError> {
    let refused = |message: String| Err(ApiError::client("InvalidDeploymentStyleException", message));
    let Some(shape) = shape else { return Ok(Style::default()) };
    let is_blue_green = match shape.deployment_type.as_deref() {
        None | Some("" | "IN_PLACE") => false,
        Some("BLUE_GREEN") => true,
        Some(other) => return refused(format!("{} is not a deployment type.", quoted(other))),
    };
    let has_traffic_control = match shape.deployment_option.as_deref() {
        None | Some("" | "WITHOUT_TRAFFIC_CONTROL") => false,
        Some("WITH_TRAFFIC_CONTROL") => true,
        Some(other) => return refused(format!("{} is not a deployment option.", quoted(other))),
    };
    if is_blue_green && !has_traffic_control {
        return refused(String::from("A blue/green deployment needs the option WITH_TRAFFIC_CONTROL."));
    }
    Ok(Style { is_blue_green, has_traffic_control })
}

/// `loadBalancerInfo`. Answers whether it names any load balancer.
pub(super) fn check_load_balancers(info: Option<&LoadBalancerInfo>, style: Style) -> Result<bool, ApiError> {
    let refused = |message: String| Err(ApiError::client("InvalidLoadBalancerInfoException", message));
    let empty = LoadBalancerInfo::default();
    let info = info.unwrap_or(&empty);
    if info.target_group_pair_info_list.as_ref().is_some_and(|pairs| !pairs.is_empty()) {
        return Err(ApiError::client(
            "InvalidTargetGroupPairException",
            "Target group pairs are not for compute platform `Server`.",
        ));
    }
    let classic: Vec<Option<&str>> =
        info.elb_info_list.iter().flatten().map(|balancer| balancer.name.as_deref()).collect();
    let groups: Vec<Option<&str>> =
        info.target_group_info_list.iter().flatten().map(|group| group.name.as_deref()).collect();
    if MAX_LOAD_BALANCERS < classic.len() || MAX_LOAD_BALANCERS < groups.len() {
        return refused(format!(
            "At most {MAX_LOAD_BALANCERS} load balancers and {MAX_LOAD_BALANCERS} target groups are allowed."
        ));
    }
    if classic.iter().chain(&groups).any(|name| name.is_none_or(str::is_empty)) {
        return refused(String::from("A load balancer or target group has no name."));
    }
    let has_any = !classic.is_empty() || !groups.is_empty();
    if style.has_traffic_control && !has_any {
        return refused(String::from("The option WITH_TRAFFIC_CONTROL needs a load balancer."));
    }
    Ok(has_any)
}

/// `blueGreenDeploymentConfiguration`.
pub(super) fn check_blue_green(
    configuration: &BlueGreenDeploymentConfiguration,
    n_auto_scaling_groups: usize,
) -> Result<(), ApiError> {
    let green = configuration.green_fleet_provisioning_option.as_ref();
    match green.and_then(|option| option.action.as_deref()) {
        None | Some("" | "DISCOVER_EXISTING") => {}
        Some("COPY_AUTO_SCALING_GROUP") if n_auto_scaling_groups == 1 => {}
        Some("COPY_AUTO_SCALING_GROUP") => {
            return Err(blue_green("COPY_AUTO_SCALING_GROUP needs exactly one Auto Scaling group."));
        }
        Some(other) => return Err(blue_green(format!("{} is not a provisioning action.", quoted(other)))),
    }
    if let Some(ready) = &configuration.deployment_ready_option {
        check_wait(
            ready.action_on_timeout.as_deref(),
            ("CONTINUE_DEPLOYMENT", "STOP_DEPLOYMENT"),
            ready.wait_time_in_minutes,
        )?;
    }
    if let Some(blue) = &configuration.terminate_blue_instances_on_deployment_success {
        // Here the default action is the one that may have a wait.
        let action = blue.action.as_deref().filter(|action| !action.is_empty()).or(Some("TERMINATE"));
        check_wait(action, ("KEEP_ALIVE", "TERMINATE"), blue.termination_wait_time_in_minutes)?;
    }
    Ok(())
}

/// On-premises hosts cannot take part in blue/green deployments.
pub(super) fn blue_green(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidBlueGreenDeploymentConfigurationException", message)
}

/// One of two actions, of which only the second may have a wait.
fn check_wait(action: Option<&str>, known: (&str, &str), minutes: Option<i32>) -> Result<(), ApiError> {
    let (without_wait, with_wait) = known;
    let action = action.filter(|action| !action.is_empty()).unwrap_or(without_wait);
    if action != without_wait && action != with_wait {
        return Err(blue_green(format!("{} is not one of {without_wait} and {with_wait}.", quoted(action))));
    }
    match minutes {
        None | Some(0) => Ok(()),
        Some(_) if action == without_wait => {
            Err(blue_green(format!("A wait is only for the action {with_wait}.")))
        }
        Some(1..=MAX_WAIT_MINUTES) => Ok(()),
        Some(minutes) => {
            Err(blue_green(format!("{minutes} is not a wait: 0 to {MAX_WAIT_MINUTES} minutes.")))
        }
    }
}

/// `ec2DeploymentOptions`. Answers whether it names any process.
pub(super) fn check_ec2_options(options: Option<&EC2DeploymentOptions>) -> Result<bool, ApiError> {
    let names = options
        .and_then(|options| options.auto_scaling_group_processes_to_suspend.as_deref())
        .unwrap_or_default();
    let refused =
        |message| Err(ApiError::client("InvalidAutoScalingGroupProcessToSuspendException", message));
    if let Some(name) = names.iter().find(|name| !shapes::AUTO_SCALING_GROUP_PROCESS.contains(&name.as_str()))
    {
        return refused(format!("{} is not a process that can be suspended.", quoted(name)));
    }
    // So there are never more than the model allows.
    if let Some(name) = duplicate(names) {
        return refused(format!("The process {} is named twice.", quoted(name)));
    }
    Ok(!names.is_empty())
}
