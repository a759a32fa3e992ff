//! The AWS CLI over Smithy RPC v2 CBOR: with a model that lists only this protocol, the unmodified client
//! of today speaks what tomorrow's will.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use longshore_journey::{Aws, Server};
use serde_json::Value;

/// Writes the service's model with CBOR as its one protocol where a client looks for models.
fn write_model(folder: &Path) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let path = repository.join("api-models/codedeploy-2014-10-06/service-2.json");
    let mut model: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    model["metadata"]["protocols"] = serde_json::json!(["smithy-rpc-v2-cbor"]);
    model["metadata"]["protocol"] = serde_json::json!("smithy-rpc-v2-cbor");
    let target = folder.join("codedeploy/2014-10-06");
    std::fs::create_dir_all(&target).unwrap();
    std::fs::write(target.join("service-2.json"), model.to_string()).unwrap();
}

#[test]
fn the_aws_cli_speaks_cbor() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "[api]\npage_size = 2\n");
    let models = folder.path().join("models");
    write_model(&models);
    let aws = Aws::new(&server, folder.path()).with_env("AWS_DATA_PATH", &models.display().to_string());

    let spoken = aws.run("--debug deploy create-application --application-name web --tags Key=team,Value=a");
    let log = String::from_utf8_lossy(&spoken.stderr);
    assert!(spoken.status.success(), "{log}");
    assert!(log.contains("/service/CodeDeploy_20141006/operation/CreateApplication"), "{log}");
    assert!(!log.contains("X-Amz-Target"), "{log}");

    // Outputs: texts, booleans, and times, which this version of the CLI prints as they come.
    let made = "deploy get-application --application-name web";
    assert_eq!(aws.value(made, "application.linkedToGitHub"), "False");
    let secs: f64 = aws.value(made, "application.createTime").parse().unwrap();
    assert!(1.7e9 < secs, "{secs}");
    // An output that is empty.
    aws.ok("deploy update-application --application-name web --new-application-name shop");
    for name in ["a", "b", "c"] {
        aws.ok(&format!("deploy create-application --application-name {name}"));
    }
    // Pages: the CLI asks for all.
    assert_eq!(aws.value("deploy list-applications", "applications").split_whitespace().count(), 4);

    // Nested structures in, and back.
    aws.ok("deploy create-deployment-group --application-name shop --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE \
         --auto-rollback-configuration enabled=true,events=DEPLOYMENT_FAILURE");
    let group = "deploy get-deployment-group --application-name shop --deployment-group-name all";
    assert_eq!(aws.value(group, "deploymentGroupInfo.onPremisesInstanceTagFilters[0].Value"), "web");
    let id = aws.value(
        "deploy create-deployment --application-name shop --deployment-group-name all \
         --s3-location bucket=bundles,key=one.zip,bundleType=zip",
        "deploymentId",
    );
    // Times in: what was made after 2020 is this deployment, what was made before is nothing.
    let listed = |range: &str| {
        aws.value(&format!("deploy list-deployments --create-time-range {range}"), "deployments[]")
    };
    assert_eq!(listed("start=2020-01-01T00:00:00Z"), id);
    assert_eq!(listed("end=2020-01-01T00:00:00Z"), "");

    // Errors by their names, and a malformed one with its message.
    let refused = aws.fails("deploy get-application --application-name gone");
    assert!(refused.contains("(ApplicationDoesNotExistException)"), "{refused}");
    assert!(refused.contains("No application found for name: gone"), "{refused}");
    let refused = aws.fails("deploy get-deployment --deployment-id d-1");
    assert!(refused.contains("Specified DeploymentId is not in the valid format: d-1"), "{refused}");
}
