//! Opens signed deployment specifications: whom this host believes. Source: agent.md §1.9, I-07.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_model::evidence::Evidence;
use longshore_model::time::Timestamp;
use longshore_wire::envelope::{self, EnvelopeError, SignerCa, Trust};
use longshore_wire::host_command::shapes::Envelope;
use longshore_wire::host_command::specification::{Specification, SpecificationError};

use crate::causes::with_causes;
use crate::config::Settings;
use crate::failure::{self, Evident};

/// Why signers cannot be told apart.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file is absent or unreadable.
    #[error("cannot read deployment_signer_ca_file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no certificates.
    #[error("cannot use deployment_signer_ca_file {}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: EnvelopeError,
    },
}

/// Why a specification is refused. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not signed as it must be.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It is signed, and incomplete.
    #[error(transparent)]
    Content(#[from] SpecificationError),
}

impl Evident for OpenError {
    fn evidence(&self) -> Vec<Evidence> {
        let (rule, subject) = match self {
            OpenError::Envelope(EnvelopeError::Invalid(distrust)) => {
                ("specification_signature", with_causes(distrust))
            }
            OpenError::Envelope(error) => ("specification_envelope", error.to_string()),
            OpenError::Content(SpecificationError::NotJson(error)) => {
                // Its text may quote the specification, where a token may be.
                let place = format!("line {}, column {}", error.line(), error.column());
                ("specification_content", format!("not JSON: {place}"))
            }
            OpenError::Content(error) => ("specification_content", error.to_string()),
        };
        vec![Evidence::RuleBroken { rule: rule.to_owned(), subjects: vec![failure::cut(&subject)] }]
    }
}

/// Opens specifications.
#[derive(Debug)]
pub struct SpecificationReader {
    trust: Trust,
}

impl SpecificationReader {
    /// A reader that believes the signers in `settings`, or whoever the connection vouches for.
    ///
    /// # Errors
    /// [`TrustError`] when the file of signers is named and cannot be used.
    pub fn new(settings: &Settings) -> Result<SpecificationReader, TrustError> {
        let trust = trust(settings)?;
        if matches!(trust, Trust::Embedded) {
            tracing::info!(
                "deployment_signer_ca_file is not set: specifications are believed from any signer, \
                 the connection to the service is the trust anchor"
            );
        }
        Ok(SpecificationReader { trust })
    }

    /// The specification in `envelope`, if its signature holds and its content is complete.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, envelope: Option<&Envelope>) -> Result<Specification, OpenError> {
        let content = envelope::open(envelope, &self.trust, now()).inspect_err(log_distrust)?;
        let spec = Specification::from_json(&content)?;
        tracing::debug!("Deployment specification: {spec:?}");
        Ok(spec)
    }
}

/// The specification in unsigned JSON (`TEXT/JSON`), which only a person at this host may give.
///
/// # Errors
/// [`OpenError::Content`].
pub fn open_plain(json: &str) -> Result<Specification, OpenError> {
    let spec = Specification::from_json(json.as_bytes())?;
    tracing::debug!("Deployment specification: {spec:?}");
    Ok(spec)
}

/// Whom `settings` say to believe.
///
/// # Errors
/// [`TrustError`] when the file of signers is named and cannot be used.
pub fn trust(settings: &Settings) -> Result<Trust, TrustError> {
    let Some(path) = &settings.deployment_signer_ca_file else { return Ok(Trust::Embedded) };
    let pem = std::fs::read_to_string(path)
        .map_err(|source| TrustError::Unreadable { path: path.clone(), source })?;
    let ca =
        SignerCa::from_pem(&pem).map_err(|source| TrustError::Unusable { path: path.clone(), source })?;
    Ok(Trust::Ca(ca))
}

/// The service shows only that the signature is bad; the operator of this host wants to know why.
fn log_distrust(error: &EnvelopeError) {
    if let EnvelopeError::Invalid(distrust) = error {
        tracing::error!("A deployment specification is not to be believed: {distrust}");
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
