//! Tokens for GitHub accounts, with which hosts download revisions of private repositories.
//! Source: service.md §2.8.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::GitHubTokenName;
use crate::time::Timestamp;

/// The longest token in bytes; GitHub's own have at most 255.
const MAX_TOKEN_BYTES: usize = 255;

/// A token kept for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubToken {
    /// Unique in the account.
    pub name: GitHubTokenName,
    /// What GitHub asks for.
    pub secret: GitHubSecret,
    /// When the name was first given a token.
    pub created_at: Timestamp,
}

/// What GitHub asks for. It does not show in `Debug`, and no answer of the API holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GitHubSecret(String);

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a GitHub token has 1 to {MAX_TOKEN_BYTES} printable ASCII characters and no space")]
pub struct NotAToken;

impl GitHubSecret {
    /// Reads `text` as a token.
    ///
    /// # Errors
    /// [`NotAToken`], which does not repeat the text.
    pub fn parse(text: &str) -> Result<GitHubSecret, NotAToken> {
        let is_token =
            (1..=MAX_TOKEN_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if is_token { Ok(GitHubSecret(text.to_owned())) } else { Err(NotAToken) }
    }

    /// The text of it, for the specification that a host is given and for the store.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GitHubSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_token: bool) {
        let parsed = GitHubSecret::parse(text);
        assert_eq!(parsed.is_ok(), is_token, "{text:?}");
    }

    #[test]
    fn a_token_is_one_word_of_printable_characters() {
        check("ghp_0123456789abcdef", true);
        check(&"x".repeat(255), true);
        check(&"x".repeat(256), false);
        check("", false);
        check("two words", false);
        check("ghp_x\n", false);
        check("gh\u{fc}_x", false);
    }

    #[test]
    fn a_token_does_not_show() {
        let token = GitHubSecret::parse("ghp_hidden").expect("a token");
        assert_eq!(format!("{token:?}"), "REDACTED");
        assert!(!NotAToken.to_string().contains("ghp"));
    }
}
