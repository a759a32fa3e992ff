//! `run` for a supervisor, and the original's `start`, `stop`, `restart`, `status`.
//! Source: agent.md §9.3, with I-39 to I-41.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{FAILURE, complain, read_settings};
use crate::agent_log;
use crate::causes::with_causes;
use crate::config::Settings;
use crate::daemon::{self, Role};
use crate::layout::Layout;
use crate::master;
use crate::pid_file::PidFile;
use crate::service_manager;
use crate::startup::RunError;
use crate::terminal::say;
use crate::tracker::Tracker;

/// `status` when no agent runs; as AWS's 2.x agent.
const NOT_RUNNING: u8 = 3;

/// How long `start` waits for the new agent to hold its lock.
const START_WAIT: Duration = Duration::from_secs(30);

/// The pause between `stop` and `start` in `restart`.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How often a started or stopping agent is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One agent of this host, running or not.
pub(super) struct Control {
    path: PathBuf,
    settings: Settings,
    pid_file: PidFile,
}

impl Control {
    /// The agent that the configuration file at `path` describes; its problems are said.
    ///
    /// # Errors
    /// The exit code, when the file cannot be used.
    pub(super) fn new(path: PathBuf) -> Result<Control, ExitCode> {
        let settings = read_settings(&path)?;
        let pid_file = PidFile::new(&settings.pid_dir, &settings.program_name);
        Ok(Control { path, settings, pid_file })
    }

    pub(super) fn run(self) -> ExitCode {
        ended(daemon::run(self.settings, Role::Foreground))
    }

    pub(super) fn master(self) -> ExitCode {
        ended(master::run(&self.settings, &self.path))
    }

    pub(super) fn worker(self, master: i32) -> ExitCode {
        ended(daemon::run(self.settings, Role::Worker { master }))
    }

    pub(super) fn start(&self) -> ExitCode {
        if let Some(pid) = self.pid_file.running() {
            complain(format!("The AWS CodeDeploy agent is already running as PID {pid}"));
            return ExitCode::from(FAILURE);
        }
        match self.spawn() {
            Ok(child) => self.await_started(child),
            Err(error) => {
                complain(format!("Cannot start the agent: {error}"));
                ExitCode::from(FAILURE)
            }
        }
    }

    /// Starts this very program again as a master. Until it holds its lock it complains here.
    fn spawn(&self) -> io::Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg0(format!("{}: master", self.settings.program_name))
            .arg("--config_file")
            .arg(self.path.canonicalize()?)
            .arg("master")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        // These are about this process.
        for name in service_manager::VARIABLES {
            command.env_remove(name);
        }
        command.spawn()
    }

    /// Waits until the new master holds its lock, which it takes when its configuration is good (I-41).
    fn await_started(&self, mut master: Child) -> ExitCode {
        let deadline = Instant::now() + START_WAIT;
        let pid = master.id();
        while Instant::now() < deadline {
            if self.pid_file.running().is_some_and(|running| u32::try_from(running) == Ok(pid)) {
                say(format!("Started master {pid} with 1 children"));
                return ExitCode::SUCCESS;
            }
            if let Ok(Some(status)) = master.try_wait() {
                let log = agent_log::path(&self.settings.log_dir, &self.settings.program_name);
                complain(format!("The agent ended at once ({status}), see {}", log.display()));
                return ExitCode::from(FAILURE);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        complain(format!("The agent (PID {pid}) was not ready after {} seconds", START_WAIT.as_secs()));
        ExitCode::from(FAILURE)
    }

    pub(super) fn stop(&self) -> ExitCode {
        say("Checking first if a deployment is already in progress");
        let layout = Layout::new(&self.settings.root_dir, &self.settings.ongoing_deployment_tracking);
        match Tracker::new(&layout).is_busy(SystemTime::now()) {
            Ok(false) => self.terminate(),
            Ok(true) => {
                complain("A deployment is already in Progress");
                ExitCode::from(FAILURE)
            }
            Err(error) => {
                complain(format!("Cannot look for running deployments: {error}"));
                ExitCode::from(FAILURE)
            }
        }
    }

    fn terminate(&self) -> ExitCode {
        let Some(pid) = self.pid_file.running() else {
            say("Nothing running that could be stopped");
            return ExitCode::SUCCESS;
        };
        say(format!("Stopping master {pid}"));
        if let Err(error) = kill(Pid::from_raw(pid), Signal::SIGTERM) {
            complain(format!("Cannot stop process {pid}: {error}"));
            return ExitCode::from(FAILURE);
        }
        let deadline = Instant::now() + self.settings.shutdown_wait;
        while self.pid_file.running() == Some(pid) {
            if deadline <= Instant::now() {
                complain("AWS CodeDeploy agent is still running");
                return ExitCode::from(FAILURE);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        ExitCode::SUCCESS
    }

    pub(super) fn restart(&self) -> ExitCode {
        let stopped = self.stop();
        if stopped != ExitCode::SUCCESS {
            return stopped;
        }
        std::thread::sleep(RESTART_PAUSE);
        self.start()
    }

    pub(super) fn status(&self) -> ExitCode {
        if let Some(pid) = self.pid_file.running() {
            say(format!("The AWS CodeDeploy agent is running as PID {pid}"));
            return ExitCode::SUCCESS;
        }
        // Not being allowed to tidy up changes nothing about the answer.
        let _ = self.pid_file.remove_stale();
        complain("No AWS CodeDeploy agent running");
        ExitCode::from(NOT_RUNNING)
    }
}

fn ended(result: Result<(), RunError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(with_causes(&error));
            ExitCode::from(FAILURE)
        }
    }
}
