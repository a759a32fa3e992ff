//! Resource tags. Source: service.md §2.0 and §3.8.

use crate::support::{ACCOUNT, REGION, TestServer, check_as, quick};

fn arn(resource: &str) -> String {
    format!("arn:aws:codedeploy:{REGION}:{ACCOUNT}:{resource}")
}

fn of(resource: &str, more: &str) -> String {
    format!(r#"{{"ResourceArn":"{}"{more}}}"#, arn(resource))
}

const APPLICATION: &str = "application:web";
const GROUP: &str = "deploymentgroup:web/prod";

#[tokio::test]
async fn applications_and_groups_are_tagged() {
    let server = TestServer::start().await.with_group().await;
    for resource in [APPLICATION, GROUP] {
        server.check("ListTagsForResource", &of(resource, ""), r#"{"Tags":[],"NextToken":null}"#).await;
        let tags = of(resource, r#","Tags":[{"Key":"team","Value":"a"},{"Key":"cost"}]"#);
        server.check("TagResource", &tags, "{}").await;
        // §3.8: an existing key is overwritten.
        server.check("TagResource", &of(resource, r#","Tags":[{"Key":"team","Value":"b"}]"#), "{}").await;
        let both = r#"{"Tags":[{"Key":"cost","Value":""},{"Key":"team","Value":"b"}]}"#;
        server.check("ListTagsForResource", &of(resource, ""), both).await;
        // §3.8: untagging a missing key is a no-op.
        server.check("UntagResource", &of(resource, r#","TagKeys":["cost","nope"]"#), "{}").await;
        let one = r#"{"Tags":[{"Key":"team","Value":"b"}]}"#;
        server.check("ListTagsForResource", &of(resource, ""), one).await;
    }
}

#[tokio::test]
async fn tags_given_at_creation_are_listed_and_survive_changes_of_their_resource() {
    let server = TestServer::start().await;
    let create = r#"{"applicationName":"web","tags":[{"Key":"k","Value":"v"}]}"#;
    server.call("CreateApplication", create).await;
    let server = server.with_group_only("prod", r#","tags":[{"Key":"g","Value":"w"}]"#).await;
    let update = r#"{"applicationName":"web","currentDeploymentGroupName":"prod",
        "deploymentConfigName":"CodeDeployDefault.AllAtOnce"}"#;
    server.call("UpdateDeploymentGroup", update).await;
    server.check("ListTagsForResource", &of(GROUP, ""), r#"{"Tags":[{"Key":"g","Value":"w"}]}"#).await;
    server.call("UpdateApplication", r#"{"applicationName":"web","newApplicationName":"site"}"#).await;
    let renamed = of("application:site", "");
    server.check("ListTagsForResource", &renamed, r#"{"Tags":[{"Key":"k","Value":"v"}]}"#).await;
    // §2.1: tags go with their application.
    server.call("DeleteApplication", r#"{"applicationName":"site"}"#).await;
    server.call("CreateApplication", r#"{"applicationName":"site"}"#).await;
    server.check("ListTagsForResource", &renamed, r#"{"Tags":[]}"#).await;
}

#[tokio::test]
async fn arns_are_checked_first() {
    let server = TestServer::start().await.with_group().await;
    for operation in ["TagResource", "UntagResource", "ListTagsForResource"] {
        server.check(operation, "{}", "ResourceArnRequiredException").await;
        server.check(operation, r#"{"ResourceArn":""}"#, "ResourceArnRequiredException").await;
        server.check(operation, r#"{"ResourceArn":"web"}"#, "InvalidArnException: `web`").await;
        for bad in ["application:", "application:a b", "deploymentgroup:web", "bucket:x", "application/web"] {
            server.check(operation, &of(bad, ""), "InvalidArnException").await;
        }
        let other_region = of(APPLICATION, "").replace(REGION, "eu-test-2");
        server.check(operation, &other_region, "InvalidArnException: another region").await;
        let other_account = of(APPLICATION, "").replace(ACCOUNT, "444455556666");
        server.check(operation, &other_account, "InvalidArnException: another account").await;
        let other_service = of(APPLICATION, "").replace("codedeploy", "s3");
        server.check(operation, &other_service, "InvalidArnException").await;
        for unsupported in ["deploymentconfig:CodeDeployDefault.OneAtATime", "instance/h_AbCdEfGhIj"] {
            server.check(operation, &of(unsupported, ""), "ArnNotSupportedException").await;
        }
    }
}

#[tokio::test]
async fn tags_are_checked_and_then_the_resource() {
    let server = TestServer::start().await.with_group().await;
    for nothing in ["", r#","Tags":[]"#] {
        server.check("TagResource", &of(APPLICATION, nothing), "TagRequiredException").await;
    }
    for nothing in ["", r#","TagKeys":[]"#] {
        server.check("UntagResource", &of(APPLICATION, nothing), "TagRequiredException").await;
    }
    let invalid = "InvalidTagsToAddException";
    for bad in [r#"{"Key":""}"#, r#"{"Key":"Aws:x"}"#, r#"{"Key":"k"},{"Key":"k"}"#] {
        server.check("TagResource", &of(APPLICATION, &format!(r#","Tags":[{bad}]"#)), invalid).await;
    }
    let long = format!(r#","Tags":[{{"Key":"{}"}}]"#, "k".repeat(129));
    server.check("TagResource", &of(APPLICATION, &long), invalid).await;
    let long = format!(r#","Tags":[{{"Key":"k","Value":"{}"}}]"#, "v".repeat(257));
    server.check("TagResource", &of(APPLICATION, &long), invalid).await;

    let no_application = "ApplicationDoesNotExistException: No application found for name: nope";
    let no_group = "DeploymentGroupDoesNotExistException: No Deployment Group found for name: nope";
    let changes = [("TagResource", r#","Tags":[{"Key":"k"}]"#), ("UntagResource", r#","TagKeys":["k"]"#)];
    for (operation, more) in changes {
        server.check(operation, &of("application:nope", more), no_application).await;
        server.check(operation, &of("deploymentgroup:nope/prod", more), no_application).await;
        server.check(operation, &of("deploymentgroup:web/nope", more), no_group).await;
    }
    // §3.8: to list the tags of what is not there is InvalidArn.
    for resource in ["application:nope", "deploymentgroup:nope/prod", "deploymentgroup:web/nope"] {
        server.check("ListTagsForResource", &of(resource, ""), "InvalidArnException: does not exist").await;
    }
}

#[tokio::test]
async fn fifty_tags_are_the_most_of_one_resource() {
    let server = TestServer::start().await.with_group().await;
    let tags = |numbers: std::ops::Range<u32>| {
        let tags: Vec<String> = numbers.map(|n| format!(r#"{{"Key":"k{n}"}}"#)).collect();
        format!(r#","Tags":[{}]"#, tags.join(","))
    };
    for resource in [APPLICATION, GROUP] {
        server.check("TagResource", &of(resource, &tags(0..51)), "InvalidTagsToAddException").await;
        server.check("TagResource", &of(resource, &tags(0..30)), "{}").await;
        server.check("TagResource", &of(resource, &tags(20..51)), "InvalidTagsToAddException: 50").await;
        server.check("TagResource", &of(resource, &tags(20..50)), "{}").await;
        let listed = server.call("ListTagsForResource", &of(resource, "")).await;
        assert_eq!(listed["Tags"].as_array().map(Vec::len), Some(50));
    }
}

#[tokio::test]
async fn tags_are_listed_by_page() {
    let mut config = quick();
    config.page_size = 2;
    let server = TestServer::start_with(config).await.with_group().await;
    let tags = of(GROUP, r#","Tags":[{"Key":"c"},{"Key":"a"},{"Key":"b"}]"#);
    server.call("TagResource", &tags).await;
    let first = server.call("ListTagsForResource", &of(GROUP, "")).await;
    assert_eq!((&first["Tags"][0]["Key"], &first["Tags"][1]["Key"]), (&"a".into(), &"b".into()));
    let token = first["NextToken"].as_str().expect("there is more");
    let more = format!(r#","NextToken":"{token}""#);
    let last = r#"{"Tags":[{"Key":"c"}],"NextToken":null}"#;
    server.check("ListTagsForResource", &of(GROUP, &more), last).await;
    server.check("ListTagsForResource", &of(APPLICATION, &more), "InvalidNextTokenException").await;
}

#[tokio::test]
async fn tagging_needs_permission_on_the_tagged_resource() {
    let server = TestServer::start().await.with_group().await;
    let (_, user) = server.user("tagger").await;
    let statement =
        format!(r#"{{"Effect":"Allow","Action":"codedeploy:TagResource","Resource":"{}"}}"#, arn(GROUP));
    server.allow("tagger", &statement).await;
    let tags = r#","Tags":[{"Key":"k"}]"#;
    check_as(&user, "TagResource", &of(GROUP, tags), "{}").await;
    check_as(&user, "TagResource", &of(APPLICATION, tags), "AccessDeniedException").await;
    check_as(&user, "ListTagsForResource", &of(GROUP, ""), "AccessDeniedException").await;
}
