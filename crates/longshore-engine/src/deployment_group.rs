//! Deployment groups: what callers may do with them. Source: service.md §3.3.

use longshore_model::application::ResourceTag;
use longshore_model::deployment::{Deployment, StopReason};
use longshore_model::deployment_config::DEFAULT_CONFIG;
use longshore_model::deployment_group::{
    AutoRollback, DeploymentGroup, GroupHistory, OutdatedInstancesStrategy,
};
use longshore_model::id::{
    ApplicationName, DeploymentConfigName, DeploymentGroupId, DeploymentGroupName, DeploymentId,
};
use longshore_model::tag_filter::TagSelector;
use longshore_model::traffic::{Traffic, TrafficChange, TrafficError};
use longshore_model::watch::{Alarms, ScalingProcess, Trigger};
use longshore_store::{Page, StoreError};

use crate::Engine;
use crate::application::ApplicationError;
use crate::deployment_config::DeploymentConfigError;
use crate::notify::changed_triggers;

/// A group to be made; what is absent gets the service's default.
#[derive(Clone, Debug)]
pub struct NewDeploymentGroup {
    /// The application it will belong to.
    pub application: ApplicationName,
    /// Its name.
    pub name: DeploymentGroupName,
    /// `CodeDeployDefault.OneAtATime` when absent.
    pub config: Option<DeploymentConfigName>,
    /// Kept as given.
    pub service_role_arn: String,
    /// EC2 selector.
    pub ec2_selector: TagSelector,
    /// Which registered hosts.
    pub on_premises_selector: TagSelector,
    /// Rollback rule.
    pub auto_rollback: AutoRollback,
    /// Outdated hosts.
    pub outdated_instances_strategy: OutdatedInstancesStrategy,
    /// Kept as given.
    pub termination_hook_enabled: bool,
    /// Style, load balancers and blue/green settings, which go together.
    pub traffic: Traffic,
    /// Alarms.
    pub alarms: Option<Alarms>,
    /// Triggers.
    pub triggers: Vec<Trigger>,
    /// Auto Scaling processes to suspend.
    pub processes_to_suspend: Vec<ScalingProcess>,
    /// Resource tags.
    pub tags: Vec<ResourceTag>,
}

/// Changes to a group; what is absent stays. Source: service.md §2.4 "Update semantics".
#[derive(Clone, Debug, Default)]
pub struct DeploymentGroupChange {
    /// A new name.
    pub name: Option<DeploymentGroupName>,
    /// Another config.
    pub config: Option<DeploymentConfigName>,
    /// Another role.
    pub service_role_arn: Option<String>,
    /// Replaces either form of the EC2 selector.
    pub ec2_selector: Option<TagSelector>,
    /// Replaces either form of the on-premises selector.
    pub on_premises_selector: Option<TagSelector>,
    /// Replaces the rollback rule.
    pub auto_rollback: Option<AutoRollback>,
    /// Outdated hosts.
    pub outdated_instances_strategy: Option<OutdatedInstancesStrategy>,
    /// Kept as given.
    pub termination_hook_enabled: Option<bool>,
    /// Style, load balancers and blue/green settings.
    pub traffic: TrafficChange,
    /// Other alarms.
    pub alarms: Option<Alarms>,
    /// Other triggers.
    pub triggers: Option<Vec<Trigger>>,
    /// Other processes to suspend.
    pub processes_to_suspend: Option<Vec<ScalingProcess>>,
    /// How many Auto Scaling groups it will have.
    pub n_auto_scaling_groups: usize,
}

/// A group and the deployments that its history names.
#[derive(Clone, Debug)]
pub struct DeploymentGroupView {
    /// The group.
    pub group: DeploymentGroup,
    /// The last one that reached `InProgress`.
    pub last_attempted: Option<Deployment>,
    /// The last one that succeeded.
    pub last_successful: Option<Deployment>,
}

/// Why an operation on a deployment group was refused.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentGroupError {
    /// There is no such application.
    #[error("no application found for name: {0}")]
    NoSuchApplication(ApplicationName),
    /// There is none of that name.
    #[error("No Deployment Group found for name: {0}")]
    NotFound(DeploymentGroupName),
    /// The name is taken.
    #[error("a deployment group named `{0}` already exists")]
    AlreadyExists(DeploymentGroupName),
    /// The application has as many as it may.
    #[error("an application may have at most {0} deployment groups")]
    LimitExceeded(usize),
    /// Settings about traffic do not go together.
    #[error("the deployment group cannot be changed so: {0}")]
    Traffic(#[from] TrafficError),
    /// The config that it names does not exist.
    #[error("No deployment configuration found for name: {0}")]
    NoSuchConfig(DeploymentConfigName),
    /// The store failed.
    #[error("the deployment groups could not be read or written")]
    Store(#[source] StoreError),
}

impl DeploymentGroupChange {
    /// `group` after the change.
    fn apply(self, group: DeploymentGroup) -> Result<DeploymentGroup, TrafficError> {
        let on_premises_selector = self.on_premises_selector.unwrap_or(group.on_premises_selector);
        let traffic = self.traffic.apply(group.traffic);
        traffic.check(self.n_auto_scaling_groups, !on_premises_selector.is_empty())?;
        Ok(DeploymentGroup {
            id: group.id,
            application: group.application,
            name: self.name.unwrap_or(group.name),
            config: self.config.unwrap_or(group.config),
            service_role_arn: self.service_role_arn.unwrap_or(group.service_role_arn),
            ec2_selector: self.ec2_selector.unwrap_or(group.ec2_selector),
            on_premises_selector,
            auto_rollback: self.auto_rollback.unwrap_or(group.auto_rollback),
            outdated_instances_strategy: self
                .outdated_instances_strategy
                .unwrap_or(group.outdated_instances_strategy),
            termination_hook_enabled: self.termination_hook_enabled.unwrap_or(group.termination_hook_enabled),
            traffic,
            alarms: self.alarms.or(group.alarms),
            triggers: self.triggers.unwrap_or(group.triggers),
            processes_to_suspend: self.processes_to_suspend.unwrap_or(group.processes_to_suspend),
            tags: group.tags,
            created_at: group.created_at,
            history: group.history,
        })
    }
}

impl Engine {
    /// Makes a group.
    ///
    /// # Errors
    /// `NoSuchApplication`, `NoSuchConfig`, `AlreadyExists`, `LimitExceeded`, `Store`.
    pub async fn create_deployment_group(
        &self,
        new: NewDeploymentGroup,
    ) -> Result<DeploymentGroupId, DeploymentGroupError> {
        self.require_application(&new.application).await?;
        let config = match new.config {
            Some(config) => config,
            None => DeploymentConfigName::parse(DEFAULT_CONFIG).expect("a constant that obeys the rule"),
        };
        self.require_config(&config).await?;
        let id = DeploymentGroupId::parse(&self.draw().uuid()).expect("a UUID is a deployment group id");
        let group = DeploymentGroup {
            id: id.clone(),
            application: new.application.clone(),
            name: new.name.clone(),
            config,
            service_role_arn: new.service_role_arn,
            ec2_selector: new.ec2_selector,
            on_premises_selector: new.on_premises_selector,
            auto_rollback: new.auto_rollback,
            outdated_instances_strategy: new.outdated_instances_strategy,
            termination_hook_enabled: new.termination_hook_enabled,
            traffic: new.traffic,
            alarms: new.alarms,
            triggers: new.triggers,
            processes_to_suspend: new.processes_to_suspend,
            tags: new.tags,
            created_at: self.now(),
            history: GroupHistory::default(),
        };
        match self
            .inner
            .store
            .create_deployment_group(&group, self.inner.config.quotas.deployment_groups)
            .await
        {
            Ok(()) => {
                self.test_triggers(&group.application, &group.name, &group.triggers).await;
                Ok(id)
            }
            Err(StoreError::NotFound(_)) => Err(DeploymentGroupError::NoSuchApplication(new.application)),
            Err(StoreError::AlreadyExists(_)) => Err(DeploymentGroupError::AlreadyExists(new.name)),
            Err(StoreError::LimitExceeded { limit, .. }) => Err(DeploymentGroupError::LimitExceeded(limit)),
            Err(error) => Err(DeploymentGroupError::Store(error)),
        }
    }

    /// The group called `name` with its last deployments.
    ///
    /// # Errors
    /// `NoSuchApplication`, `NotFound`, `Store`.
    pub async fn deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<DeploymentGroupView, DeploymentGroupError> {
        let group = self.find_deployment_group(application, name).await?;
        let last_attempted = self.remembered(group.history.last_attempted.as_ref()).await?;
        let last_successful = self.remembered(group.history.last_successful.as_ref()).await?;
        Ok(DeploymentGroupView { group, last_attempted, last_successful })
    }

    /// Names, ascending.
    ///
    /// # Errors
    /// `NoSuchApplication`, `Store`.
    pub async fn deployment_groups(
        &self,
        application: &ApplicationName,
        page: &Page,
    ) -> Result<Vec<DeploymentGroupName>, DeploymentGroupError> {
        self.require_application(application).await?;
        self.inner.store.deployment_groups(application, page).await.map_err(DeploymentGroupError::Store)
    }

    /// Changes a group. A running deployment keeps what it was made with. Changes at the same time follow
    /// each other.
    ///
    /// # Errors
    /// `NoSuchApplication`, `NotFound`, `Traffic`, `NoSuchConfig`, `AlreadyExists`, `Store`.
    pub async fn update_deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
        change: DeploymentGroupChange,
    ) -> Result<(), DeploymentGroupError> {
        loop {
            let before = self.find_deployment_group(application, name).await?;
            if let Some(config) = &change.config {
                self.require_config(config).await?;
            }
            let after = change.clone().apply(before.clone())?;
            match self.inner.store.update_deployment_group(&before, &after).await {
                Ok(()) => {
                    let changed = changed_triggers(&before.triggers, &after.triggers);
                    self.test_triggers(&after.application, &after.name, &changed).await;
                    return self.group_changed(&after).await.map_err(DeploymentGroupError::Store);
                }
                Err(StoreError::Stale) => {}
                Err(StoreError::NotFound(_)) => return Err(DeploymentGroupError::NotFound(name.clone())),
                Err(StoreError::AlreadyExists(_)) => {
                    return Err(DeploymentGroupError::AlreadyExists(after.name));
                }
                Err(error) => return Err(DeploymentGroupError::Store(error)),
            }
        }
    }

    /// Deletes a group and ends its deployment. Nothing is removed from hosts. An unknown name succeeds.
    ///
    /// # Errors
    /// `Store`.
    pub async fn delete_deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<(), DeploymentGroupError> {
        let store = &self.inner.store;
        let unfinished =
            store.delete_deployment_group(application, name).await.map_err(DeploymentGroupError::Store)?;
        self.end_orphans(&unfinished, &StopReason::DeploymentGroupDeleted)
            .await
            .map_err(DeploymentGroupError::Store)
    }

    pub(crate) async fn find_deployment_group(
        &self,
        application: &ApplicationName,
        name: &DeploymentGroupName,
    ) -> Result<DeploymentGroup, DeploymentGroupError> {
        let store = &self.inner.store;
        if let Some(group) =
            store.deployment_group(application, name).await.map_err(DeploymentGroupError::Store)?
        {
            return Ok(group);
        }
        self.require_application(application).await?;
        Err(DeploymentGroupError::NotFound(name.clone()))
    }

    async fn require_application(&self, name: &ApplicationName) -> Result<(), DeploymentGroupError> {
        match self.application(name).await {
            Ok(_) => Ok(()),
            Err(ApplicationError::Store(error)) => Err(DeploymentGroupError::Store(error)),
            Err(_) => Err(DeploymentGroupError::NoSuchApplication(name.clone())),
        }
    }

    async fn require_config(&self, name: &DeploymentConfigName) -> Result<(), DeploymentGroupError> {
        match self.deployment_config(name).await {
            Ok(_) => Ok(()),
            Err(DeploymentConfigError::Store(error)) => Err(DeploymentGroupError::Store(error)),
            Err(_) => Err(DeploymentGroupError::NoSuchConfig(name.clone())),
        }
    }

    async fn remembered(
        &self,
        id: Option<&DeploymentId>,
    ) -> Result<Option<Deployment>, DeploymentGroupError> {
        match id {
            Some(id) => self.inner.store.deployment(id).await.map_err(DeploymentGroupError::Store),
            None => Ok(None),
        }
    }
}
