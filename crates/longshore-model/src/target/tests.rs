//! The table of a target, a line a case.

use super::*;
use crate::id::{DeploymentId, HostId};

const CLOCKS: Clocks = Clocks {
    pickup: Duration::from_secs(300),
    event: Duration::from_secs(3600),
    deployment: Duration::from_secs(43_200),
};

fn target() -> Target {
    target_with(&[
        LifecycleEventName::ApplicationStop,
        LifecycleEventName::DownloadBundle,
        LifecycleEventName::Install,
    ])
}

fn target_with(events: &[LifecycleEventName]) -> Target {
    let key = TargetKey {
        deployment: DeploymentId::parse("d-ABCDEF123").unwrap(),
        host: HostId::parse("h1").unwrap(),
    };
    let arn = HostArn(String::from("arn:aws:codedeploy:us-east-1:000000000000:instance/h1_abcdefghij"));
    let principal = PrincipalArn(String::from("arn:aws:iam::000000000000:user/h1"));
    Target::new(key, 0, arn, principal, events, Timestamp::from_millis(0))
}

fn shown(target: &Target) -> String {
    let event = |event: &LifecycleEvent| match &event.state {
        EventState::Pending => 'P',
        EventState::InProgress { .. } => 'I',
        EventState::Succeeded { .. } => 'S',
        EventState::Failed { .. } => 'F',
        EventState::Skipped => 'K',
    };
    let events: String = target.events.iter().map(event).collect();
    format!("{} {events}", target.status().as_str())
}

/// Applies words one after another and compares the target after them; a word in brackets must
/// change nothing, for the reason behind the colon. `ack0 ok0 fail1` name events by place, `+9` lets seconds
/// pass, `stop` and `ignore` change the rules.
#[track_caller]
fn check(words: &str, expected: &str) {
    let mut rules =
        TargetRules { is_stopping: false, ignore_application_stop_failures: false, clocks: CLOCKS };
    let mut now = Timestamp::from_millis(0);
    let mut target = target();
    for word in words.split_whitespace() {
        if let Some(seconds) = word.strip_prefix('+') {
            now = now.plus(Duration::from_secs(seconds.parse().unwrap()));
            continue;
        }
        match word {
            "stop" => rules.is_stopping = true,
            "ignore" => rules.ignore_application_stop_failures = true,
            _ => apply(&mut target, word, &rules, now),
        }
    }
    assert_eq!(shown(&target), expected, "after {words}");
}

#[track_caller]
fn apply(target: &mut Target, word: &str, rules: &TargetRules, now: Timestamp) {
    let (name, reason) = match word.strip_prefix('[').and_then(|word| word.strip_suffix(']')) {
        Some(refused) => refused.split_once(':').unwrap(),
        None => (word, ""),
    };
    let event_idx = name.chars().last().and_then(|c| c.to_digit(10)).unwrap_or(0);
    let diagnostics = Diagnostics::by_service("done");
    let event = match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "start" => TargetEvent::Started,
        "skip" => TargetEvent::Skipped,
        "ack" => TargetEvent::Acknowledged { event_idx, copy: CommandCopy(1) },
        "ack-other" => TargetEvent::Acknowledged { event_idx, copy: CommandCopy(2) },
        "ok" => TargetEvent::Reported { event_idx, is_success: true, diagnostics },
        "fail" => TargetEvent::Reported { event_idx, is_success: false, diagnostics },
        "clock" => TargetEvent::ClockRanOut,
        "withdraw" => TargetEvent::Withdrawn,
        "abandon" => TargetEvent::Abandoned,
        other => panic!("no such word: {other}"),
    };
    match target.after(&event, rules, now) {
        Ok(after) => {
            assert_eq!(reason, "", "{word} changed the target");
            *target = after;
        }
        Err(no_change) => assert_eq!(format!("{no_change:?}"), reason, "{word}"),
    }
}

/// service.md §5.2 and §9.2.
#[test]
fn events_run_in_order_to_success() {
    check("start ack0 ok0 ack1 ok1", "InProgress SSP");
    check("start ack0 ok0 ack1 ok1 ack2 ok2", "Succeeded SSS");
}

/// service.md §5.2 and §5.3.
#[test]
fn a_failure_ends_the_target_and_skips_the_rest() {
    check("start ack0 ok0 ack1 fail1", "Failed SFK");
}

/// service.md §6.4 and §5.3: the event stays `Failed`, the target goes on.
#[test]
fn a_failing_stop_side_event_is_ignored_when_the_deployment_says_so() {
    check("ignore start ack0 fail0", "InProgress FPP");
    check("ignore start ack0 fail0 ack1 fail1", "Failed FFK");
    check("start ack0 fail0", "Failed FKK");
}

/// service.md §9.2.
#[test]
fn a_report_without_acknowledgement_counts() {
    check("start fail0", "Failed FKK");
    check("start ok0", "InProgress SPP");
}

/// service.md §9.2.
#[test]
fn the_first_report_wins() {
    check("start ack0 ok0 [fail0:AlreadyReported] [ok0:AlreadyReported]", "InProgress SPP");
    check("start ack0 fail0 [ok0:AlreadyReported]", "Failed FKK");
}

/// service.md §9.2.
#[test]
fn a_command_is_taken_once() {
    check("start ack0 [ack0:AlreadyAcknowledged] ok0 [ack0:AlreadyReported]", "InProgress SPP");
}

/// service.md §9.2: of two copies the one that is acknowledged first is run, however often that is said.
#[test]
fn of_two_copies_of_a_command_one_is_taken() {
    let taken = "start ack0 [ack-other0:AnotherCopyRuns] [ack0:AlreadyAcknowledged]";
    check(&format!("{taken} [ack-other0:AnotherCopyRuns]"), "InProgress IPP");
    check(&format!("{taken} ok0 [ack-other0:AlreadyReported]"), "InProgress SPP");
    check("start ack-other0 [ack0:AnotherCopyRuns] ok0 ack1 [ack-other1:AnotherCopyRuns]", "InProgress SIP");
}

#[test]
fn a_command_that_is_not_due_changes_nothing() {
    check(
        "[ack0:NotCurrent] [ok0:NotCurrent] start [ack1:NotCurrent] [ok2:NotCurrent] [ok7:NotCurrent]",
        "InProgress PPP",
    );
}

/// service.md §8: 5 minutes, for each event.
#[test]
fn the_pickup_clock_fails_a_target_whose_agent_never_came() {
    check("start +299 [clock:NotDue]", "InProgress PPP");
    check("start +300 clock [ack0:NotCurrent] [ok0:NotCurrent]", "Failed FKK");
    check("start +200 ack0 ok0 +200 [clock:NotDue] +100 clock", "Failed SFK");
}

/// service.md §8: 3,600 seconds.
#[test]
fn the_event_clock_fails_a_target_whose_agent_went_silent() {
    check("start ack0 +3599 [clock:NotDue]", "InProgress IPP");
    check("start ack0 +3600 clock [ok0:NotCurrent]", "Failed FKK");
}

/// service.md §5.2, "On stop", and §7.1.
#[test]
fn a_stop_lets_the_running_event_end_and_starts_no_other() {
    check("start stop [ack0:NotCurrent] withdraw", "Failed KKK");
    check("start ack0 stop [withdraw:NotDue] ok0", "Failed SKK");
    check("start ack0 ok0 ack1 ok1 ack2 stop ok2", "Succeeded SSS");
}

/// service.md §5.2.
#[test]
fn only_a_target_that_has_not_begun_is_skipped() {
    check("skip [start:NotApplicable] [skip:NotApplicable]", "Skipped KKK");
    check("start [skip:NotApplicable] [start:NotApplicable]", "InProgress PPP");
}

/// service.md §8.
#[test]
fn a_deployment_out_of_time_gives_up_what_runs() {
    check("start ack0 abandon", "Failed FKK");
    check("[abandon:NotApplicable]", "Pending PPP");
}

/// service.md §6.4: which event is the next one after each failure that is ignored, and that no other is.
#[test]
fn three_events_may_fail_when_the_deployment_says_so() {
    let rules = TargetRules { is_stopping: false, ignore_application_stop_failures: true, clocks: CLOCKS };
    let now = Timestamp::from_millis(0);
    let mut next_after: Vec<String> = Vec::new();
    for (event_idx, name) in (0..).zip(LifecycleEventName::ALL) {
        let mut target = target_with(&LifecycleEventName::ALL);
        target.state = TargetState::InProgress(Progress { event_idx, waiting: Waiting::Report, since: now });
        let failed = TargetEvent::Reported {
            event_idx,
            is_success: false,
            diagnostics: Diagnostics::by_service("it failed"),
        };
        let after = target.after(&failed, &rules, now).unwrap();
        match after.state {
            TargetState::InProgress(progress) => {
                let next = after.event(progress.event_idx).unwrap().name;
                next_after.push(format!("{} -> {}", name.as_str(), next.as_str()));
            }
            other => assert_eq!(other, TargetState::Failed, "{}", name.as_str()),
        }
    }
    assert_eq!(
        next_after,
        [
            "BeforeBlockTraffic -> BlockTraffic",
            "AfterBlockTraffic -> ApplicationStop",
            "ApplicationStop -> DownloadBundle",
        ]
    );
}

/// service.md §6.4: "A 5-minute no-answer on these events is *not* ignored".
#[test]
fn an_agent_that_does_not_come_is_not_forgiven() {
    check("ignore start +300 clock", "Failed FKK");
    check("ignore start ack0 +3600 clock", "Failed FKK");
}

/// What is said of the present event after `words` and a clock that ran out.
fn said_by_the_clock(is_acknowledged: bool) -> Diagnostics {
    let rules = TargetRules { is_stopping: false, ignore_application_stop_failures: false, clocks: CLOCKS };
    let began = Timestamp::from_millis(0);
    let mut target = target().after(&TargetEvent::Started, &rules, began).unwrap();
    if is_acknowledged {
        target = target
            .after(&TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) }, &rules, began)
            .unwrap();
    }
    let late = began.plus(CLOCKS.event);
    target = target.after(&TargetEvent::ClockRanOut, &rules, late).unwrap();
    match &target.events[0].state {
        EventState::Failed { started_at, ended_at, by, diagnostics } => {
            assert_eq!((*started_at, *ended_at), (is_acknowledged.then_some(began), late));
            assert_eq!(*by, EndedBy::Service);
            diagnostics.clone()
        }
        other => panic!("{other:?}"),
    }
}

/// service.md §8: AWS's own text for an agent that did not come, ours for one that fell silent; no script, no log.
#[test]
fn a_clock_says_what_it_waited_for() {
    let absent = said_by_the_clock(false);
    assert_eq!(
        absent.message,
        "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your \
         host and make sure the agent is running and can connect to the CodeDeploy server."
    );
    let silent = said_by_the_clock(true);
    assert!(
        silent.message.contains("ApplicationStop") && silent.message.contains("3600 seconds"),
        "{silent:?}"
    );
    for diagnostics in [absent, silent] {
        assert_eq!(diagnostics.error_code.as_str(), "UnknownError");
        assert_eq!((diagnostics.script_name.as_str(), diagnostics.log_tail.as_str()), ("", ""));
    }
}

/// service.md §5.3: an event is `InProgress` from the acknowledgement on, and has then begun.
#[test]
fn an_event_begins_when_the_agent_takes_it() {
    let rules = TargetRules { is_stopping: false, ignore_application_stop_failures: false, clocks: CLOCKS };
    let at = |seconds| Timestamp::from_millis(0).plus(Duration::from_secs(seconds));
    let started = target().after(&TargetEvent::Started, &rules, at(1)).unwrap();
    assert_eq!(
        (started.status(), &started.events[0].state),
        (TargetStatus::InProgress, &EventState::Pending)
    );
    let taken = started
        .after(&TargetEvent::Acknowledged { event_idx: 0, copy: CommandCopy(1) }, &rules, at(7))
        .unwrap();
    assert_eq!(taken.events[0].state, EventState::InProgress { started_at: at(7), copy: CommandCopy(1) });
    let diagnostics = Diagnostics::by_service("done");
    let report = TargetEvent::Reported { event_idx: 0, is_success: true, diagnostics: diagnostics.clone() };
    let ended = taken.after(&report, &rules, at(9)).unwrap();
    let succeeded = EventState::Succeeded { started_at: at(7), ended_at: at(9), diagnostics };
    assert_eq!(ended.events[0].state, succeeded);
}
