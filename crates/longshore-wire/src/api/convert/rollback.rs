//! Rollback rules of deployment groups and deployments. Source: service.md §2.4.

use longshore_model::deployment_group::{AutoRollback, AutoRollbackEvent};

use super::{duplicate, quoted};
use crate::api::shapes::AutoRollbackConfiguration;
use crate::error::ApiError;

/// Checks `autoRollbackConfiguration`.
///
/// # Errors
/// `InvalidAutoRollbackConfigException`.
pub fn auto_rollback(shape: AutoRollbackConfiguration) -> Result<AutoRollback, ApiError> {
    let refused = |message: String| ApiError::client("InvalidAutoRollbackConfigException", message);
    let is_enabled = shape.enabled.unwrap_or_default();
    let names = shape.events.unwrap_or_default();
    let events = names
        .iter()
        .map(|text| {
            event_from_name(text)
                .ok_or_else(|| refused(format!("{} is not an auto rollback event.", quoted(text))))
        })
        .collect::<Result<Vec<AutoRollbackEvent>, ApiError>>()?;
    if let Some(event) = duplicate(&events) {
        return Err(refused(format!("The auto rollback event `{}` is given twice.", event_name(*event))));
    }
    if is_enabled && events.is_empty() {
        return Err(refused(String::from("An enabled auto rollback needs at least one event.")));
    }
    Ok(AutoRollback { is_enabled, events })
}

/// A rollback rule as the API answers it: `{"enabled":false}` when it was never set.
pub fn from_auto_rollback(rule: &AutoRollback) -> AutoRollbackConfiguration {
    let events: Vec<String> = rule.events.iter().map(|event| event_name(*event).to_owned()).collect();
    AutoRollbackConfiguration {
        enabled: Some(rule.is_enabled),
        events: Some(events).filter(|events| !events.is_empty()),
    }
}

const EVENTS: [AutoRollbackEvent; 3] = [
    AutoRollbackEvent::DeploymentFailure,
    AutoRollbackEvent::DeploymentStopOnAlarm,
    AutoRollbackEvent::DeploymentStopOnRequest,
];

fn event_name(event: AutoRollbackEvent) -> &'static str {
    match event {
        AutoRollbackEvent::DeploymentFailure => "DEPLOYMENT_FAILURE",
        AutoRollbackEvent::DeploymentStopOnAlarm => "DEPLOYMENT_STOP_ON_ALARM",
        AutoRollbackEvent::DeploymentStopOnRequest => "DEPLOYMENT_STOP_ON_REQUEST",
    }
}

fn event_from_name(name: &str) -> Option<AutoRollbackEvent> {
    EVENTS.into_iter().find(|event| event_name(*event) == name)
}
