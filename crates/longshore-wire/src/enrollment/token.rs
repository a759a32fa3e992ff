//! A token as people carry it: one word without characters that a shell would change.

use std::fmt;
use std::str::FromStr;

use longshore_model::id::EnrollmentTokenId;

use crate::sigv4::Credentials;

/// What every token of this version begins with.
const VERSION: &str = "lse1";
/// What tokens of all versions begin with.
const FAMILY: &str = "lse";
/// How many characters a secret has.
const SECRET_CHARS: usize = 40;
/// How many hexadecimal digits a fingerprint has.
const FINGERPRINT_CHARS: usize = 64;

/// Why a text is no token. The text itself is not repeated: it is a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenTextError {
    /// Something else.
    #[error("this is no enrollment token: one begins with `{VERSION}.`")]
    NoToken,
    /// From a server that knows more.
    #[error(
        "this enrollment token is of version `{0}`, and this program understands `{VERSION}` only: update it"
    )]
    Version(String),
    /// The beginning of a token, or one with something wrong in it.
    #[error("this enrollment token is damaged or not complete: its {0} is not as it should be")]
    Damaged(&'static str),
}

/// A token: whom to sign as, and whom to believe. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText {
    /// Which token.
    pub id: EnrollmentTokenId,
    /// What the machine's request is signed with.
    pub secret: String,
    /// SHA-256 of the certificate of the server's signer, in hexadecimal digits.
    pub signer_fingerprint: String,
}

impl TokenText {
    /// What a request is signed with.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: self.id.to_string(),
            secret_access_key: self.secret.clone(),
            session_token: None,
        }
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenText").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Display for TokenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{VERSION}.{}.{}.{}", self.id, self.secret, self.signer_fingerprint)
    }
}

impl FromStr for TokenText {
    type Err = TokenTextError;

    fn from_str(text: &str) -> Result<TokenText, TokenTextError> {
        let mut parts = text.trim().split('.');
        match parts.next() {
            Some(VERSION) => {}
            Some(other) if is_version(other) => return Err(TokenTextError::Version(other.to_owned())),
            Some(_) | None => return Err(TokenTextError::NoToken),
        }
        let id = EnrollmentTokenId::required(parts.next()).map_err(|_| TokenTextError::Damaged("id"))?;
        let secret = parts.next().unwrap_or_default();
        if secret.len() != SECRET_CHARS || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(TokenTextError::Damaged("secret"));
        }
        let fingerprint = parts.next().unwrap_or_default();
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if fingerprint.len() != FINGERPRINT_CHARS || !fingerprint.bytes().all(is_digit) {
            return Err(TokenTextError::Damaged("fingerprint"));
        }
        if parts.next().is_some() {
            return Err(TokenTextError::Damaged("end"));
        }
        Ok(TokenText { id, secret: secret.to_owned(), signer_fingerprint: fingerprint.to_owned() })
    }
}

fn is_version(text: &str) -> bool {
    text.strip_prefix(FAMILY)
        .is_some_and(|number| (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match text.parse::<TokenText>() {
            Ok(token) => format!("{} {} {}", token.id, token.secret.len(), token.signer_fingerprint.len()),
            Err(error) => error.to_string(),
        };
        assert!(shown.contains(expected), "{text}: {shown}");
    }

    fn text() -> String {
        format!("lse1.LSET0123456789ABCDEF.{}.{}", "s".repeat(40), "0a".repeat(32))
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        check(&text(), "LSET0123456789ABCDEF 40 64");
        check(&format!(" {}\n", text()), "LSET0123456789ABCDEF 40 64");
        let token: TokenText = text().parse().expect("a token");
        assert_eq!(token.to_string(), text());
        assert!(!format!("{token:?}").contains("sss"));
    }

    #[test]
    fn what_is_no_token_is_said_without_repeating_it() {
        check("", "this is no enrollment token");
        check("AKIA0123456789ABCDEF", "this is no enrollment token");
        check(&text().replace("lse1", "lse2"), "of version `lse2`");
        check(&text().replace("LSET", "AKIA"), "its id is not");
        check(&text().replace("ss", "s"), "its secret is not");
        check(&text().replace("sss", "s/s"), "its secret is not");
        check(&text()[..100], "its fingerprint is not");
        check(&text().replace("0a0a", "0A0A"), "its fingerprint is not");
        check(&format!("{}.x", text()), "its end is not");
        for n_chars in 0..text().len() {
            let error = text()[..n_chars].parse::<TokenText>().expect_err("cut off").to_string();
            assert!(!error.contains("ssss"), "{error}");
        }
    }
}
