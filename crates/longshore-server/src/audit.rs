//! The audit trail of one request: collected on its way, written before its answer leaves.
//!
//! Only what somebody signed is written down: what no key vouches for could fill the store from anywhere. It
//! is in the log and in the metrics.

use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::USER_AGENT;
use longshore_bundles::{Caller, Observed};
use longshore_model::audit::{AuditEvent, identifying, is_change};
use longshore_model::enrollment::EnrollmentToken;
use longshore_store::StoreError;
use longshore_wire::enrollment::ENROLL_HOST;
use serde_json::Value;

use crate::app::App;
use crate::listen::Connection;

/// The most characters of a client's name for itself that are kept.
const MAX_USER_AGENT_CHARS: usize = 256;
/// The most characters of an operation's name: that of an action which is not there is the caller's.
const MAX_OPERATION_CHARS: usize = 128;

/// What will be written down of a request, if anything.
#[derive(Default)]
pub(crate) struct Trail(Mutex<Option<Entry>>);

struct Entry {
    principal: String,
    access_key_id: String,
    service: &'static str,
    operation: String,
    parameters: Vec<(String, String)>,
    /// Knows on what permission was asked.
    caller: Option<Caller>,
}

impl Trail {
    /// `caller` has signed for `operation`. Nothing is written of one that only looks.
    pub(crate) fn signed(
        &self,
        caller: &Caller,
        service: &'static str,
        operation: &str,
        parameters: impl FnOnce() -> Vec<(String, String)>,
    ) {
        if !is_change(operation) {
            return;
        }
        self.set(Entry {
            principal: caller.arn.to_string(),
            access_key_id: caller.access_key_id.clone(),
            service,
            operation: operation.chars().take(MAX_OPERATION_CHARS).collect(),
            parameters: parameters(),
            caller: Some(caller.clone()),
        });
    }

    /// What the bundle store saw of a request.
    pub(crate) fn seen_by_bundles(&self, observed: Option<&Observed>) {
        if let Some(Observed { caller, operation }) = observed {
            self.signed(caller, "s3", operation, Vec::new);
        }
    }

    /// A machine has signed with `token` to become a host.
    pub(crate) fn enrolls(&self, token: &EnrollmentToken, body: &[u8]) {
        self.set(Entry {
            principal: format!("enrollment-token/{}", token.id),
            access_key_id: token.id.to_string(),
            service: "longshore",
            operation: ENROLL_HOST.to_owned(),
            parameters: serde_json::from_slice(body).map(named_values).unwrap_or_default(),
            caller: None,
        });
    }

    fn set(&self, entry: Entry) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
    }

    /// Writes it down, with what came of the request.
    ///
    /// # Errors
    /// When the store fails: then the request must not be answered with success.
    pub(crate) async fn write(
        &self,
        app: &App,
        connection: &Connection,
        user_agent: Option<String>,
        request_id: &str,
        outcome: &str,
    ) -> Result<(), StoreError> {
        let Some(entry) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let now = app.engine.now();
        let event = AuditEvent {
            event_time: now,
            request_id: request_id.to_owned(),
            principal: entry.principal,
            access_key_id: entry.access_key_id,
            source_ip: connection.origin.address.to_canonical().to_string(),
            user_agent,
            service: entry.service.to_owned(),
            operation: entry.operation,
            resources: entry.caller.map(|caller| caller.asked_on()).unwrap_or_default(),
            outcome: outcome.to_owned(),
            parameters: identifying(entry.parameters),
        };
        app.engine.store().add_audit_event(&event, now.minus(app.audit_retention)).await
    }
}

/// As the client calls itself.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(MAX_USER_AGENT_CHARS).collect())
}

/// The members of an input that have a text for a value, and those of the revision in it.
pub(crate) fn named_values(input: Value) -> Vec<(String, String)> {
    let Value::Object(members) = input else { return Vec::new() };
    let mut values = Vec::new();
    for (name, value) in members {
        match value {
            Value::String(text) => values.push((name, text)),
            Value::Bool(is_set) => values.push((name, is_set.to_string())),
            Value::Array(items) => {
                let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                if !texts.is_empty() {
                    values.push((name, texts.join(",")));
                }
            }
            nested @ Value::Object(_) if is_revision(&name) => values.extend(named_values(nested)),
            Value::Object(_) | Value::Number(_) | Value::Null => {}
        }
    }
    values
}

fn is_revision(name: &str) -> bool {
    matches!(name, "revision" | "s3Location" | "gitHubLocation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_named_by_where_it_is() {
        let input = serde_json::json!({
            "applicationName": "web",
            "description": "text",
            "instanceNames": ["a", "b"],
            "tags": [{"Key": "k"}],
            "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k.zip"}},
        });
        let kept = identifying(named_values(input));
        let kept: Vec<String> = kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected =
            ["applicationName=web", "bucket=b", "instanceNames=a,b", "key=k.zip", "revisionType=S3"];
        assert_eq!(kept, expected);
    }
}
