//! What happened to deployments, told in three ways: a timeline, a list of events, a stream of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Request;
use longshore_model::time::Timestamp;
use longshore_wire::sigv4::{Credentials, payload_sha256_hex, sign};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::host_command::running;
use crate::support::{REGION, TestServer, call, check_as, client};

const TIMELINE: &str = "Longshore_v1.GetDeploymentTimeline";
const EVENTS: &str = "Longshore_v1.ListEvents";
const SCRIPTS: &str = "Longshore_v1.ListScriptTimes";

#[tokio::test]
async fn a_timeline_says_what_happened_and_why() {
    let server = TestServer::start().await.with_group().await;
    let id = server.deploy("").await;
    server.wait_for(&id, "Failed").await;
    let of = format!(r#"{{"deploymentId":"{id}"}}"#);
    let timeline = server.call(TIMELINE, &of).await;
    let entries = timeline["entries"].as_array().expect("a list");
    let said: Vec<String> =
        entries.iter().map(|entry| format!("{} {}", entry["kind"], entry["status"])).collect();
    assert_eq!(said, [r#""deployment" "Created""#, r#""deployment" "Failed""#, r#""deployment" null"#]);
    assert_eq!(entries[2]["text"], "not rolled back: automatic rollback is off");
    assert!(entries[1]["text"].as_str().is_some_and(|text| text.ends_with("(NO_INSTANCES)")), "{timeline}");
    assert!(entries[1]["time"].is_number() && entries[1]["host"].is_null(), "{timeline}");
    server.check(TIMELINE, "{}", "DeploymentIdRequiredException").await;
    server.check(TIMELINE, r#"{"deploymentId":"d-ABCDEFGHI"}"#, "DeploymentDoesNotExistException").await;
}

#[tokio::test]
async fn the_times_of_scripts_are_as_the_hosts_say() {
    let (server, agent, id) = running().await;
    let of = format!(r#"{{"deploymentId":"{id}"}}"#);
    server.check(SCRIPTS, &of, r#"{"scriptTimes":[],"nextToken":null}"#).await;
    let stop = agent.command().await;
    agent.acknowledge(&stop).await;
    let two = r#"{"error_code":0,"script_name":"","message":"Succeeded: ","log":"",
        "scripts":[{"location":"s/one.sh","seconds":1.234},{"location":"s/two.sh","seconds":0}]}"#;
    agent.complete(&stop, "Succeeded", two).await;
    // What is no time is left out of what is told, and nothing else.
    let download = agent.command().await;
    agent.acknowledge(&download).await;
    let junk = r#"{"error_code":4,"script_name":"s/x.sh","message":"no","log":"",
        "scripts":[7,{"location":"s/minus.sh","seconds":-1},{"location":"s/x.sh","seconds":2.5}]}"#;
    agent.complete(&download, "Failed", junk).await;
    server.wait_for(&id, "Failed").await;
    let told = r#"{"scriptTimes":[
        {"host":"h1","event":"ApplicationStop","location":"s/one.sh","seconds":1.234},
        {"host":"h1","event":"ApplicationStop","location":"s/two.sh","seconds":0.0},
        {"host":"h1","event":"DownloadBundle","location":"s/x.sh","seconds":2.5}],"nextToken":null}"#;
    server.check(SCRIPTS, &of, told).await;
    // AWS's shapes have no member for them.
    let target =
        server.call("GetDeploymentTarget", &format!(r#"{{"deploymentId":"{id}","targetId":"h1"}}"#)).await;
    let diagnostics = &target["deploymentTarget"]["instanceTarget"]["lifecycleEvents"][1]["diagnostics"];
    let names: Vec<&String> = diagnostics.as_object().expect("an object").keys().collect();
    assert_eq!(diagnostics["message"], "no");
    assert_eq!(names.len(), 4, "{names:?}");
    server.check(SCRIPTS, "{}", "DeploymentIdRequiredException").await;
    server.check(SCRIPTS, r#"{"deploymentId":"d-ABCDEFGHI"}"#, "DeploymentDoesNotExistException").await;
}

/// service.md §10.2, "local event log".
#[tokio::test]
async fn events_are_listed_from_any_place() {
    let server = TestServer::start().await.with_group().await;
    let begin = server.call(EVENTS, "{}").await;
    assert_eq!(begin["events"], serde_json::json!([]));
    let id = server.deploy("").await;
    server.wait_for(&id, "Failed").await;
    let after = format!(r#"{{"after":{}}}"#, begin["after"]);
    let told = server.call(EVENTS, &after).await;
    let states: Vec<&Value> =
        told["events"].as_array().expect("a list").iter().map(|event| &event["detail"]["state"]).collect();
    assert_eq!(states, ["START", "FAILURE"]);
    let again = server.call(EVENTS, &after).await;
    assert_eq!(again, told, "the same events have the same ids");
    let end = format!(r#"{{"after":{}}}"#, told["after"]);
    assert_eq!(server.call(EVENTS, &end).await["events"], serde_json::json!([]));
    // Whoever waits is told at once.
    let wait = format!(r#"{{"after":{},"waitSeconds":20}}"#, told["after"]);
    let (told, id) = tokio::join!(server.call(EVENTS, &wait), server.deploy(""));
    assert_eq!(told["events"][0]["detail"]["deploymentId"], id);
    server.check(EVENTS, r#"{"after":"x"}"#, "ValidationException: `x`").await;
    server.check(EVENTS, r#"{"waitSeconds":21}"#, "ValidationException: at most 20").await;
}

/// Opens the stream, without a signature if there are no credentials.
async fn open(
    server: &TestServer,
    path: &str,
    credentials: Option<&Credentials>,
) -> BufReader<tokio::net::TcpStream> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let now = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).expect("in range"));
    let host = server.url().trim_start_matches("http://").to_owned();
    let request = Request::builder().method("GET").uri(path).header("host", host);
    let (mut parts, ()) = request.body(()).expect("a request").into_parts();
    if let Some(credentials) = credentials {
        let hash = payload_sha256_hex(b"");
        sign(&mut parts, &hash, credentials, REGION, "codedeploy", now).expect("signed");
    }
    let headers: String = parts
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("ASCII")))
        .collect();
    let mut stream = server.connect().await;
    let head = format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.expect("the request is sent");
    BufReader::new(stream)
}

/// The lines of the stream up to the one that contains `last`.
async fn until(stream: &mut BufReader<tokio::net::TcpStream>, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let reading = async {
        loop {
            let mut line = String::new();
            assert_ne!(stream.read_line(&mut line).await.expect("readable"), 0, "it ended: {lines:?}");
            let is_last = line.contains(last);
            lines.push(line.trim_end().to_owned());
            if is_last {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("in time");
    lines
}

/// service.md §10.2, "local event log".
#[tokio::test]
async fn events_stream_as_they_happen() {
    let server = TestServer::start().await.with_group().await;
    let mut stream = open(&server, "/events", Some(&server.root())).await;
    let head = until(&mut stream, "transfer-encoding").await;
    assert!(
        head[0].contains("200 OK") && head.iter().any(|line| line.contains("text/event-stream")),
        "{head:?}"
    );
    let id = server.deploy("").await;
    let lines = until(&mut stream, r#""state":"FAILURE""#).await;
    let data: Vec<Value> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|text| serde_json::from_str(text).expect("JSON"))
        .collect();
    assert_eq!(data.len(), 2);
    assert_eq!(
        (&data[0]["detail"]["state"], &data[0]["detail"]["deploymentId"]),
        (&"START".into(), &id.into())
    );
    // Whoever lost the connection goes on after the last event that came.
    let first = lines.iter().find_map(|line| line.strip_prefix("id: ")).expect("a place");
    let mut again = open(&server, &format!("/events?after={first}"), Some(&server.root())).await;
    let rest = until(&mut again, r#""state":"FAILURE""#).await;
    assert!(rest.iter().any(|line| line.contains(&data[1]["id"].to_string())), "{rest:?}");
    assert!(!rest.iter().any(|line| line.contains(r#""state":"START""#)), "{rest:?}");
    // The server ends with its streams, in time.
    server.stop().await;
    let mut left = Vec::new();
    stream.read_to_end(&mut left).await.expect("the end");
}

#[tokio::test]
async fn the_stream_asks_for_permission() {
    let server = TestServer::start().await;
    let mut anonymous = open(&server, "/events", None).await;
    assert!(until(&mut anonymous, "HTTP/1.1").await[0].contains("404"), "it is no public page");
    let (_, key) = server.user_key("ann").await;
    let ann = client(server.url(), key.clone());
    let mut denied = open(&server, "/events", Some(&key)).await;
    let answer = until(&mut denied, "HTTP/1.1").await;
    assert!(answer[0].contains("400"), "{answer:?}");
    check_as(&ann, EVENTS, "{}", "AccessDeniedException: codedeploy:ListEvents").await;
    server.allow("ann", r#"{"Effect":"Allow","Action":"codedeploy:ListEvents","Resource":"*"}"#).await;
    assert!(call(&ann, EVENTS, "{}").await.is_ok());
    let mut allowed = open(&server, "/events", Some(&key)).await;
    until(&mut allowed, "text/event-stream").await;
}

#[tokio::test]
async fn undelivered_notifications_are_listed_and_sent_again() {
    let server = TestServer::start().await;
    server.check("Longshore_v1.ListUndeliveredNotifications", "{}", r#"{"notifications":[]}"#).await;
    server.check("Longshore_v1.ResendNotifications", "{}", r#"{"resent":0}"#).await;
    server.check("Longshore_v1.ResendNotifications", r#"{"id":"x"}"#, "ValidationException: `x`").await;
}
