//! The AWS SDK for Rust: a journey with its types, errors and paginators.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::config::retry::RetryConfig;
use aws_sdk_codedeploy::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_codedeploy::operation::create_deployment::CreateDeploymentError;
use aws_sdk_codedeploy::operation::get_deployment::GetDeploymentError;
use aws_sdk_codedeploy::types::{
    BundleType, ComputePlatform, DeploymentStatus, ErrorCode, MinimumHealthyHosts, MinimumHealthyHostsType,
    RevisionLocation, RevisionLocationType, S3Location, StopStatus, TagFilter, TagFilterType,
};
use longshore_journey::{PATIENCE, Server};

/// The SDK's client with the server's root key, over plain HTTP.
fn client(server: &Server) -> Client {
    let env = server.env();
    let value = |name: &str| env.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let key =
        Credentials::new(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"), None, None, "the test");
    let config = aws_sdk_codedeploy::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(key)
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn revision(key: &str) -> RevisionLocation {
    let location = S3Location::builder().bucket("bkt").key(key).bundle_type(BundleType::Zip).build();
    RevisionLocation::builder().revision_type(RevisionLocationType::S3).s3_location(location).build()
}

/// An application, a config, a group of one host, which has no agent, and a revision.
async fn set_up(client: &Client) {
    let created = client.create_application().application_name("shop").send().await.unwrap();
    assert!(created.application_id().is_some());
    let rule = MinimumHealthyHosts::builder().r#type(MinimumHealthyHostsType::HostCount).value(0).build();
    let config = client.create_deployment_config().deployment_config_name("none-healthy");
    config.minimum_healthy_hosts(rule).send().await.unwrap();
    let arn = "arn:aws:iam::000000000000:user/h";
    client.register_on_premises_instance().instance_name("h").iam_user_arn(arn).send().await.unwrap();
    let tag = aws_sdk_codedeploy::types::Tag::builder().key("Role").value("web").build();
    client.add_tags_to_on_premises_instances().tags(tag).instance_names("h").send().await.unwrap();
    let filter = TagFilter::builder().key("Role").value("web").r#type(TagFilterType::KeyAndValue).build();
    let group = client.create_deployment_group().application_name("shop").deployment_group_name("web");
    let group = group.deployment_config_name("none-healthy").on_premises_instance_tag_filters(filter);
    group.service_role_arn("arn:aws:iam::000000000000:role/CodeDeploy").send().await.unwrap();
    let register = client.register_application_revision().application_name("shop");
    register.revision(revision("a.zip")).description("first").send().await.unwrap();
}

async fn status(client: &Client, id: &str) -> DeploymentStatus {
    let answer = client.get_deployment().deployment_id(id).send().await.unwrap();
    answer.deployment_info().unwrap().status().unwrap().clone()
}

/// Polls until the deployment is what it should become.
async fn becomes(client: &Client, id: &str, wanted: DeploymentStatus) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while status(client, id).await != wanted {
        assert!(tokio::time::Instant::now() < deadline, "{id} does not become {wanted:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn from_an_application_to_a_stopped_deployment_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "");
    let client = client(&server);
    set_up(&client).await;

    let application = client.get_application().application_name("shop").send().await.unwrap();
    let application = application.application().unwrap();
    assert_eq!(application.compute_platform(), Some(&ComputePlatform::Server));
    assert!(application.create_time().unwrap().secs() > 1_700_000_000);
    let found = client.get_application_revision().application_name("shop").revision(revision("a.zip"));
    let found = found.send().await.unwrap();
    assert_eq!(found.revision_info().unwrap().description(), Some("first"));

    let create = || client.create_deployment().application_name("shop").deployment_group_name("web");
    let id = create().revision(revision("a.zip")).send().await.unwrap().deployment_id.unwrap();
    becomes(&client, &id, DeploymentStatus::InProgress).await;
    let busy = create().revision(revision("a.zip")).send().await.unwrap_err().into_service_error();
    assert!(matches!(busy, CreateDeploymentError::DeploymentLimitExceededException(_)), "{busy:?}");
    assert!(busy.meta().message().unwrap().contains(&id), "the message names the active deployment");

    let targets = client.list_deployment_targets().deployment_id(&id).send().await.unwrap();
    assert_eq!(targets.target_ids(), ["h"]);
    let stopped = client.stop_deployment().deployment_id(&id).send().await.unwrap();
    assert!(matches!(stopped.status(), Some(StopStatus::Pending | StopStatus::Succeeded)));
    becomes(&client, &id, DeploymentStatus::Stopped).await;
    let info = client.get_deployment().deployment_id(&id).send().await.unwrap();
    let error = info.deployment_info().unwrap().error_information().unwrap();
    assert_eq!(error.code(), Some(&ErrorCode::ManualStop));

    let listed = client.list_deployments().application_name("shop").deployment_group_name("web");
    let listed = listed.include_only_statuses(DeploymentStatus::Stopped).send().await.unwrap();
    assert_eq!(listed.deployments(), [id]);
    let group = client.delete_deployment_group().application_name("shop").deployment_group_name("web");
    assert!(group.send().await.unwrap().hooks_not_cleaned_up().is_empty());
    client.delete_deployment_config().deployment_config_name("none-healthy").send().await.unwrap();
    client.delete_application().application_name("shop").send().await.unwrap();
    let gone = client.get_application().application_name("shop").send().await.unwrap_err();
    assert!(gone.into_service_error().is_application_does_not_exist_exception());
}

#[tokio::test]
async fn errors_have_types_and_request_ids() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "");
    let client = client(&server);
    let unknown = client.get_deployment().deployment_id("d-AAAAAAAAA").send().await.unwrap_err();
    assert_eq!(unknown.raw_response().unwrap().status().as_u16(), 400);
    let unknown = unknown.into_service_error();
    assert!(unknown.is_deployment_does_not_exist_exception());
    let id = unknown.meta().extra("aws_request_id").unwrap();
    assert_eq!(id.len(), 36, "{id}");
    let malformed = client.get_deployment().deployment_id("x").send().await.unwrap_err();
    match malformed.into_service_error() {
        GetDeploymentError::InvalidDeploymentIdException(error) => {
            let text = "Specified DeploymentId is not in the valid format: x";
            assert_eq!(error.message(), Some(text));
        }
        other => panic!("{other:?}"),
    }
    // An exception that the model does not list for the operation still has its code.
    let refused = client.list_applications().next_token("nonsense").send().await.unwrap_err();
    assert!(refused.into_service_error().is_invalid_next_token_exception());
}

#[tokio::test]
async fn paginators_see_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "[api]\npage_size = 2\n");
    let client = client(&server);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        client.create_application().application_name(name).send().await.unwrap();
    }
    let mut pages = client.list_applications().into_paginator().send();
    let mut seen = Vec::new();
    let mut n_pages = 0;
    while let Some(page) = pages.next().await {
        seen.extend(page.unwrap().applications.unwrap());
        n_pages += 1;
    }
    assert_eq!((seen.as_slice(), n_pages), (&names.map(str::to_owned)[..], 3));
    let mut items = client.list_deployment_configs().into_paginator().items().send();
    let mut n_configs = 0;
    while let Some(config) = items.next().await {
        assert!(config.unwrap().starts_with("CodeDeployDefault."));
        n_configs += 1;
    }
    assert_eq!(n_configs, 3);
}
