//! The master: holds the lock and the PID file, keeps one worker running, and ends it well.
//!
//! One thread, no runtime, nothing to fail: whatever happens to the worker, somebody is there to start
//! the next. Source: agent.md §9.2, §9.3.

mod respawn;
mod signals;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_stderr, dup2_stdout, setsid};

use crate::agent_log;
use crate::causes::with_causes;
use crate::config::Settings;
use crate::pid_file::PidFile;
use crate::service_manager;
use crate::startup::{self, RunError};
use respawn::Respawn;
use signals::Signals;

/// Runs the master in this process until SIGTERM, SIGINT or SIGQUIT. Workers read `config_file`.
///
/// # Errors
/// [`RunError`]; no worker was started then.
pub fn run(settings: &Settings, config_file: &Path) -> Result<(), RunError> {
    // Fails only for the leader of a process group, which has no terminal to leave.
    let _ = setsid();
    startup::enter(settings)?;
    run_logged(settings, config_file).inspect_err(|error| tracing::error!("{}", with_causes(error)))
}

fn run_logged(settings: &Settings, config_file: &Path) -> Result<(), RunError> {
    startup::check(settings)?;
    startup::warn_about_keys(settings);
    let log = agent_log::file(&settings.log_dir, &settings.program_name)?;
    let master = Master {
        settings,
        // Asked for now, because an upgrade gives the name to another file.
        program: std::env::current_exe()?,
        config_file,
        signals: Signals::new()?,
        respawn: Respawn::default(),
    };
    let lock = PidFile::new(&settings.pid_dir, &settings.program_name).acquire()?;
    // Whoever started this may wait for the end of these.
    dup2_stdout(&log)?;
    dup2_stderr(&log)?;
    tracing::info!("Started master {} with 1 children", std::process::id());
    master.watch();
    drop(lock);
    tracing::info!("agent exiting now");
    Ok(())
}

struct Master<'a> {
    settings: &'a Settings,
    program: PathBuf,
    config_file: &'a Path,
    signals: Signals,
    respawn: Respawn,
}

/// The one child.
enum Worker {
    Running { child: Child, since: Instant },
    Dead { until: Instant },
}

impl Master<'_> {
    fn watch(mut self) {
        let mut worker = self.start_worker();
        loop {
            let pause = match &worker {
                Worker::Running { .. } => None,
                Worker::Dead { until } => Some(until.saturating_duration_since(Instant::now())),
            };
            match self.signals.wait(pause) {
                Some(Signal::SIGCHLD) | None => worker = self.look_after(worker),
                Some(signal) => return self.stop(worker, signal),
            }
        }
    }

    fn look_after(&mut self, worker: Worker) -> Worker {
        match worker {
            Worker::Running { mut child, since } => match child.try_wait() {
                Ok(None) => Worker::Running { child, since },
                Ok(Some(status)) => {
                    tracing::info!("Received CHLD - cleaning dead child process");
                    self.bury(&format!("The worker has ended ({status})"), since.elapsed())
                }
                Err(error) => self.bury(&format!("The worker is gone ({error})"), since.elapsed()),
            },
            Worker::Dead { until } if until <= Instant::now() => self.start_worker(),
            Worker::Dead { until } => Worker::Dead { until },
        }
    }

    fn bury(&mut self, obituary: &str, lived: Duration) -> Worker {
        let delay = self.respawn.delay_after(lived);
        tracing::warn!("{obituary}, the next one starts in {} seconds", delay.as_secs());
        Worker::Dead { until: Instant::now() + delay }
    }

    fn start_worker(&mut self) -> Worker {
        match self.spawn() {
            Ok(child) => Worker::Running { child, since: Instant::now() },
            Err(error) => self.bury(&format!("Cannot start a worker ({error})"), Duration::ZERO),
        }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let Settings { log_dir, program_name, .. } = self.settings;
        let master = std::process::id();
        // What a worker says outside its log, should it fail inside, goes there as well.
        let log = agent_log::file(log_dir, program_name).map_err(std::io::Error::other)?;
        let mut command = Command::new(&self.program);
        command
            .arg0(format!("{program_name}: worker of master {master}"))
            .arg("--config_file")
            .arg(self.config_file)
            .args(["worker", "--master"])
            .arg(master.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // These would be about this process.
        for name in service_manager::VARIABLES {
            command.env_remove(name);
        }
        command.spawn()
    }

    fn stop(&mut self, worker: Worker, signal: Signal) {
        let name = signal.as_str().trim_start_matches("SIG");
        tracing::info!("Received {name} - stopping children and shutting down");
        let Worker::Running { mut child, .. } = worker else { return };
        let Ok(pid) = i32::try_from(child.id()) else { return };
        if let Err(error) = kill(Pid::from_raw(pid), signal) {
            tracing::warn!("Cannot tell the worker {pid} to stop: {error}");
        }
        let deadline = Instant::now() + self.settings.shutdown_wait;
        while matches!(child.try_wait(), Ok(None)) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let (name, master) = (&self.settings.program_name, std::process::id());
                tracing::warn!("Stopping {name} agent({master}) but child({pid}) still processing.");
                return;
            }
            self.signals.wait(Some(left));
        }
    }
}
