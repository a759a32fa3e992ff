//! Every case over both protocols against one server; what was seen is counted and printed.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use longshore_conformance::cases::{Case, cases};
use longshore_conformance::client::Client;
use longshore_conformance::data::Data;
use longshore_conformance::expected::{NEVER_RAISED, WAITING};
use longshore_conformance::fixture::Fixture;
use longshore_conformance::inputs::VALID;
use longshore_conformance::situations::SITUATIONS;
use longshore_journey::Server;
use longshore_wire::codec::Codec;

const CODECS: [Codec; 2] = [Codec::Json, Codec::Cbor];

/// What has been seen, and what was not as expected.
#[derive(Default)]
struct Report {
    n_cases: usize,
    operations: BTreeSet<String>,
    exceptions: BTreeSet<String>,
    problems: Vec<String>,
}

impl Report {
    async fn run(&mut self, fixture: &Fixture, codec: Codec, case: &Case) {
        // JSON has no byte strings and no tags.
        let is_sayable = case.input.encode(codec, "CreateApplicationInput", &fixture.model).is_some();
        if !is_sayable {
            return;
        }
        self.n_cases += 1;
        self.operations.insert(case.operation.clone());
        let place = || format!("{codec:?} {} ({}) {:?}", case.operation, case.what, case.input);
        match fixture.answer(codec, &case.operation, &case.input).await {
            Ok((code, _)) => {
                if code != case.code {
                    self.problems.push(format!("{}: {}, not {}", place(), shown(&code), shown(&case.code)));
                }
                self.exceptions.insert(code);
            }
            Err(problem) => self.problems.push(format!("{}: {problem}", place())),
        }
    }
}

fn shown(code: &str) -> &str {
    if code.is_empty() { "a success" } else { code }
}

/// Whole names of exceptions that the tables write short.
fn whole(short: &str) -> String {
    if short.is_empty() { String::new() } else { format!("{short}Exception") }
}

/// The model's cases, then those of [`SITUATIONS`].
fn refused(fixture: &Fixture, codec: Codec) -> Vec<Case> {
    let fill = |text: &str| fixture.fill(codec, text);
    let mut all: Vec<Case> = fixture
        .model
        .operations
        .keys()
        .flat_map(|operation| cases(&fixture.model, operation, &fill))
        .collect();
    all.extend(SITUATIONS.iter().map(|(operation, input, code)| Case {
        operation: (*operation).to_owned(),
        what: String::from("situation"),
        input: Data::parse(&fill(input)),
        code: whole(code),
    }));
    all
}

/// One valid call of each operation; what ends a deployment comes last.
fn valid(fixture: &Fixture, codec: Codec) -> Vec<Case> {
    let mut calls: Vec<Case> = VALID
        .iter()
        .map(|(operation, input, code)| Case {
            operation: (*operation).to_owned(),
            what: String::from("valid"),
            input: Data::parse(&fixture.fill(codec, input)),
            code: (*code).to_owned(),
        })
        .collect();
    calls.sort_by_key(|case| case.operation == "StopDeployment");
    calls
}

/// Creates until the quota is reached, which must be before `most`.
async fn exceed(
    report: &mut Report,
    fixture: &Fixture,
    operation: &str,
    input: &str,
    code: &str,
    most: usize,
) {
    for n in 0..most {
        let input = Data::parse(&fixture.fill(Codec::Json, &input.replace("$N", &n.to_string())));
        report.n_cases += 1;
        match fixture.answer(Codec::Json, operation, &input).await {
            Ok((seen, _)) if seen == code => {
                report.exceptions.insert(seen);
                return;
            }
            Ok((seen, _)) if seen.is_empty() => {}
            other => {
                report.problems.push(format!("{operation} {input:?}: {other:?}, not {code}"));
                return;
            }
        }
    }
    report.problems.push(format!("{operation}: no {code} after {most} calls"));
}

/// Which of the model's exceptions nobody provoked though they can be, and which should not have been seen.
fn check_exceptions(fixture: &Fixture, report: &mut Report) -> usize {
    let never: Vec<String> = NEVER_RAISED.iter().map(|short| whole(short)).collect();
    let waiting: Vec<String> = WAITING.iter().map(|(short, _)| whole(short)).collect();
    for name in fixture.model.exceptions() {
        let (is_seen, is_never) = (report.exceptions.contains(name), never.iter().any(|other| other == name));
        let is_waiting = waiting.iter().any(|other| other == name);
        match (is_seen, is_never, is_waiting) {
            (true, false, false) | (false, true, false) | (false, false, true) => {}
            (true, true, _) => {
                report.problems.push(format!("{name} was seen, and is on the list of those never raised"))
            }
            (true, _, true) => {
                report.problems.push(format!("{name} was seen: it must leave the list of those that wait"))
            }
            (false, false, false) => report.problems.push(format!("no case provokes {name}")),
            (false, true, true) => report.problems.push(format!("{name} is on both lists")),
        }
    }
    for name in never.iter().chain(&waiting) {
        if !fixture.model.exceptions().any(|known| known == name) {
            report.problems.push(format!("the model has no {name}"));
        }
    }
    fixture.model.exceptions().filter(|name| report.exceptions.contains(*name)).count()
}

/// Calls a server that lets one request a second in, until it refuses one.
async fn throttle(report: &mut Report, fixture: &Fixture, folder: &Path) {
    let server = Server::start(folder, "[api]\nrequests_per_second = 1\nburst = 1\n");
    let client = Client::new(&server.env());
    for codec in CODECS {
        let body =
            Data::Map(Vec::new()).encode(codec, "ListApplicationsInput", &fixture.model).expect("a body");
        let mut n_let_in = 0;
        let refusal = loop {
            report.n_cases += 1;
            let answer = client.call(codec, "ListApplications", body.clone()).await;
            match answer.check_head(codec).and_then(|()| answer.refusal(codec)) {
                Ok(Some(refusal)) => break refusal,
                Ok(None) if n_let_in < 100 => n_let_in += 1,
                other => panic!("{codec:?}: {other:?} after {n_let_in} answers"),
            }
        };
        assert_eq!((&*refusal.code, &*refusal.message), ("ThrottlingException", "Rate exceeded"));
        report.exceptions.insert(refusal.code);
    }
}

#[tokio::test]
async fn every_operation_over_both_protocols() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixture = Fixture::start(folder.path()).await;
    let mut report = Report::default();
    for codec in CODECS {
        for case in refused(&fixture, codec) {
            report.run(&fixture, codec, &case).await;
        }
    }
    for codec in CODECS {
        for case in valid(&fixture, codec) {
            report.run(&fixture, codec, &case).await;
        }
    }
    let application = r#"{"applicationName":"many-$N"}"#;
    exceed(&mut report, &fixture, "CreateApplication", application, "ApplicationLimitExceededException", 10)
        .await;
    let group = r#"{"applicationName":"web","deploymentGroupName":"many-$N","serviceRoleArn":"$ROLE"}"#;
    let code = "DeploymentGroupLimitExceededException";
    exceed(&mut report, &fixture, "CreateDeploymentGroup", group, code, 10).await;
    let config =
        r#"{"deploymentConfigName":"many-$N","minimumHealthyHosts":{"type":"HOST_COUNT","value":1}}"#;
    let code = "DeploymentConfigLimitExceededException";
    exceed(&mut report, &fixture, "CreateDeploymentConfig", config, code, 10).await;
    throttle(&mut report, &fixture, &folder.path().join("throttled")).await;

    for operation in fixture.model.operations.keys() {
        if !report.operations.contains(operation) {
            report.problems.push(format!("no case calls {operation}"));
        }
    }
    let n_exceptions = check_exceptions(&fixture, &mut report);
    // Not by the macro, whose output is seen of failed tests only.
    writeln!(
        std::io::stderr(),
        "{} operations, {} cases, {n_exceptions} of the model's {} exceptions seen ({} never raised, {} wait)",
        report.operations.len(),
        report.n_cases,
        fixture.model.exceptions().count(),
        NEVER_RAISED.len(),
        WAITING.len(),
    )
    .expect("written");
    assert!(
        report.problems.is_empty(),
        "{} problems:\n{}",
        report.problems.len(),
        report.problems.join("\n")
    );
}
