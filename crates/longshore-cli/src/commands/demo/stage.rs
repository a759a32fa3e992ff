//! What runs during the demo: the server, three agents, and the pages that their hooks start.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context;
use futures::future::select_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::sleep;

use super::TAG;
use super::folder::DemoFolder;
use crate::data_dir::DataDir;
use crate::host_files::Places;
use crate::output::Output;
use crate::output::line::{Line, Tone};
use crate::processes::{AgentStart, Process, Server, enroll_host, start_agent, start_server};
use crate::service::{Service, Tag};
use crate::settings;

/// The hosts.
const NAMES: [&str; 3] = ["web-1", "web-2", "web-3"];
/// The variable by which the demo recognizes what it started, hooks and their children included: they
/// inherit it. Its value is the demo's folder.
const MARK: &str = "LONGSHORE_DEMO_DIR";
/// How long a page may take to end after SIGTERM, looked at every [`LOOK`].
const N_LOOKS: usize = 60;
const LOOK: Duration = Duration::from_millis(50);

/// One host of the demo.
#[derive(Clone, Debug)]
pub(super) struct DemoHost {
    /// Its name.
    pub(super) name: &'static str,
    /// The port of its page.
    pub(super) port: u16,
}

impl DemoHost {
    /// Where its page is.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    folder: &'a DemoFolder,
    /// The server first.
    running: Vec<Process>,
    service: Option<Service>,
    hosts: Vec<DemoHost>,
}

impl<'a> Stage<'a> {
    /// Nothing runs yet.
    pub(super) fn new(folder: &'a DemoFolder) -> Stage<'a> {
        Stage { folder, running: Vec::new(), service: None, hosts: Vec::new() }
    }

    /// Ends what an earlier demo may have left behind, and starts the server.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) async fn start_server(&mut self) -> anyhow::Result<()> {
        sweep(&self.mark()).await;
        self.folder.wipe()?;
        let variables = [(MARK, self.mark())];
        let Server { process, .. } = start_server(&self.folder.server(), "127.0.0.1:0", &variables).await?;
        self.running.push(process);
        let facts = DataDir::new(self.folder.server()).server()?;
        self.service = Some(Service::new(settings::of_folder(facts))?);
        Ok(())
    }

    /// Registers the hosts and starts their agents, each in a folder of its own.
    ///
    /// # Errors
    /// When one cannot be registered or started.
    pub(super) async fn start_hosts(&mut self) -> anyhow::Result<()> {
        for (name, port) in NAMES.into_iter().zip(free_ports()?) {
            let host = DemoHost { name, port };
            let agent = self.start_host(&host).await?;
            self.running.push(agent);
            self.hosts.push(host);
        }
        Ok(())
    }

    async fn start_host(&self, host: &DemoHost) -> anyhow::Result<Process> {
        let service = self.service()?;
        let folder = self.folder.host(host.name);
        let places = Places::below(&folder);
        let tag = Tag { key: TAG.0.to_owned(), value: TAG.1.to_owned() };
        enroll_host(service, host.name, &[tag], &folder).await?;
        // The AppSpec file's relative destination is below this.
        let working_dir = folder.join("work");
        fs::create_dir_all(&working_dir).context("cannot make the host's folder")?;
        start_agent(&AgentStart {
            host: host.name,
            config_file: &places.agent_file(),
            working_dir: &working_dir,
            log: &folder.join("log/agent.out"),
            variables: &[
                (MARK, self.mark()),
                ("DEMO_HOST", host.name.to_owned()),
                ("DEMO_PORT", host.port.to_string()),
            ],
        })
    }

    /// The server, once it runs.
    ///
    /// # Errors
    /// Before [`Self::start_server`].
    pub(super) fn service(&self) -> anyhow::Result<&Service> {
        self.service.as_ref().context("the server has not been started")
    }

    /// The hosts that were started.
    pub(super) fn hosts(&self) -> &[DemoHost] {
        &self.hosts
    }

    /// Says what runs where.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(super) fn describe(&self, output: Output) -> anyhow::Result<()> {
        output.text(&format!("  server  {}", self.service()?.connection().endpoint))?;
        for host in &self.hosts {
            output.text(&format!(
                "  {:6}  {}  in {}",
                host.name,
                host.url(),
                self.folder.host(host.name).display()
            ))?;
        }
        Ok(())
    }

    /// Says what to do with what goes on running.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(super) fn invite(&self, output: Output) -> anyhow::Result<()> {
        output.text("")?;
        output.line(&Line::of(Tone::Good, "Still running; Ctrl-C ends it."))?;
        for host in &self.hosts {
            output.text(&format!("  {}  {}", host.name, host.url()))?;
        }
        output.text("In another terminal:")?;
        output.text(&format!("  eval \"$(longshore env --data-dir {})\"", self.folder.server().display()))?;
        output.text("  longshore status")?;
        output.text("  aws deploy list-deployments")?;
        Ok(())
    }

    /// Returns with an error when anything that should run has ended.
    pub(super) async fn ended_unasked(&mut self) -> anyhow::Error {
        let waits = self.running.iter_mut().map(|process| Box::pin(process.ended_unasked()));
        let (error, _, _) = select_all(waits).await;
        error
    }

    /// Ends everything: agents, server, and the pages that hooks started.
    pub(super) async fn clear(self) {
        let mark = self.mark();
        let mut running = self.running;
        while let Some(process) = running.pop() {
            process.stop().await;
        }
        sweep(&mark).await;
    }

    fn mark(&self) -> String {
        self.folder.path().display().to_string()
    }
}

/// Three ports that nobody has; held together while they are chosen, so that they differ.
fn free_ports() -> anyhow::Result<[u16; NAMES.len()]> {
    let mut listeners = Vec::new();
    let mut ports = [0; NAMES.len()];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
        *port = listener.local_addr().context("cannot find a free port")?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// Ends every process that carries the mark, and no other.
async fn sweep(mark: &str) {
    let mut told = BTreeSet::new();
    for _ in 0..N_LOOKS {
        let left = marked_processes(mark);
        if left.is_empty() {
            return;
        }
        for id in left {
            // Once is enough; it may be gone by now.
            if told.insert(id) {
                let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
            }
        }
        sleep(LOOK).await;
    }
    for id in marked_processes(mark) {
        let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
    }
}

/// Processes that were started with `LONGSHORE_DEMO_DIR=mark`. None where there is no `/proc`.
fn marked_processes(mark: &str) -> Vec<i32> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id: &i32| {
            // Of others' processes, and of those that have just ended, nothing can be read.
            let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn what_carries_the_mark_is_ended_and_nothing_else() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mark = folder.path().display().to_string();
        let start = |mark: &str| Command::new("sleep").arg("600").env(MARK, mark).spawn().expect("started");
        let (mut ours, mut other) = (start(&mark), start(&format!("{mark}-other")));
        // A child that has ended stays until it is waited for, but has no environment any more.
        sweep(&mark).await;
        assert!(ours.wait().expect("waited").code().is_none(), "ended by a signal");
        assert!(other.try_wait().expect("asked").is_none(), "still running");
        other.kill().expect("ours to kill");
        other.wait().expect("waited");
    }
}
