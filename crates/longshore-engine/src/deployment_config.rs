//! Deployment configs: what callers may do with them. Source: service.md §3.4.

use longshore_model::deployment_config::{self, DeploymentConfig, MinimumHealthyHosts, Zonal};
use longshore_model::id::DeploymentConfigName;
use longshore_model::time::Timestamp;
use longshore_store::{Page, ServerRecord, StoreError};

use crate::Engine;

/// Why an operation on a deployment config was refused.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentConfigError {
    /// There is none of that name.
    #[error("No deployment configuration found for name: {0}")]
    NotFound(DeploymentConfigName),
    /// The name is taken.
    #[error("a deployment configuration named `{0}` already exists")]
    AlreadyExists(DeploymentConfigName),
    /// Names that begin so belong to the service.
    #[error("`{0}` is a predefined deployment configuration: it cannot be made or deleted")]
    Reserved(DeploymentConfigName),
    /// The account has as many as it may.
    #[error("the account may have at most {0} custom deployment configurations")]
    LimitExceeded(usize),
    /// A group or an unfinished deployment uses it.
    #[error("deployment configuration `{name}` is in use by {user}")]
    InUse {
        /// The config.
        name: DeploymentConfigName,
        /// Who uses it.
        user: String,
    },
    /// The store failed.
    #[error("the deployment configurations could not be read or written")]
    Store(#[source] StoreError),
}

impl Engine {
    /// Makes a config and answers its id.
    ///
    /// # Errors
    /// `Reserved`, `AlreadyExists`, `LimitExceeded`, `Store`.
    pub async fn create_deployment_config(
        &self,
        name: DeploymentConfigName,
        minimum_healthy_hosts: MinimumHealthyHosts,
        zonal: Option<Zonal>,
    ) -> Result<String, DeploymentConfigError> {
        if name.is_reserved() {
            return Err(DeploymentConfigError::Reserved(name));
        }
        let config = DeploymentConfig {
            id: self.draw().uuid(),
            name: name.clone(),
            minimum_healthy_hosts,
            zonal,
            created_at: self.now(),
        };
        let max = self.inner.config.quotas.deployment_configs;
        match self.inner.store.create_deployment_config(&config, max).await {
            Ok(()) => Ok(config.id),
            Err(StoreError::AlreadyExists(_)) => Err(DeploymentConfigError::AlreadyExists(name)),
            Err(StoreError::LimitExceeded { limit, .. }) => Err(DeploymentConfigError::LimitExceeded(limit)),
            Err(error) => Err(DeploymentConfigError::Store(error)),
        }
    }

    /// The config called `name`, predefined or custom.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn deployment_config(
        &self,
        name: &DeploymentConfigName,
    ) -> Result<DeploymentConfig, DeploymentConfigError> {
        if name.is_reserved() {
            let first_start = self.first_start().await?;
            return deployment_config::predefined(name, first_start)
                .ok_or_else(|| DeploymentConfigError::NotFound(name.clone()));
        }
        let found = self.inner.store.deployment_config(name).await.map_err(DeploymentConfigError::Store)?;
        found.ok_or_else(|| DeploymentConfigError::NotFound(name.clone()))
    }

    /// The predefined names first, then custom ones ascending; `page.after` is a name.
    ///
    /// # Errors
    /// `Store`.
    pub async fn deployment_configs(
        &self,
        page: &Page,
    ) -> Result<Vec<DeploymentConfigName>, DeploymentConfigError> {
        let predefined: Vec<&str> = deployment_config::PREDEFINED.iter().map(|(name, ..)| *name).collect();
        let seen = page.after.as_deref().map(|after| predefined.iter().position(|name| *name == after));
        let n_seen = match seen {
            None => 0,
            Some(Some(idx)) => idx + 1,
            Some(None) => predefined.len(),
        };
        let mut names: Vec<DeploymentConfigName> = predefined[n_seen..]
            .iter()
            .take(page.limit)
            .filter_map(|name| DeploymentConfigName::parse(name).ok())
            .collect();
        if names.len() < page.limit {
            let after = page.after.clone().filter(|after| !predefined.contains(&after.as_str()));
            let rest = Page { after, limit: page.limit - names.len() };
            let custom = self.inner.store.deployment_configs(&rest).await;
            names.extend(custom.map_err(DeploymentConfigError::Store)?);
        }
        Ok(names)
    }

    /// Deletes a custom config. An unknown name succeeds.
    ///
    /// # Errors
    /// `Reserved`, `InUse`, `Store`.
    pub async fn delete_deployment_config(
        &self,
        name: &DeploymentConfigName,
    ) -> Result<(), DeploymentConfigError> {
        if name.is_reserved() {
            return Err(DeploymentConfigError::Reserved(name.clone()));
        }
        match self.inner.store.delete_deployment_config(name).await {
            Ok(()) => Ok(()),
            Err(StoreError::InUse(user)) => Err(DeploymentConfigError::InUse { name: name.clone(), user }),
            Err(error) => Err(DeploymentConfigError::Store(error)),
        }
    }

    /// When this store was first used: the creation time of what was always there.
    async fn first_start(&self) -> Result<Timestamp, DeploymentConfigError> {
        let record =
            ServerRecord { name: String::from("first_start"), value: self.now().millis().to_string() };
        let millis = self.inner.store.server_record(&record).await.map_err(DeploymentConfigError::Store)?;
        Ok(Timestamp::from_millis(millis.parse().unwrap_or_default()))
    }
}
