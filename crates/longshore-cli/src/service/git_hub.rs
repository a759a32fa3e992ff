//! Tokens for GitHub accounts.

use longshore_wire::api::Operation;
use longshore_wire::api::shapes::{
    DeleteGitHubAccountTokenInput, DeleteGitHubAccountTokenOutput, ListGitHubAccountTokenNamesInput,
    ListGitHubAccountTokenNamesOutput,
};
use longshore_wire::git_hub::{
    LinkApplicationToGitHubInput, LinkApplicationToGitHubOutput, PutGitHubAccountTokenInput,
    PutGitHubAccountTokenOutput,
};

use super::{SIGNING_NAME, Service, explained};

const PUT: &str = "Longshore_v1.PutGitHubAccountToken";
const LINK: &str = "Longshore_v1.LinkApplicationToGitHub";

impl Service {
    /// Keeps `token` under `name`, in place of the one that may be there.
    pub(crate) async fn put_git_hub_token(&self, name: &str, token: String) -> anyhow::Result<()> {
        let input = PutGitHubAccountTokenInput { token_name: Some(name.to_owned()), token: Some(token) };
        let answer = self.client.call_json(SIGNING_NAME, PUT, &input).await;
        let PutGitHubAccountTokenOutput { .. } = explained(answer, format!("cannot add the token `{name}`"))?;
        Ok(())
    }

    /// The names of all tokens.
    pub(crate) async fn git_hub_tokens(&self) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        let mut input = ListGitHubAccountTokenNamesInput::default();
        loop {
            let answer = self.call(Operation::ListGitHubAccountTokenNames, &input).await;
            let answer: ListGitHubAccountTokenNamesOutput = explained(answer, "cannot list the tokens")?;
            names.extend(answer.token_name_list.unwrap_or_default());
            match answer.next_token {
                Some(token) => input.next_token = Some(token),
                None => return Ok(names),
            }
        }
    }

    /// Deletes a token.
    pub(crate) async fn delete_git_hub_token(&self, name: &str) -> anyhow::Result<()> {
        let input = DeleteGitHubAccountTokenInput { token_name: Some(name.to_owned()) };
        let answer = self.call(Operation::DeleteGitHubAccountToken, &input).await;
        let DeleteGitHubAccountTokenOutput { .. } =
            explained(answer, format!("cannot remove the token `{name}`"))?;
        Ok(())
    }

    /// Links an application to a token, or to none.
    pub(crate) async fn link_git_hub_token(
        &self,
        application: &str,
        token: Option<&str>,
    ) -> anyhow::Result<()> {
        let input = LinkApplicationToGitHubInput {
            application_name: Some(application.to_owned()),
            token_name: token.map(str::to_owned),
        };
        let answer = self.client.call_json(SIGNING_NAME, LINK, &input).await;
        let LinkApplicationToGitHubOutput {} =
            explained(answer, format!("cannot link the application `{application}`"))?;
        Ok(())
    }
}
