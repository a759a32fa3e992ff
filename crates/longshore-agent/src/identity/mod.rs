//! Who this host is and how it proves it. Source: agent.md §2.
//!
//! Secrets live in here and in signed requests only: never in the environment, so that no hook sees
//! them (I-13), and never in a log.

mod container;
mod credentials;
mod imds;
mod keys;
mod person;
mod process;
mod shared_file;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use longshore_model::evidence::Evidence;

use crate::config::Settings;
use crate::config::on_premises::{self, OnPremises, OnPremisesError, OnPremisesKeys};
use crate::failure::Evident;
use crate::service::{EndpointError, check_region, domain_of};

pub use container::{Container, ContainerError};
pub use credentials::{CredentialSource, CredentialsError};
pub use imds::{Imds, ImdsError};
pub use person::resolve_for_person;
pub use process::ProcessError;
pub use shared_file::SharedFile;

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
    /// The host's region or domain makes no address.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
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
    /// The domain of AWS's addresses here, when the metadata service was asked and says.
    pub domain: Option<String>,
    /// How it signs.
    pub credentials: CredentialSource,
}

/// What the environment says about the host. Keys in it are a person's, not the host's: not read.
#[derive(Debug, Default)]
struct Environment {
    host_identifier: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    credentials_file: Option<PathBuf>,
    config_file: Option<PathBuf>,
    container: Option<Container>,
    imds_address: Option<String>,
}

/// Finds out who this host is: from the on-premises file, the environment, or EC2, in this order.
///
/// # Errors
/// [`IdentityError`].
pub async fn resolve(settings: &Settings) -> Result<Identity, IdentityError> {
    resolve_in(settings, Environment::read()).await
}

async fn resolve_in(settings: &Settings, environment: Environment) -> Result<Identity, IdentityError> {
    let on_premises = on_premises::read(&settings.on_premises_config_file)?;
    let is_on_premises = std::fs::File::open(&settings.on_premises_config_file).is_ok();
    let identity = match on_premises {
        Some(on_premises) => from_on_premises(on_premises, environment.profile()),
        None => from_host(settings, environment).await?,
    };
    if is_on_premises && settings.deploy_control_endpoint.is_none() {
        let domain = identity.domain.as_deref().unwrap_or_else(|| domain_of(&identity.region));
        check_region(domain, &identity.region)?;
    }
    Ok(identity)
}

impl Environment {
    fn read() -> Environment {
        Environment::from_variables(variable)
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Environment {
        let home = |name: &str| variable("HOME").map(|home| PathBuf::from(home).join(".aws").join(name));
        let path = |name: &str| variable(name).map(PathBuf::from);
        Environment {
            host_identifier: variable("AWS_HOST_IDENTIFIER"),
            region: variable("AWS_REGION"),
            profile: variable("AWS_PROFILE"),
            credentials_file: path("AWS_SHARED_CREDENTIALS_FILE").or_else(|| home("credentials")),
            config_file: path("AWS_CONFIG_FILE").or_else(|| home("config")),
            imds_address: variable(IMDS_ADDRESS_VARIABLE),
            container: Container::from_variables(variable),
        }
    }

    fn profile(&self) -> String {
        self.profile.clone().unwrap_or_else(|| "default".to_owned())
    }

    /// Where this host's keys come from: a profile of its user, a program that the profile names, the
    /// container platform, the instance's role. Chosen once, so that files which somebody writes later do
    /// not take a running agent's role away. Source: agent.md §2.1.
    fn credentials(&mut self, imds: &Arc<Imds>) -> CredentialSource {
        self.credentials_of_user().unwrap_or_else(|| self.credentials_of_platform(imds))
    }

    fn credentials_of_user(&mut self) -> Option<CredentialSource> {
        let file = SharedFile::new(self.credentials_file.take()?, self.config_file.take(), self.profile());
        if file.current(Instant::now()).is_ok() {
            return Some(CredentialSource::SharedFile(file));
        }
        file.credential_process().map(CredentialSource::process)
    }

    fn credentials_of_platform(&mut self, imds: &Arc<Imds>) -> CredentialSource {
        match self.container.take() {
            Some(container) => CredentialSource::container(container),
            None => CredentialSource::instance_role(Arc::clone(imds)),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn from_on_premises(on_premises: OnPremises, profile: String) -> Identity {
    let credentials = keys_of(on_premises.keys, profile);
    Identity { host_identifier: on_premises.arn, region: on_premises.region, domain: None, credentials }
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

/// An EC2 instance, or a host that its operator named by hand, which the metadata service need not know.
async fn from_host(settings: &Settings, mut environment: Environment) -> Result<Identity, IdentityError> {
    let address = environment.imds_address.clone().unwrap_or_else(|| imds::ADDRESS.to_owned());
    let imds = Arc::new(Imds::new(address.trim_end_matches('/'), !settings.disable_imds_v1));
    let credentials = environment.credentials(&imds);
    if let (Some(host_identifier), Some(region)) = (&environment.host_identifier, &environment.region) {
        let (host_identifier, region) = (host_identifier.clone(), region.clone());
        return Ok(Identity { host_identifier, region, domain: None, credentials });
    }
    let nobody = |source| IdentityError::Nobody { source };
    let document = imds.identity_document().await.map_err(nobody)?;
    let host_identifier = match environment.host_identifier {
        Some(host_identifier) => host_identifier,
        None => {
            let partition = imds.partition().await.map_err(nobody)?;
            let (region, account, instance) = (&document.region, &document.account_id, &document.instance_id);
            format!("arn:{partition}:ec2:{region}:{account}:instance/{instance}")
        }
    };
    let region = environment.region.unwrap_or(document.region);
    Ok(Identity { host_identifier, region, domain: imds.domain().await, credentials })
}

impl Evident for IdentityError {
    fn evidence(&self) -> Vec<Evidence> {
        match self {
            IdentityError::Nobody { source } => source.evidence(),
            IdentityError::OnPremises(_) => Vec::new(),
            IdentityError::Endpoint(EndpointError::Domain(name)) => broken("unknown_domain", name),
            IdentityError::Endpoint(EndpointError::Region(name)) => broken("invalid_region", name),
        }
    }
}

fn broken(rule: &str, subject: &str) -> Vec<Evidence> {
    vec![Evidence::RuleBroken { rule: rule.to_owned(), subjects: vec![subject.to_owned()] }]
}
