//! Every operation: refused without its permission, let through with exactly it; and what a host's key may do.

use longshore_wire::api::Operation;
use longshore_wire::client::CallError;
use longshore_wire::sigv4::Credentials;
use serde_json::{Value, json};

use crate::operations::{IDENTITY_ACTIONS, OPERATIONS};
use crate::support::{TestServer, call, client};

const PREFIX: &str = "arn:aws:codedeploy:eu-test-1:111122223333:";

fn resource(text: &str) -> String {
    if text == "*" || text.starts_with("arn:") { text.to_owned() } else { format!("{PREFIX}{text}") }
}

fn action(text: &str) -> String {
    if text.contains(':') { text.to_owned() } else { format!("codedeploy:{text}") }
}

fn allowing(permissions: &[(&str, &str)]) -> String {
    // A policy without a statement is none.
    let nothing = String::from(r#"{"Effect":"Deny","Action":"nothing:AtAll","Resource":"*"}"#);
    let statements = permissions.iter().map(|(needed, on)| {
        format!(r#"{{"Effect":"Allow","Action":"{}","Resource":"{}"}}"#, action(needed), resource(on))
    });
    statements.chain([nothing]).collect::<Vec<_>>().join(",")
}

/// The message of a denial; `None` for every other answer.
fn denial<T: std::fmt::Debug>(answer: Result<T, CallError>) -> Option<String> {
    match answer {
        Err(CallError::Service { code, message, .. })
            if matches!(code.as_str(), "AccessDeniedException" | "AccessDenied") =>
        {
            Some(message)
        }
        Err(CallError::Service { .. }) | Ok(_) => None,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn each_operation_needs_its_permissions_and_no_more() {
    let server = TestServer::start().await.with_group().await;
    server.host("h1").await;
    server.host("h2").await;
    let id = server.deploy("").await;
    let (arn, ann) = server.user("ann").await;
    for (operation, input, needed) in OPERATIONS {
        let input = input.replace("{id}", &id);
        for (idx, (missing, on)) in needed.iter().enumerate() {
            let mut others = needed.to_vec();
            others.remove(idx);
            // The same action on something else is not enough.
            others.push((missing, "application:else"));
            server.allow("ann", &allowing(&others)).await;
            let message = denial(call(&ann, operation, &input).await)
                .unwrap_or_else(|| panic!("{operation} goes without {missing} on {on}"));
            let expected = format!(
                "User: {arn} is not authorized to perform: {} on resource: {} because no identity-based policy",
                action(missing),
                resource(on)
            );
            assert!(message.starts_with(&expected), "{operation}: {message}\nnot {expected}");
        }
        server.allow("ann", &allowing(needed)).await;
        let message = denial(call(&ann, operation, &input).await);
        assert_eq!(message, None, "{operation} {input}");
    }
}

#[test]
fn no_operation_is_left_out() {
    for operation in Operation::ALL {
        let name = operation.name();
        assert!(OPERATIONS.iter().any(|(known, ..)| *known == name), "{name} is not in the table");
    }
}

fn form(text: &str) -> Vec<(&str, &str)> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    [("Version", "2010-05-08")].into_iter().chain(pairs).collect()
}

fn action_of(service: &str, text: &str) -> String {
    let name = text.split(['=', '&']).nth(1).expect("an action");
    format!("{service}:{name}")
}

#[tokio::test]
async fn each_identity_action_needs_its_permission_and_no_more() {
    let server = TestServer::start().await;
    let (arn, ann) = server.user("ann").await;
    server.trusting_role("shut", r#"{"AWS":"111122223333"}"#).await;
    for (service, text, on) in IDENTITY_ACTIONS {
        let (needed, on) = (action_of(service, text), format!("arn:aws:iam::111122223333:{on}"));
        server.allow("ann", &allowing(&[(&needed, "arn:aws:iam::111122223333:other/x")])).await;
        let message = denial(ann.query(service, &form(text)).await);
        let expected =
            format!("User: {arn} is not authorized to perform: {needed} on resource: {on} because");
        let is_as_expected = message.as_ref().is_some_and(|message| message.starts_with(&expected));
        assert!(is_as_expected, "{text}: {message:?}\nnot {expected}");
        server.allow("ann", &allowing(&[(&needed, &on)])).await;
        assert_eq!(denial(ann.query(service, &form(text)).await), None, "{text}");
        // What could not be made with the documents here is made now.
        if text.starts_with("Action=CreateRole") {
            server.trusting_role("r", r#""*""#).await;
        }
    }
}

/// A host as `aws deploy register` makes it.
async fn registered(server: &TestServer) -> (String, Credentials) {
    let (arn, key) = server.user_key("h1").await;
    server.register("h1", &arn).await;
    server.allow("h1", r#"{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}"#).await;
    (arn, key)
}

/// A host as `longshore-agent enroll` makes it.
async fn enrolled(server: &TestServer) -> (String, Credentials) {
    let made = server.call("Longshore_v1.CreateEnrollmentToken", "{}").await;
    let token: longshore_wire::enrollment::TokenText =
        made["token"].as_str().expect("a text").parse().expect("a token");
    let bearer = client(server.url(), token.credentials());
    let input = json!({"name": "h1", "clientRequestId": "r1"});
    let target = "LongshoreHost_v1.EnrollHost";
    let made: Value = bearer.call_json("codedeploy-commands", target, &input).await.expect("enrolled");
    let text = |member: &str| made[member].as_str().expect("a text").to_owned();
    let mut key = token.credentials();
    key.access_key_id = text("accessKeyId");
    key.secret_access_key = text("secretAccessKey");
    (text("iamUserArn"), key)
}

/// Everything there is, with the key of a host.
async fn check_host_key(server: &TestServer, arn: &str, key: &Credentials) {
    let host = &client(server.url(), key.clone());
    let id = server.deploy("").await;
    for (operation, input, _) in OPERATIONS {
        let answer = call(host, operation, &input.replace("{id}", &id)).await;
        assert!(denial(answer).is_some(), "a host may {operation}");
    }
    for (service, text, _) in IDENTITY_ACTIONS {
        assert!(denial(host.query(service, &form(text)).await).is_some(), "a host may {text}");
    }
    // The root key's alone.
    let answer = call(host, "Longshore_v1.GetWebhookSecret", "{}").await;
    assert!(denial(answer).is_some(), "a host may read the webhooks' secret");
    // Nor to itself.
    for text in ["Action=CreateAccessKey", "Action=ListAccessKeys", "Action=GetUser"] {
        assert!(denial(host.query("iam", &form(text)).await).is_some(), "a host may {text}");
    }
    let who = host.query("sts", &form("Action=GetCallerIdentity")).await.expect("anybody may ask");
    assert!(who.contains(arn), "{who}");
    let poll = async |flavour: &str, service: &str, identifier: &str| {
        let input = json!({ "HostIdentifier": identifier });
        host.call_json::<_, Value>(service, &format!("{flavour}.PollHostCommand"), &input).await
    };
    let classic = ("CodeDeployCommandService_v20141006", "codedeploy-commands");
    poll(classic.0, classic.1, arn).await.expect("a host may poll as itself");
    let other = "arn:aws:iam::111122223333:user/AWS/CodeDeploy/h2";
    assert!(denial(poll(classic.0, classic.1, other).await).is_some(), "a host may poll as another");
    let secure = ("CodeDeployCommandService", "codedeploy-commands-secure");
    let message = denial(poll(secure.0, secure.1, arn).await).expect("not in its policy");
    assert!(message.contains("codedeploy-commands-secure:PollHostCommand"), "{message}");
    for (method, path) in [
        ("PUT", "/bundles"),
        ("PUT", "/bundles?versioning="),
        ("PUT", "/bundles/k"),
        ("POST", "/bundles/k?uploads="),
        ("DELETE", "/bundles/web.zip"),
        ("DELETE", "/bundles"),
    ] {
        let answer = server.s3(key, method, path).await;
        assert!(
            answer.starts_with("HTTP/1.1 403 ") && answer.contains("AccessDenied"),
            "{method} {path}: {answer}"
        );
    }
    for (method, path) in [("GET", "/bundles"), ("HEAD", "/bundles/web.zip"), ("GET", "/bundles/web.zip")] {
        let answer = server.s3(key, method, path).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn a_registered_host_can_do_what_a_host_needs_and_nothing_else() {
    let server = TestServer::start().await.with_group().await.with_bundle().await;
    let (arn, key) = registered(&server).await;
    check_host_key(&server, &arn, &key).await;
}

#[tokio::test]
async fn an_enrolled_host_can_do_what_a_host_needs_and_nothing_else() {
    let server = TestServer::start().await.with_group().await.with_bundle().await;
    let (arn, key) = enrolled(&server).await;
    check_host_key(&server, &arn, &key).await;
}

#[tokio::test]
async fn the_secure_flavour_asks_for_each_of_its_actions() {
    let server = TestServer::start().await.with_group().await;
    let (arn, host) = server.host("h1").await;
    for name in [
        "PollHostCommand",
        "GetDeploymentSpecification",
        "PutHostCommandAcknowledgement",
        "PutHostCommandComplete",
    ] {
        let target = format!("CodeDeployCommandService.{name}");
        let input = json!({ "HostIdentifier": arn });
        let ask = || host.call_json::<_, Value>("codedeploy-commands-secure", &target, &input);
        server.allow("h1", &allowing(&[])).await;
        let message = denial(ask().await).unwrap_or_else(|| panic!("{name} goes without permission"));
        assert!(message.contains(&format!("codedeploy-commands-secure:{name} on resource: *")), "{message}");
        server.allow("h1", &allowing(&[(&format!("codedeploy-commands-secure:{name}"), "*")])).await;
        assert_eq!(denial(ask().await), None, "{name}");
    }
}
