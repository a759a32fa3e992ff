//! What a signed request claims, and whether the claim holds.

use std::fmt;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Uri};
use longshore_model::time::Timestamp;
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use super::canonical::{CanonicalRequest, SIGNATURE_PARAMETER};
use super::time::{from_amz_date, to_amz_date};
use super::{ALGORITHM, TERMINATOR, key};
use crate::error::ApiError;

/// How far a request's clock may be from ours, either way. Source: service.md §1.2.
const ALLOWED_SKEW: Duration = Duration::from_secs(5 * 60);

/// The longest that a presigned request may stay valid, as with AWS.
const MAX_PRESIGNED_SECS: u64 = 7 * 24 * 60 * 60;

const DATE_HEADER: &str = "x-amz-date";
const TOKEN_HEADER: &str = "x-amz-security-token";
const TARGET_HEADER: &str = "x-amz-target";
const PAYLOAD_HEADER: &str = "x-amz-content-sha256";

/// The scope of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `yyyymmdd`.
    pub date: String,
    /// The region signed for.
    pub region: String,
    /// The signing name of the service.
    pub service: String,
}

/// Who a request says signed it, and with what; nothing here is proven before [`Claim::verify`].
#[derive(Clone)]
pub struct Claim {
    /// Whose secret to verify with.
    pub access_key_id: String,
    /// What the signature is good for.
    pub scope: Scope,
    /// Lower-case names, in the order of the signature.
    pub signed_headers: Vec<String>,
    /// Hexadecimal.
    pub signature: String,
    /// When the caller signed, by its clock.
    pub request_time: Timestamp,
    /// Sent along with temporary credentials.
    pub session_token: Option<String>,
    /// How long a presigned request is good for; absent when the headers carry the signature.
    pub presigned_for: Option<Duration>,
}

impl fmt::Debug for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claim")
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("signed_headers", &self.signed_headers)
            .field("request_time", &self.request_time)
            .finish_non_exhaustive()
    }
}

/// Why a request is not authentic. Codes and texts: service.md §1.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Nothing claims to sign it.
    #[error("Missing Authentication Token")]
    Missing,
    /// The claim cannot be read.
    #[error("{0}")]
    Incomplete(String),
    /// Nobody has the access key, or the session token is not the key's.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The session is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// Signed with another secret, or altered since.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS \
         Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// Signed too long ago.
    #[error(
        "Signature expired: {} is now earlier than {} ({} - {} min.)",
        to_amz_date(*.request_time), to_amz_date(.now.minus(*.allowed)), to_amz_date(*.now), .allowed.as_secs() / 60
    )]
    Expired {
        /// By the caller's clock.
        request_time: Timestamp,
        /// By ours.
        now: Timestamp,
        /// How old a signature may be.
        allowed: Duration,
    },
    /// Signed in our future.
    #[error(
        "Signature not yet current: {} is still later than {} ({} + 5 min.)",
        to_amz_date(*.request_time), to_amz_date(.now.plus(ALLOWED_SKEW)), to_amz_date(*.now)
    )]
    NotYetCurrent {
        /// By the caller's clock.
        request_time: Timestamp,
        /// By ours.
        now: Timestamp,
    },
    /// The scope's day is not the day of the request's time.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         '{scope_date}' != '{request_date}'"
    )]
    ScopeDate {
        /// In the scope.
        scope_date: String,
        /// In the request.
        request_date: String,
    },
    /// Signed for another region.
    #[error("Credential should be scoped to a valid region, not '{region}'.")]
    ScopeRegion {
        /// In the scope.
        region: String,
    },
    /// Signed for another service.
    #[error("Credential should be scoped to correct service: '{expected}'.")]
    ScopeService {
        /// The name that was due.
        expected: String,
    },
}

impl From<SignatureError> for ApiError {
    fn from(error: SignatureError) -> ApiError {
        let code = match &error {
            SignatureError::Missing => "MissingAuthenticationTokenException",
            SignatureError::Incomplete(_) => "IncompleteSignatureException",
            SignatureError::UnknownKey => "UnrecognizedClientException",
            SignatureError::ExpiredToken => "ExpiredTokenException",
            SignatureError::Mismatch
            | SignatureError::Expired { .. }
            | SignatureError::NotYetCurrent { .. }
            | SignatureError::ScopeDate { .. }
            | SignatureError::ScopeRegion { .. }
            | SignatureError::ScopeService { .. } => "InvalidSignatureException",
        };
        ApiError::client(code, error.to_string())
    }
}

impl Claim {
    /// Reads the claim of a request from its `Authorization` header, or from the query when presigned.
    ///
    /// # Errors
    /// [`SignatureError::Missing`] without either, [`SignatureError::Incomplete`] when it cannot be read.
    pub fn from_request(uri: &Uri, headers: &HeaderMap) -> Result<Claim, SignatureError> {
        if let Some(value) = headers.get(AUTHORIZATION) {
            let text = value.to_str().map_err(|_| incomplete("Authorization header is not ASCII."))?;
            return Claim::from_header(text, headers);
        }
        let query = uri.query().unwrap_or_default();
        match parameter(query, "X-Amz-Algorithm") {
            Some(algorithm) => Claim::from_query(&algorithm, query),
            None => Err(SignatureError::Missing),
        }
    }

    fn from_header(text: &str, headers: &HeaderMap) -> Result<Claim, SignatureError> {
        let (algorithm, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        check_algorithm(algorithm)?;
        let part = |name: &str| {
            let found =
                rest.split(',').filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_owned()).ok_or_else(|| {
                SignatureError::Incomplete(format!("Authorization header requires '{name}' parameter."))
            })
        };
        let amz_date = text_header(headers, DATE_HEADER).ok_or_else(|| {
            incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
        })?;
        let fields = Fields {
            credential: part("Credential")?,
            signed_headers: part("SignedHeaders")?,
            signature: part("Signature")?,
            amz_date: amz_date.to_owned(),
            session_token: text_header(headers, TOKEN_HEADER).map(str::to_owned),
            presigned_for: None,
        };
        fields.into_claim()
    }

    fn from_query(algorithm: &str, query: &str) -> Result<Claim, SignatureError> {
        check_algorithm(algorithm)?;
        let part = |name: &str| {
            parameter(query, name).ok_or_else(|| {
                SignatureError::Incomplete(format!("AWS query-string parameters must include '{name}'."))
            })
        };
        let expires = part("X-Amz-Expires")?;
        let secs = expires.parse().ok().filter(|secs| *secs <= MAX_PRESIGNED_SECS).ok_or_else(|| {
            SignatureError::Incomplete(format!(
                "X-Amz-Expires is not a number of seconds up to a week: {expires}"
            ))
        })?;
        let fields = Fields {
            credential: part("X-Amz-Credential")?,
            signed_headers: part("X-Amz-SignedHeaders")?,
            signature: part(SIGNATURE_PARAMETER)?,
            amz_date: part("X-Amz-Date")?,
            session_token: parameter(query, "X-Amz-Security-Token"),
            presigned_for: Some(Duration::from_secs(secs)),
        };
        fields.into_claim()
    }

    /// Whether the scope names one of `regions` and `service`.
    ///
    /// # Errors
    /// [`SignatureError::ScopeRegion`], [`SignatureError::ScopeService`].
    pub fn check_scope(&self, regions: &[&str], service: &str) -> Result<(), SignatureError> {
        if !regions.contains(&self.scope.region.as_str()) {
            return Err(SignatureError::ScopeRegion { region: self.scope.region.clone() });
        }
        if self.scope.service != service {
            return Err(SignatureError::ScopeService { expected: service.to_owned() });
        }
        Ok(())
    }

    /// Whether the holder of `secret` signed this very request, and recently. `payload_sha256_hex`
    /// is the hash of the body that was read (for S3 also `UNSIGNED-PAYLOAD` and its kin).
    ///
    /// # Errors
    /// Time first, then everything else: a caller whose clock is wrong must learn of it whatever
    /// else is wrong.
    pub fn verify(
        &self,
        secret: &str,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        payload_sha256_hex: &str,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        self.check_time(now)?;
        self.check_coverage(headers)?;
        self.check_payload_header(headers, payload_sha256_hex)?;
        let request = CanonicalRequest {
            method,
            uri,
            headers,
            signed_headers: &self.signed_headers,
            payload_sha256_hex,
            service: &self.scope.service,
        };
        let Scope { date, region, service } = &self.scope;
        let string_to_sign =
            request.string_to_sign(&to_amz_date(self.request_time), date, region).map_err(|name| {
                SignatureError::Incomplete(format!("'{name}' is in SignedHeaders but not in the request."))
            })?;
        let expected = key::signature(secret, date, region, service, &string_to_sign);
        if bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<(), SignatureError> {
        let request_time = self.request_time;
        let allowed = self.presigned_for.unwrap_or(ALLOWED_SKEW);
        if allowed < now.since(request_time) {
            return Err(SignatureError::Expired { request_time, now, allowed });
        }
        if ALLOWED_SKEW < request_time.since(now) {
            return Err(SignatureError::NotYetCurrent { request_time, now });
        }
        Ok(())
    }

    /// What decides who answers the request must be signed, or it could be exchanged on the way.
    fn check_coverage(&self, headers: &HeaderMap) -> Result<(), SignatureError> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        if !is_signed("host") {
            return Err(incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization."));
        }
        if headers.contains_key(TARGET_HEADER) && !is_signed(TARGET_HEADER) {
            return Err(incomplete("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."));
        }
        Ok(())
    }

    /// Not every client sends the hash; one that does must mean this body.
    fn check_payload_header(&self, headers: &HeaderMap, actual: &str) -> Result<(), SignatureError> {
        if self.scope.service == "s3" || self.presigned_for.is_some() {
            return Ok(());
        }
        match headers.get(PAYLOAD_HEADER) {
            Some(stated) if stated.as_bytes() != actual.as_bytes() => Err(SignatureError::Mismatch),
            _ => Ok(()),
        }
    }
}

/// The texts of a claim, wherever they stood.
struct Fields {
    credential: String,
    signed_headers: String,
    signature: String,
    amz_date: String,
    session_token: Option<String>,
    presigned_for: Option<Duration>,
}

impl Fields {
    fn into_claim(self) -> Result<Claim, SignatureError> {
        let request_time = from_amz_date(&self.amz_date).ok_or_else(|| {
            let form = "Date must be in ISO-8601 'basic format'";
            SignatureError::Incomplete(format!("{form}. Got '{}'.", self.amz_date))
        })?;
        // An access key has no slash, but leave that to whoever looks it up.
        let mut parts: Vec<&str> = self.credential.rsplitn(5, '/').collect();
        parts.reverse();
        let [access_key_id, date, region, service, TERMINATOR] = parts.as_slice() else {
            let form = "Credential must have the form <access key>/<date>/<region>/<service>/aws4_request";
            return Err(SignatureError::Incomplete(format!("{form}: '{}'", self.credential)));
        };
        if !self.amz_date.starts_with(date) || date.len() != 8 {
            let request_date = self.amz_date.get(..8).unwrap_or_default().to_owned();
            return Err(SignatureError::ScopeDate { scope_date: (*date).to_owned(), request_date });
        }
        Ok(Claim {
            access_key_id: (*access_key_id).to_owned(),
            scope: Scope {
                date: (*date).to_owned(),
                region: (*region).to_owned(),
                service: (*service).to_owned(),
            },
            signed_headers: self.signed_headers.split(';').map(str::to_ascii_lowercase).collect(),
            signature: self.signature,
            request_time,
            session_token: self.session_token,
            presigned_for: self.presigned_for,
        })
    }
}

fn check_algorithm(algorithm: &str) -> Result<(), SignatureError> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    Err(SignatureError::Incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")))
}

fn incomplete(text: &str) -> SignatureError {
    SignatureError::Incomplete(text.to_owned())
}

fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The first query parameter called `name`, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    Some(percent_decode_str(pair?.1).decode_utf8().ok()?.into_owned())
}
