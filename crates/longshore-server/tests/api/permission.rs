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
                "arn:aws:codedeploy:*:*:application:web","arn:aws:codedeploy:*:*:deploymentgroup:web/*"]},
               {"Effect":"Allow","Action":"codedeploy:UpdateApplication","Resource":"*:web"}"#
                .replace("\"*:web\"", "\"arn:aws:codedeploy:*:*:application:web\"")
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
            r#"{"Effect":"Allow","Action":"codedeploy:*","Resource":"arn:aws:codedeploy:*:*:instance/web-*"},
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
