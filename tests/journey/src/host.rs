//! A host on this machine: folders, identity and an agent process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Running, Server, program};

/// A host. Its agent runs with `work` as its working folder, so relative destinations of an AppSpec
/// and files that hooks write lie there.
#[derive(Debug)]
pub struct Host {
    name: String,
    folder: PathBuf,
    env: Vec<(String, String)>,
    running: Option<Running>,
}

impl Host {
    /// Registers a host through `longshore hosts add` with the tag `Role=web`, and starts its agent.
    pub fn add(server: &Server, folder: &Path, name: &str) -> Host {
        let mut host = Host::add_stopped(server, folder, name);
        host.start();
        host
    }

    /// As [`Host::add`], without starting the agent.
    pub fn add_stopped(server: &Server, folder: &Path, name: &str) -> Host {
        let folder = folder.join(name);
        std::fs::create_dir_all(folder.join("work")).expect("the host's folder can be made");
        let output = Command::new(program("longshore"))
            .args(["hosts", "add", name, "--tag", "Role=web", "--write"])
            .arg(folder.join("conf"))
            .envs(server.env())
            .output()
            .expect("longshore runs");
        assert!(output.status.success(), "hosts add: {}", String::from_utf8_lossy(&output.stderr));
        Host { name: name.to_owned(), folder, env: Vec::new(), running: None }
    }

    /// A host that was registered by other means, with its files under `folder/conf`.
    pub fn registered(folder: &Path, name: &str) -> Host {
        let folder = folder.join(name);
        std::fs::create_dir_all(folder.join("work")).expect("the host's folder can be made");
        Host { name: name.to_owned(), folder, env: Vec::new(), running: None }
    }

    /// Gives the agent one more variable, from its next start on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the agent.
    pub fn start(&mut self) {
        self.start_program(&program("longshore-agent"));
    }

    /// Starts this build of the agent.
    pub fn start_program(&mut self, agent: &Path) {
        let log = std::fs::File::create(self.folder.join("agent.out")).expect("the log can be made");
        let errors = log.try_clone().expect("a file can be shared");
        let mut command = Command::new(agent);
        command
            .arg("run")
            .arg(format!("--config_file={}", self.folder.join("conf/codedeployagent.yml").display()))
            .current_dir(self.work())
            .env("HOME", &self.folder)
            .envs(self.env.iter().cloned())
            .stdout(log)
            .stderr(errors);
        self.running = Some(Running::start(&mut command));
    }

    /// `kill -9` of the agent; hooks that it started live on.
    pub fn kill_9(&mut self) {
        self.running.take().expect("the agent runs").kill_9();
    }

    /// The agent process.
    pub fn process(&self) -> &Running {
        self.running.as_ref().expect("the agent runs")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The agent's working folder.
    pub fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// The lines of a file in the working folder; none if it is not there.
    pub fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.work().join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
