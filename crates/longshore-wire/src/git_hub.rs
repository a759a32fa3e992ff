//! What an operator asks about tokens for GitHub accounts beside CodeDeploy's own operations, which
//! only list and delete them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Keeps a token: under a new name, or in place of the one that has the name. `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutGitHubAccountTokenInput {
    /// Its name, unique in the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
    /// What GitHub asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl fmt::Debug for PutGitHubAccountTokenInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.token_name;
        formatter.debug_struct("PutGitHubAccountTokenInput").field("token_name", name).finish_non_exhaustive()
    }
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PutGitHubAccountTokenOutput {
    /// The name that it is kept under.
    pub token_name: String,
}

/// Links an application to a token, or without one to none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkApplicationToGitHubInput {
    /// The application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_name: Option<String>,
    /// The token's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
}

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkApplicationToGitHubOutput {}
