//! The auditor sees what it is there to see: histories that keep the promises, each with one thing wrong.

use longshore_engine::host_command::{AckAnswer, CommandKey};
use longshore_model::deployment::{
    Creator, Deployment, DeploymentError, DeploymentStatus, ErrorCode, Rollback, StopReason, StopRequest,
};
use longshore_model::deployment_config::MinimumHealthyHosts;
use longshore_model::deployment_group::{AutoRollback, AutoRollbackEvent};
use longshore_model::fixture;
use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::lifecycle::{CommandCopy, Diagnostics, EventState, IN_PLACE};
use longshore_model::target::{Target, TargetEvent, TargetRules, TargetState};
use longshore_model::time::Timestamp;
use longshore_store::Places;
use longshore_store::contract::fixture::outcome;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const HOSTS: [&str; 3] = ["a", "b", "c"];

fn auditor() -> Auditor {
    let terms = Terms {
        clocks: Clocks::default(),
        places: Places { deployments: 1, hosts: 100 },
        zones: Zones::new(),
        rules: [(created().group_id, MinimumHealthyHosts::AllButOne)].into(),
        fleet: Some(HOSTS.len()),
        prompt_within: 5_000,
        keeps_late_up_to_date: true,
        clock_spread: 0,
    };
    Auditor { now: NOW.millis(), ..Auditor::new(terms) }
}

fn created() -> Deployment {
    fixture::deployment(MinimumHealthyHosts::AllButOne, NOW)
}

fn begun() -> Deployment {
    let n_hosts = u32::try_from(HOSTS.len()).expect("few");
    Deployment {
        status: DeploymentStatus::InProgress,
        started_at: Some(NOW),
        n_hosts,
        minimum_hosts: n_hosts - 1,
        ..created()
    }
}

fn ended(status: DeploymentStatus) -> Deployment {
    let error = DeploymentError { code: ErrorCode::HealthConstraints, message: String::from("no") };
    let error = (status != DeploymentStatus::Succeeded).then_some(error);
    Deployment { status, error, completed_at: Some(NOW), ..begun() }
}

fn target(position: usize) -> Target {
    let candidate = fixture::candidate(HOSTS[position], None);
    let key = TargetKey { deployment: created().id, host: candidate.id };
    let position = u32::try_from(position).expect("few");
    Target::new(key, position, candidate.arn, candidate.principal, &IN_PLACE, NOW)
}

fn started(position: usize) -> Target {
    after(&target(position), &TargetEvent::Started)
}

fn after(target: &Target, event: &TargetEvent) -> Target {
    let rules = TargetRules {
        is_stopping: false,
        ignore_application_stop_failures: false,
        clocks: Clocks::default(),
    };
    target.after(event, &rules, NOW).expect("a change")
}

fn failed(position: usize, message: &str) -> Target {
    let diagnostics = Diagnostics::by_service(message.to_owned());
    let event = TargetEvent::Reported { event_idx: 0, is_success: false, diagnostics };
    after(&started(position), &event)
}

fn succeeded(position: usize) -> Target {
    (0..7).fold(started(position), |target, event_idx| {
        let diagnostics = Diagnostics::by_service("done");
        after(&target, &TargetEvent::Reported { event_idx, is_success: true, diagnostics })
    })
}

/// A deployment to all three hosts that has begun.
fn running() -> Auditor {
    let mut auditor = auditor();
    auditor.created(&created());
    auditor.committed(&outcome(&begun()), &[target(0), target(1), target(2)]);
    assert_eq!(auditor.problems, [""; 0]);
    auditor
}

/// The whole of a deployment that goes well.
fn over() -> Auditor {
    let mut auditor = running();
    for position in 0..3 {
        auditor.applied(&started(position));
        auditor.applied(&succeeded(position));
    }
    auditor.committed(&outcome(&ended(DeploymentStatus::Succeeded)), &[]);
    auditor
}

#[track_caller]
fn check(mut auditor: Auditor, wrong: impl FnOnce(&mut Auditor), expected: &str) {
    assert_eq!(auditor.problems, [""; 0], "nothing is wrong yet");
    wrong(&mut auditor);
    let problem = auditor.problems.first().map(String::as_str).unwrap_or_default();
    assert!(problem.contains(expected), "`{problem}` is not `{expected}`");
}

#[test]
fn a_history_that_keeps_all_promises_has_no_problem() {
    let mut auditor = over();
    auditor.came(&target(0).principal, NOW.millis() + 1);
    auditor.look_for_standstill();
    auditor.ended();
    assert_eq!(auditor.problems, [""; 0]);
}

#[test]
fn statuses_go_forward_only() {
    check(over(), |auditor| auditor.committed(&outcome(&begun()), &[]), "was Succeeded and is changed");
    check(over(), |auditor| auditor.applied(&started(0)), "was Succeeded and is changed");
    let queued = Deployment { status: DeploymentStatus::Queued, ..created() };
    check(running(), |auditor| auditor.committed(&outcome(&queued), &[]), "goes from InProgress to Queued");
    let back = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.applied(&target(0));
    };
    check(running(), back, "goes to Pending");
}

#[test]
fn a_group_has_one_active_deployment_and_there_are_so_many_places() {
    let id = DeploymentId::parse("d-ANOTHER12").expect("a valid id");
    let other = Deployment { id, ..created() };
    check(running(), |auditor| auditor.created(&other), "several active deployments");
    let of_other_group = |auditor: &mut Auditor| {
        let group_id = longshore_model::id::DeploymentGroupId::parse("00000000-0000-4000-8000-00000000000b")
            .expect("an id");
        auditor.terms.rules.insert(group_id.clone(), MinimumHealthyHosts::AllButOne);
        auditor.created(&Deployment { group_id: group_id.clone(), ..other.clone() });
        let begun = Deployment { id: other.id.clone(), group_id, n_hosts: 3, ..begun() };
        auditor.committed(&outcome(&begun), &[]);
    };
    let mut auditor = running();
    of_other_group(&mut auditor);
    assert!(auditor.problems.iter().any(|problem| problem.contains("there are 1 places")), "{auditor:?}");
}

#[test]
fn health_stays_above_the_rule_of_the_group() {
    let two_at_once = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.applied(&started(1));
    };
    check(running(), two_at_once, "2 of the 3 hosts");
    let one_failed_one_runs = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.applied(&failed(0, "why"));
        auditor.applied(&started(1));
    };
    check(running(), one_failed_one_runs, "2 of the 3 hosts");
    // What the deployment says of its rule and its hosts is not believed.
    let laxer = Deployment { minimum_healthy_hosts: MinimumHealthyHosts::HostCount(0), ..created() };
    check(auditor(), |auditor| auditor.created(&laxer), "its group has Some(AllButOne)");
    let more = Deployment { n_hosts: 9, ..begun() };
    let larger = |auditor: &mut Auditor| {
        auditor.created(&created());
        auditor.committed(&outcome(&more), &[target(0), target(1), target(2)]);
    };
    check(auditor(), larger, "counts 9 hosts, and there are 3");
}

#[test]
fn an_end_is_an_end() {
    let too_early = |auditor: &mut Auditor| {
        auditor.committed(&outcome(&ended(DeploymentStatus::Failed)), &[]);
    };
    check(running(), too_early, "has open targets");
    let without_error = |auditor: &mut Auditor| {
        let ended = Deployment { error: None, ..ended(DeploymentStatus::Failed) };
        let skipped: Vec<Target> =
            (0..3).map(|position| after(&target(position), &TargetEvent::Skipped)).collect();
        auditor.committed(&outcome(&ended), &skipped);
    };
    check(running(), without_error, "with the error None");
    let mut never = running();
    never.ended();
    assert!(never.problems[0].contains("never ended"), "{:?}", never.problems);
}

#[test]
fn a_failed_target_has_a_cause() {
    let silent = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.applied(&failed(0, ""));
    };
    check(running(), silent, "no cause of the failure");
    // A stop is the cause of what comes with it or after it, and of nothing before.
    let withdrawn = after(&started(0), &TargetEvent::Withdrawn);
    let stop =
        StopRequest { reason: StopReason::Manual, requested_at: NOW, was_pending: true, rolls_back: None };
    let stopped = Deployment { stop: Some(stop), ..begun() };
    let mut with_it = running();
    with_it.applied(&started(0));
    with_it.committed(&outcome(&stopped), std::slice::from_ref(&withdrawn));
    assert_eq!(with_it.problems, [""; 0]);
    let too_early = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.applied(&withdrawn);
        auditor.committed(&outcome(&stopped), &[]);
    };
    check(running(), too_early, "no cause of the failure");
}

#[test]
fn a_target_succeeds_when_all_its_events_have() {
    let mut target = started(0);
    target.state = TargetState::Succeeded;
    target.events[0].state = EventState::Skipped;
    let hasty = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.applied(&target);
    };
    check(running(), hasty, "without having run all");
}

#[test]
fn a_command_is_let_run_and_run_once() {
    let key = CommandKey { target: target(0).key, event_idx: 0 };
    let taken = || {
        let mut auditor = running();
        auditor.applied(&started(0));
        let taken = TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) };
        auditor.applied(&after(&started(0), &taken));
        auditor.ack_answer(&key, CommandCopy(1), AckAnswer::InProgress);
        auditor.runs(&key);
        auditor
    };
    let again = |auditor: &mut Auditor| {
        auditor.ack_answer(&key, CommandCopy(1), AckAnswer::InProgress);
        auditor.ack_answer(&key, CommandCopy(2), AckAnswer::Succeeded);
    };
    let mut retried = taken();
    again(&mut retried);
    assert_eq!(retried.problems, [""; 0], "a lost answer is no second copy");
    let second = |auditor: &mut Auditor| auditor.ack_answer(&key, CommandCopy(2), AckAnswer::InProgress);
    check(taken(), second, "is let run after");
    check(taken(), |auditor| auditor.runs(&key), "runs again");
    let unstored = |auditor: &mut Auditor| auditor.ack_answer(&key, CommandCopy(1), AckAnswer::InProgress);
    let mut waiting = running();
    waiting.applied(&started(0));
    check(waiting, unstored, "answered and not stored");
}

#[test]
fn what_can_go_on_goes_on() {
    let idle = |auditor: &mut Auditor| {
        auditor.now += 5_001;
        auditor.look_for_standstill();
    };
    check(running(), idle, "can go on since");
    let overdue = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.now += 306_000;
        auditor.look_for_standstill();
    };
    check(running(), overdue, "a clock of");
    let forgotten = |auditor: &mut Auditor| {
        auditor.applied(&started(0));
        auditor.now += 6_000;
        auditor.look_at_poll(&target(0).principal, NOW.millis(), 0, 0);
    };
    check(running(), forgotten, "waits for its host");
}

#[test]
fn a_rollback_follows_when_the_rule_says_so_and_only_then() {
    let rule = AutoRollback { is_enabled: true, events: vec![AutoRollbackEvent::DeploymentFailure] };
    let end = |rule: &AutoRollback, rollback: Option<Rollback>| {
        let mut auditor = auditor();
        let skipped: Vec<Target> =
            (0..3).map(|position| after(&target(position), &TargetEvent::Skipped)).collect();
        auditor.created(&Deployment { auto_rollback: rule.clone(), ..created() });
        let ended = Deployment { auto_rollback: rule.clone(), rollback, ..ended(DeploymentStatus::Failed) };
        auditor.committed(&outcome(&ended), &skipped);
        auditor.ended();
        auditor.problems
    };
    assert_eq!(end(&AutoRollback::default(), None), [""; 0]);
    assert_eq!(end(&rule, Some(Rollback::Nowhere)), [""; 0]);
    assert!(end(&rule, None)[0].contains("rollback None"));
    assert!(end(&AutoRollback::default(), Some(Rollback::Nowhere))[0].contains("rollback Some"));
    let nobody = DeploymentId::parse("d-NOTTHERE1").expect("a valid id");
    assert!(end(&rule, Some(Rollback::By(nobody)))[0].contains("should roll"));
}

/// A host that came after the deployment which gave its group a revision, and has none.
#[test]
fn who_came_late_is_looked_after() {
    let late = PrincipalArn(String::from("arn:aws:iam::000000000000:user/late"));
    let came = |auditor: &mut Auditor| {
        auditor.came(&late, NOW.millis() + 1);
        auditor.ended();
    };
    check(over(), came, "is outdated, and nobody cares");
    let mut left = over();
    left.may_leave(&late);
    came(&mut left);
    assert_eq!(left.problems, [""; 0]);
    // An update that failed was tried; one that was made before it came is none.
    let updated = |created_at: Timestamp| {
        let mut auditor = over();
        let id = DeploymentId::parse("d-UPDATE123").expect("a valid id");
        let mut target = failed(0, "why");
        (target.key.deployment, target.principal) = (id.clone(), late.clone());
        let creator = Creator::User;
        auditor.created(&Deployment { id: id.clone(), created_at, ..created() });
        let ended = Deployment { id, created_at, creator, n_hosts: 3, ..ended(DeploymentStatus::Failed) };
        let ended = Deployment { only_hosts: Some(Vec::new()), ..ended };
        auditor.committed(&outcome(&ended), &[target]);
        came(&mut auditor);
        auditor.problems
    };
    assert_eq!(updated(Timestamp::from_millis(NOW.millis() + 2)), [""; 0]);
    assert!(updated(NOW)[0].contains("nobody cares"));
}
