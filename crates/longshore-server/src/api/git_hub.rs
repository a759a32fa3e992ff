//! Tokens for GitHub accounts. Source: service.md §2.8 and §3.8. CodeDeploy's own operations list and
//! delete them; they are put and linked by operations of ours.

use longshore_engine::git_hub::GitHubTokenError;
use longshore_model::git_hub::GitHubSecret;
use longshore_wire::api::convert::name;
use longshore_wire::api::shapes::{
    DeleteGitHubAccountTokenInput, DeleteGitHubAccountTokenOutput, ListGitHubAccountTokenNamesInput,
    ListGitHubAccountTokenNamesOutput,
};
use longshore_wire::error::ApiError;
use longshore_wire::git_hub::{
    LinkApplicationToGitHubInput, LinkApplicationToGitHubOutput, PutGitHubAccountTokenInput,
    PutGitHubAccountTokenOutput,
};

use super::RequestContext;
use crate::authorize::Resource;

/// `ListGitHubAccountTokenNames`.
pub(super) async fn list(
    ctx: &RequestContext<'_>,
    mut input: ListGitHubAccountTokenNamesInput,
) -> Result<ListGitHubAccountTokenNamesOutput, ApiError> {
    let paging = ctx.paging(input.next_token.take().as_deref(), &input)?;
    let engine = ctx.allowed(&Resource::All)?;
    let names = engine.git_hub_tokens(paging.page()).await.map_err(refused)?;
    let (names, next_token) = paging.cut(names, ToString::to_string);
    let token_name_list = Some(names.iter().map(ToString::to_string).collect());
    Ok(ListGitHubAccountTokenNamesOutput { next_token, token_name_list })
}

/// `DeleteGitHubAccountToken`.
pub(super) async fn delete(
    ctx: &RequestContext<'_>,
    input: DeleteGitHubAccountTokenInput,
) -> Result<DeleteGitHubAccountTokenOutput, ApiError> {
    let name = name::git_hub_token(input.token_name.as_deref())?;
    let engine = ctx.allowed(&Resource::All)?;
    engine.delete_git_hub_token(&name).await.map_err(refused)?;
    Ok(DeleteGitHubAccountTokenOutput { token_name: Some(name.to_string()) })
}

/// `PutGitHubAccountToken`.
pub(super) async fn put(
    ctx: &RequestContext<'_>,
    input: PutGitHubAccountTokenInput,
) -> Result<PutGitHubAccountTokenOutput, ApiError> {
    let name = name::git_hub_token(input.token_name.as_deref())?;
    let secret = GitHubSecret::parse(input.token.as_deref().unwrap_or_default())
        .map_err(|error| ApiError::validation(format!("The token is not valid: {error}.")))?;
    let engine = ctx.allowed(&Resource::All)?;
    engine.put_git_hub_token(name.clone(), secret).await.map_err(refused)?;
    Ok(PutGitHubAccountTokenOutput { token_name: name.to_string() })
}

/// `LinkApplicationToGitHub`; without a token's name the application is linked to none.
pub(super) async fn link(
    ctx: &RequestContext<'_>,
    input: LinkApplicationToGitHubInput,
) -> Result<LinkApplicationToGitHubOutput, ApiError> {
    let application = name::application(input.application_name.as_deref())?;
    let token = match input.token_name.as_deref() {
        None | Some("") => None,
        name => Some(name::git_hub_token(name)?),
    };
    let engine = ctx.allowed(&Resource::Application(&application))?;
    engine.link_git_hub_token(&application, token.as_ref()).await.map_err(refused)?;
    Ok(LinkApplicationToGitHubOutput {})
}

/// The one place where failures on tokens become exceptions.
fn refused(error: GitHubTokenError) -> ApiError {
    use GitHubTokenError as E;
    match error {
        E::NotFound(name) => ApiError::client(
            "GitHubAccountTokenDoesNotExistException",
            format!("There is no GitHub account token `{name}`."),
        ),
        E::NoSuchApplication(name) => ApiError::client(
            "ApplicationDoesNotExistException",
            format!("No application found for name: {name}"),
        ),
        E::LimitExceeded(max) => ApiError::client(
            "GitHubAccountTokenLimitExceededException",
            format!("The account may have at most {max} GitHub account tokens: delete one first."),
        ),
        E::Store(source) => ApiError::internal(source),
    }
}
