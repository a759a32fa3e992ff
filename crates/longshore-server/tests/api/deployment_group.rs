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

/// The fleet registry is empty: no Auto Scaling group is known, service.md §2.4. So nothing of §5.1, §5.5, §6.2, §7.6,
/// §8 and service-additions.md §3 that is about such groups can arise.
#[tokio::test]
async fn an_unknown_auto_scaling_group_is_refused() {
    let server = server().await;
    let unknown = "InvalidAutoScalingGroupException: There is no Auto Scaling group `a`";
    server.check("CreateDeploymentGroup", &group(r#","autoScalingGroups":["a"]"#), unknown).await;
    server.check("CreateDeploymentGroup", &group(r#","autoScalingGroups":[]"#), "{}").await;
    server.check("UpdateDeploymentGroup", &update(r#","autoScalingGroups":["a"]"#), unknown).await;
    server.check("UpdateDeploymentGroup", &update(r#","autoScalingGroups":[]"#), DONE).await;
}

const DONE: &str = r#"{"hooksNotCleanedUp":[]}"#;

fn update(more: &str) -> String {
    format!(r#"{{"applicationName":"web","currentDeploymentGroupName":"g"{more}}}"#)
}

fn info(members: &str) -> String {
    format!(r#"{{"deploymentGroupInfo":{{{members}}}}}"#)
}

const TRIGGERS: &str = r#""triggerConfigurations":[
    {"triggerName":"topic","triggerTargetArn":"arn:aws:sns:us-east-1:111122223333:t",
     "triggerEvents":["InstanceFailure","DeploymentStart"]},
    {"triggerName":"hook","triggerTargetArn":"https://example.com/hook","triggerEvents":["DeploymentRollback"]}]"#;
const ALARMS: &str = r#""alarmConfiguration":{"enabled":true,"ignorePollAlarmFailure":true,
    "alarms":[{"name":"errors"},{"name":"latency"}]}"#;
const BALANCERS: &str = r#""loadBalancerInfo":{"elbInfoList":[{"name":"classic"}],
    "targetGroupInfoList":[{"name":"one"},{"name":"two"}]}"#;
const BLUE_GREEN: &str = r#""blueGreenDeploymentConfiguration":{
    "greenFleetProvisioningOption":{"action":"DISCOVER_EXISTING"},
    "deploymentReadyOption":{"actionOnTimeout":"STOP_DEPLOYMENT","waitTimeInMinutes":60},
    "terminateBlueInstancesOnDeploymentSuccess":{"action":"TERMINATE","terminationWaitTimeInMinutes":5}}"#;
const STYLE: &str =
    r#""deploymentStyle":{"deploymentType":"BLUE_GREEN","deploymentOption":"WITH_TRAFFIC_CONTROL"}"#;
const PROCESSES: &str =
    r#""ec2DeploymentOptions":{"autoScalingGroupProcessesToSuspend":["AZRebalance","Terminate"]}"#;

/// Every setting comes back as it was given, and stays until an update names it. Source: service.md §2.4,
/// "Update semantics"; service-additions.md §3.
#[tokio::test]
async fn every_setting_is_kept_answered_and_cleared() {
    let server = server().await;
    let all = [TRIGGERS, ALARMS, BALANCERS, BLUE_GREEN, STYLE, PROCESSES].join(",");
    server.call("CreateDeploymentGroup", &group(&format!(r#",{all},"terminationHookEnabled":true"#))).await;
    let answered = info(&format!(r#"{all},"terminationHookEnabled":true"#));
    server.check("GetDeploymentGroup", GET, &answered).await;
    // Absent: all of it stays.
    let other = update(r#","deploymentConfigName":"CodeDeployDefault.AllAtOnce""#);
    server.check("UpdateDeploymentGroup", &other, DONE).await;
    server.check("GetDeploymentGroup", GET, &answered).await;
    // Empty: cleared, and the rest stays.
    server.check("UpdateDeploymentGroup", &update(r#","triggerConfigurations":[]"#), DONE).await;
    let cleared = update(r#","ec2DeploymentOptions":{"autoScalingGroupProcessesToSuspend":[]}"#);
    server.check("UpdateDeploymentGroup", &cleared, DONE).await;
    let rest = [ALARMS, BALANCERS, BLUE_GREEN, STYLE].join(",");
    let cleared = format!(r#""triggerConfigurations":[],"ec2DeploymentOptions":null,{rest}"#);
    server.check("GetDeploymentGroup", GET, &info(&cleared)).await;
    server.check("UpdateDeploymentGroup", &update(r#","blueGreenDeploymentConfiguration":{}"#), DONE).await;
    server.check("GetDeploymentGroup", GET, &info(r#""blueGreenDeploymentConfiguration":null"#)).await;
    // Off keeps the list. Source: service.md §7.5.
    let off = r#""alarmConfiguration":{"enabled":false,"ignorePollAlarmFailure":false,"alarms":[{"name":"errors"}]}"#;
    server.check("UpdateDeploymentGroup", &update(&format!(",{off}")), DONE).await;
    server.check("GetDeploymentGroup", GET, &info(off)).await;
}

/// service.md §5.1 and §2.4: an update is checked together with what the group has, so no group lacks what its style needs.
#[tokio::test]
async fn settings_about_traffic_must_go_together_after_the_update() {
    let server = server().await;
    server.call("CreateDeploymentGroup", &group("")).await;
    let refused = |more: &'static str, exception: &'static str| {
        let server = &server;
        async move { server.check("UpdateDeploymentGroup", &update(more), exception).await }
    };
    let control = r#","deploymentStyle":{"deploymentOption":"WITH_TRAFFIC_CONTROL"}"#;
    refused(control, "InvalidLoadBalancerInfoException").await;
    let green = r#","deploymentStyle":{"deploymentType":"BLUE_GREEN"}"#;
    refused(green, "InvalidDeploymentStyleException").await;
    server.check("UpdateDeploymentGroup", &update(&format!(",{BALANCERS}")), DONE).await;
    // Either member of the style may be given alone.
    server.check("UpdateDeploymentGroup", &update(control), DONE).await;
    server.check("UpdateDeploymentGroup", &update(green), DONE).await;
    server.check("GetDeploymentGroup", GET, &info(STYLE)).await;
    refused(r#","loadBalancerInfo":{}"#, "InvalidLoadBalancerInfoException").await;
    refused(
        r#","onPremisesInstanceTagFilters":[{"Key":"k","Type":"KEY_ONLY"}]"#,
        "InvalidBlueGreenDeploymentConfigurationException: On-premises",
    )
    .await;
    server.check("GetDeploymentGroup", GET, &info(&format!("{STYLE},{BALANCERS}"))).await;
    let in_place = r#","deploymentStyle":{"deploymentType":"IN_PLACE","deploymentOption":"WITHOUT_TRAFFIC_CONTROL"},
        "loadBalancerInfo":{}"#;
    server.check("UpdateDeploymentGroup", &update(in_place), DONE).await;
    server.check("GetDeploymentGroup", GET, &info(r#""loadBalancerInfo":null"#)).await;
}

/// Source: service.md §2.4.3.
#[tokio::test]
async fn blue_green_settings_have_defaults_and_bounds() {
    let server = server().await;
    let with = |settings: &str| group(&format!(r#","blueGreenDeploymentConfiguration":{{{settings}}}"#));
    let invalid = "InvalidBlueGreenDeploymentConfigurationException";
    for bad in [
        r#""greenFleetProvisioningOption":{"action":"GROW"}"#,
        r#""deploymentReadyOption":{"actionOnTimeout":"WAIT"}"#,
        r#""deploymentReadyOption":{"actionOnTimeout":"CONTINUE_DEPLOYMENT","waitTimeInMinutes":1}"#,
        r#""deploymentReadyOption":{"actionOnTimeout":"STOP_DEPLOYMENT","waitTimeInMinutes":2881}"#,
        r#""deploymentReadyOption":{"actionOnTimeout":"STOP_DEPLOYMENT","waitTimeInMinutes":-1}"#,
        r#""terminateBlueInstancesOnDeploymentSuccess":{"action":"STOP"}"#,
        r#""terminateBlueInstancesOnDeploymentSuccess":{"action":"KEEP_ALIVE","terminationWaitTimeInMinutes":1}"#,
        r#""terminateBlueInstancesOnDeploymentSuccess":{"action":"TERMINATE","terminationWaitTimeInMinutes":2881}"#,
    ] {
        server.check("CreateDeploymentGroup", &with(bad), invalid).await;
    }
    let empty = r#""greenFleetProvisioningOption":{},"deploymentReadyOption":{},
        "terminateBlueInstancesOnDeploymentSuccess":{}"#;
    server.call("CreateDeploymentGroup", &with(empty)).await;
    let defaults = r#""blueGreenDeploymentConfiguration":{
        "greenFleetProvisioningOption":{"action":"DISCOVER_EXISTING"},
        "deploymentReadyOption":{"actionOnTimeout":"CONTINUE_DEPLOYMENT","waitTimeInMinutes":null},
        "terminateBlueInstancesOnDeploymentSuccess":{"action":"TERMINATE","terminationWaitTimeInMinutes":0}}"#;
    server.check("GetDeploymentGroup", GET, &info(defaults)).await;
}

/// Two updates at the same time each change what they name. Source: service.md §2.4, "absent member = keep".
#[tokio::test]
async fn no_update_is_lost_to_another() {
    let server = server().await;
    server.call("CreateDeploymentGroup", &group("")).await;
    for round in 0..10 {
        let on = round % 2 == 0;
        let (role, name) = (format!("arn:aws:iam::111122223333:role/r{round}"), format!("alarm-{round}"));
        let updates = [
            update(&format!(r#","serviceRoleArn":"{role}""#)),
            update(&format!(r#","terminationHookEnabled":{on}"#)),
            update(&format!(r#","alarmConfiguration":{{"alarms":[{{"name":"{name}"}}]}}"#)),
        ];
        let [one, two, three] = &updates;
        tokio::join!(
            server.check("UpdateDeploymentGroup", one, DONE),
            server.check("UpdateDeploymentGroup", two, DONE),
            server.check("UpdateDeploymentGroup", three, DONE),
        );
        let all = info(&format!(
            r#""serviceRoleArn":"{role}","terminationHookEnabled":{on},"alarmConfiguration":{{"alarms":[{{"name":"{name}"}}]}}"#
        ));
        server.check("GetDeploymentGroup", GET, &all).await;
    }
}

/// service.md §5.1, §5.5, §4.6, §6.2, §6.3 and service-additions.md §3: what a deployment cannot do, it is not made
/// for, and says so; what it need not do, it leaves alone.
#[tokio::test]
async fn a_deployment_says_what_its_group_asks_for_in_vain() {
    let server = server().await;
    let filters = r#"{"Key":"none","Type":"KEY_ONLY"}"#;
    let all = format!(
        r#",{TRIGGERS},{ALARMS},{BALANCERS},{PROCESSES},"ec2TagFilters":[{filters}],
            "autoRollbackConfiguration":{{"enabled":true,"events":["DEPLOYMENT_FAILURE"]}}"#
    );
    server.call("CreateDeploymentGroup", &group(&all)).await;
    let create = |more: &str| {
        format!(
            r#"{{"applicationName":"web","deploymentGroupName":"g","revision":{{"revisionType":"S3",
                "s3Location":{{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}}}{more}}}"#
        )
    };
    let override_alarms = r#","overrideAlarmConfiguration":{"enabled":true,"alarms":[{"name":"other"}]},
        "ec2DeploymentOptions":{"autoScalingGroupProcessesToSuspend":["InstanceRefresh"]}"#;
    let made = server.call("CreateDeployment", &create(override_alarms)).await;
    let id = made["deploymentId"].as_str().expect("an id").to_owned();
    let made = server.wait_for(&id, "Failed").await;
    assert_eq!(made["errorInformation"]["code"], "NO_INSTANCES");
    assert_eq!(made["deploymentStatusMessages"], serde_json::json!([]));
    // Snapshots. Source: service.md §2.9.
    let snapshot = format!(
        r#"{{"deploymentInfo":{{{BALANCERS},"blueGreenDeploymentConfiguration":null,
            "deploymentStyle":{{"deploymentType":"IN_PLACE","deploymentOption":"WITHOUT_TRAFFIC_CONTROL"}},
            "overrideAlarmConfiguration":{{"enabled":true,"ignorePollAlarmFailure":false,"alarms":[{{"name":"other"}}]}},
            "ec2DeploymentOptions":{{"autoScalingGroupProcessesToSuspend":["InstanceRefresh"]}},
            "instanceTerminationWaitTimeStarted":false,"deploymentMode":null,"targetInstances":null,
            "externalId":null,"relatedDeployments":null}}}}"#
    );
    server.check("GetDeployment", &format!(r#"{{"deploymentId":"{id}"}}"#), &snapshot).await;

    let control = r#","deploymentStyle":{"deploymentOption":"WITH_TRAFFIC_CONTROL"}"#;
    server.call("UpdateDeploymentGroup", &update(control)).await;
    let made = server.call("CreateDeployment", &create("")).await;
    let made = server.wait_for(made["deploymentId"].as_str().expect("an id"), "Failed").await;
    assert_eq!(made["errorInformation"]["code"], "ELASTIC_LOAD_BALANCING_INVALID");
    assert!(
        made["errorInformation"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("load balancer classic "))
    );
    let green = r#","deploymentStyle":{"deploymentType":"BLUE_GREEN"}"#;
    server.call("UpdateDeploymentGroup", &update(green)).await;
    let invalid = "InvalidTargetInstancesException";
    server.check("CreateDeployment", &create(""), &format!("{invalid}: needs target instances")).await;
    let others = r#","targetInstances":{"tagFilters":[{"Key":"k","Type":"KEY_ONLY"}]}"#;
    server.check("CreateDeployment", &create(others), &format!("{invalid}: match no instance")).await;
    let instance = r#"{"instanceId":"i-0123456789abcdef0","availabilityZone":"eu-test-1a","state":"running",
        "roleName":"web","tags":[{"Key":"k","Value":"v"}]}"#;
    server.call("Longshore_v1.PutEc2Instance", instance).await;
    let made = server.call("CreateDeployment", &create(others)).await;
    let made = server.wait_for(made["deploymentId"].as_str().expect("an id"), "Failed").await;
    assert_eq!(made["errorInformation"]["code"], "ELASTIC_LOAD_BALANCING_INVALID");
    let tag = &made["targetInstances"]["tagFilters"][0];
    assert_eq!((&tag["Key"], &tag["Type"]), (&"k".into(), &"KEY_ONLY".into()));
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name() {
    let server = server().await;
    let created = group(
        r#","onPremisesInstanceTagFilters":[{"Key":"k","Type":"KEY_ONLY"}],
        "autoRollbackConfiguration":{"enabled":true,"events":["DEPLOYMENT_FAILURE"]}"#,
    );
    server.call("CreateDeploymentGroup", &created).await;
    let done = DONE;
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
    // §12: a hundred in one batch.
    let many =
        format!(r#"{{"applicationName":"web","deploymentGroupNames":[{}]}}"#, vec![r#""a""#; 101].join(","));
    server.check("BatchGetDeploymentGroups", &many, "BatchLimitExceededException").await;
    for application in ["web", "web", "nope"] {
        let delete = format!(r#"{{"applicationName":"{application}","deploymentGroupName":"z"}}"#);
        server.check("DeleteDeploymentGroup", &delete, r#"{"hooksNotCleanedUp":[]}"#).await;
    }
}
