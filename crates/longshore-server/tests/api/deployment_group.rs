//! Deployment groups.

use crate::support::{ROLE, TestServer};

fn group(more: &str) -> String {
    format!(r#"{{"applicationName":"web","deploymentGroupName":"g","serviceRoleArn":"{ROLE}"{more}}}"#)
}

const GET: &str = r#"{"applicationName":"web","deploymentGroupName":"g"}"#;

async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.call("CreateApplication", r#"{"applicationName":"web"}"#).await;
    server
}

#[tokio::test]
async fn a_plain_group_has_the_defaults() {
    let server = server().await;
    server.check("CreateDeploymentGroup", &group(""), r#"{"deploymentGroupId":"*"}"#).await;
    server.check("CreateDeploymentGroup", &group(""), "DeploymentGroupAlreadyExistsException").await;
    let info = format!(
        r#"{{"deploymentGroupInfo":{{"applicationName":"web","deploymentGroupName":"g","deploymentGroupId":"*",
            "deploymentConfigName":"CodeDeployDefault.OneAtATime","serviceRoleArn":"{ROLE}",
            "autoScalingGroups":[],"triggerConfigurations":[],"ec2TagFilters":[],"onPremisesInstanceTagFilters":[],
            "deploymentStyle":{{"deploymentType":"IN_PLACE","deploymentOption":"WITHOUT_TRAFFIC_CONTROL"}},
            "outdatedInstancesStrategy":"UPDATE","computePlatform":"Server","terminationHookEnabled":false,
            "autoRollbackConfiguration":{{"enabled":false,"events":null}},"alarmConfiguration":null,
            "targetRevision":null,"lastAttemptedDeployment":null,"loadBalancerInfo":null}}}}"#
    );
    server.check("GetDeploymentGroup", GET, &info).await;
}

#[tokio::test]
async fn names_come_first_and_then_what_must_exist() {
    let server = server().await;
    let create = "CreateDeploymentGroup";
    server.check(create, "{}", "ApplicationNameRequiredException").await;
    server.check(create, r#"{"applicationName":"a:b"}"#, "InvalidApplicationNameException").await;
    server
        .check(
            create,
            r#"{"applicationName":"web"}"#,
            "DeploymentGroupNameRequiredException: Deployment Group name is missing",
        )
        .await;
    let no_role = r#"{"applicationName":"web","deploymentGroupName":"g"}"#;
    server.check(create, no_role, "RoleRequiredException").await;
    let bad_role = r#"{"applicationName":"web","deploymentGroupName":"g","serviceRoleArn":"deploy"}"#;
    server.check(create, bad_role, "InvalidRoleException: `deploy`").await;
    let no_application = group("").replace("web", "nope");
    server.check(create, &no_application, "ApplicationDoesNotExistException").await;
    let no_config = group(r#","deploymentConfigName":"nope""#);
    server.check(create, &no_config, "DeploymentConfigDoesNotExistException: nope").await;
    server
        .check(
            "GetDeploymentGroup",
            GET,
            "DeploymentGroupDoesNotExistException: No Deployment Group found for name: g",
        )
        .await;
}

#[tokio::test]
async fn members_are_checked_in_the_order_of_the_table() {
    let server = server().await;
    let filter = r#"{"Key":"k","Value":"v","Type":"KEY_AND_VALUE"}"#;
    let refused = |more: String, exception: &'static str| {
        let server = &server;
        async move { server.check("CreateDeploymentGroup", &group(&more), exception).await }
    };
    refused(
        format!(r#","onPremisesInstanceTagFilters":[{filter}],"onPremisesTagSet":{{"onPremisesTagSetList":[[{filter}]]}}"#),
        "InvalidOnPremisesTagCombinationException",
    )
    .await;
    refused(
        format!(r#","ec2TagFilters":[{filter}],"ec2TagSet":{{"ec2TagSetList":[[{filter}]]}}"#),
        "InvalidEC2TagCombinationException",
    )
    .await;
    let four = vec![format!("[{filter}]"); 4].join(",");
    refused(
        format!(r#","onPremisesTagSet":{{"onPremisesTagSetList":[{four}]}}"#),
        "TagSetListLimitExceededException",
    )
    .await;
    let eleven = [filter; 11].join(",");
    refused(format!(r#","onPremisesInstanceTagFilters":[{eleven}]"#), "InvalidTagException").await;
    refused(format!(r#","ec2TagFilters":[{eleven}]"#), "InvalidEC2TagException").await;
    let broken = r#"{"Type":"KEY_ONLY"}"#;
    refused(format!(r#","onPremisesInstanceTagFilters":[{broken}]"#), "InvalidTagException").await;
    refused(format!(r#","ec2TagFilters":[{broken}]"#), "InvalidEC2TagException").await;
    refused(String::from(r#","autoScalingGroups":["a","a"]"#), "InvalidAutoScalingGroupException").await;
    refused(
        String::from(r#","triggerConfigurations":[{"triggerName":""}]"#),
        "InvalidTriggerConfigException",
    )
    .await;
    refused(String::from(r#","alarmConfiguration":{"enabled":true}"#), "InvalidAlarmConfigException").await;
    let alarms: Vec<String> = (0..11).map(|n| format!(r#"{{"name":"a{n}"}}"#)).collect();
    refused(
        format!(r#","alarmConfiguration":{{"enabled":true,"alarms":[{}]}}"#, alarms.join(",")),
        "AlarmsLimitExceededException",
    )
    .await;
    let rollback = "InvalidAutoRollbackConfigException";
    refused(String::from(r#","autoRollbackConfiguration":{"enabled":true}"#), rollback).await;
    refused(String::from(r#","autoRollbackConfiguration":{"enabled":true,"events":["X"]}"#), rollback).await;
    refused(String::from(r#","outdatedInstancesStrategy":"MAYBE""#), "InvalidInputException").await;
    let style = |kind: &str, option: &str| {
        format!(r#","deploymentStyle":{{"deploymentType":"{kind}","deploymentOption":"{option}"}}"#)
    };
    refused(style("GREEN", "WITHOUT_TRAFFIC_CONTROL"), "InvalidDeploymentStyleException").await;
    refused(style("BLUE_GREEN", "WITHOUT_TRAFFIC_CONTROL"), "InvalidDeploymentStyleException").await;
    refused(style("IN_PLACE", "WITH_TRAFFIC_CONTROL"), "InvalidLoadBalancerInfoException").await;
    refused(
        String::from(r#","loadBalancerInfo":{"targetGroupPairInfoList":[{}]}"#),
        "InvalidTargetGroupPairException",
    )
    .await;
    refused(
        String::from(r#","blueGreenDeploymentConfiguration":{"greenFleetProvisioningOption":{"action":"COPY_AUTO_SCALING_GROUP"}}"#),
        "InvalidBlueGreenDeploymentConfigurationException",
    )
    .await;
    refused(String::from(r#","ecsServices":[{}]"#), "InvalidECSServiceException").await;
    refused(String::from(r#","tags":[{"Key":"aws:x"}]"#), "InvalidTagsToAddException").await;
    refused(
        String::from(r#","ec2DeploymentOptions":{"autoScalingGroupProcessesToSuspend":["Launch"]}"#),
        "InvalidAutoScalingGroupProcessToSuspendException",
    )
    .await;
    server.check("GetDeploymentGroup", GET, "DeploymentGroupDoesNotExistException").await;
}

#[tokio::test]
async fn what_is_not_built_yet_is_refused_and_not_ignored() {
    let server = server().await;
    let refused = |more: &'static str| {
        let server = &server;
        async move {
            server
                .check("CreateDeploymentGroup", &group(more), "NotImplementedException: not available yet")
                .await;
        }
    };
    let none = "InvalidAutoScalingGroupException: There is no Auto Scaling group `a`";
    server.check("CreateDeploymentGroup", &group(r#","autoScalingGroups":["a"]"#), none).await;
    refused(
        r#","triggerConfigurations":[{"triggerName":"t","triggerTargetArn":"arn:aws:sns:us-east-1:111122223333:t",
            "triggerEvents":["DeploymentStart"]}]"#,
    )
    .await;
    refused(r#","alarmConfiguration":{"enabled":true,"alarms":[{"name":"a"}]}"#).await;
    refused(
        r#","deploymentStyle":{"deploymentOption":"WITH_TRAFFIC_CONTROL"},"loadBalancerInfo":{"elbInfoList":[{"name":"b"}]}"#,
    )
    .await;
    // Said explicitly and meaning nothing: accepted.
    let nothing = r#","autoScalingGroups":[],"alarmConfiguration":{"enabled":false,"alarms":[]},
        "deploymentStyle":{"deploymentType":"IN_PLACE"},"loadBalancerInfo":{},"triggerConfigurations":[]"#;
    server.check("CreateDeploymentGroup", &group(nothing), "{}").await;
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name() {
    let server = server().await;
    let created = group(
        r#","onPremisesInstanceTagFilters":[{"Key":"k","Type":"KEY_ONLY"}],
        "autoRollbackConfiguration":{"enabled":true,"events":["DEPLOYMENT_FAILURE"]}"#,
    );
    server.call("CreateDeploymentGroup", &created).await;
    let update =
        |more: &str| format!(r#"{{"applicationName":"web","currentDeploymentGroupName":"g"{more}}}"#);
    let done = r#"{"hooksNotCleanedUp":[]}"#;
    let config = update(r#","deploymentConfigName":"CodeDeployDefault.AllAtOnce""#);
    server.check("UpdateDeploymentGroup", &config, done).await;
    let info = r#"{"deploymentGroupInfo":{"deploymentConfigName":"CodeDeployDefault.AllAtOnce",
        "onPremisesInstanceTagFilters":[{"Key":"k","Type":"KEY_ONLY"}],"onPremisesTagSet":null,
        "autoRollbackConfiguration":{"enabled":true,"events":["DEPLOYMENT_FAILURE"]}}}"#;
    server.check("GetDeploymentGroup", GET, info).await;
    // The other form of the selector takes the first one's place.
    let set = update(r#","onPremisesTagSet":{"onPremisesTagSetList":[[{"Key":"a"}],[{"Value":"b"}]]}"#);
    server.check("UpdateDeploymentGroup", &set, done).await;
    let info = r#"{"deploymentGroupInfo":{"onPremisesInstanceTagFilters":null,"onPremisesTagSet":
        {"onPremisesTagSetList":[[{"Key":"a","Type":"KEY_ONLY"}],[{"Value":"b","Type":"VALUE_ONLY"}]]}}}"#;
    server.check("GetDeploymentGroup", GET, info).await;
    server.check("UpdateDeploymentGroup", &update(r#","onPremisesInstanceTagFilters":[]"#), done).await;
    let info = r#"{"deploymentGroupInfo":{"onPremisesInstanceTagFilters":[],"onPremisesTagSet":null}}"#;
    server.check("GetDeploymentGroup", GET, info).await;
}

#[tokio::test]
async fn a_group_is_renamed_listed_and_deleted() {
    let server = server().await;
    server.call("CreateDeploymentGroup", &group("")).await;
    server.call("CreateDeploymentGroup", &group("").replace(r#":"g""#, r#":"a""#)).await;
    let rename = |to: &str| {
        format!(
            r#"{{"applicationName":"web","currentDeploymentGroupName":"g","newDeploymentGroupName":"{to}"}}"#
        )
    };
    server.check("UpdateDeploymentGroup", &rename("a"), "DeploymentGroupAlreadyExistsException").await;
    server.check("UpdateDeploymentGroup", &rename("a b"), "InvalidDeploymentGroupNameException").await;
    server.check("UpdateDeploymentGroup", &rename("z"), r#"{"hooksNotCleanedUp":[]}"#).await;
    server.check("UpdateDeploymentGroup", &rename("y"), "DeploymentGroupDoesNotExistException").await;
    let list = r#"{"applicationName":"web","deploymentGroups":["a","z"]}"#;
    server.check("ListDeploymentGroups", r#"{"applicationName":"web"}"#, list).await;
    server
        .check("ListDeploymentGroups", r#"{"applicationName":"nope"}"#, "ApplicationDoesNotExistException")
        .await;
    let batch = r#"{"applicationName":"web","deploymentGroupNames":["z","q","a"]}"#;
    let infos = r#"{"deploymentGroupsInfo":[{"deploymentGroupName":"z"},{"deploymentGroupName":"a"}],
        "errorMessage":"No Deployment Group found for name: q"}"#;
    server.check("BatchGetDeploymentGroups", batch, infos).await;
    let all = r#"{"applicationName":"web","deploymentGroupNames":["a"]}"#;
    server.check("BatchGetDeploymentGroups", all, r#"{"errorMessage":""}"#).await;
    let none = r#"{"applicationName":"web","deploymentGroupNames":[]}"#;
    server.check("BatchGetDeploymentGroups", none, "DeploymentGroupNameRequiredException").await;
    for application in ["web", "web", "nope"] {
        let delete = format!(r#"{{"applicationName":"{application}","deploymentGroupName":"z"}}"#);
        server.check("DeleteDeploymentGroup", &delete, r#"{"hooksNotCleanedUp":[]}"#).await;
    }
}
