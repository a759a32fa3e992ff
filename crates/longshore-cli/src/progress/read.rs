//! From the API's shapes, in which everything is optional text, to [`Progress`].

use longshore_model::deployment::DeploymentStatus;
use longshore_model::id::{DeploymentId, NameError};
use longshore_model::lifecycle::LifecycleEventName;
use longshore_model::target::TargetStatus;
use longshore_wire::api::shapes;

use super::{Cause, Counts, Ending, EventProgress, EventStatus, HostProgress, Progress};

/// An answer that this program does not understand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadProgressError {
    /// No such deployment id.
    #[error("the server's answer has no usable deployment id")]
    DeploymentId(#[from] NameError),
    /// A status that this program does not know.
    #[error("the server answered {what} `{value}`, which this version does not know")]
    Unknown {
        /// What it is the value of.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// A target that is no host.
    #[error("the server answered a target that is not an instance")]
    NotAnInstance,
}

fn known<T>(
    what: &'static str,
    value: Option<String>,
    from_name: fn(&str) -> Option<T>,
) -> Result<T, ReadProgressError> {
    let value = value.unwrap_or_default();
    from_name(&value).ok_or(ReadProgressError::Unknown { what, value })
}

/// A deployment as GetDeployment answers it; its hosts come from [`host_from_shape`].
///
/// # Errors
/// When the id or the status is not one that the model knows.
pub(crate) fn progress_from_shape(
    info: shapes::DeploymentInfo,
    hosts: Vec<HostProgress>,
) -> Result<Progress, ReadProgressError> {
    Ok(Progress {
        id: DeploymentId::required(info.deployment_id.as_deref())?,
        application: info.application_name.unwrap_or_default(),
        group: info.deployment_group_name.unwrap_or_default(),
        config: info.deployment_config_name.unwrap_or_default(),
        revision: info.revision.as_ref().map(revision_text).unwrap_or_default(),
        status: known("deployment status", info.status, DeploymentStatus::from_name)?,
        error: info.error_information.map(|error| Cause {
            code: error.code.unwrap_or_default(),
            message: error.message.unwrap_or_default(),
        }),
        created_at: info.create_time.map(|time| time.0),
        completed_at: info.complete_time.map(|time| time.0),
        waits_until: None,
        overview: info.deployment_overview.as_ref().map(counts).unwrap_or_default(),
        hosts,
    })
}

fn counts(overview: &shapes::DeploymentOverview) -> Counts {
    let count = |n: Option<i64>| usize::try_from(n.unwrap_or(0)).unwrap_or(0);
    Counts {
        n_pending: count(overview.pending),
        n_in_progress: count(overview.in_progress),
        n_succeeded: count(overview.succeeded),
        n_failed: count(overview.failed),
        n_skipped: count(overview.skipped),
    }
}

fn revision_text(revision: &shapes::RevisionLocation) -> String {
    if let Some(location) = &revision.s3_location {
        let bucket = location.bucket.as_deref().unwrap_or_default();
        let key = location.key.as_deref().unwrap_or_default();
        let version =
            location.version.as_ref().map(|version| format!("?versionId={version}")).unwrap_or_default();
        return format!("s3://{bucket}/{key}{version}");
    }
    match &revision.git_hub_location {
        Some(location) => format!(
            "github {} {}",
            location.repository.as_deref().unwrap_or_default(),
            location.commit_id.as_deref().unwrap_or_default()
        ),
        None => String::from("unknown"),
    }
}

/// One host as BatchGetDeploymentTargets answers it.
///
/// # Errors
/// When it is no instance target, or has a status or an event that the model does not know.
pub(crate) fn host_from_shape(target: shapes::DeploymentTarget) -> Result<HostProgress, ReadProgressError> {
    let target = target.instance_target.ok_or(ReadProgressError::NotAnInstance)?;
    let events = target.lifecycle_events.unwrap_or_default();
    Ok(HostProgress {
        name: target.target_id.unwrap_or_default(),
        status: known("target status", target.status, TargetStatus::from_name)?,
        events: events.into_iter().map(event_from_shape).collect::<Result<_, _>>()?,
    })
}

fn event_from_shape(event: shapes::LifecycleEvent) -> Result<EventProgress, ReadProgressError> {
    Ok(EventProgress {
        name: known("lifecycle event", event.lifecycle_event_name, LifecycleEventName::from_name)?,
        status: known("lifecycle event status", event.status, EventStatus::from_name)?,
        started_at: event.start_time.map(|time| time.0),
        ended_at: event.end_time.map(|time| time.0),
        diagnostics: event.diagnostics.map(|diagnostics| Ending {
            code: diagnostics.error_code.unwrap_or_default(),
            script: diagnostics.script_name.unwrap_or_default(),
            message: diagnostics.message.unwrap_or_default(),
            log_tail: diagnostics.log_tail.unwrap_or_default(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_from_a_newer_server_is_named() {
        let info = shapes::DeploymentInfo {
            deployment_id: Some(String::from("d-A1B2C3D4E")),
            status: Some(String::from("Levitating")),
            ..shapes::DeploymentInfo::default()
        };
        let error = progress_from_shape(info, Vec::new()).expect_err("unknown status");
        assert_eq!(
            error.to_string(),
            "the server answered deployment status `Levitating`, which this version does not know"
        );
    }

    #[test]
    fn an_s3_revision_is_shown_as_a_location() {
        let revision = shapes::RevisionLocation {
            s3_location: Some(shapes::S3Location {
                bucket: Some(String::from("bundles")),
                key: Some(String::from("a/b.zip")),
                version: Some(String::from("v1")),
                ..shapes::S3Location::default()
            }),
            ..shapes::RevisionLocation::default()
        };
        assert_eq!(revision_text(&revision), "s3://bundles/a/b.zip?versionId=v1");
    }
}
