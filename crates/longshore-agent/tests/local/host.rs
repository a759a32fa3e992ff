//! A host for the local tool: a configuration file, and revisions to deploy.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take; far more than it does on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Host {
    dir: tempfile::TempDir,
}

/// What a run printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Host {
    pub(crate) fn new() -> Host {
        let host = Host { dir: tempfile::tempdir().expect("a folder") };
        let config = format!(
            "---\n:log_dir: {log}\n:pid_dir: {pid}\n:root_dir: {root}\n:on_premises_config_file: {none}\n",
            log = host.path("log").display(),
            pid = host.path("pid").display(),
            root = host.root().display(),
            none = host.path("no-onpremises.yml").display(),
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

    /// Where the revisions install their files.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.path("srv").join(name)
    }

    /// Makes a revision: an AppSpec that installs `content` into the target folder, with these hooks.
    /// `TARGET` in any text is the target folder.
    pub(crate) fn revision(&self, name: &str, hooks: &str, files: &[(&str, &str)]) -> PathBuf {
        let appspec =
            format!("version: 0.0\nos: linux\nfiles:\n  - source: content\n    destination: TARGET\n{hooks}");
        self.raw_revision(name, &appspec, files)
    }

    /// Makes a revision with just this AppSpec.
    pub(crate) fn raw_revision(&self, name: &str, appspec: &str, files: &[(&str, &str)]) -> PathBuf {
        let revision = self.path(name);
        let target = self.path("srv").display().to_string();
        for (path, text) in [("appspec.yml", appspec)].iter().chain(files) {
            let path = revision.join(path);
            fs::create_dir_all(path.parent().expect("inside")).expect("create");
            fs::write(path, text.replace("TARGET", &target)).expect("write");
        }
        revision
    }

    /// The local tool under its original name, with this host's configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore-agent"));
        command.arg0("/opt/codedeploy-agent/bin/codedeploy-local");
        command.arg("-c").arg(self.path("agent.yml")).args(arguments);
        self.prepare(&mut command);
        command
    }

    /// `longshore-agent` with this host's configuration.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore-agent"));
        command.arg(format!("--config_file={}", self.path("agent.yml").display())).args(arguments);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        // What the machine of the test has set up must not show in the results.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("AWS_") || name.starts_with("CODEDEPLOY_") {
                command.env_remove(&name);
            }
        }
        command.env("HOME", self.dir.path()).env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9");
        command.current_dir(self.dir.path()).stdin(Stdio::null());
    }

    pub(crate) fn deploy(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).output())
    }

    /// The text of an installed file, or of any other below the host's folder.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|_| "absent".to_owned())
    }

    /// The directory of the only deployment of a group.
    pub(crate) fn only_deployment(&self, group: &str) -> PathBuf {
        let entries = fs::read_dir(self.root().join(group)).expect("the group");
        let mut dirs: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        assert_eq!(dirs.len(), 1, "{dirs:?}");
        dirs.remove(0)
    }
}

pub(crate) fn ran(output: std::io::Result<Output>) -> Ran {
    let output = output.expect("the program runs");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Ran {
    /// Ended well, with the lines that the original prints.
    #[track_caller]
    pub(crate) fn check_success(&self) {
        let shown = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, Some(0), "{shown}");
        let last: Vec<&str> = self.stdout.lines().rev().take(2).collect();
        assert_eq!(last[0], "AppSpec file valid. Local deployment successful", "{shown}");
        assert!(last[1].starts_with("See the deployment log at "), "{shown}");
        assert!(self.stdout.starts_with("Starting to execute deployment from within folder "), "{shown}");
    }

    /// Failed, with these lines among the others.
    #[track_caller]
    pub(crate) fn check_failure(&self, lines: &[&str]) {
        let shown = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, Some(1), "{shown}");
        for line in lines {
            assert!(self.stdout.lines().any(|said| said == *line), "no line `{line}` in:\n{shown}");
        }
        assert!(!self.stdout.contains("successful"), "{shown}");
    }
}

/// Waits until `is_so` holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
