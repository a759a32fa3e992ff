//! The shapes of the CodeDeploy API.
//!
//! Written by `tools/generate-wire` from `api-models/`; do not edit.

#![expect(missing_docs, reason = "the members are the model's own")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::{Time, structure};

/// The structure `AddTagsToOnPremisesInstancesInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AddTagsToOnPremisesInstancesInput {
    #[serde(rename = "instanceNames", default, skip_serializing_if = "Option::is_none")]
    pub instance_names: Option<Vec<String>>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

structure!(AddTagsToOnPremisesInstancesInput);

/// The structure `Alarm`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Alarm {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

structure!(Alarm);

/// The structure `AlarmConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AlarmConfiguration {
    #[serde(rename = "alarms", default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Vec<Alarm>>,
    #[serde(rename = "enabled", default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(rename = "ignorePollAlarmFailure", default, skip_serializing_if = "Option::is_none")]
    pub ignore_poll_alarm_failure: Option<bool>,
}

structure!(AlarmConfiguration);

/// The structure `AppSpecContent`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AppSpecContent {
    #[serde(rename = "content", default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    #[serde(rename = "sha256", default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

structure!(AppSpecContent);

/// The structure `ApplicationInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ApplicationInfo {
    #[serde(rename = "applicationId", default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "computePlatform", default, skip_serializing_if = "Option::is_none")]
    pub compute_platform: Option<String>,
    #[serde(rename = "createTime", default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<Time>,
    #[serde(rename = "gitHubAccountName", default, skip_serializing_if = "Option::is_none")]
    pub git_hub_account_name: Option<String>,
    #[serde(rename = "linkedToGitHub", default, skip_serializing_if = "Option::is_none")]
    pub linked_to_git_hub: Option<bool>,
}

structure!(ApplicationInfo);

/// The values of `ApplicationRevisionSortBy`.
pub const APPLICATION_REVISION_SORT_BY: &[&str] = &["registerTime", "firstUsedTime", "lastUsedTime"];

/// The structure `AutoRollbackConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AutoRollbackConfiguration {
    #[serde(rename = "enabled", default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(rename = "events", default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
}

structure!(AutoRollbackConfiguration);

/// The values of `AutoRollbackEvent`.
pub const AUTO_ROLLBACK_EVENT: &[&str] =
    &["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];

/// The structure `AutoScalingGroup`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AutoScalingGroup {
    #[serde(rename = "hook", default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(rename = "terminationHook", default, skip_serializing_if = "Option::is_none")]
    pub termination_hook: Option<String>,
}

structure!(AutoScalingGroup);

/// The values of `AutoScalingGroupProcess`.
pub const AUTO_SCALING_GROUP_PROCESS: &[&str] =
    &["Terminate", "AZRebalance", "InstanceRefresh", "ScheduledActions"];

/// The structure `BatchGetApplicationRevisionsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetApplicationRevisionsInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "revisions", default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<Vec<RevisionLocation>>,
}

structure!(BatchGetApplicationRevisionsInput);

/// The structure `BatchGetApplicationRevisionsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetApplicationRevisionsOutput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "errorMessage", default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(rename = "revisions", default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<Vec<RevisionInfo>>,
}

structure!(BatchGetApplicationRevisionsOutput);

/// The structure `BatchGetApplicationsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetApplicationsInput {
    #[serde(rename = "applicationNames", default, skip_serializing_if = "Option::is_none")]
    pub application_names: Option<Vec<String>>,
}

structure!(BatchGetApplicationsInput);

/// The structure `BatchGetApplicationsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetApplicationsOutput {
    #[serde(rename = "applicationsInfo", default, skip_serializing_if = "Option::is_none")]
    pub applications_info: Option<Vec<ApplicationInfo>>,
}

structure!(BatchGetApplicationsOutput);

/// The structure `BatchGetDeploymentGroupsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentGroupsInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "deploymentGroupNames", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_names: Option<Vec<String>>,
}

structure!(BatchGetDeploymentGroupsInput);

/// The structure `BatchGetDeploymentGroupsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentGroupsOutput {
    #[serde(rename = "deploymentGroupsInfo", default, skip_serializing_if = "Option::is_none")]
    pub deployment_groups_info: Option<Vec<DeploymentGroupInfo>>,
    #[serde(rename = "errorMessage", default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

structure!(BatchGetDeploymentGroupsOutput);

/// The structure `BatchGetDeploymentInstancesInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentInstancesInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "instanceIds", default, skip_serializing_if = "Option::is_none")]
    pub instance_ids: Option<Vec<String>>,
}

structure!(BatchGetDeploymentInstancesInput);

/// The structure `BatchGetDeploymentInstancesOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentInstancesOutput {
    #[serde(rename = "errorMessage", default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(rename = "instancesSummary", default, skip_serializing_if = "Option::is_none")]
    pub instances_summary: Option<Vec<InstanceSummary>>,
}

structure!(BatchGetDeploymentInstancesOutput);

/// The structure `BatchGetDeploymentTargetsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentTargetsInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "targetIds", default, skip_serializing_if = "Option::is_none")]
    pub target_ids: Option<Vec<String>>,
}

structure!(BatchGetDeploymentTargetsInput);

/// The structure `BatchGetDeploymentTargetsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentTargetsOutput {
    #[serde(rename = "deploymentTargets", default, skip_serializing_if = "Option::is_none")]
    pub deployment_targets: Option<Vec<DeploymentTarget>>,
}

structure!(BatchGetDeploymentTargetsOutput);

/// The structure `BatchGetDeploymentsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentsInput {
    #[serde(rename = "deploymentIds", default, skip_serializing_if = "Option::is_none")]
    pub deployment_ids: Option<Vec<String>>,
}

structure!(BatchGetDeploymentsInput);

/// The structure `BatchGetDeploymentsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetDeploymentsOutput {
    #[serde(rename = "deploymentsInfo", default, skip_serializing_if = "Option::is_none")]
    pub deployments_info: Option<Vec<DeploymentInfo>>,
}

structure!(BatchGetDeploymentsOutput);

/// The structure `BatchGetOnPremisesInstancesInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetOnPremisesInstancesInput {
    #[serde(rename = "instanceNames", default, skip_serializing_if = "Option::is_none")]
    pub instance_names: Option<Vec<String>>,
}

structure!(BatchGetOnPremisesInstancesInput);

/// The structure `BatchGetOnPremisesInstancesOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BatchGetOnPremisesInstancesOutput {
    #[serde(rename = "instanceInfos", default, skip_serializing_if = "Option::is_none")]
    pub instance_infos: Option<Vec<InstanceInfo>>,
}

structure!(BatchGetOnPremisesInstancesOutput);

/// The structure `BlueGreenDeploymentConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BlueGreenDeploymentConfiguration {
    #[serde(rename = "deploymentReadyOption", default, skip_serializing_if = "Option::is_none")]
    pub deployment_ready_option: Option<DeploymentReadyOption>,
    #[serde(rename = "greenFleetProvisioningOption", default, skip_serializing_if = "Option::is_none")]
    pub green_fleet_provisioning_option: Option<GreenFleetProvisioningOption>,
    #[serde(
        rename = "terminateBlueInstancesOnDeploymentSuccess",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub terminate_blue_instances_on_deployment_success: Option<BlueInstanceTerminationOption>,
}

structure!(BlueGreenDeploymentConfiguration);

/// The structure `BlueInstanceTerminationOption`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct BlueInstanceTerminationOption {
    #[serde(rename = "action", default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(rename = "terminationWaitTimeInMinutes", default, skip_serializing_if = "Option::is_none")]
    pub termination_wait_time_in_minutes: Option<i32>,
}

structure!(BlueInstanceTerminationOption);

/// The values of `BundleType`.
pub const BUNDLE_TYPE: &[&str] = &["tar", "tgz", "zip", "YAML", "JSON"];

/// The structure `CloudFormationTarget`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CloudFormationTarget {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "lastUpdatedAt", default, skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Time>,
    #[serde(rename = "lifecycleEvents", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_events: Option<Vec<LifecycleEvent>>,
    #[serde(rename = "resourceType", default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(rename = "targetId", default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    #[serde(rename = "targetVersionWeight", default, skip_serializing_if = "Option::is_none")]
    pub target_version_weight: Option<f64>,
}

structure!(CloudFormationTarget);

/// The values of `ComputePlatform`.
pub const COMPUTE_PLATFORM: &[&str] = &["Server", "Lambda", "ECS"];

/// The structure `ContinueDeploymentInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ContinueDeploymentInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "deploymentWaitType", default, skip_serializing_if = "Option::is_none")]
    pub deployment_wait_type: Option<String>,
}

structure!(ContinueDeploymentInput);

/// The structure `CreateApplicationInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateApplicationInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "computePlatform", default, skip_serializing_if = "Option::is_none")]
    pub compute_platform: Option<String>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

structure!(CreateApplicationInput);

/// The structure `CreateApplicationOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateApplicationOutput {
    #[serde(rename = "applicationId", default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
}

structure!(CreateApplicationOutput);

/// The structure `CreateDeploymentConfigInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateDeploymentConfigInput {
    #[serde(rename = "computePlatform", default, skip_serializing_if = "Option::is_none")]
    pub compute_platform: Option<String>,
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    #[serde(rename = "minimumHealthyHosts", default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_hosts: Option<MinimumHealthyHosts>,
    #[serde(rename = "trafficRoutingConfig", default, skip_serializing_if = "Option::is_none")]
    pub traffic_routing_config: Option<TrafficRoutingConfig>,
    #[serde(rename = "zonalConfig", default, skip_serializing_if = "Option::is_none")]
    pub zonal_config: Option<ZonalConfig>,
}

structure!(CreateDeploymentConfigInput);

/// The structure `CreateDeploymentConfigOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateDeploymentConfigOutput {
    #[serde(rename = "deploymentConfigId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_id: Option<String>,
}

structure!(CreateDeploymentConfigOutput);

/// The structure `CreateDeploymentGroupInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateDeploymentGroupInput {
    #[serde(rename = "alarmConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub alarm_configuration: Option<AlarmConfiguration>,
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "autoRollbackConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    #[serde(rename = "autoScalingGroups", default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_groups: Option<Vec<String>>,
    #[serde(rename = "blueGreenDeploymentConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub blue_green_deployment_configuration: Option<BlueGreenDeploymentConfiguration>,
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    #[serde(rename = "deploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
    #[serde(rename = "deploymentStyle", default, skip_serializing_if = "Option::is_none")]
    pub deployment_style: Option<DeploymentStyle>,
    #[serde(rename = "ec2DeploymentOptions", default, skip_serializing_if = "Option::is_none")]
    pub ec2_deployment_options: Option<EC2DeploymentOptions>,
    #[serde(rename = "ec2TagFilters", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_filters: Option<Vec<EC2TagFilter>>,
    #[serde(rename = "ec2TagSet", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_set: Option<EC2TagSet>,
    #[serde(rename = "ecsServices", default, skip_serializing_if = "Option::is_none")]
    pub ecs_services: Option<Vec<ECSService>>,
    #[serde(rename = "loadBalancerInfo", default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_info: Option<LoadBalancerInfo>,
    #[serde(rename = "onPremisesInstanceTagFilters", default, skip_serializing_if = "Option::is_none")]
    pub on_premises_instance_tag_filters: Option<Vec<TagFilter>>,
    #[serde(rename = "onPremisesTagSet", default, skip_serializing_if = "Option::is_none")]
    pub on_premises_tag_set: Option<OnPremisesTagSet>,
    #[serde(rename = "outdatedInstancesStrategy", default, skip_serializing_if = "Option::is_none")]
    pub outdated_instances_strategy: Option<String>,
    #[serde(rename = "serviceRoleArn", default, skip_serializing_if = "Option::is_none")]
    pub service_role_arn: Option<String>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    #[serde(rename = "terminationHookEnabled", default, skip_serializing_if = "Option::is_none")]
    pub termination_hook_enabled: Option<bool>,
    #[serde(rename = "triggerConfigurations", default, skip_serializing_if = "Option::is_none")]
    pub trigger_configurations: Option<Vec<TriggerConfig>>,
}

structure!(CreateDeploymentGroupInput);

/// The structure `CreateDeploymentGroupOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateDeploymentGroupOutput {
    #[serde(rename = "deploymentGroupId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_id: Option<String>,
}

structure!(CreateDeploymentGroupOutput);

/// The structure `CreateDeploymentInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateDeploymentInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "autoRollbackConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    #[serde(rename = "deploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
    #[serde(rename = "deploymentMode", default, skip_serializing_if = "Option::is_none")]
    pub deployment_mode: Option<String>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(rename = "ec2DeploymentOptions", default, skip_serializing_if = "Option::is_none")]
    pub ec2_deployment_options: Option<EC2DeploymentOptions>,
    #[serde(rename = "fileExistsBehavior", default, skip_serializing_if = "Option::is_none")]
    pub file_exists_behavior: Option<String>,
    #[serde(rename = "ignoreApplicationStopFailures", default, skip_serializing_if = "Option::is_none")]
    pub ignore_application_stop_failures: Option<bool>,
    #[serde(rename = "overrideAlarmConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub override_alarm_configuration: Option<AlarmConfiguration>,
    #[serde(rename = "revision", default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionLocation>,
    #[serde(rename = "targetInstances", default, skip_serializing_if = "Option::is_none")]
    pub target_instances: Option<TargetInstances>,
    #[serde(rename = "updateOutdatedInstancesOnly", default, skip_serializing_if = "Option::is_none")]
    pub update_outdated_instances_only: Option<bool>,
}

structure!(CreateDeploymentInput);

/// The structure `CreateDeploymentOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateDeploymentOutput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
}

structure!(CreateDeploymentOutput);

/// The structure `DeleteApplicationInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteApplicationInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
}

structure!(DeleteApplicationInput);

/// The structure `DeleteDeploymentConfigInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteDeploymentConfigInput {
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
}

structure!(DeleteDeploymentConfigInput);

/// The structure `DeleteDeploymentGroupInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteDeploymentGroupInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "deploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
}

structure!(DeleteDeploymentGroupInput);

/// The structure `DeleteDeploymentGroupOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteDeploymentGroupOutput {
    #[serde(rename = "hooksNotCleanedUp", default, skip_serializing_if = "Option::is_none")]
    pub hooks_not_cleaned_up: Option<Vec<AutoScalingGroup>>,
}

structure!(DeleteDeploymentGroupOutput);

/// The structure `DeleteGitHubAccountTokenInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteGitHubAccountTokenInput {
    #[serde(rename = "tokenName", default, skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
}

structure!(DeleteGitHubAccountTokenInput);

/// The structure `DeleteGitHubAccountTokenOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteGitHubAccountTokenOutput {
    #[serde(rename = "tokenName", default, skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
}

structure!(DeleteGitHubAccountTokenOutput);

/// The structure `DeleteResourcesByExternalIdInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteResourcesByExternalIdInput {
    #[serde(rename = "externalId", default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

structure!(DeleteResourcesByExternalIdInput);

/// The structure `DeleteResourcesByExternalIdOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeleteResourcesByExternalIdOutput {}

structure!(DeleteResourcesByExternalIdOutput);

/// The structure `DeploymentConfigInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentConfigInfo {
    #[serde(rename = "computePlatform", default, skip_serializing_if = "Option::is_none")]
    pub compute_platform: Option<String>,
    #[serde(rename = "createTime", default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<Time>,
    #[serde(rename = "deploymentConfigId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_id: Option<String>,
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    #[serde(rename = "minimumHealthyHosts", default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_hosts: Option<MinimumHealthyHosts>,
    #[serde(rename = "trafficRoutingConfig", default, skip_serializing_if = "Option::is_none")]
    pub traffic_routing_config: Option<TrafficRoutingConfig>,
    #[serde(rename = "zonalConfig", default, skip_serializing_if = "Option::is_none")]
    pub zonal_config: Option<ZonalConfig>,
}

structure!(DeploymentConfigInfo);

/// The values of `DeploymentCreator`.
pub const DEPLOYMENT_CREATOR: &[&str] = &[
    "user",
    "autoscaling",
    "codeDeployRollback",
    "CodeDeploy",
    "CodeDeployAutoUpdate",
    "CloudFormation",
    "CloudFormationRollback",
    "autoscalingTermination",
];

/// The structure `DeploymentGroupInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentGroupInfo {
    #[serde(rename = "alarmConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub alarm_configuration: Option<AlarmConfiguration>,
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "autoRollbackConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    #[serde(rename = "autoScalingGroups", default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_groups: Option<Vec<AutoScalingGroup>>,
    #[serde(rename = "blueGreenDeploymentConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub blue_green_deployment_configuration: Option<BlueGreenDeploymentConfiguration>,
    #[serde(rename = "computePlatform", default, skip_serializing_if = "Option::is_none")]
    pub compute_platform: Option<String>,
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    #[serde(rename = "deploymentGroupId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_id: Option<String>,
    #[serde(rename = "deploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
    #[serde(rename = "deploymentStyle", default, skip_serializing_if = "Option::is_none")]
    pub deployment_style: Option<DeploymentStyle>,
    #[serde(rename = "ec2DeploymentOptions", default, skip_serializing_if = "Option::is_none")]
    pub ec2_deployment_options: Option<EC2DeploymentOptions>,
    #[serde(rename = "ec2TagFilters", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_filters: Option<Vec<EC2TagFilter>>,
    #[serde(rename = "ec2TagSet", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_set: Option<EC2TagSet>,
    #[serde(rename = "ecsServices", default, skip_serializing_if = "Option::is_none")]
    pub ecs_services: Option<Vec<ECSService>>,
    #[serde(rename = "lastAttemptedDeployment", default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_deployment: Option<LastDeploymentInfo>,
    #[serde(rename = "lastSuccessfulDeployment", default, skip_serializing_if = "Option::is_none")]
    pub last_successful_deployment: Option<LastDeploymentInfo>,
    #[serde(rename = "loadBalancerInfo", default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_info: Option<LoadBalancerInfo>,
    #[serde(rename = "onPremisesInstanceTagFilters", default, skip_serializing_if = "Option::is_none")]
    pub on_premises_instance_tag_filters: Option<Vec<TagFilter>>,
    #[serde(rename = "onPremisesTagSet", default, skip_serializing_if = "Option::is_none")]
    pub on_premises_tag_set: Option<OnPremisesTagSet>,
    #[serde(rename = "outdatedInstancesStrategy", default, skip_serializing_if = "Option::is_none")]
    pub outdated_instances_strategy: Option<String>,
    #[serde(rename = "serviceRoleArn", default, skip_serializing_if = "Option::is_none")]
    pub service_role_arn: Option<String>,
    #[serde(rename = "targetRevision", default, skip_serializing_if = "Option::is_none")]
    pub target_revision: Option<RevisionLocation>,
    #[serde(rename = "terminationHookEnabled", default, skip_serializing_if = "Option::is_none")]
    pub termination_hook_enabled: Option<bool>,
    #[serde(rename = "triggerConfigurations", default, skip_serializing_if = "Option::is_none")]
    pub trigger_configurations: Option<Vec<TriggerConfig>>,
}

structure!(DeploymentGroupInfo);

/// The structure `DeploymentInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentInfo {
    #[serde(rename = "additionalDeploymentStatusInfo", default, skip_serializing_if = "Option::is_none")]
    pub additional_deployment_status_info: Option<String>,
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "autoRollbackConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    #[serde(rename = "blueGreenDeploymentConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub blue_green_deployment_configuration: Option<BlueGreenDeploymentConfiguration>,
    #[serde(rename = "completeTime", default, skip_serializing_if = "Option::is_none")]
    pub complete_time: Option<Time>,
    #[serde(rename = "computePlatform", default, skip_serializing_if = "Option::is_none")]
    pub compute_platform: Option<String>,
    #[serde(rename = "createTime", default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<Time>,
    #[serde(rename = "creator", default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    #[serde(rename = "deploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "deploymentMode", default, skip_serializing_if = "Option::is_none")]
    pub deployment_mode: Option<String>,
    #[serde(rename = "deploymentOverview", default, skip_serializing_if = "Option::is_none")]
    pub deployment_overview: Option<DeploymentOverview>,
    #[serde(rename = "deploymentStatusMessages", default, skip_serializing_if = "Option::is_none")]
    pub deployment_status_messages: Option<Vec<String>>,
    #[serde(rename = "deploymentStyle", default, skip_serializing_if = "Option::is_none")]
    pub deployment_style: Option<DeploymentStyle>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(rename = "ec2DeploymentOptions", default, skip_serializing_if = "Option::is_none")]
    pub ec2_deployment_options: Option<EC2DeploymentOptions>,
    #[serde(rename = "errorInformation", default, skip_serializing_if = "Option::is_none")]
    pub error_information: Option<ErrorInformation>,
    #[serde(rename = "externalId", default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(rename = "fileExistsBehavior", default, skip_serializing_if = "Option::is_none")]
    pub file_exists_behavior: Option<String>,
    #[serde(rename = "ignoreApplicationStopFailures", default, skip_serializing_if = "Option::is_none")]
    pub ignore_application_stop_failures: Option<bool>,
    #[serde(rename = "instanceTerminationWaitTimeStarted", default, skip_serializing_if = "Option::is_none")]
    pub instance_termination_wait_time_started: Option<bool>,
    #[serde(rename = "loadBalancerInfo", default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_info: Option<LoadBalancerInfo>,
    #[serde(rename = "overrideAlarmConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub override_alarm_configuration: Option<AlarmConfiguration>,
    #[serde(rename = "previousRevision", default, skip_serializing_if = "Option::is_none")]
    pub previous_revision: Option<RevisionLocation>,
    #[serde(rename = "relatedDeployments", default, skip_serializing_if = "Option::is_none")]
    pub related_deployments: Option<RelatedDeployments>,
    #[serde(rename = "revision", default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionLocation>,
    #[serde(rename = "rollbackInfo", default, skip_serializing_if = "Option::is_none")]
    pub rollback_info: Option<RollbackInfo>,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(rename = "targetInstances", default, skip_serializing_if = "Option::is_none")]
    pub target_instances: Option<TargetInstances>,
    #[serde(rename = "updateOutdatedInstancesOnly", default, skip_serializing_if = "Option::is_none")]
    pub update_outdated_instances_only: Option<bool>,
}

structure!(DeploymentInfo);

/// The values of `DeploymentMode`.
pub const DEPLOYMENT_MODE: &[&str] = &["STANDARD", "RESTART"];

/// The values of `DeploymentOption`.
pub const DEPLOYMENT_OPTION: &[&str] = &["WITH_TRAFFIC_CONTROL", "WITHOUT_TRAFFIC_CONTROL"];

/// The structure `DeploymentOverview`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentOverview {
    #[serde(rename = "Failed", default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<i64>,
    #[serde(rename = "InProgress", default, skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<i64>,
    #[serde(rename = "Pending", default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<i64>,
    #[serde(rename = "Ready", default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<i64>,
    #[serde(rename = "Skipped", default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<i64>,
    #[serde(rename = "Succeeded", default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<i64>,
}

structure!(DeploymentOverview);

/// The values of `DeploymentReadyAction`.
pub const DEPLOYMENT_READY_ACTION: &[&str] = &["CONTINUE_DEPLOYMENT", "STOP_DEPLOYMENT"];

/// The structure `DeploymentReadyOption`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentReadyOption {
    #[serde(rename = "actionOnTimeout", default, skip_serializing_if = "Option::is_none")]
    pub action_on_timeout: Option<String>,
    #[serde(rename = "waitTimeInMinutes", default, skip_serializing_if = "Option::is_none")]
    pub wait_time_in_minutes: Option<i32>,
}

structure!(DeploymentReadyOption);

/// The values of `DeploymentStatus`.
pub const DEPLOYMENT_STATUS: &[&str] =
    &["Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready"];

/// The structure `DeploymentStyle`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentStyle {
    #[serde(rename = "deploymentOption", default, skip_serializing_if = "Option::is_none")]
    pub deployment_option: Option<String>,
    #[serde(rename = "deploymentType", default, skip_serializing_if = "Option::is_none")]
    pub deployment_type: Option<String>,
}

structure!(DeploymentStyle);

/// The structure `DeploymentTarget`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeploymentTarget {
    #[serde(rename = "cloudFormationTarget", default, skip_serializing_if = "Option::is_none")]
    pub cloud_formation_target: Option<CloudFormationTarget>,
    #[serde(rename = "deploymentTargetType", default, skip_serializing_if = "Option::is_none")]
    pub deployment_target_type: Option<String>,
    #[serde(rename = "ecsTarget", default, skip_serializing_if = "Option::is_none")]
    pub ecs_target: Option<ECSTarget>,
    #[serde(rename = "instanceTarget", default, skip_serializing_if = "Option::is_none")]
    pub instance_target: Option<InstanceTarget>,
    #[serde(rename = "lambdaTarget", default, skip_serializing_if = "Option::is_none")]
    pub lambda_target: Option<LambdaTarget>,
}

structure!(DeploymentTarget);

/// The values of `DeploymentTargetType`.
pub const DEPLOYMENT_TARGET_TYPE: &[&str] =
    &["InstanceTarget", "LambdaTarget", "ECSTarget", "CloudFormationTarget"];

/// The values of `DeploymentType`.
pub const DEPLOYMENT_TYPE: &[&str] = &["IN_PLACE", "BLUE_GREEN"];

/// The values of `DeploymentWaitType`.
pub const DEPLOYMENT_WAIT_TYPE: &[&str] = &["READY_WAIT", "TERMINATION_WAIT"];

/// The structure `DeregisterOnPremisesInstanceInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DeregisterOnPremisesInstanceInput {
    #[serde(rename = "instanceName", default, skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
}

structure!(DeregisterOnPremisesInstanceInput);

/// The structure `Diagnostics`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Diagnostics {
    #[serde(rename = "errorCode", default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(rename = "logTail", default, skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
    #[serde(rename = "message", default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(rename = "scriptName", default, skip_serializing_if = "Option::is_none")]
    pub script_name: Option<String>,
}

structure!(Diagnostics);

/// The structure `EC2DeploymentOptions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct EC2DeploymentOptions {
    #[serde(rename = "autoScalingGroupProcessesToSuspend", default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group_processes_to_suspend: Option<Vec<String>>,
}

structure!(EC2DeploymentOptions);

/// The structure `EC2TagFilter`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct EC2TagFilter {
    #[serde(rename = "Key", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

structure!(EC2TagFilter);

/// The values of `EC2TagFilterType`.
pub const EC2_TAG_FILTER_TYPE: &[&str] = &["KEY_ONLY", "VALUE_ONLY", "KEY_AND_VALUE"];

/// The structure `EC2TagSet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct EC2TagSet {
    #[serde(rename = "ec2TagSetList", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_set_list: Option<Vec<Vec<EC2TagFilter>>>,
}

structure!(EC2TagSet);

/// The structure `ECSService`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ECSService {
    #[serde(rename = "clusterName", default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    #[serde(rename = "serviceName", default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
}

structure!(ECSService);

/// The structure `ECSTarget`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ECSTarget {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "lastUpdatedAt", default, skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Time>,
    #[serde(rename = "lifecycleEvents", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_events: Option<Vec<LifecycleEvent>>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(rename = "targetArn", default, skip_serializing_if = "Option::is_none")]
    pub target_arn: Option<String>,
    #[serde(rename = "targetId", default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    #[serde(rename = "taskSetsInfo", default, skip_serializing_if = "Option::is_none")]
    pub task_sets_info: Option<Vec<ECSTaskSet>>,
}

structure!(ECSTarget);

/// The structure `ECSTaskSet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ECSTaskSet {
    #[serde(rename = "desiredCount", default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<i64>,
    #[serde(rename = "identifer", default, skip_serializing_if = "Option::is_none")]
    pub identifer: Option<String>,
    #[serde(rename = "pendingCount", default, skip_serializing_if = "Option::is_none")]
    pub pending_count: Option<i64>,
    #[serde(rename = "runningCount", default, skip_serializing_if = "Option::is_none")]
    pub running_count: Option<i64>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(rename = "targetGroup", default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<TargetGroupInfo>,
    #[serde(rename = "taskSetLabel", default, skip_serializing_if = "Option::is_none")]
    pub task_set_label: Option<String>,
    #[serde(rename = "trafficWeight", default, skip_serializing_if = "Option::is_none")]
    pub traffic_weight: Option<f64>,
}

structure!(ECSTaskSet);

/// The structure `ELBInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ELBInfo {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

structure!(ELBInfo);

/// The values of `ErrorCode`.
pub const ERROR_CODE: &[&str] = &[
    "AGENT_ISSUE",
    "ALARM_ACTIVE",
    "APPLICATION_MISSING",
    "AUTOSCALING_VALIDATION_ERROR",
    "AUTO_SCALING_CONFIGURATION",
    "AUTO_SCALING_IAM_ROLE_PERMISSIONS",
    "CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND",
    "CUSTOMER_APPLICATION_UNHEALTHY",
    "DEPLOYMENT_GROUP_MISSING",
    "ECS_UPDATE_ERROR",
    "ELASTIC_LOAD_BALANCING_INVALID",
    "ELB_INVALID_INSTANCE",
    "HEALTH_CONSTRAINTS",
    "HEALTH_CONSTRAINTS_INVALID",
    "HOOK_EXECUTION_FAILURE",
    "IAM_ROLE_MISSING",
    "IAM_ROLE_PERMISSIONS",
    "INTERNAL_ERROR",
    "INVALID_ECS_SERVICE",
    "INVALID_LAMBDA_CONFIGURATION",
    "INVALID_LAMBDA_FUNCTION",
    "INVALID_REVISION",
    "MANUAL_STOP",
    "MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION",
    "MISSING_ELB_INFORMATION",
    "MISSING_GITHUB_TOKEN",
    "NO_EC2_SUBSCRIPTION",
    "NO_INSTANCES",
    "OVER_MAX_INSTANCES",
    "RESOURCE_LIMIT_EXCEEDED",
    "REVISION_MISSING",
    "THROTTLED",
    "TIMEOUT",
    "CLOUDFORMATION_STACK_FAILURE",
];

/// The structure `ErrorInformation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ErrorInformation {
    #[serde(rename = "code", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(rename = "message", default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

structure!(ErrorInformation);

/// The values of `FileExistsBehavior`.
pub const FILE_EXISTS_BEHAVIOR: &[&str] = &["DISALLOW", "OVERWRITE", "RETAIN"];

/// The structure `GenericRevisionInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GenericRevisionInfo {
    #[serde(rename = "deploymentGroups", default, skip_serializing_if = "Option::is_none")]
    pub deployment_groups: Option<Vec<String>>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(rename = "firstUsedTime", default, skip_serializing_if = "Option::is_none")]
    pub first_used_time: Option<Time>,
    #[serde(rename = "lastUsedTime", default, skip_serializing_if = "Option::is_none")]
    pub last_used_time: Option<Time>,
    #[serde(rename = "registerTime", default, skip_serializing_if = "Option::is_none")]
    pub register_time: Option<Time>,
}

structure!(GenericRevisionInfo);

/// The structure `GetApplicationInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetApplicationInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
}

structure!(GetApplicationInput);

/// The structure `GetApplicationOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetApplicationOutput {
    #[serde(rename = "application", default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationInfo>,
}

structure!(GetApplicationOutput);

/// The structure `GetApplicationRevisionInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetApplicationRevisionInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "revision", default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionLocation>,
}

structure!(GetApplicationRevisionInput);

/// The structure `GetApplicationRevisionOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetApplicationRevisionOutput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "revision", default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionLocation>,
    #[serde(rename = "revisionInfo", default, skip_serializing_if = "Option::is_none")]
    pub revision_info: Option<GenericRevisionInfo>,
}

structure!(GetApplicationRevisionOutput);

/// The structure `GetDeploymentConfigInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentConfigInput {
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
}

structure!(GetDeploymentConfigInput);

/// The structure `GetDeploymentConfigOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentConfigOutput {
    #[serde(rename = "deploymentConfigInfo", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_info: Option<DeploymentConfigInfo>,
}

structure!(GetDeploymentConfigOutput);

/// The structure `GetDeploymentGroupInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentGroupInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "deploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
}

structure!(GetDeploymentGroupInput);

/// The structure `GetDeploymentGroupOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentGroupOutput {
    #[serde(rename = "deploymentGroupInfo", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_info: Option<DeploymentGroupInfo>,
}

structure!(GetDeploymentGroupOutput);

/// The structure `GetDeploymentInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
}

structure!(GetDeploymentInput);

/// The structure `GetDeploymentInstanceInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentInstanceInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "instanceId", default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

structure!(GetDeploymentInstanceInput);

/// The structure `GetDeploymentInstanceOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentInstanceOutput {
    #[serde(rename = "instanceSummary", default, skip_serializing_if = "Option::is_none")]
    pub instance_summary: Option<InstanceSummary>,
}

structure!(GetDeploymentInstanceOutput);

/// The structure `GetDeploymentOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentOutput {
    #[serde(rename = "deploymentInfo", default, skip_serializing_if = "Option::is_none")]
    pub deployment_info: Option<DeploymentInfo>,
}

structure!(GetDeploymentOutput);

/// The structure `GetDeploymentTargetInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentTargetInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "targetId", default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
}

structure!(GetDeploymentTargetInput);

/// The structure `GetDeploymentTargetOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetDeploymentTargetOutput {
    #[serde(rename = "deploymentTarget", default, skip_serializing_if = "Option::is_none")]
    pub deployment_target: Option<DeploymentTarget>,
}

structure!(GetDeploymentTargetOutput);

/// The structure `GetOnPremisesInstanceInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetOnPremisesInstanceInput {
    #[serde(rename = "instanceName", default, skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
}

structure!(GetOnPremisesInstanceInput);

/// The structure `GetOnPremisesInstanceOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GetOnPremisesInstanceOutput {
    #[serde(rename = "instanceInfo", default, skip_serializing_if = "Option::is_none")]
    pub instance_info: Option<InstanceInfo>,
}

structure!(GetOnPremisesInstanceOutput);

/// The structure `GitHubLocation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GitHubLocation {
    #[serde(rename = "commitId", default, skip_serializing_if = "Option::is_none")]
    pub commit_id: Option<String>,
    #[serde(rename = "repository", default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

structure!(GitHubLocation);

/// The values of `GreenFleetProvisioningAction`.
pub const GREEN_FLEET_PROVISIONING_ACTION: &[&str] = &["DISCOVER_EXISTING", "COPY_AUTO_SCALING_GROUP"];

/// The structure `GreenFleetProvisioningOption`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct GreenFleetProvisioningOption {
    #[serde(rename = "action", default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

structure!(GreenFleetProvisioningOption);

/// The values of `InstanceAction`.
pub const INSTANCE_ACTION: &[&str] = &["TERMINATE", "KEEP_ALIVE"];

/// The structure `InstanceInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct InstanceInfo {
    #[serde(rename = "deregisterTime", default, skip_serializing_if = "Option::is_none")]
    pub deregister_time: Option<Time>,
    #[serde(rename = "iamSessionArn", default, skip_serializing_if = "Option::is_none")]
    pub iam_session_arn: Option<String>,
    #[serde(rename = "iamUserArn", default, skip_serializing_if = "Option::is_none")]
    pub iam_user_arn: Option<String>,
    #[serde(rename = "instanceArn", default, skip_serializing_if = "Option::is_none")]
    pub instance_arn: Option<String>,
    #[serde(rename = "instanceName", default, skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
    #[serde(rename = "registerTime", default, skip_serializing_if = "Option::is_none")]
    pub register_time: Option<Time>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

structure!(InstanceInfo);

/// The values of `InstanceStatus`.
pub const INSTANCE_STATUS: &[&str] =
    &["Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Unknown", "Ready"];

/// The structure `InstanceSummary`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct InstanceSummary {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "instanceId", default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    #[serde(rename = "instanceType", default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    #[serde(rename = "lastUpdatedAt", default, skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Time>,
    #[serde(rename = "lifecycleEvents", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_events: Option<Vec<LifecycleEvent>>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

structure!(InstanceSummary);

/// The structure `InstanceTarget`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct InstanceTarget {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "instanceLabel", default, skip_serializing_if = "Option::is_none")]
    pub instance_label: Option<String>,
    #[serde(rename = "lastUpdatedAt", default, skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Time>,
    #[serde(rename = "lifecycleEvents", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_events: Option<Vec<LifecycleEvent>>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(rename = "targetArn", default, skip_serializing_if = "Option::is_none")]
    pub target_arn: Option<String>,
    #[serde(rename = "targetId", default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
}

structure!(InstanceTarget);

/// The values of `InstanceType`.
pub const INSTANCE_TYPE: &[&str] = &["Blue", "Green"];

/// The structure `LambdaFunctionInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LambdaFunctionInfo {
    #[serde(rename = "currentVersion", default, skip_serializing_if = "Option::is_none")]
    pub current_version: Option<String>,
    #[serde(rename = "functionAlias", default, skip_serializing_if = "Option::is_none")]
    pub function_alias: Option<String>,
    #[serde(rename = "functionName", default, skip_serializing_if = "Option::is_none")]
    pub function_name: Option<String>,
    #[serde(rename = "targetVersion", default, skip_serializing_if = "Option::is_none")]
    pub target_version: Option<String>,
    #[serde(rename = "targetVersionWeight", default, skip_serializing_if = "Option::is_none")]
    pub target_version_weight: Option<f64>,
}

structure!(LambdaFunctionInfo);

/// The structure `LambdaTarget`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LambdaTarget {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "lambdaFunctionInfo", default, skip_serializing_if = "Option::is_none")]
    pub lambda_function_info: Option<LambdaFunctionInfo>,
    #[serde(rename = "lastUpdatedAt", default, skip_serializing_if = "Option::is_none")]
    pub last_updated_at: Option<Time>,
    #[serde(rename = "lifecycleEvents", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_events: Option<Vec<LifecycleEvent>>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(rename = "targetArn", default, skip_serializing_if = "Option::is_none")]
    pub target_arn: Option<String>,
    #[serde(rename = "targetId", default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
}

structure!(LambdaTarget);

/// The structure `LastDeploymentInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LastDeploymentInfo {
    #[serde(rename = "createTime", default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<Time>,
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "endTime", default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

structure!(LastDeploymentInfo);

/// The values of `LifecycleErrorCode`.
pub const LIFECYCLE_ERROR_CODE: &[&str] =
    &["Success", "ScriptMissing", "ScriptNotExecutable", "ScriptTimedOut", "ScriptFailed", "UnknownError"];

/// The structure `LifecycleEvent`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LifecycleEvent {
    #[serde(rename = "diagnostics", default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Diagnostics>,
    #[serde(rename = "endTime", default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    #[serde(rename = "lifecycleEventName", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_event_name: Option<String>,
    #[serde(rename = "startTime", default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

structure!(LifecycleEvent);

/// The values of `LifecycleEventStatus`.
pub const LIFECYCLE_EVENT_STATUS: &[&str] =
    &["Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Unknown"];

/// The structure `ListApplicationRevisionsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListApplicationRevisionsInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "deployed", default, skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "s3Bucket", default, skip_serializing_if = "Option::is_none")]
    pub s3_bucket: Option<String>,
    #[serde(rename = "s3KeyPrefix", default, skip_serializing_if = "Option::is_none")]
    pub s3_key_prefix: Option<String>,
    #[serde(rename = "sortBy", default, skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<String>,
    #[serde(rename = "sortOrder", default, skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<String>,
}

structure!(ListApplicationRevisionsInput);

/// The structure `ListApplicationRevisionsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListApplicationRevisionsOutput {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "revisions", default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<Vec<RevisionLocation>>,
}

structure!(ListApplicationRevisionsOutput);

/// The structure `ListApplicationsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListApplicationsInput {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListApplicationsInput);

/// The structure `ListApplicationsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListApplicationsOutput {
    #[serde(rename = "applications", default, skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListApplicationsOutput);

/// The structure `ListDeploymentConfigsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentConfigsInput {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentConfigsInput);

/// The structure `ListDeploymentConfigsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentConfigsOutput {
    #[serde(rename = "deploymentConfigsList", default, skip_serializing_if = "Option::is_none")]
    pub deployment_configs_list: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentConfigsOutput);

/// The structure `ListDeploymentGroupsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentGroupsInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentGroupsInput);

/// The structure `ListDeploymentGroupsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentGroupsOutput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "deploymentGroups", default, skip_serializing_if = "Option::is_none")]
    pub deployment_groups: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentGroupsOutput);

/// The structure `ListDeploymentInstancesInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentInstancesInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "instanceStatusFilter", default, skip_serializing_if = "Option::is_none")]
    pub instance_status_filter: Option<Vec<String>>,
    #[serde(rename = "instanceTypeFilter", default, skip_serializing_if = "Option::is_none")]
    pub instance_type_filter: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentInstancesInput);

/// The structure `ListDeploymentInstancesOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentInstancesOutput {
    #[serde(rename = "instancesList", default, skip_serializing_if = "Option::is_none")]
    pub instances_list: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentInstancesOutput);

/// The structure `ListDeploymentTargetsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentTargetsInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "targetFilters", default, skip_serializing_if = "Option::is_none")]
    pub target_filters: Option<BTreeMap<String, Vec<String>>>,
}

structure!(ListDeploymentTargetsInput);

/// The structure `ListDeploymentTargetsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentTargetsOutput {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "targetIds", default, skip_serializing_if = "Option::is_none")]
    pub target_ids: Option<Vec<String>>,
}

structure!(ListDeploymentTargetsOutput);

/// The structure `ListDeploymentsInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentsInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "createTimeRange", default, skip_serializing_if = "Option::is_none")]
    pub create_time_range: Option<TimeRange>,
    #[serde(rename = "deploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_name: Option<String>,
    #[serde(rename = "externalId", default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(rename = "includeOnlyStatuses", default, skip_serializing_if = "Option::is_none")]
    pub include_only_statuses: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentsInput);

/// The structure `ListDeploymentsOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListDeploymentsOutput {
    #[serde(rename = "deployments", default, skip_serializing_if = "Option::is_none")]
    pub deployments: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListDeploymentsOutput);

/// The structure `ListGitHubAccountTokenNamesInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListGitHubAccountTokenNamesInput {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListGitHubAccountTokenNamesInput);

/// The structure `ListGitHubAccountTokenNamesOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListGitHubAccountTokenNamesOutput {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "tokenNameList", default, skip_serializing_if = "Option::is_none")]
    pub token_name_list: Option<Vec<String>>,
}

structure!(ListGitHubAccountTokenNamesOutput);

/// The structure `ListOnPremisesInstancesInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListOnPremisesInstancesInput {
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "registrationStatus", default, skip_serializing_if = "Option::is_none")]
    pub registration_status: Option<String>,
    #[serde(rename = "tagFilters", default, skip_serializing_if = "Option::is_none")]
    pub tag_filters: Option<Vec<TagFilter>>,
}

structure!(ListOnPremisesInstancesInput);

/// The structure `ListOnPremisesInstancesOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListOnPremisesInstancesOutput {
    #[serde(rename = "instanceNames", default, skip_serializing_if = "Option::is_none")]
    pub instance_names: Option<Vec<String>>,
    #[serde(rename = "nextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

structure!(ListOnPremisesInstancesOutput);

/// The values of `ListStateFilterAction`.
pub const LIST_STATE_FILTER_ACTION: &[&str] = &["include", "exclude", "ignore"];

/// The structure `ListTagsForResourceInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListTagsForResourceInput {
    #[serde(rename = "NextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "ResourceArn", default, skip_serializing_if = "Option::is_none")]
    pub resource_arn: Option<String>,
}

structure!(ListTagsForResourceInput);

/// The structure `ListTagsForResourceOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ListTagsForResourceOutput {
    #[serde(rename = "NextToken", default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "Tags", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

structure!(ListTagsForResourceOutput);

/// The structure `LoadBalancerInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LoadBalancerInfo {
    #[serde(rename = "elbInfoList", default, skip_serializing_if = "Option::is_none")]
    pub elb_info_list: Option<Vec<ELBInfo>>,
    #[serde(rename = "targetGroupInfoList", default, skip_serializing_if = "Option::is_none")]
    pub target_group_info_list: Option<Vec<TargetGroupInfo>>,
    #[serde(rename = "targetGroupPairInfoList", default, skip_serializing_if = "Option::is_none")]
    pub target_group_pair_info_list: Option<Vec<TargetGroupPairInfo>>,
}

structure!(LoadBalancerInfo);

/// The structure `MinimumHealthyHosts`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MinimumHealthyHosts {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(rename = "value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
}

structure!(MinimumHealthyHosts);

/// The structure `MinimumHealthyHostsPerZone`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct MinimumHealthyHostsPerZone {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(rename = "value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
}

structure!(MinimumHealthyHostsPerZone);

/// The values of `MinimumHealthyHostsPerZoneType`.
pub const MINIMUM_HEALTHY_HOSTS_PER_ZONE_TYPE: &[&str] = &["HOST_COUNT", "FLEET_PERCENT"];

/// The values of `MinimumHealthyHostsType`.
pub const MINIMUM_HEALTHY_HOSTS_TYPE: &[&str] = &["HOST_COUNT", "FLEET_PERCENT"];

/// The structure `OnPremisesTagSet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct OnPremisesTagSet {
    #[serde(rename = "onPremisesTagSetList", default, skip_serializing_if = "Option::is_none")]
    pub on_premises_tag_set_list: Option<Vec<Vec<TagFilter>>>,
}

structure!(OnPremisesTagSet);

/// The values of `OutdatedInstancesStrategy`.
pub const OUTDATED_INSTANCES_STRATEGY: &[&str] = &["UPDATE", "IGNORE"];

/// The structure `PutLifecycleEventHookExecutionStatusInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PutLifecycleEventHookExecutionStatusInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    #[serde(rename = "lifecycleEventHookExecutionId", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_event_hook_execution_id: Option<String>,
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

structure!(PutLifecycleEventHookExecutionStatusInput);

/// The structure `PutLifecycleEventHookExecutionStatusOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PutLifecycleEventHookExecutionStatusOutput {
    #[serde(rename = "lifecycleEventHookExecutionId", default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_event_hook_execution_id: Option<String>,
}

structure!(PutLifecycleEventHookExecutionStatusOutput);

/// The structure `RawString`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RawString {
    #[serde(rename = "content", default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    #[serde(rename = "sha256", default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

structure!(RawString);

/// The structure `RegisterApplicationRevisionInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RegisterApplicationRevisionInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "description", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(rename = "revision", default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionLocation>,
}

structure!(RegisterApplicationRevisionInput);

/// The structure `RegisterOnPremisesInstanceInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RegisterOnPremisesInstanceInput {
    #[serde(rename = "iamSessionArn", default, skip_serializing_if = "Option::is_none")]
    pub iam_session_arn: Option<String>,
    #[serde(rename = "iamUserArn", default, skip_serializing_if = "Option::is_none")]
    pub iam_user_arn: Option<String>,
    #[serde(rename = "instanceName", default, skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
}

structure!(RegisterOnPremisesInstanceInput);

/// The values of `RegistrationStatus`.
pub const REGISTRATION_STATUS: &[&str] = &["Registered", "Deregistered"];

/// The structure `RelatedDeployments`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RelatedDeployments {
    #[serde(
        rename = "autoUpdateOutdatedInstancesDeploymentIds",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub auto_update_outdated_instances_deployment_ids: Option<Vec<String>>,
    #[serde(
        rename = "autoUpdateOutdatedInstancesRootDeploymentId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub auto_update_outdated_instances_root_deployment_id: Option<String>,
}

structure!(RelatedDeployments);

/// The structure `RemoveTagsFromOnPremisesInstancesInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RemoveTagsFromOnPremisesInstancesInput {
    #[serde(rename = "instanceNames", default, skip_serializing_if = "Option::is_none")]
    pub instance_names: Option<Vec<String>>,
    #[serde(rename = "tags", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

structure!(RemoveTagsFromOnPremisesInstancesInput);

/// The structure `RevisionInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RevisionInfo {
    #[serde(rename = "genericRevisionInfo", default, skip_serializing_if = "Option::is_none")]
    pub generic_revision_info: Option<GenericRevisionInfo>,
    #[serde(rename = "revisionLocation", default, skip_serializing_if = "Option::is_none")]
    pub revision_location: Option<RevisionLocation>,
}

structure!(RevisionInfo);

/// The structure `RevisionLocation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RevisionLocation {
    #[serde(rename = "appSpecContent", default, skip_serializing_if = "Option::is_none")]
    pub app_spec_content: Option<AppSpecContent>,
    #[serde(rename = "gitHubLocation", default, skip_serializing_if = "Option::is_none")]
    pub git_hub_location: Option<GitHubLocation>,
    #[serde(rename = "revisionType", default, skip_serializing_if = "Option::is_none")]
    pub revision_type: Option<String>,
    #[serde(rename = "s3Location", default, skip_serializing_if = "Option::is_none")]
    pub s3_location: Option<S3Location>,
    #[serde(rename = "string", default, skip_serializing_if = "Option::is_none")]
    pub string: Option<RawString>,
}

structure!(RevisionLocation);

/// The values of `RevisionLocationType`.
pub const REVISION_LOCATION_TYPE: &[&str] = &["S3", "GitHub", "String", "AppSpecContent"];

/// The structure `RollbackInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct RollbackInfo {
    #[serde(rename = "rollbackDeploymentId", default, skip_serializing_if = "Option::is_none")]
    pub rollback_deployment_id: Option<String>,
    #[serde(rename = "rollbackMessage", default, skip_serializing_if = "Option::is_none")]
    pub rollback_message: Option<String>,
    #[serde(rename = "rollbackTriggeringDeploymentId", default, skip_serializing_if = "Option::is_none")]
    pub rollback_triggering_deployment_id: Option<String>,
}

structure!(RollbackInfo);

/// The structure `S3Location`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct S3Location {
    #[serde(rename = "bucket", default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    #[serde(rename = "bundleType", default, skip_serializing_if = "Option::is_none")]
    pub bundle_type: Option<String>,
    #[serde(rename = "eTag", default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    #[serde(rename = "key", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(rename = "version", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

structure!(S3Location);

/// The structure `SkipWaitTimeForInstanceTerminationInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SkipWaitTimeForInstanceTerminationInput {
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
}

structure!(SkipWaitTimeForInstanceTerminationInput);

/// The values of `SortOrder`.
pub const SORT_ORDER: &[&str] = &["ascending", "descending"];

/// The structure `StopDeploymentInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct StopDeploymentInput {
    #[serde(rename = "autoRollbackEnabled", default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_enabled: Option<bool>,
    #[serde(rename = "deploymentId", default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
}

structure!(StopDeploymentInput);

/// The structure `StopDeploymentOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct StopDeploymentOutput {
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(rename = "statusMessage", default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
}

structure!(StopDeploymentOutput);

/// The values of `StopStatus`.
pub const STOP_STATUS: &[&str] = &["Pending", "Succeeded"];

/// The structure `Tag`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Tag {
    #[serde(rename = "Key", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

structure!(Tag);

/// The structure `TagFilter`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TagFilter {
    #[serde(rename = "Key", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

structure!(TagFilter);

/// The values of `TagFilterType`.
pub const TAG_FILTER_TYPE: &[&str] = &["KEY_ONLY", "VALUE_ONLY", "KEY_AND_VALUE"];

/// The structure `TagResourceInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TagResourceInput {
    #[serde(rename = "ResourceArn", default, skip_serializing_if = "Option::is_none")]
    pub resource_arn: Option<String>,
    #[serde(rename = "Tags", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

structure!(TagResourceInput);

/// The structure `TagResourceOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TagResourceOutput {}

structure!(TagResourceOutput);

/// The values of `TargetFilterName`.
pub const TARGET_FILTER_NAME: &[&str] = &["TargetStatus", "ServerInstanceLabel"];

/// The structure `TargetGroupInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TargetGroupInfo {
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

structure!(TargetGroupInfo);

/// The structure `TargetGroupPairInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TargetGroupPairInfo {
    #[serde(rename = "prodTrafficRoute", default, skip_serializing_if = "Option::is_none")]
    pub prod_traffic_route: Option<TrafficRoute>,
    #[serde(rename = "targetGroups", default, skip_serializing_if = "Option::is_none")]
    pub target_groups: Option<Vec<TargetGroupInfo>>,
    #[serde(rename = "testTrafficRoute", default, skip_serializing_if = "Option::is_none")]
    pub test_traffic_route: Option<TrafficRoute>,
}

structure!(TargetGroupPairInfo);

/// The structure `TargetInstances`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TargetInstances {
    #[serde(rename = "autoScalingGroups", default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_groups: Option<Vec<String>>,
    #[serde(rename = "ec2TagSet", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_set: Option<EC2TagSet>,
    #[serde(rename = "tagFilters", default, skip_serializing_if = "Option::is_none")]
    pub tag_filters: Option<Vec<EC2TagFilter>>,
}

structure!(TargetInstances);

/// The values of `TargetLabel`.
pub const TARGET_LABEL: &[&str] = &["Blue", "Green"];

/// The values of `TargetStatus`.
pub const TARGET_STATUS: &[&str] =
    &["Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Unknown", "Ready"];

/// The structure `TimeBasedCanary`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TimeBasedCanary {
    #[serde(rename = "canaryInterval", default, skip_serializing_if = "Option::is_none")]
    pub canary_interval: Option<i32>,
    #[serde(rename = "canaryPercentage", default, skip_serializing_if = "Option::is_none")]
    pub canary_percentage: Option<i32>,
}

structure!(TimeBasedCanary);

/// The structure `TimeBasedLinear`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TimeBasedLinear {
    #[serde(rename = "linearInterval", default, skip_serializing_if = "Option::is_none")]
    pub linear_interval: Option<i32>,
    #[serde(rename = "linearPercentage", default, skip_serializing_if = "Option::is_none")]
    pub linear_percentage: Option<i32>,
}

structure!(TimeBasedLinear);

/// The structure `TimeRange`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TimeRange {
    #[serde(rename = "end", default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Time>,
    #[serde(rename = "start", default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Time>,
}

structure!(TimeRange);

/// The structure `TrafficRoute`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TrafficRoute {
    #[serde(rename = "listenerArns", default, skip_serializing_if = "Option::is_none")]
    pub listener_arns: Option<Vec<String>>,
}

structure!(TrafficRoute);

/// The structure `TrafficRoutingConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TrafficRoutingConfig {
    #[serde(rename = "timeBasedCanary", default, skip_serializing_if = "Option::is_none")]
    pub time_based_canary: Option<TimeBasedCanary>,
    #[serde(rename = "timeBasedLinear", default, skip_serializing_if = "Option::is_none")]
    pub time_based_linear: Option<TimeBasedLinear>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
}

structure!(TrafficRoutingConfig);

/// The values of `TrafficRoutingType`.
pub const TRAFFIC_ROUTING_TYPE: &[&str] = &["TimeBasedCanary", "TimeBasedLinear", "AllAtOnce"];

/// The structure `TriggerConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TriggerConfig {
    #[serde(rename = "triggerEvents", default, skip_serializing_if = "Option::is_none")]
    pub trigger_events: Option<Vec<String>>,
    #[serde(rename = "triggerName", default, skip_serializing_if = "Option::is_none")]
    pub trigger_name: Option<String>,
    #[serde(rename = "triggerTargetArn", default, skip_serializing_if = "Option::is_none")]
    pub trigger_target_arn: Option<String>,
}

structure!(TriggerConfig);

/// The values of `TriggerEventType`.
pub const TRIGGER_EVENT_TYPE: &[&str] = &[
    "DeploymentStart",
    "DeploymentSuccess",
    "DeploymentFailure",
    "DeploymentStop",
    "DeploymentRollback",
    "DeploymentReady",
    "InstanceStart",
    "InstanceSuccess",
    "InstanceFailure",
    "InstanceReady",
];

/// The structure `UntagResourceInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UntagResourceInput {
    #[serde(rename = "ResourceArn", default, skip_serializing_if = "Option::is_none")]
    pub resource_arn: Option<String>,
    #[serde(rename = "TagKeys", default, skip_serializing_if = "Option::is_none")]
    pub tag_keys: Option<Vec<String>>,
}

structure!(UntagResourceInput);

/// The structure `UntagResourceOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UntagResourceOutput {}

structure!(UntagResourceOutput);

/// The structure `UpdateApplicationInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UpdateApplicationInput {
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "newApplicationName", default, skip_serializing_if = "Option::is_none")]
    pub new_application_name: Option<String>,
}

structure!(UpdateApplicationInput);

/// The structure `UpdateDeploymentGroupInput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UpdateDeploymentGroupInput {
    #[serde(rename = "alarmConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub alarm_configuration: Option<AlarmConfiguration>,
    #[serde(rename = "applicationName", default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    #[serde(rename = "autoRollbackConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    #[serde(rename = "autoScalingGroups", default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_groups: Option<Vec<String>>,
    #[serde(rename = "blueGreenDeploymentConfiguration", default, skip_serializing_if = "Option::is_none")]
    pub blue_green_deployment_configuration: Option<BlueGreenDeploymentConfiguration>,
    #[serde(rename = "currentDeploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub current_deployment_group_name: Option<String>,
    #[serde(rename = "deploymentConfigName", default, skip_serializing_if = "Option::is_none")]
    pub deployment_config_name: Option<String>,
    #[serde(rename = "deploymentStyle", default, skip_serializing_if = "Option::is_none")]
    pub deployment_style: Option<DeploymentStyle>,
    #[serde(rename = "ec2DeploymentOptions", default, skip_serializing_if = "Option::is_none")]
    pub ec2_deployment_options: Option<EC2DeploymentOptions>,
    #[serde(rename = "ec2TagFilters", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_filters: Option<Vec<EC2TagFilter>>,
    #[serde(rename = "ec2TagSet", default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_set: Option<EC2TagSet>,
    #[serde(rename = "ecsServices", default, skip_serializing_if = "Option::is_none")]
    pub ecs_services: Option<Vec<ECSService>>,
    #[serde(rename = "loadBalancerInfo", default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_info: Option<LoadBalancerInfo>,
    #[serde(rename = "newDeploymentGroupName", default, skip_serializing_if = "Option::is_none")]
    pub new_deployment_group_name: Option<String>,
    #[serde(rename = "onPremisesInstanceTagFilters", default, skip_serializing_if = "Option::is_none")]
    pub on_premises_instance_tag_filters: Option<Vec<TagFilter>>,
    #[serde(rename = "onPremisesTagSet", default, skip_serializing_if = "Option::is_none")]
    pub on_premises_tag_set: Option<OnPremisesTagSet>,
    #[serde(rename = "outdatedInstancesStrategy", default, skip_serializing_if = "Option::is_none")]
    pub outdated_instances_strategy: Option<String>,
    #[serde(rename = "serviceRoleArn", default, skip_serializing_if = "Option::is_none")]
    pub service_role_arn: Option<String>,
    #[serde(rename = "terminationHookEnabled", default, skip_serializing_if = "Option::is_none")]
    pub termination_hook_enabled: Option<bool>,
    #[serde(rename = "triggerConfigurations", default, skip_serializing_if = "Option::is_none")]
    pub trigger_configurations: Option<Vec<TriggerConfig>>,
}

structure!(UpdateDeploymentGroupInput);

/// The structure `UpdateDeploymentGroupOutput`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UpdateDeploymentGroupOutput {
    #[serde(rename = "hooksNotCleanedUp", default, skip_serializing_if = "Option::is_none")]
    pub hooks_not_cleaned_up: Option<Vec<AutoScalingGroup>>,
}

structure!(UpdateDeploymentGroupOutput);

/// The structure `ZonalConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ZonalConfig {
    #[serde(rename = "firstZoneMonitorDurationInSeconds", default, skip_serializing_if = "Option::is_none")]
    pub first_zone_monitor_duration_in_seconds: Option<i64>,
    #[serde(rename = "minimumHealthyHostsPerZone", default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_hosts_per_zone: Option<MinimumHealthyHostsPerZone>,
    #[serde(rename = "monitorDurationInSeconds", default, skip_serializing_if = "Option::is_none")]
    pub monitor_duration_in_seconds: Option<i64>,
}

structure!(ZonalConfig);
