//! Roles taken for a while, and what their credentials open.

use longshore_wire::client::{CallError, Client};
use longshore_wire::sigv4::Credentials;
use serde_json::{Value, json};

use crate::signature::Signed;
use crate::support::{TestServer, check_as, client, element};

const WRONG: &str =
    "UnrecognizedClientException\",\"message\":\"The security token included in the request is invalid.";

/// Takes the role `name` as `caller`.
pub(crate) async fn assume(
    caller: &Client,
    name: &str,
    more: &[(&str, &str)],
) -> Result<Credentials, CallError> {
    let arn = format!("arn:aws:iam::111122223333:role/{name}");
    let mut params = vec![("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", arn.as_str())];
    if !more.iter().any(|(name, _)| *name == "RoleSessionName") {
        params.push(("RoleSessionName", "s1"));
    }
    params.extend(more);
    let xml = caller.query("sts", &params).await?;
    Ok(Credentials {
        access_key_id: element(&xml, "AccessKeyId"),
        secret_access_key: element(&xml, "SecretAccessKey"),
        session_token: Some(element(&xml, "SessionToken")),
    })
}

/// `expected`: the code and a part of the message.
#[track_caller]
fn check_refused(answer: Result<Credentials, CallError>, expected: (&str, &str)) {
    match answer {
        Err(CallError::Service { code, message, .. }) => {
            assert!(
                code == expected.0 && message.contains(expected.1),
                "{code}: {message}, not {expected:?}"
            );
        }
        other => panic!("{other:?}, not {expected:?}"),
    }
}

const DENIED: (&str, &str) =
    ("AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::");

#[tokio::test]
async fn a_session_does_what_its_role_allows() {
    let server = TestServer::start().await.with_group().await;
    let (arn, ann) = server.user("ann").await;
    server.trusting_role("deploy", &format!(r#"{{"AWS":"{arn}"}}"#)).await;
    server.allow_role("deploy", r#"{"Effect":"Allow","Action":"codedeploy:Get*","Resource":"*"}"#).await;
    let credentials = assume(&ann, "deploy", &[]).await.expect("assumed");
    assert!(credentials.access_key_id.starts_with("ASIA"), "{}", credentials.access_key_id);
    let session = client(server.url(), credentials);
    let who = session.query("sts", &[("Action", "GetCallerIdentity")]).await.expect("anybody may ask");
    assert_eq!(element(&who, "Arn"), "arn:aws:sts::111122223333:assumed-role/deploy/s1");
    let user_id = element(&who, "UserId");
    assert!(user_id.starts_with("AROA") && user_id.ends_with(":s1"), "{user_id}");
    check_as(&session, "GetApplication", r#"{"applicationName":"web"}"#, "{}").await;
    let denied =
        "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/deploy/s1 is not authorized";
    check_as(&session, "DeleteApplication", r#"{"applicationName":"web"}"#, denied).await;
    // A policy of the role counts at once, for sessions too.
    server.allow_role("deploy", r#"{"Effect":"Allow","Action":"codedeploy:List*","Resource":"*"}"#).await;
    check_as(&session, "GetApplication", r#"{"applicationName":"web"}"#, "AccessDeniedException").await;
    check_as(&session, "ListApplications", "{}", "{}").await;
}

#[tokio::test]
async fn a_role_is_for_those_it_trusts() {
    let server = TestServer::start().await;
    let (arn, ann) = server.user("ann").await;
    let (_, bob) = server.user("bob").await;
    server.trusting_role("named", &format!(r#"{{"AWS":"{arn}"}}"#)).await;
    server.trusting_role("account", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#).await;
    server.trusting_role("all", r#""*""#).await;
    server.trusting_role("service", r#"{"Service":"codedeploy.amazonaws.com"}"#).await;
    assume(&ann, "named", &[]).await.expect("named");
    assume(&bob, "all", &[]).await.expect("everybody");
    check_refused(assume(&bob, "named", &[]).await, DENIED);
    check_refused(assume(&ann, "account", &[]).await, DENIED);
    check_refused(assume(&ann, "nowhere", &[]).await, DENIED);
    check_refused(assume(server.client(), "service", &[]).await, DENIED);
    assume(server.client(), "account", &[]).await.expect("root is the account");
    let statement = |effect: &str| {
        let on = "arn:aws:iam::111122223333:role/*";
        format!(r#"{{"Effect":"{effect}","Action":"sts:AssumeRole","Resource":"{on}"}}"#)
    };
    server.allow("ann", &statement("Allow")).await;
    assume(&ann, "account", &[]).await.expect("the account, and its own policy");
    check_refused(assume(&ann, "service", &[]).await, DENIED);
    server.allow("ann", &statement("Deny")).await;
    check_refused(assume(&ann, "named", &[]).await, ("AccessDenied", "with an explicit deny"));
}

#[tokio::test]
async fn trust_may_depend_on_the_request() {
    let server = TestServer::start().await;
    let (_, ann) = server.user("ann").await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",
        "Condition":{"StringEquals":{"sts:RoleSessionName":"${aws:username}","sts:ExternalId":"x1"}}}]}"#;
    server.role("own", trust).await;
    let ask = async |name, id| assume(&ann, "own", &[("RoleSessionName", name), ("ExternalId", id)]).await;
    ask("ann", "x1").await.expect("as itself");
    check_refused(ask("bob", "x1").await, DENIED);
    check_refused(ask("ann", "x2").await, DENIED);
}

#[tokio::test]
async fn what_is_asked_has_its_rules() {
    let server = TestServer::start().await;
    let root = server.client();
    server.trusting_role("r", r#""*""#).await;
    let ask = async |more: &[(&str, &str)]| assume(root, "r", more).await;
    let invalid = |text| ("ValidationError", text);
    check_refused(ask(&[("RoleSessionName", "x")]).await, invalid("greater than or equal to 2"));
    check_refused(ask(&[("RoleSessionName", "a b")]).await, invalid("'RoleSessionName'"));
    check_refused(ask(&[("RoleSessionName", &"x".repeat(65))]).await, invalid("'RoleSessionName'"));
    check_refused(ask(&[("DurationSeconds", "899")]).await, invalid("900 to 43200"));
    check_refused(ask(&[("DurationSeconds", "43201")]).await, invalid("900 to 43200"));
    check_refused(ask(&[("DurationSeconds", "3601")]).await, invalid("exceeds the MaxSessionDuration"));
    check_refused(ask(&[("Policy", "{}")]).await, ("MalformedPolicyDocument", "no Statement"));
    check_refused(ask(&[("Tags.member.1.Key", "k")]).await, ("NotImplemented", "Tags.member.1.Key"));
    let first = ask(&[("DurationSeconds", "900")]).await.expect("assumed");
    let in_session = client(server.url(), first);
    server.trusting_role("second", r#"{"AWS":"arn:aws:iam::111122223333:role/r"}"#).await;
    assume(&in_session, "second", &[]).await.expect("a role is taken in a session of another");
}

#[tokio::test]
async fn a_session_policy_restricts_and_never_gives() {
    let server = TestServer::start().await.with_group().await;
    server.trusting_role("r", r#""*""#).await;
    server
        .allow_role(
            "r",
            r#"{"Effect":"Allow","Action":["codedeploy:Get*","codedeploy:List*"],"Resource":"*"}"#,
        )
        .await;
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow",
        "Action":["codedeploy:Get*","codedeploy:Delete*"],"Resource":"*"}}"#;
    let credentials = assume(server.client(), "r", &[("Policy", policy)]).await.expect("assumed");
    let session = client(server.url(), credentials);
    check_as(&session, "GetApplication", r#"{"applicationName":"web"}"#, "{}").await;
    let denied =
        "AccessDeniedException: because no session policy allows the codedeploy:ListApplications action";
    check_as(&session, "ListApplications", "{}", denied).await;
    check_as(&session, "DeleteApplication", r#"{"applicationName":"web"}"#, "AccessDeniedException").await;
}

#[tokio::test]
async fn the_token_belongs_to_the_key() {
    let server = TestServer::start().await;
    server.trusting_role("r", r#""*""#).await;
    server.allow_role("r", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    let first = assume(server.client(), "r", &[]).await.expect("assumed");
    let second = assume(server.client(), "r", &[]).await.expect("assumed");
    let check = async |credentials: Credentials, expected: &str| {
        let signed = Signed { credentials, ..Signed::by_root(&server) };
        let answer = server.raw(&signed.render(&server, &signed.body)).await;
        assert!(answer.contains(expected), "{answer} has no {expected}");
    };
    check(first.clone(), "200 OK").await;
    check(Credentials { session_token: None, ..first.clone() }, WRONG).await;
    check(Credentials { session_token: second.session_token.clone(), ..first.clone() }, WRONG).await;
    check(Credentials { session_token: second.session_token, ..server.root() }, WRONG).await;
    let altered = Credentials { secret_access_key: String::from("x"), ..first.clone() };
    check(altered, "InvalidSignatureException").await;
    let mut without = first.clone();
    without.session_token = None;
    let answer = server.s3(&without, "GET", "/").await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("<Code>InvalidToken</Code>"), "{answer}");
    let answer = server.s3(&first, "GET", "/").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.iam("Action=DeleteRolePolicy&RoleName=r&PolicyName=test").await;
    server.iam("Action=DeleteRole&RoleName=r").await;
    check(first.clone(), WRONG).await;
    let answer = server.s3(&first, "GET", "/").await;
    assert!(answer.contains("<Code>InvalidAccessKeyId</Code>"), "{answer}");
}

#[tokio::test]
async fn a_host_polls_in_its_session() {
    let server = TestServer::start().await.with_group().await;
    server.trusting_role("hosts", r#"{"AWS":"111122223333"}"#).await;
    let arn = "arn:aws:sts::111122223333:assumed-role/hosts/web-1";
    let register = format!(r#"{{"instanceName":"web-1","iamSessionArn":"{arn}"}}"#);
    server.call("RegisterOnPremisesInstance", &register).await;
    let tag = r#"{"instanceNames":["web-1"],"tags":[{"Key":"env","Value":"prod"}]}"#;
    server.call("AddTagsToOnPremisesInstances", tag).await;
    let id = server.deploy("").await;
    server.wait_for_begin(&id).await;
    let poll = async |session: &str, identifier: &str| {
        let credentials =
            assume(server.client(), "hosts", &[("RoleSessionName", session)]).await.expect("assumed");
        let agent = client(server.url(), credentials);
        let target = "CodeDeployCommandService_v20141006.PollHostCommand";
        agent
            .call_json::<_, Value>("codedeploy-commands", target, &json!({ "HostIdentifier": identifier }))
            .await
    };
    let other = poll("web-2", arn).await.expect_err("another session");
    assert!(other.to_string().contains("AccessDenied"), "{other}");
    let command = poll("web-1", arn).await.expect("a poll");
    assert_eq!(command["HostCommand"]["HostIdentifier"], arn);
    // Fresh credentials under the same name are the same host.
    poll("web-1", arn).await.expect("a poll");
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_end_in_time() {
    let mut server = TestServer::start().await.with_group().await;
    server.trusting_role("r", r#""*""#).await;
    server.allow_role("r", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    let credentials = assume(server.client(), "r", &[]).await.expect("assumed");
    server.restart().await;
    let session = client(server.url(), credentials);
    check_as(&session, "GetApplication", r#"{"applicationName":"web"}"#, "{}").await;
    let ended = server.ended_session("r").await;
    let session = client(server.url(), ended.clone());
    let expired = "ExpiredTokenException: The security token included in the request is expired";
    check_as(&session, "GetApplication", r#"{"applicationName":"web"}"#, expired).await;
    let answer = server.s3(&ended, "GET", "/").await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("<Code>ExpiredToken</Code>"), "{answer}");
}
