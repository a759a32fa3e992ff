//! The client against a real server on this machine, over plain HTTP, TLS and a proxy.

mod server;

use std::time::Duration;

use bytes::Bytes;
use longshore_wire::api::Operation;
use longshore_wire::api::shapes::{GetDeploymentInput, GetDeploymentOutput};
use longshore_wire::client::{CaBundle, CallError, Client, ClientConfig, ObjectSource};
use longshore_wire::codec::NoOutput;
use longshore_wire::sigv4::Credentials;
use server::{Answer, SECRET, Server};

fn credentials(access_key_id: &str) -> Credentials {
    Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: None,
    }
}

fn config(endpoint: &str) -> ClientConfig {
    let mut config = ClientConfig::new(endpoint, "us-east-1", credentials("AKIAIOSFODNN7EXAMPLE"));
    config.retries = vec![Duration::from_millis(1); 3];
    config
}

fn client(server: &Server) -> Client {
    Client::new(config(&server.endpoint)).expect("a client")
}

async fn deployment(client: &Client) -> Result<GetDeploymentOutput, CallError> {
    let input = GetDeploymentInput { deployment_id: Some(String::from("d-A1B2C3D4E")) };
    client.call_json("codedeploy", Operation::GetDeployment.target(), &input).await
}

/// Answers in turn, then how many requests came and what the call made of them.
async fn check_call(answers: &[Answer], n_requests: usize, expected: Result<&str, &str>) {
    let server = Server::start(answers).await;
    let outcome = deployment(&client(&server)).await;
    let shown = outcome.map(|output| output.deployment_info.and_then(|info| info.status).unwrap_or_default());
    assert_eq!(shown.as_deref().map_err(ToString::to_string), expected.map_err(str::to_owned));
    assert_eq!(server.requests().len(), n_requests);
}

const GOOD: Answer = Answer::Whole(200, r#"{"deploymentInfo":{"status":"Succeeded","later":1}}"#);
const BROKEN: Answer = Answer::Whole(500, r#"{"__type":"InternalFailure","message":"try again"}"#);

#[tokio::test]
async fn a_call_is_signed_and_read() {
    let server = Server::start(&[GOOD]).await;
    let output = deployment(&client(&server)).await.expect("an answer");
    assert_eq!(output.deployment_info.expect("present").status.as_deref(), Some("Succeeded"));
    let request = server.requests().remove(0);
    request.check_signature();
    assert_eq!(request.header("x-amz-target"), "CodeDeploy_20141006.GetDeployment");
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(request.body, r#"{"deploymentId":"d-A1B2C3D4E"}"#);
}

#[tokio::test]
async fn an_empty_answer_is_an_empty_output() {
    let server = Server::start(&[Answer::Whole(200, "")]).await;
    let target = Operation::ContinueDeployment.target();
    let output: NoOutput =
        client(&server).call_json("codedeploy", target, &NoOutput {}).await.expect("an answer");
    assert_eq!(output, NoOutput {});
    check_call(&[Answer::Whole(200, "")], 1, Ok("")).await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let throttled = Answer::Whole(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
    check_call(&[BROKEN, GOOD], 2, Ok("Succeeded")).await;
    check_call(&[throttled, throttled, GOOD], 3, Ok("Succeeded")).await;
    check_call(&[Answer::Hangup, GOOD], 2, Ok("Succeeded")).await;
    check_call(&[BROKEN; 5], 4, Err("InternalFailure: try again")).await;
}

#[tokio::test]
async fn what_will_not_pass_is_tried_once() {
    let refused = Answer::Whole(400, r#"{"__type":"DeploymentDoesNotExistException","message":"none"}"#);
    check_call(&[refused, GOOD], 1, Err("DeploymentDoesNotExistException: none")).await;
    check_call(&[Answer::Whole(200, "<html>"), GOOD], 1, Err("the answer cannot be read")).await;
    check_call(&[Answer::Whole(404, ""), GOOD], 1, Err("NotFound: ")).await;
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let server = Server::start(&[Answer::Silence]).await;
    let mut config = config(&server.endpoint);
    config.transport.http_read_timeout = Duration::from_millis(50);
    config.retries.clear();
    let error = deployment(&Client::new(config).expect("a client")).await.expect_err("silence");
    assert!(matches!(error, CallError::Timeout { .. }) && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn nobody_there_is_a_network_error() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let error = deployment(&Client::new(config(&format!("http://{free}"))).expect("a client")).await;
    assert!(matches!(error, Err(CallError::Network { .. })), "{error:?}");
}

#[tokio::test]
async fn new_credentials_are_used_from_the_next_attempt_on() {
    let server = Server::start(&[GOOD, GOOD]).await;
    let client = client(&server);
    deployment(&client).await.expect("an answer");
    let session_token = Some(String::from("token"));
    client.set_credentials(Credentials { session_token, ..credentials("ASIAIOSFODNN7EXAMPLE") });
    deployment(&client).await.expect("an answer");
    let requests = server.requests();
    assert!(requests[0].header("authorization").contains("AKIAIOSFODNN7EXAMPLE"));
    assert!(requests[1].header("authorization").contains("ASIAIOSFODNN7EXAMPLE"));
    assert_eq!(requests[1].header("x-amz-security-token"), "token");
    requests[1].check_signature();
}

#[tokio::test]
async fn extra_headers_are_signed() {
    let server = Server::start(&[GOOD]).await;
    let mut config = config(&server.endpoint);
    let name = http::HeaderName::from_static("x-amz-codedeploy-agent-version");
    config.headers.push((name, http::HeaderValue::from_static("OFFICIAL_1.0")));
    deployment(&Client::new(config).expect("a client")).await.expect("an answer");
    let request = server.requests().remove(0);
    request.check_signature();
    let signed = "SignedHeaders=content-type;host;x-amz-codedeploy-agent-version;x-amz-content-sha256;x-amz-date;x-amz-target,";
    assert!(request.header("authorization").contains(signed));
}

#[tokio::test]
async fn a_query_goes_as_a_form() {
    let server = Server::start(&[Answer::Whole(200, "<Arn>arn</Arn>")]).await;
    let params = [("Action", "CreateUser"), ("UserName", "a b&c")];
    assert_eq!(client(&server).query("iam", &params).await.expect("an answer"), "<Arn>arn</Arn>");
    let request = server.requests().remove(0);
    request.check_signature();
    assert_eq!(request.body, "Action=CreateUser&UserName=a+b%26c");
}

#[tokio::test]
async fn an_object_is_streamed_down() {
    let server = Server::start(&[Answer::Object(3_000_000)]).await;
    let mut object =
        client(&server).get_object("bundles", "a b/é+(1).zip", Some("v/1")).await.expect("an answer");
    assert_eq!((object.e_tag(), object.content_length()), (Some("\"tag\""), Some(3_000_000)));
    let mut len = 0;
    while let Some(chunk) = object.chunk().await.expect("more") {
        len += chunk.len();
    }
    assert_eq!(len, 3_000_000);
    let request = server.requests().remove(0);
    request.check_signature();
    assert_eq!(request.uri, "/bundles/a%20b/%C3%A9%2B%281%29.zip?versionId=v%2F1");
}

#[tokio::test]
async fn a_download_that_breaks_off_is_an_error() {
    let server = Server::start(&[Answer::ShortObject]).await;
    let mut object = client(&server).get_object("b", "k", None).await.expect("an answer");
    let error = loop {
        match object.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the end was not noticed"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CallError::Network { .. }), "{error}");
}

#[tokio::test]
async fn a_file_is_streamed_up_also_at_the_second_attempt() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bundle.zip");
    std::fs::write(&path, vec![7; 500_000]).expect("written");
    let server = Server::start(&[BROKEN, Answer::Object(0)]).await;
    let put = client(&server).put_object("b", "k", ObjectSource::File(path)).await.expect("an answer");
    assert_eq!((put.e_tag.as_deref(), put.version_id.as_deref()), (Some("\"tag\""), Some("v1")));
    for request in server.requests() {
        request.check_signature();
        assert_eq!((request.header("content-length"), request.body.len()), ("500000", 500_000));
    }
}

#[tokio::test]
async fn bytes_are_put_with_their_length() {
    let server = Server::start(&[Answer::Object(0), Answer::Object(0)]).await;
    let client = client(&server);
    for content in ["hello", ""] {
        client.put_object("b", "k", ObjectSource::Bytes(Bytes::from(content))).await.expect("an answer");
    }
    let lengths: Vec<_> =
        server.requests().iter().map(|request| request.header("content-length").to_owned()).collect();
    assert_eq!(lengths, ["5", "0"]);
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let server = Server::start(&[]).await;
    let source = ObjectSource::File("/does/not/exist.zip".into());
    let error = client(&server).put_object("b", "k", source).await.expect_err("no file");
    assert_eq!(error.to_string(), "cannot read `/does/not/exist.zip`");
}

#[tokio::test]
async fn buckets_are_looked_for_and_made() {
    let forbidden = Answer::Whole(403, "");
    let answers = [Answer::Whole(200, ""), Answer::Whole(404, ""), forbidden, Answer::Whole(200, "")];
    let server = Server::start(&answers).await;
    let client = client(&server);
    assert!(client.head_bucket("there").await.expect("an answer"));
    assert!(!client.head_bucket("nowhere").await.expect("an answer"));
    assert_eq!(client.head_bucket("theirs").await.expect_err("forbidden").code(), Some("Forbidden"));
    client.create_bucket("mine").await.expect("made");
    let shown: Vec<_> = server.requests().iter().map(|r| format!("{} {}", r.method, r.uri)).collect();
    assert_eq!(shown, ["HEAD /there", "HEAD /nowhere", "HEAD /theirs", "PUT /mine"]);
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let server = Server::start(&[Answer::Silence]).await;
    let client = client(&server);
    let call = tokio::spawn(async move { deployment(&client).await.map(drop) });
    server.until("the request arrives", |server| server.requests().len() == 1).await;
    call.abort();
    server.until("the connection is closed", |server| server.n_open_connections() == 0).await;
}

#[tokio::test]
async fn a_certificate_of_the_bundle_is_believed_and_no_other() {
    let (server, ca_bundle) = Server::start_tls(&[GOOD]).await;
    let mut trusting = config(&server.endpoint);
    trusting.transport.ca_bundle = CaBundle::from_pem(&ca_bundle).ok();
    deployment(&Client::new(trusting).expect("a client")).await.expect("an answer");
    server.requests().remove(0).check_signature();
    let mut doubting = config(&server.endpoint);
    doubting.retries.clear();
    let error = deployment(&Client::new(doubting).expect("a client")).await.expect_err("unknown CA");
    assert!(matches!(error, CallError::Network { .. }), "{error}");
}

/// The one request that the proxy got begins with this, and names the user.
fn check_proxy_head(heads: &std::sync::Mutex<Vec<String>>, first_line: &str) {
    let heads = heads.lock().expect("no panic");
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].starts_with(first_line), "{heads:?}");
    // `me:pa$s`
    assert!(heads[0].to_lowercase().contains("proxy-authorization: basic bwu6cgekcw=="), "{heads:?}");
}

#[tokio::test]
async fn a_proxy_is_handed_requests_for_http_targets() {
    let server = Server::start(&[GOOD]).await;
    let (proxy, heads) = server::start_proxy().await;
    let mut config = config(&server.endpoint);
    config.transport.proxy_uri = Some(format!("http://me:pa%24s@{proxy}"));
    deployment(&Client::new(config).expect("a client")).await.expect("an answer");
    check_proxy_head(&heads, &format!("POST {}/ HTTP/1.1", server.endpoint));
    server.requests().remove(0).check_signature();
}

#[tokio::test]
async fn a_proxy_is_tunnelled_through_to_https_targets() {
    let (server, ca_bundle) = Server::start_tls(&[GOOD]).await;
    let (proxy, heads) = server::start_proxy().await;
    let mut config = config(&server.endpoint);
    config.transport.proxy_uri = Some(format!("http://me:pa%24s@{proxy}"));
    config.transport.ca_bundle = CaBundle::from_pem(&ca_bundle).ok();
    deployment(&Client::new(config).expect("a client")).await.expect("an answer");
    let target = server.endpoint.trim_start_matches("https://");
    check_proxy_head(&heads, &format!("CONNECT {target} HTTP/1.1"));
    let request = server.requests().remove(0);
    assert_eq!(request.header("proxy-authorization"), "");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let server = Server::start(&[GOOD]).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut config = config(&server.endpoint);
    config.retries.clear();
    config.transport.proxy_uri = Some(format!("http://me:secret@{free}"));
    let error = deployment(&Client::new(config).expect("a client")).await.expect_err("no proxy");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(cause, format!("cannot reach the proxy `{free}`"));
}

#[tokio::test]
async fn the_rest_of_an_object_is_asked_for_by_its_etag() {
    let server = Server::start(&[Answer::Object(10)]).await;
    let object = client(&server).get_object_from("b", "k", Some("v1"), 7, "\"e1\"").await.expect("an answer");
    assert_eq!(
        (object.first_byte(), object.content_length()),
        (Some(0), Some(10)),
        "a server without ranges"
    );
    let request = server.requests().remove(0);
    request.check_signature();
    assert_eq!((request.header("range"), request.header("if-match")), ("bytes=7-", "\"e1\""));
    assert_eq!(request.uri, "/b/k?versionId=v1");
}

#[derive(Debug, Default)]
struct Notes(std::sync::Mutex<String>);

impl longshore_wire::client::WireLog for Notes {
    fn write(&self, entry: &str) {
        self.0.lock().expect("no panic").push_str(entry);
    }
}

#[tokio::test]
async fn the_wire_log_has_every_attempt_and_no_secret() {
    let refused = Answer::Whole(403, r#"{"__type":"ExpiredTokenException","message":"old"}"#);
    let server = Server::start(&[BROKEN, refused, Answer::Object(5_000), Answer::Hangup]).await;
    let notes = std::sync::Arc::new(Notes::default());
    let mut config = config(&server.endpoint);
    config.credentials.session_token = Some(String::from("SESSION"));
    config.transport.wire_log = Some(notes.clone());
    let client = Client::new(config).expect("a client");
    deployment(&client).await.expect_err("refused");
    client.get_object("b", "k", None).await.expect("an object");
    let mut once = self::config(&server.endpoint);
    once.retries.clear();
    once.transport.wire_log = Some(notes.clone());
    deployment(&Client::new(once).expect("a client")).await.expect_err("hung up");
    let log = notes.0.lock().expect("no panic").clone();
    assert_eq!(log.matches(&format!("-> POST {}/\n", server.endpoint)).count(), 3, "{log}");
    for expected in [
        "-> {\"deploymentId\":\"d-A1B2C3D4E\"}\n",
        "<- 500 Internal Server Error\n",
        "<- {\"__type\":\"ExpiredTokenException\",\"message\":\"old\"}\n",
        "-> x-amz-security-token: [removed]\n",
        "<- (5000 bytes, not shown)\n",
        "<- no answer: cannot reach",
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
    for request in server.requests() {
        let (_, signature) = request.header("authorization").split_once("Signature=").expect("signed");
        assert!(!log.contains(signature) && !log.contains("SESSION") && !log.contains(SECRET), "{log}");
    }
}

#[track_caller]
fn check_config(change: impl Fn(&mut ClientConfig), expected: &str) {
    let mut config = config("http://127.0.0.1:1");
    change(&mut config);
    assert_eq!(Client::new(config).expect_err("refused").to_string(), expected);
}

#[test]
fn settings_that_make_no_client_are_named() {
    let not_http = "is not an http or https address";
    for endpoint in ["", "localhost:1", "ftp://h", "/path", "http://"] {
        let expected = format!("endpoint `{endpoint}` {not_http}");
        check_config(|config| config.endpoint = endpoint.to_owned(), &expected);
    }
    let proxy = "proxy `h` is not an http address with a host";
    check_config(|config| config.transport.proxy_uri = Some(String::from("socks5://me:secret@h")), proxy);
    let bundle = "the CA bundle has no usable certificate";
    assert_eq!(CaBundle::from_pem(b"nothing").expect_err("refused").to_string(), bundle);
    let shown = format!("{:?}", Client::new(config("http://h:1")).expect("a client"));
    assert!(!shown.contains(SECRET), "{shown}");
}
