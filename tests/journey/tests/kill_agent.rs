//! An agent is killed at many moments of a deployment and started again: what it ran is not run
//! again, what it knew is reported, and the deployment ends with a cause.

#![expect(clippy::print_stdout, reason = "what happened is shown when the test fails")]

use std::time::Duration;

use longshore_journey::{App, Aws, Host, PATIENCE, Server, wait_for};

fn set_up(folder: &std::path::Path) -> (Server, Aws, Host) {
    // An agent that dies between a poll's answer and the acknowledgement gets the command again after this.
    let server = Server::start(&folder.join("control"), "[timeouts]\nredelivery = 5\n");
    let aws = Aws::new(&server, folder);
    let host = Host::add(&server, folder, "h1");
    aws.ok("s3 mb s3://bundles");
    aws.ok("deploy create-application --application-name web");
    aws.ok("deploy create-deployment-group --application-name web --deployment-group-name all \
         --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
         --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE");
    let app = App::write(&folder.join("source"), "one\n");
    let source = app.folder().display();
    aws.ok(&format!(
        "deploy push --application-name web --s3-location s3://bundles/one.zip --source {source}"
    ));
    (server, aws, host)
}

fn deploy(aws: &Aws) -> String {
    aws.value(
        "deploy create-deployment --application-name web --deployment-group-name all \
         --s3-location bucket=bundles,key=one.zip,bundleType=zip",
        "deploymentId",
    )
}

fn ended(aws: &Aws, id: &str) -> String {
    wait_for("the deployment's end", PATIENCE, || {
        let status =
            aws.value(&format!("deploy get-deployment --deployment-id {id}"), "deploymentInfo.status");
        ["Succeeded", "Failed", "Stopped"].contains(&status.as_str()).then_some(status)
    })
}

/// Whether the process runs; one that nobody waits for stays as a zombie where init does not reap.
fn is_running(pid: &str) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    // Source: proc(5): the state follows the name in brackets.
    !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

#[test]
fn an_agent_killed_inside_a_hook_reports_the_restart_and_ends_the_hook() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, aws, mut host) = set_up(folder.path());
    // The hook says when it is inside, and would go on for an hour.
    std::fs::write(host.work().join("do-AfterInstall"), "echo $$ > inside; exec sleep 3600\n").unwrap();
    let id = deploy(&aws);
    let inside = host.work().join("inside");
    let pid = wait_for("the hook", PATIENCE, || {
        std::fs::read_to_string(&inside).ok().filter(|text| text.ends_with('\n'))
    });
    host.kill_9();
    host.start();
    assert_eq!(ended(&aws, &id), "Failed");
    let target = format!("deploy get-deployment-target --deployment-id {id} --target-id h1");
    let message = aws.value(
        &target,
        "deploymentTarget.instanceTarget.lifecycleEvents[?status==`Failed`].diagnostics.message|[0]",
    );
    assert_eq!(message, "Failed: Failing in-progress lifecycle event after an agent restart.");
    assert_eq!(host.lines("ran.log").last().unwrap(), &format!("{id} AfterInstall"));
    wait_for("the hook's end", PATIENCE, || (!is_running(pid.trim())).then_some(()));
}

#[test]
fn an_agent_killed_at_any_moment_runs_no_script_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, aws, mut host) = set_up(folder.path());
    let mut endings: Vec<String> = Vec::new();
    for round in 0..12_u64 {
        let before = host.lines("ran.log").len();
        let id = deploy(&aws);
        std::thread::sleep(Duration::from_millis(round * 23));
        host.kill_9();
        host.start();
        endings.push(ended(&aws, &id));
        let ran = host.lines("ran.log").split_off(before);
        let mut once = ran.clone();
        once.dedup();
        assert_eq!(ran, once, "a script of {id} ran twice");
        assert!(ran.iter().all(|line| line.starts_with(&id)), "{ran:?}");
    }
    println!("{endings:?}");
    // Whatever happened, the next deployment works.
    let id = deploy(&aws);
    assert_eq!(ended(&aws, &id), "Succeeded");
    assert_eq!(host.lines("app/version.txt"), ["one"]);
}
