//! A command that failed: what the service is told, and what was seen.

use std::io;
use std::path::{Path, PathBuf};

use longshore_model::evidence::Evidence;
use longshore_wire::host_command::diagnostics::CompletionReport;
use serde::Serialize;

use crate::state_file;

/// The end of a command that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandFailure {
    /// What the service is told.
    pub report: CompletionReport,
    /// What was seen, for explanation. Empty when the sentence is all there is.
    pub evidence: Vec<Evidence>,
}

impl CommandFailure {
    /// A failure that is no script's, in the words and with the observations of `error`.
    pub fn of(error: &(impl Evident + ?Sized)) -> CommandFailure {
        CommandFailure { report: CompletionReport::failed(error.to_string()), evidence: error.evidence() }
    }

    /// Keeps it beside the output of the deployment's scripts.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn keep(&self, deployment_dir: &Path, command_name: &str) -> io::Result<()> {
        let CommandFailure { report, evidence } = self;
        let kept = KeptFailure {
            command: command_name,
            error_code: report.error_code.number(),
            script_name: &report.script_name,
            message: &report.message,
            evidence,
        };
        let path = file(deployment_dir);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        state_file::write(&path, &serde_json::to_vec_pretty(&kept).map_err(io::Error::other)?)
    }
}

/// Keeps what was seen during an event that succeeded all the same, beside the output of the deployment's
/// scripts, in `findings-<event>.json`. Without evidence there is no file.
///
/// # Errors
/// Whatever the file system says.
pub fn keep_findings(deployment_dir: &Path, event: &str, evidence: &[Evidence]) -> io::Result<()> {
    if evidence.is_empty() {
        return Ok(());
    }
    let path = deployment_dir.join(format!("logs/findings-{event}.json"));
    state_file::write(&path, &serde_json::to_vec_pretty(evidence).map_err(io::Error::other)?)
}

/// The content of the file.
#[derive(Serialize)]
struct KeptFailure<'a> {
    command: &'a str,
    error_code: i64,
    script_name: &'a str,
    message: &'a str,
    evidence: &'a [Evidence],
}

impl From<CompletionReport> for CommandFailure {
    fn from(report: CompletionReport) -> CommandFailure {
        CommandFailure { report, evidence: Vec::new() }
    }
}

/// An error that knows what was seen.
pub trait Evident: std::fmt::Display {
    /// The observations behind the sentence.
    fn evidence(&self) -> Vec<Evidence>;
}

/// The evidence of an error of the system.
pub fn system_refusal(path: Option<&Path>, error: &io::Error) -> Vec<Evidence> {
    let Some(errno) = error.raw_os_error() else { return Vec::new() };
    vec![Evidence::SystemRefusal {
        path: path.map(shown),
        errno,
        name: format!("{:?}", nix::errno::Errno::from_raw(errno)),
    }]
}

/// A path as evidence shows it.
pub fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Evident for io::Error {
    fn evidence(&self) -> Vec<Evidence> {
        system_refusal(None, self)
    }
}

/// Where the evidence of a deployment's last failed command is kept, beside its scripts' output.
pub fn file(deployment_dir: &Path) -> PathBuf {
    deployment_dir.join("logs/failure.json")
}
