//! Tokens for GitHub accounts. Source: service.md §2.8 and §3.8.

use crate::host_command::{first_execution, specification};
use crate::support::{COMMIT, TestServer, check_as, quick};

const PUT: &str = "Longshore_v1.PutGitHubAccountToken";
const LINK: &str = "Longshore_v1.LinkApplicationToGitHub";
const LIST: &str = "ListGitHubAccountTokenNames";
const DELETE: &str = "DeleteGitHubAccountToken";

fn token(name: &str) -> String {
    format!(r#"{{"tokenName":"{name}","token":"ghp_of_{name}"}}"#)
}

#[tokio::test]
async fn tokens_are_kept_listed_and_deleted() {
    let server = TestServer::start().await;
    server.check(LIST, "{}", r#"{"tokenNameList":[],"nextToken":null}"#).await;
    server.check(PUT, &token("b"), r#"{"tokenName":"b","token":null}"#).await;
    server.check(PUT, &token("a"), r#"{"tokenName":"a"}"#).await;
    server.check(PUT, &token("a"), r#"{"tokenName":"a"}"#).await;
    server.check(LIST, "{}", r#"{"tokenNameList":["a","b"]}"#).await;
    server.check(DELETE, r#"{"tokenName":"a"}"#, r#"{"tokenName":"a"}"#).await;
    server.check(DELETE, r#"{"tokenName":"a"}"#, "GitHubAccountTokenDoesNotExistException: `a`").await;
    server.check(LIST, "{}", r#"{"tokenNameList":["b"]}"#).await;
}

#[tokio::test]
async fn names_and_tokens_are_checked() {
    let server = TestServer::start().await;
    for operation in [DELETE, PUT] {
        server.check(operation, "{}", "GitHubAccountTokenNameRequiredException").await;
        server.check(operation, r#"{"tokenName":""}"#, "GitHubAccountTokenNameRequiredException").await;
        server
            .check(operation, r#"{"tokenName":"a b"}"#, "InvalidGitHubAccountTokenNameException: `a b`")
            .await;
    }
    for bad in ["", r#","token":"""#, r#","token":"two words""#] {
        let put = format!(r#"{{"tokenName":"a"{bad}}}"#);
        server.check(PUT, &put, "ValidationException: printable").await;
    }
    server.check(LIST, "{}", r#"{"tokenNameList":[]}"#).await;
}

#[tokio::test]
async fn the_limit_is_refused_on_creation() {
    let mut config = quick();
    assert_eq!(config.quotas.git_hub_tokens, 25, "service.md §12");
    config.quotas.git_hub_tokens = 1;
    let server = TestServer::start_with(config).await;
    server.check(PUT, &token("a"), "{}").await;
    server.check(PUT, &token("b"), "GitHubAccountTokenLimitExceededException: at most 1").await;
    server.check(PUT, &token("a"), "{}").await;
}

#[tokio::test]
async fn names_are_listed_by_page() {
    let mut config = quick();
    config.page_size = 1;
    let server = TestServer::start_with(config).await;
    for name in ["a", "b"] {
        server.call(PUT, &token(name)).await;
    }
    let first = server.call(LIST, "{}").await;
    assert_eq!(first["tokenNameList"], serde_json::json!(["a"]));
    let more = format!(r#"{{"nextToken":{}}}"#, first["nextToken"]);
    server.check(LIST, &more, r#"{"tokenNameList":["b"],"nextToken":null}"#).await;
    server.check(LIST, r#"{"nextToken":"x"}"#, "InvalidNextTokenException").await;
}

#[tokio::test]
async fn a_link_shows_and_ends_with_its_token() {
    let server = TestServer::start().await;
    server.call("CreateApplication", r#"{"applicationName":"web"}"#).await;
    let link = r#"{"applicationName":"web","tokenName":"a"}"#;
    server.check(LINK, link, "GitHubAccountTokenDoesNotExistException").await;
    server.call(PUT, &token("a")).await;
    server.check(LINK, &link.replace("web", "nope"), "ApplicationDoesNotExistException").await;
    server.check(LINK, r#"{"tokenName":"a"}"#, "ApplicationNameRequiredException").await;
    let get = r#"{"applicationName":"web"}"#;
    let linked = r#"{"application":{"linkedToGitHub":true,"gitHubAccountName":"a"}}"#;
    let unlinked = r#"{"application":{"linkedToGitHub":false,"gitHubAccountName":null}}"#;
    server.check(LINK, link, "{}").await;
    server.check("GetApplication", get, linked).await;
    server.check(LINK, get, "{}").await;
    server.check("GetApplication", get, unlinked).await;
    server.check(LINK, link, "{}").await;
    server.call(DELETE, r#"{"tokenName":"a"}"#).await;
    server.check("GetApplication", get, unlinked).await;
}

/// What a host is told about a revision on GitHub: the token that its application is linked to now.
#[tokio::test]
async fn a_linked_application_s_hosts_are_given_the_token() {
    let server = TestServer::start().await.with_group().await;
    let (arn, agent) = server.host("h1").await;
    server.call(PUT, &token("a")).await;
    server.call(LINK, r#"{"applicationName":"web","tokenName":"a"}"#).await;
    let create = format!(
        r#"{{"applicationName":"web","deploymentGroupName":"prod","revision":{{"revisionType":"GitHub",
            "gitHubLocation":{{"repository":"acme/site","commitId":"{COMMIT}"}}}}}}"#
    );
    server.call("CreateDeployment", &create).await;
    let execution = first_execution(&agent, &arn).await;
    let given = specification(&agent, &arn, &execution).await;
    assert_eq!(given.git_hub_access_token.as_ref().map(|token| token.0.as_str()), Some("ghp_of_a"));
    // Replaced meanwhile: the new one counts.
    server.call(PUT, r#"{"tokenName":"a","token":"ghp_new"}"#).await;
    let given = specification(&agent, &arn, &execution).await;
    assert_eq!(given.git_hub_access_token.as_ref().map(|token| token.0.as_str()), Some("ghp_new"));
    server.call(DELETE, r#"{"tokenName":"a"}"#).await;
    let given = specification(&agent, &arn, &execution).await;
    assert_eq!(given.git_hub_access_token, None);
}

#[tokio::test]
async fn tokens_need_permission() {
    let server = TestServer::start().await;
    let (_, user) = server.user("nobody").await;
    for (operation, input) in [
        (PUT, token("a")),
        (LIST, String::from("{}")),
        (DELETE, String::from(r#"{"tokenName":"a"}"#)),
        (LINK, String::from(r#"{"applicationName":"web"}"#)),
    ] {
        check_as(&user, operation, &input, "AccessDeniedException").await;
    }
}
