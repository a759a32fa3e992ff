//! `EnrollHost`: a machine becomes a host with a token. The token has signed the request and is good for
//! nothing else; what it makes is what `aws deploy register` would have made.

use http::{Response, StatusCode};
use longshore_engine::enrollment::EnrollError;
use longshore_model::enrollment::{EnrollmentToken, TokenState};
use longshore_wire::api::convert::name;
use longshore_wire::codec::json;
use longshore_wire::enrollment::{EnrollHostInput, EnrollHostOutput};
use longshore_wire::error::ApiError;

use crate::answer::{self, Body};
use crate::app::App;
use crate::iam;

/// The most characters of a request's id.
const MAX_REQUEST_ID_CHARS: usize = 64;

/// Makes the caller a host, or tells again what was made by the same request.
///
/// # Errors
/// `InstanceNameRequiredException`, `InvalidInstanceNameException`, `ValidationException`, those of
/// [`refused`], or a failure of ours.
pub(crate) async fn enroll(
    app: &App,
    token: &EnrollmentToken,
    body: &[u8],
) -> Result<Response<Body>, ApiError> {
    let input: EnrollHostInput = json::decode(body)?;
    let name = name::host(input.name.as_deref())?;
    let request_id = request_id(input.client_request_id)?;
    let user = iam::host_user(&app.account_id, &name, app.engine.now()).ok_or_else(|| {
        let message = format!("The name `{name}` is longer than an IAM user's may be: 64 characters.");
        ApiError::client("InvalidInstanceNameException", message)
    })?;
    let enrolled = app.engine.enroll_host(token, request_id, name.clone(), user).await.map_err(refused)?;
    tracing::info!(host.name = %name, token.id = %token.id, "the host `{name}` was enrolled");
    let output = EnrollHostOutput {
        name: name.to_string(),
        host_arn: enrolled.host_arn.to_string(),
        iam_user_arn: enrolled.principal.to_string(),
        access_key_id: enrolled.key.id,
        secret_access_key: enrolled.key.secret,
        region: app.region.clone(),
        signer_certificate: app.specifications.certificate_pem().to_owned(),
        bundle_endpoint: None,
    };
    Ok(answer::json(StatusCode::OK, json::encode(&output)?))
}

fn request_id(given: Option<String>) -> Result<String, ApiError> {
    let given = given.unwrap_or_default();
    let is_good = |text: &str| {
        (1..=MAX_REQUEST_ID_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if is_good(&given) {
        return Ok(given);
    }
    Err(ApiError::validation(format!(
        "The clientRequestId is missing, longer than {MAX_REQUEST_ID_CHARS} characters, or has others than \
         letters, digits and `-`."
    )))
}

/// The one place where a refused enrollment becomes an exception; each says what to do.
fn refused(error: EnrollError) -> ApiError {
    const ANOTHER: &str = "make another with `longshore hosts token`";
    match error {
        EnrollError::Spent { token, state } => spent(&token, state, ANOTHER),
        EnrollError::NoSuchToken(id) => ApiError::client(
            "EnrollmentTokenDoesNotExistException",
            format!("There is no enrollment token `{id}` any more: {ANOTHER}."),
        ),
        EnrollError::HostNameTaken(name) => ApiError::client(
            "InstanceNameAlreadyRegisteredException",
            format!(
                "The on-premises instance name `{name}` is already registered: enroll under another name \
                 with --name, or, if that host is gone, remove it with \
                 `aws deploy deregister --instance-name {name}`. The token was not used."
            ),
        ),
        EnrollError::UserNameTaken(name) => ApiError::client(
            "EntityAlreadyExistsException",
            format!(
                "There is an IAM user `{name}` already, and hosts have one of their name: enroll under \
                 another name with --name, or delete the user. The token was not used."
            ),
        ),
        EnrollError::Store(source) => ApiError::internal(source),
    }
}

fn spent(token: &EnrollmentToken, state: TokenState, advice: &str) -> ApiError {
    let id = &token.id;
    let (code, message) = match state {
        TokenState::Expired => (
            "EnrollmentTokenExpiredException",
            format!("The enrollment token `{id}` expired at {}: {advice}.", iam::iso8601(token.expires_at)),
        ),
        TokenState::Revoked => {
            ("EnrollmentTokenRevokedException", format!("The enrollment token `{id}` was revoked: {advice}."))
        }
        // Never refused as usable, but the state is the store's to tell.
        TokenState::UsedUp | TokenState::Usable => (
            "EnrollmentTokenUsedUpException",
            format!(
                "The enrollment token `{id}` was for {} and is used up: {advice}.",
                if token.max_uses == 1 {
                    String::from("1 host")
                } else {
                    format!("{} hosts", token.max_uses)
                }
            ),
        ),
    };
    ApiError::client(code, message)
}
