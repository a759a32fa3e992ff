//! A master and its worker: who is started, who ends, and what neither may lose.

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::{Host, Started, text};
use crate::service::Service;

/// A started agent that is in the middle of a script, which waits for the file `go`.
async fn start_busy(service: &Service, host: &Host) -> Started {
    let (started, go) = (host.path("started"), host.path("go"));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.02; done", started.display(), go.display());
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", &script)]));
    service.offer("hc-1", "DownloadBundle");
    let agent = host.start();
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    host.wait_until("the script runs", || started.exists());
    agent
}

fn title(pid: i32) -> String {
    text(Path::new(&format!("/proc/{pid}/cmdline"))).replace('\0', " ")
}

fn is_alive(pid: i32) -> bool {
    let stat = text(Path::new(&format!("/proc/{pid}/stat")));
    !stat.is_empty() && !stat.contains(") Z ")
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("it runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn master_and_worker_are_told_apart_by_their_titles() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let agent = host.start();
    service.wait_for("PollHostCommand", 1).await;
    let worker = host.worker_pid();
    assert!(title(agent.master).starts_with("codedeploy-agent: master "), "{}", title(agent.master));
    let expected = format!("codedeploy-agent: worker of master {} ", agent.master);
    assert!(title(worker).starts_with(&expected), "{}", title(worker));
    assert!(host.log().contains(&format!("Started master {} with 1 children", agent.master)));
    let limits = text(Path::new(&format!("/proc/{worker}/limits")));
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_is_replaced_and_its_command_reported() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let agent = start_busy(&service, &host).await;
    let first = host.worker_pid();
    signal(first, Signal::SIGKILL);
    let completions = service.wait_for("PutHostCommandComplete", 2).await;
    assert_eq!(completions[1].body["HostCommandIdentifier"], "hc-2");
    assert_eq!(completions[1].diagnostics()["error_code"], 7);
    assert_ne!(host.worker_pid(), first);
    assert!(is_alive(agent.master));
    for line in ["Received CHLD - cleaning dead child process", "the next one starts in 5 seconds"] {
        assert!(host.log().contains(line), "{line} in {}", host.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_master_dies_finishes_its_command_before_the_next_one_begins() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let first = start_busy(&service, &host).await;
    let worker = host.worker_pid();
    signal(first.master, Signal::SIGKILL);
    let gone = format!("Master {} not alive - shutting down", first.master);
    host.wait_until("the worker notices", || host.log().contains(&gone));

    let _second = host.start();
    let waits = "An earlier worker still finishes its commands, waiting for its end";
    host.wait_until("the next worker waits", || host.log().contains(waits));
    assert_eq!(service.received("PutHostCommandComplete").len(), 1);
    fs::write(host.path("go"), "").expect("write");
    host.wait_until("the worker ends", || !is_alive(worker));
    service.wait_for_next_poll().await;
    let completions = service.received("PutHostCommandComplete");
    assert_eq!(completions.len(), 2);
    assert_eq!(completions[1].body["CommandStatus"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_told_to_end_waits_for_the_script_and_its_report() {
    for signal_name in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let service = Service::start().await;
        let host = Host::new(&service);
        let agent = start_busy(&service, &host).await;
        let worker = host.worker_pid();
        signal(agent.master, signal_name);
        host.wait_until("the worker is told", || {
            host.log()
                .contains("Gracefully shutting down agent child threads now, will wait up to 7200 seconds")
        });
        assert!(is_alive(agent.master) && is_alive(worker));
        fs::write(host.path("go"), "").expect("write");
        host.wait_until("both end", || !is_alive(agent.master) && !is_alive(worker));
        let completions = service.received("PutHostCommandComplete");
        assert_eq!(completions[1].body["CommandStatus"], "Succeeded");
        assert!(!host.path("pid/codedeploy-agent.pid").exists());
        let name = signal_name.as_str().trim_start_matches("SIG");
        let line = format!("Received {name} - stopping children and shutting down");
        assert_eq!(host.log().matches(&line).count(), 2, "master and worker");
        assert!(host.log().contains("All agent child threads have been shut down"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_does_not_wait_longer_than_it_may() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "kill_agent_max_wait_time_seconds: 1\n");
    let agent = start_busy(&service, &host).await;
    let worker = host.worker_pid();
    signal(agent.master, Signal::SIGTERM);
    host.wait_until("both end", || !is_alive(agent.master) && !is_alive(worker));
    assert_eq!(service.received("PutHostCommandComplete").len(), 1);
    // What it left behind is reported by the next one.
    let _next = host.start();
    let completions = service.wait_for("PutHostCommandComplete", 2).await;
    assert_eq!(completions[1].diagnostics()["error_code"], 7);
}

/// Source: agent.md §9.2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_names_the_worker_that_it_leaves_behind() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "kill_agent_max_wait_time_seconds: 1\n");
    let agent = host.start();
    let worker = host.worker_pid();
    // It will hear of nothing any more.
    signal(worker, Signal::SIGSTOP);
    signal(agent.master, Signal::SIGTERM);
    host.wait_until("the master ends", || !is_alive(agent.master));
    assert!(is_alive(worker));
    let expected =
        format!("Stopping codedeploy-agent agent({}) but child({worker}) still processing.\n", agent.master);
    assert!(host.log().contains(&expected), "{}", host.log());
    assert!(!host.path("pid/codedeploy-agent.pid").exists());
    // On again, it follows its master.
    signal(worker, Signal::SIGCONT);
    host.wait_until("the worker ends", || !is_alive(worker));
}

/// Source: agent.md §9.3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_says_when_the_agent_does_not_end() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "kill_agent_max_wait_time_seconds: 1\n");
    let agent = host.start();
    host.worker_pid();
    signal(agent.master, Signal::SIGSTOP);
    let output = host.output("stop");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "error: AWS CodeDeploy agent is still running\n");
    signal(agent.master, Signal::SIGCONT);
    host.wait_until("it ends after all", || !is_alive(agent.master));
    assert_eq!(host.output("status").status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_makes_way_after_its_polls() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "max_runs_per_worker: 2\n");
    let _agent = host.start();
    service.wait_for("PollHostCommand", 1).await;
    let first = host.worker_pid();
    service.wait_for("PollHostCommand", 3).await;
    assert_ne!(host.worker_pid(), first);
    assert!(host.log().contains("max_runs_per_worker is reached"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_agent_in_the_foreground_is_refused_and_the_first_goes_on() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let agent = host.start();
    let refused = host.output("run");
    assert_eq!(refused.status.code(), Some(1));
    let lock = host.path("pid/codedeploy-agent.pid.lock");
    let expected = format!("error: Could not acquire lock on {} - aborting start!\n", lock.display());
    assert_eq!(String::from_utf8_lossy(&refused.stderr), expected);
    assert_eq!(text(&host.path("pid/codedeploy-agent.pid")), format!("{}\n", agent.master));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_without_effect_are_logged_once() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "plugins: [codedeploy]\nwait_after_error: 30\nfoo: 1\n");
    let _agent = host.start();
    service.wait_for("PollHostCommand", 1).await;
    for line in [
        "WARN  [codedeploy-agent(",
        "Configuration keys without effect here: plugins, wait_after_error",
        "Unknown configuration keys: foo",
    ] {
        assert!(host.log().contains(line), "{line} in {}", host.log());
    }
    assert_eq!(host.log().matches("Unknown configuration keys").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn privileges_are_dropped_before_the_log_is_opened() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "user: daemon\n");
    if !nix::unistd::geteuid().is_root() {
        let expected = "error: Can't drop privileges as unprivileged user. \
                        Please run this command as a privileged user.\n";
        assert_eq!(String::from_utf8_lossy(&host.output("run").stderr), expected);
        return;
    }
    let daemon = nix::unistd::User::from_name("daemon").expect("look").expect("every Linux has it");
    host.give_to(&daemon);
    let agent = host.start();
    service.wait_for("PollHostCommand", 1).await;
    for pid in [agent.master, host.worker_pid()] {
        let status = text(Path::new(&format!("/proc/{pid}/status")));
        let ids = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).expect(name);
            line.split_whitespace().skip(1).map(|id| id.parse().expect("a number")).collect::<Vec<u32>>()
        };
        assert_eq!(ids("Uid:"), [daemon.uid.as_raw(); 4]);
        assert_eq!(ids("Gid:"), [daemon.gid.as_raw(); 4]);
        assert!(!ids("Groups:").contains(&0), "{status}");
    }
    let log = fs::metadata(host.path("log/codedeploy-agent.log")).expect("a log");
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&log), daemon.uid.as_raw());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_user_is_named() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "user: no-such-user\n");
    for verb in ["run", "start"] {
        let output = host.output(verb);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(said.starts_with("error: The system user does not exist: \"no-such-user\"\n"), "{said}");
    }
    assert!(!host.path("pid").exists() && !host.path("log").exists());
}

/// Source: agent.md §9.3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn privileges_that_cannot_be_dropped_stop_the_start() {
    if !nix::unistd::geteuid().is_root() {
        // It takes a root that may not become somebody else.
        return;
    }
    let service = Service::start().await;
    let host = Host::with_config(&service, "user: daemon\n");
    for verb in ["run", "start"] {
        let agent = host.command(verb);
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-setgid", "--inh-caps=-setgid"]);
        command.arg(agent.get_program()).args(agent.get_args());
        let output = command.output().expect("setpriv, which every Debian has");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.starts_with("error: Failed to drop privileges: EPERM: Operation not permitted\n"),
            "{said}"
        );
    }
    assert!(!host.path("pid").exists() && !host.path("log").exists());
    assert_eq!(service.operations(), [""; 0]);
}
