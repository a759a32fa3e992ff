//! Keys that are good for a time, and the form in which metadata services hand them out.

use longshore_wire::sigv4::Credentials;
use serde::{Deserialize, Deserializer};

/// Keys, and until when they are good.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) credentials: Credentials,
    /// `None` when nobody said.
    pub(super) expiration: Option<jiff::Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    #[serde(default, deserialize_with = "time_of_text")]
    expiration: Option<jiff::Timestamp>,
}

impl Keys {
    /// Reads what an instance's role, a container's agent or a credential process says. The error of a
    /// reader could show a secret, so there is none.
    pub(super) fn from_json(json: &[u8]) -> Option<Keys> {
        let document: Document = serde_json::from_slice(json).ok()?;
        let credentials = Credentials {
            access_key_id: document.access_key_id,
            secret_access_key: document.secret_access_key,
            session_token: document.token,
        };
        Some(Keys { credentials, expiration: document.expiration })
    }
}

fn time_of_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<jiff::Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Option<(&str, Option<&str>, Option<&str>)>) {
        let keys = Keys::from_json(json.as_bytes());
        let expiration = keys.as_ref().and_then(|keys| keys.expiration).map(|time| time.to_string());
        let found = keys.as_ref().map(|Keys { credentials, .. }| {
            let token = credentials.session_token.as_deref();
            (credentials.access_key_id.as_str(), token, expiration.as_deref())
        });
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn keys_come_with_or_without_token_and_end() {
        let both =
            r#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2099-01-01T00:00:00Z"}"#;
        check(both, Some(("A", Some("T"), Some("2099-01-01T00:00:00Z"))));
        let process = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T"}"#;
        check(process, Some(("A", Some("T"), None)));
        check(r#"{"AccessKeyId":"A","SecretAccessKey":"S","Expiration":null}"#, Some(("A", None, None)));
        check(r#"{"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"soon"}"#, None);
        check(r#"{"Code":"Failed"}"#, None);
    }
}
