//! What every request looks like, and what happens when a call fails.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::host::{Agent, Host, specification};
use crate::service::{Received, Service, error};

/// Without session credentials, which add their token.
const SIGNED_HEADERS: &str =
    "content-type;host;x-amz-codedeploy-agent-version;x-amz-content-sha256;x-amz-date;x-amz-target";

fn signed_headers(received: &Received) -> String {
    let authorization = &received.headers["authorization"];
    let (_, rest) = authorization.split_once("SignedHeaders=").expect("a list");
    rest.split(',').next().expect("a list").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_is_signed_as_the_original_signs_it() {
    let service = Service::start().await;
    let host = Host::new(&service);
    fs::create_dir_all(host.path("agent")).expect("create");
    fs::write(host.path("agent/.version"), "agent_version: OFFICIAL_1.8.1-1_deb\n").expect("write");
    let _agent = host.run();
    let poll = service.wait_for("PollHostCommand", 1).await.remove(0);
    assert_eq!(poll.headers["x-amz-target"], "CodeDeployCommandService_v20141006.PollHostCommand");
    assert_eq!(poll.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(poll.headers["x-amz-codedeploy-agent-version"], "OFFICIAL_1.8.1-1_deb");
    assert_eq!(poll.body, json!({ "HostIdentifier": service.host() }));
    assert!(poll.headers["authorization"].contains("/us-east-1/codedeploy-commands/aws4_request"));
    assert_eq!(signed_headers(&poll), SIGNED_HEADERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secure_flavour_has_its_own_target_and_signing_name() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "enable_auth_policy: true\n");
    let _agent = host.run();
    let poll = service.wait_for("PollHostCommand", 1).await.remove(0);
    assert_eq!(poll.headers["x-amz-target"], "CodeDeployCommandService.PollHostCommand");
    assert!(poll.headers["authorization"].contains("/codedeploy-commands-secure/aws4_request"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_flavours_send_exactly_these_headers() {
    for (more, target, scope) in [
        ("", "CodeDeployCommandService_v20141006", "codedeploy-commands"),
        ("enable_auth_policy: true\n", "CodeDeployCommandService", "codedeploy-commands-secure"),
        // FIPS is in the host name only, which an endpoint of one's own replaces.
        (
            "enable_auth_policy: true\nuse_fips_mode: true\n",
            "CodeDeployCommandService",
            "codedeploy-commands-secure",
        ),
    ] {
        let service = Service::start().await;
        let host = Host::with_config(&service, more);
        service.specify(host.revision("", &[]));
        service.offer("hc-1", "DownloadBundle");
        let _agent = host.run();
        service.wait_for("PutHostCommandComplete", 1).await;
        for operation in [
            "PollHostCommand",
            "GetDeploymentSpecification",
            "PutHostCommandAcknowledgement",
            "PutHostCommandComplete",
        ] {
            let received = service.received(operation).remove(0);
            let mut names: Vec<&str> = received.headers.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(
                names,
                [
                    "accept",
                    "authorization",
                    "content-length",
                    "content-type",
                    "host",
                    "user-agent",
                    "x-amz-codedeploy-agent-version",
                    "x-amz-content-sha256",
                    "x-amz-date",
                    "x-amz-target",
                ]
            );
            assert_eq!(signed_headers(&received), SIGNED_HEADERS);
            assert_eq!(received.headers["content-type"], "application/x-amz-json-1.1");
            assert_eq!(received.headers["x-amz-content-sha256"].len(), 64);
            assert_eq!(received.headers["x-amz-target"], format!("{target}.{operation}"));
            let day = &received.headers["x-amz-date"][..8];
            let credential = format!(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{day}/us-east-1/{scope}/aws4_request, "
            );
            assert!(received.headers["authorization"].starts_with(&credential), "{received:?}");
            assert!(received.headers["user-agent"].starts_with("longshore-agent/"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_is_read_once() {
    let service = Service::start().await;
    let host = Host::new(&service);
    fs::create_dir_all(host.path("agent")).expect("create");
    let write = |version: &str| {
        fs::write(host.path("agent/.version"), format!("agent_version: {version}\n")).expect("write");
    };
    write("FIRST_1");
    let _agent = host.run();
    service.wait_for("PollHostCommand", 1).await;
    write("SECOND_2");
    let polls = service.wait_for("PollHostCommand", 3).await;
    assert!(polls.iter().all(|poll| poll.headers["x-amz-codedeploy-agent-version"] == "FIRST_1"));
    assert!(!host.log().contains(".version"), "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_a_command_is_followed_by_polls_only() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let _agent = host.run();
    let polls = service.wait_for("PollHostCommand", 3).await;
    assert!(polls.iter().all(|poll| poll.body == json!({ "HostIdentifier": service.host() })));
    assert!(service.operations().iter().all(|operation| operation == "PollHostCommand"));
    assert!(!host.log().contains("Error polling"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_credentials_send_their_token_and_a_missing_version_file_is_said() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let credentials = host.path("credentials");
    fs::write(
        &credentials,
        "[default]\naws_access_key_id = A\naws_secret_access_key = S\naws_session_token = T1\n",
    )
    .expect("write");
    let session = "arn:aws:sts::111122223333:assumed-role/on-prem-role/host-7";
    fs::write(
        host.path("onpremises.yml"),
        format!(
            "region: eu-west-1\niam_session_arn: {session}\naws_credentials_file: {}\n",
            credentials.display()
        ),
    )
    .expect("write");
    let _agent = host.run();
    let poll = service.wait_for("PollHostCommand", 1).await.remove(0);
    assert_eq!(poll.headers["x-amz-security-token"], "T1");
    assert!(signed_headers(&poll).contains("x-amz-date;x-amz-security-token;x-amz-target"));
    assert_eq!(poll.headers["x-amz-codedeploy-agent-version"], "UNKNOWN_VERSION");
    assert_eq!(poll.body, json!({ "HostIdentifier": session }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newer_session_credentials_are_tried_once_after_an_expired_token() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let credentials = host.path("credentials");
    let write = |token: &str| {
        let text = format!(
            "[default]\naws_access_key_id = A\naws_secret_access_key = S\naws_session_token = {token}\n"
        );
        fs::write(&credentials, text).expect("write");
    };
    write("OLD");
    fs::write(
        host.path("onpremises.yml"),
        format!(
            "region: eu-west-1\niam_session_arn: arn:x/y\naws_credentials_file: {}\n",
            credentials.display()
        ),
    )
    .expect("write");
    let _agent = host.run();
    service.wait_for("PollHostCommand", 1).await;
    // The parked poll was signed with the old token; it ends in this error.
    write("NEW");
    let polls = service.wait_for("PollHostCommand", 2).await;
    assert_eq!(polls[0].headers["x-amz-security-token"], "OLD");
    assert_eq!(polls[1].headers["x-amz-security-token"], "NEW");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_error_is_tried_four_times_within_one_poll() {
    let service = Service::start().await;
    for _ in 0..3 {
        service.answer_once("PollHostCommand", 500, error("ServerException", "busy"));
    }
    service.offer_to("hc-1", "Install", "another-host");
    let host = Host::new(&service);
    let _agent = host.run();
    // The fourth attempt brings the command; its refusal is the first error of the loop.
    let polls = service.wait_for("PollHostCommand", 4).await;
    for (n_retry, expected_ms) in [300, 600, 1200].into_iter().enumerate() {
        let gap = polls[n_retry + 1].at - polls[n_retry].at;
        assert!(Duration::from_millis(expected_ms) <= gap, "retry {n_retry} after {gap:?}");
    }
    host.wait_until("one error is logged", || host.log().contains("Host Identifier mismatch"));
    assert_eq!(host.log().matches("Error polling for host commands").count(), 1);
    assert!(host.log().contains(" 3 retries] poll_host_command("), "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_error_is_not_tried_again_and_logged_in_the_known_words() {
    let service = Service::start().await;
    service.answer_once("PollHostCommand", 400, error("ClientException", "The host is not registered."));
    let host = Host::new(&service);
    let _agent = host.run();
    let expected = "Cannot reach InstanceService: ClientException - The host is not registered.";
    host.wait_until("the error is logged", || host.log().contains(expected));
    assert!(
        host.log().contains("Error polling for host commands: ClientException - The host is not registered.")
    );
    assert!(host.log().contains("[Aws::CodeDeployCommand::Client 400 "), "{}", host.log());
    let line = format!(
        " 0 retries] poll_host_command(host_identifier:{:?}) ClientException The host is not registered.",
        service.host()
    );
    assert!(host.log().contains(&line), "{}", host.log());
    assert_eq!(service.received("PollHostCommand").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_for_another_host_or_without_a_name_is_answered_by_nothing() {
    for (name, other_host) in [("Install", Some("another-host")), ("", None)] {
        let service = Service::start().await;
        service.specify(specification(&json!({})));
        let own = service.host();
        service.offer_to("hc-1", name, other_host.unwrap_or(&own));
        let expected = match other_host {
            Some(other) => format!("Host Identifier mismatch: {own} != {other}"),
            None => "Command Name missing".to_owned(),
        };
        let host = Host::new(&service);
        let _agent = host.run();
        host.wait_until("the refusal is logged", || host.log().contains(&expected));
        assert_eq!(service.operations(), ["PollHostCommand"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_first_poll_is_tried_again() {
    let service = Service::start().await;
    let slower = json!({"__type": "ThrottlingException", "message": "slower"});
    service.answer_once("PollHostCommand", 400, slower);
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    let completion = service.wait_for("PutHostCommandComplete", 1).await.remove(0);
    assert_eq!(completion.body["CommandStatus"], "Succeeded");
    assert!(host.log().contains("1 retries] poll_host_command"), "{}", host.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ec2_instance_polls_as_itself_with_the_keys_of_its_role() {
    let service = Service::start().await;
    service.answer_once("PUT /latest/api/token", 200, json!("TOKEN"));
    let document = json!({"region": "us-east-1", "accountId": "111122223333", "instanceId": "i-0abc"});
    service.answer_once("GET /latest/dynamic/instance-identity/document", 200, document);
    service.store("/latest/meta-data/services/partition", b"aws\n".to_vec());
    service.store("/latest/meta-data/iam/security-credentials/", b"fleet".to_vec());
    let keys = json!({"AccessKeyId": "ASIA1", "SecretAccessKey": "S", "Token": "T1",
                      "Expiration": "2099-01-01T00:00:00Z"});
    service.store("/latest/meta-data/iam/security-credentials/fleet", keys.to_string().into_bytes());
    let host = Host::new(&service);
    fs::remove_file(host.path("onpremises.yml")).expect("remove");
    let mut command = host.command("run");
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.address()).env("HOME", host.path("home"));
    // An empty one says nothing.
    command.env("AWS_REGION", "");
    let _agent = Agent::start(&mut command);
    let poll = service.wait_for("PollHostCommand", 1).await.remove(0);
    assert_eq!(poll.body, json!({ "HostIdentifier": "arn:aws:ec2:us-east-1:111122223333:instance/i-0abc" }));
    assert_eq!(poll.headers["x-amz-security-token"], "T1");
    assert!(poll.headers["authorization"].contains("Credential=ASIA1/"));
    let partition = service.received("GET /latest/meta-data/services/partition").remove(0);
    assert_eq!(partition.headers["x-aws-ec2-metadata-token"], "\"TOKEN\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_session_token_version_1_is_asked_unless_switched_off() {
    let service = Service::start().await;
    for _ in 0..2 {
        service.answer_once("PUT /latest/api/token", 403, json!({}));
    }
    let document = json!({"region": "us-east-1", "accountId": "111122223333", "instanceId": "i-0abc"});
    service.answer_once("GET /latest/dynamic/instance-identity/document", 200, document);
    service.store("/latest/meta-data/services/partition", b"aws".to_vec());
    for (more, is_allowed) in [("disable_imds_v1: true\n", false), ("", true)] {
        let host = Host::with_config(&service, more);
        fs::remove_file(host.path("onpremises.yml")).expect("remove");
        let mut command = host.command("run");
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.address()).env("HOME", host.path("home"));
        let agent = Agent::start(&mut command);
        if is_allowed {
            host.wait_until("it polls in vain", || host.log().contains("Missing credentials"));
        } else {
            assert!(!agent.wait());
            assert!(host.log().contains("HTTP error from metadata service to get imdsv2 token."));
        }
    }
}
