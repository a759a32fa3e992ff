//! Installs a revision.

use std::path::{Path, PathBuf};

/// What to install, from where.
#[derive(Clone, Debug)]
pub struct InstallRequest {
    /// The deployment root.
    pub root_dir: PathBuf,
    /// Names the files under `deployment-instructions`.
    pub deployment_group_id: String,
    /// Of this deployment; its directory is what the pointer file will name.
    pub deployment_id: String,
    /// The unpacked revision.
    pub archive_dir: PathBuf,
    /// As the specification names it.
    pub appspec_filename: String,
    /// The deployment's behaviour, for AppSpecs that have none; not necessarily a valid one.
    pub file_exists_behavior: String,
    /// All events of the deployment, when the specification lists them.
    pub all_possible_lifecycle_events: Option<Vec<String>>,
}

/// Why an Install failed. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {}

/// Installs a revision, all or nothing. Blocks.
///
/// # Errors
/// The host is then as it was.
pub fn install(_request: &InstallRequest) -> Result<(), InstallError> {
    Ok(())
}

/// Finishes or undoes what an Install left when the agent died. To be called before the first command.
/// Returns one sentence per Install that was found.
///
/// # Errors
/// What the file system refused; the journal is kept and the next call tries again.
pub fn recover(_root_dir: &Path) -> Result<Vec<String>, InstallError> {
    Ok(Vec::new())
}
