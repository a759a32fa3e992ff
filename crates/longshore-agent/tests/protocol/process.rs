//! The agent as a process: start, stop, status, and refusals to start.

use std::fs;
use std::process::Output;

use nix::sys::signal::Signal;

use crate::host::{Agent, Host};
use crate::service::Service;

#[track_caller]
fn check(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let shown = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{shown:?}");
    assert_eq!((shown.0.trim_end(), shown.1.trim_end()), (stdout, stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_agent_ends_at_once_when_told_to() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "wait_between_runs: 600\n");
    let agent = host.run();
    service.wait_for("PollHostCommand", 1).await;
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait());
    assert!(host.log().contains("Received TERM - stopping children and shutting down"));
    assert!(!host.path("pid/codedeploy-agent.pid").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_still_asks_who_it_is_ends_at_once_when_told_to() {
    let service = Service::start().await;
    let host = Host::new(&service);
    fs::remove_file(host.path("onpremises.yml")).expect("remove");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    let mut command = host.command("run");
    let agent = Agent::start(command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", address));
    let _asked = silent.accept().expect("the agent asks");
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait());
    assert!(host.log().contains("Received TERM - stopping children and shutting down"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_status_and_stop_agree() {
    let service = Service::start().await;
    let host = Host::new(&service);
    check(&host.output("status"), 3, "", "error: No AWS CodeDeploy agent running");
    let stopped =
        "Checking first if a deployment is already in progress\nNothing running that could be stopped";
    check(&host.output("stop"), 0, stopped, "");

    let started = host.output("start");
    assert_eq!(started.status.code(), Some(0), "{started:?} {}", host.log());
    let pid = fs::read_to_string(host.path("pid/codedeploy-agent.pid")).expect("pid file");
    let pid = pid.trim();
    check(&host.output("status"), 0, &format!("The AWS CodeDeploy agent is running as PID {pid}"), "");
    let again = host.output("start");
    check(&again, 1, "", &format!("error: The AWS CodeDeploy agent is already running as PID {pid}"));
    service.wait_for("PollHostCommand", 1).await;

    let stopped = format!("Checking first if a deployment is already in progress\nStopping master {pid}");
    check(&host.output("stop"), 0, &stopped, "");
    check(&host.output("status"), 3, "", "error: No AWS CodeDeploy agent running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_configuration_is_said_line_by_line_and_touches_nothing() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "max_revisions: 0\nchildren: 3\n");
    for verb in ["run", "start", "status"] {
        let expected = "error: children can only be set to 1\nerror: Invalid configuration :max_revision=0";
        check(&host.output(verb), 1, "", expected);
    }
    assert!(!host.path("log").exists() && !host.path("pid").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_configuration_file_is_named() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let path = host.path("agent.yml");
    fs::remove_file(&path).expect("remove");
    let expected = format!("error: The config file {} does not exist or is not readable", path.display());
    check(&host.output("run"), 1, "", &expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_command_ends_with_the_usage_code() {
    let service = Service::start().await;
    let output = Host::new(&service).output("frobnicate");
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: Unknown command 'frobnicate'\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_identity_stops_the_start() {
    let service = Service::start().await;
    let host = Host::new(&service);
    fs::write(host.path("onpremises.yml"), "iam_user_arn: arn:x\nregion: us-east-1\n").expect("write");
    let expected = "error: 'aws_access_key_id' key is required when 'iam_user_arn' is provided.";
    check(&host.output("run"), 1, "", expected);
    assert_eq!(service.operations(), [""; 0]);
}

/// Starting with one more line of configuration ends with `expected` among what is said.
async fn check_start_refused(more: &str, expected: &str) {
    let service = Service::start().await;
    let host = Host::with_config(&service, more);
    for verb in ["run", "start"] {
        let output = host.output(verb);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{verb} {said}");
        assert!(said.lines().any(|line| line == expected), "{verb} {said}");
    }
    assert_eq!(service.operations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_start_names_the_path_and_the_reason() {
    // Nothing can be made below a device.
    let please = "error: Please make sure the path of the";
    let reason = "exists and is writable: \"/dev/null/x\": Not a directory (os error 20)";
    check_start_refused(":log_dir: /dev/null/x\n", &format!("{please} log directory {reason}")).await;
    check_start_refused(":pid_dir: /dev/null/x\n", &format!("{please} PID directory {reason}")).await;
    let root = "error: cannot make the deployment root /dev/null/x: Not a directory (os error 20)";
    check_start_refused(":root_dir: /dev/null/x\n", root).await;
    let signers = "error: cannot read deployment_signer_ca_file /dev/null/x: Not a directory (os error 20)";
    check_start_refused(":deployment_signer_ca_file: /dev/null/x\n", signers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_service_is_a_poll_error_and_not_the_end() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let config = fs::read_to_string(host.path("agent.yml")).expect("read");
    // Nobody listens on the discard port of this machine's loopback.
    fs::write(host.path("agent.yml"), config.replace(service.address(), "http://127.0.0.1:9"))
        .expect("write");
    let agent = host.run();
    host.wait_until("the error is logged", || {
        host.log().contains("Network error: cannot reach `127.0.0.1:9`")
    });
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_configuration_leaves_a_running_agent_alone() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let agent = host.start();
    let config = fs::read_to_string(host.path("agent.yml")).expect("read");
    fs::write(host.path("agent.yml"), format!("{config}children: 2\n")).expect("write");
    for verb in ["run", "start", "stop", "restart", "status"] {
        check(&host.output(verb), 1, "", "error: children can only be set to 1");
    }
    let pid = fs::read_to_string(host.path("pid/codedeploy-agent.pid")).expect("pid file");
    assert_eq!(pid, format!("{}\n", agent.master));
    service.wait_for_next_poll().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_without_rights_sees_the_agent_running_and_changes_nothing() {
    if !nix::unistd::geteuid().is_root() {
        // Somebody else's agent is what it takes, and only root can make one.
        return;
    }
    let service = Service::start().await;
    let host = Host::new(&service);
    let agent = host.start();
    // Where everybody may read it, and the program too.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(host.path(""), open).expect("opened");
    let program = host.path("agent-program");
    fs::copy(env!("CARGO_BIN_EXE_longshore-agent"), &program).expect("copied");
    let mut command = std::process::Command::new(program);
    std::os::unix::process::CommandExt::uid(&mut command, 1);
    command.arg(format!("--config_file={}", host.path("agent.yml").display())).arg("status");
    let expected = format!("The AWS CodeDeploy agent is running as PID {}", agent.master);
    check(&command.output().expect("it runs"), 0, &expected, "");
    assert!(host.path("pid/codedeploy-agent.pid").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restart_ends_one_agent_and_starts_another() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let first = host.start();
    let output = host.output("restart");
    let second = fs::read_to_string(host.path("pid/codedeploy-agent.pid")).expect("pid file");
    let second = second.trim();
    let expected = format!(
        "Checking first if a deployment is already in progress\nStopping master {}\n\
         Started master {second} with 1 children",
        first.master
    );
    check(&output, 0, &expected, "");
    assert_ne!(first.master.to_string(), second);
    check(
        &host.output("stop"),
        0,
        &format!("Checking first if a deployment is already in progress\nStopping master {second}"),
        "",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_and_version_need_no_configuration() {
    let program = env!("CARGO_BIN_EXE_longshore-agent");
    for arguments in [&[][..], &["help"], &["--help"], &["--version"]] {
        let output = std::process::Command::new(program).args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
    }
}
