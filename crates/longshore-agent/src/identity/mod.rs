//! Who this host is and how it proves it. Source: agent.md §2.
//!
//! Secrets live in here and in signed requests only: never in the environment, so that no hook sees
//! them (I-13), and never in a log.

mod credentials;
mod imds;
mod person;

use std::sync::Arc;

use crate::config::Settings;
use crate::config::on_premises::{self, OnPremises, OnPremisesError, OnPremisesKeys};

pub use credentials::{CredentialSource, CredentialsError};
pub use imds::{Imds, ImdsError};
pub use person::resolve_for_person;

/// Variables of the agent's own environment that hooks must not inherit: credentials, and where they are
/// handed out.
pub const SECRET_VARIABLES: [&str; 11] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/// Where else the metadata service may be, as the SDKs read it.
const IMDS_ADDRESS_VARIABLE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// Why the host does not know who it is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The on-premises file is wrong.
    #[error(transparent)]
    OnPremises(#[from] OnPremisesError),
    /// Neither a file nor the environment names the host, and it is no EC2 instance.
    #[error(
        "Missing credentials - please check if this instance was started with an IAM instance profile \
         ({source})"
    )]
    Nobody {
        /// What asking the metadata service came to; part of the text, as nothing else is shown.
        source: ImdsError,
    },
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

/// What the environment says about the host.
#[derive(Debug, Default)]
struct Environment {
    host_identifier: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    credentials_file: Option<String>,
    imds_address: Option<String>,
}

/// Finds out who this host is: from the on-premises file, the environment, or EC2, in this order.
///
/// # Errors
/// [`IdentityError`].
pub async fn resolve(settings: &Settings) -> Result<Identity, IdentityError> {
    let environment = Environment::read();
    match on_premises::read(&settings.on_premises_config_file)? {
        Some(on_premises) => Ok(from_on_premises(on_premises, environment.profile())),
        None => from_host(settings, environment).await,
    }
}

impl Environment {
    fn read() -> Environment {
        Environment {
            host_identifier: variable("AWS_HOST_IDENTIFIER"),
            region: variable("AWS_REGION"),
            profile: variable("AWS_PROFILE"),
            credentials_file: variable("AWS_SHARED_CREDENTIALS_FILE")
                .or_else(|| variable("HOME").map(|home| format!("{home}/.aws/credentials"))),
            imds_address: variable(IMDS_ADDRESS_VARIABLE),
        }
    }

    fn profile(&self) -> String {
        self.profile.clone().unwrap_or_else(|| "default".to_owned())
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn from_on_premises(on_premises: OnPremises, profile: String) -> Identity {
    let credentials = keys_of(on_premises.keys, profile);
    Identity { host_identifier: on_premises.arn, region: on_premises.region, credentials }
}

fn keys_of(keys: OnPremisesKeys, profile: String) -> CredentialSource {
    match keys {
        OnPremisesKeys::User { access_key_id, secret_access_key } => {
            CredentialSource::fixed(access_key_id, secret_access_key)
        }
        OnPremisesKeys::Session { credentials_file } => {
            CredentialSource::shared_file(credentials_file, profile)
        }
    }
}

/// An EC2 instance, or a host that its operator named by hand. Keys in the home directory come
/// before those of the instance's role, as in the SDKs.
async fn from_host(settings: &Settings, environment: Environment) -> Result<Identity, IdentityError> {
    let address = environment.imds_address.clone().unwrap_or_else(|| imds::ADDRESS.to_owned());
    let imds = Arc::new(Imds::new(address.trim_end_matches('/'), !settings.disable_imds_v1));
    let profile = environment.profile();
    let shared_file =
        environment.credentials_file.map(|path| CredentialSource::shared_file(path.into(), profile));
    let credentials = match shared_file {
        Some(file) if file.current().await.is_ok() => file,
        Some(_) | None => CredentialSource::instance_role(Arc::clone(&imds)),
    };
    if let (Some(host_identifier), Some(region)) = (&environment.host_identifier, &environment.region) {
        let (host_identifier, region) = (host_identifier.clone(), region.clone());
        return Ok(Identity { host_identifier, region, credentials });
    }
    let nobody = |source| IdentityError::Nobody { source };
    let document = imds.identity_document().await.map_err(nobody)?;
    let region = environment.region.unwrap_or_else(|| document.region.trim().to_owned());
    let host_identifier = match environment.host_identifier {
        Some(host_identifier) => host_identifier,
        None => {
            let partition = imds.partition().await.map_err(nobody)?;
            let (account, instance) = (&document.account_id, &document.instance_id);
            format!("arn:{partition}:ec2:{}:{account}:instance/{instance}", document.region.trim())
        }
    };
    Ok(Identity { host_identifier, region, credentials })
}
