//! Deployment groups. Source: service.md §2.4 and §3.3.

use longshore_model::application::ResourceTag;
use longshore_model::deployment::Deployment;
use longshore_model::deployment_group::{AutoRollback, DeploymentGroup, OutdatedInstancesStrategy};
use longshore_model::id::{ApplicationName, DeploymentConfigName, DeploymentGroupName};
use longshore_model::tag_filter::TagSelector;
use longshore_model::traffic::{Traffic, TrafficChange};
use longshore_model::watch::{Alarms, ScalingProcess, Trigger};

use super::tag_filter::{EC2, ON_PREMISES, RawSelector, from_selector};
use super::traffic::traffic_refused;
use super::{COMPUTE_PLATFORM, arn, name, non_empty, quoted, revision, rollback, tag, traffic, watch};
use crate::api::shapes::{
    AlarmConfiguration, AutoRollbackConfiguration, BatchGetDeploymentGroupsInput,
    BlueGreenDeploymentConfiguration, CreateDeploymentGroupInput, DeploymentGroupInfo, DeploymentStyle,
    EC2DeploymentOptions, EC2TagFilter, EC2TagSet, ECSService, LastDeploymentInfo, LoadBalancerInfo,
    OnPremisesTagSet, Tag, TagFilter, TriggerConfig, UpdateDeploymentGroupInput,
};
use crate::error::ApiError;

/// The most groups in one batch.
const MAX_BATCH: usize = 100;

/// `CreateDeploymentGroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeploymentGroup {
    /// The application it will belong to.
    pub application: ApplicationName,
    /// Its name.
    pub name: DeploymentGroupName,
    /// Its role.
    pub service_role_arn: String,
    /// The rest; what is absent gets the service's default.
    pub settings: GroupSettings,
    /// Its tags.
    pub tags: Vec<ResourceTag>,
}

/// `UpdateDeploymentGroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentGroupUpdate {
    /// The application it belongs to.
    pub application: ApplicationName,
    /// The present name.
    pub name: DeploymentGroupName,
    /// A new name.
    pub new_name: Option<DeploymentGroupName>,
    /// Another role.
    pub service_role_arn: Option<String>,
    /// The rest; what is absent stays.
    pub settings: GroupSettings,
}

/// What both operations may set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// The config of its deployments.
    pub config: Option<DeploymentConfigName>,
    /// EC2 selector, either form.
    pub ec2_selector: Option<TagSelector>,
    /// On-premises selector, either form.
    pub on_premises_selector: Option<TagSelector>,
    /// Rollback rule.
    pub auto_rollback: Option<AutoRollback>,
    /// Outdated hosts.
    pub outdated_instances_strategy: Option<OutdatedInstancesStrategy>,
    /// Kept as given.
    pub termination_hook_enabled: Option<bool>,
    /// Style, load balancers and blue/green settings. Whether they go together is looked at when they
    /// are merged with what the group has.
    pub traffic: TrafficChange,
    /// Alarms.
    pub alarms: Option<Alarms>,
    /// Triggers; none to clear them.
    pub triggers: Option<Vec<Trigger>>,
    /// Auto Scaling processes; none to clear them.
    pub processes_to_suspend: Option<Vec<ScalingProcess>>,
    /// How many Auto Scaling groups were named.
    pub n_auto_scaling_groups: usize,
}

/// Checks `CreateDeploymentGroup`.
///
/// # Errors
/// The names, then in the order of service.md §2.4.
pub fn new_deployment_group(input: CreateDeploymentGroupInput) -> Result<NewDeploymentGroup, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let group_name = name::deployment_group(input.deployment_group_name.as_deref())?;
    let config = name::optional_deployment_config(input.deployment_config_name.as_deref())?;
    let role = non_empty(input.service_role_arn).ok_or_else(role_required)?;
    check_role(&role)?;
    let members = Members {
        ec2: RawSelector {
            filters: input.ec2_tag_filters,
            set: input.ec2_tag_set.map(|set| set.ec2_tag_set_list.unwrap_or_default()),
        },
        on_premises: RawSelector {
            filters: input.on_premises_instance_tag_filters,
            set: input.on_premises_tag_set.map(|set| set.on_premises_tag_set_list.unwrap_or_default()),
        },
        auto_scaling_groups: input.auto_scaling_groups.unwrap_or_default(),
        triggers: input.trigger_configurations,
        alarms: input.alarm_configuration,
        auto_rollback: input.auto_rollback_configuration,
        outdated_instances_strategy: input.outdated_instances_strategy,
        traffic: TrafficMembers {
            style: input.deployment_style,
            load_balancers: input.load_balancer_info,
            blue_green: input.blue_green_deployment_configuration,
        },
        ecs_services: input.ecs_services.unwrap_or_default(),
        tags: input.tags,
        ec2_options: input.ec2_deployment_options,
    };
    let (settings, tags) = members.checked(config, input.termination_hook_enabled, Merge::WithDefaults)?;
    Ok(NewDeploymentGroup { application, name: group_name, service_role_arn: role, settings, tags })
}

/// Checks `UpdateDeploymentGroup`.
///
/// # Errors
/// The names, then in the order of service.md §2.4.
pub fn deployment_group_update(input: UpdateDeploymentGroupInput) -> Result<DeploymentGroupUpdate, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let group_name = name::deployment_group(input.current_deployment_group_name.as_deref())?;
    let new_name = match non_empty(input.new_deployment_group_name) {
        Some(text) => Some(name::deployment_group(Some(&text))?),
        None => None,
    };
    let config = name::optional_deployment_config(input.deployment_config_name.as_deref())?;
    let role = non_empty(input.service_role_arn);
    role.as_deref().map_or(Ok(()), check_role)?;
    let members = Members {
        ec2: RawSelector {
            filters: input.ec2_tag_filters,
            set: input.ec2_tag_set.map(|set| set.ec2_tag_set_list.unwrap_or_default()),
        },
        on_premises: RawSelector {
            filters: input.on_premises_instance_tag_filters,
            set: input.on_premises_tag_set.map(|set| set.on_premises_tag_set_list.unwrap_or_default()),
        },
        auto_scaling_groups: input.auto_scaling_groups.unwrap_or_default(),
        triggers: input.trigger_configurations,
        alarms: input.alarm_configuration,
        auto_rollback: input.auto_rollback_configuration,
        outdated_instances_strategy: input.outdated_instances_strategy,
        traffic: TrafficMembers {
            style: input.deployment_style,
            load_balancers: input.load_balancer_info,
            blue_green: input.blue_green_deployment_configuration,
        },
        ecs_services: input.ecs_services.unwrap_or_default(),
        tags: None,
        ec2_options: input.ec2_deployment_options,
    };
    let (settings, _) = members.checked(config, input.termination_hook_enabled, Merge::Later)?;
    Ok(DeploymentGroupUpdate { application, name: group_name, new_name, service_role_arn: role, settings })
}

/// Checks `BatchGetDeploymentGroups`.
///
/// # Errors
/// The application's name, `DeploymentGroupNameRequiredException`, `BatchLimitExceededException`,
/// `InvalidDeploymentGroupNameException`.
pub fn deployment_group_batch(
    input: BatchGetDeploymentGroupsInput,
) -> Result<(ApplicationName, Vec<DeploymentGroupName>), ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let names = input.deployment_group_names.unwrap_or_default();
    if names.is_empty() {
        return Err(name::deployment_group(None).err().unwrap_or_else(|| ApiError::validation("No name.")));
    }
    if MAX_BATCH < names.len() {
        return Err(ApiError::client(
            "BatchLimitExceededException",
            format!("{} deployment groups were asked for; at most {MAX_BATCH} are allowed.", names.len()),
        ));
    }
    let names: Result<Vec<_>, _> = names.iter().map(|text| name::deployment_group(Some(text))).collect();
    Ok((application, names?))
}

/// A group as the API answers it.
pub fn deployment_group_info(
    group: &DeploymentGroup,
    last_attempted: Option<&Deployment>,
    last_successful: Option<&Deployment>,
) -> DeploymentGroupInfo {
    let (ec2_tag_filters, ec2_tag_set) = from_selector::<EC2TagFilter>(&group.ec2_selector);
    let (on_premises_instance_tag_filters, on_premises_tag_set) =
        from_selector::<TagFilter>(&group.on_premises_selector);
    DeploymentGroupInfo {
        application_name: Some(group.application.to_string()),
        deployment_group_id: Some(group.id.to_string()),
        deployment_group_name: Some(group.name.to_string()),
        deployment_config_name: Some(group.config.to_string()),
        ec2_tag_filters,
        ec2_tag_set: ec2_tag_set.map(|groups| EC2TagSet { ec2_tag_set_list: Some(groups) }),
        on_premises_instance_tag_filters,
        on_premises_tag_set: on_premises_tag_set
            .map(|groups| OnPremisesTagSet { on_premises_tag_set_list: Some(groups) }),
        auto_scaling_groups: Some(Vec::new()),
        service_role_arn: Some(group.service_role_arn.clone()),
        target_revision: group.history.target_revision.as_ref().map(revision::from_revision),
        trigger_configurations: Some(watch::from_triggers(&group.triggers)),
        alarm_configuration: group.alarms.as_ref().map(watch::from_alarms),
        auto_rollback_configuration: Some(rollback::from_auto_rollback(&group.auto_rollback)),
        deployment_style: Some(traffic::from_style(&group.traffic)),
        load_balancer_info: traffic::from_load_balancers(&group.traffic.load_balancers),
        blue_green_deployment_configuration: traffic::from_blue_green(&group.traffic.blue_green),
        ec2_deployment_options: watch::from_processes(&group.processes_to_suspend),
        outdated_instances_strategy: Some(strategy_name(group.outdated_instances_strategy).to_owned()),
        last_attempted_deployment: last_attempted.map(last_deployment),
        last_successful_deployment: last_successful.map(last_deployment),
        compute_platform: Some(COMPUTE_PLATFORM.to_owned()),
        termination_hook_enabled: Some(group.termination_hook_enabled),
        ..DeploymentGroupInfo::default()
    }
}

/// The members that create and update have in common, as given.
struct Members {
    ec2: RawSelector<EC2TagFilter>,
    on_premises: RawSelector<TagFilter>,
    auto_scaling_groups: Vec<String>,
    triggers: Option<Vec<TriggerConfig>>,
    alarms: Option<AlarmConfiguration>,
    auto_rollback: Option<AutoRollbackConfiguration>,
    outdated_instances_strategy: Option<String>,
    traffic: TrafficMembers,
    ecs_services: Vec<ECSService>,
    tags: Option<Vec<Tag>>,
    ec2_options: Option<EC2DeploymentOptions>,
}

impl Members {
    /// In the order of the table in service.md §2.4.
    fn checked(
        self,
        config: Option<DeploymentConfigName>,
        termination_hook_enabled: Option<bool>,
        merge: Merge,
    ) -> Result<(GroupSettings, Vec<ResourceTag>), ApiError> {
        self.ec2.check_combination(EC2)?;
        self.on_premises.check_combination(ON_PREMISES)?;
        self.ec2.check_groups()?;
        self.on_premises.check_groups()?;
        self.ec2.check_sizes(EC2)?;
        self.on_premises.check_sizes(ON_PREMISES)?;
        let ec2_selector = self.ec2.checked(EC2)?;
        let on_premises_selector = self.on_premises.checked(ON_PREMISES)?;
        watch::check_auto_scaling_groups(&self.auto_scaling_groups)?;
        let triggers = self.triggers.map(watch::triggers).transpose()?;
        let alarms = self.alarms.map(watch::alarms).transpose()?;
        let auto_rollback = self.auto_rollback.map(rollback::auto_rollback).transpose()?;
        let outdated_instances_strategy =
            self.outdated_instances_strategy.as_deref().map(outdated_strategy).transpose()?.flatten();
        let has_on_premises = on_premises_selector.as_ref().is_some_and(|selector| !selector.is_empty());
        let n_auto_scaling_groups = self.auto_scaling_groups.len();
        let traffic = self.traffic.checked(merge, n_auto_scaling_groups, has_on_premises)?;
        if !self.ecs_services.is_empty() {
            let message = "ECS services are not for compute platform `Server`.";
            return Err(ApiError::client("InvalidECSServiceException", message));
        }
        let tags = tag::resource_tags(self.tags)?;
        let processes_to_suspend = watch::processes_to_suspend(self.ec2_options)?;
        watch::check_auto_scaling_groups_known(&self.auto_scaling_groups)?;
        let settings = GroupSettings {
            config,
            ec2_selector,
            on_premises_selector,
            auto_rollback,
            outdated_instances_strategy,
            termination_hook_enabled,
            traffic,
            alarms,
            triggers,
            processes_to_suspend,
            n_auto_scaling_groups,
        };
        Ok((settings, tags))
    }
}

/// What members are checked together with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merge {
    /// The service's defaults: everything that there will be is known.
    WithDefaults,
    /// A group that only the engine sees.
    Later,
}

/// The members about traffic, as given.
struct TrafficMembers {
    style: Option<DeploymentStyle>,
    load_balancers: Option<LoadBalancerInfo>,
    blue_green: Option<BlueGreenDeploymentConfiguration>,
}

impl TrafficMembers {
    /// Each by itself and, where that is known, together with the others.
    fn checked(
        self,
        merge: Merge,
        n_auto_scaling_groups: usize,
        has_on_premises: bool,
    ) -> Result<TrafficChange, ApiError> {
        let mut change = TrafficChange::default();
        let so_far = |change: &TrafficChange| match merge {
            Merge::WithDefaults => Some(change.clone().apply(Traffic::default())),
            Merge::Later => None,
        };
        traffic::style(self.style.as_ref(), &mut change)?;
        so_far(&change).map_or(Ok(()), |merged| merged.check_style()).map_err(traffic_refused)?;
        traffic::load_balancers(self.load_balancers, &mut change)?;
        so_far(&change).map_or(Ok(()), |merged| merged.check_load_balancers()).map_err(traffic_refused)?;
        traffic::blue_green(self.blue_green.as_ref(), &mut change)?;
        so_far(&change)
            .map_or(Ok(()), |merged| merged.check_blue_green(n_auto_scaling_groups, has_on_premises))
            .map_err(traffic_refused)?;
        Ok(change)
    }
}

fn role_required() -> ApiError {
    ApiError::client("RoleRequiredException", "The service role ARN is missing.")
}

fn check_role(role: &str) -> Result<(), ApiError> {
    if arn::is_role(role) {
        return Ok(());
    }
    Err(ApiError::client(
        "InvalidRoleException",
        format!("{} is not the ARN of an IAM role: arn:aws:iam::<account>:role/<name>.", quoted(role)),
    ))
}

fn strategy_name(strategy: OutdatedInstancesStrategy) -> &'static str {
    match strategy {
        OutdatedInstancesStrategy::Update => "UPDATE",
        OutdatedInstancesStrategy::Ignore => "IGNORE",
    }
}

fn outdated_strategy(text: &str) -> Result<Option<OutdatedInstancesStrategy>, ApiError> {
    let known = [OutdatedInstancesStrategy::Update, OutdatedInstancesStrategy::Ignore];
    if text.is_empty() {
        return Ok(None);
    }
    match known.into_iter().find(|strategy| strategy_name(*strategy) == text) {
        Some(strategy) => Ok(Some(strategy)),
        None => Err(ApiError::client(
            "InvalidInputException",
            format!("{} is not an outdated instances strategy: UPDATE or IGNORE.", quoted(text)),
        )),
    }
}

fn last_deployment(deployment: &Deployment) -> LastDeploymentInfo {
    LastDeploymentInfo {
        deployment_id: Some(deployment.id.to_string()),
        status: Some(deployment.status.as_str().to_owned()),
        create_time: Some(deployment.created_at.into()),
        end_time: deployment.completed_at.map(Into::into),
    }
}
