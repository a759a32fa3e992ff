//! Specifications that the agent refuses: each is reported, once and in known words, and touches nothing.

use serde_json::{Value, json};

use crate::commands::check_failure;
use crate::host::Host;
use crate::service::Service;

/// A good specification with one member changed.
fn with(host: &Host, key: &str, value: Value) -> Value {
    let mut specification = host.revision("", &[]);
    specification[key] = value;
    specification
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_specification_is_reported_and_never_acknowledged() {
    let zip = json!({"RevisionType": "S3", "S3Revision": {"Bucket": "b", "Key": "k", "BundleType": "ZIP"}});
    for (key, value, message) in [
        ("DeploymentId", json!("../../x"), "DeploymentId is not a valid path component: \"../../x\""),
        ("DeploymentGroupId", json!(".."), "DeploymentGroupId is not a valid path component: \"..\""),
        ("DeploymentGroupId", json!(5), "Deployment Spec has no DeploymentGroupId"),
        ("ApplicationName", json!(["a"]), "Deployment Spec has no ApplicationName"),
        ("DeploymentId", Value::Null, "Deployment Spec has no DeploymentId"),
        ("Revision", Value::Null, "Must specify a revison"),
        ("Revision", json!("text"), "Must specify a revision source"),
        ("Revision", zip, "BundleType in S3Revision must be tar, tgz or zip"),
        (
            "AppSpecFilename",
            json!("../../etc/passwd"),
            "AppSpecFilename is not a safe revision-relative path: \"../../etc/passwd\"",
        ),
    ] {
        let service = Service::start().await;
        let host = Host::new(&service);
        service.specify(with(&host, key, value));
        check_failure(&service, &host, "Install", message).await;
        assert_eq!(service.received("PutHostCommandAcknowledgement").len(), 0, "{key}");
        assert_eq!(host.names("ongoing-deployment"), [""; 0], "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_update_is_work_that_is_refused() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    let message = "Unsupported command type: UpdateDeploymentAgent.";
    check_failure(&service, &host, "UpdateDeploymentAgent", message).await;
    let acknowledgement = &service.received("PutHostCommandAcknowledgement")[0];
    assert_eq!(acknowledgement.diagnostics(), json!({"IsCommandNoop": false}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_for_github_is_in_no_log() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "verbose: true\n");
    service.specify(with(&host, "GitHubAccessToken", json!("ghp_secret9")));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    host.wait_until("the specification is logged", || host.log().contains("Deployment specification: "));
    assert!(!host.log().contains("ghp_secret9"), "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_that_operators_search_for_are_logged() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: f.sh\n", &[("f.sh", "exit 1")]));
    let _agent = host.run();
    for (number, name) in ["ApplicationStop", "DownloadBundle", "AfterInstall"].into_iter().enumerate() {
        service.offer(&format!("hc-{number}"), name);
        service.wait_for("PutHostCommandComplete", number + 1).await;
    }
    service.answer_once("PutHostCommandAcknowledgement", 200, json!({"CommandStatus": "Failed"}));
    service.offer("hc-4", "BeforeInstall");
    service.wait_for("PutHostCommandComplete", 4).await;
    for line in [
        "Lifecycle event ApplicationStop is a noop",
        "Noop check completed for command ApplicationStop, all lifecycle events are noops.",
        "Received Failed for command BeforeInstall, checking whether command is a noop...",
        "Calling PutHostCommandComplete: \"Code Error\" ",
        "]: Archives to retain is: 5\n",
        "CodeDeploy endpoint: http://127.0.0.1:",
        "0 retries] put_host_command_acknowledgement(host_command_identifier:\"hc-0\",",
        "[Aws::CodeDeployCommand::Client 200 ",
    ] {
        assert!(host.log().contains(line), "{line} in {}", host.log());
    }
}
