//! As whom a person at this host signs: the usual chain, what the environment says first.
//! Source: agent.md §2.1, §9.6.

use std::sync::Arc;

use longshore_wire::sigv4::Credentials;

use super::imds::{self, Imds};
use super::{CredentialSource, Environment, Identity, IdentityError, keys_of, variable};
use crate::config::Settings;
use crate::config::on_premises;

/// What S3 is asked with when nothing names a region; it then names the bucket's.
const FALLBACK_REGION: &str = "us-east-1";

/// Finds out as whom to sign, and who this host is as far as that is known without asking the network.
/// The metadata service is asked only when keys are needed and nothing else has them.
///
/// # Errors
/// [`IdentityError`], when the on-premises file is wrong.
pub async fn resolve_for_person(settings: &Settings, needs_keys: bool) -> Result<Identity, IdentityError> {
    let mut environment = Environment::read();
    let on_premises = on_premises::read(&settings.on_premises_config_file)?;
    let host_identifier = environment.host_identifier.clone();
    let region = environment.region.clone().or_else(|| variable("AWS_DEFAULT_REGION"));
    let mut identity = Identity {
        host_identifier: host_identifier
            .or_else(|| on_premises.as_ref().map(|host| host.arn.clone()))
            .unwrap_or_default(),
        region: region.or_else(|| on_premises.as_ref().map(|host| host.region.clone())).unwrap_or_default(),
        domain: None,
        credentials: CredentialSource::fixed(String::new(), String::new()),
    };
    if !needs_keys {
        return Ok(identity);
    }
    let address = environment.imds_address.clone().unwrap_or_else(|| imds::ADDRESS.to_owned());
    let imds = Arc::new(Imds::new(address.trim_end_matches('/'), !settings.disable_imds_v1));
    if identity.region.is_empty() {
        let document = imds.identity_document().await;
        identity.region = document.map_or_else(|_| FALLBACK_REGION.to_owned(), |document| document.region);
    }
    let own = keys_of_environment().map(CredentialSource::Fixed);
    identity.credentials = match (own.or_else(|| environment.credentials_of_user()), on_premises) {
        (Some(credentials), _) => credentials,
        (None, Some(host)) => keys_of(host.keys, environment.profile()),
        (None, None) => environment.credentials_of_platform(&imds),
    };
    Ok(identity)
}

fn keys_of_environment() -> Option<Credentials> {
    Some(Credentials {
        access_key_id: variable("AWS_ACCESS_KEY_ID").or_else(|| variable("AWS_ACCESS_KEY"))?,
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY").or_else(|| variable("AWS_SECRET_KEY"))?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}
