//! What a client signs with.

use std::fmt;

/// An access key; secrets do not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Public part.
    pub access_key_id: String,
    /// Never sent, only signed with.
    pub secret_access_key: String,
    /// Sent along with temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let credentials = Credentials {
            access_key_id: String::from("AKIA1"),
            secret_access_key: String::from("hunter2"),
            session_token: Some(String::from("token3")),
        };
        let shown = format!("{credentials:?}");
        assert!(
            shown.contains("AKIA1") && !shown.contains("hunter2") && !shown.contains("token3"),
            "{shown}"
        );
    }
}
