//! Targets, and the older view of them as instances. Source: service.md §2.10 and §3.6.

use std::collections::BTreeMap;

use longshore_model::id::{DeploymentId, Ec2InstanceId, HostArn, HostId, HostName};
use longshore_model::lifecycle::{self, EventState};
use longshore_model::target::{Target, TargetStatus};

use super::{name, quoted};
use crate::api::shapes::{
    BatchGetDeploymentInstancesInput, BatchGetDeploymentTargetsInput, DeploymentTarget, Diagnostics,
    GetDeploymentInstanceInput, GetDeploymentTargetInput, INSTANCE_TYPE, InstanceSummary, InstanceTarget,
    LifecycleEvent, ListDeploymentInstancesInput, ListDeploymentTargetsInput, TARGET_STATUS,
};
use crate::error::ApiError;

/// The most targets in one batch.
const MAX_BATCH: usize = 25;

/// Which target: its host's short id, or the whole ARN of its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetId {
    /// As given, for messages.
    pub given: String,
    /// The host; absent for what CodeDeploy takes for the id of an EC2 instance and EC2 never gives.
    pub host: Option<HostId>,
    /// The host's ARN, when that was given.
    pub arn: Option<HostArn>,
}

/// `ListDeploymentTargets` and `ListDeploymentInstances`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetList {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Only those with one of these statuses; `Some` of nothing when only statuses were asked for
    /// that no target has here.
    pub statuses: Option<Vec<TargetStatus>>,
    /// Labels exist only in blue/green deployments.
    pub is_by_label: bool,
}

/// Checks `ListDeploymentTargets`.
///
/// # Errors
/// The id, `InvalidTargetFilterNameException`, `InvalidInstanceStatusException`,
/// `InvalidInstanceTypeException`.
pub fn target_list(input: ListDeploymentTargetsInput) -> Result<TargetList, ApiError> {
    let deployment = name::deployment(input.deployment_id.as_deref())?;
    let mut filters: BTreeMap<String, Vec<String>> = input.target_filters.unwrap_or_default();
    let statuses = filters.remove("TargetStatus").unwrap_or_default();
    let labels = filters.remove("ServerInstanceLabel").unwrap_or_default();
    if let Some(unknown) = filters.keys().next() {
        let message = format!("{} is not a target filter.", quoted(unknown));
        return Err(ApiError::client("InvalidTargetFilterNameException", message));
    }
    filtered(deployment, &statuses, &labels)
}

/// Checks `ListDeploymentInstances`.
///
/// # Errors
/// The id, `InvalidInstanceStatusException`, `InvalidInstanceTypeException`.
pub fn instance_list(input: ListDeploymentInstancesInput) -> Result<TargetList, ApiError> {
    let deployment = name::deployment(input.deployment_id.as_deref())?;
    let statuses = input.instance_status_filter.unwrap_or_default();
    filtered(deployment, &statuses, &input.instance_type_filter.unwrap_or_default())
}

/// Checks `GetDeploymentTarget`.
///
/// # Errors
/// The id, `DeploymentTargetIdRequiredException`, `InvalidDeploymentTargetIdException`.
pub fn target_of(input: GetDeploymentTargetInput) -> Result<(DeploymentId, TargetId), ApiError> {
    let deployment = name::deployment(input.deployment_id.as_deref())?;
    Ok((deployment, checked_target_id(input.target_id.as_deref(), &TARGET)?))
}

/// Checks `BatchGetDeploymentTargets`.
///
/// # Errors
/// The id, `DeploymentTargetIdRequiredException`, `DeploymentTargetListSizeExceededException`,
/// `InvalidDeploymentTargetIdException`.
pub fn target_batch(
    input: BatchGetDeploymentTargetsInput,
) -> Result<(DeploymentId, Vec<TargetId>), ApiError> {
    let deployment = name::deployment(input.deployment_id.as_deref())?;
    Ok((deployment, checked_batch(&input.target_ids.unwrap_or_default(), &TARGET)?))
}

/// Checks `GetDeploymentInstance`.
///
/// # Errors
/// The id, `InstanceIdRequiredException`, `InvalidInstanceNameException`.
pub fn instance_of(input: GetDeploymentInstanceInput) -> Result<(DeploymentId, TargetId), ApiError> {
    let deployment = name::deployment(input.deployment_id.as_deref())?;
    Ok((deployment, checked_target_id(input.instance_id.as_deref(), &INSTANCE)?))
}

/// Checks `BatchGetDeploymentInstances`.
///
/// # Errors
/// The id, `InstanceIdRequiredException`, `BatchLimitExceededException`, `InvalidInstanceNameException`.
pub fn instance_batch(
    input: BatchGetDeploymentInstancesInput,
) -> Result<(DeploymentId, Vec<TargetId>), ApiError> {
    let deployment = name::deployment(input.deployment_id.as_deref())?;
    Ok((deployment, checked_batch(&input.instance_ids.unwrap_or_default(), &INSTANCE)?))
}

/// A target as the API answers it.
pub fn deployment_target(target: &Target) -> DeploymentTarget {
    DeploymentTarget {
        deployment_target_type: Some(String::from("InstanceTarget")),
        instance_target: Some(InstanceTarget {
            deployment_id: Some(target.key.deployment.to_string()),
            target_id: Some(target.key.host.to_string()),
            target_arn: Some(target.host_arn.to_string()),
            status: Some(target.status().as_str().to_owned()),
            last_updated_at: Some(target.updated_at.into()),
            lifecycle_events: Some(target.events.iter().map(lifecycle_event).collect()),
            instance_label: None,
        }),
        ..DeploymentTarget::default()
    }
}

/// A target in the older view.
pub fn instance_summary(target: &Target) -> InstanceSummary {
    InstanceSummary {
        deployment_id: Some(target.key.deployment.to_string()),
        instance_id: Some(target.host_arn.to_string()),
        status: Some(target.status().as_str().to_owned()),
        last_updated_at: Some(target.updated_at.into()),
        lifecycle_events: Some(target.events.iter().map(lifecycle_event).collect()),
        instance_type: None,
    }
}

/// The exceptions of one of the two views.
struct IdRules {
    what: &'static str,
    required: &'static str,
    invalid: &'static str,
    too_many: &'static str,
}

const TARGET: IdRules = IdRules {
    what: "target id",
    required: "DeploymentTargetIdRequiredException",
    invalid: "InvalidDeploymentTargetIdException",
    too_many: "DeploymentTargetListSizeExceededException",
};

const INSTANCE: IdRules = IdRules {
    what: "instance id",
    required: "InstanceIdRequiredException",
    invalid: "InvalidInstanceNameException",
    too_many: "BatchLimitExceededException",
};

fn checked_batch(texts: &[String], rules: &IdRules) -> Result<Vec<TargetId>, ApiError> {
    if texts.is_empty() {
        return Err(ApiError::client(rules.required, format!("At least one {} is required.", rules.what)));
    }
    if MAX_BATCH < texts.len() {
        let message =
            format!("{} {}s were asked for; at most {MAX_BATCH} are allowed.", texts.len(), rules.what);
        return Err(ApiError::client(rules.too_many, message));
    }
    let mut ids: Vec<TargetId> = Vec::with_capacity(texts.len());
    for text in texts {
        let id = checked_target_id(Some(text), rules)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn checked_target_id(text: Option<&str>, rules: &IdRules) -> Result<TargetId, ApiError> {
    let text = text.unwrap_or_default();
    if text.is_empty() {
        return Err(ApiError::client(rules.required, format!("The {} is missing.", rules.what)));
    }
    let given = text.to_owned();
    if is_ec2_instance_id(text) {
        return Ok(TargetId { given, host: ec2_host(text), arn: None });
    }
    if let Some(host) = host_of_arn(text) {
        let arn = Some(HostArn(given.clone()));
        return Ok(TargetId { given, host, arn });
    }
    match HostId::parse(text) {
        Ok(host) => Ok(TargetId { given, host: Some(host), arn: None }),
        Err(_) => {
            let message = format!(
                "The {} {} is neither an on-premises instance name, an EC2 instance id, nor an ARN of one.",
                rules.what,
                quoted(text)
            );
            Err(ApiError::client(rules.invalid, message))
        }
    }
}

fn ec2_host(text: &str) -> Option<HostId> {
    Ec2InstanceId::parse(text).ok().map(HostId::Ec2)
}

/// As the service's model has it; of the lengths between, none was ever given.
fn is_ec2_instance_id(text: &str) -> bool {
    text.strip_prefix("i-").is_some_and(|tail| {
        (8..=17).contains(&tail.len())
            && tail.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// `None` when `text` is no ARN of an instance; the inner one when it is one that EC2 never gives.
fn host_of_arn(text: &str) -> Option<Option<HostId>> {
    let resource = text.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    let (kind, id) = resource.split_once(['/', ':'])?;
    if kind != "instance" {
        return None;
    }
    if is_ec2_instance_id(id) {
        return Some(ec2_host(id));
    }
    // The suffix of 10 characters was drawn at registration; names may hold underscores too.
    let (host, _suffix) = id.rsplit_once('_')?;
    HostName::parse(host).ok().map(|name| Some(HostId::OnPremises(name)))
}

fn filtered(
    deployment: DeploymentId,
    statuses: &[String],
    labels: &[String],
) -> Result<TargetList, ApiError> {
    if let Some(unknown) = statuses.iter().find(|name| !TARGET_STATUS.contains(&name.as_str())) {
        let message = format!("{} is not an instance status.", quoted(unknown));
        return Err(ApiError::client("InvalidInstanceStatusException", message));
    }
    if let Some(unknown) = labels.iter().find(|name| !INSTANCE_TYPE.contains(&name.as_str())) {
        let message = format!("{} is not an instance type: Blue or Green.", quoted(unknown));
        return Err(ApiError::client("InvalidInstanceTypeException", message));
    }
    let known = statuses.iter().filter_map(|name| TargetStatus::from_name(name)).collect();
    Ok(TargetList {
        deployment,
        statuses: Some(known).filter(|_| !statuses.is_empty()),
        is_by_label: !labels.is_empty(),
    })
}

fn lifecycle_event(event: &lifecycle::LifecycleEvent) -> LifecycleEvent {
    let (status, start_time, end_time, diagnostics) = match &event.state {
        EventState::Pending => ("Pending", None, None, None),
        EventState::InProgress { started_at, .. } => ("InProgress", Some(*started_at), None, None),
        EventState::Succeeded { started_at, ended_at, diagnostics } => {
            ("Succeeded", Some(*started_at), Some(*ended_at), Some(diagnostics))
        }
        EventState::Failed { started_at, ended_at, diagnostics, .. } => {
            ("Failed", *started_at, Some(*ended_at), Some(diagnostics))
        }
        EventState::Skipped => ("Skipped", None, None, None),
    };
    LifecycleEvent {
        lifecycle_event_name: Some(event.name.as_str().to_owned()),
        status: Some(status.to_owned()),
        start_time: start_time.map(Into::into),
        end_time: end_time.map(Into::into),
        diagnostics: diagnostics.map(|diagnostics| Diagnostics {
            error_code: Some(diagnostics.error_code.as_str().to_owned()),
            script_name: Some(diagnostics.script_name.clone()),
            message: Some(diagnostics.message.clone()),
            log_tail: Some(diagnostics.log_tail.clone()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use longshore_model::lifecycle::CommandCopy;

    use super::*;

    /// The host's id, `unknown`, or the exception.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match checked_target_id(Some(text), &TARGET) {
            Ok(TargetId { host: Some(host), .. }) => host.to_string(),
            Ok(TargetId { host: None, .. }) => String::from("unknown"),
            Err(error) => error.code.into_owned(),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn a_target_is_named_or_given_by_arn() {
        check("web-1", "web-1");
        check("arn:aws:codedeploy:us-east-1:123456789012:instance/web_1_AbCdEf0123", "web_1");
        check("arn:aws:codedeploy:us-east-1:123456789012:instance:web-1_AbCdEf0123", "web-1");
        check("i-0abcdef1234567890", "i-0abcdef1234567890");
        check("i-0abcdef1", "i-0abcdef1");
        check("i-0abcdef123", "unknown");
        check("arn:aws:ec2:us-east-1:123456789012:instance/i-0abcdef1234567890", "i-0abcdef1234567890");
        check("", "DeploymentTargetIdRequiredException");
        check("i-xyz", "InvalidDeploymentTargetIdException");
        check("a/b", "InvalidDeploymentTargetIdException");
        check("arn:aws:s3:::bucket", "InvalidDeploymentTargetIdException");
    }

    /// service.md §5.3 and §2.10: each state with the members that it has, and none is `Unknown`.
    #[test]
    fn every_state_of_an_event_has_its_shape() {
        let at = longshore_model::time::Timestamp::from_millis;
        let diagnostics = || lifecycle::Diagnostics::by_service("it failed");
        let check = |state: EventState, expected: serde_json::Value| {
            let event = lifecycle::LifecycleEvent { name: lifecycle::LifecycleEventName::Install, state };
            assert_eq!(serde_json::to_value(lifecycle_event(&event)).expect("JSON"), expected);
        };
        let name = "Install";
        check(EventState::Pending, json!({ "lifecycleEventName": name, "status": "Pending" }));
        check(EventState::Skipped, json!({ "lifecycleEventName": name, "status": "Skipped" }));
        let running = json!({ "lifecycleEventName": name, "status": "InProgress", "startTime": 1.5 });
        check(EventState::InProgress { started_at: at(1500), copy: CommandCopy(1) }, running);
        let said =
            json!({ "errorCode": "UnknownError", "scriptName": "", "message": "it failed", "logTail": "" });
        let (started_at, ended_at) = (at(1500), at(2500));
        check(
            EventState::Succeeded { started_at, ended_at, diagnostics: diagnostics() },
            json!({ "lifecycleEventName": name, "status": "Succeeded", "startTime": 1.5, "endTime": 2.5,
                "diagnostics": said }),
        );
        let by = lifecycle::EndedBy::Service;
        check(
            EventState::Failed { started_at: None, ended_at, by, diagnostics: diagnostics() },
            json!({ "lifecycleEventName": name, "status": "Failed", "endTime": 2.5, "diagnostics": said }),
        );
    }
}
