//! `[quotas]`: limits of the account. Source: service.md §12.

use longshore_engine::Quotas;
use serde::Deserialize;

use super::ConfigError;
use super::check::number;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawQuotas {
    applications: Option<usize>,
    deployment_groups: Option<usize>,
    deployment_configs: Option<usize>,
    hosts_per_deployment: Option<usize>,
    concurrent_deployments: Option<usize>,
    concurrent_hosts: Option<usize>,
    git_hub_tokens: Option<usize>,
}

impl RawQuotas {
    /// The limits, with `default` in place of what is left out.
    pub(super) fn checked(&self, default: Quotas) -> Result<Quotas, ConfigError> {
        const NO_LIMIT: usize = usize::MAX;
        Ok(Quotas {
            applications: number("quotas.applications", self.applications, default.applications, NO_LIMIT)?,
            deployment_groups: number(
                "quotas.deployment_groups",
                self.deployment_groups,
                default.deployment_groups,
                NO_LIMIT,
            )?,
            deployment_configs: number(
                "quotas.deployment_configs",
                self.deployment_configs,
                default.deployment_configs,
                NO_LIMIT,
            )?,
            hosts_per_deployment: number(
                "quotas.hosts_per_deployment",
                self.hosts_per_deployment,
                default.hosts_per_deployment,
                NO_LIMIT,
            )?,
            concurrent_deployments: number(
                "quotas.concurrent_deployments",
                self.concurrent_deployments,
                default.concurrent_deployments,
                NO_LIMIT,
            )?,
            concurrent_hosts: number(
                "quotas.concurrent_hosts",
                self.concurrent_hosts,
                default.concurrent_hosts,
                NO_LIMIT,
            )?,
            git_hub_tokens: number(
                "quotas.git_hub_tokens",
                self.git_hub_tokens,
                default.git_hub_tokens,
                NO_LIMIT,
            )?,
        })
    }
}
