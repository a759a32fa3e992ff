//! Enrollment tokens: made, listed, taken back.

use std::time::Duration;

use longshore_engine::enrollment::{EnrollmentTokenError, NewToken};
use longshore_model::enrollment::{EnrollmentToken, TokenState};
use longshore_model::id::EnrollmentTokenId;
use longshore_model::time::Timestamp;
use longshore_wire::api::convert::tag::{from_host_tags, future_host_tags};
use longshore_wire::enrollment::{
    CreateEnrollmentTokenInput, CreateEnrollmentTokenOutput, EnrollmentTokenInfo, ListEnrollmentTokensInput,
    ListEnrollmentTokensOutput, RevokeEnrollmentTokenInput, RevokeEnrollmentTokenOutput, TokenText,
};
use longshore_wire::error::ApiError;

use super::RequestContext;
use crate::authorize::Resource;

/// `CreateEnrollmentToken`.
pub(super) async fn create_token(
    ctx: &RequestContext<'_>,
    input: CreateEnrollmentTokenInput,
) -> Result<CreateEnrollmentTokenOutput, ApiError> {
    let new = NewToken {
        max_uses: input.max_uses,
        lifetime: input.expires_in_seconds.map(Duration::from_secs),
        tags: future_host_tags(input.tags)?,
    };
    let engine = ctx.allowed(&Resource::All)?;
    let stored = engine.create_enrollment_token(&ctx.caller.arn, new).await.map_err(refused)?;
    let text = TokenText {
        id: stored.token.id.clone(),
        secret: stored.secret,
        signer_fingerprint: ctx.app.specifications.signer_fingerprint().to_owned(),
    };
    Ok(CreateEnrollmentTokenOutput {
        token: text.to_string(),
        token_info: token_info(&stored.token, engine.now()),
    })
}

/// `ListEnrollmentTokens`.
pub(super) async fn list_tokens(
    ctx: &RequestContext<'_>,
    mut input: ListEnrollmentTokensInput,
) -> Result<ListEnrollmentTokensOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::All)?;
    let tokens = engine.enrollment_tokens(paging.page()).await.map_err(refused)?;
    let (tokens, next_token) = paging.cut(tokens, |token| token.id.to_string());
    let tokens = tokens.iter().map(|token| token_info(token, engine.now())).collect();
    Ok(ListEnrollmentTokensOutput { tokens, next_token })
}

/// `RevokeEnrollmentToken`.
pub(super) async fn revoke_token(
    ctx: &RequestContext<'_>,
    input: RevokeEnrollmentTokenInput,
) -> Result<RevokeEnrollmentTokenOutput, ApiError> {
    let id = EnrollmentTokenId::required(input.token_id.as_deref())
        .map_err(|error| ApiError::validation(format!("The {error}.")))?;
    let engine = ctx.allowed(&Resource::All)?;
    let token = engine.revoke_enrollment_token(&id).await.map_err(refused)?;
    Ok(RevokeEnrollmentTokenOutput { token_info: token_info(&token, engine.now()) })
}

fn token_info(token: &EnrollmentToken, now: Timestamp) -> EnrollmentTokenInfo {
    let state = match token.state(now) {
        TokenState::Usable => "Usable",
        TokenState::UsedUp => "UsedUp",
        TokenState::Expired => "Expired",
        TokenState::Revoked => "Revoked",
    };
    EnrollmentTokenInfo {
        token_id: token.id.to_string(),
        state: state.to_owned(),
        max_uses: token.max_uses,
        use_count: token.n_uses,
        create_time: token.created_at.into(),
        created_by: token.created_by.to_string(),
        expire_time: token.expires_at.into(),
        revoke_time: token.revoked_at.map(Into::into),
        tags: from_host_tags(&token.tags),
    }
}

/// The one place where failures on tokens become exceptions.
fn refused(error: EnrollmentTokenError) -> ApiError {
    match error {
        EnrollmentTokenError::Lifetime(_) | EnrollmentTokenError::Uses(_) => {
            ApiError::validation(format!("It cannot be: {error}."))
        }
        EnrollmentTokenError::NoSuchToken(id) => ApiError::client(
            "EnrollmentTokenDoesNotExistException",
            format!("There is no enrollment token `{id}`, or it ended more than 30 days ago."),
        ),
        EnrollmentTokenError::Store(source) => ApiError::internal(source),
    }
}
