//! How a deployment treats traffic: in place or blue/green, behind which load balancers.
//! Source: service.md §2.4 and §2.4.3.

use serde::{Deserialize, Serialize};

/// Everything about traffic that a deployment group is given, and a deployment a snapshot of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Where the new revision goes.
    pub deployment_type: DeploymentType,
    /// Whether hosts are taken out of traffic meanwhile.
    pub option: TrafficOption,
    /// Behind which the hosts stand.
    pub load_balancers: LoadBalancers,
    /// For blue/green deployments.
    pub blue_green: BlueGreen,
}

/// Where the new revision goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeploymentType {
    /// To the hosts that run the old one.
    #[default]
    InPlace,
    /// To other hosts, which then take over.
    BlueGreen,
}

/// Whether hosts are taken out of traffic while they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficOption {
    /// They stay in it.
    #[default]
    WithoutTrafficControl,
    /// They leave their load balancers and come back.
    WithTrafficControl,
}

/// Names of load balancers, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadBalancers {
    /// Classic ones.
    pub classic: Vec<String>,
    /// Target groups.
    pub target_groups: Vec<String>,
}

impl LoadBalancers {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.classic.is_empty() && self.target_groups.is_empty()
    }
}

/// What a blue/green deployment does; a part that was not given has the service's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlueGreen {
    /// Where the replacement hosts come from.
    pub provisioning: Option<GreenFleet>,
    /// When traffic is rerouted.
    pub ready: Option<ReadyOption>,
    /// What becomes of the original hosts.
    pub original: Option<OriginalHosts>,
}

impl BlueGreen {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        *self == BlueGreen::default()
    }
}

/// Where the replacement hosts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GreenFleet {
    /// They are there already.
    #[default]
    DiscoverExisting,
    /// A copy of the Auto Scaling group.
    CopyAutoScalingGroup,
}

/// When traffic is rerouted to the replacement hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadyOption {
    /// As soon as they are ready.
    Continue,
    /// When somebody says so; after the wait the deployment is stopped.
    Stop {
        /// 0 means the most there may be; absent when it was not given.
        wait_minutes: Option<u16>,
    },
}

/// What becomes of the original hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OriginalHosts {
    /// They are terminated.
    Terminate {
        /// After this long.
        wait_minutes: u16,
    },
    /// They stay, without traffic.
    KeepAlive,
}

/// Settings that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// A blue/green deployment reroutes traffic, so it must control it.
    #[error("a blue/green deployment needs the option WITH_TRAFFIC_CONTROL")]
    BlueGreenWithoutControl,
    /// There is nothing to control traffic with.
    #[error("the option WITH_TRAFFIC_CONTROL needs a load balancer")]
    NoLoadBalancer,
    /// One group is copied, not none and not several.
    #[error("COPY_AUTO_SCALING_GROUP needs exactly one Auto Scaling group")]
    NotOneAutoScalingGroup,
    /// On-premises hosts cannot take part.
    #[error("on-premises instances cannot take part in blue/green deployments")]
    OnPremisesInBlueGreen,
}

impl Traffic {
    /// Whether the parts go together, in the order of the table in service.md §2.4. They are looked at
    /// whole: an update may have changed one of them only.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn check(&self, n_auto_scaling_groups: usize, has_on_premises: bool) -> Result<(), TrafficError> {
        self.check_style()?;
        self.check_load_balancers()?;
        self.check_blue_green(n_auto_scaling_groups, has_on_premises)
    }

    /// The part of [`Traffic::check`] that is about type and option alone.
    ///
    /// # Errors
    /// `BlueGreenWithoutControl`.
    pub fn check_style(&self) -> Result<(), TrafficError> {
        match (self.deployment_type, self.option) {
            (DeploymentType::BlueGreen, TrafficOption::WithoutTrafficControl) => {
                Err(TrafficError::BlueGreenWithoutControl)
            }
            (DeploymentType::InPlace, _) | (_, TrafficOption::WithTrafficControl) => Ok(()),
        }
    }

    /// The part of [`Traffic::check`] that is about load balancers.
    ///
    /// # Errors
    /// `NoLoadBalancer`.
    pub fn check_load_balancers(&self) -> Result<(), TrafficError> {
        let is_controlled = self.option == TrafficOption::WithTrafficControl;
        if is_controlled && self.load_balancers.is_empty() {
            return Err(TrafficError::NoLoadBalancer);
        }
        Ok(())
    }

    /// The part of [`Traffic::check`] that is about blue/green deployments.
    ///
    /// # Errors
    /// `NotOneAutoScalingGroup`, `OnPremisesInBlueGreen`.
    pub fn check_blue_green(
        &self,
        n_auto_scaling_groups: usize,
        has_on_premises: bool,
    ) -> Result<(), TrafficError> {
        if self.blue_green.provisioning == Some(GreenFleet::CopyAutoScalingGroup)
            && n_auto_scaling_groups != 1
        {
            return Err(TrafficError::NotOneAutoScalingGroup);
        }
        if self.deployment_type == DeploymentType::BlueGreen && has_on_premises {
            return Err(TrafficError::OnPremisesInBlueGreen);
        }
        Ok(())
    }
}

/// Changes of traffic settings; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrafficChange {
    /// Another type.
    pub deployment_type: Option<DeploymentType>,
    /// Another option.
    pub option: Option<TrafficOption>,
    /// Other load balancers; none to clear them.
    pub load_balancers: Option<LoadBalancers>,
    /// Other blue/green settings; nothing to clear them.
    pub blue_green: Option<BlueGreen>,
}

impl TrafficChange {
    /// `traffic` after the change.
    pub fn apply(self, traffic: Traffic) -> Traffic {
        Traffic {
            deployment_type: self.deployment_type.unwrap_or(traffic.deployment_type),
            option: self.option.unwrap_or(traffic.option),
            load_balancers: self.load_balancers.unwrap_or(traffic.load_balancers),
            blue_green: self.blue_green.unwrap_or(traffic.blue_green),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words: `green`, `control`, `elb`, `copy`, `asg` (an Auto Scaling group), `host` (an on-premises selector).
    #[track_caller]
    fn check(words: &str, expected: Result<(), TrafficError>) {
        let has = |word: &str| words.split_whitespace().any(|known| known == word);
        let change = TrafficChange {
            deployment_type: has("green").then_some(DeploymentType::BlueGreen),
            option: has("control").then_some(TrafficOption::WithTrafficControl),
            load_balancers: has("elb")
                .then(|| LoadBalancers { classic: vec![String::from("b")], target_groups: Vec::new() }),
            blue_green: has("copy").then(|| BlueGreen {
                provisioning: Some(GreenFleet::CopyAutoScalingGroup),
                ..BlueGreen::default()
            }),
        };
        let traffic = change.apply(Traffic::default());
        assert_eq!(traffic.check(usize::from(has("asg")), has("host")), expected, "{words}");
    }

    /// Source: service.md §5.1.
    #[test]
    fn the_parts_must_go_together() {
        check("", Ok(()));
        check("elb", Ok(()));
        check("control elb host", Ok(()));
        check("control", Err(TrafficError::NoLoadBalancer));
        check("green elb", Err(TrafficError::BlueGreenWithoutControl));
        check("green control", Err(TrafficError::NoLoadBalancer));
        check("green control elb", Ok(()));
        check("green control elb host", Err(TrafficError::OnPremisesInBlueGreen));
        check("copy", Err(TrafficError::NotOneAutoScalingGroup));
        check("green control elb copy asg", Ok(()));
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let before = TrafficChange {
            option: Some(TrafficOption::WithTrafficControl),
            load_balancers: Some(LoadBalancers { classic: Vec::new(), target_groups: vec!["t".to_owned()] }),
            ..TrafficChange::default()
        }
        .apply(Traffic::default());
        assert_eq!(TrafficChange::default().apply(before.clone()), before);
        let cleared =
            TrafficChange { load_balancers: Some(LoadBalancers::default()), ..TrafficChange::default() };
        let after = cleared.apply(before);
        assert_eq!(after.option, TrafficOption::WithTrafficControl);
        assert_eq!(after.check(0, false), Err(TrafficError::NoLoadBalancer));
    }
}
