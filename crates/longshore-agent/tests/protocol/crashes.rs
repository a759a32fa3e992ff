//! What survives an outage of the service and the death of the agent.

use std::time::{Duration, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::host::{Host, text};
use crate::service::{Service, error};

/// Downloads a revision whose AfterInstall writes its process id and runs for long.
async fn start_long_hook(service: &Service, host: &Host, script: &str) -> crate::host::Agent {
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", script)]));
    service.offer("hc-1", "DownloadBundle");
    let agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    agent
}

fn is_alive(pid: i32) -> bool {
    // A process whose parent has not looked after it yet counts as ended.
    let stat = text(std::path::Path::new(&format!("/proc/{pid}/stat")));
    kill(Pid::from_raw(pid), None).is_ok() && !stat.contains(") Z ")
}

/// Source: service.md §8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_agent_reports_its_command_first_and_ends_the_script() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let pid_path = host.path("script.pid");
    let script = format!("echo $$ > {}; exec sleep 600", pid_path.display());
    let agent = start_long_hook(&service, &host, &script).await;
    host.wait_until("the script runs", || text(&pid_path).ends_with('\n'));
    host.wait_until("its process group is recorded", || {
        host.names("ongoing-deployment-processes") == ["d-WIRE00001"]
    });
    let script_pid: i32 = text(&pid_path).trim().parse().expect("a process id");
    agent.kill();
    assert!(is_alive(script_pid));
    assert_eq!(host.names("ongoing-deployment"), ["d-WIRE00001"]);

    let n_before = service.operations().len();
    let _agent = host.run();
    let completions = service.wait_for("PutHostCommandComplete", 2).await;
    let after: Vec<String> = service.operations().split_off(n_before);
    let first = after.iter().position(|operation| operation == "PutHostCommandComplete").expect("reported");
    assert!(!after[..first].contains(&"GetDeploymentSpecification".to_owned()), "{after:?}");
    assert_eq!(completions[1].body["HostCommandIdentifier"], "hc-2");
    assert_eq!(
        completions[1].diagnostics(),
        json!({
            "error_code": 7,
            "script_name": "",
            "message": "Failed: Failing in-progress lifecycle event after an agent restart.",
            "log": "",
        })
    );
    host.wait_until("the script is ended", || !is_alive(script_pid));
    host.wait_until("nothing is tracked", || host.names("ongoing-deployment").is_empty());
    host.wait_until("nothing is pending", || host.names("pending-reports").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_survives_an_outage_and_a_restart_of_the_agent() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    for _ in 0..8 {
        service.answer_once("PutHostCommandComplete", 503, error("ServiceUnavailable", "down"));
    }
    service.offer("hc-1", "DownloadBundle");
    let agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    assert_eq!(host.names("pending-reports").len(), 1);
    assert_eq!(host.names("ongoing-deployment"), [""; 0]);
    agent.kill();

    // The command is offered again, because the service has not heard of its end.
    service.offer("hc-1", "DownloadBundle");
    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", 9).await;
    host.wait_until("the report is settled", || host.names("pending-reports").is_empty());
    service.wait_for_next_poll().await;
    let completions = service.received("PutHostCommandComplete");
    assert_eq!(completions.len(), 9);
    assert!(completions.iter().all(|received| received.body == completions[0].body));
    assert_eq!(completions[0].body["CommandStatus"], "Succeeded");
    assert_eq!(service.received("PutHostCommandAcknowledgement").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tracked_command_with_a_kept_report_gets_its_true_end() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    for _ in 0..4 {
        service.answer_once("PutHostCommandComplete", 503, error("ServiceUnavailable", "down"));
    }
    service.offer("hc-1", "DownloadBundle");
    let agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    agent.kill();
    // As if it had died between keeping the report and removing the tracking file.
    std::fs::write(host.root().join("ongoing-deployment/d-WIRE00001"), "hc-1").expect("write");

    let _agent = host.run();
    host.wait_until("the report is settled", || host.names("pending-reports").is_empty());
    assert_eq!(host.names("ongoing-deployment"), [""; 0]);
    let completions = service.received("PutHostCommandComplete");
    assert!(completions.iter().all(|received| received.body["CommandStatus"] == "Succeeded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_waits_for_the_running_script_and_its_report() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let (started, go) = (host.path("started"), host.path("go"));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.02; done", started.display(), go.display());
    let agent = start_long_hook(&service, &host, &script).await;
    host.wait_until("the script runs", || started.exists());

    let refused = host.output("stop");
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&refused.stderr), "error: A deployment is already in Progress\n");

    agent.signal(Signal::SIGTERM);
    host.wait_until("it waits", || host.log().contains("Gracefully shutting down agent child threads now"));
    assert_eq!(service.received("PutHostCommandComplete").len(), 1);
    std::fs::write(&go, "").expect("write");
    assert!(agent.wait());
    let completions = service.received("PutHostCommandComplete");
    assert_eq!(completions.len(), 2);
    assert_eq!(completions[1].body["CommandStatus"], "Succeeded");
    assert!(host.log().contains("agent exiting now"));
}

/// Tracking files as a crash leaves them: deployments and the age of their files in seconds.
fn leave_tracked(host: &Host, deployments: &[(&str, u64)]) {
    let folder = host.root().join("ongoing-deployment");
    std::fs::create_dir_all(&folder).expect("create");
    for (deployment, age) in deployments {
        let path = folder.join(deployment);
        std::fs::write(&path, format!("command-of-{deployment}")).expect("write");
        let file = std::fs::File::options().write(true).open(path).expect("open");
        file.set_modified(SystemTime::now() - Duration::from_secs(*age)).expect("a time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tracked_command_is_reported_and_kept_until_the_service_takes_it() {
    let service = Service::start().await;
    let host = Host::new(&service);
    leave_tracked(&host, &[("d-1", 10), ("d-2", 20), ("d-OLD", 90_000)]);
    for _ in 0..8 {
        service.answer_once("PutHostCommandComplete", 503, error("ServiceUnavailable", "down"));
    }
    let _agent = host.run();
    service.wait_for("PollHostCommand", 1).await;
    assert_eq!(host.names("pending-reports").len(), 2, "{}", host.log());
    assert!(host.log().contains("Deployment tracking file found: "));
    let completions = service.wait_for("PutHostCommandComplete", 10).await;
    let mut taken: Vec<&str> = completions[8..]
        .iter()
        .map(|received| received.body["HostCommandIdentifier"].as_str().expect("text"))
        .collect();
    taken.sort_unstable();
    assert_eq!(taken, ["command-of-d-1", "command-of-d-2"]);
    assert!(completions.iter().all(|received| received.diagnostics()["error_code"] == 7));
    host.wait_until("nothing is pending", || host.names("pending-reports").is_empty());
    assert_eq!(host.names("ongoing-deployment"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_reported_when_nothing_or_only_old_commands_are_tracked() {
    for tracked in [&[][..], &[("d-OLD", 90_000)]] {
        let service = Service::start().await;
        let host = Host::new(&service);
        leave_tracked(&host, tracked);
        let _agent = host.run();
        service.wait_for("PollHostCommand", 2).await;
        assert!(service.operations().iter().all(|operation| operation == "PollHostCommand"));
        assert_eq!(host.names("ongoing-deployment"), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_was_received_before_the_end_is_run_and_reported() {
    let service = Service::start().await;
    let host = Host::new(&service);
    service.specify(host.revision("", &[]));
    for _ in 0..4 {
        service.answer_once("GetDeploymentSpecification", 503, error("ServiceUnavailable", "busy"));
    }
    service.offer("hc-1", "DownloadBundle");
    let agent = host.run();
    service.wait_for("GetDeploymentSpecification", 1).await;
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait());
    let completions = service.received("PutHostCommandComplete");
    assert_eq!(completions.len(), 1);
    assert_eq!(completions[0].body["CommandStatus"], "Succeeded");
}
