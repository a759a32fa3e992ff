//! The same API over Smithy RPC v2 CBOR. Source: service-additions.md §1.

use http::Request;
use longshore_wire::api::shapes::{
    GetApplicationOutput, GetDeploymentGroupOutput, ListApplicationsOutput, ListDeploymentsOutput,
};
use longshore_wire::codec::cbor;
use longshore_wire::sigv4::{payload_sha256_hex, sign};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::signature::Signed;
use crate::support::{REGION, ROLE, TestServer};

const PATH: &str = "/service/CodeDeploy_20141006/operation/";

/// A call, before it is signed.
struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    signed: Option<Signed>,
}

impl Call {
    fn new(server: &TestServer, operation: &str, input: &Value) -> Call {
        Call {
            method: "POST",
            path: format!("{PATH}{operation}"),
            headers: vec![
                ("smithy-protocol", "rpc-v2-cbor"),
                ("content-type", "application/cbor"),
                ("accept", "application/cbor"),
            ],
            body: cbor::encode(input).expect("JSON has a CBOR form"),
            signed: Some(Signed::by_root(server)),
        }
    }

    async fn send(self, server: &TestServer) -> Answer {
        let host = server.url().trim_start_matches("http://").to_owned();
        let mut request = Request::builder().method(self.method).uri(&self.path).header("host", host);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        if let Some(by) = self.signed {
            let hash = payload_sha256_hex(&self.body);
            sign(&mut parts, &hash, &by.credentials, REGION, by.service, by.at).expect("signed");
        }
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        for (name, value) in &parts.headers {
            bytes.extend_from_slice(format!("{name}: {}\r\n", value.to_str().expect("ASCII")).as_bytes());
        }
        let rest = format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len());
        bytes.extend_from_slice(rest.as_bytes());
        bytes.extend_from_slice(&self.body);
        let mut stream = server.connect().await;
        stream.write_all(&bytes).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("answered");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let body = answer.split_off(end + 4);
        Answer { head: String::from_utf8(answer).expect("ASCII").to_lowercase(), body }
    }
}

struct Answer {
    head: String,
    body: Vec<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorBody {
    __type: String,
    message: String,
}

impl Answer {
    /// The headers that every answer has, and its status.
    #[track_caller]
    fn check_head(&self, status: u16) {
        let line = format!("http/1.1 {status} ");
        assert!(self.head.starts_with(&line), "{} is not {status}", self.head);
        for header in ["smithy-protocol: rpc-v2-cbor", "content-type: application/cbor", "x-amzn-requestid: "]
        {
            assert!(self.head.contains(header), "{} has no {header}", self.head);
        }
    }

    #[track_caller]
    fn output<T: DeserializeOwned>(&self) -> T {
        self.check_head(200);
        cbor::decode(&self.body).expect("an output")
    }

    #[track_caller]
    fn check_error(&self, status: u16, code: &str, text: &str) {
        self.check_head(status);
        let error: ErrorBody = cbor::decode(&self.body).expect("an error");
        assert_eq!(error.__type, code, "{}", error.message);
        assert!(error.message.contains(text), "{} has no {text}", error.message);
    }
}

async fn call(server: &TestServer, operation: &str, input: Value) -> Answer {
    Call::new(server, operation, &input).send(server).await
}

/// Sends `body` as the input of `operation`.
async fn call_bytes(server: &TestServer, operation: &str, body: &[u8]) -> Answer {
    Call { body: body.to_vec(), ..Call::new(server, operation, &json!({})) }.send(server).await
}

#[tokio::test]
async fn outputs_are_maps_with_tagged_times() {
    let server = TestServer::start().await;
    call(&server, "CreateApplication", json!({"applicationName": "web"})).await.check_head(200);
    let answer =
        call(&server, "GetApplication", json!({"applicationName": "web", "later": [1, {"a": 2}]})).await;
    let application = answer.output::<GetApplicationOutput>().application.expect("an application");
    assert_eq!(application.application_name.as_deref(), Some("web"));
    // "createTime", tag 1, a double; no value is null.
    let time = [&b"\x6acreateTime"[..], &[0xc1, 0xfb]].concat();
    assert!(answer.body.windows(time.len()).any(|window| window == time), "{:x?}", answer.body);
    let over_json = server.call("GetApplication", r#"{"applicationName":"web"}"#).await;
    let secs = application.create_time.expect("a time").0.secs_f64();
    assert_eq!(over_json["application"]["createTime"], json!(secs));
}

#[tokio::test]
async fn empty_inputs_and_outputs_need_no_body() {
    let server = TestServer::start().await.with_group().await;
    for body in [&b""[..], &[0xa0], &[0xbf, 0xff]] {
        let listed: ListApplicationsOutput = call_bytes(&server, "ListApplications", body).await.output();
        assert_eq!(listed.applications.expect("names"), ["web"]);
    }
    let answer = call(&server, "UpdateApplication", json!({"applicationName": "web"})).await;
    answer.check_head(200);
    assert!(answer.body.is_empty() && answer.head.contains("content-length: 0"), "{}", answer.head);
}

#[tokio::test]
async fn null_members_are_absent() {
    let server = TestServer::start().await.with_group().await;
    let input = json!({"applicationName": "web", "newApplicationName": null});
    call(&server, "UpdateApplication", input).await.check_head(200);
    let input = json!({"applicationName": null});
    call(&server, "GetApplication", input).await.check_error(400, "ApplicationNameRequiredException", "");
}

#[tokio::test]
async fn nested_inputs_reach_the_same_handlers() {
    let server = TestServer::start().await.with_group().await;
    let input = json!({
        "applicationName": "web", "deploymentGroupName": "more", "serviceRoleArn": ROLE,
        "onPremisesTagSet": {"onPremisesTagSetList": [[{"Key": "env", "Value": "x", "Type": "KEY_AND_VALUE"}]]},
        "autoRollbackConfiguration": {"enabled": true, "events": ["DEPLOYMENT_FAILURE"]},
    });
    call(&server, "CreateDeploymentGroup", input).await.check_head(200);
    let input = json!({"applicationName": "web", "deploymentGroupName": "more"});
    let output: GetDeploymentGroupOutput = call(&server, "GetDeploymentGroup", input).await.output();
    let over_json =
        server.call("GetDeploymentGroup", r#"{"applicationName":"web","deploymentGroupName":"more"}"#).await;
    assert_eq!(serde_json::to_value(output).expect("JSON"), over_json);
}

#[tokio::test]
async fn exceptions_are_maps_too() {
    let server = TestServer::start().await;
    let input = json!({"applicationName": "web"});
    let answer = call(&server, "GetApplication", input).await;
    answer.check_error(400, "ApplicationDoesNotExistException", "No application found for name: web");
    let answer = call(&server, "CreateApplication", json!({"applicationName": 5})).await;
    answer.check_error(400, "SerializationException", "`applicationName`");
    let answer = call_bytes(&server, "ListApplications", b"{}").await;
    answer.check_error(400, "SerializationException", "not CBOR");
    let answer = call_bytes(&server, "ListApplications", &[0x9f; 200_000]).await;
    answer.check_error(400, "SerializationException", "nested too deep");
    let answer = call_bytes(&server, "ListApplications", &vec![0; 1024 * 1024 + 1]).await;
    answer.check_error(400, "SerializationException", "1048576 bytes");
}

#[tokio::test]
async fn who_signed_is_asked_in_the_same_order_and_answered_in_cbor() {
    let server = TestServer::start().await;
    let call =
        |body: &[u8]| Call { body: body.to_vec(), ..Call::new(&server, "ListApplications", &json!({})) };
    let unsigned = Call { signed: None, ..call(&[0xa0]) };
    let missing = "MissingAuthenticationTokenException";
    unsigned.send(&server).await.check_error(400, missing, "Missing Authentication Token");
    let mut wrong = call(&[0xa0]);
    wrong.signed.as_mut().expect("signed").credentials.secret_access_key.push('x');
    wrong.send(&server).await.check_error(400, "InvalidSignatureException", "does not match");
    // The body is read first, whoever signed it; its members are not.
    let broken = Call { signed: None, ..call(&[0xbf]) };
    broken.send(&server).await.check_error(400, "SerializationException", "not CBOR");
    let wrong_type = Call { signed: None, ..call(&[0xa1, 0x61, b'x', 0x00]) };
    wrong_type.send(&server).await.check_error(400, missing, "");
    let (_, credentials) = server.user_key("ann").await;
    let mut by_ann = call(&[0xa0]);
    by_ann.signed.as_mut().expect("signed").credentials = credentials;
    by_ann.send(&server).await.check_error(400, "AccessDeniedException", "codedeploy:ListApplications");
}

#[tokio::test]
async fn what_is_no_call_is_not_found() {
    let server = TestServer::start().await;
    let unknown = "UnknownOperationException";
    let call = |operation: &str| Call::new(&server, operation, &json!({}));
    call("Frobnicate").send(&server).await.check_error(404, unknown, "");
    call("").send(&server).await.check_error(404, unknown, "");
    call("ListApplications/").send(&server).await.check_error(404, unknown, "");
    let elsewhere = Call { path: String::from("/"), ..call("") };
    elsewhere.send(&server).await.check_error(404, unknown, "");
    let path = String::from("/service/CodeBuild_20161006/operation/ListApplications");
    Call { path, ..call("") }.send(&server).await.check_error(404, unknown, "");
    Call { method: "GET", body: Vec::new(), ..call("ListApplications") }.send(&server).await.check_error(
        404,
        unknown,
        "POST /service/CodeDeploy_20141006/operation/",
    );
    let unannounced =
        Call { headers: vec![("content-type", "application/cbor")], ..call("ListApplications") };
    unannounced.send(&server).await.check_error(404, unknown, "smithy-protocol: rpc-v2-cbor");
    let mut both = call("ListApplications");
    both.headers.push(("x-amz-target", "CodeDeploy_20141006.DeleteApplication"));
    both.send(&server).await.check_error(404, unknown, "without X-Amz-Target");
}

#[tokio::test]
async fn a_range_of_times_is_read_as_in_json() {
    let server = TestServer::start().await;
    let range = |start: &[u8]| [&b"\xa1\x6fcreateTimeRange\xa1\x65start"[..], start].concat();
    for good in
        [&[0xc1, 0x01][..], &[0xc1, 0xf9, 0x3c, 0x00], &[0xc1, 0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], &[0xf6]]
    {
        let answer = call_bytes(&server, "ListDeployments", &range(good)).await;
        assert_eq!(answer.output::<ListDeploymentsOutput>().deployments, Some(Vec::new()), "{good:x?}");
    }
    // Infinite, and a text that is no time.
    for bad in [&[0xc1, 0xf9, 0x7c, 0x00][..], b"\x65never"] {
        let answer = call_bytes(&server, "ListDeployments", &range(bad)).await;
        answer.check_error(400, "InvalidTimeRangeException", "not a time");
    }
    for wrong in [&[0xf5][..], &[0xa0], &[0xc1, 0x61, b'x'], &[0xc2, 0x41, 0x01]] {
        let answer = call_bytes(&server, "ListDeployments", &range(wrong)).await;
        answer.check_error(400, "SerializationException", "`createTimeRange.start`");
    }
    let answer = call_bytes(
        &server,
        "ListDeployments",
        b"\xa1\x6fcreateTimeRange\xa2\x65start\xc1\x02\x63end\xc1\x01",
    )
    .await;
    answer.check_error(400, "InvalidTimeRangeException", "starts after its end");
}

#[tokio::test]
async fn a_change_is_in_the_audit_trail_as_over_json() {
    let server = TestServer::start().await;
    call(&server, "CreateApplication", json!({"applicationName": "web"})).await.check_head(200);
    call(&server, "CreateApplication", json!({"applicationName": "web"})).await.check_head(400);
    call(&server, "GetApplication", json!({"applicationName": "web"})).await.check_head(200);
    let expected = r#"{"events":[
        {"operation":"CreateApplication","outcome":"ok","parameters":{"applicationName":"web"}},
        {"operation":"CreateApplication","outcome":"ApplicationAlreadyExistsException"}]}"#;
    server.check("Longshore_v1.ListAuditEvents", "{}", expected).await;
}
