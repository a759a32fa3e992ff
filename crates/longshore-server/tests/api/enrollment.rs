//! Tokens, and machines that become hosts with them.

use longshore_model::id::EnrollmentTokenId;
use longshore_wire::client::{CallError, Client};
use longshore_wire::enrollment::TokenText;
use longshore_wire::envelope;
use serde_json::{Value, json};

use crate::support::{TestServer, check_as, client};

const CREATE: &str = "Longshore_v1.CreateEnrollmentToken";
const LIST: &str = "Longshore_v1.ListEnrollmentTokens";
const REVOKE: &str = "Longshore_v1.RevokeEnrollmentToken";
const ENROLL: &str = "LongshoreHost_v1.EnrollHost";

async fn token(server: &TestServer, input: &str) -> TokenText {
    let made = server.call(CREATE, input).await;
    made["token"].as_str().expect("a text").parse().expect("a token")
}

fn bearer(server: &TestServer, token: &TokenText) -> Client {
    client(server.url(), token.credentials())
}

async fn enroll(client: &Client, name: &str, request_id: &str) -> Result<Value, CallError> {
    let input = json!({"name": name, "clientRequestId": request_id});
    client.call_json("codedeploy-commands", ENROLL, &input).await
}

/// `expected`: the name of an exception and a part of its message.
#[track_caller]
fn check_refused(answer: Result<Value, CallError>, expected: (&str, &str)) {
    match answer {
        Err(CallError::Service { code, message, .. }) => {
            assert!(code == expected.0 && message.contains(expected.1), "{code}: {message}");
        }
        other => panic!("{other:?}, not {expected:?}"),
    }
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap_or_else(|| panic!("{member} of {answer}"))
}

#[tokio::test]
async fn a_machine_becomes_a_host_that_may_poll_at_once() {
    let server = TestServer::start().await.with_group().await;
    let token =
        token(&server, r#"{"tags":[{"Key":"env","Value":"prod"},{"Key":"env","Value":"prod"}]}"#).await;
    let made = enroll(&bearer(&server, &token), "web-1", "r1").await.expect("enrolled");
    assert_eq!(text(&made, "iamUserArn"), "arn:aws:iam::111122223333:user/AWS/CodeDeploy/web-1");
    assert!(text(&made, "hostArn").starts_with("arn:aws:codedeploy:eu-test-1:111122223333:instance/web-1_"));
    assert_eq!(text(&made, "region"), "eu-test-1");
    let fingerprint = envelope::fingerprint(text(&made, "signerCertificate")).expect("one certificate");
    assert_eq!(fingerprint, token.signer_fingerprint);

    let mut host_key = token.credentials();
    text(&made, "accessKeyId").clone_into(&mut host_key.access_key_id);
    text(&made, "secretAccessKey").clone_into(&mut host_key.secret_access_key);
    let host = client(server.url(), host_key);
    let poll = json!({"HostIdentifier": made["iamUserArn"]});
    let target = "CodeDeployCommandService_v20141006.PollHostCommand";
    let answer: Value = host.call_json("codedeploy-commands", target, &poll).await.expect("a poll");
    assert_eq!(answer, json!({}));
    let listed = r#"{"hosts":[{"name":"web-1","lastPollTime":"*","tags":[{"Key":"env","Value":"prod"}]}]}"#;
    server.check("Longshore_v1.ListHosts", "{}", listed).await;
    // As `aws deploy register` makes it, so `aws deploy deregister` can take it away.
    let policy = [
        ("Action", "GetUserPolicy"),
        ("Version", "2010-05-08"),
        ("UserName", "web-1"),
        ("PolicyName", "codedeploy-agent"),
    ];
    server.client().query("iam", &policy).await.expect("the policy is there");
    let id = server.deploy("").await;
    server.wait_for_begin(&id).await;
}

#[tokio::test]
async fn a_token_opens_no_other_door() {
    let server = TestServer::start().await;
    let bearer = bearer(&server, &token(&server, "{}").await);
    check_as(&bearer, "ListApplications", "{}", "UnrecognizedClientException").await;
    check_as(&bearer, CREATE, "{}", "UnrecognizedClientException").await;
    check_as(&bearer, "Longshore_v1.ListHosts", "{}", "UnrecognizedClientException").await;
    for target in ["CodeDeployCommandService_v20141006.PollHostCommand", "LongshoreHost_v1.Nothing"] {
        let poll = json!({"HostIdentifier": "arn:aws:iam::111122223333:user/AWS/CodeDeploy/web-1"});
        let answer: Result<Value, _> = bearer.call_json("codedeploy-commands", target, &poll).await;
        assert!(matches!(answer, Err(CallError::Service { status: 400, .. })), "{target}: {answer:?}");
    }
    let users = [("Action", "ListUsers"), ("Version", "2010-05-08")];
    let refused = bearer.query("iam", &users).await.expect_err("refused").to_string();
    assert!(refused.contains("InvalidClientTokenId"), "{refused}");
    let identity = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let refused = bearer.query("sts", &identity).await.expect_err("refused").to_string();
    assert!(refused.contains("InvalidClientTokenId"), "{refused}");
    let refused = bearer.create_bucket("bundles").await.expect_err("refused").to_string();
    assert!(refused.contains("InvalidAccessKeyId"), "{refused}");
    // Nor does another key open this one, the root key least of all.
    check_refused(enroll(server.client(), "web-1", "r").await, ("UnrecognizedClientException", ""));
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_not_counted() {
    let server = TestServer::start().await;
    let token = token(&server, "{}").await;
    let bearer = bearer(&server, &token);
    let first = enroll(&bearer, "web-1", "r1").await.expect("enrolled");
    assert_eq!(enroll(&bearer, "web-1", "r1").await.expect("the same answer"), first);
    let used_up = ("EnrollmentTokenUsedUpException", "is used up: make another with `longshore hosts token`");
    check_refused(enroll(&bearer, "web-1", "r2").await, used_up);
    check_refused(enroll(&bearer, "web-2", "r1").await, used_up);
    let listed = server.call(LIST, "{}").await;
    assert_eq!(listed["tokens"][0]["useCount"], 1, "{listed}");
    assert!(!listed.to_string().contains(&token.secret), "secrets are shown once");
}

#[tokio::test]
async fn spent_and_strange_tokens_are_refused_by_name() {
    let server = TestServer::start().await;
    let short = token(&server, r#"{"expiresInSeconds":1}"#).await;
    let revoked = token(&server, r#"{"maxUses":3}"#).await;
    let input = format!(r#"{{"tokenId":"{}"}}"#, revoked.id);
    server.check(REVOKE, &input, r#"{"tokenInfo":{"state":"Revoked","revokeTime":"*"}}"#).await;
    check_refused(
        enroll(&bearer(&server, &revoked), "web-1", "r").await,
        ("EnrollmentTokenRevokedException", "was revoked: make another"),
    );
    let mut forged = short.clone();
    forged.secret = "x".repeat(40);
    check_refused(enroll(&bearer(&server, &forged), "web-1", "r").await, ("InvalidSignatureException", ""));
    forged.id = EnrollmentTokenId::parse("LSET0000000000000000").expect("a valid id");
    check_refused(enroll(&bearer(&server, &forged), "web-1", "r").await, ("UnrecognizedClientException", ""));

    let expired = ("EnrollmentTokenExpiredException", "expired at 20");
    let bearer = bearer(&server, &short);
    for _ in 0..500 {
        let listed = server.call(LIST, "{}").await.to_string();
        if listed.contains("Expired") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    check_refused(enroll(&bearer, "web-1", "r").await, expired);
    let hosts = server.call("ListOnPremisesInstances", "{}").await;
    assert_eq!(hosts["instanceNames"], json!([]), "nothing was made");
}

#[tokio::test]
async fn names_and_requests_are_checked_and_cost_no_use() {
    let server = TestServer::start().await;
    server.host("taken").await;
    server.user("user").await;
    let bearer = bearer(&server, &token(&server, "{}").await);
    check_refused(enroll(&bearer, "", "r").await, ("InstanceNameRequiredException", ""));
    check_refused(enroll(&bearer, "i-123", "r").await, ("InvalidInstanceNameException", ""));
    check_refused(enroll(&bearer, &"n".repeat(65), "r").await, ("InvalidInstanceNameException", "64"));
    check_refused(enroll(&bearer, "web-1", "").await, ("ValidationException", "clientRequestId"));
    check_refused(enroll(&bearer, "web-1", "a b").await, ("ValidationException", "clientRequestId"));
    let taken = ("InstanceNameAlreadyRegisteredException", "aws deploy deregister --instance-name taken");
    check_refused(enroll(&bearer, "taken", "r").await, taken);
    check_refused(enroll(&bearer, "user", "r").await, ("EntityAlreadyExistsException", "--name"));
    enroll(&bearer, "web-1", "r").await.expect("the use is still there");
}

#[tokio::test]
async fn tokens_are_for_operators() {
    let server = TestServer::start().await;
    let (_, ann) = server.user("ann").await;
    for operation in [CREATE, LIST, REVOKE] {
        let input = r#"{"tokenId":"LSET0000000000000000"}"#;
        let input = if operation == REVOKE { input } else { "{}" };
        check_as(&ann, operation, input, "AccessDeniedException: codedeploy:").await;
    }
    let statement = r#"{"Effect":"Allow","Action":"codedeploy:CreateEnrollmentToken","Resource":"*"}"#;
    server.allow("ann", statement).await;
    let created = r#"{"token":"*","tokenInfo":{"createdBy":"arn:aws:iam::111122223333:user/AWS/CodeDeploy/ann",
        "state":"Usable","maxUses":1,"useCount":0}}"#;
    check_as(&ann, CREATE, "{}", created).await;
    check_as(&ann, LIST, "{}", "AccessDeniedException").await;

    for (input, part) in [
        (r#"{"expiresInSeconds":0}"#, "1 second to 7 days"),
        (r#"{"expiresInSeconds":604801}"#, "1 second to 7 days"),
        (r#"{"maxUses":0}"#, "1 to 10000 hosts"),
        (r#"{"maxUses":10001}"#, "1 to 10000 hosts"),
    ] {
        server.check(CREATE, input, &format!("ValidationException: {part}")).await;
    }
    server.check(CREATE, r#"{"tags":[{"Value":"v"}]}"#, "InvalidTagException").await;
    let many: Vec<Value> = (0..11).map(|number| json!({"Key": number.to_string(), "Value": ""})).collect();
    server.check(CREATE, &json!({"tags": many}).to_string(), "TagLimitExceededException").await;
    server.check(REVOKE, r#"{"tokenId":"x"}"#, "ValidationException: LSET").await;
    let unknown = r#"{"tokenId":"LSET0000000000000000"}"#;
    server.check(REVOKE, unknown, "EnrollmentTokenDoesNotExistException").await;
}
