//! Many commands at once: of different deployment groups beside each other, of one group in turn.

use std::fs;

use serde_json::{Value, json};

use crate::host::{Host, text};
use crate::service::Service;

/// A specification of this host's revision for a deployment of its own.
fn of_deployment(specification: &Value, number: usize) -> Value {
    let mut specification = specification.clone();
    specification["DeploymentId"] = json!(format!("d-PARALLEL{number}"));
    specification["DeploymentGroupId"] = json!(format!("group-{number}"));
    specification
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_groups_run_at_the_same_time_and_polling_goes_on() {
    const N_GROUPS: usize = 16;
    let service = Service::start().await;
    let host = Host::new(&service);
    let (started, go) = (host.path("started"), host.path("go"));
    let script =
        format!("echo x >> {}; while [ ! -e {} ]; do sleep 0.1; done", started.display(), go.display());
    let revision = host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", &script)]);
    for number in 0..N_GROUPS {
        service.specify_execution(&format!("a/r/d/{number}"), of_deployment(&revision, number));
        service.offer_execution(&format!("download-{number}"), "DownloadBundle", &format!("a/r/d/{number}"));
    }
    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", N_GROUPS).await;
    for number in 0..N_GROUPS {
        service.offer_execution(&format!("hook-{number}"), "AfterInstall", &format!("a/r/d/{number}"));
    }
    host.wait_until("all scripts run", || text(&started).lines().count() == N_GROUPS);
    service.wait_for_next_poll().await;
    fs::write(&go, "").expect("write");
    let completions = service.wait_for("PutHostCommandComplete", 2 * N_GROUPS).await;
    assert!(completions.iter().all(|received| received.body["CommandStatus"] == "Succeeded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_commands_of_one_deployment_at_once_are_run_in_turn_and_none_is_lost() {
    const N_COMMANDS: usize = 20;
    let service = Service::start().await;
    let host = Host::new(&service);
    let (lock, overlaps) = (host.path("lock"), host.path("overlaps"));
    let script = format!(
        "mkdir {0} || echo overlap >> {1}; sleep 0.02; rmdir {0}",
        lock.display(),
        overlaps.display()
    );
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", &script)]));
    service.offer("hc-first", "DownloadBundle");
    let _agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    for number in 0..N_COMMANDS {
        service.offer(&format!("hc-{number}"), "AfterInstall");
    }
    let completions = service.wait_for("PutHostCommandComplete", 1 + N_COMMANDS).await;
    let mut identifiers: Vec<String> = completions[1..]
        .iter()
        .map(|received| {
            assert_eq!(received.body["CommandStatus"], "Succeeded");
            received.body["HostCommandIdentifier"].as_str().expect("text").to_owned()
        })
        .collect();
    identifiers.sort();
    identifiers.dedup();
    assert_eq!(identifiers.len(), N_COMMANDS);
    assert_eq!(service.received("PutHostCommandAcknowledgement").len(), 1 + N_COMMANDS);
    assert_eq!(text(&overlaps), "");
    host.wait_until("nothing is tracked", || host.names("ongoing-deployment").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_waits_for_its_turn_does_not_hide_the_running_one_from_a_restart() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let started = host.path("started");
    let script = format!("echo x >> {}; sleep 600", started.display());
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", &script)]));
    service.offer("hc-0", "DownloadBundle");
    let agent = host.run();
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-running", "AfterInstall");
    host.wait_until("the script runs", || started.exists());
    service.offer("hc-waiting", "AfterInstall");
    service.wait_for("GetDeploymentSpecification", 3).await;
    service.wait_for_next_poll().await;
    agent.kill();
    let tracked = text(&host.root().join("ongoing-deployment/d-WIRE00001"));
    assert_eq!(tracked, "hc-running");
    let _agent = host.run();
    let completions = service.wait_for("PutHostCommandComplete", 2).await;
    assert_eq!(completions[1].body["HostCommandIdentifier"], "hc-running");
    assert_eq!(completions[1].diagnostics()["error_code"], 7);
    // Never acknowledged, so the service offers the other one again when it sees the host poll.
    assert_eq!(service.received("PutHostCommandAcknowledgement").len(), 2);
}
