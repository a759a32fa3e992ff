//! Who signed, and when. Source: service.md §1.2.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Request;
use longshore_model::time::Timestamp;
use longshore_wire::sigv4::{Credentials, payload_sha256_hex, sign};

use crate::support::{REGION, TestServer};

const TARGET: &str = "CodeDeploy_20141006.ListApplications";

/// A signed request in bytes.
pub(crate) struct Signed {
    pub(crate) credentials: Credentials,
    pub(crate) region: &'static str,
    pub(crate) service: &'static str,
    pub(crate) target: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) body: String,
}

impl Signed {
    pub(crate) fn by_root(server: &TestServer) -> Signed {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Signed {
            credentials: server.root(),
            region: REGION,
            service: "codedeploy",
            target: TARGET,
            at: Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).expect("in range")),
            body: String::from("{}"),
        }
    }

    pub(crate) fn render(&self, server: &TestServer, sent_body: &str) -> String {
        let host = server.url().trim_start_matches("http://").to_owned();
        let request = Request::builder()
            .method("POST")
            .uri("/")
            .header("host", host)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", self.target);
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let hash = payload_sha256_hex(self.body.as_bytes());
        sign(&mut parts, &hash, &self.credentials, self.region, self.service, self.at).expect("signed");
        let headers: String = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("ASCII")))
            .collect();
        let length = sent_body.len();
        format!(
            "POST / HTTP/1.1\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{sent_body}"
        )
    }

    /// Sends it and looks for `expected` in the answer.
    async fn check(&self, server: &TestServer, expected: &str) {
        let answer = server.raw(&self.render(server, &self.body)).await;
        assert!(answer.contains(expected), "{answer} has no {expected}");
    }
}

#[tokio::test]
async fn a_good_signature_is_answered() {
    let server = TestServer::start().await;
    Signed::by_root(&server).check(&server, "HTTP/1.1 200 OK").await;
}

#[tokio::test]
async fn what_is_wrong_is_said_by_name() {
    let server = TestServer::start().await;
    let by_root = || Signed::by_root(&server);
    let mut unknown = by_root();
    unknown.credentials.access_key_id = String::from("AKIANOBODY");
    unknown.check(&server, "UnrecognizedClientException").await;
    let mut wrong = by_root();
    wrong.credentials.secret_access_key.push('x');
    wrong.check(&server, "InvalidSignatureException").await;
    wrong.check(&server, "The request signature we calculated does not match").await;
    let mut session = by_root();
    session.credentials.session_token = Some(String::from("FwoGZXIvYXdzEXAMPLETOKEN"));
    session.check(&server, "UnrecognizedClientException").await;
    Signed { region: "us-west-2", ..by_root() }
        .check(&server, "Credential should be scoped to a valid region, not 'us-west-2'.")
        .await;
    Signed { service: "codedeploy-commands", ..by_root() }
        .check(&server, "Credential should be scoped to correct service: 'codedeploy'.")
        .await;
}

#[tokio::test]
async fn clocks_may_differ_by_five_minutes() {
    let server = TestServer::start().await;
    let by_root = || Signed::by_root(&server);
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let at = by_root().at;
    Signed { at: at.minus(minutes(4)), ..by_root() }.check(&server, "200 OK").await;
    Signed { at: at.plus(minutes(4)), ..by_root() }.check(&server, "200 OK").await;
    let old = Signed { at: at.minus(minutes(6)), ..by_root() };
    old.check(&server, "InvalidSignatureException\",\"message\":\"Signature expired: ").await;
    old.check(&server, " - 5 min.)").await;
    let early = Signed { at: at.plus(minutes(6)), ..by_root() };
    early.check(&server, "Signature not yet current: ").await;
}

#[tokio::test]
async fn an_altered_body_is_refused() {
    let server = TestServer::start().await;
    let altered = Signed::by_root(&server).render(&server, r#"{"a":1}"#);
    let answer = server.raw(&altered).await;
    assert!(answer.contains("InvalidSignatureException"), "{answer}");
}

#[tokio::test]
async fn nothing_goes_without_a_signature() {
    let server = TestServer::start().await;
    let unsigned = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: {TARGET}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let answer = server.raw(&unsigned).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let body = r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#;
    assert!(answer.ends_with(body), "{answer}");
    let malformed = unsigned.replace("content-length", "authorization: AWS4-HMAC-SHA256 x\r\ncontent-length");
    let answer = server.raw(&malformed).await;
    assert!(answer.contains("IncompleteSignatureException"), "{answer}");
}

#[tokio::test]
async fn a_key_that_was_deleted_is_unknown_at_once() {
    let server = TestServer::start().await;
    let (_, credentials) = server.user_key("ann").await;
    let by_ann = Signed { credentials: credentials.clone(), ..Signed::by_root(&server) };
    by_ann.check(&server, "AccessDeniedException").await;
    let delete = [
        ("Action", "DeleteAccessKey"),
        ("Version", "2010-05-08"),
        ("UserName", "ann"),
        ("AccessKeyId", credentials.access_key_id.as_str()),
    ];
    server.client().query("iam", &delete).await.expect("deleted");
    by_ann.check(&server, "UnrecognizedClientException").await;
}
