//! What stands between a configuration and a running agent: privileges, the log, and all that can be
//! known to be wrong before anything is polled. Source: agent.md §3, §9.3, with I-16 and I-41.

use nix::errno::Errno;

use crate::agent_log::{self, OpenLogError};
use crate::config::on_premises::{self, OnPremisesError};
use crate::config::{InvalidConfig, Settings};
use crate::identity::IdentityError;
use crate::pid_file::LockError;
use crate::poll::CertificateRefused;
use crate::privileges::{self, PrivilegesError};
use crate::service::ConnectError;
use crate::specification::{self, TrustError};

/// Why the agent cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no log.
    #[error(transparent)]
    Log(#[from] OpenLogError),
    /// Another agent runs, or the lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It cannot become the user that it was told to.
    #[error(transparent)]
    Privileges(#[from] PrivilegesError),
    /// The on-premises file is wrong.
    #[error(transparent)]
    OnPremises(#[from] OnPremisesError),
    /// The worker was late: whom it works for has ended.
    #[error("Master {0} not alive - shutting down")]
    MasterGone(i32),
    /// The host does not know who it is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The configuration does not fit the region.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// There is no client for the command service.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The file of trusted signers.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The service's certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateRefused),
    /// The deployment root cannot be used.
    #[error("cannot make the deployment root {path}")]
    Root {
        /// The root.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The system refuses what every process needs.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

impl From<Errno> for RunError {
    fn from(errno: Errno) -> RunError {
        RunError::System(errno.into())
    }
}

/// Gives up what the agent may not have, and opens its log as whoever it is from now on.
///
/// # Errors
/// [`RunError`].
pub fn enter(settings: &Settings) -> Result<(), RunError> {
    if settings.disable_core_dumps {
        privileges::disable_core_dumps()?;
    }
    privileges::drop_to(settings)?;
    Ok(agent_log::open(&settings.log_dir, &settings.program_name, settings.verbose)?)
}

/// Checks all of the configuration that needs no network, so that a start is refused at once (I-41).
///
/// # Errors
/// [`RunError`], about one key.
pub fn check(settings: &Settings) -> Result<(), RunError> {
    std::fs::create_dir_all(&settings.root_dir)
        .map_err(|source| RunError::Root { path: settings.root_dir.display().to_string(), source })?;
    specification::trust(settings)?;
    on_premises::read(&settings.on_premises_config_file)?;
    Ok(())
}

/// Says once which keys of the configuration file do nothing (I-16).
pub fn warn_about_keys(settings: &Settings) {
    if !settings.unused_keys.is_empty() {
        tracing::warn!("Configuration keys without effect here: {}", settings.unused_keys.join(", "));
    }
    if !settings.unknown_keys.is_empty() {
        tracing::warn!("Unknown configuration keys: {}", settings.unknown_keys.join(", "));
    }
}
