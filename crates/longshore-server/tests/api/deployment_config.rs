//! Deployment configs.

use crate::support::{ROLE, TestServer};

fn create(name: &str, more: &str) -> String {
    format!(r#"{{"deploymentConfigName":"{name}"{more}}}"#)
}

#[tokio::test]
async fn the_predefined_ones_are_always_there() {
    let server = TestServer::start().await;
    let names = r#"{"deploymentConfigsList":["CodeDeployDefault.AllAtOnce","CodeDeployDefault.HalfAtATime",
        "CodeDeployDefault.OneAtATime"],"nextToken":null}"#;
    server.check("ListDeploymentConfigs", "{}", names).await;
    let get = |name: &str| format!(r#"{{"deploymentConfigName":"CodeDeployDefault.{name}"}}"#);
    let minimum = |kind: &str, value: u32| {
        format!(
            r#"{{"deploymentConfigInfo":{{"minimumHealthyHosts":{{"type":"{kind}","value":{value}}},
                "computePlatform":"Server","createTime":"*","deploymentConfigId":"*","zonalConfig":null}}}}"#
        )
    };
    server.check("GetDeploymentConfig", &get("AllAtOnce"), &minimum("FLEET_PERCENT", 0)).await;
    server.check("GetDeploymentConfig", &get("HalfAtATime"), &minimum("FLEET_PERCENT", 50)).await;
    server.check("GetDeploymentConfig", &get("OneAtATime"), &minimum("MOST_CONCURRENCY", 1)).await;
    server
        .check("GetDeploymentConfig", &get("LambdaAllAtOnce"), "DeploymentConfigDoesNotExistException")
        .await;
    server.check("DeleteDeploymentConfig", &get("OneAtATime"), "InvalidOperationException").await;
}

#[tokio::test]
async fn a_custom_one_is_made_once_and_never_changed() {
    let server = TestServer::start().await;
    let two = create("two", r#","minimumHealthyHosts":{"type":"HOST_COUNT","value":2}"#);
    server.check("CreateDeploymentConfig", &two, r#"{"deploymentConfigId":"*"}"#).await;
    server.check("CreateDeploymentConfig", &two, "DeploymentConfigAlreadyExistsException").await;
    let info = r#"{"deploymentConfigInfo":{"minimumHealthyHosts":{"type":"HOST_COUNT","value":2}}}"#;
    server.check("GetDeploymentConfig", &create("two", ""), info).await;
    server.check("DeleteDeploymentConfig", &create("two", ""), "{}").await;
    server.check("DeleteDeploymentConfig", &create("two", ""), "{}").await;
    server
        .check("GetDeploymentConfig", &create("two", ""), "DeploymentConfigDoesNotExistException: two")
        .await;
}

#[tokio::test]
async fn members_are_checked() {
    let server = TestServer::start().await;
    let refused = |more: &'static str, exception: &'static str| {
        let server = &server;
        async move { server.check("CreateDeploymentConfig", &create("c", more), exception).await }
    };
    let minimum = "InvalidMinimumHealthyHostValueException";
    refused("", minimum).await;
    refused(r#","minimumHealthyHosts":{}"#, minimum).await;
    refused(r#","minimumHealthyHosts":{"type":"HOST_COUNT"}"#, minimum).await;
    refused(r#","minimumHealthyHosts":{"type":"HOST_COUNT","value":-1}"#, minimum).await;
    refused(r#","minimumHealthyHosts":{"type":"FLEET_PERCENT","value":100}"#, minimum).await;
    refused(r#","minimumHealthyHosts":{"type":"MOST_CONCURRENCY","value":1}"#, minimum).await;
    refused(r#","minimumHealthyHosts":{"type":"HOST_COUNT","value":"2"}"#, "SerializationException").await;
    refused(r#","computePlatform":"ECS""#, "InvalidComputePlatformException").await;
    let good = r#","minimumHealthyHosts":{"type":"FLEET_PERCENT","value":99}"#;
    let with = |more: &str| create("c", &format!("{good}{more}"));
    let routing = with(r#","trafficRoutingConfig":{"type":"AllAtOnce"}"#);
    server.check("CreateDeploymentConfig", &routing, "InvalidTrafficRoutingConfigurationException").await;
    let zonal = with(r#","zonalConfig":{"monitorDurationInSeconds":-1}"#);
    server.check("CreateDeploymentConfig", &zonal, "InvalidZonalDeploymentConfigurationException").await;
    let zonal = with(r#","zonalConfig":{}"#);
    server.check("CreateDeploymentConfig", &zonal, "NotImplementedException: not available yet").await;
    server.check("CreateDeploymentConfig", &with(""), "{}").await;
    let reserved = create("CodeDeployDefault.Mine", good);
    server.check("CreateDeploymentConfig", &reserved, "InvalidDeploymentConfigNameException").await;
    server.check("CreateDeploymentConfig", "{}", "DeploymentConfigNameRequiredException").await;
}

#[tokio::test]
async fn one_that_is_used_stays() {
    let server = TestServer::start().await.with_group().await;
    let two = create("two", r#","minimumHealthyHosts":{"type":"HOST_COUNT","value":2}"#);
    server.call("CreateDeploymentConfig", &two).await;
    let group = format!(
        r#"{{"applicationName":"web","deploymentGroupName":"g","serviceRoleArn":"{ROLE}","deploymentConfigName":"two"}}"#
    );
    server.call("CreateDeploymentGroup", &group).await;
    server.check("DeleteDeploymentConfig", &create("two", ""), "DeploymentConfigInUseException").await;
}
