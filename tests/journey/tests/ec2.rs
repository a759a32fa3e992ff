//! Deployments to EC2 instances, through our real agent: it asks the instance metadata service who it is and
//! signs as the session of the instance's role. The metadata service is a stand-in, since the real one answers
//! only on EC2; everything else is real.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use longshore_journey::{App, Aws, Credentials, Host, Metadata, PATIENCE, Server, program, wait_for};

const A: &str = "i-0123456789abcdefa";
const B: &str = "i-0123456789abcdefb";

/// Runs `longshore ARGS --output json` and answers what it printed.
#[track_caller]
fn longshore(server: &Server, arguments: &str) -> serde_json::Value {
    let output = Command::new(program("longshore"))
        .args(arguments.split_whitespace())
        .args(["--output", "json"])
        .envs(server.env())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "longshore {arguments}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn document(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    format!("file://{}", path.display())
}

/// The role `web-host`, which may read bundles.
fn make_role(aws: &Aws, folder: &Path) {
    let trust = document(
        folder,
        "trust.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}"#,
    );
    aws.ok(&format!("iam create-role --role-name web-host --assume-role-policy-document {trust}"));
    let policy = document(
        folder,
        "policy.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#,
    );
    aws.ok(&format!(
        "iam put-role-policy --role-name web-host --policy-name read --policy-document {policy}"
    ));
}

/// An agent on the instance `id`, whose metadata service has keys of a session named after it.
fn start_agent(server: &Server, aws: &Aws, folder: &Path, id: &str) -> Host {
    let made = aws.value(
        &format!(
            "sts assume-role --role-arn arn:aws:iam::000000000000:role/web-host --role-session-name {id}"
        ),
        "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]",
    );
    let metadata = Metadata::start(id, "web-host", &Credentials::of_words(&made));
    let mut host = Host::registered(folder, id);
    let (conf, at) = (host.folder().join("conf"), host.folder().display().to_string());
    std::fs::create_dir_all(&conf).unwrap();
    let agent = format!(
        "---\n:log_dir: '{at}/log'\n:pid_dir: '{at}/pid'\n:root_dir: '{at}/root'\n\
         :on_premises_config_file: '{at}/conf/none.yml'\n\
         :wait_between_runs: 1\n:deploy_control_endpoint: '{url}'\n:s3_endpoint_override: '{url}'\n",
        url = server.url()
    );
    std::fs::write(conf.join("codedeployagent.yml"), agent).unwrap();
    host.set_env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
    host.start();
    host
}

fn push(aws: &Aws, folder: &Path, version: &str) {
    let app = App::write(&folder.join(format!("source-{version}")), &format!("{version}\n"));
    let source = app.folder().display();
    aws.ok(&format!(
        "deploy push --application-name web --s3-location s3://bundles/{version}.zip --source {source}"
    ));
}

fn deploy(aws: &Aws, version: &str, more: &str) -> String {
    aws.value(
        &format!(
            "deploy create-deployment --application-name web --deployment-group-name all \
             --s3-location bucket=bundles,key={version}.zip,bundleType=zip {more}"
        ),
        "deploymentId",
    )
}

#[test]
fn ec2_instances_are_deployed_to_all_at_once_and_zone_by_zone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start(&folder.join("control"), "");
    let aws = Aws::new(&server, folder);
    aws.ok("s3 mb s3://bundles");
    make_role(&aws, folder);
    for (id, zone) in [(B, "us-east-1b"), (A, "us-east-1a")] {
        let put =
            longshore(&server, &format!("hosts ec2 put {id} --zone {zone} --role web-host --tag Role=web"));
        assert_eq!(put["instance"]["availabilityZone"], zone);
    }
    aws.ok("deploy create-application --application-name web");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --deployment-config-name CodeDeployDefault.AllAtOnce \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --ec2-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE");
    let hosts = [A, B].map(|id| start_agent(&server, &aws, folder, id));

    push(&aws, folder, "one");
    let id = deploy(&aws, "one", "");
    aws.ok(&format!("deploy wait deployment-successful --deployment-id {id}"));
    for host in &hosts {
        assert_eq!(host.lines("app/version.txt"), ["one"]);
    }
    let target = format!("deploy get-deployment-target --deployment-id {id} --target-id {A}");
    let shown = aws.value(&target, "deploymentTarget.instanceTarget.[targetId,targetArn,status]");
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words, [A, &format!("arn:aws:ec2:us-east-1:000000000000:instance/{A}"), "Succeeded"]);

    // Zone by zone: while the deployment bakes, the second zone has the old version.
    aws.ok("deploy create-deployment-config --deployment-config-name zonal \
         --minimum-healthy-hosts type=HOST_COUNT,value=0 \
         --zonal-config monitorDurationInSeconds=3600");
    push(&aws, folder, "two");
    let id = deploy(&aws, "two", "--deployment-config-name zonal");
    let status =
        || aws.value(&format!("deploy get-deployment --deployment-id {id}"), "deploymentInfo.status");
    wait_for("the wait after the first zone", PATIENCE, || (status() == "Baking").then_some(()));
    let versions = hosts.each_ref().map(|host| host.lines("app/version.txt").concat());
    assert_eq!(versions, ["two", "one"]);
    let listed = aws.value("deploy list-deployments --include-only-statuses Baking", "deployments");
    assert_eq!(listed, id);
    let stopped = aws.value(&format!("deploy stop-deployment --deployment-id {id}"), "status");
    assert_eq!((stopped.as_str(), status().as_str()), ("Succeeded", "Stopped"));

    let known = longshore(&server, "hosts");
    let known = known["ec2Instances"].as_array().unwrap();
    let ids: Vec<&str> = known.iter().map(|instance| instance["instanceId"].as_str().unwrap()).collect();
    assert_eq!(ids, [A, B]);
    assert!(known.iter().all(|instance| instance["lastPollTime"].as_f64().is_some()), "{known:?}");
}
