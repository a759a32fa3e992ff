//! Triggers, alarms, Auto Scaling groups and their processes. Source: service.md §2.4,
//! service-additions.md §3.

use longshore_model::watch::{Alarms, ScalingProcess, Trigger, TriggerEvent};

use super::{arn, duplicate, quoted};
use crate::api::shapes::{Alarm, AlarmConfiguration, EC2DeploymentOptions, TriggerConfig};
use crate::error::ApiError;

const MAX_TRIGGERS: usize = 10;
const MAX_ALARMS: usize = 10;
const MAX_AUTO_SCALING_GROUPS: usize = 10;
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
pub(super) fn triggers(shapes: Vec<TriggerConfig>) -> Result<Vec<Trigger>, ApiError> {
    if MAX_TRIGGERS < shapes.len() {
        let message = format!("{} triggers were given; at most {MAX_TRIGGERS} are allowed.", shapes.len());
        return Err(ApiError::client("TriggerTargetsLimitExceededException", message));
    }
    let triggers = shapes.into_iter().map(trigger).collect::<Result<Vec<Trigger>, ApiError>>()?;
    let names: Vec<&str> = triggers.iter().map(|trigger| trigger.name.as_str()).collect();
    match duplicate(&names) {
        Some(name) => Err(bad_trigger(format!("The trigger name {} is given twice.", quoted(name)))),
        None => Ok(triggers),
    }
}

fn trigger(shape: TriggerConfig) -> Result<Trigger, ApiError> {
    let name = shape.trigger_name.unwrap_or_default();
    if name.is_empty() {
        return Err(bad_trigger("A trigger has no name."));
    }
    let target = shape.trigger_target_arn.unwrap_or_default();
    if !arn::is_topic(&target) && !target.starts_with("https://") {
        let message = format!("The trigger {} has no SNS topic ARN: {}.", quoted(&name), quoted(&target));
        return Err(bad_trigger(message));
    }
    let names = shape.trigger_events.unwrap_or_default();
    if names.is_empty() {
        return Err(bad_trigger(format!("The trigger {} has no event.", quoted(&name))));
    }
    let event = |text: &String| {
        TriggerEvent::from_name(text)
            .ok_or_else(|| bad_trigger(format!("{} is not a trigger event.", quoted(text))))
    };
    let events = names.iter().map(event).collect::<Result<Vec<TriggerEvent>, ApiError>>()?;
    if let Some(event) = duplicate(&events) {
        let message = format!("The trigger {} has the event `{}` twice.", quoted(&name), event.as_str());
        return Err(bad_trigger(message));
    }
    Ok(Trigger { name, target, events })
}

fn bad_trigger(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidTriggerConfigException", message)
}

/// `triggerConfigurations` as the API answers them.
pub(super) fn from_triggers(triggers: &[Trigger]) -> Vec<TriggerConfig> {
    let shape = |trigger: &Trigger| TriggerConfig {
        trigger_name: Some(trigger.name.clone()),
        trigger_target_arn: Some(trigger.target.clone()),
        trigger_events: Some(trigger.events.iter().map(|event| event.as_str().to_owned()).collect()),
    };
    triggers.iter().map(shape).collect()
}

/// `alarmConfiguration` and `overrideAlarmConfiguration`.
pub(super) fn alarms(shape: AlarmConfiguration) -> Result<Alarms, ApiError> {
    let refused = |message: String| Err(ApiError::client("InvalidAlarmConfigException", message));
    let Some(alarms) = shape.alarms else {
        return refused(String::from("The alarm configuration has no list of alarms."));
    };
    let names: Vec<String> = alarms.into_iter().map(|alarm| alarm.name.unwrap_or_default()).collect();
    if let Some(name) = names.iter().find(|name| name.is_empty() || ALARM_NAME_CHARS < name.chars().count()) {
        return refused(format!(
            "{} is not an alarm name: 1 to {ALARM_NAME_CHARS} characters.",
            quoted(name)
        ));
    }
    if let Some(name) = duplicate(&names) {
        return refused(format!("The alarm {} is given twice.", quoted(name)));
    }
    let is_enabled = shape.enabled.unwrap_or_default();
    if is_enabled && names.is_empty() {
        return refused(String::from("An enabled alarm configuration needs at least one alarm."));
    }
    if MAX_ALARMS < names.len() {
        let message = format!("{} alarms were given; at most {MAX_ALARMS} are allowed.", names.len());
        return Err(ApiError::client("AlarmsLimitExceededException", message));
    }
    let ignore_poll_failure = shape.ignore_poll_alarm_failure.unwrap_or_default();
    Ok(Alarms { is_enabled, ignore_poll_failure, names })
}

/// An alarm configuration as the API answers it.
pub(super) fn from_alarms(alarms: &Alarms) -> AlarmConfiguration {
    AlarmConfiguration {
        alarms: Some(alarms.names.iter().map(|name| Alarm { name: Some(name.clone()) }).collect()),
        enabled: Some(alarms.is_enabled),
        ignore_poll_alarm_failure: Some(alarms.ignore_poll_failure),
    }
}

/// `ec2DeploymentOptions`; an empty list clears the setting.
pub(super) fn processes_to_suspend(
    options: Option<EC2DeploymentOptions>,
) -> Result<Option<Vec<ScalingProcess>>, ApiError> {
    let Some(names) = options.and_then(|options| options.auto_scaling_group_processes_to_suspend) else {
        return Ok(None);
    };
    let refused = |message| ApiError::client("InvalidAutoScalingGroupProcessToSuspendException", message);
    let process = |name: &String| {
        ScalingProcess::from_name(name)
            .ok_or_else(|| refused(format!("{} is not a process that can be suspended.", quoted(name))))
    };
    let processes = names.iter().map(process).collect::<Result<Vec<ScalingProcess>, ApiError>>()?;
    // So there are never more than the model allows.
    match duplicate(&processes) {
        Some(twice) => Err(refused(format!("The process `{}` is named twice.", twice.as_str()))),
        None => Ok(Some(processes)),
    }
}

/// `ec2DeploymentOptions` as the API answers it, when it is set.
pub(super) fn from_processes(processes: &[ScalingProcess]) -> Option<EC2DeploymentOptions> {
    let names: Vec<String> = processes.iter().map(|process| process.as_str().to_owned()).collect();
    (!names.is_empty())
        .then_some(EC2DeploymentOptions { auto_scaling_group_processes_to_suspend: Some(names) })
}
