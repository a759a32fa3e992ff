//! Whom to believe: any signer that is in the envelope, or only those of a file.

use std::time::Duration;

use longshore_model::time::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert};
use x509_cert::Certificate;

use super::{Distrust, EnvelopeError, oid};

/// How the common names of AWS's own signers begin. Source: agent.md §1.9.
const SIGNER_NAME_PREFIX: &str = "codedeploy-signer-";

/// Whom to believe.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Whoever signed, if the signature is good: the connection's TLS is the anchor.
    Embedded,
    /// Only a pinned signer, or a deployment signer below a trusted certificate.
    Ca(SignerCa),
}

/// The certificates of a signer CA file.
#[derive(Clone, Debug)]
pub struct SignerCa {
    certificates: Vec<CertificateDer<'static>>,
}

impl SignerCa {
    /// Reads one or more PEM certificates.
    ///
    /// # Errors
    /// [`EnvelopeError::SignerCa`].
    pub fn from_pem(pem: &str) -> Result<SignerCa, EnvelopeError> {
        let unusable = |detail: String| EnvelopeError::SignerCa(detail);
        let mut certificates = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            anchor_from_trusted_cert(&certificate).map_err(|error| unusable(error.to_string()))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(unusable(String::from("it is empty")));
        }
        Ok(SignerCa { certificates })
    }

    /// Whether `signer` is one of the file's certificates, or a deployment signer below one of them,
    /// and valid at `now`. `others` may be needed on the way up.
    pub(super) fn check(
        &self,
        signer: &Certificate,
        signer_der: &[u8],
        others: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<(), Distrust> {
        let since_epoch = Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
        if self.certificates.iter().any(|pinned| pinned.as_ref() == signer_der) {
            return check_validity(signer, since_epoch);
        }
        self.check_path(signer_der, others, since_epoch)?;
        // A good path says that somebody is known, not who it is.
        let name = common_name(signer);
        if name.starts_with(SIGNER_NAME_PREFIX) { Ok(()) } else { Err(Distrust::CommonName(name)) }
    }

    fn check_path(
        &self,
        signer_der: &[u8],
        others: &[CertificateDer<'_>],
        since_epoch: Duration,
    ) -> Result<(), Distrust> {
        let mut anchors = Vec::new();
        for certificate in &self.certificates {
            anchors.push(anchor_from_trusted_cert(certificate).map_err(Distrust::Chain)?);
        }
        let signer_der = CertificateDer::from(signer_der);
        let signer = EndEntityCert::try_from(&signer_der).map_err(Distrust::Chain)?;
        let time = UnixTime::since_unix_epoch(since_epoch);
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        signer
            .verify_for_usage(algorithms, &anchors, others, time, AnyUsage, None, None)
            .map(drop)
            .map_err(Distrust::Chain)
    }
}

/// Signers' certificates carry all kinds of extended usages, or none.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

fn check_validity(certificate: &Certificate, since_epoch: Duration) -> Result<(), Distrust> {
    let validity = &certificate.tbs_certificate.validity;
    let is_valid = validity.not_before.to_unix_duration() <= since_epoch
        && since_epoch <= validity.not_after.to_unix_duration();
    if is_valid { Ok(()) } else { Err(Distrust::Validity) }
}

fn common_name(certificate: &Certificate) -> String {
    let mut names = certificate.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
    let found = names.rfind(|name| name.oid == oid::COMMON_NAME);
    found.map_or_else(String::new, |name| String::from_utf8_lossy(name.value.value()).into_owned())
}
