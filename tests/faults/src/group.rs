//! The deployment groups: which hosts, how many at a time, and so how healthy they must stay.

use longshore_journey::Server;
use serde_json::json;

use crate::api::Api;
use crate::application::APPLICATION;

/// All hosts.
pub(crate) const HOSTS: usize = 50;

/// How hosts take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turns {
    One,
    Half,
    All,
    /// At least so many of a hundred stay.
    Percent(usize),
    /// At least so many stay.
    Count(usize),
}

/// A deployment group: the hosts from `first` to before `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    first: usize,
    end: usize,
    turns: Turns,
    pub(crate) has_rollback: bool,
}

/// Those that are deployed to while faults are made. The last shares hosts with others, so that a host
/// has commands of two deployments at a time.
pub(crate) const GROUPS: [Group; 5] = [
    Group { name: "one", first: 0, end: 6, turns: Turns::One, has_rollback: false },
    Group { name: "half", first: 6, end: 20, turns: Turns::Half, has_rollback: true },
    Group { name: "all", first: 20, end: 36, turns: Turns::All, has_rollback: false },
    Group { name: "healthy", first: 36, end: HOSTS, turns: Turns::Percent(75), has_rollback: true },
    Group { name: "wide", first: 10, end: 45, turns: Turns::Count(25), has_rollback: false },
];

/// The one that is deployed to when all faults are over.
pub(crate) const EVERYONE: Group =
    Group { name: "everyone", first: 0, end: HOSTS, turns: Turns::All, has_rollback: false };

impl Group {
    pub(crate) fn n_hosts(&self) -> usize {
        self.end - self.first
    }

    pub(crate) fn has(&self, host: usize) -> bool {
        (self.first..self.end).contains(&host)
    }

    /// How many hosts may be in work or failed at a time. Source: service.md §4.1.
    pub(crate) fn capacity(&self) -> usize {
        let n = self.n_hosts();
        let minimum = match self.turns {
            Turns::One => n - 1,
            Turns::Half => n.div_ceil(2).min(n - 1),
            Turns::All => 0,
            Turns::Percent(percent) => (n * percent).div_ceil(100),
            Turns::Count(count) => count,
        };
        n - minimum
    }

    /// Makes it, with a deployment config of its own if it has one.
    ///
    /// # Panics
    /// When it cannot be made.
    pub(crate) async fn make(&self, server: &Server) {
        let api = Api::new(server);
        let config = match self.turns {
            Turns::One => String::from("CodeDeployDefault.OneAtATime"),
            Turns::Half => String::from("CodeDeployDefault.HalfAtATime"),
            Turns::All => String::from("CodeDeployDefault.AllAtOnce"),
            Turns::Percent(value) => custom(&api, self.name, "FLEET_PERCENT", value).await,
            Turns::Count(value) => custom(&api, self.name, "HOST_COUNT", value).await,
        };
        let input = json!({
            "applicationName": APPLICATION,
            "deploymentGroupName": self.name,
            "serviceRoleArn": "arn:aws:iam::000000000000:role/CodeDeploy",
            "deploymentConfigName": config,
            "onPremisesInstanceTagFilters": [{"Key": self.name, "Value": "yes", "Type": "KEY_AND_VALUE"}],
            "autoRollbackConfiguration": {"enabled": self.has_rollback, "events": ["DEPLOYMENT_FAILURE"]},
        });
        api.call("CreateDeploymentGroup", input).await.expect("a deployment group");
    }
}

async fn custom(api: &Api, name: &str, kind: &str, value: usize) -> String {
    let name = format!("keeps-{name}");
    let healthy = json!({"type": kind, "value": value});
    let input =
        json!({"deploymentConfigName": name, "minimumHealthyHosts": healthy, "computePlatform": "Server"});
    api.call("CreateDeploymentConfig", input).await.expect("a deployment config");
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(turns: Turns, n: usize, expected: usize) {
        let group = Group { name: "g", first: 0, end: n, turns, has_rollback: false };
        assert_eq!(group.capacity(), expected, "{turns:?} of {n}");
    }

    /// Source: service.md §4.7, V24, V19, V36, V14, V30, V08.
    #[test]
    fn capacity_is_what_the_minimum_leaves() {
        check(Turns::One, 9, 1);
        check(Turns::Half, 9, 4);
        check(Turns::Half, 1, 1);
        check(Turns::All, 10, 10);
        check(Turns::Percent(40), 9, 5);
        check(Turns::Count(8), 10, 2);
    }
}
