//! The EC2 inventory, and deployments to its instances. Source: service.md §2.6, §2.10 and §9.1.

use serde_json::{Value, json};

use crate::host_command::{Agent, EVENTS, specification};
use crate::session::assume;
use crate::support::{TestServer, check_as, client};

const PUT: &str = "Longshore_v1.PutEc2Instance";
const LIST: &str = "Longshore_v1.ListEc2Instances";
const DELETE: &str = "Longshore_v1.DeleteEc2Instance";

const ID: &str = "i-0123456789abcdef0";
const ARN: &str = "arn:aws:ec2:eu-test-1:111122223333:instance/i-0123456789abcdef0";

/// A group `prod` of the EC2 instances tagged `env=prod`, and no on-premises ones.
async fn with_ec2_group() -> TestServer {
    let server = TestServer::start().await;
    server.call("CreateApplication", r#"{"applicationName":"web"}"#).await;
    let group = r#"{"applicationName":"web","deploymentGroupName":"prod",
        "serviceRoleArn":"arn:aws:iam::111122223333:role/deploy",
        "ec2TagFilters":[{"Key":"env","Value":"prod","Type":"KEY_AND_VALUE"}]}"#;
    server.call("CreateDeploymentGroup", group).await;
    server.trusting_role("web-host", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#).await;
    server
}

async fn put(server: &TestServer, id: &str, more: &str) {
    let input = format!(
        r#"{{"instanceId":"{id}","availabilityZone":"eu-test-1a","roleName":"web-host",
            "tags":[{{"Key":"env","Value":"prod"}}]{more}}}"#
    );
    server.call(PUT, &input).await;
}

/// The agent of the instance called `name`, with keys of a session of the role `role`.
async fn agent(server: &TestServer, role: &str, name: &str, arn: &str) -> Agent {
    let credentials = assume(server.client(), role, &[("RoleSessionName", name)]).await.expect("a session");
    Agent { arn: arn.to_owned(), client: client(server.url(), credentials) }
}

#[tokio::test]
async fn the_inventory_is_told_and_listed() {
    let server = TestServer::start().await;
    let whole = r#"{"instanceId":"i-0123456789abcdef0","availabilityZone":"eu-test-1b","roleName":"web-host",
        "state":"stopped","tags":[{"Key":"env","Value":"prod"},{"Key":"empty"}],
        "autoScalingGroupName":"web","launchTemplate":"lt-0abc"}"#;
    let known = format!(
        r#"{{"instanceId":"{ID}","instanceArn":"{ARN}","availabilityZone":"eu-test-1b","state":"stopped",
            "roleName":"web-host","tags":[{{"Key":"env","Value":"prod"}},{{"Key":"empty","Value":""}}],
            "autoScalingGroupName":"web","launchTemplate":"lt-0abc","updateTime":"*","lastPollTime":null}}"#
    );
    server.check(PUT, whole, &format!(r#"{{"instance":{known}}}"#)).await;
    server.check(LIST, "{}", &format!(r#"{{"instances":[{known}],"nextToken":null}}"#)).await;
    // What is put again replaces everything.
    let least = r#"{"instanceId":"i-0123456789abcdef0","availabilityZone":"eu-test-1a","roleName":"other"}"#;
    let replaced = r#"{"instance":{"availabilityZone":"eu-test-1a","state":"running","roleName":"other","tags":[],
        "autoScalingGroupName":null,"launchTemplate":null}}"#;
    server.check(PUT, least, replaced).await;
    server.check(DELETE, &format!(r#"{{"instanceId":"{ID}"}}"#), "{}").await;
    server.check(DELETE, &format!(r#"{{"instanceId":"{ID}"}}"#), "{}").await;
    server.check(LIST, "{}", r#"{"instances":[]}"#).await;
}

#[tokio::test]
async fn what_is_put_has_its_rules() {
    let server = TestServer::start().await;
    let valid = json!({"instanceId": "i-0abcdef1", "availabilityZone": "a", "roleName": "r"});
    let many: Vec<Value> = (0..51).map(|n| json!({"Key": format!("k{n}")})).collect();
    for (member, value, expected) in [
        ("instanceId", json!("i-0ABCDEF1"), "ValidationException: 8 or 17"),
        ("instanceId", json!("web-1"), "ValidationException: 8 or 17"),
        ("instanceId", json!(null), "ValidationException: missing"),
        ("availabilityZone", json!(""), "ValidationException: missing"),
        ("availabilityZone", json!("a b"), "ValidationException: availability zone"),
        ("roleName", json!(null), "ValidationException: role name is missing"),
        ("roleName", json!("path/role"), "ValidationException: role name"),
        ("state", json!("gone"), "ValidationException: shutting-down, terminated"),
        ("tags", json!([{"Key": "a"}, {"Key": "a", "Value": "b"}]), "InvalidTagException: twice"),
        ("tags", json!([{"Value": "b"}]), "InvalidTagException"),
        ("tags", json!(many), "TagLimitExceededException: 50"),
        ("autoScalingGroupName", json!("a".repeat(256)), "ValidationException: Auto Scaling group"),
    ] {
        let mut input = valid.clone();
        input[member] = value;
        server.check(PUT, &input.to_string(), expected).await;
    }
    server.check(PUT, &valid.to_string(), "{}").await;
    server.check(DELETE, "{}", "ValidationException: missing").await;
}

#[tokio::test]
async fn who_may_change_the_inventory_is_said_by_instance() {
    let server = TestServer::start().await;
    let (_, ann) = server.user("ann").await;
    let statement = format!(
        r#"{{"Effect":"Allow","Action":"codedeploy:*Ec2Instance","Resource":"{ARN}",
            "Condition":{{"StringEqualsIfExists":{{"aws:RequestTag/env":"test"}}}}}}"#
    );
    server.allow("ann", &statement).await;
    let input = |id: &str, env: &str| {
        format!(
            r#"{{"instanceId":"{id}","availabilityZone":"a","roleName":"r","tags":[{{"Key":"env","Value":"{env}"}}]}}"#
        )
    };
    let denied = "AccessDeniedException: codedeploy:PutEc2Instance on resource: \
        arn:aws:ec2:eu-test-1:111122223333:instance/i-0123456789abcdef1";
    check_as(&ann, PUT, &input("i-0123456789abcdef1", "test"), denied).await;
    check_as(&ann, PUT, &input(ID, "prod"), "AccessDeniedException").await;
    check_as(&ann, PUT, &input(ID, "test"), "{}").await;
    check_as(&ann, LIST, "{}", "AccessDeniedException").await;
    check_as(&ann, DELETE, &format!(r#"{{"instanceId":"{ID}"}}"#), "{}").await;

    let found = server.call("Longshore_v1.ListAuditEvents", "{}").await;
    let events = found["events"].as_array().expect("a list");
    let puts: Vec<&Value> = events.iter().filter(|event| event["operation"] == "PutEc2Instance").collect();
    let outcomes: Vec<&Value> = puts.iter().map(|event| &event["outcome"]).collect();
    assert_eq!(outcomes, ["AccessDeniedException", "AccessDeniedException", "ok"]);
    assert_eq!(puts[2]["parameters"]["instanceId"], ID);
    assert_eq!(puts[2]["resources"], json!([ARN]));
}

/// The whole way of an instance through a deployment, as itself.
#[tokio::test]
async fn a_deployment_goes_to_an_ec2_instance() {
    let server = with_ec2_group().await;
    put(&server, ID, "").await;
    // On-premises instances with the same tag are not meant.
    server.host("h1").await;
    let agent = agent(&server, "web-host", ID, ARN).await;
    assert_eq!(agent.poll().await, Value::Null);
    let id = server.deploy("").await;
    for event in EVENTS {
        let command = agent.command().await;
        assert_eq!(
            (command["CommandName"].as_str(), command["HostIdentifier"].as_str()),
            (Some(event), Some(ARN))
        );
        let execution = command["DeploymentExecutionId"].as_str().expect("an id");
        assert_eq!(specification(&agent.client, ARN, execution).await.deployment_id, id);
        assert_eq!(agent.acknowledge(&command).await, "InProgress");
        agent.succeed(&command).await;
    }
    server.check(LIST, "{}", r#"{"instances":[{"lastPollTime":"*"}]}"#).await;
    let info = server.wait_for(&id, "Succeeded").await;
    assert_eq!(info["deploymentStatusMessages"], json!([]));
    check_target_views(&server, &id).await;
}

/// Source: service.md §2.10: the older view has the whole ARN, the newer one both.
async fn check_target_views(server: &TestServer, id: &str) {
    let of = format!(r#"{{"deploymentId":"{id}"}}"#);
    let ids = format!(r#"{{"targetIds":["{ID}"]}}"#);
    server.check("ListDeploymentTargets", &of, &ids).await;
    let target = format!(
        r#"{{"deploymentTarget":{{"instanceTarget":{{"targetId":"{ID}","targetArn":"{ARN}","status":"Succeeded"}}}}}}"#
    );
    for name in [ID, ARN] {
        let input = format!(r#"{{"deploymentId":"{id}","targetId":"{name}"}}"#);
        server.check("GetDeploymentTarget", &input, &target).await;
        let input = format!(r#"{{"deploymentId":"{id}","instanceId":"{name}"}}"#);
        let summary = format!(r#"{{"instanceSummary":{{"instanceId":"{ARN}"}}}}"#);
        server.check("GetDeploymentInstance", &input, &summary).await;
    }
    let other = format!(r#"{{"deploymentId":"{id}","targetId":"i-0123456789abcdef1"}}"#);
    server.check("GetDeploymentTarget", &other, "DeploymentTargetDoesNotExistException").await;
}

#[tokio::test]
async fn on_premises_filters_select_no_ec2_instance() {
    let server = TestServer::start().await.with_group().await;
    put(&server, ID, "").await;
    let id = server.deploy("").await;
    let info = server.wait_for(&id, "Failed").await;
    assert_eq!(info["errorInformation"]["code"], "NO_INSTANCES");
}

#[tokio::test]
async fn instances_that_are_gone_are_not_selected_and_stopped_ones_are() {
    let server = with_ec2_group().await;
    for (id, state) in [
        ("i-00000001", "terminated"),
        ("i-00000002", "stopped"),
        ("i-00000003", "shutting-down"),
        ("i-00000004", "stopping"),
    ] {
        put(&server, id, &format!(r#","state":"{state}""#)).await;
    }
    let id = server.deploy("").await;
    server.wait_for_begin(&id).await;
    let of = format!(r#"{{"deploymentId":"{id}"}}"#);
    server.check("ListDeploymentTargets", &of, r#"{"targetIds":["i-00000002","i-00000004"]}"#).await;
}

/// service.md §4.5, §5.1 and §5.4: between two zones a deployment is `Baking`, and everybody who asks for its status is told so.
#[tokio::test]
async fn a_deployment_waits_between_zones() {
    let server = with_ec2_group().await;
    put(&server, ID, "").await;
    let other = "i-0123456789abcdef1";
    let in_b = r#"{"instanceId":"i-0123456789abcdef1","availabilityZone":"eu-test-1b","roleName":"web-host",
        "tags":[{"Key":"env","Value":"prod"}]}"#;
    server.call(PUT, in_b).await;
    let config = r#"{"deploymentConfigName":"zonal","minimumHealthyHosts":{"type":"HOST_COUNT","value":0},
        "zonalConfig":{"monitorDurationInSeconds":3600}}"#;
    server.call("CreateDeploymentConfig", config).await;
    let id = server.deploy(r#","deploymentConfigName":"zonal""#).await;
    let agent = agent(&server, "web-host", ID, ARN).await;
    for _ in EVENTS {
        let command = agent.command().await;
        agent.acknowledge(&command).await;
        agent.succeed(&command).await;
    }
    let info = server.wait_for(&id, "Baking").await;
    assert_eq!((&info["deploymentStatusMessages"], &info["completeTime"]), (&json!([]), &Value::Null));
    let overview = json!({"Pending":1,"InProgress":0,"Succeeded":1,"Failed":0,"Skipped":0,"Ready":0});
    assert_eq!(info["deploymentOverview"], overview);
    let of = format!(r#"{{"deploymentId":"{id}"}}"#);
    let timeline = server.call("Longshore_v1.GetDeploymentTimeline", &of).await;
    let Some([.., baking, bakes]) = timeline["entries"].as_array().map(Vec::as_slice) else {
        panic!("no two entries in {timeline}")
    };
    assert_eq!((&baking["status"], &bakes["kind"]), (&json!("Baking"), &json!("decision")));
    let text = bakes["text"].as_str().unwrap_or_default();
    assert!(text.ends_with("is done: alarms are watched for 3600 s before the next one goes"), "{text}");
    let wait =
        timeline["waitsUntil"].as_f64().zip(baking["time"].as_f64()).map(|(until, since)| until - since);
    assert!(wait.is_some_and(|secs| (secs - 3600.0).abs() < 0.01), "{timeline}");
    let ids = format!(r#"{{"targetIds":["{ID}","{other}"]}}"#);
    server.check("ListDeploymentTargets", &of, &ids).await;
    let listed = format!(r#"{{"deployments":["{id}"]}}"#);
    server.check("ListDeployments", r#"{"includeOnlyStatuses":["Baking"]}"#, &listed).await;
    server
        .check("ListDeployments", r#"{"includeOnlyStatuses":["InProgress"]}"#, r#"{"deployments":[]}"#)
        .await;
    let again = r#"{"applicationName":"web","deploymentGroupName":"prod","revision":{"revisionType":"S3",
        "s3Location":{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}}"#;
    server.check("CreateDeployment", again, &format!("DeploymentLimitExceededException: {id}")).await;
    let config = r#"{"deploymentConfigName":"zonal"}"#;
    server.check("DeleteDeploymentConfig", config, "DeploymentConfigInUseException").await;
    server.check("StopDeployment", &of, r#"{"status":"Succeeded"}"#).await;
    server.check("GetDeployment", &of, r#"{"deploymentInfo":{"status":"Stopped"}}"#).await;
    server.check("Longshore_v1.GetDeploymentTimeline", &of, r#"{"waitsUntil":null}"#).await;
}

#[tokio::test]
async fn an_instance_is_only_itself() {
    let server = with_ec2_group().await;
    let other = "i-0123456789abcdef1";
    let other_arn = ARN.replace(ID, other);
    put(&server, ID, "").await;
    put(&server, other, "").await;
    server.trusting_role("stranger", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#).await;
    server.deploy("").await;
    let itself = agent(&server, "web-host", ID, ARN).await;
    let command = itself.command().await;

    let neighbour = agent(&server, "web-host", other, &other_arn).await;
    let other_role = agent(&server, "stranger", ID, ARN).await;
    let (_, user) = server.user("ann").await;
    let user = Agent { arn: ARN.to_owned(), client: user };
    let poll = json!({ "HostIdentifier": ARN });
    let ask = json!({ "HostIdentifier": ARN, "DeploymentExecutionId": command["DeploymentExecutionId"] });
    let take = json!({ "HostCommandIdentifier": command["HostCommandIdentifier"] });
    let report =
        json!({ "HostCommandIdentifier": command["HostCommandIdentifier"], "CommandStatus": "Succeeded" });
    for stranger in [&neighbour, &other_role, &user] {
        for (operation, input) in [
            ("PollHostCommand", &poll),
            ("GetDeploymentSpecification", &ask),
            ("PutHostCommandAcknowledgement", &take),
            ("PutHostCommandComplete", &report),
            ("PostHostCommandUpdate", &take),
        ] {
            assert_eq!(
                stranger.refused(operation, input.clone()).await,
                "AccessDeniedException",
                "{operation}"
            );
        }
    }
    // Nor is its session's own ARN its identifier, or its ARN in another region.
    let session = "arn:aws:sts::111122223333:assumed-role/web-host/i-0123456789abcdef0";
    for identifier in [session, &ARN.replace("eu-test-1", "eu-test-2"), &ARN.replace("1111", "2222")] {
        let input = json!({ "HostIdentifier": identifier });
        assert_eq!(itself.refused("PollHostCommand", input).await, "AccessDeniedException", "{identifier}");
    }
    assert_eq!(itself.acknowledge(&command).await, "InProgress");
}

/// The inventory says whose session an instance is, in the middle of a deployment too.
#[tokio::test]
async fn the_role_of_an_instance_may_change() {
    let server = with_ec2_group().await;
    put(&server, ID, "").await;
    server.trusting_role("newer", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#).await;
    let id = server.deploy("").await;
    let before = agent(&server, "web-host", ID, ARN).await;
    let command = before.command().await;
    assert_eq!(before.acknowledge(&command).await, "InProgress");
    let moved = r#"{"instanceId":"i-0123456789abcdef0","availabilityZone":"eu-test-1a","roleName":"newer",
        "tags":[{"Key":"env","Value":"prod"}]}"#;
    server.call(PUT, moved).await;
    let poll = json!({ "HostIdentifier": ARN });
    assert_eq!(before.refused("PollHostCommand", poll.clone()).await, "AccessDeniedException");
    let after = agent(&server, "newer", ID, ARN).await;
    after.succeed(&command).await;
    assert_eq!(after.command().await["CommandName"], EVENTS[1]);

    // Out of the inventory it is nobody.
    server.call(DELETE, &format!(r#"{{"instanceId":"{ID}"}}"#)).await;
    assert_eq!(after.refused("PollHostCommand", poll).await, "AccessDeniedException");
    server.call("StopDeployment", &format!(r#"{{"deploymentId":"{id}"}}"#)).await;
}
