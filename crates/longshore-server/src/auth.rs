//! Who signed a request. Source: service.md §1.2.

use http::request::Parts;
use longshore_bundles::{KeySource, Principal};
use longshore_wire::error::ApiError;
use longshore_wire::sigv4::{Claim, SignatureError, payload_sha256_hex};

use crate::app::App;

/// The holder of the key that signed this very request for `service`, a short time ago.
///
/// # Errors
/// The exceptions of service.md §1.2.
pub(crate) async fn authenticate(
    app: &App,
    parts: &Parts,
    body: &[u8],
    service: &str,
) -> Result<Principal, ApiError> {
    let claim = Claim::from_request(&parts.uri, &parts.headers)?;
    claim.check_scope(&[app.region.as_str()], service)?;
    let key_id = claim.access_key_id.as_str();
    let secret = app.keys.secret(key_id).await.map_err(ApiError::internal)?;
    let secret = secret.ok_or(SignatureError::UnknownKey)?;
    // No key here has a session: a token that comes along belongs to something else.
    if claim.session_token.is_some() {
        return Err(SignatureError::UnknownKey.into());
    }
    let hash = payload_sha256_hex(body);
    claim.verify(&secret, &parts.method, &parts.uri, &parts.headers, &hash, app.engine.now())?;
    let principal = app.keys.principal(key_id).await.map_err(ApiError::internal)?;
    Ok(principal.ok_or(SignatureError::UnknownKey)?)
}
