//! What users may do by their policies.

use crate::support::{TestServer, check_as};

const DENIED: &str = "AccessDeniedException";

#[tokio::test]
async fn a_user_without_policies_may_do_nothing() {
    let server = TestServer::start().await.with_group().await;
    let (_, ann) = server.user("ann").await;
    let message = "AccessDeniedException: User: arn:aws:iam::111122223333:user/AWS/CodeDeploy/ann is not \
        authorized to perform: codedeploy:GetApplication on resource: \
        arn:aws:codedeploy:eu-test-1:111122223333:application:web because no identity-based policy allows the \
        codedeploy:GetApplication action";
    check_as(&ann, "GetApplication", r#"{"applicationName":"web"}"#, message).await;
    check_as(&ann, "GetApplication", r#"{"applicationName":"nope"}"#, DENIED).await;
    // What is malformed is said before.
    check_as(&ann, "GetApplication", r#"{"applicationName":"a b"}"#, "InvalidApplicationNameException").await;
    for operation in
        ["ListApplications", "ListDeployments", "ListOnPremisesInstances", "Longshore_v1.ListHosts"]
    {
        check_as(&ann, operation, "{}", DENIED).await;
    }
    check_as(&ann, "GetDeployment", r#"{"deploymentId":"d-ABCDEFGHI"}"#, DENIED).await;
    check_as(&ann, "ContinueDeployment", r#"{"deploymentId":"d-ABCDEFGHI"}"#, DENIED).await;
}

#[tokio::test]
async fn a_policy_names_actions_and_resources() {
    let server = TestServer::start().await.with_group().await;
    server.call("CreateApplication", r#"{"applicationName":"other"}"#).await;
    let (_, ann) = server.user("ann").await;
    server
        .allow(
            "ann",
            r#"{"Effect":"Allow","Action":"codedeploy:Get*","Resource":[
                "arn:aws:codedeploy:eu-test-1:111122223333:application:web","arn:aws:codedeploy:eu-test-1:111122223333:deploymentgroup:web/*"]},
               {"Effect":"Allow","Action":"codedeploy:UpdateApplication","Resource":"*:web"}"#
                .replace("\"*:web\"", "\"arn:aws:codedeploy:eu-test-1:111122223333:application:web\"")
                .as_str(),
        )
        .await;
    check_as(&ann, "GetApplication", r#"{"applicationName":"web"}"#, "{}").await;
    check_as(&ann, "GetApplication", r#"{"applicationName":"other"}"#, DENIED).await;
    let group = r#"{"applicationName":"web","deploymentGroupName":"prod"}"#;
    check_as(&ann, "GetDeploymentGroup", group, "{}").await;
    check_as(&ann, "DeleteDeploymentGroup", group, DENIED).await;
    let rename = r#"{"applicationName":"web","newApplicationName":"mine"}"#;
    check_as(&ann, "UpdateApplication", rename, "AccessDeniedException: application:mine").await;
    let id = server.deploy("").await;
    check_as(&ann, "GetDeployment", &format!(r#"{{"deploymentId":"{id}"}}"#), "{}").await;
    check_as(&ann, "StopDeployment", &format!(r#"{{"deploymentId":"{id}"}}"#), DENIED).await;
}

#[tokio::test]
async fn a_deployment_needs_its_config_and_revision_too() {
    let server = TestServer::start().await.with_group().await;
    let (_, ann) = server.user("ann").await;
    let deploy = r#"{"applicationName":"web","deploymentGroupName":"prod","revision":{"revisionType":"S3",
        "s3Location":{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}}"#;
    let allow = |actions: &str| format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}"#);
    server.allow("ann", &allow(r#""codedeploy:CreateDeployment""#)).await;
    check_as(&ann, "CreateDeployment", deploy, "AccessDeniedException: codedeploy:GetDeploymentConfig").await;
    server.allow("ann", &allow(r#""codedeploy:CreateDeployment","codedeploy:GetDeploymentConfig""#)).await;
    let register = "AccessDeniedException: codedeploy:RegisterApplicationRevision";
    check_as(&ann, "CreateDeployment", deploy, register).await;
    server.allow("ann", &allow(r#""codedeploy:*""#)).await;
    check_as(&ann, "CreateDeployment", deploy, r#"{"deploymentId":"*"}"#).await;
}

#[tokio::test]
async fn a_denial_wins_and_hosts_match_by_name() {
    let server = TestServer::start().await;
    server.host("web-1").await;
    server.host("db-1").await;
    let (_, ann) = server.user("ann").await;
    server
        .allow(
            "ann",
            r#"{"Effect":"Allow","Action":"codedeploy:*","Resource":"arn:aws:codedeploy:eu-test-1:111122223333:instance/web-*"},
               {"Effect":"Deny","Action":"codedeploy:Deregister*","Resource":"*"}"#,
        )
        .await;
    check_as(&ann, "GetOnPremisesInstance", r#"{"instanceName":"web-1"}"#, "{}").await;
    check_as(&ann, "GetOnPremisesInstance", r#"{"instanceName":"db-1"}"#, DENIED).await;
    check_as(&ann, "DeregisterOnPremisesInstance", r#"{"instanceName":"web-1"}"#, DENIED).await;
    let tag = |names: &str| format!(r#"{{"instanceNames":[{names}],"tags":[{{"Key":"k"}}]}}"#);
    check_as(&ann, "AddTagsToOnPremisesInstances", &tag(r#""web-1""#), "{}").await;
    check_as(&ann, "AddTagsToOnPremisesInstances", &tag(r#""web-1","db-1""#), DENIED).await;
}

#[tokio::test]
async fn tags_of_the_resource_and_of_the_request_decide() {
    let server = TestServer::start().await;
    let tagged = |name: &str, team: &str| {
        format!(r#"{{"applicationName":"{name}","tags":[{{"Key":"team","Value":"{team}"}}]}}"#)
    };
    server.call("CreateApplication", &tagged("web", "blue")).await;
    server.call("CreateApplication", &tagged("shop", "red")).await;
    let (_, ann) = server.user("ann").await;
    server
        .allow(
            "ann",
            r#"{"Effect":"Allow","Action":["codedeploy:GetApplication","codedeploy:UpdateApplication","codedeploy:LinkApplication*"],
                "Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}},
               {"Effect":"Allow","Action":"codedeploy:CreateApplication","Resource":"*","Condition":{
                "StringEquals":{"aws:RequestTag/team":"blue"},
                "ForAllValues:StringEquals":{"aws:TagKeys":["team","stage"]}}}"#,
        )
        .await;
    check_as(&ann, "GetApplication", r#"{"applicationName":"web"}"#, r#"{"application":{}}"#).await;
    check_as(&ann, "GetApplication", r#"{"applicationName":"shop"}"#, DENIED).await;
    check_as(&ann, "GetApplication", r#"{"applicationName":"nope"}"#, DENIED).await;
    // The new name has no tag.
    let rename = r#"{"applicationName":"web","newApplicationName":"mine"}"#;
    check_as(&ann, "UpdateApplication", rename, "AccessDeniedException: application:mine").await;
    let link = "Longshore_v1.LinkApplicationToGitHub";
    check_as(&ann, link, r#"{"applicationName":"web"}"#, "{}").await;
    check_as(&ann, link, r#"{"applicationName":"shop"}"#, DENIED).await;
    check_as(&ann, "CreateApplication", &tagged("new", "blue"), r#"{"applicationId":"*"}"#).await;
    check_as(&ann, "CreateApplication", &tagged("other", "red"), DENIED).await;
    let two =
        r#"{"applicationName":"two","tags":[{"Key":"team","Value":"blue"},{"Key":"cost","Value":"1"}]}"#;
    check_as(&ann, "CreateApplication", two, DENIED).await;
    check_as(&ann, "CreateApplication", r#"{"applicationName":"none"}"#, DENIED).await;
}

#[tokio::test]
async fn tags_of_hosts_that_a_request_gives_decide() {
    let server = TestServer::start().await;
    server.host("web-1").await;
    let (_, ann) = server.user("ann").await;
    server
        .allow(
            "ann",
            r#"{"Effect":"Allow","Action":"codedeploy:*TagsToOnPremisesInstances","Resource":"*",
                "Condition":{"StringEquals":{"aws:RequestTag/stage":"test"}}},
               {"Effect":"Allow","Action":"codedeploy:RemoveTagsFromOnPremisesInstances","Resource":"*",
                "Condition":{"ForAllValues:StringLike":{"aws:TagKeys":"st*"}}}"#,
        )
        .await;
    let tag = |key: &str, value: &str| {
        format!(r#"{{"instanceNames":["web-1"],"tags":[{{"Key":"{key}","Value":"{value}"}}]}}"#)
    };
    check_as(&ann, "AddTagsToOnPremisesInstances", &tag("stage", "test"), "{}").await;
    check_as(&ann, "AddTagsToOnPremisesInstances", &tag("stage", "prod"), DENIED).await;
    check_as(&ann, "RemoveTagsFromOnPremisesInstances", &tag("stage", "test"), "{}").await;
    check_as(&ann, "RemoveTagsFromOnPremisesInstances", &tag("env", "prod"), DENIED).await;
}

#[tokio::test]
async fn where_a_request_comes_from_and_who_asks_decide() {
    let server = TestServer::start().await.with_group().await;
    let (_, ann) = server.user("ann").await;
    let get = r#"{"applicationName":"web"}"#;
    for (condition, is_met) in [
        (r#"{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#, true),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, false),
        (r#"{"StringEquals":{"aws:username":"ann"}}"#, true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/AWS/*"}}"#, true),
        (r#"{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#, false),
        (r#"{"StringEquals":{"aws:RequestedRegion":"eu-test-1"}}"#, true),
        (r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#, false),
    ] {
        let statement =
            format!(r#"{{"Effect":"Allow","Action":"codedeploy:*","Resource":"*","Condition":{condition}}}"#);
        server.allow("ann", &statement).await;
        let expected = if is_met { "{}" } else { DENIED };
        check_as(&ann, "GetApplication", get, expected).await;
    }
}

#[tokio::test]
async fn a_service_role_must_be_the_callers_to_give() {
    let server = TestServer::start().await.with_group().await;
    let (_, ann) = server.user("ann").await;
    let create = r#"{"applicationName":"web","deploymentGroupName":"new",
        "serviceRoleArn":"arn:aws:iam::111122223333:role/deploy"}"#;
    let update = r#"{"applicationName":"web","currentDeploymentGroupName":"prod",
        "serviceRoleArn":"arn:aws:iam::111122223333:role/admin"}"#;
    let allow = r#"{"Effect":"Allow","Action":"codedeploy:*","Resource":"*"}"#;
    server.allow("ann", allow).await;
    let denied = "AccessDeniedException: iam:PassRole on resource: arn:aws:iam::111122223333:role/";
    check_as(&ann, "CreateDeploymentGroup", create, denied).await;
    check_as(&ann, "UpdateDeploymentGroup", update, denied).await;
    let other = r#"{"applicationName":"web","currentDeploymentGroupName":"prod"}"#;
    check_as(&ann, "UpdateDeploymentGroup", other, "{}").await;
    let pass = r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/deploy",
        "Condition":{"StringEquals":{"iam:PassedToService":"codedeploy.amazonaws.com"}}}"#;
    server.allow("ann", &format!("{allow},{pass}")).await;
    check_as(&ann, "CreateDeploymentGroup", create, "{}").await;
    check_as(&ann, "UpdateDeploymentGroup", update, denied).await;
}

#[tokio::test]
async fn an_operator_may_leave_service_roles_unchecked() {
    let config = longshore_server::config::Config { checks_pass_role: false, ..crate::support::quick() };
    let server = TestServer::start_with(config).await.with_group().await;
    let (_, ann) = server.user("ann").await;
    server.allow("ann", r#"{"Effect":"Allow","Action":"codedeploy:*","Resource":"*"}"#).await;
    let create = r#"{"applicationName":"web","deploymentGroupName":"new",
        "serviceRoleArn":"arn:aws:iam::111122223333:role/deploy"}"#;
    check_as(&ann, "CreateDeploymentGroup", create, "{}").await;
}

#[tokio::test]
async fn a_denial_that_was_written_says_so() {
    let server = TestServer::start().await.with_group().await;
    let (_, ann) = server.user("ann").await;
    server
        .allow(
            "ann",
            r#"{"Effect":"Allow","Action":"*","Resource":"*"},
               {"Effect":"Deny","Action":"codedeploy:*","Resource":"*"}"#,
        )
        .await;
    let denied = "AccessDeniedException: codedeploy:ListApplications on resource: \
        arn:aws:codedeploy:eu-test-1:111122223333:application:* with an explicit deny in an identity-based policy";
    check_as(&ann, "ListApplications", "{}", denied).await;
}

#[tokio::test]
async fn tagging_depends_on_the_tags() {
    let server = TestServer::start().await.with_group().await;
    let (_, ann) = server.user("ann").await;
    server
        .allow(
            "ann",
            r#"{"Effect":"Allow","Action":"codedeploy:TagResource","Resource":"*",
                "Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}},
               {"Effect":"Allow","Action":"codedeploy:UntagResource","Resource":"*",
                "Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"note"},
                             "StringEquals":{"aws:ResourceTag/team":"blue"}}}"#,
        )
        .await;
    let arn = "arn:aws:codedeploy:eu-test-1:111122223333:deploymentgroup:web/prod";
    let tag = |team: &str| format!(r#"{{"ResourceArn":"{arn}","Tags":[{{"Key":"team","Value":"{team}"}}]}}"#);
    let untag = |key: &str| format!(r#"{{"ResourceArn":"{arn}","TagKeys":["{key}"]}}"#);
    check_as(&ann, "UntagResource", &untag("note"), DENIED).await;
    check_as(&ann, "TagResource", &tag("red"), DENIED).await;
    check_as(&ann, "TagResource", &tag("blue"), "{}").await;
    check_as(&ann, "UntagResource", &untag("team"), DENIED).await;
    check_as(&ann, "UntagResource", &untag("note"), "{}").await;
}
