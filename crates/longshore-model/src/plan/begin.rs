//! The beginning of a deployment: its hosts are looked up, counted and put in order.
//! Source: service.md §4.2 rules 1 to 4, §4.5.

use std::collections::HashSet;

use crate::deployment::{Deployment, DeploymentError, DeploymentEvent, ErrorCode, IllegalTransition};
use crate::host::ec2::Ec2Instance;
use crate::host::{Host, HostHealth};
use crate::id::{HostArn, HostId, PrincipalArn, ZoneName};
use crate::lifecycle;
use crate::plan::Ending;
use crate::plan::zonal::{self, Division};
use crate::revision::Revision;
use crate::target::{Clocks, Target, TargetEvent, TargetKey, TargetRules};
use crate::time::Timestamp;
use crate::traffic::TrafficOption;

/// A host that the deployment group selects, and what the group remembers of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its short id.
    pub id: HostId,
    /// Its ARN, by which the group remembers it.
    pub arn: HostArn,
    /// Who may take and report its commands.
    pub principal: PrincipalArn,
    /// The availability zone of an EC2 instance; an on-premises instance is in none.
    pub zone: Option<ZoneName>,
    /// Absent when nothing was ever deployed to it.
    pub health: Option<HostHealth>,
}

impl Candidate {
    /// A registered on-premises instance.
    pub fn on_premises(host: Host, health: Option<HostHealth>) -> Candidate {
        let principal = host.identity.principal().clone();
        Candidate { id: host.name.into(), arn: host.arn, principal, zone: None, health }
    }

    /// An EC2 instance of the inventory.
    pub fn ec2(instance: Ec2Instance, health: Option<HostHealth>) -> Candidate {
        let principal = instance.host_identifier();
        Candidate { id: instance.id.into(), arn: instance.arn, principal, zone: Some(instance.zone), health }
    }
}

impl Candidate {
    /// Whether it has another revision than `revision`, or none. Source: service.md §7.6.
    pub fn is_outdated(&self, revision: &Revision) -> bool {
        self.health.as_ref().and_then(|health| health.installed.as_ref()) != Some(revision)
    }
}

/// What the beginning decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The deployment, in progress or final.
    pub deployment: Deployment,
    /// Its targets in scheduling order.
    pub targets: Vec<Target>,
}

/// Begins `deployment` on `candidates`, or ends it if it cannot begin.
///
/// # Errors
/// [`IllegalTransition`] when the deployment has begun already.
pub fn begin(
    deployment: &Deployment,
    candidates: Vec<Candidate>,
    max_hosts: usize,
    now: Timestamp,
) -> Result<Beginning, IllegalTransition> {
    if let Some(error) = unusable_load_balancer(deployment) {
        return ended_at_once(deployment, Vec::new(), &Ending::Failed(error), now);
    }
    let n_hosts = candidates.len();
    if n_hosts == 0 {
        return ended_at_once(deployment, Vec::new(), &Ending::Failed(ErrorCode::NoInstances.error()), now);
    }
    if n_hosts > max_hosts {
        let ending = Ending::Failed(ErrorCode::OverMaxInstances.error());
        return ended_at_once(deployment, Vec::new(), &ending, now);
    }
    let minimum = deployment.minimum_healthy_hosts.minimum(n_hosts);
    let mut started = deployment.clone();
    started.n_hosts = u32::try_from(n_hosts).unwrap_or(u32::MAX);
    started.minimum_hosts = u32::try_from(minimum).unwrap_or(u32::MAX);

    let zones = match zonal::divide(deployment, &candidates) {
        Division::Whole => None,
        Division::Ignored(sentence) => {
            started.status_messages.push(sentence);
            None
        }
        Division::Zones(zones) => Some(zones),
    };
    let is_impossible =
        minimum >= n_hosts || zones.as_deref().is_some_and(|zones| zones.iter().any(zonal::is_impossible));
    let ordered = ordered(deployment, candidates, zones.is_some());
    started.zones = zones.map(|zones| zonal::run(zones, ordered.iter().map(|host| host.zone.as_ref())));
    let targets = targets(deployment, ordered, now);
    if targets.is_empty() {
        started.status_messages.push(String::from(
            "No host is outdated: every host of the deployment group has this revision already.",
        ));
        return ended_at_once(&started, targets, &Ending::Succeeded, now);
    }
    if is_impossible {
        let targets = targets.iter().filter_map(|target| skipped(target, now)).collect();
        let ending = Ending::Failed(ErrorCode::HealthConstraintsInvalid.error());
        return ended_at_once(&started, targets, &ending, now);
    }
    started.status = deployment.status.after(DeploymentEvent::Started)?;
    started.started_at = Some(now);
    Ok(Beginning { deployment: started, targets })
}

/// Traffic is controlled through load balancers that this service knows, and none is made known to it:
/// whatever a group names cannot be used. Source: service.md §5.1 and §5.5.
fn unusable_load_balancer(deployment: &Deployment) -> Option<DeploymentError> {
    let traffic = &deployment.traffic;
    match traffic.option {
        TrafficOption::WithoutTrafficControl => return None,
        TrafficOption::WithTrafficControl => {}
    }
    let balancers = &traffic.load_balancers;
    let name = balancers.classic.iter().chain(&balancers.target_groups).next()?;
    let message = format!(
        "The deployment can't start because the load balancer {name} of its deployment group is not known to \
         this server, so hosts cannot be taken out of its traffic. Nothing was changed on any host. To deploy \
         without traffic control, give the deployment group the deployment style IN_PLACE and \
         WITHOUT_TRAFFIC_CONTROL."
    );
    Some(DeploymentError { code: ErrorCode::ElasticLoadBalancingInvalid, message })
}

fn ended_at_once(
    deployment: &Deployment,
    targets: Vec<Target>,
    ending: &Ending,
    now: Timestamp,
) -> Result<Beginning, IllegalTransition> {
    Ok(Beginning { deployment: ending.apply(deployment, now)?, targets })
}

fn skipped(target: &Target, now: Timestamp) -> Option<Target> {
    let rules = TargetRules {
        is_stopping: false,
        ignore_application_stop_failures: false,
        clocks: Clocks::default(),
    };
    target.after(&TargetEvent::Skipped, &rules, now).ok()
}

/// Unhealthy hosts first, then those with an unknown revision, an old one, the current one;
/// ties by id; each zone so, if the deployment goes zone by zone. Source: service.md §4.2 rule 4, §4.5.
fn ordered(deployment: &Deployment, mut candidates: Vec<Candidate>, is_zonal: bool) -> Vec<Candidate> {
    if deployment.update_outdated_instances_only {
        candidates.retain(|candidate| candidate.is_outdated(&deployment.revision));
    }
    if let Some(only) = &deployment.only_hosts {
        let only: HashSet<&HostArn> = only.iter().collect();
        candidates.retain(|candidate| only.contains(&candidate.arn));
    }
    let group_revision = deployment.previous_revision.as_ref();
    candidates.sort_by_key(|candidate| {
        let installed = candidate.health.as_ref().and_then(|health| health.installed.as_ref());
        let is_healthy = candidate.health.as_ref().is_some_and(|health| health.is_healthy);
        let rank = match (is_healthy, installed) {
            (false, _) => 0,
            (true, None) => 1,
            (true, installed) if installed == group_revision => 3,
            (true, Some(_)) => 2,
        };
        let zone = candidate.zone.clone().filter(|_| is_zonal);
        (zone, rank, candidate.id.clone())
    });
    candidates
}

fn targets(deployment: &Deployment, candidates: Vec<Candidate>, now: Timestamp) -> Vec<Target> {
    (0..)
        .zip(candidates)
        .map(|(position, candidate)| {
            let key = TargetKey { deployment: deployment.id.clone(), host: candidate.id };
            Target::new(key, position, candidate.arn, candidate.principal, &lifecycle::IN_PLACE, now)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::DeploymentStatus;
    use crate::deployment_config::MinimumHealthyHosts::{self, HostCount};
    use crate::fixture;
    use crate::target::TargetStatus;
    use crate::traffic::{DeploymentType, LoadBalancers, Traffic};

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn deployment(rule: MinimumHealthyHosts) -> Deployment {
        fixture::deployment(rule, NOW)
    }

    fn hosts(n: usize) -> Vec<Candidate> {
        (0..n).map(|idx| fixture::candidate(&format!("h{idx:04}"), None)).collect()
    }

    /// Hosts with the revision that is deployed.
    fn current_hosts(n: usize) -> Vec<Candidate> {
        let health = HostHealth { is_healthy: true, installed: Some(fixture::revision("v2.zip")) };
        hosts(n).into_iter().map(|host| Candidate { health: Some(health.clone()), ..host }).collect()
    }

    /// Status or error code, N, M, how many targets begin and how many are skipped.
    #[track_caller]
    fn check(deployment: &Deployment, hosts: Vec<Candidate>, expected: &str) {
        let begun = begin(deployment, hosts, 1000, NOW).expect("it has not begun");
        let (after, targets) = (begun.deployment, begun.targets);
        let said = after.error.as_ref().map_or(after.status.as_str(), |error| error.code.as_str());
        let count = |status| targets.iter().filter(|target| target.status() == status).count();
        let (n_pending, n_skipped) = (count(TargetStatus::Pending), count(TargetStatus::Skipped));
        assert_eq!(n_pending + n_skipped, targets.len(), "nothing runs yet");
        assert_eq!(after.started_at.is_some(), after.status == DeploymentStatus::InProgress);
        assert_eq!(
            format!("{said} N={} M={} {n_pending}+{n_skipped}", after.n_hosts, after.minimum_hosts),
            expected
        );
    }

    /// service.md §4.2 rules 1 and 3, §5.1 and §5.5: what cannot start has failed, and its hosts are skipped.
    #[test]
    fn what_cannot_start_has_failed() {
        check(&deployment(HostCount(0)), hosts(0), "NO_INSTANCES N=0 M=0 0+0");
        check(&deployment(HostCount(0)), hosts(1001), "OVER_MAX_INSTANCES N=0 M=0 0+0");
        check(&deployment(HostCount(0)), hosts(1000), "InProgress N=1000 M=0 1000+0");
        check(&deployment(HostCount(3)), hosts(3), "HEALTH_CONSTRAINTS_INVALID N=3 M=3 0+3");
        check(&deployment(HostCount(4)), hosts(3), "HEALTH_CONSTRAINTS_INVALID N=3 M=4 0+3");
        check(&deployment(HostCount(2)), hosts(3), "InProgress N=3 M=2 3+0");
    }

    /// service.md §4.2 rule 2 comes before rule 3: nothing outdated is a success at once, with a word on it.
    #[test]
    fn nothing_outdated_is_a_success_at_once() {
        let outdated = Deployment { update_outdated_instances_only: true, ..deployment(HostCount(2)) };
        check(&outdated, current_hosts(2), "Succeeded N=2 M=2 0+0");
        let begun = begin(&outdated, current_hosts(2), 1000, NOW).expect("it has not begun");
        assert!(begun.deployment.status_messages[0].starts_with("No host is outdated"));
    }

    /// service.md §4.1: N is of all hosts of the group, T the outdated ones among them.
    #[test]
    fn hosts_that_are_not_outdated_count_and_are_no_targets() {
        let outdated = Deployment { update_outdated_instances_only: true, ..deployment(HostCount(2)) };
        let mut mixed = current_hosts(2);
        mixed.push(fixture::candidate("late", None));
        check(&outdated, mixed.clone(), "InProgress N=3 M=2 1+0");
        let only = Deployment { only_hosts: Some(Vec::new()), ..outdated };
        check(&only, mixed, "Succeeded N=3 M=2 0+0");
    }

    /// service.md §5.1, §5.5 and §6.2: what needs a load balancer fails before anything else is looked at. So
    /// nothing of §4.6, §5.2, §5.3, §5.4, §6.1, §6.3, §7.1, §7.2, §7.3, §7.5 and §8 that needs one happens to a host.
    #[test]
    fn what_needs_a_load_balancer_fails_before_any_host_is_touched() {
        let behind = |deployment_type, classic: &[&str], target_groups: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|name| String::from(*name)).collect();
            let load_balancers =
                LoadBalancers { classic: names(classic), target_groups: names(target_groups) };
            let option = TrafficOption::WithTrafficControl;
            let traffic = Traffic { deployment_type, option, load_balancers, ..Traffic::default() };
            Deployment { traffic, ..deployment(HostCount(0)) }
        };
        let refused = "ELASTIC_LOAD_BALANCING_INVALID N=0 M=0 0+0";
        for deployment_type in [DeploymentType::InPlace, DeploymentType::BlueGreen] {
            check(&behind(deployment_type, &["old"], &[]), hosts(3), refused);
            check(&behind(deployment_type, &[], &["new"]), hosts(3), refused);
            check(&behind(deployment_type, &["old"], &["new"]), hosts(0), refused);
        }
        let message = begin(&behind(DeploymentType::InPlace, &[], &["new"]), hosts(1), 1000, NOW)
            .expect("it has not begun")
            .deployment
            .error
            .map(|error| error.message);
        assert!(message.is_some_and(|text| text.contains("load balancer new")));
        // Names alone, without traffic control, are no reason.
        let mut named = behind(DeploymentType::InPlace, &["old"], &[]);
        named.traffic.option = TrafficOption::WithoutTrafficControl;
        check(&named, hosts(3), "InProgress N=3 M=0 3+0");
    }
}
