//! The local tool on the command line: `longshore-agent local …`, and `codedeploy-local` when the program
//! is called by that name. Source: agent.md §9.6, I-44.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use rand::Rng;
use tokio::runtime::Runtime;

use super::deploy::Deployment;
use super::invalid::InvalidRequest;
use super::options::{CONFIGURATION_FILE, Options};
use super::outcome::Status;
use super::plan::Plan;
use super::request::Request;
use super::voice::Voice;
use crate::agent_log;
use crate::causes::with_causes;
use crate::config::{self, RawConfig, Settings};
use crate::terminal;

/// The name by which AWS's local tool is called.
const ORIGINAL_NAME: &str = "codedeploy-local";

/// The version that AWS's local tool prints.
const ORIGINAL_VERSION: &str = "1.0";

/// The base of the local tool's log file name.
const LOG_NAME: &str = "codedeploy-local";

/// What a deployment id has in its middle.
const ID_CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Deployments on this host without the service.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum LocalVerb {
    /// Deploy a revision on this host without the service.
    ///
    /// It runs the lifecycle events through the agent's own machinery, on the same deployment root, also
    /// while an agent is running. Exit code 0 when all went well, 1 when not.
    Deploy(Box<Options>),
    /// Show what a deployment would do on this host, and change nothing.
    ///
    /// Shows every path that Install would create (+), replace (~), keep (=) or remove (-), what is in its
    /// way (!), and what would keep scripts from running. Exit code 0 when the deployment would work as far
    /// as can be seen, 1 when not.
    Plan(Box<Options>),
}

/// Deploys a revision on this host without the service.
///
/// Without options the current folder is deployed. Exit code 0 when all went well, 1 when not.
#[derive(Debug, Parser)]
#[command(name = ORIGINAL_NAME, version = ORIGINAL_VERSION, disable_version_flag = true)]
struct Original {
    #[command(flatten)]
    options: Options,
    /// Print version.
    #[arg(short = 'v', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// Whether the program was called as AWS's local tool.
pub fn is_original(program: &OsStr) -> bool {
    Path::new(program).file_name() == Some(OsStr::new(ORIGINAL_NAME))
}

/// Runs the command line of `codedeploy-local`, the program's own name first.
pub fn original(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Original::try_parse_from(arguments) {
        Ok(Original { options, .. }) => run(LocalVerb::Deploy(Box::new(options)), None),
        Err(error) => original_usage(&error),
    }
}

fn original_usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayVersion => {
            terminal::say(ORIGINAL_VERSION);
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelp => {
            terminal::say(error.render().to_string().trim_end());
            ExitCode::SUCCESS
        }
        ErrorKind::UnknownArgument => {
            let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
            let usage = Original::command().render_usage();
            terminal::complain(format_args!("{argument} is not recognized\n{usage}"));
            ExitCode::FAILURE
        }
        _ => {
            terminal::complain(error.render().to_string().trim_end());
            ExitCode::FAILURE
        }
    }
}

/// Runs a verb. `config_file` is the agent's global option, for whoever gave it there.
pub fn run(verb: LocalVerb, config_file: Option<PathBuf>) -> ExitCode {
    let (mut options, act): (Box<Options>, Act) = match verb {
        LocalVerb::Deploy(options) => (options, deploy),
        LocalVerb::Plan(options) => (options, plan),
    };
    options.agent_configuration_file = options.agent_configuration_file.or(config_file);
    let voice = Voice::new(options.output);
    match act(&options, voice) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            for line in message.lines() {
                voice.line(format!("ERROR: {line}"));
            }
            voice.document(&serde_json::json!({ "status": "refused", "error": { "message": message } }));
            ExitCode::FAILURE
        }
    }
}

/// Carries out a verb and answers whether all is well; the error is for a person.
type Act = fn(&Options, Voice) -> Result<bool, String>;

fn deploy(options: &Options, voice: Voice) -> Result<bool, String> {
    let settings = settings(options)?;
    agent_log::open(&settings.log_dir, LOG_NAME, settings.verbose).map_err(|error| with_causes(&error))?;
    let request = request(options)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        match Deployment::new(request, Arc::new(settings), voice).await {
            Ok(deployment) => Ok(deployment.run().await),
            Err(error) => Err(error.to_string()),
        }
    })?;
    // What was interrupted may still be at work; it has no more to say.
    runtime.shutdown_background();
    voice.document(&outcome);
    Ok(outcome.status == Status::Succeeded)
}

fn plan(options: &Options, voice: Voice) -> Result<bool, String> {
    let settings = Arc::new(settings(options)?);
    let request = request(options)?;
    let planned = runtime()?.block_on(Plan::new(&request, &settings)).map_err(|error| error.to_string())?;
    for line in planned.lines(voice.has_colour()) {
        voice.line(line);
    }
    voice.document(&planned);
    Ok(planned.works())
}

fn request(options: &Options) -> Result<Request, String> {
    let working_dir = std::env::current_dir().map_err(|error| format!("no working folder: {error}"))?;
    Request::new(options, &working_dir, &deployment_id()).map_err(|error| error.to_string())
}

fn runtime() -> Result<Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("cannot start: {error}"))
}

fn settings(options: &Options) -> Result<Settings, String> {
    let path = options.agent_configuration_file.clone().unwrap_or_else(|| {
        // Said to be here when it is nowhere.
        Some(config::default_path()).filter(|path| path.is_file()).unwrap_or(CONFIGURATION_FILE.into())
    });
    if std::fs::File::open(&path).is_err() {
        return Err(InvalidRequest::NoConfiguration(path).to_string());
    }
    let raw = RawConfig::read(&path).map_err(|error| error.to_string())?;
    Settings::from_raw(&raw).map_err(|error| error.to_string())
}

/// `d-` and nine capital letters or digits, and that it is nobody's but this host's.
fn deployment_id() -> String {
    let mut random = rand::rng();
    let mut character = || char::from(ID_CHARACTERS[random.random_range(0..ID_CHARACTERS.len())]);
    let middle: String = (0..9).map(|_| character()).collect();
    format!("d-{middle}-local")
}

#[cfg(test)]
mod tests;
