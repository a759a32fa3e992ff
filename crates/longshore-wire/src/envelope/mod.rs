//! The signed envelope around a deployment specification: PKCS#7 SignedData with the content inside.
//!
//! Source: service.md §9.3, agent.md §1.9 (and its I-07: our agent does verify). Structures come from
//! the `cms` crate, the mathematics from `ring`.

mod ber;
mod oid;
mod pem;
mod pin;
mod sign;
mod trust;
mod verify;

pub use pin::{PinError, fingerprint, pin};
pub use sign::{Signer, SignerError};
pub use trust::{SignerCa, Trust};
pub use verify::verify;

use longshore_model::time::Timestamp;

use crate::host_command::ENVELOPE_FORMAT;
use crate::host_command::shapes::Envelope;

/// Why an envelope is not opened. The texts are those of the original agent, or what it would have
/// said had it looked; the source says what exactly is wrong.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// There is none.
    #[error("Provided deployment spec was nil")]
    Absent,
    /// Something else than `PKCS7/JSON`.
    #[error("Unsupported DeploymentSpecification format: {0}")]
    Format(String),
    /// Not PKCS#7, or nothing in it.
    #[error("Could not parse the PKCS7: {0}")]
    Unreadable(String),
    /// Readable, and not to be believed.
    #[error("Validation of PKCS7 signed message failed")]
    Invalid(#[source] Distrust),
    /// The file of trusted signers has no certificate that can be read.
    #[error("the signer CA file has no usable certificate: {0}")]
    SignerCa(String),
}

/// Why a signature is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    /// The content is not the one that was signed.
    #[error("the content does not have the signed digest")]
    Digest,
    /// The signature is not by the embedded certificate's key.
    #[error("the signature does not fit the signer's certificate")]
    Signature,
    /// An algorithm that is too weak or unknown.
    #[error("the algorithm {0} is not supported")]
    Algorithm(String),
    /// Not pinned, and no path to a trusted certificate.
    #[error("the signer's certificate does not chain to the signer CA file")]
    Chain(#[source] webpki::Error),
    /// Trusted, but not now.
    #[error("the signer's certificate is not in its validity period")]
    Validity,
    /// A good chain to somebody else.
    #[error("the signer's common name is not that of a deployment signer: `{0}`")]
    CommonName(String),
}

/// Opens the envelope of an answer to GetDeploymentSpecification.
///
/// # Errors
/// [`EnvelopeError`], in the order of agent.md §1.9.
pub fn open(envelope: Option<&Envelope>, trust: &Trust, now: Timestamp) -> Result<Vec<u8>, EnvelopeError> {
    let envelope = envelope.ok_or(EnvelopeError::Absent)?;
    match envelope.format.as_deref() {
        Some(ENVELOPE_FORMAT) => verify(envelope.payload.as_deref().unwrap_or_default(), trust, now),
        other => Err(EnvelopeError::Format(other.unwrap_or_default().to_owned())),
    }
}
