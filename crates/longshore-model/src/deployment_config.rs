//! Deployment configs: how many hosts must stay healthy. Source: service.md §2.3 and §4.1.

use serde::{Deserialize, Serialize};

use crate::id::DeploymentConfigName;
use crate::time::Timestamp;

/// How many hosts of a group must be neither failed nor in the middle of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value")]
pub enum MinimumHealthyHosts {
    /// An absolute number.
    HostCount(u32),
    /// A share of the fleet in percent, 0 to 99, rounded up to whole hosts.
    FleetPercent(u8),
    /// `CodeDeployDefault.HalfAtATime`: half, rounded up, but never all of a one-host fleet.
    Half,
    /// `CodeDeployDefault.OneAtATime`: all but one.
    AllButOne,
}

impl MinimumHealthyHosts {
    /// The number of hosts that must stay healthy in a fleet of `n_hosts`. It may exceed what the
    /// fleet can keep: then the deployment cannot start (service.md §4.2 rule 3).
    pub fn minimum(self, n_hosts: usize) -> usize {
        match self {
            MinimumHealthyHosts::HostCount(count) => count as usize,
            MinimumHealthyHosts::FleetPercent(percent) => (n_hosts * usize::from(percent)).div_ceil(100),
            MinimumHealthyHosts::Half => n_hosts.div_ceil(2).min(n_hosts.saturating_sub(1)),
            MinimumHealthyHosts::AllButOne => n_hosts.saturating_sub(1),
        }
    }
}

/// Zone by zone instead of all zones at once. Source: service.md §2.3 and §4.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Zonal {
    /// How long alarms are watched after the first zone, in seconds.
    pub first_zone_monitor_secs: Option<u32>,
    /// How long after each further one, and after the first when nothing is said of it.
    pub monitor_secs: Option<u32>,
    /// How many hosts of a zone must stay healthy.
    pub minimum_healthy_hosts_per_zone: Option<MinimumHealthyHosts>,
}

/// A named rule; immutable once made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentConfig {
    /// Lower-case UUID.
    pub id: String,
    /// Unique in the account.
    pub name: DeploymentConfigName,
    /// The rule.
    pub minimum_healthy_hosts: MinimumHealthyHosts,
    /// Whether it goes zone by zone.
    #[serde(default)]
    pub zonal: Option<Zonal>,
    /// When it was made; for predefined ones, the server's first start.
    pub created_at: Timestamp,
}

/// The config that a deployment group gets when it names none.
pub const DEFAULT_CONFIG: &str = "CodeDeployDefault.OneAtATime";

/// The predefined configs in the order in which they are listed, each with its fixed id.
/// They belong to no account, and can be neither deleted nor made again.
pub const PREDEFINED: [(&str, &str, MinimumHealthyHosts); 3] = [
    (
        "CodeDeployDefault.AllAtOnce",
        "00000000-0000-4000-8000-000000000001",
        MinimumHealthyHosts::FleetPercent(0),
    ),
    ("CodeDeployDefault.HalfAtATime", "00000000-0000-4000-8000-000000000002", MinimumHealthyHosts::Half),
    ("CodeDeployDefault.OneAtATime", "00000000-0000-4000-8000-000000000003", MinimumHealthyHosts::AllButOne),
];

/// The predefined config called `name`.
pub fn predefined(name: &DeploymentConfigName, first_start: Timestamp) -> Option<DeploymentConfig> {
    let (_, id, minimum_healthy_hosts) =
        PREDEFINED.into_iter().find(|(known, ..)| *known == name.as_str())?;
    Some(DeploymentConfig {
        id: id.to_owned(),
        name: name.clone(),
        minimum_healthy_hosts,
        zonal: None,
        created_at: first_start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M of the predefined config called `CodeDeployDefault.` and `name` for fleets of 1, 2, 3, 9 and 10.
    #[track_caller]
    fn check(name: &str, expected: [usize; 5]) {
        let name = DeploymentConfigName::parse(&format!("CodeDeployDefault.{name}")).expect("a valid name");
        let config = predefined(&name, Timestamp::from_millis(0)).expect("it is predefined");
        assert_eq!([1, 2, 3, 9, 10].map(|n| config.minimum_healthy_hosts.minimum(n)), expected, "{name}");
    }

    /// service.md §4.1, the table of M.
    #[test]
    fn predefined_configs_keep_none_half_or_all_but_one() {
        check("AllAtOnce", [0, 0, 0, 0, 0]);
        check("HalfAtATime", [0, 1, 2, 5, 5]);
        check("OneAtATime", [0, 1, 2, 8, 9]);
    }

    /// service.md §4.1, the table of M: a percentage is rounded up in whole numbers.
    #[test]
    fn custom_configs_keep_a_number_or_a_share_rounded_up() {
        use MinimumHealthyHosts::{FleetPercent, HostCount};
        assert_eq!([HostCount(0), HostCount(3), HostCount(300)].map(|rule| rule.minimum(9)), [0, 3, 300]);
        let percent = |percent, n| FleetPercent(percent).minimum(n);
        assert_eq!([percent(0, 9), percent(1, 9), percent(50, 9), percent(99, 9)], [0, 1, 5, 9]);
        assert_eq!([percent(99, 100), percent(99, 1000), percent(50, 1000)], [99, 990, 500]);
    }
}
