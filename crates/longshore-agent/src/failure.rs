//! A command that failed: what the service is told, and what was seen.

use std::io;
use std::path::Path;

use longshore_model::evidence::Evidence;
use longshore_wire::host_command::diagnostics::CompletionReport;

use crate::state_file;

/// The most that is kept of one text of a service or a specification: more than a sentence with two of the
/// longest paths has.
const MAX_TEXT_CHARS: usize = 10_000;

/// The end of a command that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandFailure {
    /// What the service is told. Boxed, as a failure is handed up through many functions.
    pub report: Box<CompletionReport>,
    /// What was seen, for explanation. Empty when the sentence is all there is.
    pub evidence: Vec<Evidence>,
}

impl CommandFailure {
    /// A failure that is no script's, in the words and with the observations of `error`.
    pub fn of(error: &(impl Evident + ?Sized)) -> CommandFailure {
        CommandFailure { evidence: error.evidence(), ..CompletionReport::failed(error.to_string()).into() }
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

impl From<CompletionReport> for CommandFailure {
    fn from(report: CompletionReport) -> CommandFailure {
        CommandFailure { report: Box::new(report), evidence: Vec::new() }
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

/// The beginning of a text that comes from outside, as much of it as is kept.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
