//! Signing a request of ours.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, InvalidHeaderValue};
use http::request::Parts;
use longshore_model::time::Timestamp;

use super::canonical::CanonicalRequest;
use super::time::to_amz_date;
use super::{ALGORITHM, Credentials, TERMINATOR, key};

/// Why a request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Neither a `Host` header nor a URI with an authority.
    #[error("the request names no host")]
    NoHost,
    /// The session token or access key has characters that no header may have.
    #[error("the credentials have characters that an HTTP header cannot carry")]
    Credentials(#[source] InvalidHeaderValue),
}

/// Signs the request for `region` and `service` at `now`: sets `Host` if it is missing, `X-Amz-Date`,
/// `X-Amz-Content-Sha256`, `X-Amz-Security-Token` with temporary credentials, and `Authorization`.
///
/// Signed are the content type, the host and every `x-amz-` header; whatever a proxy or the HTTP
/// library may still add or change is not.
///
/// # Errors
/// [`SignError`].
pub fn sign(
    parts: &mut Parts,
    payload_sha256_hex: &str,
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: Timestamp,
) -> Result<(), SignError> {
    let amz_date = to_amz_date(now);
    set_headers(parts, payload_sha256_hex, credentials, &amz_date)?;
    let signed_headers = signed_headers(parts);
    let date = &amz_date[..8];
    let request = CanonicalRequest {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        signed_headers: &signed_headers,
        payload_sha256_hex,
        service,
    };
    let string_to_sign = request
        .string_to_sign(&amz_date, date, region)
        .expect("the list was made from headers that are there");
    let signature = key::signature(&credentials.secret_access_key, date, region, service, &string_to_sign);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{date}/{region}/{service}/{TERMINATOR}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        signed_headers.join(";"),
    );
    parts.headers.insert(AUTHORIZATION, header_value(&authorization)?);
    Ok(())
}

fn set_headers(
    parts: &mut Parts,
    payload_sha256_hex: &str,
    credentials: &Credentials,
    amz_date: &str,
) -> Result<(), SignError> {
    if !parts.headers.contains_key(HOST) {
        let authority = parts.uri.authority().ok_or(SignError::NoHost)?;
        let host = header_value(host_of(parts.uri.scheme_str(), authority))?;
        parts.headers.insert(HOST, host);
    }
    parts.headers.insert(HeaderName::from_static("x-amz-date"), header_value(amz_date)?);
    let name = HeaderName::from_static("x-amz-content-sha256");
    parts.headers.insert(name, header_value(payload_sha256_hex)?);
    let name = HeaderName::from_static("x-amz-security-token");
    match &credentials.session_token {
        Some(token) => drop(parts.headers.insert(name, header_value(token)?)),
        None => drop(parts.headers.remove(name)),
    }
    Ok(())
}

/// The `Host` of an authority: without user information, and without the scheme's own port.
fn host_of<'a>(scheme: Option<&str>, authority: &'a http::uri::Authority) -> &'a str {
    let is_default = matches!(
        (scheme, authority.port_u16()),
        (_, None) | (Some("http"), Some(80)) | (Some("https"), Some(443))
    );
    if is_default {
        return authority.host();
    }
    authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host)
}

/// Sorted names of the headers that are to be signed.
fn signed_headers(parts: &Parts) -> Vec<String> {
    let is_signed =
        |name: &HeaderName| *name == HOST || *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let mut names: Vec<String> =
        parts.headers.keys().filter(|name| is_signed(name)).map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names
}

fn header_value(text: &str) -> Result<HeaderValue, SignError> {
    HeaderValue::from_str(text).map_err(SignError::Credentials)
}
