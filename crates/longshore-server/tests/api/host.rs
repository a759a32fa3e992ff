//! On-premises instances.

use crate::support::{TestServer, quick};

const USER: &str = "arn:aws:iam::111122223333:user/AWS/CodeDeploy/h1";

fn register(name: &str, arn: &str) -> String {
    format!(r#"{{"instanceName":"{name}","iamUserArn":"{arn}"}}"#)
}

#[tokio::test]
async fn names_and_arns_are_checked() {
    let server = TestServer::start().await;
    let operation = "RegisterOnPremisesInstance";
    server.check(operation, "{}", "InstanceNameRequiredException").await;
    server.check(operation, &register("i-1", USER), "InvalidInstanceNameException").await;
    server.check(operation, r#"{"instanceName":"h1"}"#, "IamArnRequiredException").await;
    server.check(operation, &register("h1", ""), "IamUserArnRequiredException").await;
    server.check(operation, &register("h1", "me"), "InvalidIamUserArnException").await;
    server
        .check(operation, r#"{"instanceName":"h1","iamSessionArn":"me"}"#, "InvalidIamSessionArnException")
        .await;
}

#[tokio::test]
async fn a_host_is_registered_once_and_can_come_back() {
    let server = TestServer::start().await;
    let operation = "RegisterOnPremisesInstance";
    server.check(operation, &register("h1", USER), "{}").await;
    server.check(operation, &register("h1", USER), "InstanceNameAlreadyRegisteredException").await;
    let taken = "IamUserArnAlreadyRegisteredException: has already been used to register an instance";
    server.check(operation, &register("h2", USER), taken).await;
    let info = format!(
        r#"{{"instanceInfo":{{"instanceName":"h1","iamUserArn":"{USER}","iamSessionArn":null,"tags":[],
            "registerTime":"*","deregisterTime":null,"instanceArn":"*"}}}}"#
    );
    let first = server.call("GetOnPremisesInstance", r#"{"instanceName":"h1"}"#).await;
    server.check("GetOnPremisesInstance", r#"{"instanceName":"h1"}"#, &info).await;
    server.check("DeregisterOnPremisesInstance", r#"{"instanceName":"h1"}"#, "{}").await;
    server.check("DeregisterOnPremisesInstance", r#"{"instanceName":"h1"}"#, "{}").await;
    let gone = r#"{"instanceInfo":{"deregisterTime":"*"}}"#;
    server.check("GetOnPremisesInstance", r#"{"instanceName":"h1"}"#, gone).await;
    server.check(operation, &register("h1", USER), "{}").await;
    let second = server.call("GetOnPremisesInstance", r#"{"instanceName":"h1"}"#).await;
    assert_ne!(first["instanceInfo"]["instanceArn"], second["instanceInfo"]["instanceArn"]);
    server.check("GetOnPremisesInstance", r#"{"instanceName":"h9"}"#, "InstanceNotRegisteredException").await;
}

#[tokio::test]
async fn old_tombstones_are_forgotten() {
    let tombstone = std::time::Duration::from_millis(1);
    let server = TestServer::start_with(longshore_server::config::Config { tombstone, ..quick() }).await;
    server.call("RegisterOnPremisesInstance", &register("h1", USER)).await;
    server.call("DeregisterOnPremisesInstance", r#"{"instanceName":"h1"}"#).await;
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    let none = r#"{"instanceNames":[]}"#;
    server.check("ListOnPremisesInstances", "{}", none).await;
    server.check("ListOnPremisesInstances", r#"{"registrationStatus":"Deregistered"}"#, none).await;
    server.check("GetOnPremisesInstance", r#"{"instanceName":"h1"}"#, "InstanceNotRegisteredException").await;
}

#[tokio::test]
async fn session_arns_register_too() {
    let server = TestServer::start().await;
    let session = "arn:aws:sts::111122223333:assumed-role/fleet/h1";
    let register = |name: &str| format!(r#"{{"instanceName":"{name}","iamSessionArn":"{session}"}}"#);
    server.check("RegisterOnPremisesInstance", &register("h1"), "{}").await;
    let taken = "IamSessionArnAlreadyRegisteredException";
    server.check("RegisterOnPremisesInstance", &register("h2"), taken).await;
}

#[tokio::test]
async fn tags_are_pairs_added_to_all_hosts_or_none() {
    let server = TestServer::start().await;
    server.call("RegisterOnPremisesInstance", &register("h1", USER)).await;
    let tagging = |names: &str, tags: &str| format!(r#"{{"instanceNames":[{names}],"tags":[{tags}]}}"#);
    let add = "AddTagsToOnPremisesInstances";
    let tag = r#"{"Key":"k","Value":"v"}"#;
    server.check(add, &tagging("", tag), "InstanceNameRequiredException").await;
    server.check(add, &tagging(r#""i-1""#, tag), "InvalidInstanceNameException").await;
    let many: Vec<String> = (0..101).map(|n| format!(r#""h{n}""#)).collect();
    server.check(add, &tagging(&many.join(","), tag), "InstanceLimitExceededException").await;
    let same = vec![r#""h1""#; 101].join(",");
    server.check(add, &tagging(&same, tag), "InstanceLimitExceededException: 101 instances").await;
    server.check(add, &tagging(&format!(r#"{same},"i-1""#), tag), "InvalidInstanceNameException").await;
    server.check(add, &tagging(r#""h1""#, ""), "TagRequiredException").await;
    server.check(add, &tagging(r#""h1""#, r#"{"Value":"v"}"#), "InvalidTagException").await;
    let eleven: Vec<String> = (0..11).map(|n| format!(r#"{{"Key":"k{n}"}}"#)).collect();
    server.check(add, &tagging(r#""h1""#, &eleven.join(",")), "TagLimitExceededException").await;
    server.check(add, &tagging(r#""h1","h2""#, tag), "InstanceNotRegisteredException: `h2`").await;
    let get = r#"{"instanceName":"h1"}"#;
    server.check("GetOnPremisesInstance", get, r#"{"instanceInfo":{"tags":[]}}"#).await;
    server
        .check(
            add,
            &tagging(r#""h1""#, &format!(r#"{tag},{{"Key":"k","Value":"w"}},{{"Key":"only"}}"#)),
            "{}",
        )
        .await;
    server.check(add, &tagging(r#""h1""#, tag), "{}").await;
    let tags = r#"{"instanceInfo":{"tags":[{"Key":"k","Value":"v"},{"Key":"k","Value":"w"},{"Key":"only","Value":""}]}}"#;
    server.check("GetOnPremisesInstance", get, tags).await;
    let remove = "RemoveTagsFromOnPremisesInstances";
    server.check(remove, &tagging(r#""h1""#, &format!(r#"{tag},{{"Key":"absent","Value":""}}"#)), "{}").await;
    let left = r#"{"instanceInfo":{"tags":[{"Key":"k","Value":"w"},{"Key":"only","Value":""}]}}"#;
    server.check("GetOnPremisesInstance", get, left).await;
}

#[tokio::test]
async fn lists_filter_by_status_and_tags() {
    let server = TestServer::start().await;
    for name in ["a", "b", "c"] {
        server.host(name).await;
    }
    server.call("DeregisterOnPremisesInstance", r#"{"instanceName":"b"}"#).await;
    let list = "ListOnPremisesInstances";
    server.check(list, "{}", r#"{"instanceNames":["a","b","c"]}"#).await;
    server.check(list, r#"{"registrationStatus":"Registered"}"#, r#"{"instanceNames":["a","c"]}"#).await;
    server.check(list, r#"{"registrationStatus":"Deregistered"}"#, r#"{"instanceNames":["b"]}"#).await;
    server.check(list, r#"{"registrationStatus":"Gone"}"#, "InvalidRegistrationStatusException").await;
    let tagged = r#"{"registrationStatus":"Registered","tagFilters":[{"Key":"env","Value":"p*"}]}"#;
    server.check(list, tagged, r#"{"instanceNames":["a","c"]}"#).await;
    server.check(list, r#"{"tagFilters":[{"Key":"nope"}]}"#, r#"{"instanceNames":[]}"#).await;
    server.check(list, r#"{"tagFilters":[{}]}"#, "InvalidTagFilterException").await;
    let batch = r#"{"instanceNames":["c","zz","a"]}"#;
    let infos = r#"{"instanceInfos":[{"instanceName":"c"},{"instanceName":"a"}]}"#;
    server.check("BatchGetOnPremisesInstances", batch, infos).await;
    server.check("BatchGetOnPremisesInstances", "{}", "InstanceNameRequiredException").await;
    let many: Vec<String> = (0..26).map(|n| format!(r#""h{n}""#)).collect();
    let many = format!(r#"{{"instanceNames":[{}]}}"#, many.join(","));
    server.check("BatchGetOnPremisesInstances", &many, "BatchLimitExceededException").await;
}

#[tokio::test]
async fn hosts_are_listed_with_their_last_contact() {
    let server = TestServer::start().await;
    let (arn, agent) = server.host("a").await;
    server.host("b").await;
    let input = serde_json::json!({ "HostIdentifier": arn });
    let target = "CodeDeployCommandService_v20141006.PollHostCommand";
    let _: serde_json::Value = agent.call_json("codedeploy-commands", target, &input).await.expect("a poll");
    let hosts = format!(
        r#"{{"hosts":[{{"name":"a","arn":"*","iamArn":"{arn}","registerTime":"*","lastPollTime":"*",
            "tags":[{{"Key":"env","Value":"prod"}}]}},{{"name":"b","lastPollTime":null}}],"nextToken":null}}"#
    );
    server.check("Longshore_v1.ListHosts", "{}", &hosts).await;
}
