//! Targets, and their older view as instances.

use crate::support::TestServer;

/// A deployment in progress on two hosts.
async fn running() -> (TestServer, String) {
    let server = TestServer::start().await.with_group().await;
    for name in ["h1", "h2"] {
        server.host(name).await;
    }
    let id = server.deploy("").await;
    server.wait_for_begin(&id).await;
    (server, id)
}

#[tokio::test]
async fn targets_are_listed_by_status() {
    let (server, id) = running().await;
    let of = |more: &str| format!(r#"{{"deploymentId":"{id}"{more}}}"#);
    let filtered = |filters: &str| of(&format!(r#","targetFilters":{{{filters}}}"#));
    let list = "ListDeploymentTargets";
    server.check(list, &of(""), r#"{"targetIds":["h1","h2"]}"#).await;
    server.check(list, &filtered(r#""TargetStatus":["InProgress"]"#), r#"{"targetIds":["h1"]}"#).await;
    server.check(list, &filtered(r#""TargetStatus":["Pending","Ready"]"#), r#"{"targetIds":["h2"]}"#).await;
    server.check(list, &filtered(r#""TargetStatus":["Unknown"]"#), r#"{"targetIds":[]}"#).await;
    server.check(list, &filtered(r#""TargetStatus":["Running"]"#), "InvalidInstanceStatusException").await;
    server.check(list, &filtered(r#""Color":["Blue"]"#), "InvalidTargetFilterNameException").await;
    server.check(list, &filtered(r#""ServerInstanceLabel":["Red"]"#), "InvalidInstanceTypeException").await;
    let label = "InvalidDeploymentInstanceTypeException";
    server.check(list, &filtered(r#""ServerInstanceLabel":["Blue"]"#), label).await;

    let list = "ListDeploymentInstances";
    server.check(list, &of(""), r#"{"instancesList":["h1","h2"]}"#).await;
    server.check(list, &of(r#","instanceStatusFilter":["Pending"]"#), r#"{"instancesList":["h2"]}"#).await;
    server.check(list, &of(r#","instanceStatusFilter":["X"]"#), "InvalidInstanceStatusException").await;
    server.check(list, &of(r#","instanceTypeFilter":["X"]"#), "InvalidInstanceTypeException").await;
    server.check(list, &of(r#","instanceTypeFilter":["Green"]"#), label).await;
}

#[tokio::test]
async fn a_target_is_read_by_name_or_arn() {
    let (server, id) = running().await;
    let of = |target: &str| format!(r#"{{"deploymentId":"{id}","targetId":"{target}"}}"#);
    let get = "GetDeploymentTarget";
    let h2 = r#"{"deploymentTarget":{"instanceTarget":{"targetId":"h2","status":"Pending","lastUpdatedAt":"*",
        "instanceLabel":null,"lifecycleEvents":[{"lifecycleEventName":"ApplicationStop","status":"Pending"},
        {"lifecycleEventName":"DownloadBundle"},{"lifecycleEventName":"BeforeInstall"},
        {"lifecycleEventName":"Install"},{"lifecycleEventName":"AfterInstall"},
        {"lifecycleEventName":"ApplicationStart"},{"lifecycleEventName":"ValidateService"}]}}}"#;
    server.check(get, &of("h2"), h2).await;
    let info = server.call("GetOnPremisesInstance", r#"{"instanceName":"h2"}"#).await;
    let arn = info["instanceInfo"]["instanceArn"].as_str().expect("an ARN").to_owned();
    server.check(get, &of(&arn), h2).await;
    let other = format!("{}XXXXXXXXXX", &arn[..arn.len() - 10]);
    server.check(get, &of(&other), "DeploymentTargetDoesNotExistException").await;
    server.check(get, &of("h3"), "DeploymentTargetDoesNotExistException: `h3`").await;
    server.check(get, &of("i-0abcdef1234567890"), "DeploymentTargetDoesNotExistException").await;
    server.check(get, &of("i-x"), "InvalidDeploymentTargetIdException").await;
    server.check(get, &of(""), "DeploymentTargetIdRequiredException").await;
}

#[tokio::test]
async fn batches_of_targets_are_whole_and_of_instances_partial() {
    let (server, id) = running().await;
    let targets = |ids: &str| format!(r#"{{"deploymentId":"{id}","targetIds":[{ids}]}}"#);
    let get = "BatchGetDeploymentTargets";
    let both = r#"{"deploymentTargets":[{"instanceTarget":{"targetId":"h2"}},{"instanceTarget":{"targetId":"h1"}}]}"#;
    server.check(get, &targets(r#""h2","h1""#), both).await;
    server.check(get, &targets(r#""h1","h3""#), "DeploymentTargetDoesNotExistException: `h3`").await;
    server.check(get, &targets(""), "DeploymentTargetIdRequiredException").await;
    let many = vec![r#""h1""#; 26].join(",");
    server.check(get, &targets(&many), "DeploymentTargetListSizeExceededException").await;

    let instances = |ids: &str| format!(r#"{{"deploymentId":"{id}","instanceIds":[{ids}]}}"#);
    let get = "BatchGetDeploymentInstances";
    let partly = r#"{"instancesSummary":[{"instanceId":"*","status":"InProgress"}],
        "errorMessage":"The deployment has no instance: h3"}"#;
    server.check(get, &instances(r#""h1","h3""#), partly).await;
    server.check(get, &instances(r#""h1""#), r#"{"errorMessage":""}"#).await;
    server.check(get, &instances(""), "InstanceIdRequiredException").await;
    server.check(get, &instances(&many), "BatchLimitExceededException").await;
    let one = |target: &str| format!(r#"{{"deploymentId":"{id}","instanceId":"{target}"}}"#);
    let get = "GetDeploymentInstance";
    server.check(get, &one("h1"), r#"{"instanceSummary":{"deploymentId":"*","instanceType":null}}"#).await;
    server.check(get, &one("h3"), "InstanceDoesNotExistException").await;
    server.check(get, &one("a b"), "InvalidInstanceNameException").await;
    server.check(get, &one(""), "InstanceIdRequiredException").await;
}
