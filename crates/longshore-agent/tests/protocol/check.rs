//! `check`: whether this host can do its work.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::host::Host;
use crate::service::{Service, error};

/// The level of every finding, and the exit code.
fn check(host: &Host) -> (Option<i32>, BTreeMap<String, String>) {
    let output = host.command("check").arg("--output").arg("json").output().expect("the program runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    let document: Value = serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let findings = document["findings"].as_array().expect("findings");
    let levels = findings.iter().map(|finding| (text(&finding["subject"]), text(&finding["level"])));
    (output.status.code(), levels.collect())
}

fn secured(service: &Service) -> Host {
    let host = Host::new(service);
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(host.path("onpremises.yml"), mode).expect("chmod");
    host
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_host_has_no_errors_and_no_command_is_taken() {
    let service = Service::start().await;
    service.offer("command-1", "DownloadBundle");
    service.answer_once("GetDeploymentSpecification", 400, error("ClientException", "no such deployment"));
    let host = secured(&service);
    let (code, levels) = check(&host);
    assert_eq!(code, Some(0), "{levels:?}");
    for subject in ["configuration", "identity", "credentials", "command endpoint", "signed call", "clock"] {
        assert_eq!(levels.get(subject).map(String::as_str), Some("ok"), "{subject} in {levels:?}");
    }
    assert!(!service.operations().iter().any(|operation| operation == "PollHostCommand"));
    assert!(!host.path("log").exists() && !host.root().exists(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_everybody_can_read_or_the_service_refuses_are_errors() {
    let service = Service::start().await;
    let refusal = error("UnrecognizedClientException", "the security token is invalid");
    service.answer_once("GetDeploymentSpecification", 400, refusal);
    let host = Host::new(&service);
    fs::set_permissions(host.path("onpremises.yml"), fs::Permissions::from_mode(0o644)).expect("chmod");
    let (code, levels) = check(&host);
    assert_eq!(code, Some(1), "{levels:?}");
    assert_eq!(levels["on-premises file"], "error");
    assert_eq!(levels["signed call"], "error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_where_nobody_listens_is_an_error() {
    let service = Service::start().await;
    let host = secured(&service);
    let config = fs::read_to_string(host.path("agent.yml")).expect("read");
    fs::write(host.path("agent.yml"), config.replace(service.address(), "http://127.0.0.1:9"))
        .expect("write");
    let (code, levels) = check(&host);
    assert_eq!((code, levels["command endpoint"].as_str()), (Some(1), "error"), "{levels:?}");
    assert_eq!(levels["bundle store"], "error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_configuration_is_one_finding_with_a_hint() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "max_revisions: 0\n");
    let output = host.command("check").output().expect("the program runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert!(
        lines[0].starts_with("ERROR    configuration    Invalid configuration :max_revision=0"),
        "{shown}"
    );
    assert!(lines[1].trim_start().starts_with("hint: "), "{shown}");
}
