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

/// Source: service.md §2.3.
#[tokio::test]
async fn zones_are_kept_and_answered() {
    let server = TestServer::start().await;
    let with = |name: &str, zonal: &str| {
        create(
            name,
            &format!(r#","minimumHealthyHosts":{{"type":"HOST_COUNT","value":0}},"zonalConfig":{{{zonal}}}"#),
        )
    };
    for bad in [
        r#""firstZoneMonitorDurationInSeconds":-1"#,
        r#""monitorDurationInSeconds":172801"#,
        r#""minimumHealthyHostsPerZone":{}"#,
        r#""minimumHealthyHostsPerZone":{"type":"HOST_COUNT","value":-1}"#,
        r#""minimumHealthyHostsPerZone":{"type":"FLEET_PERCENT","value":100}"#,
        r#""minimumHealthyHostsPerZone":{"type":"MOST_CONCURRENCY","value":1}"#,
    ] {
        let invalid = "InvalidZonalDeploymentConfigurationException";
        server.check("CreateDeploymentConfig", &with("bad", bad), invalid).await;
    }
    let all = r#""firstZoneMonitorDurationInSeconds":172800,"monitorDurationInSeconds":0,
        "minimumHealthyHostsPerZone":{"type":"FLEET_PERCENT","value":50}"#;
    let nothing = r#""firstZoneMonitorDurationInSeconds":null,"monitorDurationInSeconds":null,
        "minimumHealthyHostsPerZone":null"#;
    for (name, given, answered) in [("all", all, all), ("empty", "", nothing)] {
        server.call("CreateDeploymentConfig", &with(name, given)).await;
        let info = format!(r#"{{"deploymentConfigInfo":{{"zonalConfig":{{{answered}}}}}}}"#);
        server.check("GetDeploymentConfig", &create(name, ""), &info).await;
    }
}

/// service.md §4.5: on-premises hosts are in no zone, so their deployment goes over all of them.
#[tokio::test]
async fn zones_are_ignored_for_on_premises_hosts_and_that_is_said() {
    let server = TestServer::start().await.with_group().await;
    server.host("h1").await;
    let config = r#","minimumHealthyHosts":{"type":"HOST_COUNT","value":0},"zonalConfig":{}"#;
    server.call("CreateDeploymentConfig", &create("zones", config)).await;
    let id = server.deploy(r#","deploymentConfigName":"zones""#).await;
    let info = server.wait_for_begin(&id).await;
    let said = info["deploymentStatusMessages"][0].as_str().unwrap_or_default();
    assert!(said.contains("zonal configuration of deployment config zones is ignored"), "{said}");
}

/// Source: service.md §2.3: the names of the other platforms are reserved and unknown.
#[tokio::test]
async fn names_of_other_platforms_are_reserved() {
    let server = TestServer::start().await;
    for name in ["LambdaCanary10Percent5Minutes", "ECSAllAtOnce", "ECSLinear10PercentEvery1Minutes"] {
        let name = format!("CodeDeployDefault.{name}");
        let made = create(&name, r#","minimumHealthyHosts":{"type":"HOST_COUNT","value":0}"#);
        server.check("CreateDeploymentConfig", &made, "InvalidDeploymentConfigNameException").await;
        let unknown = "DeploymentConfigDoesNotExistException";
        server.check("GetDeploymentConfig", &create(&name, ""), unknown).await;
        server.check("DeleteDeploymentConfig", &create(&name, ""), "InvalidOperationException").await;
    }
}
