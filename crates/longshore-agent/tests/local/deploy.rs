//! Whole deployments: bundles of every type, events, two revisions one after the other.

use std::fs;
use std::process::Stdio;

use longshore_agent::group_lock;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::host::{Host, ran, text, wait_until};

const HOOKS: &str = "hooks:\n  ApplicationStop: [{location: note.sh}]\n  BeforeInstall: [{location: note.sh}]\n  \
                     AfterInstall: [{location: note.sh}]\n  ApplicationStart: [{location: note.sh}]\n";
/// Notes which event ran, and from which revision.
const NOTE: &str = "#!/bin/sh\necho $LIFECYCLE_EVENT $(cat $(dirname $0)/content/file) >> TARGET.notes\n";

fn revision(host: &Host, name: &str) -> String {
    let revision = host.revision(name, HOOKS, &[("content/file", name), ("note.sh", NOTE)]);
    text(&revision).to_owned()
}

/// Packs the folder `name` of the host with the system's own programs.
fn pack(host: &Host, program: &str, arguments: &[&str]) -> bool {
    let mut command = std::process::Command::new(program);
    command.args(arguments).current_dir(host.path("")).stdin(Stdio::null()).stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[track_caller]
fn check_installed(host: &Host, name: &str) {
    assert_eq!(host.text("srv/file"), name);
    assert_eq!(
        host.text("srv.notes"),
        format!("BeforeInstall {name}\nAfterInstall {name}\nApplicationStart {name}\n")
    );
}

#[test]
fn a_directory_is_deployed_by_absolute_path_relative_path_and_from_within() {
    for way in ["absolute", "relative", "within"] {
        let host = Host::new();
        let path = revision(&host, "app");
        let ran = match way {
            "absolute" => host.deploy(&["-l", &path]),
            "relative" => host.deploy(&["-l", "app"]),
            _ => ran(host.command(&[]).current_dir(&path).output()),
        };
        ran.check_success();
        check_installed(&host, "app");
        let dir = host.only_deployment("default-local-deployment-group");
        let id = dir.file_name().expect("a name").to_str().expect("text");
        assert!(id.starts_with("d-") && id.ends_with("-local") && id.len() == 17, "{id}");
        assert!(ran.stdout.contains(&format!("from within folder {}\n", dir.display())), "{}", ran.stdout);
        let log = dir.join("logs/scripts.log");
        assert!(ran.stdout.contains(&format!("log at {} for more details\n", log.display())));
        assert!(log.exists() && host.path("log/codedeploy-local.log").exists());
        assert!(!host.root().join("ongoing-deployment").exists(), "a local deployment is not tracked");
        assert!(!host.root().join("ongoing-deployment-processes").exists());
    }
}

#[test]
fn archives_of_every_type_are_deployed() {
    let table: [(&str, &str, &[&str]); 5] = [
        ("tar", "tar", &["-cf", "b", "-C", "app", "."]),
        ("tgz", "tar", &["-czf", "b", "-C", "app", "."]),
        ("tar", "tar", &["-cf", "b", "app"]),
        (
            "zip",
            "python3",
            &["-c", "import shutil; shutil.make_archive('b', 'zip', 'app'); shutil.move('b.zip', 'b')"],
        ),
        (
            "zip",
            "python3",
            &["-c", "import shutil; shutil.make_archive('b', 'zip', '.', 'app'); shutil.move('b.zip', 'b')"],
        ),
    ];
    for (bundle_type, program, arguments) in table {
        let host = Host::new();
        revision(&host, "app");
        assert!(pack(&host, program, arguments), "{program}");
        host.deploy(&["-l", "b", "-t", bundle_type]).check_success();
        check_installed(&host, "app");
    }
}

#[test]
fn the_second_revision_stops_the_first_and_replaces_its_files() {
    let host = Host::new();
    revision(&host, "one");
    revision(&host, "two");
    host.deploy(&["-l", "one"]).check_success();
    fs::remove_file(host.path("srv.notes")).expect("notes");
    let ran = host.deploy(&["-l", "two"]);
    ran.check_success();
    assert_eq!(host.text("srv/file"), "two");
    assert_eq!(
        host.text("srv.notes"),
        "ApplicationStop one\nBeforeInstall two\nAfterInstall two\nApplicationStart two\n"
    );
}

#[test]
fn a_subset_of_events_runs_in_the_order_given() {
    let host = Host::new();
    revision(&host, "app");
    host.deploy(&["-l", "app", "-e", "BeforeInstall,ApplicationStart"]).check_success();
    assert_eq!(host.text("srv.notes"), "BeforeInstall app\nApplicationStart app\n");
    assert_eq!(host.text("srv/file"), "app");
}

#[test]
fn an_event_of_ones_own_runs_when_the_appspec_has_it() {
    let host = Host::new();
    let hooks = "hooks:\n  WarmCaches: [{location: note.sh}]\n";
    host.revision("app", hooks, &[("content/file", "app"), ("note.sh", NOTE)]);
    host.deploy(&["-l", "app", "-e", "WarmCaches"]).check_success();
    assert_eq!(host.text("srv.notes"), "WarmCaches app\n");
    // A hook that the deployment does not have, and an event that has no hook.
    host.deploy(&["-l", "app"])
        .check_failure(&["ERROR: appspec.yml file contains unknown lifecycle events: [\"WarmCaches\"]"]);
    host.deploy(&["-l", "app", "-e", "WarmCaches,CoolDown"]).check_failure(&[
        "ERROR: You specified a lifecycle event which is not a default one and doesn't exist in your appspec.yml file: CoolDown",
    ]);
}

#[test]
fn the_appspec_may_have_another_name() {
    let host = Host::new();
    for (name, more) in [("appspec.yaml", &[][..]), ("deploy/custom.yml", &["-A", "deploy/custom.yml"][..])] {
        let folder = name.replace('/', "-");
        revision(&host, &folder);
        let renamed = host.path(&folder).join(name);
        fs::create_dir_all(renamed.parent().expect("inside")).expect("create");
        fs::rename(host.path(&folder).join("appspec.yml"), renamed).expect("rename");
        host.deploy(&[&["-l", folder.as_str()], more].concat()).check_success();
        assert_eq!(host.text("srv/file"), folder);
    }
}

#[test]
fn scripts_see_the_deployment_and_what_the_person_has_set() {
    let host = Host::new();
    let hooks = "hooks:\n  AfterInstall: [{location: env.sh}]\n";
    let script = "#!/bin/sh\necho $APPLICATION_NAME $DEPLOYMENT_GROUP_NAME $DEPLOYMENT_GROUP_ID \
                  $AWS_SECRET_ACCESS_KEY > TARGET.env\n";
    host.revision("app", hooks, &[("content/file", ""), ("env.sh", script)]);
    let arguments = ["-l", "app", "-a", "App", "-d", "Fleet", "-g", "g-1"];
    let ran = ran(host.command(&arguments).env("AWS_SECRET_ACCESS_KEY", "mine").output());
    ran.check_success();
    assert_eq!(host.text("srv.env"), "App Fleet g-1 mine\n");
}

#[test]
fn a_failed_script_is_named_and_its_output_shown() {
    let host = Host::new();
    let hooks = "hooks:\n  BeforeInstall: [{location: /bad.sh}]\n";
    host.revision("app", hooks, &[("content/file", ""), ("bad.sh", "#!/bin/sh\necho no luck\nexit 3\n")]);
    let ran = host.deploy(&["-l", "app"]);
    let dir = host.only_deployment("default-local-deployment-group");
    ran.check_failure(&[
        "ERROR: Script at specified location: /bad.sh failed with exit code 3",
        "  | [stdout]no luck",
        &format!(
            "Your local deployment failed while trying to execute your script at {}/deployment-archive/bad.sh",
            dir.display()
        ),
        &format!("See the deployment log at {}/logs/scripts.log for more details", dir.display()),
        "Install             skipped",
    ]);
    assert_eq!(host.text("srv/file"), "absent");
}

#[test]
fn programs_get_one_document() {
    let host = Host::new();
    revision(&host, "app");
    let ran_well = ran(host.agent(&["local", "deploy", "-l", "app", "--output", "json"]).output());
    let document: Value = serde_json::from_str(&ran_well.stdout).expect("one document");
    assert_eq!((ran_well.code, &document["status"]), (Some(0), &Value::from("succeeded")));
    let events: Vec<&str> =
        document["events"].as_array().expect("events").iter().filter_map(|e| e["name"].as_str()).collect();
    assert_eq!(events.len(), 11);
    assert_eq!(document["events"][0]["status"], "nothing");
    assert!(ran_well.stderr.contains("AppSpec file valid. Local deployment successful"));

    let hooks = "hooks:\n  AfterInstall: [{location: absent.sh}]\n";
    host.revision("bad", hooks, &[("content/file", "")]);
    let failed = ran(host.agent(&["local", "deploy", "-l", "bad", "--output", "json"]).output());
    let document: Value = serde_json::from_str(&failed.stdout).expect("one document");
    assert_eq!((failed.code, &document["status"]), (Some(1), &Value::from("failed")));
    assert_eq!(document["error"]["event"], "AfterInstall");
    assert_eq!(document["error"]["error_code"], 1);

    let refused = ran(host.agent(&["local", "deploy", "-l", "nowhere", "--output", "json"]).output());
    let document: Value = serde_json::from_str(&refused.stdout).expect("one document");
    assert_eq!((refused.code, &document["status"]), (Some(1), &Value::from("refused")));
}

#[test]
fn a_command_waits_for_another_of_its_group_and_says_so() {
    let host = Host::new();
    revision(&host, "app");
    let group = host.root().join("default-local-deployment-group");
    fs::create_dir_all(&group).expect("create");
    let lock = group_lock::try_take(&group).expect("lock").expect("free");
    let said = host.path("said");
    let mut command = host.command(&["-l", "app"]);
    command.stdout(Stdio::null()).stderr(fs::File::create(&said).expect("create"));
    let mut child = command.spawn().expect("the program starts");
    wait_until("it says that it waits", || {
        host.text("said").contains("waiting for another command of this deployment group to end")
    });
    assert_eq!(host.text("srv/file"), "absent");
    drop(lock);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(host.text("srv/file"), "app");
}

#[test]
fn a_stop_script_of_the_deployed_revision_that_fails_can_be_left_out() {
    let host = Host::new();
    let hooks = "hooks:\n  ApplicationStop: [{location: stop.sh}]\n";
    host.revision("app", hooks, &[("content/file", "1"), ("stop.sh", "#!/bin/sh\nexit 4\n")]);
    host.deploy(&["-l", "app"]).check_success();
    let events = "DownloadBundle,BeforeInstall,Install,AfterInstall,ApplicationStart,ValidateService";
    let hint = format!(
        "  hint: the script is of the revision deployed before; to go on without it: --events {events}"
    );
    host.deploy(&["-l", "app"]).check_failure(&[&hint]);
    host.deploy(&["-l", "app", "--events", events]).check_success();
}

#[test]
fn an_interrupted_deployment_ends_its_script_and_goes_no_further() {
    check_interrupted(Signal::SIGINT);
    check_interrupted(Signal::SIGTERM);
}

#[test]
fn a_deployment_whose_terminal_goes_away_leaves_no_script_behind() {
    check_interrupted(Signal::SIGHUP);
}

#[track_caller]
fn check_interrupted(signal: Signal) {
    let host = Host::new();
    let hooks = "hooks:\n  BeforeInstall: [{location: long.sh}]\n";
    let script = "#!/bin/sh\necho $$ > TARGET.pid\nsleep 600\n";
    host.revision("app", hooks, &[("content/file", ""), ("long.sh", script)]);
    let child = host.command(&["-l", "app"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    wait_until("the script runs", || host.text("srv.pid").ends_with('\n'));
    kill(Pid::from_raw(child.id() as i32), signal).expect("it runs");
    let ran = ran(child.wait_with_output());
    ran.check_failure(&["AfterInstall        skipped"]);
    let script: i32 = host.text("srv.pid").trim().parse().expect("a number");
    wait_until("the script has ended", || kill(Pid::from_raw(script), None).is_err());
    assert_eq!(host.text("srv/file"), "absent");
}

#[test]
fn an_interrupted_deployment_does_not_wait_for_what_a_script_has_left_running() {
    let host = Host::new();
    let hooks = "hooks:\n  BeforeInstall: [{location: leaves.sh}]\n";
    let script = "#!/bin/sh\nsleep 600 &\necho $$ $! > TARGET.pids\n";
    host.revision("app", hooks, &[("content/file", ""), ("leaves.sh", script)]);
    let child = host.command(&["-l", "app"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    wait_until("the script runs", || host.text("srv.pids").ends_with('\n'));
    let pids = host.text("srv.pids");
    let pids: Vec<Pid> =
        pids.split_whitespace().map(|pid| Pid::from_raw(pid.parse().expect("a number"))).collect();
    wait_until("the script has ended", || kill(pids[0], None).is_err());
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("it runs");
    let ran = ran(child.wait_with_output());
    let left = kill(pids[1], Signal::SIGKILL);
    ran.check_failure(&[
        "AfterInstall        skipped",
        "ERROR: The local deployment was interrupted by SIGINT",
    ]);
    left.expect("what an ended script has left is not ended");
    assert_eq!(host.text("srv/file"), "absent");
}
