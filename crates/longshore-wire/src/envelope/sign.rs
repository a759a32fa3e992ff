//! Signing, on the server: ECDSA P-256 with a certificate of its own.

use std::fmt;
use std::time::Duration;

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, GeneralizedTime, ObjectIdentifier, OctetString, SetOfVec, UtcTime};
use der::{Decode, Encode};
use longshore_model::time::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use x509_cert::Certificate;
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::{oid, pem};

/// How long a signer's certificate is good for. Hosts pin it, so a change reaches every host's file:
/// longer than a host lives.
const VALID_YEARS: i16 = 20;

/// The room left before `now`, since hosts' clocks may be slow.
const BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);

/// The last moment that `UtcTime` can say.
const UTC_TIME_END_SECS: u64 = 2_524_608_000;

/// Why there is no signer, or no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// No certificate could be made.
    #[error("the signer's certificate cannot be made")]
    Generate(#[from] rcgen::Error),
    /// The PEM text lacks the key or the certificate.
    #[error("the signer's file has no {what}")]
    Pem {
        /// Which part.
        what: &'static str,
        /// What the reader said.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// Not a P-256 key, or broken.
    #[error("the signer's key is not a P-256 key: {0}")]
    Key(String),
    /// The certificate is another key's.
    #[error("the signer's certificate does not belong to its key")]
    Mismatch,
    /// A structure that cannot be encoded or read.
    #[error("the signed message cannot be encoded")]
    Der(#[from] der::Error),
    /// The system gives no random numbers.
    #[error("the signature cannot be made")]
    Random,
}

/// A key and its self-signed certificate.
pub struct Signer {
    key: EcdsaKeyPair,
    key_pem: String,
    certificate: Certificate,
    certificate_pem: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.certificate.tbs_certificate.subject.to_string();
        formatter.debug_struct("Signer").field("subject", &subject).finish_non_exhaustive()
    }
}

impl Signer {
    /// A new key with a certificate for `common_name`, valid from a day before `now`.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn generate(common_name: &str, now: Timestamp) -> Result<Signer, SignerError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        // No extended key usage: S/MIME checks refuse any other than e-mail protection.
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.is_ca = IsCa::ExplicitNoCa;
        let from = calendar_day(now.minus(BACKDATED));
        params.not_before = rcgen::date_time_ymd(i32::from(from.year()), month(from), day(from));
        params.not_after = rcgen::date_time_ymd(i32::from(from.year() + VALID_YEARS), month(from), day(from));
        let certificate = params.self_signed(&key)?;
        Signer::from_pem(&format!("{}{}", key.serialize_pem(), certificate.pem()))
    }

    /// Reads what [`Signer::to_pem`] wrote.
    ///
    /// # Errors
    /// [`SignerError`].
    pub fn from_pem(text: &str) -> Result<Signer, SignerError> {
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
            .map_err(|source| SignerError::Pem { what: "private key", source })?;
        let certificate_der = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|source| SignerError::Pem { what: "certificate", source })?;
        let random = SystemRandom::new();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.secret_pkcs8_der(), &random)
                .map_err(|error| SignerError::Key(error.to_string()))?;
        let certificate = Certificate::from_der(&certificate_der)?;
        let certified = certificate.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes();
        if certified != key.public_key().as_ref() {
            return Err(SignerError::Mismatch);
        }
        Ok(Signer {
            key,
            key_pem: armoured("PRIVATE KEY", pkcs8.secret_pkcs8_der())?,
            certificate,
            certificate_pem: armoured("CERTIFICATE", &certificate_der)?,
        })
    }

    /// The key and the certificate, for a file that only the server may read.
    pub fn to_pem(&self) -> String {
        format!("{}{}", self.key_pem, self.certificate_pem)
    }

    /// The certificate alone, for hosts to pin.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// `content` in a signed envelope, as PEM.
    ///
    /// # Errors
    /// [`SignerError::Random`] when the system gives no random numbers.
    pub fn sign(&self, content: &[u8], now: Timestamp) -> Result<String, SignerError> {
        let attributes = signed_attributes(content, now)?;
        // What is signed is the attributes as a SET, though the message tags them otherwise.
        let to_sign = attributes.to_der()?;
        let signature = self
            .key
            .sign(&SystemRandom::new(), &to_sign)
            .map_err(|ring::error::Unspecified| SignerError::Random)?;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: self.certificate.tbs_certificate.issuer.clone(),
                serial_number: self.certificate.tbs_certificate.serial_number.clone(),
            }),
            digest_alg: algorithm(oid::SHA256),
            signed_attrs: Some(attributes),
            signature_algorithm: algorithm(oid::ECDSA_WITH_SHA256),
            signature: OctetString::new(signature.as_ref())?,
            unsigned_attrs: None,
        };
        let certificates = vec![CertificateChoices::Certificate(self.certificate.clone())];
        let message = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![algorithm(oid::SHA256)])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: oid::DATA,
                econtent: Some(Any::encode_from(&OctetString::new(content)?)?),
            },
            certificates: Some(CertificateSet(SetOfVec::try_from(certificates)?)),
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
        };
        let content_info =
            ContentInfo { content_type: oid::SIGNED_DATA, content: Any::encode_from(&message)? };
        Ok(pem::encode(&content_info.to_der()?))
    }
}

fn signed_attributes(content: &[u8], now: Timestamp) -> Result<Attributes, der::Error> {
    let digest = digest::digest(&digest::SHA256, content);
    let attributes = vec![
        attribute(oid::CONTENT_TYPE, Any::encode_from(&oid::DATA)?)?,
        attribute(oid::SIGNING_TIME, Any::encode_from(&signing_time(now)?)?)?,
        attribute(oid::MESSAGE_DIGEST, Any::encode_from(&OctetString::new(digest.as_ref())?)?)?,
    ];
    SetOfVec::try_from(attributes)
}

fn signing_time(now: Timestamp) -> Result<Time, der::Error> {
    let since_epoch = Duration::from_secs(u64::try_from(now.millis() / 1000).unwrap_or(0));
    if since_epoch.as_secs() < UTC_TIME_END_SECS {
        return Ok(Time::UtcTime(UtcTime::from_unix_duration(since_epoch)?));
    }
    Ok(Time::GeneralTime(GeneralizedTime::from_unix_duration(since_epoch)?))
}

fn attribute(oid: ObjectIdentifier, value: Any) -> Result<Attribute, der::Error> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

/// `der` as PEM under `label`.
pub(super) fn armoured(label: &'static str, der: &[u8]) -> Result<String, der::Error> {
    Ok(der::pem::encode_string(label, der::pem::LineEnding::LF, der)?)
}

fn calendar_day(timestamp: Timestamp) -> jiff::civil::Date {
    let point = jiff::Timestamp::from_millisecond(timestamp.millis()).unwrap_or_default();
    point.to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn month(date: jiff::civil::Date) -> u8 {
    u8::try_from(date.month()).unwrap_or(1)
}

/// The day of the month, or the 28th where another year may not have it.
fn day(date: jiff::civil::Date) -> u8 {
    u8::try_from(date.day()).unwrap_or(1).min(28)
}
