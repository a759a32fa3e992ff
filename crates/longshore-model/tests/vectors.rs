//! Every test vector of service.md §4.7: what the rounds of an in-place deployment come to.
//!
//! All events take equal time and completions are processed in start order, so the hosts that began
//! together end together, first in first out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use longshore_model::deployment::{Deployment, DeploymentStatus};
use longshore_model::deployment_config::MinimumHealthyHosts;
use longshore_model::fixture::{self, candidate, revision};
use longshore_model::host::HostHealth;
use longshore_model::plan::begin::{Beginning, Candidate, begin};
use longshore_model::plan::{Step, in_place};
use longshore_model::target::{Clocks, Target, TargetRules, TargetStatus};
use longshore_model::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn deployment(rule: MinimumHealthyHosts) -> Deployment {
    fixture::deployment(rule, NOW)
}

fn rule(text: &str) -> MinimumHealthyHosts {
    match text.split_once(' ') {
        Some(("HOST_COUNT", count)) => MinimumHealthyHosts::HostCount(count.parse().unwrap()),
        Some(("FLEET_PERCENT", percent)) => MinimumHealthyHosts::FleetPercent(percent.parse().unwrap()),
        None if text == "HalfAtATime" => MinimumHealthyHosts::Half,
        None if text == "OneAtATime" => MinimumHealthyHosts::AllButOne,
        _ => panic!("no such rule: {text}"),
    }
}

/// What a run came to.
struct Outcome {
    deployment: Deployment,
    targets: Vec<Target>,
    most_in_flight: usize,
}

/// Runs `deployment` on `candidates` to its end; the hosts at these places (from 1) fail.
fn run(deployment: &Deployment, candidates: Vec<Candidate>, failing: &[usize]) -> Outcome {
    let Beginning { mut deployment, mut targets } = begin(deployment, candidates, 1000, NOW).unwrap();
    let clocks = Clocks::default();
    let mut most_in_flight = 0;
    while !deployment.status.is_final() {
        let summaries: Vec<_> = targets.iter().map(Target::summary).collect();
        let round = in_place::round(&deployment, &summaries, &clocks, NOW);
        for step in round.steps {
            match step {
                Step::Target { position, event } => {
                    let target = &mut targets[position as usize];
                    *target = target.after(&event, &rules(), NOW).unwrap();
                }
                Step::Zone(zone) => deployment = zone.apply(&deployment, NOW).unwrap(),
                Step::Finish(ending) => deployment = ending.apply(&deployment, NOW).unwrap(),
            }
        }
        let in_flight: Vec<usize> =
            (0..targets.len()).filter(|idx| targets[*idx].status() == TargetStatus::InProgress).collect();
        most_in_flight = most_in_flight.max(in_flight.len());
        // The first that began is the first that ends.
        if let Some(first) = in_flight.first() {
            targets[*first] = run_host(&targets[*first], failing.contains(&(first + 1)));
        }
    }
    Outcome { deployment, targets, most_in_flight }
}

fn rules() -> TargetRules {
    TargetRules { is_stopping: false, ignore_application_stop_failures: false, clocks: Clocks::default() }
}

/// All events of one host: the last one fails if the host fails.
fn run_host(target: &Target, is_failing: bool) -> Target {
    use longshore_model::lifecycle::{CommandCopy, Diagnostics};
    use longshore_model::target::TargetEvent;
    let n_events = u32::try_from(target.events.len()).unwrap();
    let mut target = target.clone();
    for event_idx in 0..n_events {
        target = target
            .after(&TargetEvent::Acknowledged { event_idx, copy: CommandCopy(1) }, &rules(), NOW)
            .unwrap();
        let is_success = !(is_failing && event_idx + 1 == n_events);
        let event =
            TargetEvent::Reported { event_idx, is_success, diagnostics: Diagnostics::by_service("done") };
        target = target.after(&event, &rules(), NOW).unwrap();
    }
    target
}

fn shown(outcome: &Outcome) -> String {
    let count = |status| outcome.targets.iter().filter(|target| target.status() == status).count();
    let result = match (&outcome.deployment.error, outcome.deployment.status) {
        (Some(error), DeploymentStatus::Failed) => error.code.as_str(),
        (_, status) => status.as_str(),
    };
    format!(
        "{} | {}/{}/{} | {result}",
        outcome.most_in_flight,
        count(TargetStatus::Succeeded),
        count(TargetStatus::Failed),
        count(TargetStatus::Skipped)
    )
}

/// One row of the table, as the specification writes it.
#[track_caller]
fn check(row: &str) {
    let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
    let [name, n_hosts, rule_text, minimum, capacity, failing, max, counts, result] = cells[..] else {
        panic!("not a row of the table: {row}");
    };
    let n_hosts: usize = n_hosts.parse().unwrap();
    assert_eq!(rule(rule_text).minimum(n_hosts).to_string(), minimum, "M of {name}");
    if capacity != "–" {
        assert_eq!((n_hosts - rule(rule_text).minimum(n_hosts)).to_string(), capacity, "C of {name}");
    }
    let failing: Vec<usize> = failing
        .trim_matches(['[', ']', '–'])
        .split(',')
        .filter(|place| !place.trim().is_empty())
        .map(|place| place.trim().parse().unwrap())
        .collect();
    let candidates = (1..=n_hosts).map(|idx| candidate(&format!("t{idx:03}"), None)).collect();
    let outcome = run(&deployment(rule(rule_text)), candidates, &failing);
    assert_eq!(shown(&outcome), format!("{max} | {counts} | {result}"), "{name}");
}

/// service.md §4.7: all rows, as `vectors.txt` has them; M and C are those of §4.1, the rules those of §4.2.
/// Source: service.md §5.1.
#[test]
fn every_vector_of_the_table() {
    let table = include_str!("vectors.txt");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| V")).collect();
    assert_eq!(rows.len(), 47, "the table of service.md §4.7 has 47 rows");
    for row in rows {
        check(row);
    }
}

/// Outdated-only: N = 10, HOST_COUNT 8, two outdated hosts, so C = 2 and both go at once.
#[track_caller]
fn check_outdated(failing: &[usize], expected: &str) {
    let mut candidates: Vec<Candidate> = (0..8)
        .map(|idx| {
            let health = HostHealth { is_healthy: true, installed: Some(revision("v2.zip")) };
            candidate(&format!("current{idx}"), Some(health))
        })
        .collect();
    candidates.push(candidate("outdated1", None));
    candidates.push(candidate("outdated2", None));
    let mut deployment = deployment(MinimumHealthyHosts::HostCount(8));
    deployment.update_outdated_instances_only = true;
    assert_eq!(shown(&run(&deployment, candidates, failing)), expected);
}

/// service.md §4.7, "Outdated-only", after §4.1.
#[test]
fn an_update_of_outdated_hosts_counts_the_others_as_healthy() {
    check_outdated(&[], "2 | 2/0/0 | Succeeded");
    check_outdated(&[1], "2 | 1/1/0 | Succeeded");
    check_outdated(&[1, 2], "2 | 0/2/0 | HEALTH_CONSTRAINTS");
}

/// service.md §4.2 rule 2.
#[test]
fn an_update_with_nothing_outdated_succeeds_at_once() {
    let health = HostHealth { is_healthy: true, installed: Some(revision("v2.zip")) };
    let mut deployment = deployment(MinimumHealthyHosts::AllButOne);
    deployment.update_outdated_instances_only = true;
    let outcome = run(&deployment, vec![candidate("a", Some(health))], &[]);
    assert_eq!(shown(&outcome), "0 | 0/0/0 | Succeeded");
    assert_eq!(outcome.deployment.status_messages.len(), 1);
}

/// service.md §4.2 rule 1.
#[test]
fn no_host_at_all_fails_the_deployment() {
    let outcome = run(&deployment(MinimumHealthyHosts::FleetPercent(0)), Vec::new(), &[]);
    assert_eq!(shown(&outcome), "0 | 0/0/0 | NO_INSTANCES");
}

/// service.md §4.2 rule 1.
#[test]
fn more_hosts_than_the_quota_fail_the_deployment() {
    let candidates = (0..1001).map(|idx| candidate(&format!("t{idx:04}"), None)).collect();
    let outcome = run(&deployment(MinimumHealthyHosts::FleetPercent(0)), candidates, &[]);
    assert_eq!(shown(&outcome), "0 | 0/0/0 | OVER_MAX_INSTANCES");
}

/// service.md §4.2 rule 4, in the words of §4.4; §7.4: a rollback goes so, too.
#[test]
fn hosts_go_unhealthy_first_then_unknown_then_old_then_current_then_by_name() {
    let healthy =
        |installed: Option<&str>| Some(HostHealth { is_healthy: true, installed: installed.map(revision) });
    let unhealthy = Some(HostHealth { is_healthy: false, installed: Some(revision("v1.zip")) });
    let candidates = vec![
        candidate("a-current", healthy(Some("v1.zip"))),
        candidate("b-old", healthy(Some("v0.zip"))),
        candidate("c-unknown", healthy(None)),
        candidate("d-unhealthy", unhealthy),
        candidate("e-new", None),
        candidate("a-old", healthy(Some("v0.zip"))),
    ];
    let beginning = begin(&deployment(MinimumHealthyHosts::HostCount(0)), candidates, 1000, NOW).unwrap();
    let order: Vec<&str> = beginning.targets.iter().map(|target| target.key.host.as_str()).collect();
    assert_eq!(order, ["d-unhealthy", "e-new", "c-unknown", "a-old", "b-old", "a-current"]);
}

/// service.md §4.2, "Consequences": the last host may fail, one success is enough where none must stay healthy, and
/// none is too few.
#[test]
fn consequences_that_aws_documents() {
    let ended = |rule, n_hosts: usize, failing: &[usize]| {
        let candidates = (1..=n_hosts).map(|idx| candidate(&format!("t{idx:03}"), None)).collect();
        shown(&run(&deployment(rule), candidates, failing))
    };
    let (all_but_one, all_at_once) = (MinimumHealthyHosts::AllButOne, MinimumHealthyHosts::FleetPercent(0));
    assert_eq!(ended(all_but_one, 5, &[5]), "1 | 4/1/0 | Succeeded");
    assert_eq!(ended(all_but_one, 5, &[4]), "1 | 3/1/1 | HEALTH_CONSTRAINTS");
    assert_eq!(ended(all_at_once, 5, &[1, 2, 3, 4]), "5 | 1/4/0 | Succeeded");
    assert_eq!(ended(all_at_once, 5, &[1, 2, 3, 4, 5]), "5 | 0/5/0 | HEALTH_CONSTRAINTS");
}

/// service.md §4.2, "Why N-based": hosts that were unhealthy before go first, and count like any other.
#[test]
fn a_host_that_was_unhealthy_before_counts_as_it_ends() {
    let candidates = || {
        let unhealthy = Some(HostHealth { is_healthy: false, installed: None });
        let healthy = Some(HostHealth { is_healthy: true, installed: Some(revision("v1.zip")) });
        vec![candidate("a", healthy.clone()), candidate("b", healthy), candidate("z", unhealthy)]
    };
    let rule = deployment(MinimumHealthyHosts::AllButOne);
    let order = |outcome: &Outcome| {
        outcome.targets.iter().map(|target| target.key.host.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let repaired = run(&rule, candidates(), &[]);
    assert_eq!((order(&repaired), shown(&repaired)), ("z a b".into(), "1 | 3/0/0 | Succeeded".into()));
    assert_eq!(shown(&run(&rule, candidates(), &[1])), "1 | 0/1/2 | HEALTH_CONSTRAINTS");
}
