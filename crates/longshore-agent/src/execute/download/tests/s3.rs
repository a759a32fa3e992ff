//! S3: resumption, redirects, refusals, addressing.

use longshore_model::evidence::Evidence;

use super::Host;
use crate::execute::download::{DownloadError, Object};
use crate::failure::Evident;
use crate::identity::CredentialSource;
use crate::test_server::{Reply, Seen, TestServer};

const OBJECT: Object<'static> = Object { bucket: "bundles", key: "app.tgz", version: None, e_tag: None };

fn content() -> Vec<u8> {
    (0..3000_u32).map(|number| u8::try_from(number % 251).expect("small")).collect()
}

/// Answers as S3 does: the whole object, or the range that was asked for if the ETag is still right.
fn object(request: &Seen, e_tag: &str) -> Reply {
    let content = content();
    let Some(begin) = request.header("range").strip_prefix("bytes=") else {
        return Reply::new(200, content).header("etag", e_tag);
    };
    if request.header("if-match") != e_tag {
        return Reply::new(412, "<Error><Code>PreconditionFailed</Code></Error>");
    }
    let begin: usize = begin.trim_end_matches('-').parse().expect("a number");
    let range = format!("bytes {begin}-{}/{}", content.len() - 1, content.len());
    Reply::new(206, &content[begin..]).header("etag", e_tag).header("content-range", range)
}

fn at(server: &TestServer) -> String {
    format!("s3_endpoint_override: {}\n", server.address())
}

async fn fetch(host: &Host, object: &Object<'_>) -> Result<Option<String>, DownloadError> {
    host.downloader.fetch(object, &host.bundle()).await
}

/// The download succeeds with the whole content, asking for these ranges.
async fn check_ranges(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static, ranges: &[&str]) {
    let server = TestServer::start(answer).await;
    let host = Host::new(&at(&server));
    let e_tag = fetch(&host, &OBJECT).await.expect("a bundle");
    assert!(e_tag.is_some());
    assert!(host.content() == Some(content()), "another content");
    let asked: Vec<String> =
        server.requests().iter().map(|request| request.header("range").to_owned()).collect();
    assert_eq!(asked, ranges);
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_broke() {
    let breaks = [1000, 500];
    let answer = move |n: usize, request: &Seen| {
        let reply = object(request, "\"e1\"");
        if n < breaks.len() { reply.cut_after(breaks[n]) } else { reply }
    };
    check_ranges(answer, &["", "bytes=1000-", "bytes=1500-"]).await;
}

#[tokio::test]
async fn a_server_without_ranges_sends_everything_again() {
    let answer = |n: usize, _: &Seen| {
        let reply = Reply::new(200, content()).header("etag", "\"e1\"");
        if n == 0 { reply.cut_after(1000) } else { reply }
    };
    check_ranges(answer, &["", "bytes=1000-"]).await;
}

#[tokio::test]
async fn an_object_that_changed_meanwhile_is_begun_anew() {
    let answer = |n: usize, request: &Seen| match n {
        0 => Reply::new(200, vec![0; 5000]).header("etag", "\"old\"").cut_after(1000),
        _ => object(request, "\"new\""),
    };
    check_ranges(answer, &["", "bytes=1000-", ""]).await;
}

#[tokio::test]
async fn what_has_no_strong_etag_is_begun_anew() {
    let answer = |n: usize, request: &Seen| {
        let reply = object(request, "W/\"e1\"");
        if n == 0 { reply.cut_after(1000) } else { reply }
    };
    check_ranges(answer, &["", ""]).await;
}

#[tokio::test]
async fn a_wrong_range_is_not_believed() {
    let answer = |n: usize, request: &Seen| match n {
        0 => object(request, "\"e1\"").cut_after(1000),
        1 => Reply::new(206, "wrong").header("etag", "\"e1\"").header("content-range", "bytes 7-11/3000"),
        _ => object(request, "\"e1\""),
    };
    check_ranges(answer, &["", "bytes=1000-", ""]).await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let answer = |n: usize, request: &Seen| match n {
        0 => Reply::new(500, "<Error><Code>InternalError</Code></Error>"),
        1 => Reply::new(503, "<Error><Code>SlowDown</Code></Error>"),
        2 => Reply::hang_up(),
        _ => object(request, "\"e1\""),
    };
    check_ranges(answer, &["", "", "", ""]).await;
}

/// The download fails with this message and this evidence after so many requests, and leaves nothing.
async fn check_refused(
    object: &Object<'_>,
    answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    n_requests: usize,
    message: &str,
    evidence: Evidence,
) {
    let server = TestServer::start(answer).await;
    let host = Host::new(&at(&server));
    let error = fetch(&host, object).await.expect_err("refused");
    assert_eq!(error.to_string(), message);
    assert_eq!(error.evidence(), [evidence]);
    assert_eq!((host.content(), server.requests().len()), (None, n_requests));
}

fn refusal(status: u16, code: &str) -> Evidence {
    Evidence::HttpRefusal {
        subject: "s3://bundles/app.tgz".to_owned(),
        status,
        code: Some(code.to_owned()),
        request_id: Some("R1".to_owned()),
    }
}

#[tokio::test]
async fn a_refusal_says_what_was_asked_for_where_and_by_which_request() {
    for (status, code, message) in
        [(403, "AccessDenied", "Access Denied"), (404, "NoSuchKey", "The specified key does not exist.")]
    {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        let answer =
            move |_: usize, _: &Seen| Reply::new(status, body.clone()).header("x-amz-request-id", "R1");
        let expected = format!("{message} ({code}, s3://bundles/app.tgz, region us-east-1, request id R1)");
        check_refused(&OBJECT, answer, 1, &expected, refusal(status, code)).await;
    }
}

#[tokio::test]
async fn another_etag_is_another_bundle() {
    let evidence = Evidence::BundleDiffers {
        property: "etag".to_owned(),
        expected: "\"e2\"".to_owned(),
        actual: "\"e1\"".to_owned(),
    };
    let wanted = Object { e_tag: Some("\"e2\""), ..OBJECT };
    let message = "Expected deployment artifact bundle etag \"e2\" but was actually \"e1\"";
    check_refused(&wanted, |_, request| object(request, "\"e1\""), 1, message, evidence).await;
}

#[tokio::test]
async fn the_etag_may_have_quotes_or_not_and_the_version_is_asked_for() {
    let server = TestServer::start(|_, request| object(request, "\"e1\"")).await;
    let host = Host::new(&at(&server));
    for e_tag in ["e1", "\"e1\""] {
        let wanted = Object { e_tag: Some(e_tag), version: Some("v/1"), ..OBJECT };
        assert_eq!(fetch(&host, &wanted).await.expect("a bundle").as_deref(), Some("\"e1\""));
    }
    assert_eq!(server.lines(), ["GET /bundles/app.tgz?versionId=v%2F1"; 2]);
    let authorization = server.requests()[0].header("authorization").to_owned();
    assert!(authorization.contains("/us-east-1/s3/aws4_request"), "{authorization}");
}

/// What S3 says of a bucket in `region`, in the header or in the document.
fn elsewhere(region: &str, is_in_header: bool) -> Reply {
    if is_in_header {
        let body =
            "<Error><Code>PermanentRedirect</Code><Message>Use the specified endpoint.</Message></Error>";
        return Reply::new(301, body).header("x-amz-bucket-region", region);
    }
    Reply::new(
        400,
        format!("<Error><Code>AuthorizationHeaderMalformed</Code><Region>{region}</Region></Error>"),
    )
}

#[tokio::test]
async fn the_region_of_an_answer_is_asked_once() {
    for is_in_header in [true, false] {
        let answer = move |n: usize, request: &Seen| match n {
            0 => elsewhere("eu-west-1", is_in_header),
            _ => object(request, "\"e1\""),
        };
        let server = TestServer::start(answer).await;
        let host = Host::new(&at(&server));
        fetch(&host, &OBJECT).await.expect("a bundle");
        let authorization = server.requests()[1].header("authorization").to_owned();
        assert!(authorization.contains("/eu-west-1/s3/aws4_request"), "{authorization}");
    }
    for (region, n_requests) in [("eu-west-1", 2), ("evil.example/", 1), ("us-east-1", 1)] {
        let server = TestServer::start(move |_, _| elsewhere(region, true)).await;
        let host = Host::new(&at(&server));
        let error = fetch(&host, &OBJECT).await.expect_err("nowhere").to_string();
        assert!(error.starts_with("Use the specified endpoint. (PermanentRedirect, "), "{error}");
        assert_eq!(server.requests().len(), n_requests, "{region}");
    }
}

#[tokio::test]
async fn newer_keys_are_tried_once_after_an_expired_token() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("credentials");
    let write = |path: &std::path::Path, key: &str| {
        let text = format!("[default]\naws_access_key_id={key}\naws_secret_access_key=S\n");
        std::fs::write(path, text).expect("write");
    };
    write(&path, "OLD");
    let renewed = path.clone();
    let server = TestServer::start(move |n, request| {
        if n == 0 {
            write(&renewed, "NEWER");
            return Reply::new(400, "<Error><Code>ExpiredToken</Code></Error>");
        }
        object(request, "\"e1\"")
    })
    .await;
    let source = CredentialSource::shared_file(path, "default".to_owned());
    let host = Host::with_credentials(&at(&server), source);
    fetch(&host, &OBJECT).await.expect("a bundle");
    let authorization = server.requests()[1].header("authorization").to_owned();
    assert!(authorization.contains("Credential=NEWER/"), "{authorization}");
}

#[tokio::test]
async fn an_unreachable_store_is_said_with_a_hint() {
    // Nobody listens on the discard port of this machine's loopback.
    let nowhere = "s3_endpoint_override: http://127.0.0.1:9\n";
    for (more, hint) in [
        ("", ". Try using s3 endpoint override."),
        (
            "use_fips_mode: true\n",
            ". Check that Fips exists in us-east-1. Or, try using s3 endpoint override.",
        ),
    ] {
        let mut host = Host::new(&format!("{nowhere}{more}"));
        host.downloader.s3_patience = std::time::Duration::ZERO;
        let error = fetch(&host, &OBJECT).await.expect_err("nobody");
        let text = error.to_string();
        assert!(text.starts_with("cannot reach `127.0.0.1:9`") && text.ends_with(hint), "{text}");
        let evidence = error.evidence();
        let is_about_object = |evidence: &Evidence| matches!(evidence, Evidence::Unreachable { subject, .. } if subject == "s3://bundles/app.tgz");
        assert!(evidence.len() == 1 && is_about_object(&evidence[0]), "{evidence:?}");
    }
}

/// The first line that a proxy sees of a download with this configuration.
async fn check_address(config: &str, bucket: &str, expected: &str) {
    let proxy = TestServer::start(|_, _| Reply::new(404, "")).await;
    let user = proxy.address().replace("http://", "http://me:secret@");
    let mut host = Host::new(&format!("proxy_uri: {user}\n{config}"));
    host.downloader.s3_patience = std::time::Duration::ZERO;
    fetch(&host, &Object { bucket, ..OBJECT }).await.expect_err("the proxy has nothing");
    assert_eq!(proxy.lines(), [expected]);
    // `me:secret`
    assert_eq!(proxy.requests()[0].header("proxy-authorization"), "Basic bWU6c2VjcmV0");
}

#[tokio::test]
async fn the_address_follows_configuration_region_and_bucket() {
    check_address("", "bundles", "CONNECT bundles.s3.us-east-1.amazonaws.com:443").await;
    check_address("", "my.bundles", "CONNECT s3.us-east-1.amazonaws.com:443").await;
    check_address("use_fips_mode: true\n", "bundles", "CONNECT bundles.s3-fips.us-east-1.amazonaws.com:443")
        .await;
    check_address("s3_force_path_style: true\n", "bundles", "CONNECT s3.us-east-1.amazonaws.com:443").await;
    let own = "s3_endpoint_override: http://store.example\n";
    check_address(own, "bundles", "GET http://store.example/bundles/app.tgz").await;
    let virtual_host = format!("{own}s3_force_path_style: false\n");
    check_address(&virtual_host, "bundles", "GET http://bundles.store.example/app.tgz").await;
    check_address(&virtual_host, "My_Bundles", "GET http://store.example/My_Bundles/app.tgz").await;
    let both = format!("{own}use_fips_mode: true\n");
    check_address(&both, "bundles", "GET http://store.example/bundles/app.tgz").await;
}
