//! What systemd hears from the agent, over a real socket.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::host::{Agent, Host, text};
use crate::service::{DEADLINE, Service, error};

/// The end of systemd.
struct Socket {
    socket: UnixDatagram,
}

impl Socket {
    fn new(host: &Host) -> Socket {
        let socket = UnixDatagram::bind(host.path("notify")).expect("a socket");
        socket.set_read_timeout(Some(DEADLINE)).expect("a limit");
        Socket { socket }
    }

    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let n_read = self.socket.recv(&mut buffer).expect("a message in time");
        String::from_utf8(buffer[..n_read].to_vec()).expect("text")
    }

    /// Waits for a message with this line in it.
    fn wait_for(&self, line: &str) -> String {
        loop {
            let message = self.next();
            if message.lines().any(|found| found == line) {
                return message;
            }
        }
    }
}

fn start(host: &Host, watchdog: Option<Duration>) -> Agent {
    let mut command = host.command("run");
    command.env("NOTIFY_SOCKET", host.path("notify"));
    if let Some(watchdog) = watchdog {
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
    }
    Agent::start(&mut command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_hears_that_the_agent_is_ready_and_that_it_stops() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let socket = Socket::new(&host);
    let agent = start(&host, None);
    assert_eq!(socket.next(), "READY=1\nSTATUS=Waiting for commands\n");
    service.wait_for("PollHostCommand", 1).await;
    agent.signal(Signal::SIGTERM);
    socket.wait_for("STOPPING=1");
    assert!(agent.wait());
}

/// Source: agent.md I-42: systemd must wait longer than the agent, however long that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_is_asked_for_the_time_that_the_configuration_gives_scripts() {
    let service = Service::start().await;
    let host = Host::with_config(&service, "kill_agent_max_wait_time_seconds: 10000\n");
    let socket = Socket::new(&host);
    let (started, go) = (host.path("started"), host.path("go"));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.02; done", started.display(), go.display());
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", &script)]));
    service.offer("hc-1", "DownloadBundle");
    let agent = start(&host, None);
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    host.wait_until("the script runs", || started.exists());
    agent.signal(Signal::SIGTERM);
    let message = socket.wait_for("STOPPING=1");
    assert!(message.lines().any(|line| line == "EXTEND_TIMEOUT_USEC=10060000000"), "{message}");
    fs::write(&go, "").expect("written");
    assert!(agent.wait());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_is_answered_again_and_again() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let socket = Socket::new(&host);
    let _agent = start(&host, Some(Duration::from_millis(200)));
    socket.wait_for("READY=1");
    for _ in 0..3 {
        socket.wait_for("WATCHDOG=1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_says_what_is_wrong() {
    let service = Service::start().await;
    service.answer_once("PollHostCommand", 400, error("ClientException", "The host is not registered."));
    let host = Host::new(&service);
    let socket = Socket::new(&host);
    let _agent = start(&host, None);
    socket.wait_for("STATUS=Cannot poll for commands: ClientException The host is not registered.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_cannot_speak_for_the_agent() {
    let service = Service::start().await;
    let host = Host::new(&service);
    let _socket = Socket::new(&host);
    let out = host.path("out");
    let script = format!("env > {0}.new; mv {0}.new {0}", out.display());
    service.specify(host.revision("hooks:\n  AfterInstall:\n    - location: s.sh\n", &[("s.sh", &script)]));
    service.offer("hc-1", "DownloadBundle");
    let _agent = start(&host, Some(Duration::from_secs(60)));
    service.wait_for("PutHostCommandComplete", 1).await;
    service.offer("hc-2", "AfterInstall");
    service.wait_for("PutHostCommandComplete", 2).await;
    let environment = text(&out);
    assert!(environment.contains("LIFECYCLE_EVENT=AfterInstall"));
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        assert!(!environment.contains(name), "{environment}");
    }
    fs::remove_file(host.path("notify")).expect("remove");
}

#[test]
fn the_unit_waits_longer_than_the_agent_and_spares_scripts_the_signal() {
    let unit = include_str!("../../../../packaging/codedeploy-agent.service");
    for line in [
        "Type=notify",
        "KillMode=mixed",
        "TimeoutStopSec=7260",
        "Restart=on-failure",
        "After=network-online.target",
        "Wants=network-online.target",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    assert!(unit.contains(". /etc/profile; exec /opt/codedeploy-agent/bin/codedeploy-agent run"));
}
