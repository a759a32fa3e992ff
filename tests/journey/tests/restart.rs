//! A restart (mode `RESTART`): the revision of the last success again, on a host that does not download it.
//! Source: service-additions.md §2.

use longshore_journey::{App, Aws, Host, PATIENCE, Server, wait_for};

fn ended(aws: &Aws, id: &str) -> String {
    wait_for("the deployment's end", PATIENCE, || {
        let query = format!("deploy get-deployment --deployment-id {id}");
        let status = aws.value(&query, "deploymentInfo.status");
        ["Succeeded", "Failed", "Stopped"].contains(&status.as_str()).then_some(status)
    })
}

/// Source: service-additions.md §2.
#[test]
fn a_restart_runs_the_hooks_again_from_the_archive_that_the_host_has() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    let aws = Aws::new(&server, folder.path()).with_our_models(folder.path());
    let host = Host::add(&server, folder.path(), "h1");
    aws.ok("s3 mb s3://bundles");
    aws.ok("deploy create-application --application-name web");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE");
    let group = "--application-name web --deployment-group-name all";
    let refused = aws.fails(&format!("deploy create-deployment {group} --deployment-mode RESTART"));
    assert!(refused.contains("RevisionRequiredException"), "{refused}");

    let app = App::write(&folder.path().join("source"), "one\n");
    let source = app.folder().display();
    aws.ok(&format!(
        "deploy push --application-name web --s3-location s3://bundles/app.zip --source {source}"
    ));
    let location = "--s3-location bucket=bundles,key=app.zip,bundleType=zip";
    let first = aws.value(&format!("deploy create-deployment {group} {location}"), "deploymentId");
    assert_eq!(ended(&aws, &first), "Succeeded");
    // Whoever downloads now finds nothing.
    aws.ok("s3 rm s3://bundles/app.zip");

    let restart = format!("deploy create-deployment {group} --deployment-mode RESTART");
    let second = aws.value(&restart, "deploymentId");
    assert_eq!(ended(&aws, &second), "Succeeded");
    let query = format!("deploy get-deployment --deployment-id {second}");
    assert_eq!(aws.value(&query, "deploymentInfo.deploymentMode"), "RESTART");
    assert_eq!(aws.value(&query, "deploymentInfo.revision.s3Location.key"), "app.zip");
    assert_eq!(host.lines("app/version.txt"), ["one"]);
    let ran: Vec<String> =
        host.lines("ran.log").into_iter().filter(|line| line.starts_with(&second)).collect();
    let events = ["ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"];
    assert_eq!(ran, events.map(|event| format!("{second} {event}")));
    // A restart of a restart.
    let third = aws.value(&restart, "deploymentId");
    assert_eq!(ended(&aws, &third), "Succeeded");
}
