//! The auditor finds what it looks for.

use super::*;
use crate::record::Event;

const GROUP: &str = "web";

fn event(name: &str, status: &str, started_at: f64) -> Event {
    let has_started = status != "Pending" && status != "Skipped";
    Event {
        name: name.to_owned(),
        status: status.to_owned(),
        started_at: has_started.then_some(started_at),
        ended_at: has_started.then_some(started_at + 0.5),
        diagnostics: has_started.then(|| (status.to_owned(), String::from("why"))),
    }
}

fn target(host: &str, status: &str, began: f64) -> Target {
    let names = ["ApplicationStop", "Install", "AfterInstall"];
    let events = names.iter().zip(0_u8..).map(|(name, idx)| event(name, status, began + f64::from(idx)));
    Target {
        host: host.to_owned(),
        status: status.to_owned(),
        updated_at: began + 3.0,
        events: events.collect(),
    }
}

fn deployment(id: &str, targets: Vec<Target>) -> Deployment {
    Deployment {
        id: id.to_owned(),
        group: GROUP.to_owned(),
        revision: format!("r{id}"),
        status: String::from("Succeeded"),
        creator: String::from("user"),
        created_at: 0.0,
        completed_at: Some(100.0),
        error_code: None,
        targets,
    }
}

/// One deployment to two hosts, one at a time, as it should be.
fn good() -> Evidence {
    let deployment = deployment("1", vec![target("a", "Succeeded", 0.0), target("b", "Succeeded", 10.0)]);
    let host = |name: &str| HostEvidence {
        name: name.to_owned(),
        notes: vec![String::from("1 AfterInstall r1")],
        files: HashMap::from([(GROUP.to_owned(), files("r1"))]),
    };
    Evidence {
        deployments: vec![deployment],
        told: vec![String::from("1")],
        hosts: vec![host("a"), host("b")],
        strikes: Vec::new(),
        groups: HashMap::from([(GROUP.to_owned(), (2, 1))]),
    }
}

#[track_caller]
fn check(spoil: impl FnOnce(&mut Evidence), expected: &[&str]) {
    let mut evidence = good();
    spoil(&mut evidence);
    assert_eq!(evidence.violations(), expected);
}

#[test]
fn what_is_as_promised_is_fine() {
    check(|_| {}, &[]);
}

#[test]
fn what_was_answered_is_there() {
    check(|evidence| evidence.told.push(String::from("2")), &["2 was answered and is not there"]);
}

#[test]
fn all_is_final() {
    check(
        |evidence| evidence.deployments[0].targets[1].status = String::from("InProgress"),
        &["1 is Succeeded with b InProgress", "1 had 1 hosts in work or failed, and may have 1"][..1],
    );
}

#[test]
fn a_script_runs_once() {
    check(
        |evidence| evidence.hosts[0].notes.push(String::from("1 AfterInstall r1")),
        &["a: AfterInstall of 1 ran 2 times"],
    );
    check(
        |evidence| evidence.hosts[0].notes.clear(),
        &["a: AfterInstall of 1 is Succeeded, and ran 0 times"],
    );
    check(
        |evidence| evidence.hosts[0].notes.push(String::from("1 ValidateService r1")),
        &["a: ValidateService of 1 ran unasked"],
    );
}

#[test]
fn a_script_that_was_never_taken_does_not_run() {
    check(
        |evidence| {
            let last = evidence.deployments[0].targets[0].events.last_mut();
            *last.expect("an event") = event("AfterInstall", "Skipped", 2.0);
        },
        &["a: AfterInstall of 1 is Skipped, and ran 1 times"],
    );
}

#[test]
fn files_are_of_one_revision() {
    check(
        |evidence| evidence.hosts[0].notes = vec![String::from("1 AfterInstall r0 r1")],
        &["a: AfterInstall of 1 (r1) saw files of [\"r0\", \"r1\"]"],
    );
    let mut evidence = good();
    let there = evidence.hosts[0].files.get_mut(GROUP).expect("files");
    there[3].1 = files("r0")[3].1.clone();
    assert_eq!(evidence.violations().len(), 1, "a mix");
    let mut evidence = good();
    evidence.hosts[0].files.insert(GROUP.to_owned(), files("r0"));
    assert_eq!(evidence.violations().len(), 1, "another revision");
    let mut evidence = good();
    evidence.hosts[0].files.get_mut(GROUP).expect("files").pop();
    assert_eq!(evidence.violations().len(), 1, "a file is missing");
}

#[test]
fn a_failed_install_leaves_old_or_new() {
    for revision in ["r1", "r2"] {
        let mut evidence = good();
        let mut second = deployment("2", vec![target("a", "Failed", 110.0), target("b", "Succeeded", 120.0)]);
        second.targets[0].events.truncate(2);
        second.created_at = 105.0;
        evidence.groups.insert(GROUP.to_owned(), (2, 2));
        evidence.deployments.push(second);
        evidence.strikes.push((String::from("a"), 106.0));
        evidence.hosts[1].notes.push(String::from("2 AfterInstall r2"));
        evidence.hosts[1].files.insert(GROUP.to_owned(), files("r2"));
        evidence.hosts[0].files.insert(GROUP.to_owned(), files(revision));
        assert_eq!(evidence.violations(), Vec::<String>::new(), "{revision}");
    }
}

#[test]
fn health_is_kept() {
    check(
        |evidence| evidence.deployments[0].targets[1] = target("b", "Succeeded", 1.0),
        &["1 had 2 hosts in work or failed, and may have 1"],
    );
}

#[test]
fn a_group_has_one_deployment_at_a_time() {
    check(
        |evidence| {
            let mut second = evidence.deployments[0].clone();
            second.id = String::from("2");
            second.revision = String::from("r1");
            second.targets[0] = target("a", "Succeeded", 99.0);
            second.targets[1] = target("b", "Succeeded", 120.0);
            evidence.deployments.push(second);
            for host in &mut evidence.hosts {
                host.notes.push(String::from("2 AfterInstall r1"));
            }
        },
        &["2 began before 1 had ended"],
    );
}

#[test]
fn what_fails_was_struck_or_stayed_away() {
    let fails = |evidence: &mut Evidence| {
        let target = &mut evidence.deployments[0].targets[1];
        target.status = String::from("Failed");
        *target.events.last_mut().expect("an event") = event("AfterInstall", "Failed", 12.0);
    };
    let unexplained = "1 failed on b in AfterInstall though nothing struck it: Some((\"Failed\", \"why\"))";
    check(fails, &[unexplained]);
    check(
        |evidence| {
            fails(evidence);
            evidence.strikes = vec![(String::from("a"), 5.0), (String::from("b"), 50.0)];
        },
        &[unexplained],
    );
    check(
        |evidence| {
            fails(evidence);
            evidence.strikes.push((String::from("b"), 5.0));
        },
        &[],
    );
    check(
        |evidence| {
            fails(evidence);
            let failed = evidence.deployments[0].targets[1].events.last_mut().expect("an event");
            failed.started_at = None;
            failed.diagnostics = Some((String::from("UnknownError"), format!("It {STAYED_AWAY}.")));
            evidence.hosts[1].notes.clear();
        },
        &[],
    );
}

#[test]
fn a_failure_has_a_cause_and_counts() {
    check(
        |evidence| {
            evidence.strikes.push((String::from("b"), 5.0));
            let target = &mut evidence.deployments[0].targets[1];
            target.status = String::from("Failed");
            for event in &mut target.events {
                event.diagnostics = None;
            }
        },
        &["1 failed on b without a cause"],
    );
    check(
        |evidence| evidence.deployments[0].status = String::from("Failed"),
        &["1 failed without an error", "1 is Failed with 2 succeeded and 0 failed hosts"],
    );
}
