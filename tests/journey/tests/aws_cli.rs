//! The journey of the README with the unmodified AWS CLI, from a bucket to a served revision.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;

use longshore_journey::{App, Aws, Host, Server, new_database};

/// The agent's configuration for a host that `aws deploy register` registered.
fn agent_config(server: &Server, host: &Host) -> String {
    let folder = host.folder().display();
    format!(
        "---\n:log_dir: '{folder}/log'\n:pid_dir: '{folder}/pid'\n:root_dir: '{folder}/root'\n\
         :on_premises_config_file: '{folder}/conf/codedeploy.onpremises.yml'\n\
         :wait_between_runs: 1\n:deploy_control_endpoint: '{url}'\n:s3_endpoint_override: '{url}'\n",
        url = server.url()
    )
}

/// Registers with `aws deploy register`, which makes the IAM user and writes the on-premises file.
fn register(aws: &Aws, server: &Server, folder: &std::path::Path, name: &str) -> Host {
    aws.ok(&format!("deploy register --instance-name {name} --tags Key=Role,Value=web --region us-east-1"));
    let mut host = Host::registered(folder, name);
    let conf = host.folder().join("conf");
    std::fs::create_dir_all(&conf).unwrap();
    let written = folder.join("codedeploy.onpremises.yml");
    let mode = std::fs::metadata(&written).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the on-premises file holds a secret");
    std::fs::rename(written, conf.join("codedeploy.onpremises.yml")).unwrap();
    std::fs::write(conf.join("codedeployagent.yml"), agent_config(server, &host)).unwrap();
    host.start();
    host
}

/// Pushes `app` and deploys it; answers the deployment's id once it has succeeded.
fn push_and_deploy(aws: &Aws, app: &App, key: &str) -> String {
    let folder = app.folder().display();
    let pushed = aws.ok(&format!(
        "deploy push --application-name web --s3-location s3://bundles/{key} --source {folder}"
    ));
    // It prints a ready-made command: use it as it is.
    let location = pushed.split("--s3-location ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(location.contains("eTag="), "{pushed}");
    let id = aws.value(
        &format!("deploy create-deployment --application-name web --deployment-group-name all --s3-location {location}"),
        "deploymentId",
    );
    aws.ok(&format!("deploy wait deployment-successful --deployment-id {id}"));
    id
}

#[test]
fn from_a_bucket_to_an_installed_revision_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), "");
    travel(&server, folder.path());
}

#[test]
fn the_same_on_postgresql() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_on(&new_database(), &folder.path().join("control"), "");
    travel(&server, folder.path());
    assert!(!server.data_dir().join("longshore.db").exists(), "nothing is kept beside the database");
}

fn travel(server: &Server, folder: &std::path::Path) {
    let aws = Aws::new(server, folder);

    aws.ok("s3 mb s3://bundles");
    assert!(aws.ok("sts get-caller-identity").contains("arn:aws"));
    aws.ok("deploy create-application --application-name web");
    let host = register(&aws, server, folder, "web-1");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --deployment-config-name CodeDeployDefault.AllAtOnce \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE");

    // Below 8 MiB, with a symbolic link and scripts that are executable.
    let app = App::write(&folder.join("source"), "one\n");
    app.link("content/latest.txt", "version.txt");
    let first = push_and_deploy(&aws, &app, "one.zip");
    assert_eq!(host.lines("app/version.txt"), ["one"]);
    assert_eq!(host.lines("app/latest.txt"), ["one"]);
    let tool = std::fs::metadata(host.work().join("app/bin/tool")).unwrap();
    assert_eq!(tool.permissions().mode() & 0o777, 0o755, "an executable stays executable");
    // The first deployment has nothing to stop.
    let events = ["BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"];
    let ran: Vec<String> = events.iter().map(|event| format!("{first} {event}")).collect();
    assert_eq!(host.lines("ran.log"), ran);

    // Above 8 MiB: the CLI uploads it in parts.
    app.file("content/version.txt", "two\n", 0o644);
    app.noise("content/large.bin", 9 * 1024 * 1024);
    let second = push_and_deploy(&aws, &app, "two.zip");
    assert_eq!(host.lines("app/version.txt"), ["two"]);
    assert_eq!(
        std::fs::read(host.work().join("app/large.bin")).unwrap(),
        std::fs::read(app.folder().join("content/large.bin")).unwrap()
    );
    assert_eq!(host.lines("ran.log").len(), 4 + 5, "the second deployment stops the first");
    assert_eq!(host.lines("ran.log")[4], format!("{second} ApplicationStop"));

    let target = format!("deploy get-deployment-target --deployment-id {second} --target-id web-1");
    assert_eq!(aws.value(&target, "deploymentTarget.instanceTarget.status"), "Succeeded");
    let events = aws.value(&target, "deploymentTarget.instanceTarget.lifecycleEvents[].lifecycleEventName");
    assert_eq!(
        events.split_whitespace().collect::<Vec<_>>(),
        [
            "ApplicationStop",
            "DownloadBundle",
            "BeforeInstall",
            "Install",
            "AfterInstall",
            "ApplicationStart",
            "ValidateService"
        ]
    );
    let group = "deploy get-deployment-group --application-name web --deployment-group-name all";
    assert_eq!(aws.value(group, "deploymentGroupInfo.lastSuccessfulDeployment.deploymentId"), second);

    aws.ok("deploy deregister --instance-name web-1 --region us-east-1");
    assert!(aws.fails("iam get-user --user-name web-1").contains("NoSuchEntity"));
}
