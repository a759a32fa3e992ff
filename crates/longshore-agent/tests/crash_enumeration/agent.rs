//! The same with the real program: a local deployment is killed, and the agent's own start recovers.
//! Its threads make other calls between those of the Install, so this is a sample.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{strace, tree};

/// Far more than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// How many points of the Install are tried.
const N_POINTS: usize = 10;

/// The Install's first own file has it in its name.
const MARK: &str = "-install.journal";

struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    /// A host with the first revision deployed, and the second at hand.
    fn with_old_revision() -> Host {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("folder");
        let host = Host { folder };
        host.write_configuration();
        host.write_revision("old", &["same=1", "changes=1", "goes=1", "e/f=1"]);
        host.write_revision("new", &["same=1", "changes=2", "comes=2", "g/h=2"]);
        fs::create_dir_all(host.path("srv/app")).expect("srv");
        fs::write(host.path("srv/app/foreign"), "x").expect("foreign");
        assert!(host.deployment("old").status().expect("the agent's program").success());
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_configuration(&self) {
        let folder = self.folder.path().display();
        let on_premises = "region: us-east-1\niam_user_arn: arn:aws:iam::111122223333:user/host\n\
                           aws_access_key_id: AKIDEXAMPLE\naws_secret_access_key: secret\n";
        fs::write(self.path("on-premises.yml"), on_premises).expect("write");
        // Nobody listens there.
        let configuration = format!(
            "log_dir: {folder}/log\npid_dir: {folder}/pid\nroot_dir: {folder}/agent/root\n\
             on_premises_config_file: {folder}/on-premises.yml\ndeploy_control_endpoint: http://127.0.0.1:9\n"
        );
        fs::write(self.path("agent.yml"), configuration).expect("write");
    }

    fn write_revision(&self, name: &str, files: &[&str]) {
        for file in files {
            let (path, content) = file.split_once('=').expect("content");
            let path = self.path(name).join("d").join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("dirs");
            fs::write(path, content).expect("write");
        }
        let target = self.path("srv/app").display().to_string();
        let appspec = format!(
            "version: 0.0\nos: linux\nfiles: [{{source: d, destination: {target}}}]\npermissions: [{{object: {target}, mode: '640', type: [file]}}]\n"
        );
        fs::write(self.path(name).join("appspec.yml"), appspec).expect("write");
    }

    fn agent(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore-agent"));
        command.arg(format!("--config_file={}", self.path("agent.yml").display())).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn deployment(&self, revision: &str) -> Command {
        self.agent(&["local", "deploy", "-l", &self.path(revision).display().to_string()])
    }

    /// The application's files, without their times, which are those of this test.
    fn shown(&self) -> String {
        let shown = tree::shown(&self.path("srv"));
        let is_time = |word: &str| word.split_once('.').is_some_and(|(secs, _)| 9 < secs.len());
        let without_time =
            |line: &str| line.split(' ').filter(|word| !is_time(word)).collect::<Vec<_>>().join(" ");
        shown.lines().map(without_time).collect::<Vec<_>>().join("\n")
    }

    /// Whether an Install has left anything that is to be settled.
    fn is_settled(&self) -> bool {
        let names = fs::read_dir(self.path("agent/root/deployment-instructions")).expect("list");
        let mut names = names.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned());
        !names.any(|name| name.contains(MARK) || name.ends_with(".next"))
    }

    /// Starts the agent, waits until it has recovered, and stops it.
    #[track_caller]
    fn start_agent(&self, at: &str) {
        let running = Running(self.agent(&["run"]).spawn().expect("the agent starts"));
        let deadline = Instant::now() + DEADLINE;
        let has_polled = || text(&self.path("log")).contains("Error polling for host commands");
        while !(has_polled() && self.is_settled()) {
            assert!(Instant::now() < deadline, "{at}: not settled\n{}", text(&self.path("log")));
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(running);
    }
}

/// All logs of a folder.
fn text(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok()).collect()
}

/// An agent that is stopped when it is no longer needed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = i32::try_from(self.0.id()).map(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM));
        let _ = self.0.wait();
    }
}

#[test]
fn a_killed_agent_settles_its_install_at_its_next_start() {
    let host = Host::with_old_revision();
    let old = host.shown();
    let points = strace::points(&host.deployment("new"), MARK);
    let new = host.shown();
    let (mut n_old, mut n_new) = (0, 0);
    // From the end: the last is after the commit.
    for point in points.iter().rev().step_by((points.len() / N_POINTS).max(1)) {
        let host = Host::with_old_revision();
        strace::kill(&host.deployment("new"), point);
        let at = format!("killed at {point}");
        host.start_agent(&at);
        match host.shown() {
            shown if shown == old => n_old += 1,
            shown if shown == new => n_new += 1,
            shown => panic!("{at}: neither old nor new:\n{shown}"),
        }
        assert!(host.deployment("new").status().expect("the agent's program").success(), "{at}");
        assert_eq!(host.shown(), new, "{at}, deployed again");
    }
    assert!(4 < n_old && 0 < n_new, "{n_old} old, {n_new} new");
}
