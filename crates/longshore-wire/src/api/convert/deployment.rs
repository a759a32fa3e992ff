//! Deployments. Source: service.md §2.9 and §3.5, service-additions.md §2 and §3.

use longshore_model::deployment::{
    Deployment, DeploymentStatus, DeploymentWait, FileExistsBehavior, NewDeployment, Rollback,
    TargetInstances,
};
use longshore_model::id::{ApplicationName, DeploymentGroupName, DeploymentId};
use longshore_model::target::TargetStatus;
use longshore_model::time::Timestamp;
use serde::Deserialize;

use super::tag_filter::{RawSelector, TARGET_INSTANCES, from_selector};
use super::{COMPUTE_PLATFORM, description, name, non_empty, quoted, revision, rollback, traffic, watch};
use crate::api::shapes::{
    self, BatchGetDeploymentsInput, ContinueDeploymentInput, CreateDeploymentInput, DeploymentInfo,
    DeploymentOverview, EC2TagFilter, EC2TagSet, ErrorInformation, ListDeploymentsInput,
    PutLifecycleEventHookExecutionStatusInput, RelatedDeployments, RollbackInfo,
};
use crate::codec::{ClaimedTime, Codec};
use crate::error::ApiError;

/// The most deployments in one batch.
const MAX_BATCH: usize = 25;
/// The longest external id in characters.
const EXTERNAL_ID_CHARS: usize = 256;

/// `ListDeployments`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentList {
    /// Only those of this group.
    pub group: Option<(ApplicationName, DeploymentGroupName)>,
    /// Only those with one of these statuses; `Some` of nothing when only statuses were asked for
    /// that no deployment has here.
    pub statuses: Option<Vec<DeploymentStatus>>,
    /// Only those made at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only those made at this time or earlier.
    pub created_to: Option<Timestamp>,
    /// No deployment here has an external id.
    pub is_by_external_id: bool,
}

/// Checks `CreateDeployment`.
///
/// # Errors
/// In the order of service.md §3.5.
pub fn new_deployment(input: CreateDeploymentInput) -> Result<NewDeployment, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let group = name::deployment_group(input.deployment_group_name.as_deref())?;
    let update_outdated_instances_only = input.update_outdated_instances_only.unwrap_or_default();
    let is_restart = is_restart(
        input.deployment_mode.as_deref(),
        input.revision.is_some(),
        update_outdated_instances_only,
    )?;
    let revision = match input.revision {
        None if update_outdated_instances_only || is_restart => None,
        location => Some(revision::required_revision(location)?),
    };
    let config = name::optional_deployment_config(input.deployment_config_name.as_deref())?;
    let description = description(input.description)?;
    let file_exists_behavior = file_exists_behavior(input.file_exists_behavior.as_deref())?;
    let auto_rollback = input.auto_rollback_configuration.map(rollback::auto_rollback).transpose()?;
    let override_alarms = input.override_alarm_configuration.map(watch::alarms).transpose()?;
    let target_instances = input.target_instances.map(target_instances).transpose()?.flatten();
    let processes_to_suspend = watch::processes_to_suspend(input.ec2_deployment_options)?;
    Ok(NewDeployment {
        application,
        group,
        revision,
        config,
        description,
        ignore_application_stop_failures: input.ignore_application_stop_failures.unwrap_or_default(),
        update_outdated_instances_only,
        file_exists_behavior,
        auto_rollback,
        override_alarms,
        processes_to_suspend,
        is_restart,
        target_instances,
    })
}

/// Checks `BatchGetDeployments`.
///
/// # Errors
/// `DeploymentIdRequiredException`, `BatchLimitExceededException`, `InvalidDeploymentIdException`.
pub fn deployment_batch(input: BatchGetDeploymentsInput) -> Result<Vec<DeploymentId>, ApiError> {
    let texts = input.deployment_ids.unwrap_or_default();
    if texts.is_empty() {
        let message = "At least one deployment id is required.";
        return Err(ApiError::client("DeploymentIdRequiredException", message));
    }
    if MAX_BATCH < texts.len() {
        return Err(ApiError::client(
            "BatchLimitExceededException",
            format!("{} deployments were asked for; at most {MAX_BATCH} are allowed.", texts.len()),
        ));
    }
    let mut ids: Vec<DeploymentId> = Vec::with_capacity(texts.len());
    for text in &texts {
        let id = name::deployment(Some(text))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Reads the body of `ListDeployments`, whose times have an exception of their own.
///
/// # Errors
/// `InvalidTimeRangeException` when an end of the range is not a time, `SerializationException`.
pub fn read_deployment_list(codec: Codec, body: &[u8]) -> Result<ListDeploymentsInput, ApiError> {
    codec.decode(body).map_err(|error| {
        let Some(text) = bad_time(codec, body) else { return error };
        let message = format!("The create time range has an end that is not a time: {}.", quoted(&text));
        ApiError::client("InvalidTimeRangeException", message)
    })
}

/// The first end of the range that has the type of a time and is none.
fn bad_time(codec: Codec, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        create_time_range: Range,
    }
    #[derive(Deserialize)]
    struct Range {
        start: Option<ClaimedTime>,
        end: Option<ClaimedTime>,
    }
    let range = codec.decode::<Input>(body).ok()?.create_time_range;
    [range.start, range.end].into_iter().flatten().find_map(|claimed| match claimed {
        ClaimedTime::Bad(text) => Some(text),
        ClaimedTime::Good(_) => None,
    })
}

/// Checks `ListDeployments`.
///
/// # Errors
/// The names, `InvalidDeploymentStatusException`, `InvalidTimeRangeException`,
/// `InvalidExternalIdException`.
pub fn deployment_list(input: ListDeploymentsInput) -> Result<DeploymentList, ApiError> {
    let group = match (non_empty(input.application_name), non_empty(input.deployment_group_name)) {
        (None, None) => None,
        (application, group) => {
            Some((name::application(application.as_deref())?, name::deployment_group(group.as_deref())?))
        }
    };
    let names = input.include_only_statuses.unwrap_or_default();
    if let Some(unknown) = names.iter().find(|name| !shapes::DEPLOYMENT_STATUS.contains(&name.as_str())) {
        let message = format!("{} is not a deployment status.", quoted(unknown));
        return Err(ApiError::client("InvalidDeploymentStatusException", message));
    }
    let statuses = names.iter().filter_map(|name| DeploymentStatus::from_name(name)).collect();
    let range = input.create_time_range.unwrap_or_default();
    let (created_from, created_to) = (range.start.map(Timestamp::from), range.end.map(Timestamp::from));
    if let (Some(from), Some(to)) = (created_from, created_to)
        && to < from
    {
        let message = "The create time range starts after its end.";
        return Err(ApiError::client("InvalidTimeRangeException", message));
    }
    let external_id = non_empty(input.external_id);
    if external_id.as_ref().is_some_and(|id| EXTERNAL_ID_CHARS < id.chars().count()) {
        let message = format!("The external id is longer than {EXTERNAL_ID_CHARS} characters.");
        return Err(ApiError::client("InvalidExternalIdException", message));
    }
    Ok(DeploymentList {
        group,
        statuses: Some(statuses).filter(|_| !names.is_empty()),
        created_from,
        created_to,
        is_by_external_id: external_id.is_some(),
    })
}

/// Checks `ContinueDeployment`.
///
/// # Errors
/// The id, `InvalidDeploymentWaitTypeException`.
pub fn deployment_wait(input: &ContinueDeploymentInput) -> Result<(DeploymentId, DeploymentWait), ApiError> {
    let id = name::deployment(input.deployment_id.as_deref())?;
    match input.deployment_wait_type.as_deref() {
        None | Some("" | "READY_WAIT") => Ok((id, DeploymentWait::Ready)),
        Some("TERMINATION_WAIT") => Ok((id, DeploymentWait::Termination)),
        Some(other) => Err(ApiError::client(
            "InvalidDeploymentWaitTypeException",
            format!("{} is not a wait: READY_WAIT or TERMINATION_WAIT.", quoted(other)),
        )),
    }
}

/// Checks `PutLifecycleEventHookExecutionStatus`, the status first. Source: service.md §3.6.
///
/// # Errors
/// `InvalidLifecycleEventHookExecutionStatusException`, the id.
pub fn hook_execution_deployment(
    input: &PutLifecycleEventHookExecutionStatusInput,
) -> Result<DeploymentId, ApiError> {
    match input.status.as_deref() {
        Some("Succeeded" | "Failed") => name::deployment(input.deployment_id.as_deref()),
        other => Err(ApiError::client(
            "InvalidLifecycleEventHookExecutionStatusException",
            format!("{} is not how a hook ends: Succeeded or Failed.", quoted(other.unwrap_or_default())),
        )),
    }
}

/// A deployment as the API answers it, with how many targets are in each status.
pub fn deployment_info(deployment: &Deployment, counts: &[(TargetStatus, usize)]) -> DeploymentInfo {
    DeploymentInfo {
        application_name: Some(deployment.application.to_string()),
        deployment_group_name: Some(deployment.group.to_string()),
        deployment_config_name: Some(deployment.config.to_string()),
        deployment_id: Some(deployment.id.to_string()),
        previous_revision: deployment.previous_revision.as_ref().map(revision::from_revision),
        revision: Some(revision::from_revision(&deployment.revision)),
        status: Some(deployment.status.as_str().to_owned()),
        error_information: deployment.error.as_ref().map(|error| ErrorInformation {
            code: Some(error.code.as_str().to_owned()),
            message: Some(error.message.clone()),
        }),
        create_time: Some(deployment.created_at.into()),
        start_time: deployment.started_at.map(Into::into),
        complete_time: deployment.completed_at.map(Into::into),
        // Hosts have been counted: it started, or ended instead of starting.
        deployment_overview: (deployment.started_at.is_some() || 0 < deployment.n_hosts)
            .then(|| overview(counts)),
        description: deployment.description.clone(),
        creator: Some(deployment.creator.as_str().to_owned()),
        ignore_application_stop_failures: Some(deployment.ignore_application_stop_failures),
        auto_rollback_configuration: Some(rollback::from_auto_rollback(&deployment.auto_rollback)),
        update_outdated_instances_only: Some(deployment.update_outdated_instances_only),
        rollback_info: rollback_info(deployment),
        related_deployments: related_deployments(deployment),
        deployment_style: Some(traffic::from_style(&deployment.traffic)),
        load_balancer_info: traffic::from_load_balancers(&deployment.traffic.load_balancers),
        blue_green_deployment_configuration: traffic::from_blue_green(&deployment.traffic.blue_green),
        target_instances: deployment.target_instances.as_ref().map(from_target_instances),
        override_alarm_configuration: deployment.override_alarms.as_ref().map(watch::from_alarms),
        ec2_deployment_options: watch::from_processes(&deployment.processes_to_suspend),
        // Said of restarts only: absent is not to be read as STANDARD.
        deployment_mode: deployment.restart_of.as_ref().map(|_| String::from("RESTART")),
        instance_termination_wait_time_started: Some(false),
        file_exists_behavior: Some(deployment.file_exists_behavior.as_str().to_owned()),
        deployment_status_messages: Some(deployment.status_messages.clone()),
        compute_platform: Some(COMPUTE_PLATFORM.to_owned()),
        ..DeploymentInfo::default()
    }
}

fn overview(counts: &[(TargetStatus, usize)]) -> DeploymentOverview {
    let count = |status: TargetStatus| -> Option<i64> {
        let n: usize = counts.iter().filter(|(counted, _)| *counted == status).map(|(_, n)| n).sum();
        Some(i64::try_from(n).unwrap_or(i64::MAX))
    };
    DeploymentOverview {
        pending: count(TargetStatus::Pending),
        in_progress: count(TargetStatus::InProgress),
        succeeded: count(TargetStatus::Succeeded),
        failed: count(TargetStatus::Failed),
        skipped: count(TargetStatus::Skipped),
        ready: Some(0),
    }
}

fn file_exists_behavior(text: Option<&str>) -> Result<FileExistsBehavior, ApiError> {
    match text {
        None | Some("") => Ok(FileExistsBehavior::default()),
        Some(name) => FileExistsBehavior::from_name(name).ok_or_else(|| {
            let message = format!("{} is not one of DISALLOW, OVERWRITE and RETAIN.", quoted(name));
            ApiError::client("InvalidFileExistsBehaviorException", message)
        }),
    }
}

/// `deploymentMode`: whether the group's present revision is to be restarted.
fn is_restart(mode: Option<&str>, has_revision: bool, outdated_only: bool) -> Result<bool, ApiError> {
    let refused = |message: String| Err(ApiError::client("InvalidInputException", message));
    match mode {
        None | Some("" | "STANDARD") => Ok(false),
        Some("RESTART") if has_revision => {
            refused(String::from("A deployment of mode RESTART takes no revision."))
        }
        Some("RESTART") if outdated_only => {
            refused(String::from("A deployment of mode RESTART cannot update outdated instances only."))
        }
        Some("RESTART") => Ok(true),
        Some(other) => refused(format!("{} is not a deployment mode: STANDARD or RESTART.", quoted(other))),
    }
}

/// `targetInstances` by themselves; whether the deployment takes any, its group tells. `None` when
/// nothing is named. Source: service.md §3.5.
fn target_instances(targets: shapes::TargetInstances) -> Result<Option<TargetInstances>, ApiError> {
    let raw = RawSelector {
        filters: targets.tag_filters,
        set: targets.ec2_tag_set.and_then(|set| set.ec2_tag_set_list),
    };
    raw.check_combination(TARGET_INSTANCES)?;
    raw.check_sizes(TARGET_INSTANCES)?;
    let named = TargetInstances {
        selector: raw.checked(TARGET_INSTANCES)?.unwrap_or_default(),
        auto_scaling_groups: targets.auto_scaling_groups.unwrap_or_default(),
    };
    let is_empty = named.selector.is_empty() && named.auto_scaling_groups.is_empty();
    Ok(Some(named).filter(|_| !is_empty))
}

fn from_target_instances(targets: &TargetInstances) -> shapes::TargetInstances {
    let (tag_filters, set) = from_selector::<EC2TagFilter>(&targets.selector);
    shapes::TargetInstances {
        auto_scaling_groups: Some(targets.auto_scaling_groups.clone()).filter(|names| !names.is_empty()),
        ec2_tag_set: set.map(|set| EC2TagSet { ec2_tag_set_list: Some(set) }),
        tag_filters,
    }
}

/// Source: service.md §7.6.
fn related_deployments(deployment: &Deployment) -> Option<RelatedDeployments> {
    let updates: Vec<String> = deployment.late.updates.iter().map(ToString::to_string).collect();
    let root = deployment.late.root.as_ref().map(ToString::to_string);
    (root.is_some() || !updates.is_empty()).then(|| RelatedDeployments {
        auto_update_outdated_instances_deployment_ids: Some(updates).filter(|ids| !ids.is_empty()),
        auto_update_outdated_instances_root_deployment_id: root,
    })
}

/// Source: service.md §7.4.
fn rollback_info(deployment: &Deployment) -> Option<RollbackInfo> {
    let (of, by) = match deployment.rollback.as_ref()? {
        Rollback::Of(trigger) => (Some(trigger.to_string()), None),
        Rollback::By(rollback) => (None, Some(rollback.to_string())),
        Rollback::Nowhere => (None, None),
    };
    Some(RollbackInfo {
        rollback_deployment_id: by,
        rollback_message: deployment.rollback_message(),
        rollback_triggering_deployment_id: of,
    })
}
