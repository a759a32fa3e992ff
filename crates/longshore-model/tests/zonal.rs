//! Every sentence of service.md §4.5, and the zonal vector of §4.7.
//!
//! A fleet is written `a:4 b:3`: zone a with hosts a1 to a4, zone b with b1 to b3. The host that began
//! first ends first, and its failure is that of its last event.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use MinimumHealthyHosts::{FleetPercent, HostCount};
use longshore_model::deployment::{Creator, Deployment, DeploymentStatus, StopReason, StopRequest};
use longshore_model::deployment_config::{MinimumHealthyHosts, Zonal};
use longshore_model::fixture::{self, ec2_instance, revision};
use longshore_model::host::HostHealth;
use longshore_model::lifecycle::{CommandCopy, Diagnostics};
use longshore_model::plan::begin::{Beginning, Candidate, begin};
use longshore_model::plan::zonal::waits_until;
use longshore_model::plan::{Round, Step, in_place};
use longshore_model::target::{Clocks, Target, TargetEvent, TargetRules, TargetStatus};
use longshore_model::time::Timestamp;
use longshore_model::traffic::{DeploymentType, Traffic};

const BEGAN: Timestamp = Timestamp::from_millis(1_000_000);

/// A deployment under `overall`, zone by zone, with `per_zone` in each, that waits for nothing.
fn deployment(overall: MinimumHealthyHosts, per_zone: Option<MinimumHealthyHosts>) -> Deployment {
    let zonal = Zonal { minimum_healthy_hosts_per_zone: per_zone, ..Zonal::default() };
    Deployment { zonal: Some(zonal), ..fixture::deployment(overall, BEGAN) }
}

/// The same, with waits after the first zone and the others.
fn waiting(first_secs: Option<u32>, secs: Option<u32>) -> Deployment {
    let zonal = Zonal { first_zone_monitor_secs: first_secs, monitor_secs: secs, ..Zonal::default() };
    Deployment { zonal: Some(zonal), ..fixture::deployment(HostCount(0), BEGAN) }
}

/// Host `a2` is the instance `i-0000a002`.
fn instance(zone: &str, number: usize) -> String {
    format!("i-{:0>5}{number:03}", zone)
}

fn fleet(text: &str) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for part in text.split_whitespace() {
        let (zone, n_hosts) = part.split_once(':').unwrap();
        for number in 1..=n_hosts.parse().unwrap() {
            candidates.push(Candidate::ec2(ec2_instance(&instance(zone, number), zone), None));
        }
    }
    candidates
}

fn rules() -> TargetRules {
    TargetRules { is_stopping: false, ignore_application_stop_failures: false, clocks: Clocks::default() }
}

struct World {
    deployment: Deployment,
    targets: Vec<Target>,
    failing: Vec<String>,
    now: Timestamp,
    /// What happened, for people: `a1 a2 +a1 a3 -a2`, waits as `(30)`.
    said: Vec<String>,
}

impl World {
    fn begin(deployment: &Deployment, candidates: Vec<Candidate>, failing: &str) -> World {
        let Beginning { deployment, targets } = begin(deployment, candidates, 1000, BEGAN).unwrap();
        let failing = failing.split_whitespace().map(str::to_owned).collect();
        World { deployment, targets, failing, now: BEGAN, said: Vec::new() }
    }

    fn plan(&self) -> Round {
        let summaries: Vec<_> = self.targets.iter().map(Target::summary).collect();
        in_place::round(&self.deployment, &summaries, &Clocks::default(), self.now)
    }

    /// One round, carried out. Whether it had steps.
    fn round(&mut self) -> bool {
        let steps = self.plan().steps;
        let is_something = !steps.is_empty();
        for step in steps {
            match step {
                Step::Target { position, event } => {
                    let target = &mut self.targets[position as usize];
                    *target = target.after(&event, &rules(), self.now).unwrap();
                    if event == TargetEvent::Started {
                        self.said.push(short(target));
                    }
                }
                Step::Zone(zone) => self.deployment = zone.apply(&self.deployment, self.now).unwrap(),
                Step::Finish(ending) => self.deployment = ending.apply(&self.deployment, self.now).unwrap(),
            }
        }
        is_something
    }

    /// Rounds until nothing is left to do but to wait for hosts or for the clock.
    fn settle(&mut self) {
        while self.round() {}
    }

    /// The host that began first ends, if one is in flight.
    fn first_host_ends(&mut self) -> bool {
        let is_in_flight = |target: &&mut Target| target.status() == TargetStatus::InProgress;
        let Some(target) = self.targets.iter_mut().find(is_in_flight) else { return false };
        let name = short(target);
        let is_failing = self.failing.contains(&name);
        *target = ended(target, is_failing, self.now);
        self.said.push(format!("{}{name}", if is_failing { '-' } else { '+' }));
        true
    }

    /// To the end, or to the next wait between zones.
    fn run_to_wait(&mut self) {
        loop {
            self.settle();
            if !self.first_host_ends() {
                return;
            }
        }
    }

    /// To the end. The clock goes on only in waits, from one wake-up to the next.
    fn run_to_end(&mut self) {
        self.run_to_wait();
        while !self.deployment.status.is_final() {
            let wake_at = self.plan().wake_at.unwrap();
            assert_eq!(self.deployment.status, DeploymentStatus::Baking);
            assert!(self.now < wake_at);
            self.said.push(format!("({})", wake_at.since(self.now).as_secs()));
            self.now = wake_at;
            self.run_to_wait();
        }
    }

    fn result(&self) -> String {
        let count = |status| self.targets.iter().filter(|target| target.status() == status).count();
        let result = match (&self.deployment.error, self.deployment.status) {
            (Some(error), DeploymentStatus::Failed) => error.code.as_str(),
            (_, status) => status.as_str(),
        };
        let (succeeded, failed) = (count(TargetStatus::Succeeded), count(TargetStatus::Failed));
        format!("{succeeded}/{failed}/{} {result}", count(TargetStatus::Skipped))
    }
}

fn short(target: &Target) -> String {
    let id = target.key.host.as_str().trim_start_matches("i-").trim_start_matches('0');
    let (zone, number) = id.split_at(id.len() - 3);
    format!("{zone}{}", number.trim_start_matches('0'))
}

/// All events of one host: the last one fails if the host fails.
fn ended(target: &Target, is_failing: bool, now: Timestamp) -> Target {
    let n_events = u32::try_from(target.events.len()).unwrap();
    let mut target = target.clone();
    for event_idx in 0..n_events {
        target = target
            .after(&TargetEvent::Acknowledged { event_idx, copy: CommandCopy(1) }, &rules(), now)
            .unwrap();
        let is_success = !(is_failing && event_idx + 1 == n_events);
        let diagnostics = Diagnostics::by_service("done");
        let event = TargetEvent::Reported { event_idx, is_success, diagnostics };
        target = target.after(&event, &rules(), now).unwrap();
    }
    target
}

/// What happens to the end; a part of `expected` before ` | ` is what is said, the rest the result.
#[track_caller]
fn check(deployment: &Deployment, hosts: &str, failing: &str, expected: &str) {
    let mut world = World::begin(deployment, fleet(hosts), failing);
    world.run_to_end();
    assert_eq!(
        format!("{} | {}", world.said.join(" "), world.result()),
        expected,
        "{hosts}, failing {failing}"
    );
}

/// §4.7: zones a(4), b(3), c(3), overall HOST_COUNT 7, per zone FLEET_PERCENT 50: C = 3, C_a = 2,
/// C_b = C_c = 1.
#[test]
fn the_zonal_vector() {
    let deployment = deployment(HostCount(7), Some(FleetPercent(50)));
    let hosts = "a:4 b:3 c:3";
    let world = World::begin(&deployment, fleet(hosts), "");
    let zones = world.deployment.zones.as_ref().unwrap();
    let minimums: Vec<u32> = zones.zones.iter().map(|zone| zone.minimum_hosts).collect();
    assert_eq!((world.deployment.minimum_hosts, minimums), (7, vec![2, 2, 2]));

    // "a: 2 at a time", "b: 1 at a time, c: 1 at a time".
    check(
        &deployment,
        hosts,
        "",
        "a1 a2 +a1 a3 +a2 a4 +a3 +a4 b1 +b1 b2 +b2 b3 +b3 c1 +c1 c2 +c2 c3 +c3 | 10/0/0 Succeeded",
    );
    // "one failure in a (failed=1) -> then overall budget 2, b: 1 at a time, c: 1 at a time".
    check(
        &deployment,
        hosts,
        "a1",
        "a1 a2 -a1 +a2 a3 +a3 a4 +a4 b1 +b1 b2 +b2 b3 +b3 c1 +c1 c2 +c2 c3 +c3 | 9/1/0 Succeeded",
    );
    // "two failures in a before its 4th target starts -> HEALTH_CONSTRAINTS, b and c all Skipped".
    check(&deployment, hosts, "a1 a2", "a1 a2 -a1 -a2 | 0/2/8 HEALTH_CONSTRAINTS");
    check(&deployment, hosts, "a1 a3", "a1 a2 -a1 +a2 a3 -a3 | 1/2/7 HEALTH_CONSTRAINTS");
}

/// §4.5: it "applies to user-created in-place deployments of EC2-inventory instances with a config that
/// has `zonalConfig`".
#[test]
fn zones_count_only_with_a_zonal_config() {
    check(&deployment(HostCount(0), None), "a:1 b:1", "", "a1 +a1 b1 +b1 | 2/0/0 Succeeded");
    let whole = Deployment { zonal: None, ..deployment(HostCount(0), None) };
    check(&whole, "a:1 b:1", "", "a1 b1 +a1 +b1 | 2/0/0 Succeeded");
}

#[track_caller]
fn check_ignored(deployment: &Deployment, candidates: Vec<Candidate>, why: &str) {
    let mut world = World::begin(deployment, candidates, "");
    assert_eq!(world.deployment.zones, None);
    let said = &world.deployment.status_messages;
    assert!(said.len() == 1 && said[0].contains("zonal configuration") && said[0].contains(why), "{said:?}");
    world.settle();
    let is_begun = |target: &Target| target.status() == TargetStatus::InProgress;
    assert!(world.targets.iter().all(is_begun), "all zones go at once");
}

/// §4.5: "with BLUE_GREEN, or any on-premises instance in the group, `zonalConfig` is ignored and a line in
/// `deploymentStatusMessages` says so".
#[test]
fn zones_are_ignored_for_blue_green_and_on_premises_instances() {
    let zonal = deployment(HostCount(0), Some(FleetPercent(50)));
    let mut mixed = fleet("a:2 b:2");
    mixed.push(fixture::candidate("on-premises", None));
    check_ignored(&zonal, mixed, "on-premises instances");
    let traffic = Traffic { deployment_type: DeploymentType::BlueGreen, ..Traffic::default() };
    check_ignored(&Deployment { traffic, ..zonal }, fleet("a:2 b:2"), "blue/green");
}

/// §4.5: "Rollback deployments ignore it and pick hosts in random order across zones (we: normal order)".
#[test]
fn a_rollback_goes_to_all_zones_at_once_in_normal_order() {
    let zonal = deployment(HostCount(0), None);
    let rollback = Deployment { creator: Creator::Rollback, ..zonal };
    check_ignored(&rollback, fleet("b:2 a:2"), "made by the service");
    let world = World::begin(&rollback, fleet("b:1 a:1"), "");
    let order: Vec<String> = world.targets.iter().map(short).collect();
    assert_eq!(order, ["a1", "b1"], "by id, as their ids happen to be");
}

/// §4.5: "Zones are processed one after another", in the order "ascending zone name. Within a zone use the
/// order of 4.2."
#[test]
fn zones_go_by_name_and_each_in_the_order_of_any_deployment() {
    let health = |key: &str| Some(HostHealth { is_healthy: true, installed: Some(revision(key)) });
    let candidate =
        |zone: &str, number, health| Candidate::ec2(ec2_instance(&instance(zone, number), zone), health);
    let candidates = vec![
        candidate("c", 1, None),
        candidate("b", 1, health("v1.zip")),
        candidate("b", 2, health("v0.zip")),
        candidate("b", 3, None),
        candidate("a", 2, health("v1.zip")),
        candidate("a", 1, health("v1.zip")),
    ];
    let mut world = World::begin(&deployment(HostCount(5), None), candidates, "");
    world.run_to_end();
    let expected = "a1 +a1 a2 +a2 b3 +b3 b2 +b2 b1 +b1 c1 +c1";
    assert_eq!(world.said.join(" "), expected);
}

/// §4.5: "Start rule in zone z: `inflight + failed < C` and `inflight_z + failed_z < C_z`, with
/// `C_z = N_z - M_z`, M_z from `minimumHealthyHostsPerZone` (HOST_COUNT v, or ceil(N_z*p/100); default 0)".
#[test]
fn a_zone_and_the_fleet_both_limit_what_is_in_flight() {
    let in_flight = |overall, per_zone, hosts: &str| {
        let mut world = World::begin(&deployment(overall, per_zone), fleet(hosts), "");
        world.settle();
        world.said.join(" ")
    };
    assert_eq!(in_flight(HostCount(0), None, "a:3 b:3"), "a1 a2 a3", "M_z is 0 by default");
    assert_eq!(in_flight(HostCount(0), Some(HostCount(1)), "a:3 b:3"), "a1 a2");
    assert_eq!(in_flight(HostCount(0), Some(FleetPercent(34)), "a:3 b:3"), "a1", "M_z is rounded up");
    assert_eq!(in_flight(HostCount(5), Some(HostCount(1)), "a:3 b:3"), "a1", "the fleet has less to spare");
}

/// §4.5, the same: failures of earlier zones count for the fleet and not for the zone.
#[test]
fn failures_of_other_zones_count_for_the_fleet_only() {
    // C = 3, C_z = 2: after two failures in a, b goes one at a time; with one failure two at a time.
    let rule = deployment(HostCount(3), Some(HostCount(1)));
    check(&rule, "a:3 b:3", "a3", "a1 a2 +a1 a3 +a2 -a3 b1 b2 +b1 b3 +b2 +b3 | 5/1/0 Succeeded");
    check(&rule, "a:3 b:3", "a2 a3", "a1 a2 +a1 a3 -a2 -a3 b1 +b1 b2 +b2 b3 +b3 | 4/2/0 Succeeded");
}

/// §4.5: "`M_z >= N_z` for some zone with M_z > 0 (a one-instance zone with 50 %, say) -> Failed
/// `HEALTH_CONSTRAINTS_INVALID`".
#[test]
fn a_zone_that_can_spare_no_host_fails_the_deployment() {
    check(
        &deployment(HostCount(0), Some(FleetPercent(50))),
        "a:4 b:1",
        "",
        " | 0/0/5 HEALTH_CONSTRAINTS_INVALID",
    );
    check(
        &deployment(HostCount(0), Some(HostCount(2))),
        "a:3 b:2",
        "",
        " | 0/0/5 HEALTH_CONSTRAINTS_INVALID",
    );
    check(&deployment(HostCount(0), Some(HostCount(0))), "a:1 b:1", "", "a1 +a1 b1 +b1 | 2/0/0 Succeeded");
    check(&deployment(HostCount(0), Some(FleetPercent(0))), "a:1", "", "a1 +a1 | 1/0/0 Succeeded");
}

/// §4.5: "`failed_z >= C_z` with unstarted targets in z" -> Failed `HEALTH_CONSTRAINTS`.
#[test]
fn a_zone_without_a_host_to_spare_and_with_hosts_to_go_fails_the_deployment() {
    let rule = deployment(HostCount(0), Some(HostCount(2)));
    check(&rule, "a:3 b:3", "a1", "a1 -a1 | 0/1/5 HEALTH_CONSTRAINTS");
    // The last host of a zone may fail, as the last of a fleet may.
    check(&rule, "a:3 b:3", "a3", "a1 +a1 a2 +a2 a3 -a3 b1 +b1 b2 +b2 b3 +b3 | 5/1/0 Succeeded");
}

/// §4.5: "or `succeeded_z < M_z` at the zone's end". The start rule keeps it from happening; what a store
/// says nevertheless is judged.
#[test]
fn a_zone_that_ended_with_too_few_healthy_hosts_fails_the_deployment() {
    let mut world = World::begin(&deployment(HostCount(0), Some(HostCount(1))), fleet("a:2 b:2"), "");
    for target in &mut world.targets[..2] {
        let started = target.after(&TargetEvent::Started, &rules(), BEGAN).unwrap();
        *target = ended(&started, true, BEGAN);
    }
    world.run_to_end();
    assert_eq!(world.result(), "0/2/2 HEALTH_CONSTRAINTS");
}

/// §4.5: "or rule 7 overall -> Failed `HEALTH_CONSTRAINTS`".
#[test]
fn a_fleet_without_a_host_to_spare_fails_before_the_next_zone() {
    let waits = Zonal { monitor_secs: Some(30), ..Zonal::default() };
    let rule = Deployment { zonal: Some(waits), ..fixture::deployment(HostCount(3), BEGAN) };
    check(&rule, "a:1 b:3", "a1", "a1 -a1 | 0/1/3 HEALTH_CONSTRAINTS");
    check(&rule, "a:2 b:2", "a2", "a1 +a1 a2 -a2 | 1/1/2 HEALTH_CONSTRAINTS");
}

/// §4.2 rule 8 holds at the end: at least one host must have succeeded.
#[test]
fn at_least_one_host_of_all_zones_must_succeed() {
    let rule = deployment(HostCount(0), None);
    check(&rule, "a:1 b:1", "a1", "a1 -a1 b1 +b1 | 1/1/0 Succeeded");
    check(&rule, "a:1 b:1", "a1 b1", "a1 -a1 b1 -b1 | 0/2/0 HEALTH_CONSTRAINTS");
}

/// §4.5: "After the first zone wait `firstZoneMonitorDurationInSeconds` (if absent,
/// `monitorDurationInSeconds`), after each further one `monitorDurationInSeconds`; absent = 0. No wait after
/// the last zone."
#[test]
fn zones_are_followed_by_waits() {
    let hosts = "a:1 b:1 c:1";
    let end = "| 3/0/0 Succeeded";
    check(&waiting(Some(90), Some(30)), hosts, "", &format!("a1 +a1 (90) b1 +b1 (30) c1 +c1 {end}"));
    check(&waiting(None, Some(30)), hosts, "", &format!("a1 +a1 (30) b1 +b1 (30) c1 +c1 {end}"));
    check(&waiting(Some(90), None), hosts, "", &format!("a1 +a1 (90) b1 +b1 c1 +c1 {end}"));
    check(&waiting(Some(0), Some(30)), hosts, "", &format!("a1 +a1 b1 +b1 (30) c1 +c1 {end}"));
    check(&waiting(None, None), hosts, "", &format!("a1 +a1 b1 +b1 c1 +c1 {end}"));
    check(&waiting(Some(90), Some(30)), "a:1", "", "a1 +a1 | 1/0/0 Succeeded");
}

/// §4.5: "During a wait the deployment status is `Baking`, … Then `InProgress` again."
#[test]
fn a_wait_is_data_of_the_deployment_and_ends_by_the_clock() {
    let mut world = World::begin(&waiting(Some(90), None), fleet("a:1 b:1"), "");
    world.run_to_wait();
    assert_eq!(world.deployment.status, DeploymentStatus::Baking);
    let run = world.deployment.zones.clone().unwrap();
    assert_eq!((run.present, run.baking_since), (0, Some(BEGAN)));
    assert_eq!(waits_until(&world.deployment), Some(BEGAN.plus(Duration::from_secs(90))));
    // Whoever reads it anew goes on with the same wait.
    let json = serde_json::to_string(&world.deployment).unwrap();
    world.deployment = serde_json::from_str(&json).unwrap();
    world.now = BEGAN.plus(Duration::from_millis(89_999));
    assert_eq!(world.plan(), Round { steps: Vec::new(), wake_at: Some(BEGAN.plus(Duration::from_secs(90))) });
    world.now = BEGAN.plus(Duration::from_secs(90));
    world.settle();
    assert_eq!(world.deployment.status, DeploymentStatus::InProgress);
    let run = world.deployment.zones.clone().unwrap();
    assert_eq!((run.present, run.baking_since, run.baked()), (1, None, Duration::from_secs(90)));
    assert_eq!(waits_until(&world.deployment), None);
    assert_eq!(world.said.last().map(String::as_str), Some("b1"));
}

/// §4.5: during a wait "StopDeployment works"; §7.1: it takes effect at once, as no command runs.
#[test]
fn a_stop_during_a_wait_takes_effect_at_once() {
    let mut world = World::begin(&waiting(Some(90), None), fleet("a:1 b:2"), "");
    world.run_to_wait();
    world.deployment.stop = Some(StopRequest {
        reason: StopReason::Manual,
        requested_at: world.now,
        was_pending: false,
        rolls_back: None,
    });
    world.settle();
    assert_eq!(world.result(), "1/0/2 Stopped");
}

/// Waits may be longer than a deployment may run (§2.3: 48 hours each, §8: 12 in all): they do not count.
#[test]
fn waits_do_not_count_against_the_time_of_a_deployment() {
    let day = 86_400;
    check(
        &waiting(None, Some(day)),
        "a:1 b:1 c:1",
        "",
        "a1 +a1 (86400) b1 +b1 (86400) c1 +c1 | 3/0/0 Succeeded",
    );
    let mut world = World::begin(&waiting(None, Some(day)), fleet("a:1 b:1"), "");
    world.run_to_wait();
    world.now = BEGAN.plus(Duration::from_secs(u64::from(day)));
    world.settle();
    assert_eq!(world.deployment.status, DeploymentStatus::InProgress);
    world.now = world.now.plus(Clocks::default().deployment);
    world.settle();
    assert_eq!(world.result(), "1/1/0 TIMEOUT");
}

/// §4.1 within a zone: hosts that have the revision already count as healthy, and a zone where nothing is
/// outdated is neither deployed to nor waited after. Source: service.md §4.5.
#[test]
fn an_update_of_outdated_hosts_counts_the_others_of_the_zone_as_healthy() {
    let current = || Some(HostHealth { is_healthy: true, installed: Some(revision("v2.zip")) });
    let candidate =
        |zone: &str, number, health| Candidate::ec2(ec2_instance(&instance(zone, number), zone), health);
    let candidates = vec![
        candidate("a", 1, current()),
        candidate("b", 1, current()),
        candidate("b", 2, current()),
        candidate("b", 3, None),
        candidate("b", 4, None),
        candidate("c", 1, None),
        candidate("c", 2, current()),
        candidate("d", 1, current()),
    ];
    let zonal = Zonal {
        first_zone_monitor_secs: Some(90),
        monitor_secs: Some(30),
        minimum_healthy_hosts_per_zone: Some(FleetPercent(0)),
    };
    let outdated = Deployment {
        zonal: Some(zonal),
        update_outdated_instances_only: true,
        ..fixture::deployment(HostCount(0), BEGAN)
    };
    let mut world = World::begin(&outdated, candidates.clone(), "");
    world.run_to_end();
    assert_eq!(world.said.join(" "), "b3 b4 +b3 +b4 (90) c1 +c1");
    let two_of_four = Zonal { minimum_healthy_hosts_per_zone: Some(FleetPercent(50)), ..zonal };
    let in_b = candidates.into_iter().filter(|host| host.id.as_str().contains('b')).collect();
    let mut world = World::begin(&Deployment { zonal: Some(two_of_four), ..outdated }, in_b, "b3");
    world.run_to_end();
    assert_eq!(world.result(), "1/1/0 Succeeded");
}
