//! Which service a request reaches, and what every answer has in common.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{TestServer, call};

async fn check(server: &TestServer, request: &str, expected: &[&str]) {
    let answer = server.raw(&request.replace('\n', "\r\n")).await;
    for part in expected {
        assert!(answer.contains(part), "{request}: {answer} has no {part}");
    }
    assert!(answer.contains("x-amzn-requestid: "), "{request}: {answer} has no request id");
}

#[tokio::test]
async fn probes_and_people_need_no_signature() {
    let server = TestServer::start().await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\nhost: any\nconnection: close\n\n");
    check(&server, &get("/"), &["HTTP/1.1 200 OK"]).await;
    check(&server, &get("/healthz"), &["200 OK", "ok\n"]).await;
    check(&server, &get("/readyz"), &["200 OK"]).await;
    check(&server, &get("/metrics"), &["200 OK", "longshore_requests_total"]).await;
    check(&server, &get("/favicon.ico"), &["404 Not Found"]).await;
    let post = "POST /healthz HTTP/1.1\nhost: any\ncontent-length: 0\nconnection: close\n\n";
    check(&server, post, &["405 Method Not Allowed"]).await;
    let post = "POST / HTTP/1.1\nhost: any\ncontent-length: 0\nconnection: close\n\n";
    check(&server, post, &["400 Bad Request", "MissingAuthenticationTokenException"]).await;
}

#[tokio::test]
async fn unknown_operations_are_named_so() {
    let server = TestServer::start().await;
    let unknown = "UnknownOperationException";
    server.check("Frobnicate", "{}", unknown).await;
    server.check("CodeDeploy_20151006.ListApplications", "{}", unknown).await;
    server.check("ListApplications.More", "{}", unknown).await;
    let no_target = "POST / HTTP/1.1\nhost: x\ncontent-type: application/x-amz-json-1.1\n\
        content-length: 2\nconnection: close\n\n{}";
    check(&server, no_target, &["400 Bad Request", unknown]).await;
}

#[tokio::test]
async fn bodies_are_bounded_plain_json() {
    let server = TestServer::start().await;
    let target = "x-amz-target: CodeDeploy_20141006.ListApplications";
    let long = format!("POST / HTTP/1.1\nhost: x\n{target}\ncontent-length: 1048577\nconnection: close\n\n");
    check(&server, &long, &["400 Bad Request", "SerializationException", "1048576 bytes"]).await;
    let zipped = format!(
        "POST / HTTP/1.1\nhost: x\n{target}\ncontent-encoding: gzip\ncontent-length: 0\nconnection: close\n\n"
    );
    check(&server, &zipped, &["400 Bad Request", "SerializationException", "ompressed"]).await;
    // Whoever asks: a body is read before its signature.
    let broken = format!("POST / HTTP/1.1\nhost: x\n{target}\ncontent-length: 1\nconnection: close\n\n{{");
    check(&server, &broken, &["400 Bad Request", "SerializationException", "not JSON"]).await;
    let chunk = "0".repeat(0x8000);
    let mut stream = server.connect().await;
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\n{target}\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    for _ in 0..33 {
        // The server may have answered and closed already.
        if stream.write_all(format!("8000\r\n{chunk}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 4096];
    let n_read = stream.read(&mut answer).await.expect("an answer");
    assert!(String::from_utf8_lossy(&answer[..n_read]).contains("SerializationException"));
}

#[tokio::test]
async fn members_of_the_wrong_type_are_named() {
    let server = TestServer::start().await;
    let expected = "SerializationException: `applicationName`";
    server.check("CreateApplication", r#"{"applicationName":5}"#, expected).await;
    server.check("CreateApplication", "[]", "SerializationException").await;
    server.check("ListApplications", "{\"later\":{\"added\":true}}", "{}").await;
}

#[tokio::test]
async fn the_services_share_the_port() {
    let server = TestServer::start().await;
    let version = ("Version", "2011-06-15");
    let identity = server.client().query("sts", &[("Action", "GetCallerIdentity"), version]).await;
    assert!(identity.expect("an answer").contains("<Arn>arn:aws:iam::111122223333:root</Arn>"));
    server.client().create_bucket("bundles").await.expect("a bucket");
    assert!(server.client().head_bucket("bundles").await.expect("an answer"));
    let refused = call(server.client(), "GetApplication", r#"{"applicationName":"web"}"#).await;
    assert_eq!(refused.expect_err("unknown").code(), Some("ApplicationDoesNotExistException"));
}

#[tokio::test]
async fn a_broken_claim_is_refused_by_the_service_that_it_names() {
    let server = TestServer::start().await;
    let get = |query: &str| format!("GET /bundles/k{query} HTTP/1.1\nhost: x\nconnection: close\n\n");
    let presigned =
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Feu-test-1%2Fs3%2Faws4_request";
    check(&server, &get(presigned), &["<Error>"]).await;
    check(&server, &get("?AWSAccessKeyId=A&Expires=1&Signature=x"), &["<Error>"]).await;
    let signed = |service: &str| {
        format!(
            "POST / HTTP/1.1\nhost: x\nauthorization: AWS4-HMAC-SHA256 Credential=A/20260101/r/{service}/aws4_request\n\
             content-length: 0\nconnection: close\n\n"
        )
    };
    check(&server, &signed("iam"), &["<ErrorResponse", "IncompleteSignature"]).await;
    check(&server, &signed("codedeploy"), &["UnknownOperationException"]).await;
    check(&server, &signed("ec2"), &["UnknownOperationException"]).await;
}

#[tokio::test]
async fn identity_errors_are_xml() {
    let server = TestServer::start().await;
    let mut wrong = server.root();
    wrong.secret_access_key.push('x');
    let client = crate::support::client(server.url(), wrong);
    let version = ("Version", "2010-05-08");
    let refused = client.query("iam", &[("Action", "ListUsers"), version]).await.expect_err("a wrong secret");
    assert_eq!(refused.code(), Some("SignatureDoesNotMatch"));
}

#[tokio::test]
async fn answers_without_output_are_empty() {
    let server = TestServer::start().await;
    server.call("CreateApplication", r#"{"applicationName":"web"}"#).await;
    // The client reads an empty answer as `{}`; a metric tells that it was counted as a success.
    server.check("DeleteApplication", r#"{"applicationName":"web"}"#, "{}").await;
    let metrics = server.raw("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let counted = r#"longshore_requests_total{service="codedeploy",operation="DeleteApplication",code="ok"}"#;
    assert!(metrics.contains(counted), "{metrics}");
}
