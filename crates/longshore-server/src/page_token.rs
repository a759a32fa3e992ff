//! `nextToken`: where a list goes on. Opaque to callers, and good only for the operation and the
//! filters it was made for, for 24 hours. Source: service.md §1.5.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use longshore_model::time::Timestamp;
use sha2::{Digest, Sha256};

/// Changes when the layout does; a token of another version is refused.
const VERSION: u8 = 1;
/// How long a token is good.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Bytes before the key: version, time of issue, digest of operation and filters.
const HEAD_BYTES: usize = 1 + 8 + 16;
/// Bytes of the MAC at the end.
const MAC_BYTES: usize = 16;

/// A token that was not made here, for this list, within a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the next token is not valid: it is damaged, older than 24 hours, or was made for another operation or other filters"
)]
pub(crate) struct BadToken;

/// What a token belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a> {
    /// The operation's name.
    pub operation: &'a str,
    /// Everything that decides which items there are and in which order, as one text.
    pub filters: &'a str,
}

/// Makes and reads tokens.
#[derive(Clone)]
pub(crate) struct PageTokens {
    key: [u8; 32],
}

impl std::fmt::Debug for PageTokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PageTokens")
    }
}

impl PageTokens {
    /// Tokens under `key`; servers that share a store share the key.
    pub(crate) fn new(key: [u8; 32]) -> PageTokens {
        PageTokens { key }
    }

    /// A token to go on after the item with key `after`.
    pub(crate) fn seal(&self, list: List<'_>, after: &str, now: Timestamp) -> String {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + after.len() + MAC_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&now.millis().to_be_bytes());
        bytes.extend_from_slice(&digest(list));
        bytes.extend_from_slice(after.as_bytes());
        let mac = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&mac[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key to go on after.
    ///
    /// # Errors
    /// [`BadToken`].
    pub(crate) fn open(&self, list: List<'_>, token: &str, now: Timestamp) -> Result<String, BadToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
        let n_content = bytes.len().checked_sub(MAC_BYTES).ok_or(BadToken)?;
        let (content, mac) = bytes.split_at(n_content);
        self.mac(content).verify_truncated_left(mac).map_err(|_| BadToken)?;
        let (head, after) = content.split_at_checked(HEAD_BYTES).ok_or(BadToken)?;
        let issued = head[1..9].try_into().map(i64::from_be_bytes).map_err(|_| BadToken)?;
        let is_good = head[0] == VERSION
            && head[9..] == digest(list)
            && now <= Timestamp::from_millis(issued).plus(LIFETIME);
        if !is_good {
            return Err(BadToken);
        }
        String::from_utf8(after.to_vec()).map_err(|_| BadToken)
    }

    fn mac(&self, content: &[u8]) -> Hmac<Sha256> {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key);
        mac.expect("HMAC takes a key of any length").chain_update(content)
    }
}

fn digest(list: List<'_>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(list.operation.as_bytes());
    hasher.update([0]);
    hasher.update(list.filters.as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: List<'_> = List { operation: "ListDeployments", filters: "web/prod" };
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn tokens() -> PageTokens {
        PageTokens::new([7; 32])
    }

    #[track_caller]
    fn check(list: List<'_>, token: &str, hours_later: u64, expected: Result<&str, BadToken>) {
        let now = NOW.plus(Duration::from_secs(hours_later * 3600));
        assert_eq!(tokens().open(list, token, now).as_deref().map_err(|error| *error), expected);
    }

    #[test]
    fn a_token_is_good_for_its_own_list_for_a_day() {
        let token = tokens().seal(LIST, "d-ABC/ü", NOW);
        check(LIST, &token, 0, Ok("d-ABC/ü"));
        check(LIST, &token, 24, Ok("d-ABC/ü"));
        check(LIST, &token, 25, Err(BadToken));
        check(List { operation: "ListApplications", ..LIST }, &token, 0, Err(BadToken));
        check(List { filters: "web/test", ..LIST }, &token, 0, Err(BadToken));
    }

    #[test]
    fn a_damaged_or_foreign_token_is_refused() {
        let token = tokens().seal(LIST, "key", NOW);
        for bad in ["", "x", "====", "AAAA", &token[1..], &token[..token.len() - 2], &format!("{token}AA")] {
            check(LIST, bad, 0, Err(BadToken));
        }
        check(LIST, &PageTokens::new([8; 32]).seal(LIST, "key", NOW), 0, Err(BadToken));
    }
}
