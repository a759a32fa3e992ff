//! What goes wrong on a host reaches the caller with its cause, and the fleet's health is kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use longshore_journey::{App, Aws, Host, PATIENCE, Server, wait_for};

struct Fleet {
    folder: tempfile::TempDir,
    #[expect(dead_code, reason = "owned so that it lives as long as the fleet")]
    server: Server,
    aws: Aws,
    hosts: Vec<Host>,
    app: App,
}

fn fleet(n_hosts: usize, config: &str, server_config: &str) -> Fleet {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("control"), server_config);
    let aws = Aws::new(&server, folder.path());
    let hosts: Vec<Host> =
        (1..=n_hosts).map(|idx| Host::add(&server, folder.path(), &format!("h{idx}"))).collect();
    aws.ok("s3 mb s3://bundles");
    aws.ok("deploy create-application --application-name web");
    aws.ok(&format!(
        "deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy --deployment-config-name {config} \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE"
    ));
    let app = App::write(&folder.path().join("source"), "one\n");
    Fleet { folder, server, aws, hosts, app }
}

impl Fleet {
    fn deploy(&self, options: &str) -> String {
        let source = self.app.folder().display();
        self.aws.ok(&format!(
            "deploy push --application-name web --s3-location s3://bundles/app.zip --source {source}"
        ));
        self.aws.value(
            &format!(
                "deploy create-deployment --application-name web --deployment-group-name all \
                 --s3-location bucket=bundles,key=app.zip,bundleType=zip {options}"
            ),
            "deploymentId",
        )
    }

    fn status(&self, id: &str) -> String {
        self.aws.value(&format!("deploy get-deployment --deployment-id {id}"), "deploymentInfo.status")
    }

    fn ended(&self, id: &str) -> String {
        wait_for("the deployment's end", PATIENCE, || {
            let status = self.status(id);
            ["Succeeded", "Failed", "Stopped"].contains(&status.as_str()).then_some(status)
        })
    }

    fn of_target(&self, id: &str, host: &str, query: &str) -> String {
        let target = format!("deploy get-deployment-target --deployment-id {id} --target-id {host}");
        self.aws.value(&target, &format!("deploymentTarget.instanceTarget.{query}"))
    }

    fn failed_event(&self, id: &str, host: &str, member: &str) -> String {
        self.of_target(id, host, &format!("lifecycleEvents[?status==`Failed`].{member}|[0]"))
    }
}

#[test]
fn a_failing_script_is_named_with_its_exit_code_and_the_rest_of_the_fleet_is_not_touched() {
    let fleet = fleet(3, "CodeDeployDefault.OneAtATime", "");
    for host in &fleet.hosts {
        std::fs::write(host.work().join("do-AfterInstall"), "echo it broke >&2; exit 3\n").unwrap();
    }
    let id = fleet.deploy("");
    assert_eq!(fleet.ended(&id), "Failed");
    let info = format!("deploy get-deployment --deployment-id {id}");
    assert_eq!(fleet.aws.value(&info, "deploymentInfo.errorInformation.code"), "HEALTH_CONSTRAINTS");
    assert_eq!(fleet.failed_event(&id, "h1", "lifecycleEventName"), "AfterInstall");
    assert_eq!(fleet.failed_event(&id, "h1", "diagnostics.errorCode"), "ScriptFailed");
    assert_eq!(fleet.failed_event(&id, "h1", "diagnostics.scriptName"), "scripts/trace.sh");
    assert_eq!(
        fleet.failed_event(&id, "h1", "diagnostics.message"),
        "Script at specified location: scripts/trace.sh failed with exit code 3"
    );
    assert!(fleet.failed_event(&id, "h1", "diagnostics.logTail").contains("[stderr]it broke"));
    for host in &fleet.hosts[1..] {
        assert_eq!(fleet.of_target(&id, host.name(), "status"), "Skipped");
        assert!(host.lines("ran.log").is_empty(), "{} was touched", host.name());
    }
}

#[test]
fn a_file_in_the_way_fails_the_install_and_stays_as_it_was() {
    let fleet = fleet(1, "CodeDeployDefault.AllAtOnce", "");
    let host = &fleet.hosts[0];
    std::fs::create_dir(host.work().join("app")).unwrap();
    std::fs::write(host.work().join("app/version.txt"), "somebody's\n").unwrap();
    let id = fleet.deploy("");
    assert_eq!(fleet.ended(&id), "Failed");
    assert_eq!(fleet.failed_event(&id, "h1", "lifecycleEventName"), "Install");
    let message = fleet.failed_event(&id, "h1", "diagnostics.message");
    let path = host.work().join("app/version.txt");
    assert_eq!(
        message,
        format!(
            "The deployment failed because a specified file already exists at this location: {}",
            path.canonicalize().unwrap().display()
        )
    );
    assert_eq!(host.lines("app/version.txt"), ["somebody's"]);
    assert!(!host.work().join("app/bin").exists(), "nothing is installed beside it");

    let id = fleet.deploy("--file-exists-behavior OVERWRITE");
    assert_eq!(fleet.ended(&id), "Succeeded");
    assert_eq!(host.lines("app/version.txt"), ["one"]);
}

#[test]
fn a_host_that_never_comes_fails_by_the_pickup_clock_and_the_others_go_on() {
    let mut fleet = fleet(3, "CodeDeployDefault.AllAtOnce", "[timeouts]\npickup = 3\n");
    fleet.hosts[1].kill_9();
    let id = fleet.deploy("");
    assert_eq!(fleet.ended(&id), "Succeeded");
    assert_eq!(fleet.of_target(&id, "h2", "status"), "Failed");
    assert!(
        fleet.failed_event(&id, "h2", "diagnostics.message").starts_with("CodeDeploy agent was not able")
    );
    assert_eq!(fleet.hosts[0].lines("app/version.txt"), ["one"]);
    assert!(fleet.hosts[1].lines("app/version.txt").is_empty());
    assert_eq!(fleet.hosts[2].lines("app/version.txt"), ["one"]);
}

#[test]
fn a_stop_lets_running_scripts_end_and_schedules_nothing_more() {
    let fleet = fleet(2, "CodeDeployDefault.OneAtATime", "");
    let host = &fleet.hosts[0];
    std::fs::write(host.work().join("do-BeforeInstall"), "while ! [ -f go-on ]; do sleep 0.05; done\n")
        .unwrap();
    let id = fleet.deploy("");
    wait_for("the hook", PATIENCE, || (host.lines("ran.log").len() == 1).then_some(()));
    let stop = format!("deploy stop-deployment --deployment-id {id}");
    assert_eq!(fleet.aws.value(&stop, "status"), "Pending");
    assert_eq!(fleet.status(&id), "InProgress");
    std::fs::write(host.work().join("go-on"), "").unwrap();
    assert_eq!(fleet.ended(&id), "Stopped");
    assert_eq!(host.lines("ran.log"), [format!("{id} BeforeInstall")], "no script after the running one");
    assert_eq!(fleet.of_target(&id, "h1", "status"), "Failed");
    assert_eq!(fleet.of_target(&id, "h2", "status"), "Skipped");
    assert_eq!(fleet.aws.value(&stop, "status"), "Succeeded");
    let busy = fleet.aws.fails(&format!("deploy stop-deployment --deployment-id {}", "d-NOTTHERE1"));
    assert!(busy.contains("DeploymentDoesNotExistException"), "{busy}");
    assert!(fleet.folder.path().exists());
}
