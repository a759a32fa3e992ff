//! Who changed what: one event for each changing call, refused ones too.

use serde_json::Value;

use crate::operations::{IDENTITY_ACTIONS, OPERATIONS};
use crate::support::{TestServer, call, check_as};

const LIST: &str = "Longshore_v1.ListAuditEvents";

async fn events(server: &TestServer, input: &str) -> Vec<Value> {
    let mut input: Value = serde_json::from_str(input).expect("JSON");
    let mut events = Vec::new();
    loop {
        let mut page = server.call(LIST, &input.to_string()).await;
        events.append(page["events"].as_array_mut().expect("a list"));
        match page["nextToken"].take() {
            Value::String(token) => input["nextToken"] = Value::String(token),
            _ => return events,
        }
    }
}

fn is_change(name: &str) -> bool {
    let name = name.rsplit('.').next().unwrap_or(name);
    !["Get", "BatchGet", "List"].iter().any(|verb| name.starts_with(verb))
}

#[tokio::test]
async fn each_change_leaves_one_event_and_no_reading_does() {
    let server = TestServer::start().await.with_group().await;
    server.host("h1").await;
    let id = server.deploy("").await;
    let (arn, ann) = server.user("ann").await;
    let everything = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    for policy in [r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#, everything] {
        server.allow("ann", policy).await;
        let mut n_before = events(&server, r#"{"principal":"ann"}"#).await.len();
        for (operation, input, _) in OPERATIONS {
            let answer = call(&ann, operation, &input.replace("{id}", &id)).await;
            let found = events(&server, r#"{"principal":"ann"}"#).await;
            let n_new = found.len() - n_before;
            assert_eq!(n_new, usize::from(is_change(operation)), "{operation}: {answer:?}");
            n_before = found.len();
            if n_new == 1 {
                let event = found.last().expect("one");
                let name = operation.rsplit('.').next().expect("a name");
                assert_eq!(event["operation"], name, "{event}");
                assert_eq!(event["principal"], arn, "{event}");
                let outcome = match &answer {
                    Ok(_) => "ok",
                    Err(longshore_wire::client::CallError::Service { code, .. }) => code,
                    Err(error) => panic!("{error:?}"),
                };
                assert_eq!(event["outcome"], outcome, "{event}");
            }
        }
        for (service, text, _) in IDENTITY_ACTIONS {
            let pairs: Vec<(&str, &str)> = text.split('&').filter_map(|pair| pair.split_once('=')).collect();
            let name = pairs[0].1;
            let answer = ann.query(service, &pairs).await;
            let found = events(&server, r#"{"principal":"ann"}"#).await;
            assert_eq!(found.len() - n_before, usize::from(is_change(name)), "{text}: {answer:?}");
            n_before = found.len();
        }
    }
}

#[tokio::test]
async fn an_event_says_who_what_from_where_and_nothing_secret() {
    let server = TestServer::start().await.with_group().await;
    server.call("CreateApplication", r#"{"applicationName":"shop","tags":[{"Key":"k","Value":"v"}]}"#).await;
    let found =
        events(&server, r#"{"operation":"CreateApplication","principal":"arn:aws:iam::111122223333:root"}"#)
            .await;
    let event = found.last().expect("an event");
    assert_eq!(event["service"], "codedeploy");
    assert_eq!(event["accessKeyId"], server.root().access_key_id);
    assert_eq!(event["sourceIp"], "127.0.0.1");
    assert_eq!(event["outcome"], "ok");
    assert_eq!(event["parameters"], serde_json::json!({"applicationName": "shop"}));
    assert!(event["eventTime"].as_f64().is_some_and(|time| 1.7e9 < time), "{event}");
    assert!(event["requestId"].as_str().is_some_and(|id| id.len() == 36), "{event}");

    let (_, key) = server.user_key("ann").await;
    server
        .allow("ann", r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::secret-name/*"}"#)
        .await;
    let all = serde_json::to_string(&events(&server, "{}").await).expect("JSON");
    assert!(!all.contains(&key.secret_access_key) && !all.contains("secret-name"), "{all}");
    let put = events(&server, r#"{"operation":"PutUserPolicy"}"#).await;
    assert_eq!(put[0]["parameters"], serde_json::json!({"UserName": "ann", "PolicyName": "test"}));
    assert_eq!(put[0]["service"], "iam");
    assert_eq!(put[0]["resources"][0], "arn:aws:iam::111122223333:user/AWS/CodeDeploy/ann");
}

#[tokio::test]
async fn bundles_and_enrollments_are_there_too() {
    let server = TestServer::start().await.with_group().await.with_bundle().await;
    let (_, key) = server.user_key("h1").await;
    let s3 = async || {
        let found = events(&server, "{}").await;
        let shown = found.iter().filter(|event| event["service"] == "s3").map(|event| {
            format!(
                "{} {} {}",
                event["operation"].as_str().unwrap_or(""),
                event["resources"][0].as_str().unwrap_or(""),
                event["outcome"].as_str().unwrap_or("")
            )
        });
        shown.collect::<Vec<String>>()
    };
    let made = ["CreateBucket arn:aws:s3:::bundles ok", "PutObject arn:aws:s3:::bundles/web.zip ok"];
    assert_eq!(s3().await, made);
    server.s3(&key, "DELETE", "/bundles/web.zip").await;
    server.s3(&server.root(), "GET", "/bundles/web.zip").await;
    server.s3(&server.root(), "DELETE", "/nowhere").await;
    let refused = [
        "DeleteObject arn:aws:s3:::bundles/web.zip AccessDenied",
        "DeleteBucket arn:aws:s3:::nowhere NoSuchBucket",
    ];
    assert_eq!(s3().await, [made, refused].concat());

    let made = server.call("Longshore_v1.CreateEnrollmentToken", "{}").await;
    let token: longshore_wire::enrollment::TokenText =
        made["token"].as_str().expect("a text").parse().expect("a token");
    let bearer = crate::support::client(server.url(), token.credentials());
    let input = serde_json::json!({"name": "h2", "clientRequestId": "r1"});
    let target = "LongshoreHost_v1.EnrollHost";
    let _: Value = bearer.call_json("codedeploy-commands", target, &input).await.expect("enrolled");
    let found = events(&server, r#"{"operation":"EnrollHost"}"#).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["principal"], format!("enrollment-token/{}", token.id));
    assert_eq!(found[0]["parameters"]["name"], "h2");
}

#[tokio::test]
async fn the_trail_is_read_in_pages_and_by_those_who_may() {
    let config = longshore_server::config::Config { page_size: 2, ..crate::support::quick() };
    let server = TestServer::start_with(config).await;
    for name in ["a", "b", "c", "d", "e"] {
        server.call("CreateApplication", &format!(r#"{{"applicationName":"{name}"}}"#)).await;
    }
    let names: Vec<Value> = events(&server, "{}")
        .await
        .iter()
        .map(|event| event["parameters"]["applicationName"].clone())
        .collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert!(events(&server, r#"{"since":4000000000}"#).await.is_empty());
    assert!(events(&server, r#"{"until":1}"#).await.is_empty());
    let (_, ann) = server.user("ann").await;
    check_as(&ann, LIST, "{}", "AccessDeniedException: codedeploy:ListAuditEvents on resource: *").await;
}
