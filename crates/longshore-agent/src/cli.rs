//! The command line: `run` for a supervisor, and the original's `start`, `stop`, `restart`, `status`.
//! Source: agent.md §9.3, with I-39 to I-41.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::agent_log::{self, OpenLogError};
use crate::causes::with_causes;
use crate::config::{self, RawConfig, Settings};
use crate::daemon;
use crate::layout::Layout;
use crate::pid_file::PidFile;
use crate::tracker::Tracker;

/// Something went wrong, or `stop` refused.
const FAILURE: u8 = 1;
/// `status` when no agent runs; as AWS's 2.x agent.
const NOT_RUNNING: u8 = 3;
/// A command line that cannot be understood.
const USAGE: u8 = 64;

/// What stands in front of everything that is wrong.
const COMPLAINT: &str = "error: ";

/// How long `start` waits for the new agent to hold its lock.
const START_WAIT: Duration = Duration::from_secs(30);

/// The pause between `stop` and `start` in `restart`.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How often a started or stopping agent is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The Longshore host agent: runs deployments on this host.
///
/// It polls the command service named in its configuration file, or AWS CodeDeploy's when none is
/// named there, and needs outbound connections only.
#[derive(Debug, Parser)]
#[command(name = "longshore-agent", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Verb>,
}

#[derive(Debug, Args)]
struct Global {
    /// The configuration file.
    ///
    /// Default: /etc/codedeploy-agent/conf/codedeployagent.yml if it exists,
    /// else /opt/codedeploy-agent/conf/codedeployagent.yml.
    #[arg(long = "config_file", alias = "config-file", global = true, value_name = "PATH")]
    config_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
enum Verb {
    /// Run in the foreground until told to stop by SIGTERM or SIGINT.
    Run {
        /// Leave the terminal first; how `start` calls it.
        #[arg(long, hide = true)]
        detach: bool,
    },
    /// Start the agent in the background.
    Start,
    /// Stop the agent; refused while a deployment runs a script.
    Stop,
    /// Stop the agent and start it again.
    Restart,
    /// Say whether the agent runs; exit code 0 if it does, 3 if not.
    Status,
    /// Print this text.
    Help,
}

/// Runs the command line `arguments`, the program's own name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Err(error) => usage_error(&error),
        Ok(Arguments { command: None | Some(Verb::Help), .. }) => {
            say(Arguments::command().render_help());
            ExitCode::SUCCESS
        }
        Ok(Arguments { command: Some(verb), global }) => dispatch(verb, global),
    }
}

fn usage_error(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            say(error.render().to_string().trim_end());
            ExitCode::SUCCESS
        }
        ErrorKind::InvalidSubcommand => {
            let name = error.get(clap::error::ContextKind::InvalidSubcommand);
            let name = name.map(ToString::to_string).unwrap_or_default();
            complain(format!("Unknown command '{name}'"));
            complain_more(Arguments::command().render_help());
            ExitCode::from(USAGE)
        }
        _ => {
            complain_more(error.render().to_string().trim_end());
            ExitCode::from(USAGE)
        }
    }
}

fn dispatch(verb: Verb, global: Global) -> ExitCode {
    let path = global.config_file.unwrap_or_else(config::default_path);
    let settings = match read_settings(&path) {
        Ok(settings) => settings,
        Err(problems) => {
            for line in problems.lines() {
                complain(line);
            }
            return ExitCode::from(FAILURE);
        }
    };
    let control =
        Control { pid_file: PidFile::new(&settings.pid_dir, &settings.program_name), path, settings };
    match verb {
        Verb::Run { detach } => control.run(detach),
        Verb::Start => control.start(),
        Verb::Stop => control.stop(),
        Verb::Restart => control.restart(),
        Verb::Status => control.status(),
        // Answered without a configuration file.
        Verb::Help => ExitCode::SUCCESS,
    }
}

fn read_settings(path: &Path) -> Result<Settings, String> {
    let raw = RawConfig::read(path).map_err(|error| error.to_string())?;
    Settings::from_raw(&raw).map_err(|error| error.to_string())
}

/// Why the agent cannot be started in the background.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Log(#[from] OpenLogError),
    #[error("Cannot start the agent")]
    System(#[from] std::io::Error),
}

/// An agent that does not hold its lock yet.
struct Starting {
    child: Child,
    /// Of the agent log, before the agent wrote to it.
    log_length: u64,
}

struct Control {
    path: PathBuf,
    settings: Settings,
    pid_file: PidFile,
}

impl Control {
    fn run(self, is_detached: bool) -> ExitCode {
        if is_detached && let Err(error) = nix::unistd::setsid() {
            complain(format!("Cannot leave the terminal: {error}"));
        }
        match daemon::run(self.settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(with_causes(&error));
                ExitCode::from(FAILURE)
            }
        }
    }

    fn start(&self) -> ExitCode {
        if let Some(pid) = self.pid_file.running() {
            complain(format!("The AWS CodeDeploy agent is already running as PID {pid}"));
            return ExitCode::from(FAILURE);
        }
        match self.spawn() {
            Ok(starting) => self.await_started(starting),
            Err(error) => {
                complain(with_causes(&error));
                ExitCode::from(FAILURE)
            }
        }
    }

    /// Starts this very program again, in the background. What it says before its log is open goes
    /// into the log file as well.
    fn spawn(&self) -> Result<Starting, StartError> {
        let log = agent_log::file(&self.settings.log_dir, &self.settings.program_name)?;
        let log_length = log.metadata()?.len();
        let mut config_file = OsString::from("--config_file=");
        config_file.push(self.path.canonicalize()?);
        let child = Command::new(std::env::current_exe()?)
            .arg(config_file)
            .args(["run", "--detach"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Starting { child, log_length })
    }

    fn await_started(&self, mut starting: Starting) -> ExitCode {
        let deadline = Instant::now() + START_WAIT;
        let pid = starting.child.id();
        while Instant::now() < deadline {
            if self.pid_file.running().is_some_and(|running| u32::try_from(running) == Ok(pid)) {
                say(format!("Started master {pid} with 1 children"));
                return ExitCode::SUCCESS;
            }
            if let Ok(Some(status)) = starting.child.try_wait() {
                self.explain_end(&starting, status);
                return ExitCode::from(FAILURE);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        complain(format!("The agent (PID {pid}) was not ready after {} seconds", START_WAIT.as_secs()));
        ExitCode::from(FAILURE)
    }

    /// Repeats what the new agent complained about, since people look at the terminal first.
    fn explain_end(&self, starting: &Starting, status: ExitStatus) {
        let log = agent_log::path(&self.settings.log_dir, &self.settings.program_name);
        let text = std::fs::read(&log).unwrap_or_default();
        let new = usize::try_from(starting.log_length).ok().and_then(|start| text.get(start..));
        for line in String::from_utf8_lossy(new.unwrap_or_default()).lines() {
            if let Some(complaint) = line.strip_prefix(COMPLAINT) {
                complain(complaint);
            }
        }
        complain(format!("The agent ended at once ({status}), see {}", log.display()));
    }

    fn stop(&self) -> ExitCode {
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

    fn restart(&self) -> ExitCode {
        let stopped = self.stop();
        if stopped != ExitCode::SUCCESS {
            return stopped;
        }
        std::thread::sleep(RESTART_PAUSE);
        self.start()
    }

    fn status(&self) -> ExitCode {
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

#[expect(clippy::print_stdout, reason = "this is the command line")]
fn say(text: impl Display) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "this is the command line")]
fn complain(text: impl Display) {
    eprintln!("{COMPLAINT}{text}");
}

#[expect(clippy::print_stderr, reason = "this is the command line")]
fn complain_more(text: impl Display) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: (Option<Verb>, Option<&str>)) {
        let parsed = Arguments::try_parse_from(line.split(' ')).expect(line);
        let (verb, path) = expected;
        assert_eq!(parsed.command, verb, "{line}");
        assert_eq!(parsed.global.config_file, path.map(PathBuf::from), "{line}");
    }

    #[test]
    fn the_configuration_file_may_be_named_before_and_after_the_command() {
        let run = Some(Verb::Run { detach: false });
        check("longshore-agent --config_file=/c.yml run", (run, Some("/c.yml")));
        check("longshore-agent run --config_file=/c.yml", (run, Some("/c.yml")));
        check("longshore-agent run --config-file /c.yml", (run, Some("/c.yml")));
        check("longshore-agent status", (Some(Verb::Status), None));
        check("longshore-agent", (None, None));
    }

    #[test]
    fn a_started_agent_understands_its_own_command_line() {
        check(
            "longshore-agent --config_file=/c.yml run --detach",
            (Some(Verb::Run { detach: true }), Some("/c.yml")),
        );
    }
}
