//! What follows a deployment, as the API tells of it: rollbacks, and updates of hosts that came late.

use serde_json::{Value, json};

use crate::host_command::{Agent, EVENTS};
use crate::support::TestServer;

fn of(id: &str) -> String {
    format!(r#"{{"deploymentId":"{id}"}}"#)
}

/// Runs all events of the next deployment.
async fn succeed(agent: &Agent) {
    for _ in EVENTS {
        let command = agent.command().await;
        agent.acknowledge(&command).await;
        agent.succeed(&command).await;
    }
}

async fn agent(server: &TestServer, name: &str) -> Agent {
    let (arn, client) = server.host(name).await;
    Agent { arn, client }
}

/// service.md §7.4, the table of fields and `rollbackInfo` of both; §4.4: the group's revision stays.
#[tokio::test]
async fn a_rollback_is_told_on_both_sides() {
    let server = TestServer::start().await.with_group().await;
    let agent = agent(&server, "h1").await;
    let good = server.deploy(r#","fileExistsBehavior":"RETAIN""#).await;
    succeed(&agent).await;
    server.wait_for(&good, "Succeeded").await;
    let bad = server
        .deploy(
            r#","description":"new","ignoreApplicationStopFailures":true,"fileExistsBehavior":"OVERWRITE",
               "deploymentConfigName":"CodeDeployDefault.AllAtOnce",
               "autoRollbackConfiguration":{"enabled":true,"events":["DEPLOYMENT_FAILURE"]}"#,
        )
        .await;
    // ApplicationStop may fail, the download may not.
    for _ in 0..2 {
        let command = agent.command().await;
        agent.acknowledge(&command).await;
        agent.fail(&command).await;
    }
    let info = server.wait_for(&bad, "Failed").await;
    let rollback = info["rollbackInfo"]["rollbackDeploymentId"].as_str().expect("a rollback").to_owned();
    let message = format!(
        "Deployment {bad} terminated. Automatic rollback is triggered with a DeploymentId {rollback}."
    );
    let told = json!({ "rollbackDeploymentId": rollback, "rollbackMessage": message });
    assert_eq!(info["rollbackInfo"], told);
    let expected = format!(
        r#"{{"deploymentInfo":{{"creator":"codeDeployRollback","description":null,
            "revision":{{"revisionType":"S3","s3Location":{{"bucket":"bundles","key":"web.zip"}}}},
            "deploymentConfigName":"CodeDeployDefault.AllAtOnce","ignoreApplicationStopFailures":true,
            "updateOutdatedInstancesOnly":false,"fileExistsBehavior":"RETAIN",
            "autoRollbackConfiguration":{{"enabled":false}},
            "rollbackInfo":{{"rollbackTriggeringDeploymentId":"{bad}","rollbackDeploymentId":null,
            "rollbackMessage":"Deployment {rollback} is triggered to roll back deployment {bad}."}}}}}}"#
    );
    server.check("GetDeployment", &of(&rollback), &expected).await;
    succeed(&agent).await;
    server.wait_for(&rollback, "Succeeded").await;
}

/// service.md §7.6: `relatedDeployments` of the root and of what follows it.
#[tokio::test]
async fn an_update_of_late_hosts_is_told_on_both_sides() {
    let server = TestServer::start().await.with_group().await;
    let first = agent(&server, "h1").await;
    let root = server.deploy("").await;
    server.wait_for_begin(&root).await;
    let late = agent(&server, "h2").await;
    succeed(&first).await;
    let info = server.wait_for(&root, "Succeeded").await;
    let ids = &info["relatedDeployments"]["autoUpdateOutdatedInstancesDeploymentIds"];
    let update = ids[0].as_str().expect("an update").to_owned();
    assert_eq!(info["relatedDeployments"], json!({ "autoUpdateOutdatedInstancesDeploymentIds": [update] }));
    succeed(&late).await;
    let info = server.wait_for(&update, "Succeeded").await;
    assert_eq!(
        (&info["creator"], &info["updateOutdatedInstancesOnly"]),
        (&json!("CodeDeployAutoUpdate"), &json!(true))
    );
    assert_eq!(info["relatedDeployments"], json!({ "autoUpdateOutdatedInstancesRootDeploymentId": root }));
    assert_eq!(info["rollbackInfo"], Value::Null);
    server.check("ListDeploymentTargets", &of(&update), r#"{"targetIds":["h2"]}"#).await;
}

/// service.md §4.2 rule 2: with nothing outdated it succeeds at once, with an overview of zeros and a word on it.
#[tokio::test]
async fn an_update_with_nothing_outdated_has_an_overview_of_zeros() {
    let server = TestServer::start().await.with_group().await;
    let agent = agent(&server, "h1").await;
    let first = server.deploy("").await;
    succeed(&agent).await;
    server.wait_for(&first, "Succeeded").await;
    let update = server.deploy(r#","updateOutdatedInstancesOnly":true"#).await;
    let info = server.wait_for(&update, "Succeeded").await;
    let zeros = json!({"Pending":0,"InProgress":0,"Succeeded":0,"Failed":0,"Skipped":0,"Ready":0});
    assert_eq!(info["deploymentOverview"], zeros);
    assert_eq!(info["deploymentStatusMessages"].as_array().map(Vec::len), Some(1));
    assert_eq!((&info["errorInformation"], info["completeTime"].is_number()), (&Value::Null, true));
}
