//! Who this host is and how it proves it. Source: agent.md §2.
//!
//! Secrets live in here and in signed requests only: never in the environment, so that no hook sees
//! them (I-13), and never in a log.

mod credentials;

use crate::config::Settings;
use crate::config::on_premises::{self, OnPremises, OnPremisesError, OnPremisesKeys};

pub use credentials::{CredentialSource, CredentialsError};

/// Variables of the agent's own environment that hooks must not inherit.
pub const SECRET_VARIABLES: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_FILE",
];

/// Why the host does not know who it is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The on-premises file is wrong.
    #[error(transparent)]
    OnPremises(#[from] OnPremisesError),
    /// Neither a file nor the environment names the host.
    #[error("Missing credentials - please check if this instance was started with an IAM instance profile")]
    Nobody,
}

/// Who this host is.
#[derive(Debug)]
pub struct Identity {
    /// What the host polls as.
    pub host_identifier: String,
    /// The one region for endpoints and signatures (I-11).
    pub region: String,
    /// How it signs.
    pub credentials: CredentialSource,
}

/// Finds out who this host is, from the on-premises file first.
///
/// # Errors
/// [`IdentityError`].
pub fn resolve(settings: &Settings) -> Result<Identity, IdentityError> {
    match on_premises::read(&settings.on_premises_config_file)? {
        Some(on_premises) => Ok(from_on_premises(on_premises)),
        None => from_environment(),
    }
}

fn from_on_premises(on_premises: OnPremises) -> Identity {
    let credentials = match on_premises.keys {
        OnPremisesKeys::User { access_key_id, secret_access_key } => {
            CredentialSource::fixed(access_key_id, secret_access_key)
        }
        OnPremisesKeys::Session { credentials_file } => {
            CredentialSource::shared_file(credentials_file, profile())
        }
    };
    Identity { host_identifier: on_premises.arn, region: on_premises.region, credentials }
}

/// A host that its operator named by hand, with keys in the agent's home directory.
fn from_environment() -> Result<Identity, IdentityError> {
    let host_identifier = variable("AWS_HOST_IDENTIFIER").ok_or(IdentityError::Nobody)?;
    let region = variable("AWS_REGION").ok_or(IdentityError::Nobody)?;
    let path = variable("AWS_SHARED_CREDENTIALS_FILE")
        .or_else(|| variable("HOME").map(|home| format!("{home}/.aws/credentials")))
        .ok_or(IdentityError::Nobody)?;
    Ok(Identity {
        host_identifier,
        region,
        credentials: CredentialSource::shared_file(path.into(), profile()),
    })
}

fn profile() -> String {
    variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
