//! What host agents call: the whole way of a command, and everything that can go wrong on it.

use std::time::Duration;

use longshore_model::time::Timestamp;
use longshore_wire::client::{CallError, Client};
use longshore_wire::envelope::{Trust, open};
use longshore_wire::host_command::shapes::GetDeploymentSpecificationOutput;
use longshore_wire::host_command::specification::Specification;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::signature::Signed;
use crate::support::{TestServer, client, quick};

pub(crate) const EVENTS: [&str; 7] = [
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
];

/// An agent as far as the wire goes.
pub(crate) struct Agent {
    pub(crate) arn: String,
    pub(crate) client: Client,
}

impl Agent {
    async fn of(server: &TestServer, name: &str) -> Agent {
        let (arn, client) = server.host(name).await;
        Agent { arn, client }
    }

    pub(crate) async fn call(&self, operation: &str, input: Value) -> Result<Value, CallError> {
        let target = format!("CodeDeployCommandService_v20141006.{operation}");
        self.client.call_json("codedeploy-commands", &target, &input).await
    }

    pub(crate) async fn poll(&self) -> Value {
        let input = json!({ "HostIdentifier": self.arn });
        self.call("PollHostCommand", input).await.expect("a poll")["HostCommand"].take()
    }

    /// Polls until there is a command.
    pub(crate) async fn command(&self) -> Value {
        for _ in 0..50 {
            let command = self.poll().await;
            if !command.is_null() {
                return command;
            }
        }
        panic!("no command for {}", self.arn);
    }

    pub(crate) async fn acknowledge(&self, command: &Value) -> String {
        let input = json!({ "HostCommandIdentifier": command["HostCommandIdentifier"],
            "Diagnostics": { "Format": "JSON", "Payload": "{\"IsCommandNoop\":false}" } });
        let answer = self.call("PutHostCommandAcknowledgement", input).await.expect("an acknowledgement");
        answer["CommandStatus"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn complete(&self, command: &Value, status: &str, payload: &str) {
        let input = json!({ "HostCommandIdentifier": command["HostCommandIdentifier"], "CommandStatus": status,
            "Diagnostics": { "Format": "JSON", "Payload": payload } });
        self.call("PutHostCommandComplete", input).await.expect("a report");
    }

    pub(crate) async fn succeed(&self, command: &Value) {
        let payload = r#"{"error_code":0,"script_name":"","message":"Succeeded: ","log":""}"#;
        self.complete(command, "Succeeded", payload).await;
    }

    pub(crate) async fn fail(&self, command: &Value) {
        let payload = r#"{"error_code":5,"script_name":"","message":"it failed","log":""}"#;
        self.complete(command, "Failed", payload).await;
    }

    pub(crate) async fn refused(&self, operation: &str, input: Value) -> String {
        match self.call(operation, input).await {
            Err(CallError::Service { code, .. }) => code,
            other => panic!("{operation}: {other:?}"),
        }
    }
}

/// The execution id of the first command of the host that signs as `arn`.
pub(crate) async fn first_execution(client: &Client, arn: &str) -> String {
    let agent = Agent { arn: arn.to_owned(), client: client.clone() };
    let command = agent.command().await;
    command["DeploymentExecutionId"].as_str().expect("an id").to_owned()
}

/// What the host that signs as `arn` is told to do.
pub(crate) async fn specification(client: &Client, arn: &str, execution: &str) -> Specification {
    let agent = Agent { arn: arn.to_owned(), client: client.clone() };
    let ask = json!({ "HostIdentifier": arn, "DeploymentExecutionId": execution });
    let answer = agent.call("GetDeploymentSpecification", ask).await.expect("a specification");
    Specification::from_json(&opened(answer)).expect("a specification")
}

/// The document in an answer to GetDeploymentSpecification.
fn opened(answer: Value) -> Vec<u8> {
    let output: GetDeploymentSpecificationOutput = serde_json::from_value(answer).expect("an output");
    let envelope = output.deployment_specification.and_then(|document| document.generic_envelope);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).expect("in range"));
    open(envelope.as_ref(), &Trust::Embedded, now).expect("a good signature")
}

/// A deployment in progress on one host.
pub(crate) async fn running() -> (TestServer, Agent, String) {
    running_with(quick()).await
}

async fn running_with(config: longshore_server::config::Config) -> (TestServer, Agent, String) {
    let server = TestServer::start_with(config).await.with_group().await;
    let agent = Agent::of(&server, "h1").await;
    let id = server.deploy("").await;
    (server, agent, id)
}

/// service.md §6.1, §6.2 and §9.2: seven commands in order, each called as its event.
#[tokio::test]
async fn a_deployment_runs_all_its_events() {
    let (server, agent, id) = running().await;
    for event in EVENTS {
        let command = agent.command().await;
        assert_eq!(command["CommandName"], event);
        assert_eq!(command["HostIdentifier"], agent.arn);
        assert_eq!(agent.acknowledge(&command).await, "InProgress");
        agent.succeed(&command).await;
    }
    let info = server.wait_for(&id, "Succeeded").await;
    assert_eq!(info["deploymentOverview"]["Succeeded"], 1);
    assert_eq!(agent.poll().await, Value::Null);
    let target = format!(r#"{{"deploymentId":"{id}","targetId":"h1"}}"#);
    let succeeded = r#"{"deploymentTarget":{"instanceTarget":{"status":"Succeeded","lifecycleEvents":[
        {"status":"Succeeded","startTime":"*","endTime":"*",
         "diagnostics":{"errorCode":"Success","scriptName":"","message":"Succeeded","logTail":""}},
        "*","*","*","*","*","*"]}}}"#;
    server.check("GetDeploymentTarget", &target, succeeded).await;
    let group = r#"{"applicationName":"web","deploymentGroupName":"prod"}"#;
    let history = format!(
        r#"{{"deploymentGroupInfo":{{"targetRevision":{{"revisionType":"S3"}},
            "lastSuccessfulDeployment":{{"deploymentId":"{id}","status":"Succeeded","endTime":"*"}},
            "lastAttemptedDeployment":{{"deploymentId":"{id}"}}}}}}"#
    );
    server.check("GetDeploymentGroup", group, &history).await;
}

/// service.md §9.2 and §6.1.
#[tokio::test]
async fn the_specification_is_signed_and_says_what_to_do() {
    let (_server, agent, id) = running().await;
    let command = agent.command().await;
    let ask =
        json!({ "HostIdentifier": agent.arn, "DeploymentExecutionId": command["DeploymentExecutionId"] });
    let answer = agent.call("GetDeploymentSpecification", ask.clone()).await.expect("a specification");
    assert_eq!(answer["DeploymentSystem"], "CodeDeploy");
    assert_eq!(agent.call("GetDeploymentSpecification", ask).await.expect("again"), answer);
    let document: Value = serde_json::from_slice(&opened(answer)).expect("JSON");
    assert_eq!(document["DeploymentId"], id);
    assert_eq!(document["Revision"]["S3Revision"]["Bucket"], "bundles");
}

/// A restart deploys the revision of the last success, and says whose archive may be used again. Source: service-additions.md §2.
#[tokio::test]
async fn a_restart_names_the_archive_of_the_last_success() {
    let (server, agent, first) = running().await;
    for _ in EVENTS {
        let command = agent.command().await;
        agent.acknowledge(&command).await;
        agent.succeed(&command).await;
    }
    server.wait_for(&first, "Succeeded").await;
    let restart = r#"{"applicationName":"web","deploymentGroupName":"prod","deploymentMode":"RESTART"}"#;
    let made = server.call("CreateDeployment", restart).await;
    let execution = first_execution(&agent.client, &agent.arn).await;
    let specification = specification(&agent.client, &agent.arn, &execution).await;
    assert_eq!(specification.deployment_id, made["deploymentId"]);
    assert_eq!(specification.reuse_archive_from.as_deref(), Some(first.as_str()));
    let info = r#"{"deploymentInfo":{"deploymentMode":"RESTART","creator":"user","revision":{"revisionType":"S3",
        "s3Location":{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}}}"#;
    server.check("GetDeployment", &format!(r#"{{"deploymentId":{}}}"#, made["deploymentId"]), info).await;
}

/// service.md §9.2 and §9.4: the true code comes first, a generic one after it.
#[tokio::test]
async fn the_first_report_counts() {
    let (server, agent, id) = running().await;
    let command = agent.command().await;
    agent.acknowledge(&command).await;
    let first =
        r#"{"error_code":4,"script_name":"s/x.sh","message":"failed with exit code 3","log":"[stderr]no\n"}"#;
    agent.complete(&command, "Failed", first).await;
    agent.complete(&command, "Failed", r#"{"error_code":5,"message":"generic"}"#).await;
    agent.succeed(&command).await;
    server.wait_for(&id, "Failed").await;
    let target = format!(r#"{{"deploymentId":"{id}","targetId":"h1"}}"#);
    let failed = r#"{"deploymentTarget":{"instanceTarget":{"status":"Failed","lifecycleEvents":[
        {"status":"Failed","diagnostics":{"errorCode":"ScriptFailed","scriptName":"s/x.sh",
         "message":"failed with exit code 3","logTail":"[stderr]no\n"}},
        {"status":"Skipped"},"*","*","*","*","*"]}}}"#;
    server.check("GetDeploymentTarget", &target, failed).await;
}

/// service.md §9.2.
#[tokio::test]
async fn a_report_without_acknowledgement_counts() {
    let (server, agent, id) = running().await;
    let command = agent.command().await;
    agent.complete(&command, "Failed", r#"{"error_code":5,"message":"bad envelope"}"#).await;
    server.wait_for(&id, "Failed").await;
}

/// service.md §9.2.
#[tokio::test]
async fn a_second_copy_of_a_command_is_dropped() {
    let mut config = quick();
    config.redelivery = Duration::from_millis(200);
    let (_server, agent, _id) = running_with(config).await;
    let (first, second) = (agent.command().await, agent.command().await);
    assert_eq!(agent.acknowledge(&second).await, "InProgress");
    assert_eq!(agent.acknowledge(&first).await, "Succeeded");
    assert_eq!(agent.acknowledge(&second).await, "InProgress", "the answer may have been lost");
    agent.succeed(&second).await;
    assert_eq!(agent.acknowledge(&first).await, "Succeeded");
    assert_eq!(agent.acknowledge(&second).await, "Succeeded");
}

/// service.md §9.2 and §7.1.
#[tokio::test]
async fn a_command_of_a_stopped_deployment_is_not_run() {
    let (server, agent, id) = running().await;
    let command = agent.command().await;
    server.call("StopDeployment", &format!(r#"{{"deploymentId":"{id}"}}"#)).await;
    assert_eq!(agent.acknowledge(&command).await, "Failed");
}

/// service.md §7.1: Pending until the command has ended, then Succeeded.
#[tokio::test]
async fn a_stop_waits_for_the_command_that_runs() {
    let (server, agent, id) = running().await;
    let command = agent.command().await;
    agent.acknowledge(&command).await;
    let of = format!(r#"{{"deploymentId":"{id}"}}"#);
    server.check("StopDeployment", &of, r#"{"status":"Pending"}"#).await;
    server.check("StopDeployment", &of, r#"{"status":"Pending"}"#).await;
    server.check("GetDeployment", &of, r#"{"deploymentInfo":{"status":"InProgress"}}"#).await;
    agent.succeed(&command).await;
    server.wait_for(&id, "Stopped").await;
    server.check("StopDeployment", &of, r#"{"status":"Succeeded"}"#).await;
}

/// service.md §9.2.
#[tokio::test]
async fn a_command_is_handed_out_once_and_again_after_a_while() {
    let mut config = quick();
    config.redelivery = Duration::from_millis(600);
    let (_server, agent, _id) = running_with(config).await;
    let command = agent.command().await;
    assert_eq!(agent.poll().await, Value::Null);
    let mut again = agent.command().await;
    assert_ne!(again["HostCommandIdentifier"], command["HostCommandIdentifier"], "another copy");
    again["HostCommandIdentifier"] = command["HostCommandIdentifier"].clone();
    assert_eq!(again, command);
}

#[tokio::test]
async fn a_cut_connection_swallows_nothing() {
    let mut config = quick();
    config.poll_hold = Duration::from_secs(30);
    let server = TestServer::start_with(config).await.with_group().await;
    let (arn, credentials) = server.user_key("h1").await;
    server.register("h1", &arn).await;
    let agent = |()| Agent { arn: arn.clone(), client: client(server.url(), credentials.clone()) };

    // A poll that is cut while it is parked takes nothing with it.
    let parked = agent(());
    let cut = tokio::time::timeout(Duration::from_millis(200), parked.poll()).await;
    assert!(cut.is_err(), "nothing is deployed yet");
    drop(parked);
    server.deploy("").await;
    let first = agent(());
    let command = tokio::time::timeout(Duration::from_secs(10), first.command()).await.expect("in time");

    assert_eq!(first.acknowledge(&command).await, "InProgress");
    drop(first);
    let second = agent(());
    let nothing = tokio::time::timeout(Duration::from_millis(300), second.poll()).await;
    assert!(nothing.is_err(), "an acknowledged command is not handed out again: {nothing:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_with_a_command_gives_it_back() {
    let mut config = quick();
    config.poll_hold = Duration::from_secs(30);
    let server = TestServer::start_with(config).await.with_group().await;
    let (arn, credentials) = server.user_key("h1").await;
    server.register("h1", &arn).await;
    server.deploy("").await;
    let signed = Signed {
        credentials: credentials.clone(),
        service: "codedeploy-commands",
        target: "CodeDeployCommandService_v20141006.PollHostCommand",
        body: json!({ "HostIdentifier": arn }).to_string(),
        ..Signed::by_root(&server)
    };
    let agent = || Agent { arn: arn.clone(), client: client(server.url(), credentials.clone()) };
    let request = signed.render(&server, &signed.body).replace("connection: close\r\n", "");

    // Who goes away without reading the answer did not get it.
    let mut broken = server.connect().await;
    broken.write_all(request.as_bytes()).await.expect("the poll is sent");
    broken.readable().await.expect("the poll is answered");
    drop(broken);
    let reader = agent();
    let again = tokio::time::timeout(Duration::from_secs(10), reader.command()).await.expect("in time");
    assert_eq!(again["CommandName"], EVENTS[0]);
    drop(reader);

    // Who reads it and closes the connection did: many clients close after every answer.
    let other = agent();
    let nothing = tokio::time::timeout(Duration::from_millis(300), other.poll()).await;
    assert!(nothing.is_err(), "a command is handed out once: {nothing:?}");
}

#[tokio::test]
async fn a_parked_poll_is_answered_when_the_server_stops() {
    let mut config = quick();
    config.poll_hold = Duration::from_secs(30);
    let server = TestServer::start_with(config).await;
    let agent = Agent::of(&server, "h1").await;
    let parked = tokio::spawn(async move { agent.poll().await });
    // The poll has been noted once the host's contact has.
    loop {
        let hosts = server.call("Longshore_v1.ListHosts", "{}").await;
        if !hosts["hosts"][0]["lastPollTime"].is_null() {
            break;
        }
    }
    let stopped = tokio::time::timeout(Duration::from_secs(5), server.stop()).await;
    stopped.expect("the server stops although a poll is parked");
    assert_eq!(parked.await.expect("the poll ended"), Value::Null);
}

#[tokio::test]
async fn a_host_speaks_only_for_itself() {
    let (server, agent, id) = running().await;
    // Hosts are looked up when it begins: one that comes later is no target.
    server.wait_for_begin(&id).await;
    let other = Agent::of(&server, "h2").await;
    let command = agent.command().await;
    let as_first = json!({ "HostIdentifier": agent.arn });
    assert_eq!(other.refused("PollHostCommand", as_first).await, "AccessDeniedException");
    assert_eq!(other.refused("PollHostCommand", json!({})).await, "ClientException");
    let identifier = json!({ "HostCommandIdentifier": command["HostCommandIdentifier"] });
    for operation in ["PutHostCommandAcknowledgement", "PostHostCommandUpdate"] {
        assert_eq!(other.refused(operation, identifier.clone()).await, "ClientException");
    }
    let report =
        json!({ "HostCommandIdentifier": command["HostCommandIdentifier"], "CommandStatus": "Failed" });
    assert_eq!(other.refused("PutHostCommandComplete", report).await, "ClientException");
    let specification =
        json!({ "HostIdentifier": other.arn, "DeploymentExecutionId": command["DeploymentExecutionId"] });
    assert_eq!(other.refused("GetDeploymentSpecification", specification).await, "ClientException");
    assert_eq!(agent.acknowledge(&command).await, "InProgress");
}

#[tokio::test]
async fn who_is_not_registered_may_not_poll() {
    let server = TestServer::start().await;
    let (arn, ann) = server.user("ann").await;
    let ann = Agent { arn: arn.clone(), client: ann };
    let poll = json!({ "HostIdentifier": arn });
    assert_eq!(ann.refused("PollHostCommand", poll.clone()).await, "AccessDeniedException");
    server.register("h1", &arn).await;
    assert_eq!(ann.poll().await, Value::Null);
    server.call("DeregisterOnPremisesInstance", r#"{"instanceName":"h1"}"#).await;
    assert_eq!(ann.refused("PollHostCommand", poll).await, "AccessDeniedException");
}

#[tokio::test]
async fn what_is_malformed_is_refused() {
    let (_server, agent, _id) = running().await;
    let junk = json!({ "HostCommandIdentifier": "hc-1", "CommandStatus": "Succeeded" });
    for operation in ["PutHostCommandAcknowledgement", "PutHostCommandComplete", "PostHostCommandUpdate"] {
        assert_eq!(agent.refused(operation, junk.clone()).await, "ClientException");
    }
    assert_eq!(agent.refused("PollHostCommand", json!({})).await, "ClientException");
    let specification = json!({ "HostIdentifier": agent.arn, "DeploymentExecutionId": "a/b/c/d" });
    assert_eq!(agent.refused("GetDeploymentSpecification", specification).await, "ClientException");
    let command = agent.command().await;
    let odd = json!({ "HostCommandIdentifier": command["HostCommandIdentifier"], "CommandStatus": "Done" });
    assert_eq!(agent.refused("PutHostCommandComplete", odd).await, "ClientException");
    assert_eq!(agent.refused("Frobnicate", json!({})).await, "UnknownOperationException");
}

#[tokio::test]
async fn the_secure_flavour_asks_policies() {
    let server = TestServer::start().await;
    let (arn, ann) = server.host("ann").await;
    let poll = json!({ "HostIdentifier": arn });
    let target = "CodeDeployCommandService.PollHostCommand";
    let secure = async || -> Result<Value, CallError> {
        ann.call_json("codedeploy-commands-secure", target, &poll).await
    };
    assert_eq!(secure().await.expect_err("no policy").code(), Some("AccessDeniedException"));
    let allow = r#"{"Effect":"Allow","Action":"codedeploy-commands-secure:PollHostCommand","Resource":"*"}"#;
    server.allow("ann", allow).await;
    assert_eq!(secure().await.expect("allowed"), json!({}));
    let classic: Result<Value, CallError> = ann.call_json("codedeploy-commands", target, &poll).await;
    assert_eq!(classic.expect_err("the wrong service").code(), Some("InvalidSignatureException"));
}

#[tokio::test]
async fn an_update_tells_how_the_command_stands() {
    let (_server, agent, _id) = running().await;
    let command = agent.command().await;
    let update = json!({ "HostCommandIdentifier": command["HostCommandIdentifier"] });
    let status = async || {
        agent.call("PostHostCommandUpdate", update.clone()).await.expect("a status")["CommandStatus"].take()
    };
    assert_eq!(status().await, "Pending");
    agent.acknowledge(&command).await;
    assert_eq!(status().await, "InProgress");
    agent.succeed(&command).await;
    assert_eq!(status().await, "Succeeded");
}
