//! What is said at the end.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::arguments::Format;
use super::error::EnrollError;
use super::place::NewFile;
use crate::causes::with_causes;
use crate::terminal::{self, say};

/// What was done; with `--output json` it is said as it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Enrolled {
    pub(super) name: String,
    pub(super) host_arn: String,
    pub(super) iam_user_arn: String,
    pub(super) region: String,
    pub(super) server: String,
    pub(super) signer_fingerprint: String,
    pub(super) files: Vec<WrittenFile>,
    pub(super) kept: Vec<PathBuf>,
    pub(super) warnings: Vec<String>,
    pub(super) next_command: String,
}

/// A file that was written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenFile {
    path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed_keys: Vec<&'static str>,
}

impl WrittenFile {
    pub(super) fn of(file: &NewFile) -> WrittenFile {
        let is_new = file.changed.is_empty();
        WrittenFile {
            path: file.path.clone(),
            mode: is_new.then(|| format!("{:04o}", file.mode)),
            changed_keys: file.changed.clone(),
        }
    }

    fn line(&self) -> String {
        let path = self.path.display();
        match &self.mode {
            Some(mode) => format!("  wrote    {path} ({mode})"),
            None => format!("  changed  {path}: {}", self.changed_keys.join(", ")),
        }
    }
}

pub(super) fn tell(enrolled: &Enrolled, format: Format) -> ExitCode {
    match format {
        Format::Json => say(serde_json::json!(enrolled)),
        Format::Text => {
            say(format_args!("{} is a host now: {}", enrolled.name, enrolled.iam_user_arn));
            enrolled.files.iter().for_each(|file| say(file.line()));
            enrolled.kept.iter().for_each(|path| say(format_args!("  kept     {}", path.display())));
            say(format_args!("it believes only the signer {}", enrolled.signer_fingerprint));
            enrolled
                .warnings
                .iter()
                .for_each(|warning| terminal::complain(format_args!("warning: {warning}")));
            say(format_args!("next:\n  {}", enrolled.next_command));
        }
    }
    ExitCode::SUCCESS
}

pub(super) fn complain(error: &EnrollError, format: Format) -> ExitCode {
    let (message, advice) = (with_causes(error), error.advice());
    terminal::complain(format_args!("error: {message}"));
    if let Some(advice) = &advice {
        terminal::complain(format_args!("hint: {advice}"));
    }
    if format == Format::Json {
        say(serde_json::json!({ "error": { "message": message, "hint": advice } }));
    }
    ExitCode::FAILURE
}
