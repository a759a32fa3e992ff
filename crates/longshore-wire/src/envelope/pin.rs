//! Pinning: the one certificate that a host shall believe, known by its fingerprint.

use ring::digest;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::sign::armoured;

/// Why a text is not the certificate to pin.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// Not PEM.
    #[error("the signer's certificate cannot be read")]
    Unreadable(#[source] rustls_pki_types::pem::Error),
    /// None, or more than was asked for: a second one would be believed as well.
    #[error("there are {0} certificates where the signer's one is due")]
    Count(usize),
    /// Another one.
    #[error("the signer's certificate has the fingerprint {found}, and {expected} was expected")]
    Fingerprint {
        /// What was announced.
        expected: String,
        /// What is there.
        found: String,
    },
    /// It cannot be written down.
    #[error("the signer's certificate cannot be written")]
    Der(#[from] der::Error),
}

/// SHA-256 of the only certificate in `pem`, in hexadecimal digits.
///
/// # Errors
/// [`PinError::Unreadable`], [`PinError::Count`].
pub fn fingerprint(pem: &str) -> Result<String, PinError> {
    only_certificate(pem).map(|certificate| fingerprint_of(&certificate))
}

/// The only certificate in `pem`, written anew, if it has this fingerprint.
///
/// # Errors
/// [`PinError`].
pub fn pin(pem: &str, expected: &str) -> Result<String, PinError> {
    let certificate = only_certificate(pem)?;
    let found = fingerprint_of(&certificate);
    if found != expected {
        return Err(PinError::Fingerprint { expected: expected.to_owned(), found });
    }
    Ok(armoured("CERTIFICATE", &certificate)?)
}

fn only_certificate(pem: &str) -> Result<CertificateDer<'static>, PinError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let mut found = found.map_err(PinError::Unreadable)?;
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), n_others) => Err(PinError::Count(n_others + 1)),
        (None, _) => Err(PinError::Count(0)),
    }
}

fn fingerprint_of(certificate: &CertificateDer<'_>) -> String {
    hex::encode(digest::digest(&digest::SHA256, certificate))
}

#[cfg(test)]
mod tests {
    use longshore_model::time::Timestamp;

    use super::super::Signer;
    use super::*;

    fn certificate(name: &str) -> String {
        let now = Timestamp::from_millis(1_700_000_000_000);
        Signer::generate(name, now).expect("a signer").certificate_pem().to_owned()
    }

    #[test]
    fn only_the_announced_certificate_is_pinned() {
        let (ours, other) = (certificate("ours"), certificate("other"));
        let expected = fingerprint(&ours).expect("a fingerprint");
        assert_eq!(expected.len(), 64);
        assert_eq!(pin(&ours, &expected).expect("pinned"), ours);
        assert_eq!(pin(&format!("a remark\n{ours}\n"), &expected).expect("pinned"), ours);
        assert!(matches!(pin(&other, &expected), Err(PinError::Fingerprint { .. })));
        for (pem, count) in [(format!("{ours}{other}"), 2), (format!("{other}{ours}"), 2), (String::new(), 0)]
        {
            assert!(matches!(pin(&pem, &expected), Err(PinError::Count(n)) if n == count));
        }
        assert!(pin(&ours[..200], &expected).is_err());
    }
}
