//! Finds and reads the AppSpec of an unpacked revision. Source: agent.md §6.1; the fallback applies
//! everywhere, in both directions (I-21).

use std::io;
use std::path::{Path, PathBuf};

use longshore_model::appspec::{AppSpec, AppSpecError, FALLBACK_FILE_NAMES, Platform};

/// Why there is no AppSpec to use. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum AppSpecFileError {
    /// None of the names exists.
    #[error(
        "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path \"{name}\". The revision was unpacked to directory \"{}\", and the AppSpec file was expected but not found at path \"{}\". Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html",
        archive_dir.display(),
        archive_dir.join(name).display()
    )]
    NotFound {
        /// As the deployment names it.
        name: String,
        /// Where the revision was unpacked.
        archive_dir: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("cannot read the AppSpec file {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why; part of the text, because the text is all that reaches the user.
        source: io::Error,
    },
    /// It breaks a rule.
    #[error(transparent)]
    Invalid(#[from] AppSpecError),
}

/// The path of the AppSpec in an unpacked revision: the name given, else the usual names.
///
/// # Errors
/// [`AppSpecFileError::NotFound`].
pub fn find(archive_dir: &Path, appspec_filename: &str) -> Result<PathBuf, AppSpecFileError> {
    let names = [appspec_filename].into_iter().chain(FALLBACK_FILE_NAMES);
    let found =
        names.filter(|name| !name.is_empty()).map(|name| archive_dir.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| AppSpecFileError::NotFound {
        name: appspec_filename.to_owned(),
        archive_dir: archive_dir.to_owned(),
    })
}

/// Finds, reads and checks the AppSpec of an unpacked revision.
///
/// # Errors
/// As [`find`]; or it cannot be read, or breaks a rule.
pub fn read(archive_dir: &Path, appspec_filename: &str) -> Result<AppSpec, AppSpecFileError> {
    let path = find(archive_dir, appspec_filename)?;
    let bytes =
        std::fs::read(&path).map_err(|source| AppSpecFileError::Unreadable { path: path.clone(), source })?;
    let text = String::from_utf8(bytes).map_err(|source| AppSpecFileError::Unreadable {
        path,
        source: io::Error::new(io::ErrorKind::InvalidData, source),
    })?;
    Ok(AppSpec::parse(&text, Platform::Linux)?)
}

impl crate::failure::Evident for AppSpecFileError {
    fn evidence(&self) -> Vec<longshore_model::evidence::Evidence> {
        match self {
            AppSpecFileError::Unreadable { path, source } => {
                crate::failure::system_refusal(Some(path), source)
            }
            AppSpecFileError::NotFound { .. } | AppSpecFileError::Invalid(_) => Vec::new(),
        }
    }
}
