//! The command line: arguments, and which file carries out which command.
//! Source: agent.md §9.3.

mod control;

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::check::{self, command_line::CheckArguments};
use crate::config::{self, RawConfig, Settings};
use crate::enroll::{self, EnrollArguments};
use crate::local::command_line::{self, LocalVerb};
use crate::memory;
use crate::terminal::{self, say};
use control::Control;

/// Something went wrong, or `stop` refused.
const FAILURE: u8 = 1;
/// A command line that cannot be understood.
const USAGE: u8 = 64;

/// What stands in front of everything that is wrong.
const COMPLAINT: &str = "error: ";

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

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
enum Verb {
    /// Run in the foreground until told to stop by SIGTERM or SIGINT.
    Run,
    /// Start the agent in the background.
    Start,
    /// Stop the agent; refused while a deployment runs a script.
    Stop,
    /// Stop the agent and start it again.
    Restart,
    /// Say whether the agent runs; exit code 0 if it does, 3 if not.
    Status,
    /// Deploy on this host without the service, or show what that would do.
    #[command(subcommand)]
    Local(LocalVerb),
    /// Check whether this host can do its work, and say what mends it.
    ///
    /// Changes nothing and takes no command. Exit code 0 when all is well or worth a look at most, 1 when
    /// something must be mended.
    Check(CheckArguments),
    /// Keep a worker running; how `start` calls it.
    #[command(hide = true)]
    Master,
    /// Poll and run commands; how a master calls it.
    #[command(hide = true)]
    Worker {
        /// The process id of the master.
        #[arg(long)]
        master: i32,
    },
    Enroll(Box<EnrollArguments>),
    /// Print this text.
    Help,
}

/// Runs the command line `arguments`, the program's own name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    memory::keep_little();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.first().is_some_and(|program| command_line::is_original(program)) {
        return command_line::original(arguments);
    }
    match Arguments::try_parse_from(arguments) {
        Err(error) => usage_error(&error),
        Ok(Arguments { command: None, .. }) => help(),
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
            terminal::complain(Arguments::command().render_help());
            ExitCode::from(USAGE)
        }
        _ => {
            terminal::complain(error.render().to_string().trim_end());
            ExitCode::from(USAGE)
        }
    }
}

fn dispatch(verb: Verb, global: Global) -> ExitCode {
    let path = global.config_file.clone().unwrap_or_else(config::default_path);
    match verb {
        Verb::Run => controlled(path, Control::run),
        Verb::Master => controlled(path, Control::master),
        Verb::Worker { master } => controlled(path, |control| control.worker(master)),
        Verb::Start => controlled(path, |control| control.start()),
        Verb::Stop => controlled(path, |control| control.stop()),
        Verb::Restart => controlled(path, |control| control.restart()),
        Verb::Status => controlled(path, |control| control.status()),
        Verb::Local(verb) => command_line::run(verb, global.config_file),
        Verb::Enroll(_) if global.config_file.is_some() => {
            complain("`enroll` writes codedeployagent.yml into a folder: name it with --config-dir");
            ExitCode::from(USAGE)
        }
        Verb::Enroll(arguments) => enroll::run(&arguments),
        Verb::Check(arguments) => check::command_line::run(&arguments, global.config_file),
        Verb::Help => help(),
    }
}

fn controlled(path: PathBuf, act: impl FnOnce(Control) -> ExitCode) -> ExitCode {
    Control::new(path).map_or_else(|code| code, act)
}

fn help() -> ExitCode {
    say(Arguments::command().render_help());
    ExitCode::SUCCESS
}

/// The checked configuration file at `path`; its problems are said, one line each.
fn read_settings(path: &Path) -> Result<Settings, ExitCode> {
    let raw = RawConfig::read(path).map_err(|error| error.to_string());
    let settings = raw.and_then(|raw| Settings::from_raw(&raw).map_err(|error| error.to_string()));
    settings.map_err(|problems| {
        problems.lines().for_each(complain);
        ExitCode::from(FAILURE)
    })
}

fn complain(text: impl Display) {
    terminal::complain(format_args!("{COMPLAINT}{text}"));
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
        let run = || Some(Verb::Run);
        check("longshore-agent --config_file=/c.yml run", (run(), Some("/c.yml")));
        check("longshore-agent run --config_file=/c.yml", (run(), Some("/c.yml")));
        check("longshore-agent run --config-file /c.yml", (run(), Some("/c.yml")));
        check("longshore-agent status", (Some(Verb::Status), None));
        check("longshore-agent", (None, None));
    }

    #[test]
    fn master_and_worker_understand_how_they_are_called() {
        check("codedeploy-agent:master --config_file /c.yml master", (Some(Verb::Master), Some("/c.yml")));
        let worker = Some(Verb::Worker { master: 4711 });
        check("a --config_file /c.yml worker --master 4711", (worker, Some("/c.yml")));
    }
}
