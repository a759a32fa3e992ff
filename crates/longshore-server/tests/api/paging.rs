//! Lists that are longer than a page.

use crate::host_command::Agent;
use crate::support::{TestServer, quick};

/// Reads all pages of `operation` and answers the items under `key`, page by page.
async fn pages(server: &TestServer, operation: &str, input: &str, key: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut input: serde_json::Value = serde_json::from_str(input).expect("JSON");
    loop {
        let mut output = server.call(operation, &input.to_string()).await;
        let items = output[key].as_array().expect("a list");
        pages.push(items.iter().map(|item| item.as_str().unwrap_or("?").to_owned()).collect());
        match output["nextToken"].take() {
            serde_json::Value::Null => return pages,
            token => input["nextToken"] = token,
        }
    }
}

async fn server() -> TestServer {
    let mut config = quick();
    config.page_size = 2;
    TestServer::start_with(config).await
}

#[tokio::test]
async fn every_item_comes_once_and_the_last_page_has_no_token() {
    let server = server().await.with_group().await;
    for name in ["a", "b", "c"] {
        server.call("CreateApplication", &format!(r#"{{"applicationName":"{name}"}}"#)).await;
        server.host(name).await;
    }
    assert_eq!(pages(&server, "ListApplications", "{}", "applications").await, [["a", "b"], ["c", "web"]]);
    let hosts = pages(&server, "ListOnPremisesInstances", "{}", "instanceNames").await;
    assert_eq!(hosts, [vec!["a", "b"], vec!["c"]]);
    let configs = pages(&server, "ListDeploymentConfigs", "{}", "deploymentConfigsList").await;
    assert_eq!(configs.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    let groups =
        pages(&server, "ListDeploymentGroups", r#"{"applicationName":"web"}"#, "deploymentGroups").await;
    assert_eq!(groups, [["prod"]]);
    let hosts = pages(&server, "Longshore_v1.ListHosts", "{}", "hosts").await;
    assert_eq!(hosts.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);

    let id = server.deploy("").await;
    server.wait_for(&id, "InProgress").await;
    let targets =
        pages(&server, "ListDeploymentTargets", &format!(r#"{{"deploymentId":"{id}"}}"#), "targetIds").await;
    assert_eq!(targets, [vec!["a", "b"], vec!["c"]]);
}

/// Pages of at most 25 hosts, whatever the page size: each host may have said much.
#[tokio::test]
async fn the_times_of_scripts_page_by_hosts() {
    let server = TestServer::start().await.with_group().await;
    let mut agents = Vec::new();
    for n in 10..36 {
        let (arn, client) = server.host(&format!("h{n}")).await;
        agents.push(Agent { arn, client });
    }
    let id = server.deploy("").await;
    let command = agents[0].command().await;
    agents[0].acknowledge(&command).await;
    let payload = r#"{"error_code":0,"message":"Succeeded: ","scripts":[{"location":"a","seconds":1}]}"#;
    agents[0].complete(&command, "Succeeded", payload).await;
    let of = format!(r#"{{"deploymentId":"{id}"}}"#);
    let times = pages(&server, "Longshore_v1.ListScriptTimes", &of, "scriptTimes").await;
    assert_eq!(times, [vec!["?"], vec![]], "the one host is on the first page, the 26th on the second");
}

#[tokio::test]
async fn deployments_and_revisions_page_in_their_order() {
    let server = server().await.with_group().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let input = format!(
            r#"{{"applicationName":"web","deploymentGroupName":"prod","revision":{{"revisionType":"S3",
                "s3Location":{{"bucket":"bundles","key":"{n}.zip","bundleType":"zip"}}}}}}"#
        );
        let output = server.call("CreateDeployment", &input).await;
        let id = output["deploymentId"].as_str().expect("an id").to_owned();
        server.wait_for(&id, "Failed").await;
        ids.insert(0, id);
    }
    let listed = pages(&server, "ListDeployments", "{}", "deployments").await;
    assert_eq!(listed.concat(), ids);
    assert_eq!(listed.len(), 2);
    let input = r#"{"applicationName":"web","sortBy":"lastUsedTime","sortOrder":"descending"}"#;
    let revisions = pages(&server, "ListApplicationRevisions", input, "revisions").await;
    assert_eq!(revisions.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn a_token_is_for_its_own_list() {
    let server = server().await.with_group().await;
    for name in ["a", "b", "c"] {
        server.call("CreateApplication", &format!(r#"{{"applicationName":"{name}"}}"#)).await;
        server.host(name).await;
    }
    let output = server.call("ListApplications", "{}").await;
    let token = output["nextToken"].as_str().expect("a token");
    let with = |more: &str| format!(r#"{{"nextToken":"{token}"{more}}}"#);
    let refused = "InvalidNextTokenException";
    server.check("ListApplications", &with(""), r#"{"applications":["c","web"]}"#).await;
    server.check("ListOnPremisesInstances", &with(""), refused).await;
    server.check("ListApplications", r#"{"nextToken":"abc"}"#, refused).await;
    let output = server.call("ListOnPremisesInstances", r#"{"registrationStatus":"Registered"}"#).await;
    let token = output["nextToken"].as_str().expect("a token");
    let other = format!(r#"{{"nextToken":"{token}"}}"#);
    server.check("ListOnPremisesInstances", &other, refused).await;
    let same = format!(r#"{{"nextToken":"{token}","registrationStatus":"Registered"}}"#);
    server.check("ListOnPremisesInstances", &same, r#"{"instanceNames":["c"]}"#).await;
}
