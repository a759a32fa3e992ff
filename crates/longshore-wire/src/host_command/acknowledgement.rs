//! What an agent says when it takes a command: whether it will have anything to do.

use serde::{Deserialize, Serialize};

/// The payload of an acknowledgement's diagnostics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The revision has no script for the event; 2.x agents never say so.
    #[serde(rename = "IsCommandNoop", default)]
    pub is_noop: bool,
}

impl Acknowledgement {
    /// The payload text.
    pub fn to_payload(self) -> String {
        format!("{{\"IsCommandNoop\":{}}}", self.is_noop)
    }

    /// Reads a payload; what cannot be read does not claim to be a no-op.
    pub fn from_payload(payload: &str) -> Acknowledgement {
        serde_json::from_str(payload).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &str, is_noop: bool) {
        assert_eq!(Acknowledgement::from_payload(payload), Acknowledgement { is_noop }, "{payload}");
    }

    #[test]
    fn payloads_are_read() {
        check(r#"{"IsCommandNoop":true}"#, true);
        check(r#"{"IsCommandNoop":false}"#, false);
        check(r#"{ "Other": 1, "IsCommandNoop": true }"#, true);
        check("{}", false);
        check("", false);
        check(r#"{"IsCommandNoop":"true"}"#, false);
    }

    #[test]
    fn the_payload_is_the_agents_own() {
        assert_eq!(Acknowledgement { is_noop: false }.to_payload(), r#"{"IsCommandNoop":false}"#);
    }
}
