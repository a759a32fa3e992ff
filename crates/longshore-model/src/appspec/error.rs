//! Why a text is no AppSpec. Source: agent.md §6.2 to §6.6; users search the web for these texts, so
//! they are the original's to the letter, slips included.

use super::document::Node;

/// A text that is no AppSpec: the rule that it breaks first, and where.
///
/// Shown, it is the rule's sentence alone: that is what the service shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct AppSpecFault {
    /// The rule.
    pub rule: AppSpecError,
    /// Where; absent when it is about the whole file.
    pub at: Option<Position>,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

impl AppSpecError {
    /// The rule was broken by `node`.
    pub(super) fn at(self, node: &Node) -> AppSpecFault {
        AppSpecFault { rule: self, at: Some(node.at) }
    }

    /// The rule was broken by `node`, or by the lack of it.
    pub(super) fn at_any(self, node: Option<&Node>) -> AppSpecFault {
        AppSpecFault { rule: self, at: node.map(|node| node.at) }
    }
}

impl From<AppSpecError> for AppSpecFault {
    fn from(rule: AppSpecError) -> AppSpecFault {
        let at = match &rule {
            AppSpecError::Yaml { line, column, .. } => Some(Position { line: *line, column: *column }),
            _ => None,
        };
        AppSpecFault { rule, at }
    }
}

/// The first rule that an AppSpec breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppSpecError {
    /// Not YAML, or YAML that is not allowed here.
    #[error("(<unknown>): {problem} at line {line} column {column}")]
    Yaml {
        /// What is wrong.
        problem: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// Nothing in it.
    #[error(
        "The deployment failed because the application specification file was empty. Make sure your AppSpec file defines at minimum the 'version' and 'os' properties."
    )]
    Empty,
    /// `version` is not the number 0.0.
    #[error(
        "The deployment failed because an invalid version value ({0}) was entered in the application specification file. Make sure your AppSpec file specifies \"0.0\" as the version, and then try again."
    )]
    InvalidVersion(String),
    /// `os` is not this platform's.
    #[error(
        "The deployment failed because the application specification file specifies an unsupported operating system ({0}). Specify either \"linux\" or \"windows\" in the os section of the AppSpec file, and then try again."
    )]
    UnsupportedOs(String),
    /// `file_exists_behavior` is none of the three.
    #[error(
        "The deployment failed because an invalid file_exists_behavior value ({0}) was entered in the application specification file. Make sure your AppSpec file specifies one of DISALLOW,OVERWRITE,RETAIN as the file_exists_behavior, and then try again."
    )]
    InvalidFileExistsBehavior(String),
    /// A list where a mapping belongs, or the like.
    #[error(
        "The deployment failed because the {section} section of the application specification file has an invalid structure."
    )]
    InvalidStructure {
        /// The section's key.
        section: &'static str,
    },
    /// A script without location.
    #[error(
        "The deployment failed because the application specification file specifies a script with no location value. Specify the location in the hooks section of the AppSpec file, and then try again."
    )]
    NoScriptLocation,
    /// A timeout that is no positive number.
    #[error(
        "The deployment failed because an invalid timeout value was provided for a script in the application specification file. Make corrections in the hooks section of the AppSpec file, and then try again."
    )]
    InvalidTimeout,
    /// A file entry without source.
    #[error(
        "The deployment failed because the application specification file specifies a destination file, but no source file. Update the files section of the AppSpec file, and then try again."
    )]
    NoSource,
    /// A file entry without destination.
    #[error(
        "The deployment failed because the application specification file specifies only a source file ({0}). Add the name of the destination file to the files section of the AppSpec file, and then try again."
    )]
    NoDestination(String),
    /// Permissions on Windows.
    #[error(
        "The deployment failed because the application specification file specifiles file permissions, but the deployment is targeting one or more Windows Server instances. Permissions are supported only for Amazon Linux, Ubuntu Server, and Red Hat Enterprise Linux (RHEL) instances. Update the permissions section of the AppSpec file, and then try again."
    )]
    PermissionsOnWindows,
    /// A permission without object.
    #[error(
        "The deployment failed because a permission listed in the application specification file has no object value. Update the permissions section of the AppSpec file, and then try again."
    )]
    NoObject,
    /// A `type` that is neither `file` nor `directory`.
    #[error(
        "The deployment failed because the application specification filespecifies a permission for an object type not supported for permissions ({0}). Update the permissions section of the AppSpec file, and then try again."
    )]
    InvalidObjectType(String),
    /// A mode of more than four characters.
    #[error(
        "The deployment failed because the length of a permissions mode ({0}) in the application specification file is invalid. Permissions modes must be between one and four characters long. Update the permissions section of the AppSpec file, and then try again."
    )]
    InvalidModeLength(String),
    /// A mode with something else than an octal digit.
    #[error(
        "The deployment failed because the permissions mode ({mode}) in the application specification file contains an invalid character ({character}). Update the permissions section of the AppSpec file, and then try again."
    )]
    InvalidModeCharacter {
        /// As written, padded.
        mode: String,
        /// The first one that is wrong.
        character: char,
    },
    /// An ACL entry that follows no form.
    #[error(
        "The deployment failed because of a problem with the acls permission settings in the application specification file. Invalid acl entry ({0})."
    )]
    InvalidAclEntry(String),
    /// An ACL entry for what `mode` sets.
    #[error(
        "The deployment failed because of a problem with the acls permission settings in the application specification file. Use mode to set the base acl entry ({0}). Update the permissions section of the AppSpec file, and then try again."
    )]
    BaseAclEntry(String),
    /// An ACL entry with something else than `rwx-`.
    #[error(
        "The deployment failed because the access control list (ACL) named {entry} in the application specification file contains an invalid character ({character}). Correct the ACL in the hooks section of the AppSpec file, and then try again."
    )]
    InvalidAclCharacter {
        /// The whole entry.
        entry: String,
        /// The first one that is wrong.
        character: char,
    },
    /// A context without type.
    #[error(
        "The deployment failed because the application specification file specifies an invalid context type ({0}). Update the permissions section of the AppSpec file, and then try again."
    )]
    InvalidContextType(String),
    /// A range whose high end is below its low end.
    #[error(
        "The deployment failed because of a problem with the SELinux range specified ({0}) for the context parameter in the permissions section of the application specification file. Make corrections in the permissions section of the AppSpec file, and then try again."
    )]
    InvalidRange(String),
    /// A `-`, `.` or `:` with nothing on one side.
    #[error("invalid range part {0}")]
    InvalidRangePart(String),
    /// Not `s` and a number.
    #[error("invalid sensitivity {0}")]
    InvalidSensitivity(String),
    /// Not `c` and a number up to 1023.
    #[error("invalid category {0}")]
    InvalidCategory(String),
    /// A category range that does not rise.
    #[error("invalid category range {low}.{high}")]
    InvalidCategoryRange {
        /// Before the dot.
        low: String,
        /// After the dot.
        high: String,
    },
    /// A category named twice.
    #[error("duplicate categories")]
    DuplicateCategories,
}
