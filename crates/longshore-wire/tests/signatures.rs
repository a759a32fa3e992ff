//! Recorded requests as signature vectors: of both agent lines (the reference transcripts) and of botocore.

use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use longshore_model::time::Timestamp;
use longshore_wire::error::ApiError;
use longshore_wire::sigv4::{Claim, Credentials, SignatureError, payload_sha256_hex, sign};

/// The secret of AWS's documentation, which every recorded request was signed with.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

struct Recorded {
    name: String,
    parts: Parts,
    body: Vec<u8>,
}

fn recorded() -> Vec<Recorded> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/requests");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| parse(path.file_stem().expect("name").to_str().expect("UTF-8"), path)).collect()
}

fn parse(name: &str, path: &std::path::Path) -> Recorded {
    let text = std::fs::read_to_string(path).expect("a fixture");
    let (head, body) = text.split_once("\r\n\r\n").expect("a blank line");
    let mut lines = head.split("\r\n");
    let mut first = lines.next().expect("a request line").split(' ');
    let method = first.next().expect("a method");
    let (mut parts, ()) = Request::builder()
        .method(method)
        .uri(first.next().expect("a path"))
        .body(())
        .expect("a request")
        .into_parts();
    for line in lines {
        let (name, value) = line.split_once(": ").or(line.split_once(':')).expect("a header");
        parts.headers.append(
            HeaderName::from_bytes(name.as_bytes()).expect("a name"),
            HeaderValue::from_str(value).expect("a value"),
        );
    }
    Recorded { name: name.to_owned(), parts, body: body.as_bytes().to_vec() }
}

impl Recorded {
    fn named(name: &str) -> Recorded {
        recorded().into_iter().find(|request| request.name == name).expect("a fixture of that name")
    }

    fn claim(&self) -> Claim {
        Claim::from_request(&self.parts.uri, &self.parts.headers).expect(&self.name)
    }

    fn verify_at(&self, secret: &str, now: Timestamp) -> Result<(), SignatureError> {
        let Parts { method, uri, headers, .. } = &self.parts;
        let hash = payload_sha256_hex(&self.body);
        Claim::from_request(uri, headers)?.verify(secret, method, uri, headers, &hash, now)
    }

    fn verify(&self) -> Result<(), SignatureError> {
        self.verify_at(SECRET, self.claim().request_time)
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.parts.headers.insert(HeaderName::from_static(name), value.parse().expect("a value"));
    }
}

#[track_caller]
fn check_refused(request: &Recorded, code: &str) {
    let error = request.verify().expect_err(&request.name);
    assert_eq!(ApiError::from(error).code, code, "{}", request.name);
}

#[test]
fn every_recorded_request_is_authentic() {
    let requests = recorded();
    assert_eq!(requests.len(), 17);
    for request in &requests {
        request.verify().expect(&request.name);
    }
}

#[test]
fn another_secret_is_refused() {
    for request in recorded() {
        let result = request.verify_at("other", request.claim().request_time);
        assert_eq!(result, Err(SignatureError::Mismatch), "{}", request.name);
    }
}

#[test]
fn one_changed_bit_of_the_body_is_refused() {
    for mut request in recorded() {
        if let Some(byte) = request.body.last_mut() {
            *byte ^= 1;
            check_refused(&request, "InvalidSignatureException");
        }
    }
}

#[test]
fn a_changed_signed_header_is_refused() {
    for mut request in recorded() {
        let target = request.parts.headers.contains_key("x-amz-target");
        request.set("host", "127.0.0.1:1");
        check_refused(&request, "InvalidSignatureException");
        if target {
            let mut request = Recorded::named(&request.name);
            request.set("x-amz-target", "CodeDeployCommandService.PutHostCommandComplete");
            check_refused(&request, "InvalidSignatureException");
        }
    }
}

#[test]
fn a_changed_signature_is_refused() {
    for mut request in recorded() {
        let Some(value) = request.parts.headers.get(AUTHORIZATION) else {
            continue;
        };
        let mut text = value.to_str().expect("ASCII").to_owned();
        let last = if text.ends_with('0') { "1" } else { "0" };
        text.replace_range(text.len() - 1.., last);
        request.set("authorization", &text);
        check_refused(&request, "InvalidSignatureException");
    }
}

#[test]
fn a_presigned_query_is_signed_too() {
    let mut request = Recorded::named("botocore-sts-presigned");
    let changed = request.parts.uri.to_string().replace("GetCallerIdentity", "AssumeRole");
    request.parts.uri = changed.parse().expect("a URI");
    check_refused(&request, "InvalidSignatureException");
}

#[test]
fn a_stated_hash_must_be_the_bodys() {
    let mut request = Recorded::named("agent-1-poll-host-command");
    request.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    check_refused(&request, "InvalidSignatureException");
}

#[test]
fn signing_gives_the_recorded_authorization() {
    // 2.x agents leave out the payload header, which ours always sends.
    let ours = |request: &Recorded| {
        (request.name.starts_with("agent-1") || request.name == "botocore-s3-odd-key")
            && request.parts.headers.contains_key(AUTHORIZATION)
    };
    for request in recorded().into_iter().filter(ours) {
        let claim = request.claim();
        let credentials = Credentials {
            access_key_id: claim.access_key_id.clone(),
            secret_access_key: SECRET.to_owned(),
            session_token: claim.session_token.clone(),
        };
        let hash = payload_sha256_hex(&request.body);
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = request.parts.method.clone();
        parts.uri = request.parts.uri.clone();
        parts.headers = without_signature(&request.parts.headers);
        sign(&mut parts, &hash, &credentials, &claim.scope.region, &claim.scope.service, claim.request_time)
            .expect("signed");
        assert_eq!(parts.headers[AUTHORIZATION], request.parts.headers[AUTHORIZATION], "{}", request.name);
    }
}

fn without_signature(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"] {
        headers.remove(name);
    }
    headers
}

#[test]
fn the_clock_may_be_five_minutes_off_and_no_more() {
    let request = Recorded::named("agent-1-poll-host-command");
    let at = |secs: i64| {
        let millis = request.claim().request_time.millis() + secs * 1000;
        request.verify_at(SECRET, Timestamp::from_millis(millis)).map_err(|error| error.to_string())
    };
    assert_eq!(at(300), Ok(()));
    assert_eq!(at(-300), Ok(()));
    let expired = "Signature expired: 20261122T194713Z is now earlier than 20261122T194714Z (20261122T195214Z - 5 min.)";
    assert_eq!(at(301), Err(expired.to_owned()));
    let early = "Signature not yet current: 20261122T194713Z is still later than 20261122T194712Z (20261122T194212Z + 5 min.)";
    assert_eq!(at(-301), Err(early.to_owned()));
}

#[test]
fn a_presigned_request_expires_when_it_says() {
    let request = Recorded::named("botocore-sts-presigned");
    let at = |secs: i64| {
        let millis = request.claim().request_time.millis() + secs * 1000;
        request.verify_at(SECRET, Timestamp::from_millis(millis)).is_ok()
    };
    assert!(at(60));
    assert!(!at(61));
}

#[track_caller]
fn check_header(authorization: Option<&str>, code: &str) {
    let mut request = Recorded::named("agent-1-poll-host-command");
    match authorization {
        Some(value) => request.set("authorization", value),
        None => drop(request.parts.headers.remove(AUTHORIZATION)),
    }
    let claim = Claim::from_request(&request.parts.uri, &request.parts.headers);
    let result = claim.and_then(|claim| {
        let Parts { method, uri, headers, .. } = &request.parts;
        let now = claim.request_time;
        claim.verify(SECRET, method, uri, headers, &payload_sha256_hex(&request.body), now)
    });
    assert_eq!(ApiError::from(result.expect_err("refused")).code, code, "{authorization:?}");
}

#[test]
fn what_is_no_claim_is_named() {
    let incomplete = "IncompleteSignatureException";
    let scope = "AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/codedeploy-commands/aws4_request";
    check_header(None, "MissingAuthenticationTokenException");
    check_header(Some(""), incomplete);
    check_header(Some("Basic eDp5"), incomplete);
    check_header(Some("AWS4-HMAC-SHA256"), incomplete);
    check_header(Some(&format!("AWS4-HMAC-SHA256 Credential={scope}")), incomplete);
    check_header(Some("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"), incomplete);
    // The target decides who answers, so it must be signed; and so must the host.
    check_header(
        Some(&format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00")),
        incomplete,
    );
    check_header(
        Some(&format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=x-amz-target, Signature=00")),
        incomplete,
    );
    check_header(
        Some(&format!(
            "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-none;x-amz-target, Signature=00"
        )),
        incomplete,
    );
    let other_day = scope.replace("20261122", "20261121");
    check_header(
        Some(&format!(
            "AWS4-HMAC-SHA256 Credential={other_day}, SignedHeaders=host;x-amz-target, Signature=00"
        )),
        "InvalidSignatureException",
    );
}

#[test]
fn a_claim_without_spaces_after_commas_is_read() {
    let mut request = Recorded::named("agent-1-poll-host-command");
    let text = request.parts.headers[AUTHORIZATION].to_str().expect("ASCII").replace(", ", ",");
    request.set("authorization", &text);
    request.verify().expect("authentic");
}

#[test]
fn the_scope_must_fit() {
    let claim = Recorded::named("agent-1-poll-host-command").claim();
    assert_eq!(claim.check_scope(&["eu-west-1", "us-east-1"], "codedeploy-commands"), Ok(()));
    let region = claim.check_scope(&["eu-west-1"], "codedeploy-commands").expect_err("refused");
    assert_eq!(region.to_string(), "Credential should be scoped to a valid region, not 'us-east-1'.");
    assert!(claim.check_scope(&["us-east-1"], "codedeploy").is_err());
}

#[test]
fn the_host_may_stand_in_the_uri() {
    let mut request = Recorded::named("agent-1-poll-host-command");
    request.parts.headers.remove(HOST);
    request.parts.uri = "http://127.0.0.1:8970/".parse().expect("a URI");
    request.verify().expect("authentic");
}
