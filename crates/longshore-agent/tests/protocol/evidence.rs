//! What is left on the host of a command that failed before it was carried out, or with the agent.
//! Source: design.md §6.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::host::{Agent, Host, text};
use crate::service::{Service, error, specification_answer};

const EXECUTION: &str = "111122223333/us-east-1/d-WIRE00001/host-1";

const DEPLOYMENT: &str = "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77/d-WIRE00001";

fn read(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The kept failures of deployments without a folder.
fn without_folder(host: &Host) -> Vec<PathBuf> {
    let names = host.names("failed-commands");
    names.iter().map(|name| host.root().join("failed-commands").join(name)).collect()
}

fn of_deployment(host: &Host) -> PathBuf {
    host.root().join(DEPLOYMENT).join("logs/failure.json")
}

/// Runs one command, which fails, on a host that has nothing of the deployment, and compares what is left.
async fn check(service: &Service, host: &Host, command: &str, deployment: &str, expected: Value) {
    service.offer("hc-1", command);
    let agent = host.run();
    let completion = service.wait_for("PutHostCommandComplete", 1).await.remove(0);
    agent.kill();
    check_kept(host, &completion.diagnostics(), command, deployment, expected);
}

#[track_caller]
fn check_kept(host: &Host, reported: &Value, command: &str, deployment: &str, evidence: Value) {
    let kept = without_folder(host);
    assert_eq!(kept.len(), 1, "{kept:?} {}", host.log());
    let expected = json!({
        "deployment": deployment,
        "command": command,
        "error_code": 5,
        "script_name": "",
        "message": reported["message"],
        "evidence": evidence,
    });
    assert_eq!(read(&kept[0]), expected);
    assert!(!host.root().join(DEPLOYMENT).exists(), "a folder would be taken for a revision");
}

fn http_refusal(status: u16, code: &str) -> Value {
    let subject = "codedeploy-commands";
    json!([{ "kind": "http_refusal", "subject": subject, "status": status, "code": code, "request_id": null }])
}

fn rule_broken(rule: &str, subjects: &[&str]) -> Value {
    json!([{ "kind": "rule_broken", "rule": rule, "subjects": subjects }])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_specification_that_cannot_be_had_leaves_the_services_refusal() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.answer_once("GetDeploymentSpecification", 400, error("ClientException", "No such deployment."));
    check(&service, &host, "Install", EXECUTION, http_refusal(400, "ClientException")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_specification_that_is_none_leaves_the_rule() {
    let wrong_format = json!({ "DeploymentSystem": "CodeDeploy", "DeploymentSpecification": {
        "GenericEnvelope": { "Format": "TEXT/JSON", "Payload": "{}" } } });
    for (answer, rule, subjects) in [
        (specification_answer("Other", ""), "deployment_system", &["Other"][..]),
        (json!({ "DeploymentSystem": "CodeDeploy" }), "specification_missing", &[]),
        (wrong_format, "specification_envelope", &["Unsupported DeploymentSpecification format: TEXT/JSON"]),
    ] {
        let service = Service::start().await;
        let host = Host::new(&service);
        service.answer_once("GetDeploymentSpecification", 200, answer);
        check(&service, &host, "Install", EXECUTION, rule_broken(rule, subjects)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_that_is_not_believed_leaves_why() {
    let service = Service::start().await;
    let other = Service::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, other.signer_certificate()).expect("written");
    let host = Host::with_config(&service, &format!("deployment_signer_ca_file: {}\n", ca.display()));
    service.specify(host.revision("", &[]));
    service.offer("hc-1", "Install");
    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    let kept = read(&without_folder(&host)[0]);
    // The report says only that it is not valid.
    assert_eq!(kept["message"], "Validation of PKCS7 signed message failed");
    assert_eq!(kept["evidence"][0]["rule"], "specification_signature");
    let subject = kept["evidence"][0]["subjects"][0].as_str().expect("text");
    assert!(
        subject.starts_with("the signer's certificate does not chain to the signer CA file"),
        "{subject}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_specification_that_is_incomplete_leaves_the_rule_and_no_token() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let mut specification = host.revision("", &[]);
    specification["DeploymentId"] = json!("../../x");
    specification["GitHubAccessToken"] = json!("ghp_secret9");
    service.specify(specification);
    let subject = "DeploymentId is not a valid path component: \"../../x\"";
    check(&service, &host, "Install", EXECUTION, rule_broken("specification_content", &[subject])).await;
    assert!(!text(&without_folder(&host)[0]).contains("ghp_secret9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_acknowledgement_leaves_the_services_refusal() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.answer_once("PutHostCommandAcknowledgement", 400, error("ClientException", "Too late."));
    check(&service, &host, "Install", "d-WIRE00001", http_refusal(400, "ClientException")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tracking_file_that_cannot_be_written_leaves_the_systems_refusal() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    let agent = host.run();
    service.wait_for("PollHostCommand", 1).await;
    // The folder's place is taken.
    let folder = host.root().join("ongoing-deployment");
    fs::write(&folder, "").expect("written");
    service.offer("hc-1", "Install");
    let completion = service.wait_for("PutHostCommandComplete", 1).await.remove(0);
    agent.kill();
    let path = folder.join("d-WIRE00001");
    let evidence = json!([{ "kind": "system_refusal", "path": path, "errno": 17, "name": "EEXIST" }]);
    check_kept(&host, &completion.diagnostics(), "Install", "d-WIRE00001", evidence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_command_leaves_its_name() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    let expected = rule_broken("unsupported_command", &["Frobnicate"]);
    check(&service, &host, "Frobnicate", "d-WIRE00001", expected).await;
}

/// A deployment that has been downloaded.
async fn downloaded(service: &Service, host: &Host, script: &str) -> Agent {
    let appspec = "hooks:\n  AfterInstall:\n    - location: s.sh\n";
    service.specify(host.revision(appspec, &[("s.sh", script)]));
    service.offer("hc-1", "DownloadBundle");
    let agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    agent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_appspec_that_has_gone_is_named_where_its_deployment_is() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let _agent = downloaded(&service, &host, "exit 3").await;
    let appspec = host.root().join(DEPLOYMENT).join("deployment-archive/appspec.yml");
    fs::rename(&appspec, host.path("appspec.yml")).expect("gone");
    service.offer("hc-2", "AfterInstall");
    service.wait_for("PutHostCommandComplete", 2).await;
    assert!(service.received("PutHostCommandAcknowledgement").len() < 2, "before the acknowledgement");
    let kept = read(&of_deployment(&host));
    let expected = json!([{ "kind": "system_refusal", "path": appspec, "errno": 2, "name": "ENOENT" }]);
    assert_eq!((&kept["command"], &kept["evidence"]), (&json!("AfterInstall"), &expected));
    let mode_before = fs::metadata(of_deployment(&host)).expect("kept").permissions().mode();

    // A script's failure leaves the same file, with the same permissions.
    fs::rename(host.path("appspec.yml"), &appspec).expect("back");
    service.offer("hc-3", "AfterInstall");
    service.wait_for("PutHostCommandComplete", 3).await;
    let kept = read(&of_deployment(&host));
    assert_eq!(kept["evidence"][0]["kind"], "script_ended");
    assert_eq!(fs::metadata(of_deployment(&host)).expect("kept").permissions().mode(), mode_before);
    assert!(without_folder(&host).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_died_with_the_agent_leaves_what_was_running() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let pid_path = host.path("script.pid");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600", pid_path.display());
    let agent = downloaded(&service, &host, &script).await;
    service.offer("hc-2", "AfterInstall");
    host.wait_until("the script runs", || pid_path.exists());
    let pid: i32 = text(&pid_path).trim().parse().expect("a process id");
    let recorded = || text(&host.root().join("ongoing-deployment-processes/d-WIRE00001"));
    host.wait_until("its process group is recorded", || recorded().contains(&pid.to_string()));
    agent.kill();
    // One whose deployment has no folder on this host.
    fs::write(host.root().join("ongoing-deployment/d-OTHER"), "hc-3").expect("written");

    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", 3).await;
    let expected = |deployment: &str, process_group: Value| {
        json!({
            "deployment": deployment,
            "command": null,
            "error_code": 7,
            "script_name": "",
            "message": "Failed: Failing in-progress lifecycle event after an agent restart.",
            "evidence": [{ "kind": "agent_restarted", "process_group": process_group }],
        })
    };
    assert_eq!(read(&of_deployment(&host)), expected("d-WIRE00001", json!(pid)));
    let others = without_folder(&host);
    assert_eq!(others.len(), 1);
    assert_eq!(read(&others[0]), expected("d-OTHER", Value::Null));
}
