//! Applications.

use crate::support::TestServer;

#[tokio::test]
async fn names_are_checked() {
    let server = TestServer::start().await;
    for operation in ["CreateApplication", "GetApplication", "DeleteApplication", "UpdateApplication"] {
        server.check(operation, "{}", "ApplicationNameRequiredException").await;
        server.check(operation, r#"{"applicationName":""}"#, "ApplicationNameRequiredException").await;
        server
            .check(operation, r#"{"applicationName":"a b"}"#, "InvalidApplicationNameException: `a b`")
            .await;
        let long = format!(r#"{{"applicationName":"{}"}}"#, "a".repeat(101));
        server.check(operation, &long, "InvalidApplicationNameException").await;
    }
}

#[tokio::test]
async fn an_application_is_made_read_and_deleted() {
    let server = TestServer::start().await;
    let web = r#"{"applicationName":"web"}"#;
    server.check("CreateApplication", web, r#"{"applicationId":"*"}"#).await;
    server.check("CreateApplication", web, "ApplicationAlreadyExistsException: `web`").await;
    let info = r#"{"application":{"applicationName":"web","applicationId":"*","createTime":"*",
        "linkedToGitHub":false,"gitHubAccountName":null,"computePlatform":"Server"}}"#;
    server.check("GetApplication", web, info).await;
    server.check("DeleteApplication", web, "{}").await;
    server.check("DeleteApplication", web, "{}").await;
    let gone = "ApplicationDoesNotExistException: No application found for name: web";
    server.check("GetApplication", web, gone).await;
}

#[tokio::test]
async fn only_servers_are_a_platform() {
    let server = TestServer::start().await;
    let create = |platform: &str| format!(r#"{{"applicationName":"a","computePlatform":"{platform}"}}"#);
    server
        .check("CreateApplication", &create("Lambda"), "InvalidComputePlatformException: `Server` only")
        .await;
    server.check("CreateApplication", &create("server"), "InvalidComputePlatformException").await;
    server.check("CreateApplication", &create("Server"), "{}").await;
}

#[tokio::test]
async fn tags_are_checked() {
    let server = TestServer::start().await;
    let create = |tags: &str| format!(r#"{{"applicationName":"a","tags":[{tags}]}}"#);
    let refused = "InvalidTagsToAddException";
    server.check("CreateApplication", &create(r#"{"Key":"","Value":"v"}"#), refused).await;
    server.check("CreateApplication", &create(r#"{"Key":"AWS:x","Value":"v"}"#), refused).await;
    server
        .check("CreateApplication", &create(r#"{"Key":"k"},{"Key":"k"}"#), "InvalidTagsToAddException: twice")
        .await;
    let many: Vec<String> = (0..51).map(|n| format!(r#"{{"Key":"k{n}"}}"#)).collect();
    server.check("CreateApplication", &create(&many.join(",")), refused).await;
    server.check("CreateApplication", &create(r#"{"Key":"k","Value":"v"}"#), "{}").await;
}

#[tokio::test]
async fn a_batch_is_in_the_order_of_the_request_and_whole_or_nothing() {
    let server = TestServer::start().await;
    for name in ["a", "b"] {
        server.call("CreateApplication", &format!(r#"{{"applicationName":"{name}"}}"#)).await;
    }
    let batch = |names: &str| format!(r#"{{"applicationNames":[{names}]}}"#);
    let both = r#"{"applicationsInfo":[{"applicationName":"b"},{"applicationName":"a"}]}"#;
    server.check("BatchGetApplications", &batch(r#""b","a","b""#), both).await;
    server.check("BatchGetApplications", &batch(""), "ApplicationNameRequiredException").await;
    server.check("BatchGetApplications", &batch(r#""a","c""#), "ApplicationDoesNotExistException: c").await;
    server.check("BatchGetApplications", &batch(r#""a","c d""#), "InvalidApplicationNameException").await;
    let many = vec![r#""a""#; 101].join(",");
    server.check("BatchGetApplications", &batch(&many), "BatchLimitExceededException").await;
}

#[tokio::test]
async fn a_rename_keeps_what_hangs_from_it() {
    let server = TestServer::start().await.with_group().await;
    let id =
        server.call("GetApplication", r#"{"applicationName":"web"}"#).await["application"]["applicationId"]
            .take();
    let rename =
        |from: &str, to: &str| format!(r#"{{"applicationName":"{from}","newApplicationName":"{to}"}}"#);
    server.call("CreateApplication", r#"{"applicationName":"taken"}"#).await;
    server.check("UpdateApplication", &rename("web", "taken"), "ApplicationAlreadyExistsException").await;
    server.check("UpdateApplication", &rename("nope", "x"), "ApplicationDoesNotExistException").await;
    server.check("UpdateApplication", &rename("web", "web"), "{}").await;
    server.check("UpdateApplication", r#"{"applicationName":"web"}"#, "{}").await;
    server.check("UpdateApplication", &rename("web", "web2"), "{}").await;
    let renamed = format!(r#"{{"application":{{"applicationId":{id}}}}}"#);
    server.check("GetApplication", r#"{"applicationName":"web2"}"#, &renamed).await;
    let groups = r#"{"applicationName":"web2","deploymentGroups":["prod"]}"#;
    server.check("ListDeploymentGroups", r#"{"applicationName":"web2"}"#, groups).await;
}

#[tokio::test]
async fn the_account_has_a_limit() {
    let mut config = crate::support::quick();
    config.quotas.applications = 1;
    let server = TestServer::start_with(config).await;
    server.check("CreateApplication", r#"{"applicationName":"a"}"#, "{}").await;
    server
        .check("CreateApplication", r#"{"applicationName":"b"}"#, "ApplicationLimitExceededException: 1")
        .await;
}
