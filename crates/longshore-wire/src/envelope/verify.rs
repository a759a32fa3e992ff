//! Opening an envelope, on the agent: everything that is signed must be signed well.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use longshore_model::time::Timestamp;
use ring::digest;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::attr::Attributes;

use super::{Distrust, EnvelopeError, Trust, ber, oid, pem};

/// The content of `payload`, a PKCS#7 message in PEM or DER, if every signature in it is good and
/// every signer is trusted.
///
/// # Errors
/// [`EnvelopeError::Unreadable`] and [`EnvelopeError::Invalid`].
pub fn verify(payload: impl AsRef<[u8]>, trust: &Trust, now: Timestamp) -> Result<Vec<u8>, EnvelopeError> {
    let message = parsed(&pem::decode(payload.as_ref())?)?;
    let content = content(&message)?;
    let certificates = certificates(&message)?;
    if message.signer_infos.0.is_empty() {
        return Err(unreadable("it has no signer"));
    }
    for signer in message.signer_infos.0.iter() {
        let certificate = certificates
            .iter()
            .find(|certificate| certificate.is_of(&signer.sid))
            .ok_or_else(|| unreadable("the signer's certificate is not in it"))?;
        check_signature(signer, certificate, &content).map_err(EnvelopeError::Invalid)?;
        if let Trust::Ca(ca) = trust {
            let others: Vec<_> =
                certificates.iter().map(|other| CertificateDer::from(other.der.as_slice())).collect();
            ca.check(&certificate.parsed, &certificate.der, &others, now).map_err(EnvelopeError::Invalid)?;
        }
    }
    Ok(content)
}

/// One certificate of the message.
struct Embedded {
    parsed: Certificate,
    der: Vec<u8>,
}

impl Embedded {
    fn is_of(&self, identifier: &SignerIdentifier) -> bool {
        let fields = &self.parsed.tbs_certificate;
        match identifier {
            SignerIdentifier::IssuerAndSerialNumber(of) => {
                fields.issuer == of.issuer && fields.serial_number == of.serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(of) => {
                let found = fields.get::<x509_cert::ext::pkix::SubjectKeyIdentifier>().ok().flatten();
                found.is_some_and(|(_, own)| own == *of)
            }
        }
    }
}

fn parsed(bytes: &[u8]) -> Result<SignedData, EnvelopeError> {
    let der = ber::to_der(bytes).ok_or_else(|| unreadable("it is not DER"))?;
    let info = ContentInfo::from_der(&der).map_err(|error| unreadable(&error.to_string()))?;
    if info.content_type != oid::SIGNED_DATA {
        return Err(unreadable("it is not signed data"));
    }
    info.content.decode_as().map_err(|error| unreadable(&error.to_string()))
}

fn content(message: &SignedData) -> Result<Vec<u8>, EnvelopeError> {
    let content = message.encap_content_info.econtent.as_ref();
    let content = content.ok_or_else(|| unreadable("it has no content"))?;
    let octets: OctetString = content.decode_as().map_err(|error| unreadable(&error.to_string()))?;
    Ok(octets.into_bytes())
}

fn certificates(message: &SignedData) -> Result<Vec<Embedded>, EnvelopeError> {
    let mut embedded = Vec::new();
    for choice in message.certificates.iter().flat_map(|set| set.0.iter()) {
        match choice {
            CertificateChoices::Certificate(parsed) => {
                let der = parsed.to_der().map_err(|error| unreadable(&error.to_string()))?;
                embedded.push(Embedded { parsed: parsed.clone(), der });
            }
            // Formats from before X.509; nobody signs with them.
            CertificateChoices::Other(_) => {}
        }
    }
    Ok(embedded)
}

/// The signature covers the attributes, and they the content; without attributes, it covers the content.
fn check_signature(signer: &SignerInfo, certificate: &Embedded, content: &[u8]) -> Result<(), Distrust> {
    let digest = digest_algorithm(signer.digest_alg.oid)?;
    let signed = match &signer.signed_attrs {
        None => content.to_vec(),
        Some(attributes) => {
            check_attributes(attributes, digest, content)?;
            attributes.to_der().map_err(|_| Distrust::Signature)?
        }
    };
    let key = &certificate.parsed.tbs_certificate.subject_public_key_info;
    let parameters = key.algorithm.parameters.as_ref();
    let curve = parameters.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    let algorithm = signature_algorithm(key.algorithm.oid, curve, signer.digest_alg.oid)?;
    UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(&signed, signer.signature.as_bytes())
        .map_err(|ring::error::Unspecified| Distrust::Signature)
}

fn check_attributes(
    attributes: &Attributes,
    digest: &'static digest::Algorithm,
    content: &[u8],
) -> Result<(), Distrust> {
    let is_data = single(attributes, oid::CONTENT_TYPE)
        .and_then(|value| value.decode_as::<ObjectIdentifier>().ok())
        .is_some_and(|content_type| content_type == oid::DATA);
    let stated = single(attributes, oid::MESSAGE_DIGEST)
        .and_then(|value| value.decode_as::<OctetString>().ok())
        .ok_or(Distrust::Digest)?;
    if !is_data || stated.as_bytes() != digest::digest(digest, content).as_ref() {
        return Err(Distrust::Digest);
    }
    Ok(())
}

/// The value of an attribute that must be there once, with one value.
fn single(attributes: &Attributes, oid: ObjectIdentifier) -> Option<&der::asn1::Any> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let attribute = found.next()?;
    if found.next().is_some() || attribute.values.len() != 1 {
        return None;
    }
    attribute.values.get(0)
}

fn digest_algorithm(oid: ObjectIdentifier) -> Result<&'static digest::Algorithm, Distrust> {
    match oid {
        oid::SHA256 => Ok(&digest::SHA256),
        // Old signers use it. A collision would need a hand in what the signer signs.
        oid::SHA1 => Ok(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        other => Err(Distrust::Algorithm(other.to_string())),
    }
}

fn signature_algorithm(
    key: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    digest: ObjectIdentifier,
) -> Result<&'static dyn VerificationAlgorithm, Distrust> {
    match (key, curve, digest) {
        (oid::RSA, _, oid::SHA256) => Ok(&signature::RSA_PKCS1_2048_8192_SHA256),
        (oid::RSA, _, oid::SHA1) => Ok(&signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
        (oid::EC, Some(oid::P256), oid::SHA256) => Ok(&signature::ECDSA_P256_SHA256_ASN1),
        (key, _, digest) => Err(Distrust::Algorithm(format!("{key} with {digest}"))),
    }
}

fn unreadable(detail: &str) -> EnvelopeError {
    EnvelopeError::Unreadable(detail.to_owned())
}
