//! GitHub: addresses, redirects, tokens, what is tried again.

use longshore_model::evidence::Evidence;
use longshore_wire::host_command::specification::AccessToken;

use super::Host;
use crate::execute::download::{Commit, DownloadError};
use crate::failure::Evident;
use crate::test_server::{Reply, Seen, TestServer};

const TARBALL: &str = "/api/v3/repos/us/app/tarball/0a1b";

async fn fetch(host: &Host, token: Option<&AccessToken>) -> Result<(), DownloadError> {
    let commit = Commit { account: "us", repository: "app", commit_id: "0a1b", bundle_type: None, token };
    host.downloader.fetch_commit(&commit, &host.bundle()).await
}

fn at(server: &TestServer) -> String {
    format!("github_api_endpoint: {}/api/v3\n", server.address())
}

#[tokio::test]
async fn the_token_goes_to_the_api_and_not_where_it_sends_us() {
    let store = TestServer::start(|_, _| Reply::new(200, "packed")).await;
    let target = format!("{}/us/app/0a1b?token=download", store.address());
    let api = TestServer::start(move |n, _| match n {
        0 => Reply::new(301, "").header("location", "/api/v3/repositories/7/tarball/0a1b"),
        _ => Reply::new(302, "").header("location", target.clone()),
    })
    .await;
    let host = Host::new(&at(&api));
    let token = AccessToken("ghp_hidden".to_owned());
    fetch(&host, Some(&token)).await.expect("a bundle");
    assert_eq!(host.content().as_deref(), Some(b"packed".as_slice()));
    let renamed = "GET /api/v3/repositories/7/tarball/0a1b".to_owned();
    assert_eq!(api.lines(), [format!("GET {TARBALL}"), renamed]);
    assert!(api.requests().iter().all(|request| request.header("authorization") == "token ghp_hidden"));
    let stored = store.requests().remove(0);
    assert_eq!((stored.line(), stored.header("authorization")), ("GET /us/app/0a1b?token=download", ""));
    assert!(stored.header("user-agent").starts_with("longshore-agent/"));
}

#[tokio::test]
async fn without_a_token_nobody_is_named() {
    let api = TestServer::start(|_, _| Reply::new(200, "packed")).await;
    fetch(&Host::new(&at(&api)), None).await.expect("a bundle");
    assert_eq!(api.requests()[0].header("authorization"), "");
}

/// After these answers, the last one repeated, the download fails with these codes after so many retries.
async fn check_refused(statuses: &'static [u16], n_retries: usize, codes: &str) {
    let last = statuses.len() - 1;
    let answer = move |n: usize, _: &Seen| {
        Reply::new(statuses[n.min(last)], "ghp_hidden").header("x-github-request-id", "G1")
    };
    let api = TestServer::start(answer).await;
    let host = Host::new(&at(&api));
    let token = AccessToken("ghp_hidden".to_owned());
    let error = fetch(&host, Some(&token)).await.expect_err("refused");
    let url = format!("{}{TARBALL}", api.address());
    let expected = format!(
        "Could not download bundle at '{url}' after {n_retries} retries. Server returned codes: {codes}."
    );
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains("hidden"));
    assert_eq!((api.requests().len(), host.content()), (n_retries + 1, None));
    let evidence = error.evidence();
    assert_eq!(evidence.len(), n_retries + 1);
    let request_id = Some("G1".to_owned());
    assert_eq!(
        evidence[0],
        Evidence::HttpRefusal { subject: url, status: statuses[0], code: None, request_id }
    );
}

#[tokio::test]
async fn what_will_not_pass_is_asked_once() {
    check_refused(&[404], 0, "404 'Not Found'").await;
    check_refused(&[401], 0, "401 'Unauthorized'").await;
    check_refused(&[403], 0, "403 'Forbidden'").await;
    check_refused(&[502, 404], 1, "502 'Bad Gateway'; 404 'Not Found'").await;
}

#[tokio::test]
async fn what_may_pass_is_asked_four_times() {
    let codes = "503 'Service Unavailable'; 429 'Too Many Requests'; 500 'Internal Server Error'; 500 'Internal Server Error'";
    check_refused(&[503, 429, 500], 3, codes).await;
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    let api = TestServer::start(|n, _| match n {
        0 => Reply::hang_up(),
        1 => Reply::new(200, "packed").cut_after(3),
        _ => Reply::new(200, "packed"),
    })
    .await;
    let host = Host::new(&at(&api));
    fetch(&host, None).await.expect("a bundle");
    assert_eq!(host.content().as_deref(), Some(b"packed".as_slice()));
    assert_eq!(api.requests().len(), 3);
}

#[tokio::test]
async fn nobody_there_is_said_with_the_reason() {
    let host = Host::new("github_api_endpoint: http://127.0.0.1:9\n");
    let error = fetch(&host, None).await.expect_err("nobody");
    let text = error.to_string();
    assert!(
        text.contains("after 3 retries. Server returned codes: no answer 'cannot reach `127.0.0.1:9`"),
        "{text}"
    );
    let is_unreachable = |evidence: &Evidence| matches!(evidence, Evidence::Unreachable { .. });
    assert!(error.evidence().iter().all(is_unreachable));
}

#[tokio::test]
async fn endless_redirects_end() {
    let api = TestServer::start(|_, _| Reply::new(302, "").header("location", "/again?token=hidden")).await;
    let error = fetch(&Host::new(&at(&api)), None).await.expect_err("endless").to_string();
    assert!(error.contains("after 0 retries") && !error.contains("hidden"), "{error}");
    assert_eq!(api.requests().len(), 6);
}

#[tokio::test]
async fn the_proxy_is_asked_and_github_com_is_the_default() {
    let proxy = TestServer::start(|_, _| Reply::new(200, "packed")).await;
    let config = format!("proxy_uri: {}\n", proxy.address());
    let enterprise = format!("{config}github_api_endpoint: http://git.example\n");
    fetch(&Host::new(&enterprise), None).await.expect("a bundle");
    let mut host = Host::new(&config);
    host.downloader.git_hub_pauses.clear();
    fetch(&host, None).await.expect_err("no tunnel that holds TLS");
    assert_eq!(
        proxy.lines(),
        ["GET http://git.example/repos/us/app/tarball/0a1b", "CONNECT api.github.com:443"]
    );
}
