//! One command from poll to report.

use std::fs;

use serde_json::{Value, json};

use crate::host::{Host, specification, text};
use crate::service::{Received, Service, error, specification_answer};

const GROUP: &str = "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77";

fn s3_revision(more: &Value) -> Value {
    let mut revision = json!({ "Bucket": "bundles", "Key": "app one.tar", "BundleType": "tar" });
    for (key, value) in more.as_object().into_iter().flatten() {
        revision[key] = value.clone();
    }
    json!({ "RevisionType": "S3", "S3Revision": revision })
}

/// The one completion of a command, after the agent has had the time for a second one.
async fn only_completion(service: &Service) -> Received {
    service.wait_for("PutHostCommandComplete", 1).await;
    service.wait_for_next_poll().await;
    let mut completions = service.received("PutHostCommandComplete");
    assert_eq!(completions.len(), 1, "{completions:?}");
    completions.remove(0)
}

pub(crate) async fn check_failure(service: &Service, host: &Host, name: &str, message: &str) {
    service.offer("hc-1", name);
    let _agent = host.run();
    let completion = only_completion(service).await;
    assert_eq!(completion.body["CommandStatus"], "Failed");
    let diagnostics = completion.diagnostics();
    assert_eq!(diagnostics["message"], message);
    assert_eq!((&diagnostics["error_code"], &diagnostics["log"]), (&json!(5), &json!("")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_goes_from_poll_to_completion_in_four_calls() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    let completion = only_completion(&service).await;
    let mut calls = service.operations();
    calls.retain(|operation| operation != "PollHostCommand");
    assert_eq!(
        calls,
        ["GetDeploymentSpecification", "PutHostCommandAcknowledgement", "PutHostCommandComplete"]
    );
    assert_eq!(
        service.received("GetDeploymentSpecification")[0].body,
        json!({
            "DeploymentExecutionId": "111122223333/us-east-1/d-WIRE00001/host-1",
            "HostIdentifier": service.host(),
        })
    );
    assert_eq!(
        service.received("PutHostCommandAcknowledgement")[0].body,
        json!({
            "Diagnostics": { "Format": "JSON", "Payload": "{\"IsCommandNoop\":false}" },
            "HostCommandIdentifier": "hc-1",
        })
    );
    assert_eq!(
        completion.body,
        json!({
            "CommandStatus": "Succeeded",
            "Diagnostics": {
                "Format": "JSON",
                "Payload": "{\"error_code\":0,\"script_name\":\"\",\"message\":\"Succeeded: \",\"log\":\"\"}",
            },
            "HostCommandIdentifier": "hc-1",
        })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_deployment_leaves_the_known_files() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let destination = host.path("www");
    let appspec = format!(
        "files:\n  - source: page.html\n    destination: {}\nhooks:\n  AfterInstall:\n    - location: after.sh\n",
        destination.display()
    );
    let out = host.path("out");
    let script = format!("env > {}; echo done", out.display());
    service.specify(host.revision(&appspec, &[("page.html", "hello"), ("after.sh", &script)]));
    let _agent = host.run();
    let names = ["ApplicationStop", "DownloadBundle", "BeforeInstall", "Install", "AfterInstall"];
    for (number, name) in names.into_iter().enumerate() {
        service.offer(&format!("hc-{number}"), name);
        service.wait_for("PutHostCommandComplete", number + 1).await;
    }
    let completions = service.received("PutHostCommandComplete");
    let statuses: Vec<&Value> = completions.iter().map(|received| &received.body["CommandStatus"]).collect();
    assert_eq!(statuses, [&json!("Succeeded"); 5], "{completions:?}");
    let noops: Vec<Value> = service
        .received("PutHostCommandAcknowledgement")
        .iter()
        .map(|received| received.diagnostics()["IsCommandNoop"].clone())
        .collect();
    assert_eq!(noops, [true, false, true, false, false].map(Value::from));
    assert!(text(&destination.join("page.html")).contains("hello"));
    check_environment(&text(&out));
    check_files(&host);
}

fn check_environment(environment: &str) {
    for line in [
        "LIFECYCLE_EVENT=AfterInstall",
        "DEPLOYMENT_ID=d-WIRE00001",
        "APPLICATION_NAME=app-one",
        "DEPLOYMENT_GROUP_NAME=dg-one",
        "AWS_REGION=us-east-1",
    ] {
        assert!(environment.lines().any(|found| found == line), "{line} in {environment}");
    }
    for secret in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"] {
        assert!(!environment.contains(secret), "{secret} in {environment}");
    }
}

fn check_files(host: &Host) {
    let deployment_dir = host.root().join(GROUP).join("d-WIRE00001");
    for pointer in ["_most_recent_install", "_last_successful_install"] {
        let path = host.root().join("deployment-instructions").join(format!("{GROUP}{pointer}"));
        assert_eq!(text(&path), deployment_dir.to_str().expect("text"), "{pointer}");
    }
    assert!(text(&deployment_dir.join("logs/scripts.log")).contains("[stdout]done"));
    assert!(host.root().join("deployment-logs/codedeploy-agent-deployments.log").exists());
    assert_eq!(host.names("ongoing-deployment"), [""; 0]);
    assert_eq!(host.names("ongoing-deployment-processes"), [""; 0]);
    host.wait_until("the report is settled", || host.names("pending-reports").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_script_is_reported_once_with_its_name_and_output() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let script = "echo to-stdout; echo to-stderr >&2; exit 3";
    service
        .specify(host.revision("hooks:\n  AfterInstall:\n    - location: fail.sh\n", &[("fail.sh", script)]));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    service.wait_for("PutHostCommandComplete", 2).await;
    service.wait_for_next_poll().await;
    let completions = service.received("PutHostCommandComplete");
    assert_eq!(completions.len(), 2);
    let diagnostics = completions[1].diagnostics();
    assert_eq!(diagnostics["error_code"], 4);
    assert_eq!(diagnostics["script_name"], "fail.sh");
    assert_eq!(diagnostics["message"], "Script at specified location: fail.sh failed with exit code 3");
    let log = diagnostics["log"].as_str().expect("text");
    assert!(log.starts_with("LifecycleEvent - AfterInstall\nScript - fail.sh\n"), "{log}");
    assert!(log.contains("[stdout]to-stdout\n") && log.contains("[stderr]to-stderr\n"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_answered_succeeded_ends_the_command() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.answer_once("PutHostCommandAcknowledgement", 200, json!({"CommandStatus": "Succeeded"}));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    service.wait_for("PutHostCommandAcknowledgement", 1).await;
    service.wait_for_next_poll().await;
    assert_eq!(service.received("PutHostCommandComplete").len(), 0);
    assert!(!host.root().join(GROUP).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_acknowledgement_was_taken_and_its_answer_lost_is_run() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.answer_once("PutHostCommandAcknowledgement", 500, error("InternalFailure", "lost"));
    service.answer_once("PutHostCommandAcknowledgement", 200, json!({"CommandStatus": "Succeeded"}));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    assert_eq!(only_completion(&service).await.body["CommandStatus"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_whose_acknowledgement_was_throttled_first_is_still_a_copy() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.answer_once("PutHostCommandAcknowledgement", 429, error("ThrottlingException", "slower"));
    service.answer_once("PutHostCommandAcknowledgement", 200, json!({"CommandStatus": "Succeeded"}));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    service.wait_for("PutHostCommandAcknowledgement", 2).await;
    service.wait_for_next_poll().await;
    assert_eq!(service.received("PutHostCommandComplete").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_answered_failed_completes_only_what_would_do_nothing() {
    for (name, expected) in [("ApplicationStop", Some("Succeeded: CompletedNoopCommand")), ("Install", None)]
    {
        let service = Service::start().await;
        let host = Host::new(&service);
        service.specify(host.revision("", &[]));
        service.answer_once("PutHostCommandAcknowledgement", 200, json!({"CommandStatus": "Failed"}));
        service.offer("hc-1", name);
        let _agent = host.run();
        service.wait_for("GetDeploymentSpecification", 2).await;
        service.wait_for_next_poll().await;
        let messages: Vec<Value> = service
            .received("PutHostCommandComplete")
            .iter()
            .map(|received| received.diagnostics()["message"].clone())
            .collect();
        assert_eq!(messages, expected.map(Value::from).into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_without_a_status_lets_the_command_run() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.answer_once("PutHostCommandAcknowledgement", 200, json!({}));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    assert_eq!(only_completion(&service).await.body["CommandStatus"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_or_missing_specification_fails_before_the_acknowledgement() {
    let signed = |service: &Service| {
        service.specify(specification(&json!({})));
    };
    for (answer, message) in [
        (specification_answer("Other", ""), "Deployment System mismatch: CodeDeploy != Other"),
        (specification_answer("", ""), "Deployment System mismatch: CodeDeploy != "),
        (json!({"DeploymentSystem": "CodeDeploy"}), "Deployment Specification missing"),
        (
            json!({"DeploymentSystem": "CodeDeploy", "DeploymentSpecification": {}}),
            "Provided deployment spec was nil",
        ),
        (
            json!({"DeploymentSystem": "CodeDeploy", "DeploymentSpecification": {
                "GenericEnvelope": {"Format": "TEXT/JSON", "Payload": "{}"}}}),
            "Unsupported DeploymentSpecification format: TEXT/JSON",
        ),
    ] {
        let service = Service::start().await;
        let host = Host::new(&service);
        signed(&service);
        service.answer_once("GetDeploymentSpecification", 200, answer);
        check_failure(&service, &host, "Install", message).await;
        assert_eq!(service.received("PutHostCommandAcknowledgement").len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_specification_call_fails_the_command_in_the_services_words() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.answer_once("GetDeploymentSpecification", 400, error("ClientException", "No such deployment."));
    check_failure(&service, &host, "Install", "No such deployment.").await;
    assert_eq!(service.received("GetDeploymentSpecification").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_before_the_acknowledgement_is_waited_out() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    for _ in 0..5 {
        service.answer_once("GetDeploymentSpecification", 503, error("ServiceUnavailable", "restarting"));
        service.answer_once("PutHostCommandAcknowledgement", 500, error("InternalFailure", "restarting"));
    }
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    assert_eq!(only_completion(&service).await.body["CommandStatus"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_specification_altered_after_signing_is_refused() {
    let service = Service::start().await;
    let other = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    fs::write(host.path("ca.pem"), other.signer_certificate()).expect("write");
    let pinned = Host::with_config(
        &service,
        &format!("deployment_signer_ca_file: {}\n", host.path("ca.pem").display()),
    );
    check_failure(&service, &pinned, "Install", "Validation of PKCS7 signed message failed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_signer_is_believed() {
    let service = Service::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, service.signer_certificate()).expect("write");
    let host = Host::with_config(&service, &format!("deployment_signer_ca_file: {}\n", ca.display()));
    service.specify(host.revision("", &[]));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    assert_eq!(only_completion(&service).await.body["CommandStatus"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_command_is_a_noop_that_fails_and_leaves_no_folder() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    check_failure(&service, &host, "Frobnicate", "Unsupported command type: Frobnicate.").await;
    let acknowledgement = &service.received("PutHostCommandAcknowledgement")[0];
    assert_eq!(acknowledgement.diagnostics(), json!({"IsCommandNoop": true}));
    assert!(!host.root().join(GROUP).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_success_does_not_become_a_failure() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.answer_once("PutHostCommandComplete", 400, error("ClientException", "no"));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    assert_eq!(only_completion(&service).await.body["CommandStatus"], "Succeeded");
    assert_eq!(host.names("pending-reports"), [""; 0]);
}

/// A command is delivered, once more while it runs, and once more after its end, as an answer may that was long
/// under way. It runs once, and only the first delivery is acknowledged and reported.
async fn check_deliveries(identifiers: [&str; 3]) {
    let service = Service::start().await;
    let host = Host::new(&service);
    let (runs, go) = (host.path("runs"), host.path("go"));
    let script =
        format!("echo run >> {}; while [ ! -e {} ]; do sleep 0.02; done", runs.display(), go.display());
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", &script)]));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer(identifiers[0], "AfterInstall");
    host.wait_until("the script runs", || runs.exists());
    service.offer(identifiers[1], "AfterInstall");
    service.wait_for_next_poll().await;
    fs::write(&go, "").expect("write");
    service.wait_for("PutHostCommandComplete", 2).await;
    service.offer(identifiers[2], "AfterInstall");
    service.wait_for_next_poll().await;
    assert_eq!(text(&runs), "run\n");
    for call in ["PutHostCommandAcknowledgement", "PutHostCommandComplete"] {
        let calls = service.received(call);
        let of: Vec<&str> =
            calls.iter().filter_map(|call| call.body["HostCommandIdentifier"].as_str()).collect();
        assert_eq!(of, ["hc-1", identifiers[0]], "{call}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_delivery_of_a_running_command_is_ignored() {
    check_deliveries(["hc-2", "hc-2", "hc-2"]).await;
}

/// Our service gives each copy of a command an identifier of its own: what stands before the dot is the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_copy_of_a_running_command_is_ignored() {
    check_deliveries(["aGMy.1", "aGMy.2", "aGMy.3"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_comes_from_s3_and_is_unpacked() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let mut bundle = tar::Builder::new(Vec::new());
    let appspec = b"version: 0.0\nos: linux\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(appspec.len() as u64);
    header.set_mode(0o644);
    bundle.append_data(&mut header, "appspec.yml", appspec.as_slice()).expect("append");
    service.store("/bundles/app%20one.tar", bundle.into_inner().expect("a bundle"));
    service.specify(specification(&s3_revision(&json!({"ETag": "e1", "Version": "v 1"}))));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    assert_eq!(only_completion(&service).await.body["CommandStatus"], "Succeeded", "{}", host.log());
    assert_eq!(service.received("GET /bundles/app%20one.tar").len(), 1);
    let deployment = host.root().join(GROUP).join("d-WIRE00001");
    assert!(deployment.join("bundle.tar").is_file());
    assert_eq!(fs::read(deployment.join("deployment-archive/appspec.yml")).expect("read"), appspec);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_e_tag_fails_the_download_and_leaves_no_bundle() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.store("/bundles/app%20one.tar", b"content".to_vec());
    service.specify(specification(&s3_revision(&json!({"ETag": "0123"}))));
    let message = "Expected deployment artifact bundle etag 0123 but was actually \"e1\"";
    check_failure(&service, &host, "DownloadBundle", message).await;
    assert_eq!(host.names(&format!("{GROUP}/d-WIRE00001")), ["logs"]);
    let evidence = fs::read_to_string(host.root().join(GROUP).join("d-WIRE00001/logs/failure.json"));
    let evidence: Value = serde_json::from_str(&evidence.expect("read")).expect("JSON");
    let seen =
        json!([{"kind": "bundle_differs", "property": "etag", "expected": "0123", "actual": "\"e1\""}]);
    assert_eq!(evidence["evidence"], seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_object_is_named() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(specification(&s3_revision(&json!({}))));
    let message = "The specified key does not exist. \
                   (NoSuchKey, s3://bundles/app one.tar, region us-east-1, request id REQ1)";
    check_failure(&service, &host, "DownloadBundle", message).await;
}
