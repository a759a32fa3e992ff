//! Deployments.

use crate::support::{COMMIT, TestServer, check_as, quick};

fn deploy(more: &str) -> String {
    format!(r#"{{"applicationName":"web","deploymentGroupName":"prod"{more}}}"#)
}

fn revision() -> String {
    format!(
        r#","revision":{{"revisionType":"GitHub","gitHubLocation":{{"repository":"a/b","commitId":"{COMMIT}"}}}}"#
    )
}

fn of(id: &str) -> String {
    format!(r#"{{"deploymentId":"{id}"}}"#)
}

#[tokio::test]
async fn members_are_checked_in_order() {
    let server = TestServer::start().await.with_group().await;
    let good = revision();
    let refused = |more: String, exception: &'static str| {
        let server = &server;
        async move { server.check("CreateDeployment", &deploy(&more), exception).await }
    };
    let create = "CreateDeployment";
    server.check(create, "{}", "ApplicationNameRequiredException").await;
    server.check(create, r#"{"applicationName":"web"}"#, "DeploymentGroupNameRequiredException").await;
    refused(String::new(), "RevisionRequiredException").await;
    refused(String::from(r#","revision":{}"#), "InvalidRevisionException").await;
    refused(format!(r#"{good},"deploymentConfigName":"a b""#), "InvalidDeploymentConfigNameException").await;
    refused(format!(r#"{good},"description":"{}""#, "x".repeat(257)), "DescriptionTooLongException").await;
    refused(format!(r#"{good},"fileExistsBehavior":"KEEP""#), "InvalidFileExistsBehaviorException").await;
    refused(
        format!(r#"{good},"autoRollbackConfiguration":{{"enabled":true}}"#),
        "InvalidAutoRollbackConfigException",
    )
    .await;
    refused(format!(r#"{good},"overrideAlarmConfiguration":{{}}"#), "InvalidAlarmConfigException").await;
    refused(
        format!(r#"{good},"targetInstances":{{"autoScalingGroups":["a"]}}"#),
        "InvalidTargetInstancesException",
    )
    .await;
    refused(format!(r#"{good},"ignoreApplicationStopFailures":"yes""#), "SerializationException").await;
    refused(format!(r#"{good},"deploymentMode":"FAST""#), "InvalidInputException").await;
    refused(format!(r#"{good},"deploymentMode":"RESTART""#), "InvalidInputException: no revision").await;
    refused(format!(r#"{good},"deploymentConfigName":"nope""#), "DeploymentConfigDoesNotExistException")
        .await;
    refused(String::from(r#","updateOutdatedInstancesOnly":true"#), "RevisionRequiredException: `prod`")
        .await;
    let unknown = deploy(&good).replace("web", "nope");
    let message = "ApplicationDoesNotExistException: Applications not found for 111122223333";
    server.check(create, &unknown, message).await;
    let unknown = deploy(&good).replace("prod", "nope");
    server
        .check(
            create,
            &unknown,
            "DeploymentGroupDoesNotExistException: No Deployment Group found for name: nope",
        )
        .await;
    server.check("ListDeployments", "{}", r#"{"deployments":[]}"#).await;
}

#[tokio::test]
async fn ids_are_checked() {
    let server = TestServer::start().await;
    for operation in ["GetDeployment", "StopDeployment", "ListDeploymentTargets", "ListDeploymentInstances"] {
        server.check(operation, "{}", "DeploymentIdRequiredException").await;
        let bad = "InvalidDeploymentIdException: Specified DeploymentId is not in the valid format: d-abc";
        server.check(operation, &of("d-abc"), bad).await;
        server.check(operation, &of("d-ABCDEFGHI"), "DeploymentDoesNotExistException: `d-ABCDEFGHI`").await;
    }
}

/// service.md §5.1 and §5.5; §7.1: what has failed cannot be stopped.
#[tokio::test]
async fn without_hosts_it_fails_and_says_so() {
    let server = TestServer::start().await.with_group().await;
    let id = server.deploy(r#","description":"first""#).await;
    let info = server.wait_for(&id, "Failed").await;
    assert_eq!(info["errorInformation"]["code"], "NO_INSTANCES");
    let expected = format!(
        r#"{{"deploymentInfo":{{"deploymentId":"{id}","applicationName":"web","deploymentGroupName":"prod",
            "deploymentConfigName":"CodeDeployDefault.OneAtATime","status":"Failed","creator":"user",
            "description":"first","createTime":"*","completeTime":"*","ignoreApplicationStopFailures":false,
            "updateOutdatedInstancesOnly":false,"fileExistsBehavior":"DISALLOW","computePlatform":"Server",
            "instanceTerminationWaitTimeStarted":false,"deploymentStatusMessages":[],"deploymentMode":null,
            "revision":{{"revisionType":"S3"}},"previousRevision":null,
            "deploymentStyle":{{"deploymentType":"IN_PLACE","deploymentOption":"WITHOUT_TRAFFIC_CONTROL"}}}}}}"#
    );
    server.check("GetDeployment", &of(&id), &expected).await;
    server.check("StopDeployment", &of(&id), "DeploymentAlreadyCompletedException: Failed").await;
    server.check("ListDeploymentTargets", &of(&id), r#"{"targetIds":[]}"#).await;
    // The revision was registered on the fly.
    let registered = format!(
        r#"{{"revisionInfo":{{"description":"Application revision registered by Deployment ID: {id}"}}}}"#
    );
    let get = r#"{"applicationName":"web","revision":{"revisionType":"S3",
        "s3Location":{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}}"#;
    server.check("GetApplicationRevision", get, &registered).await;
}

/// service.md §7.1, the text of AWS, and §5.5, MANUAL_STOP.
#[tokio::test]
async fn a_group_has_one_active_deployment_which_can_be_stopped() {
    let server = TestServer::start().await.with_group().await;
    server.host("h1").await;
    let id = server.deploy("").await;
    server.wait_for_begin(&id).await;
    let busy = format!(
        "DeploymentLimitExceededException: The Deployment Group 'prod' already has an active Deployment '{id}'"
    );
    server.check("CreateDeployment", &deploy(&revision()), &busy).await;
    let stopped = r#"{"status":"Succeeded","statusMessage":
        "No more commands will be scheduled for execution in the deployment instances"}"#;
    server.check("StopDeployment", &of(&id), stopped).await;
    let info = server.wait_for(&id, "Stopped").await;
    assert_eq!(info["errorInformation"]["code"], "MANUAL_STOP");
    server.check("StopDeployment", &of(&id), "DeploymentAlreadyCompletedException").await;
    server.deploy("").await;
}

/// service.md §5.1 and §5.5.
#[tokio::test]
async fn a_deployment_of_a_deleted_group_ends() {
    let server = TestServer::start().await.with_group().await;
    server.host("h1").await;
    let id = server.deploy("").await;
    server.wait_for_begin(&id).await;
    let group = r#"{"applicationName":"web","deploymentGroupName":"prod"}"#;
    server.call("DeleteDeploymentGroup", group).await;
    let info = server.wait_for(&id, "Stopped").await;
    assert_eq!(info["errorInformation"]["code"], "DEPLOYMENT_GROUP_MISSING");
}

#[tokio::test]
async fn lists_are_filtered_newest_first() {
    let server = TestServer::start().await.with_group().await;
    let first = server.deploy("").await;
    server.wait_for(&first, "Failed").await;
    let second = server.deploy("").await;
    server.wait_for(&second, "Failed").await;
    let list = "ListDeployments";
    let both = format!(r#"{{"deployments":["{second}","{first}"]}}"#);
    let none = r#"{"deployments":[]}"#;
    server.check(list, "{}", &both).await;
    server.check(list, &deploy(""), &both).await;
    server.check(list, r#"{"includeOnlyStatuses":["Failed"]}"#, &both).await;
    server.check(list, r#"{"includeOnlyStatuses":["Succeeded","Baking"]}"#, none).await;
    server.check(list, r#"{"includeOnlyStatuses":["Ready"]}"#, none).await;
    server.check(list, r#"{"createTimeRange":{"start":1,"end":2}}"#, none).await;
    server.check(list, r#"{"createTimeRange":{"start":1.5,"end":null}}"#, &both).await;
    server.check(list, r#"{"createTimeRange":{"end":"2100-01-01T00:00:00Z"}}"#, &both).await;
    server.check(list, r#"{"externalId":"x"}"#, none).await;
    server.check(list, r#"{"applicationName":"web"}"#, "DeploymentGroupNameRequiredException").await;
    server.check(list, r#"{"deploymentGroupName":"prod"}"#, "ApplicationNameRequiredException").await;
    server.check(list, &deploy("").replace("web", "nope"), "ApplicationDoesNotExistException").await;
    server.check(list, &deploy("").replace("prod", "nope"), "DeploymentGroupDoesNotExistException").await;
    server.check(list, r#"{"includeOnlyStatuses":["Done"]}"#, "InvalidDeploymentStatusException").await;
    server.check(list, r#"{"createTimeRange":{"start":2,"end":1}}"#, "InvalidTimeRangeException").await;
    for bad in [r#""never""#, r#""12""#, "1e300"] {
        let range = format!(r#"{{"createTimeRange":{{"start":{bad}}}}}"#);
        server.check(list, &range, "InvalidTimeRangeException: ").await;
    }
    server.check(list, r#"{"createTimeRange":{"start":true}}"#, "SerializationException").await;
    let long = format!(r#"{{"externalId":"{}"}}"#, "x".repeat(257));
    server.check(list, &long, "InvalidExternalIdException").await;
}

#[tokio::test]
async fn a_renamed_group_keeps_its_deployments_and_they_their_names() {
    let server = TestServer::start().await.with_group().await;
    let id = server.deploy("").await;
    server.wait_for(&id, "Failed").await;
    server.call("UpdateApplication", r#"{"applicationName":"web","newApplicationName":"site"}"#).await;
    let rename =
        r#"{"applicationName":"site","currentDeploymentGroupName":"prod","newDeploymentGroupName":"live"}"#;
    server.call("UpdateDeploymentGroup", rename).await;
    let renamed = deploy("").replace("web", "site").replace("prod", "live");
    server.check("ListDeployments", &renamed, &format!(r#"{{"deployments":["{id}"]}}"#)).await;
    let names = r#"{"deploymentInfo":{"applicationName":"web","deploymentGroupName":"prod"}}"#;
    server.check("GetDeployment", &of(&id), names).await;
    // Another group under the old names has a history of its own.
    let server = server.with_group().await;
    server.check("ListDeployments", &deploy(""), r#"{"deployments":[]}"#).await;
}

/// service.md §4.2 rule 3 and §5.4.
#[tokio::test]
async fn a_deployment_that_cannot_start_counts_its_hosts() {
    let server = TestServer::start().await.with_group().await;
    server.host("h1").await;
    let config = r#"{"deploymentConfigName":"one","minimumHealthyHosts":{"type":"HOST_COUNT","value":1}}"#;
    server.call("CreateDeploymentConfig", config).await;
    let id = server.deploy(r#","deploymentConfigName":"one""#).await;
    server.wait_for(&id, "Failed").await;
    let skipped = r#"{"deploymentInfo":{"startTime":null,
        "errorInformation":{"code":"HEALTH_CONSTRAINTS_INVALID","message":"*"},
        "deploymentOverview":{"Pending":0,"InProgress":0,"Succeeded":0,"Failed":0,"Skipped":1,"Ready":0}}}"#;
    server.check("GetDeployment", &of(&id), skipped).await;
    server.check("ListDeploymentTargets", &of(&id), r#"{"targetIds":["h1"]}"#).await;
}

#[tokio::test]
async fn a_batch_leaves_out_what_it_does_not_know() {
    let server = TestServer::start().await.with_group().await;
    let id = server.deploy("").await;
    let batch = |ids: &str| format!(r#"{{"deploymentIds":[{ids}]}}"#);
    let get = "BatchGetDeployments";
    let one = format!(r#"{{"deploymentsInfo":[{{"deploymentId":"{id}"}}]}}"#);
    server.check(get, &batch(&format!(r#""d-ABCDEFGHI","{id}""#)), &one).await;
    server.check(get, &batch(""), "DeploymentIdRequiredException").await;
    server.check(get, &batch(r#""x""#), "InvalidDeploymentIdException").await;
    let many = vec![format!(r#""{id}""#); 26].join(",");
    server.check(get, &batch(&many), "BatchLimitExceededException").await;
}

/// service.md §8, row 1, and §5.3 for the events that follow.
#[tokio::test]
async fn a_host_that_never_comes_fails_by_the_clock() {
    let mut config = quick();
    config.clocks.pickup = std::time::Duration::from_millis(200);
    let server = TestServer::start_with(config).await.with_group().await;
    server.host("h1").await;
    let id = server.deploy("").await;
    server.wait_for(&id, "Failed").await;
    let target = format!(r#"{{"deploymentId":"{id}","targetId":"h1"}}"#);
    let failed = r#"{"deploymentTarget":{"deploymentTargetType":"InstanceTarget","instanceTarget":{
        "status":"Failed","targetId":"h1","targetArn":"*","lifecycleEvents":[
        {"lifecycleEventName":"ApplicationStop","status":"Failed","startTime":null,"endTime":"*",
         "diagnostics":{"errorCode":"UnknownError","scriptName":"","logTail":"","message":"*"}},
        {"status":"Skipped","diagnostics":null,"endTime":null},"*","*","*","*","*"]}}}"#;
    server.check("GetDeploymentTarget", &target, failed).await;
}

/// service.md §7.1 and §7.4: the stop is not put off because no rollback can follow it.
#[tokio::test]
async fn a_rollback_that_cannot_follow_a_stop_is_said() {
    let server = TestServer::start().await.with_group().await;
    server.host("h1").await;
    let id = server.deploy("").await;
    server.wait_for_begin(&id).await;
    let stop = format!(r#"{{"deploymentId":"{id}","autoRollbackEnabled":true}}"#);
    let answer = server.call("StopDeployment", &stop).await;
    assert_eq!(answer["status"], "Succeeded");
    let info = server.wait_for(&id, "Stopped").await;
    let message = format!("Deployment {id} terminated. No previous successful deployment to roll back to.");
    assert_eq!(info["rollbackInfo"], serde_json::json!({ "rollbackMessage": message }));
}

/// service.md §7.2, §3.5 and §3.6.
#[tokio::test]
async fn an_in_place_deployment_never_waits_to_be_continued() {
    let server = TestServer::start().await.with_group().await;
    let id = server.deploy("").await;
    let unsupported = "UnsupportedActionForDeploymentTypeException";
    let (go_on, skip) = ("ContinueDeployment", "SkipWaitTimeForInstanceTermination");
    let hook = "PutLifecycleEventHookExecutionStatus";
    let with = |id: &str, more: &str| format!(r#"{{"deploymentId":"{id}"{more}}}"#);
    let good = r#","status":"Succeeded""#;
    for (operation, more) in [(go_on, ""), (skip, ""), (hook, good)] {
        server.check(operation, &with("", more), "DeploymentIdRequiredException").await;
        server.check(operation, &with("x", more), "InvalidDeploymentIdException: valid format: x").await;
        server.check(operation, &with("d-ABCDEFGHI", more), "DeploymentDoesNotExistException").await;
        server.check(operation, &with(&id, more), unsupported).await;
    }
    server.check(go_on, &with(&id, r#","deploymentWaitType":"TERMINATION_WAIT""#), unsupported).await;
    let bad_wait = with(&id, r#","deploymentWaitType":"READY""#);
    server.check(go_on, &bad_wait, "InvalidDeploymentWaitTypeException: `READY`").await;
    // §3.6: the status comes first.
    let bad_status = "InvalidLifecycleEventHookExecutionStatusException";
    server.check(hook, "{}", bad_status).await;
    server.check(hook, &with("x", r#","status":"Pending""#), bad_status).await;
    server.check(hook, &with(&id, r#","status":"Failed""#), unsupported).await;
}

/// Source: service.md §3.8.
#[tokio::test]
async fn nothing_has_an_external_id() {
    let server = TestServer::start().await;
    server.check("DeleteResourcesByExternalId", "{}", "{}").await;
    server.check("DeleteResourcesByExternalId", r#"{"externalId":"x"}"#, "{}").await;
}

/// Every row of the table in service-additions.md §2, and that a standard deployment says no mode.
#[tokio::test]
async fn a_restart_is_checked() {
    let server = TestServer::start().await.with_group().await;
    let create = "CreateDeployment";
    let restart = r#","deploymentMode":"RESTART""#;
    let with_revision = deploy(&format!("{restart}{}", revision()));
    server.check(create, &with_revision, "InvalidInputException: no revision").await;
    let outdated = deploy(&format!(r#"{restart},"updateOutdatedInstancesOnly":true"#));
    server.check(create, &outdated, "InvalidInputException: outdated").await;
    server.check(create, &deploy(r#","deploymentMode":"restart""#), "InvalidInputException").await;
    server.check(create, &deploy(restart), "RevisionRequiredException: `prod`").await;
    let unknown = deploy(restart).replace("prod", "nope");
    server.check(create, &unknown, "DeploymentGroupDoesNotExistException").await;

    let green = r#","onPremisesInstanceTagFilters":[],"loadBalancerInfo":{"elbInfoList":[{"name":"b"}]},
        "deploymentStyle":{"deploymentType":"BLUE_GREEN","deploymentOption":"WITH_TRAFFIC_CONTROL"}"#;
    let update = format!(r#"{{"applicationName":"web","currentDeploymentGroupName":"prod"{green}}}"#);
    server.call("UpdateDeploymentGroup", &update).await;
    server.check(create, &deploy(restart), "UnsupportedActionForDeploymentTypeException: `prod`").await;

    let server = TestServer::start().await.with_group().await;
    let id = server.deploy(r#","deploymentMode":"STANDARD""#).await;
    server.check("GetDeployment", &of(&id), r#"{"deploymentInfo":{"deploymentMode":null}}"#).await;
}

/// Source: service.md §3.5.
#[tokio::test]
async fn target_instances_are_for_blue_green_deployments() {
    let server = TestServer::start().await.with_group().await;
    let filter = r#"{"Key":"k","Value":"v","Type":"KEY_AND_VALUE"}"#;
    let eleven = [filter; 11].join(",");
    let invalid = "InvalidTargetInstancesException";
    for (targets, message) in [
        (format!(r#""tagFilters":[{filter}]"#), "only for blue/green"),
        (format!(r#""tagFilters":[{eleven}]"#), "at most 10"),
        (format!(r#""ec2TagSet":{{"ec2TagSetList":[[{eleven}]]}}"#), "at most 10"),
        (format!(r#""tagFilters":[{filter}],"ec2TagSet":{{"ec2TagSetList":[[{filter}]]}}"#), "not both"),
    ] {
        let create = deploy(&format!(r#"{},"targetInstances":{{{targets}}}"#, revision()));
        server.check("CreateDeployment", &create, &format!("{invalid}: {message}")).await;
    }
    let nothing = deploy(&format!(r#"{},"targetInstances":{{}}"#, revision()));
    server.check("CreateDeployment", &nothing, "{}").await;
}

/// Source: service.md §3.5 and §11.
#[tokio::test]
async fn to_override_alarms_needs_permission_to_change_the_group() {
    let server = TestServer::start().await.with_group().await;
    let (_, ann) = server.user("ann").await;
    let statement = r#"{"Effect":"Allow","Resource":"*","Action":["codedeploy:CreateDeployment",
        "codedeploy:GetDeploymentConfig","codedeploy:RegisterApplicationRevision"]}"#;
    server.allow("ann", statement).await;
    let alarms = r#","overrideAlarmConfiguration":{"enabled":false,"alarms":[]}"#;
    let create = deploy(&format!("{}{alarms}", revision()));
    let denied = "AccessDeniedException: codedeploy:UpdateDeploymentGroup";
    check_as(&ann, "CreateDeployment", &create, denied).await;
    check_as(&ann, "CreateDeployment", &deploy(&revision()), "{}").await;
}

/// service.md §7.2 and §3.5, as long as no load balancer is known: a blue/green deployment is in no wait before it
/// starts, and none is left after.
#[tokio::test]
async fn a_blue_green_deployment_is_in_no_wait() {
    let mut config = quick();
    config.quotas.concurrent_deployments = 1;
    let server = TestServer::start_with(config).await.with_group().await;
    server.host("h1").await;
    let style = r#","loadBalancerInfo":{"elbInfoList":[{"name":"b"}]},"onPremisesInstanceTagFilters":[],
        "deploymentStyle":{"deploymentType":"BLUE_GREEN","deploymentOption":"WITH_TRAFFIC_CONTROL"}"#;
    let green = format!(
        r#"{{"applicationName":"web","deploymentGroupName":"green",
            "serviceRoleArn":"arn:aws:iam::111122223333:role/deploy"{style}}}"#
    );
    server.call("CreateDeploymentGroup", &green).await;
    let instance = r#"{"instanceId":"i-0123456789abcdef0","availabilityZone":"eu-test-1a","roleName":"web",
        "tags":[{"Key":"k","Value":"v"}]}"#;
    server.call("Longshore_v1.PutEc2Instance", instance).await;
    let running = server.deploy("").await;
    server.wait_for_begin(&running).await;
    let targets = r#","targetInstances":{"tagFilters":[{"Key":"k","Type":"KEY_ONLY"}]}"#;
    let create = deploy(&format!("{}{targets}", revision())).replace("prod", "green");
    let made = server.call("CreateDeployment", &create).await;
    let id = made["deploymentId"].as_str().expect("an id").to_owned();
    server.wait_for(&id, "Queued").await;
    let termination = format!(r#"{{"deploymentId":"{id}","deploymentWaitType":"TERMINATION_WAIT"}}"#);
    let (go_on, skip) = ("ContinueDeployment", "SkipWaitTimeForInstanceTermination");
    server.check(go_on, &of(&id), "DeploymentIsNotInReadyStateException").await;
    server.check(go_on, &termination, "InvalidDeploymentStatusException").await;
    server.check(skip, &of(&id), "DeploymentNotStartedException").await;
    server.call("StopDeployment", &of(&running)).await;
    let info = server.wait_for(&id, "Failed").await;
    assert_eq!(info["errorInformation"]["code"], "ELASTIC_LOAD_BALANCING_INVALID");
    assert_eq!(info["instanceTerminationWaitTimeStarted"], false);
    for (operation, input) in [(go_on, of(&id)), (go_on, termination), (skip, of(&id))] {
        server.check(operation, &input, "DeploymentAlreadyCompletedException").await;
    }
    server.check("ListDeploymentTargets", &of(&id), r#"{"targetIds":[]}"#).await;
}
