//! What one round decides, a line a case.

use std::time::Duration;

use super::*;
use crate::deployment::{StopReason, StopRequest};
use crate::deployment_config::MinimumHealthyHosts;
use crate::fixture;
use crate::target::Progress;

const BEGAN: Timestamp = Timestamp::from_millis(0);
const HOUR: Duration = Duration::from_secs(3600);

/// One letter a host: P(ending), W(aits for its agent), R(uns a command), S(ucceeded), F(ailed), K (skipped).
/// Commands became available, or were taken, at `since`.
fn targets(states: &str, since: Timestamp) -> Vec<TargetSummary> {
    let progress = |waiting| TargetState::InProgress(Progress { event_idx: 0, waiting, since });
    (0..)
        .zip(states.chars())
        .map(|(position, letter)| {
            let state = match letter {
                'P' => TargetState::Pending,
                'W' => progress(Waiting::Pickup),
                'R' => progress(Waiting::Report),
                'S' => TargetState::Succeeded,
                'F' => TargetState::Failed,
                _ => TargetState::Skipped,
            };
            TargetSummary { position, state }
        })
        .collect()
}

fn deployment(n_hosts: usize, minimum_hosts: u32) -> Deployment {
    Deployment {
        status: DeploymentStatus::InProgress,
        started_at: Some(BEGAN),
        n_hosts: u32::try_from(n_hosts).unwrap(),
        minimum_hosts,
        ..fixture::deployment(MinimumHealthyHosts::AllButOne, BEGAN)
    }
}

fn stopping(deployment: Deployment) -> Deployment {
    let stop =
        StopRequest { reason: StopReason::Manual, requested_at: BEGAN, was_pending: true, rolls_back: None };
    Deployment { stop: Some(stop), ..deployment }
}

fn shown(round: &Round) -> String {
    let steps: Vec<String> = round
        .steps
        .iter()
        .map(|step| match step {
            Step::Target { position, event } => format!("{event:?} {position}"),
            Step::Zone(zone) => format!("{zone:?}"),
            Step::Finish(Ending::Succeeded) => String::from("Succeeded"),
            Step::Finish(Ending::Failed(error) | Ending::Stopped(error)) => error.code.as_str().to_owned(),
        })
        .collect();
    steps.join(", ")
}

/// Hosts as [`targets`] writes them, how many must stay healthy, and what is decided at once.
#[track_caller]
fn check(states: &str, minimum: u32, expected: &str) {
    let deployment = deployment(states.len(), minimum);
    let round = round(&deployment, &targets(states, BEGAN), &Clocks::default(), BEGAN);
    assert_eq!(shown(&round), expected, "{states}, minimum {minimum}");
}

/// service.md §4.2 rule 5: whenever `inflight + failed < C`, not in waves. Source: service.md §4.1.
#[test]
fn a_free_place_is_taken_at_once() {
    check("PPPP", 2, "Started 0, Started 1");
    check("WPPP", 2, "Started 1");
    check("SRPP", 2, "Started 2");
    check("SSWP", 2, "Started 3");
    check("RRPP", 2, "");
    check("FRPP", 2, "");
    check("FSPP", 2, "Started 2");
    check("PPP", 0, "Started 0, Started 1, Started 2");
}

/// service.md §4.2 rules 6 and 7: a failure takes a place for good; without a place, what did not start is
/// skipped, and nothing is in flight then.
#[test]
fn without_a_place_what_did_not_start_is_skipped() {
    check("FPP", 2, "Skipped 1, Skipped 2, HEALTH_CONSTRAINTS");
    check("FFPP", 2, "Skipped 2, Skipped 3, HEALTH_CONSTRAINTS");
    check("SSFP", 3, "Skipped 3, HEALTH_CONSTRAINTS");
    // What runs may end first, though no other begins.
    check("FRP", 1, "");
}

/// service.md §4.2 rule 8, with the hosts that are no targets counted as healthy, §4.1.
/// Source: service.md §5.5.
#[test]
fn the_end_asks_for_one_success_and_the_minimum() {
    check("SSS", 2, "Succeeded");
    check("SSF", 2, "Succeeded");
    check("FFS", 0, "Succeeded");
    check("FFF", 0, "HEALTH_CONSTRAINTS");
    check("SFF", 2, "HEALTH_CONSTRAINTS");
    check("SSR", 2, "");
    let of_ten =
        |states: &str| shown(&round(&deployment(10, 8), &targets(states, BEGAN), &Clocks::default(), BEGAN));
    assert_eq!(of_ten("SF"), "Succeeded");
    assert_eq!(of_ten("FF"), "HEALTH_CONSTRAINTS");
}

/// service.md §7.1: nothing further is scheduled, what nobody took is withdrawn, what runs ends first.
/// Source: service.md §5.2.
#[test]
fn a_stop_waits_only_for_commands_that_run() {
    let decided = |states: &str, now| {
        let deployment = stopping(deployment(states.len(), 0));
        shown(&round(&deployment, &targets(states, BEGAN), &Clocks::default(), now))
    };
    assert_eq!(decided("SFPW", BEGAN), "Skipped 2, Withdrawn 3, MANUAL_STOP");
    assert_eq!(decided("SRPW", BEGAN), "Skipped 2, Withdrawn 3");
    assert_eq!(decided("SRKF", BEGAN), "");
    assert_eq!(decided("SFKF", BEGAN), "MANUAL_STOP");
    // One that never reports is given up by its clock.
    assert_eq!(decided("SRKF", BEGAN.plus(HOUR)), "ClockRanOut 1");
}

/// service.md §8: the clocks of commands, each to the millisecond, and when is looked again.
#[test]
fn a_command_that_is_late_fails_its_host() {
    let at = |states: &str, millis| {
        let now = BEGAN.plus(Duration::from_millis(millis));
        round(&deployment(states.len(), 0), &targets(states, BEGAN), &Clocks::default(), now)
    };
    let wakes = |millis| Some(BEGAN.plus(Duration::from_millis(millis)));
    assert_eq!((shown(&at("WR", 299_999)), at("WR", 299_999).wake_at), (String::new(), wakes(300_000)));
    assert_eq!(shown(&at("WR", 300_000)), "ClockRanOut 0");
    assert_eq!((shown(&at("FR", 3_599_999)), at("FR", 3_599_999).wake_at), (String::new(), wakes(3_600_000)));
    assert_eq!(shown(&at("FR", 3_600_000)), "ClockRanOut 1");
}

/// service.md §8: "in-place deployment, total", 12 hours. One that is to be stopped ends as stopped, §7.1.
#[test]
fn a_deployment_has_twelve_hours() {
    let late = BEGAN.plus(12 * HOUR);
    let just_in_time = late.minus(Duration::from_millis(1));
    let decided = |deployment: &Deployment, now| {
        let states = targets("SRWP", just_in_time.minus(Duration::from_secs(60)));
        round(deployment, &states, &Clocks::default(), now)
    };
    let (goes_on, to_be_stopped) = (deployment(4, 1), stopping(deployment(4, 1)));
    let before = decided(&goes_on, just_in_time);
    assert_eq!((shown(&before), before.wake_at), (String::from("Started 3"), Some(late)));
    assert_eq!(shown(&decided(&goes_on, late)), "Abandoned 1, Abandoned 2, Skipped 3, TIMEOUT");
    assert_eq!(shown(&decided(&to_be_stopped, late)), "Abandoned 1, Abandoned 2, Skipped 3, MANUAL_STOP");
}
