//! Deployment configs. Source: service.md §2.3 and §3.4.

use longshore_model::deployment_config::{DeploymentConfig, MinimumHealthyHosts, Zonal};
use longshore_model::id::DeploymentConfigName;

use super::{COMPUTE_PLATFORM, compute_platform, name, quoted};
use crate::api::shapes::{
    self, CreateDeploymentConfigInput, DeploymentConfigInfo, MinimumHealthyHostsPerZone, ZonalConfig,
};
use crate::error::ApiError;

/// The longest wait between zones: 48 hours.
const MAX_ZONE_SECS: u32 = 172_800;
const INVALID_MINIMUM: &str = "InvalidMinimumHealthyHostValueException";
const INVALID_ZONAL: &str = "InvalidZonalDeploymentConfigurationException";

/// `CreateDeploymentConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeploymentConfig {
    /// Its name.
    pub name: DeploymentConfigName,
    /// Its rule.
    pub minimum_healthy_hosts: MinimumHealthyHosts,
    /// Whether it goes zone by zone.
    pub zonal: Option<Zonal>,
}

/// Checks `CreateDeploymentConfig`.
///
/// # Errors
/// The name, `InvalidComputePlatformException`, `InvalidMinimumHealthyHostValueException`,
/// `InvalidTrafficRoutingConfigurationException`, `InvalidZonalDeploymentConfigurationException`.
pub fn new_deployment_config(input: CreateDeploymentConfigInput) -> Result<NewDeploymentConfig, ApiError> {
    let name = name::deployment_config(input.deployment_config_name.as_deref())?;
    if name.is_reserved() {
        return Err(ApiError::client(
            "InvalidDeploymentConfigNameException",
            format!(
                "The deployment config name `{name}` begins with `CodeDeployDefault.`, which is reserved."
            ),
        ));
    }
    compute_platform(input.compute_platform.as_deref())?;
    let minimum_healthy_hosts = minimum_healthy_hosts(input.minimum_healthy_hosts)?;
    if input.traffic_routing_config.is_some() {
        return Err(ApiError::client(
            "InvalidTrafficRoutingConfigurationException",
            "A traffic routing configuration is not for compute platform `Server`.",
        ));
    }
    let zonal = input.zonal_config.as_ref().map(zonal).transpose()?;
    Ok(NewDeploymentConfig { name, minimum_healthy_hosts, zonal })
}

/// A config as the API answers it.
pub fn deployment_config_info(config: &DeploymentConfig) -> DeploymentConfigInfo {
    DeploymentConfigInfo {
        deployment_config_id: Some(config.id.clone()),
        deployment_config_name: Some(config.name.to_string()),
        minimum_healthy_hosts: Some(from_minimum(config.minimum_healthy_hosts)),
        create_time: Some(config.created_at.into()),
        compute_platform: Some(COMPUTE_PLATFORM.to_owned()),
        traffic_routing_config: None,
        zonal_config: config.zonal.as_ref().map(from_zonal),
    }
}

fn minimum_healthy_hosts(
    shape: Option<shapes::MinimumHealthyHosts>,
) -> Result<MinimumHealthyHosts, ApiError> {
    let shape =
        shape.ok_or_else(|| invalid(INVALID_MINIMUM, "The minimumHealthyHosts member is missing."))?;
    checked_minimum(shape.r#type.as_deref(), shape.value, INVALID_MINIMUM)
}

fn checked_minimum(
    kind: Option<&str>,
    value: Option<i32>,
    exception: &'static str,
) -> Result<MinimumHealthyHosts, ApiError> {
    let kind = kind.unwrap_or_default();
    if !shapes::MINIMUM_HEALTHY_HOSTS_TYPE.contains(&kind) {
        let message = format!("{} is not one of HOST_COUNT and FLEET_PERCENT.", quoted(kind));
        return Err(invalid(exception, message));
    }
    let value = value.ok_or_else(|| invalid(exception, "The minimum of healthy hosts has no value."))?;
    if kind == "HOST_COUNT" {
        return match u32::try_from(value) {
            Ok(count) => Ok(MinimumHealthyHosts::HostCount(count)),
            Err(_) => Err(invalid(exception, format!("{value} is not a number of hosts: 0 or more."))),
        };
    }
    match u8::try_from(value) {
        Ok(percent) if percent <= 99 => Ok(MinimumHealthyHosts::FleetPercent(percent)),
        Ok(_) | Err(_) => Err(invalid(exception, format!("{value} is not a share of the fleet: 0 to 99."))),
    }
}

fn from_minimum(minimum: MinimumHealthyHosts) -> shapes::MinimumHealthyHosts {
    let (kind, value) = match minimum {
        MinimumHealthyHosts::HostCount(count) => ("HOST_COUNT", i32::try_from(count).unwrap_or(i32::MAX)),
        MinimumHealthyHosts::FleetPercent(percent) => ("FLEET_PERCENT", i32::from(percent)),
        MinimumHealthyHosts::Half => ("FLEET_PERCENT", 50),
        // A type that is not in the enum, as the service answers it.
        MinimumHealthyHosts::AllButOne => ("MOST_CONCURRENCY", 1),
    };
    shapes::MinimumHealthyHosts { r#type: Some(kind.to_owned()), value: Some(value) }
}

fn zonal(shape: &ZonalConfig) -> Result<Zonal, ApiError> {
    let per_zone = shape.minimum_healthy_hosts_per_zone.as_ref();
    Ok(Zonal {
        first_zone_monitor_secs: monitor_secs(shape.first_zone_monitor_duration_in_seconds)?,
        monitor_secs: monitor_secs(shape.monitor_duration_in_seconds)?,
        minimum_healthy_hosts_per_zone: per_zone
            .map(|minimum| checked_minimum(minimum.r#type.as_deref(), minimum.value, INVALID_ZONAL))
            .transpose()?,
    })
}

fn monitor_secs(secs: Option<i64>) -> Result<Option<u32>, ApiError> {
    let Some(secs) = secs else { return Ok(None) };
    match u32::try_from(secs) {
        Ok(in_range) if in_range <= MAX_ZONE_SECS => Ok(Some(in_range)),
        Ok(_) | Err(_) => {
            let message = format!("{secs} is not a monitor duration: 0 to {MAX_ZONE_SECS} seconds.");
            Err(invalid(INVALID_ZONAL, message))
        }
    }
}

fn from_zonal(zonal: &Zonal) -> ZonalConfig {
    ZonalConfig {
        first_zone_monitor_duration_in_seconds: zonal.first_zone_monitor_secs.map(i64::from),
        monitor_duration_in_seconds: zonal.monitor_secs.map(i64::from),
        minimum_healthy_hosts_per_zone: zonal.minimum_healthy_hosts_per_zone.map(|minimum| {
            let shapes::MinimumHealthyHosts { r#type, value } = from_minimum(minimum);
            MinimumHealthyHostsPerZone { r#type, value }
        }),
    }
}

fn invalid(exception: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::client(exception, message)
}
