//! A host: a real agent with an identity, folders and a room of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_journey::{Running, Server, program};

use crate::room::Room;

/// How long an agent waits for an answer, in seconds: somewhat longer than polls are held here, so
/// that a cut network is noticed.
const READ_TIMEOUT: u32 = 12;

/// A host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) room: Room,
    folder: PathBuf,
    /// Where hooks write what they did: outside of what a deployment or a full disk can reach.
    notes: PathBuf,
    agent: Option<Running>,
}

impl Host {
    /// Registers a host with these tags at `server`, and has its agent look for the service at `endpoint`.
    ///
    /// # Panics
    /// When it cannot be registered.
    pub(crate) fn add(
        server: &Server,
        folder: &Path,
        name: &str,
        tags: &[&str],
        room: Room,
        endpoint: &str,
    ) -> Host {
        let (folder, notes) = (folder.join(name), folder.join("notes").join(name));
        let mut command = Command::new(program("longshore"));
        command.args(["hosts", "add", name]).args(tags.iter().map(|tag| format!("--tag={tag}=yes")));
        command.arg("--write").arg(folder.join("conf")).envs(server.env());
        let output = command.output().expect("longshore runs");
        assert!(output.status.success(), "hosts add: {}", String::from_utf8_lossy(&output.stderr));
        let host = Host { name: name.to_owned(), room, folder, notes, agent: None };
        for folder in [host.work(), host.disk().join("root"), host.disk().join("log")] {
            std::fs::create_dir_all(host.room.seen_from_outside(&folder)).expect("a folder");
        }
        std::fs::write(&host.notes, "").expect("a file for notes");
        host.configure(endpoint);
        host
    }

    /// The folder that is the host's disk, as the host sees it.
    fn disk(&self) -> PathBuf {
        disk_of(&self.folder)
    }

    /// The agent's working folder, as the host sees it.
    fn work(&self) -> PathBuf {
        self.disk().join("work")
    }

    fn agent_file(&self) -> PathBuf {
        self.folder.join("conf/codedeployagent.yml")
    }

    /// Moves what the agent writes to its disk, and its service to `endpoint`.
    fn configure(&self, endpoint: &str) {
        let file = self.agent_file();
        let text = std::fs::read_to_string(&file).expect("the agent's configuration");
        let disk = self.disk().display().to_string();
        let changed = text.lines().map(|line| match line.split_once(':').map_or("", |(key, _)| key) {
            "root_dir" => format!("root_dir: '{disk}/root'\n"),
            "log_dir" => format!("log_dir: '{disk}/log'\n"),
            key @ ("deploy_control_endpoint" | "s3_endpoint_override") => format!("{key}: '{endpoint}'\n"),
            _ => format!("{line}\n"),
        });
        let text = changed.collect::<String>() + &format!("http_read_timeout: {READ_TIMEOUT}\n");
        std::fs::write(file, text).expect("the agent's configuration can be changed");
    }

    /// Starts the agent.
    pub(crate) fn start(&mut self) {
        let mut options = std::fs::OpenOptions::new();
        let log = options.create(true).append(true).open(self.folder.join("agent.out"));
        let log = log.expect("the log can be made");
        let errors = log.try_clone().expect("a file can be shared");
        let mut command = self.room.command(&self.work(), &program("longshore-agent"));
        command
            .arg("run")
            .arg(format!("--config_file={}", self.agent_file().display()))
            .env("HOME", &self.folder)
            .env("LONGSHORE_FAULTS_NOTES", &self.notes)
            .stdout(log)
            .stderr(errors);
        self.agent = Some(Running::start(&mut command));
    }

    /// `kill -9` of the agent; hooks that it started live on.
    pub(crate) fn kill(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.kill_9();
        }
    }

    /// Whether the agent has ended though nobody killed it.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.agent.as_mut().is_some_and(Running::has_ended)
    }

    /// Copies the agent's logs out of a room of its own, which ends with the test.
    pub(crate) fn keep_logs(&self) {
        let log = self.room.seen_from_outside(&self.disk().join("log"));
        if let Ok(entries) = std::fs::read_dir(log) {
            for entry in entries.flatten() {
                // For a reader's eyes: what cannot be copied is missing.
                let _ = std::fs::copy(entry.path(), self.folder.join(entry.file_name()));
            }
        }
    }

    /// The lines that hooks wrote.
    pub(crate) fn notes(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.notes).expect("the notes can be read");
        text.lines().map(str::to_owned).collect()
    }

    /// The files below `folder` of the working folder, name and content; none if it is not there.
    ///
    /// # Panics
    /// When one is there and cannot be read.
    pub(crate) fn files(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let folder = self.room.seen_from_outside(&self.work().join(folder));
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => panic!("{}: {error}", folder.display()),
        };
        let mut files: Vec<(String, Vec<u8>)> = entries
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                (name, std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            })
            .collect();
        files.sort();
        files
    }
}

/// The folder that is the disk of a host in `folder`.
pub(crate) fn disk_of(folder: &Path) -> PathBuf {
    folder.join("disk")
}
