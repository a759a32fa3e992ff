//! AppSpec files: text in, checked value out. Source: agent.md §6.
//!
//! The YAML is read as Ruby's Psych reads it (`document`, `scalar`), because that decides which files
//! the original agent accepts; then each section is checked in the order in which the original does.

mod acl;
mod document;
mod error;
mod files;
mod hooks;
mod keys;
mod lifecycle_check;
mod permissions;
mod scalar;
mod selinux;

use std::fmt;
use std::time::Duration;

use document::{Node, Value};

pub use acl::{AclEntry, AclQualifier};
pub use error::{AppSpecError, AppSpecFault, Position};
pub use lifecycle_check::{DEFAULT_EVENTS, LifecycleCheckError};
pub use permissions::{Mode, ObjectTypes, Permission};
pub use selinux::{SelinuxContext, SelinuxRange};

/// The names under which an AppSpec is looked for when the named one is absent, in order.
pub const FALLBACK_FILE_NAMES: [&str; 2] = ["appspec.yaml", "appspec.yml"];

/// How long a script may run when its AppSpec says nothing.
pub const DEFAULT_SCRIPT_TIMEOUT: Duration = Duration::from_secs(3600);

/// The kind of host that an AppSpec is read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// `os: linux`.
    Linux,
    /// `os: windows`.
    Windows,
}

/// A checked AppSpec file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSpec {
    /// What to run at which event, in the order of the file. An event whose list is null is not here;
    /// one whose list is empty is.
    pub hooks: Vec<Hook>,
    /// What to install where.
    pub files: Vec<FileEntry>,
    /// Attributes of what is installed.
    pub permissions: Vec<Permission>,
    /// What to do about files that are there already; `None` leaves it to the deployment.
    pub file_exists_behavior: Option<FileExistsBehavior>,
    /// What is accepted, but probably not meant.
    pub warnings: Vec<AppSpecWarning>,
}

/// The scripts of one lifecycle event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// As the file spells it; not necessarily an event that exists.
    pub event: String,
    /// In the order in which they run.
    pub scripts: Vec<Script>,
}

/// One script of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Relative to the archive's root; a leading `/` changes nothing.
    pub location: String,
    /// How long the script and its output streams may take.
    pub timeout: Duration,
    /// The user to become.
    pub run_as: Option<String>,
    /// Whether to go through sudo.
    pub sudo: bool,
}

/// One entry of the `files` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Relative to the archive's root; a leading `/` changes nothing.
    pub source: String,
    /// The directory that receives the source.
    pub destination: String,
}

/// What Install does about a target that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileExistsBehavior {
    /// Fail.
    Disallow,
    /// Replace it.
    Overwrite,
    /// Keep it.
    Retain,
}

/// Something accepted that the author should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppSpecWarning {
    /// A mode written without quotes and with a leading zero: YAML calls that an octal number (I-23).
    UnquotedOctalMode {
        /// As written.
        mode: String,
        /// Where.
        at: Position,
    },
    /// A hook for an event that no deployment has.
    UnknownHook {
        /// As written.
        event: String,
        /// Where.
        at: Position,
    },
    /// A key that nothing reads; often a slip of the pen.
    UnknownKey {
        /// As written.
        key: String,
        /// What it stands in.
        place: &'static str,
        /// Where.
        at: Position,
    },
    /// A key that stands twice: the last one counts.
    RepeatedKey {
        /// As written.
        key: String,
        /// Where it stands again.
        at: Position,
    },
}

impl AppSpec {
    /// Reads the text of an AppSpec file for a host of the given platform.
    ///
    /// # Errors
    /// The first rule broken; its text is what the service shows.
    pub fn parse(text: &str, platform: Platform) -> Result<AppSpec, AppSpecFault> {
        let root = document::parse(text)?;
        if matches!(root.value, Value::Null | Value::Bool(false)) {
            return Err(AppSpecError::Empty.into());
        }
        check_version(root.field("version"))?;
        check_os(root.field("os"), platform)?;
        let mut warnings = keys::check(&root);
        Ok(AppSpec {
            hooks: hooks::parse(root.field("hooks"), &mut warnings)?,
            files: files::parse(root.field("files"))?,
            permissions: permissions::parse(root.field("permissions"), platform, &mut warnings)?,
            file_exists_behavior: parse_file_exists_behavior(root.field("file_exists_behavior"))?,
            warnings,
        })
    }

    /// The scripts of `event`; `None` when the AppSpec has no hook for it.
    pub fn scripts(&self, event: &str) -> Option<&[Script]> {
        self.hooks.iter().find(|hook| hook.event == event).map(|hook| hook.scripts.as_slice())
    }
}

impl FileExistsBehavior {
    /// Reads the upper-case name.
    pub fn from_name(name: &str) -> Option<FileExistsBehavior> {
        match name {
            "DISALLOW" => Some(FileExistsBehavior::Disallow),
            "OVERWRITE" => Some(FileExistsBehavior::Overwrite),
            "RETAIN" => Some(FileExistsBehavior::Retain),
            _ => None,
        }
    }

    /// The upper-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            FileExistsBehavior::Disallow => "DISALLOW",
            FileExistsBehavior::Overwrite => "OVERWRITE",
            FileExistsBehavior::Retain => "RETAIN",
        }
    }
}

impl fmt::Display for AppSpecWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppSpecWarning::UnquotedOctalMode { mode, at } => write!(
                f,
                "mode {mode} on line {} has no quotes: taken as written, but other YAML readers see an octal number",
                at.line
            ),
            AppSpecWarning::UnknownHook { event, at } => {
                write!(
                    f,
                    "hooks has an unknown lifecycle event on line {}, which never runs: {event}",
                    at.line
                )
            }
            AppSpecWarning::UnknownKey { key, place, at } => {
                write!(f, "{place} on line {} has a key that nothing reads: {key}", at.line)
            }
            AppSpecWarning::RepeatedKey { key, at } => {
                write!(f, "a key stands twice, only the one on line {} counts: {key}", at.line)
            }
        }
    }
}

impl AppSpecWarning {
    /// Where it is about.
    pub fn at(&self) -> Position {
        match self {
            AppSpecWarning::UnquotedOctalMode { at, .. }
            | AppSpecWarning::UnknownHook { at, .. }
            | AppSpecWarning::UnknownKey { at, .. }
            | AppSpecWarning::RepeatedKey { at, .. } => *at,
        }
    }
}

fn check_version(version: Option<&Node>) -> Result<(), AppSpecFault> {
    match version.map(|node| &node.value) {
        Some(Value::Integer(0)) => Ok(()),
        Some(Value::Float(number)) if *number == 0.0 => Ok(()),
        _ => Err(AppSpecError::InvalidVersion(text_or_empty(version)).at_any(version)),
    }
}

fn check_os(os: Option<&Node>, platform: Platform) -> Result<(), AppSpecFault> {
    let expected = match platform {
        Platform::Linux => "linux",
        Platform::Windows => "windows",
    };
    match os.map(|node| &node.value) {
        Some(Value::Text(name)) if name == expected => Ok(()),
        _ => Err(AppSpecError::UnsupportedOs(text_or_empty(os)).at_any(os)),
    }
}

fn parse_file_exists_behavior(node: Option<&Node>) -> Result<Option<FileExistsBehavior>, AppSpecFault> {
    let Some(node) = node.filter(|node| !node.is_null()) else {
        return Ok(None);
    };
    let Value::Text(name) = &node.value else {
        return Err(AppSpecError::InvalidFileExistsBehavior(node.to_text()).at(node));
    };
    FileExistsBehavior::from_name(name)
        .map(Some)
        .ok_or_else(|| AppSpecError::InvalidFileExistsBehavior(name.clone()).at(node))
}

fn text_or_empty(node: Option<&Node>) -> String {
    node.map(Node::to_text).unwrap_or_default()
}

/// What Ruby's `strip` removes.
fn strip(text: &str) -> &str {
    let blank = |c: char| matches!(c, '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ');
    text.trim_start_matches(blank).trim_end_matches(|c| blank(c) || c == '\0')
}

#[cfg(test)]
mod psych;
#[cfg(test)]
mod tests;
