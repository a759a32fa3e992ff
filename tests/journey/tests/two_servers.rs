//! Two servers on one PostgreSQL database and one folder of bundles: callers use one, hosts the other;
//! either may be killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use longshore_journey::{App, Aws, Host, PATIENCE, Server, new_database, wait_for};

const HOSTS: usize = 6;

const EVENTS: [&str; 4] = ["BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"];

/// Two servers that have all in common but their data folders.
fn two_servers(folder: &Path) -> (Server, Server) {
    let database = new_database();
    // What a killed server handed out is handed out again soon.
    let config = format!(
        "[timeouts]\nredelivery = 2\n[bundles]\nfolder = \"{}\"\n",
        folder.join("shared-bundles").display()
    );
    let one = Server::start_on(&database, &folder.join("one"), &config);
    let two = Server::start_on(&database, &folder.join("two"), &config);
    (one, two)
}

/// A fleet at `for_hosts`, and a deployment that `aws` begins. Answers its id.
fn begin(aws: &Aws, for_hosts: &Server, folder: &Path) -> (Vec<Host>, String) {
    let hosts: Vec<Host> =
        (0..HOSTS).map(|idx| Host::add(for_hosts, folder, &format!("h{idx:02}"))).collect();
    // Scripts that take a while, so that a kill falls between them.
    for host in &hosts {
        for event in EVENTS {
            std::fs::write(host.work().join(format!("do-{event}")), "sleep 0.3\n").unwrap();
        }
    }
    aws.ok("s3 mb s3://bundles");
    aws.ok("deploy create-application --application-name web");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --deployment-config-name CodeDeployDefault.HalfAtATime \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE");
    let app = App::write(&folder.join("source"), "one\n");
    let source = app.folder().display();
    aws.ok(&format!(
        "deploy push --application-name web --s3-location s3://bundles/one.zip --source {source}"
    ));
    let id = aws.value(
        "deploy create-deployment --application-name web --deployment-group-name all \
         --s3-location bucket=bundles,key=one.zip,bundleType=zip",
        "deploymentId",
    );
    (hosts, id)
}

fn scripts_run(hosts: &[Host]) -> usize {
    hosts.iter().map(|host| host.lines("ran.log").len()).sum()
}

/// Waits for the deployment's end, and checks that every script of every host ran once.
fn check_end(aws: &Aws, id: &str, hosts: &[Host]) {
    let query = format!("deploy get-deployment --deployment-id {id}");
    let status = wait_for("the deployment's end", PATIENCE, || {
        let status = aws.value(&query, "deploymentInfo.status");
        (status != "InProgress" && status != "Created").then_some(status)
    });
    let overview = aws.value(&query, "deploymentInfo.deploymentOverview");
    for host in hosts {
        let expected: Vec<String> = EVENTS.iter().map(|event| format!("{id} {event}")).collect();
        assert_eq!(host.lines("ran.log"), expected, "scripts of {} ({overview})", host.name());
        assert_eq!(host.lines("app/version.txt"), ["one"], "files of {}", host.name());
    }
    assert_eq!(status, "Succeeded", "{overview}");
}

#[test]
fn the_server_that_began_a_deployment_is_killed_and_the_other_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut for_callers, for_hosts) = two_servers(folder.path());
    let (hosts, id) = begin(&Aws::new(&for_callers, folder.path()), &for_hosts, folder.path());
    wait_for("the first scripts", PATIENCE, || (3 <= scripts_run(&hosts)).then_some(()));
    for_callers.kill_9();
    assert!(scripts_run(&hosts) < HOSTS * EVENTS.len(), "it was killed too late");
    check_end(&Aws::new(&for_hosts, folder.path()), &id, &hosts);
}

#[test]
fn the_server_of_the_hosts_is_killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (for_callers, mut for_hosts) = two_servers(folder.path());
    let aws = Aws::new(&for_callers, folder.path());
    let (hosts, id) = begin(&aws, &for_hosts, folder.path());
    for n_scripts in [1, 3, 6, 9, 12, 15, 18, 21] {
        wait_for("the next scripts", PATIENCE, || (n_scripts <= scripts_run(&hosts)).then_some(()));
        for_hosts.kill_9_and_restart();
    }
    check_end(&aws, &id, &hosts);
}

#[test]
fn a_server_with_bundles_of_its_own_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = new_database();
    let _one = Server::start_on(&database, &folder.path().join("one"), "");
    let output = std::process::Command::new(longshore_journey::program("longshore-server"))
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("two"))
        .env("LONGSHORE_STORE_URL", &database)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("servers on one database need one folder"),
        "{stderr}"
    );
}
