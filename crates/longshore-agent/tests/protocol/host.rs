//! A host: its folders, its configuration, and the agent program on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::service::{DEADLINE, Service};

/// A host in a temporary folder.
pub(crate) struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    /// A host that is registered and configured for `service`.
    pub(crate) fn new(service: &Service) -> Host {
        Host::with_config(service, "")
    }

    /// A host with more lines in its configuration file.
    pub(crate) fn with_config(service: &Service, more: &str) -> Host {
        let dir = tempfile::tempdir().expect("a folder");
        let host = Host { dir };
        let on_premises = host.path("onpremises.yml");
        let keys = "aws_access_key_id: AKIAIOSFODNN7EXAMPLE\n\
                    aws_secret_access_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";
        let arn = service.host();
        fs::write(&on_premises, format!("---\nregion: us-east-1\niam_user_arn: {arn}\n{keys}"))
            .expect("write");
        let config = format!(
            "---\n:log_dir: {log}\n:pid_dir: {pid}\n:root_dir: {root}\n:wait_between_runs: 0\n\
             :on_premises_config_file: {on_premises}\n:deploy_control_endpoint: {endpoint}\n\
             :s3_endpoint_override: {endpoint}\n{more}",
            log = host.path("log").display(),
            pid = host.path("pid").display(),
            root = host.root().display(),
            on_premises = on_premises.display(),
            endpoint = service.address(),
        );
        fs::write(host.path("agent.yml"), config).expect("write");
        host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("agent/root")
    }

    /// The agent program with this host's configuration.
    pub(crate) fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore-agent"));
        command.arg(format!("--config_file={}", self.path("agent.yml").display())).arg(verb);
        command.env("AWS_ACCESS_KEY_ID", "inherited").env("AWS_SECRET_KEY", "inherited");
        // What the machine of the test has set up must not show in the results.
        for name in ["AWS_HOST_IDENTIFIER", "AWS_REGION", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        command
    }

    /// What a command prints and how it ends.
    pub(crate) fn output(&self, verb: &str) -> Output {
        self.command(verb).output().expect("the program runs")
    }

    /// Runs the agent in the foreground.
    pub(crate) fn run(&self) -> Agent {
        Agent::start(&mut self.command("run"))
    }

    /// Starts a master in the background.
    pub(crate) fn start(&self) -> Started {
        let output = self.output("start");
        assert_eq!(output.status.code(), Some(0), "{output:?} {}", self.log());
        let pid = text(&self.path("pid/codedeploy-agent.pid"));
        let master = pid.trim().parse().expect("a process id");
        let expected = format!("Started master {master} with 1 children\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
        Started { master, log: self.path("log/codedeploy-agent.log") }
    }

    /// The process id of the worker that was started last, once it knows where to poll.
    pub(crate) fn worker_pid(&self) -> i32 {
        self.wait_until("a worker is there", || last_worker(&self.log()).is_some());
        last_worker(&self.log()).expect("there it is")
    }

    /// Makes everything of this host another user's.
    pub(crate) fn give_to(&self, user: &nix::unistd::User) {
        fs::create_dir_all(self.path("agent")).expect("create");
        for path in [self.path(""), self.path("agent"), self.path("agent.yml"), self.path("onpremises.yml")] {
            nix::unistd::chown(&path, Some(user.uid), Some(user.gid)).expect("given away");
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log/codedeploy-agent.log")).unwrap_or_default()
    }

    /// Writes a revision into a folder: its AppSpec and its scripts. Answers the specification.
    pub(crate) fn revision(&self, appspec: &str, scripts: &[(&str, &str)]) -> Value {
        let revision = self.path("revision");
        fs::create_dir_all(&revision).expect("create");
        fs::write(revision.join("appspec.yml"), format!("version: 0.0\nos: linux\n{appspec}"))
            .expect("write");
        for (name, text) in scripts {
            fs::write(revision.join(name), format!("#!/bin/sh\n{text}\n")).expect("write");
        }
        specification(&json!({
            "RevisionType": "Local Directory",
            "LocalRevision": { "Location": revision, "BundleType": "directory" },
        }))
    }

    /// Waits until `is_so` holds.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}; the agent's log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The names in a folder under the root, sorted; none when it is not there.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root().join(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

/// The specification of a deployment of `revision`.
pub(crate) fn specification(revision: &Value) -> Value {
    json!({
        "DeploymentId": "d-WIRE00001",
        "DeploymentGroupId": "5b9cb1a2-7d1c-4a4e-9c2e-0f6a1d3e5b77",
        "DeploymentGroupName": "dg-one",
        "ApplicationName": "app-one",
        "DeploymentCreator": "user",
        "DeploymentType": "IN_PLACE",
        "AppSpecFilename": "appspec.yml",
        "Revision": revision,
    })
}

/// A running agent; killed with its test.
pub(crate) struct Agent {
    child: Child,
}

impl Agent {
    pub(crate) fn start(command: &mut Command) -> Agent {
        Agent { child: command.spawn().expect("the program starts") }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("the agent runs");
    }

    /// Kills it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the agent runs");
        self.child.wait().expect("it ends");
    }

    /// Waits for its end; answers whether it was a success.
    pub(crate) fn wait(mut self) -> bool {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.success();
            }
            assert!(Instant::now() < deadline, "the agent did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A master in the background; ended with its test, and its worker with it.
pub(crate) struct Started {
    pub(crate) master: i32,
    log: PathBuf,
}

impl Drop for Started {
    fn drop(&mut self) {
        let mut pids = vec![self.master];
        pids.extend(last_worker(&text(&self.log)));
        for pid in pids {
            // Only what is still this test's agent: numbers are used again.
            if text(Path::new(&format!("/proc/{pid}/cmdline"))).starts_with("codedeploy-agent: ") {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

/// The process that last said in the log where it polls: `... [codedeploy-agent(4711)]: CodeDeploy endpoint`.
fn last_worker(log: &str) -> Option<i32> {
    let line = log.lines().rfind(|line| line.contains("]: CodeDeploy endpoint: "))?;
    line.split_once('(')?.1.split_once(')')?.0.parse().ok()
}

/// The text of a file that a script writes, once it is there.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
