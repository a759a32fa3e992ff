//! What programs get: one deployment as a JSON document. Member names follow the CodeDeploy API's,
//! times are seconds since the epoch as there.

use serde::Serialize;

use crate::progress::{EventProgress, HostProgress, Progress};

/// One deployment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment<'a> {
    deployment_id: &'a str,
    application_name: &'a str,
    deployment_group_name: &'a str,
    deployment_config_name: &'a str,
    revision: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<f64>,
    counts: Counts,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<Host<'a>>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    pending: usize,
    in_progress: usize,
    succeeded: usize,
    failed: usize,
    skipped: usize,
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    status: &'static str,
    events: Vec<Event<'a>>,
}

/// One lifecycle event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Diagnostics<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Diagnostics<'a> {
    error_code: &'a str,
    script_name: &'a str,
    message: &'a str,
    log_tail: &'a str,
}

impl<'a> Deployment<'a> {
    /// The document of `progress`.
    pub(crate) fn of(progress: &'a Progress) -> Deployment<'a> {
        let counts = progress.counts();
        Deployment {
            deployment_id: progress.id.as_str(),
            application_name: &progress.application,
            deployment_group_name: &progress.group,
            deployment_config_name: &progress.config,
            revision: &progress.revision,
            status: progress.status.as_str(),
            error: progress.error.as_ref().map(|cause| Error { code: &cause.code, message: &cause.message }),
            create_time: progress.created_at.map(|time| time.secs_f64()),
            complete_time: progress.completed_at.map(|time| time.secs_f64()),
            counts: Counts {
                pending: counts.n_pending,
                in_progress: counts.n_in_progress,
                succeeded: counts.n_succeeded,
                failed: counts.n_failed,
                skipped: counts.n_skipped,
            },
            hosts: progress.hosts.iter().map(Host::of).collect(),
        }
    }
}

impl<'a> Host<'a> {
    fn of(host: &'a HostProgress) -> Host<'a> {
        Host {
            name: &host.name,
            status: host.status.as_str(),
            events: host.events.iter().map(Event::of).collect(),
        }
    }
}

impl<'a> Event<'a> {
    /// The document of `event`.
    pub(crate) fn of(event: &'a EventProgress) -> Event<'a> {
        Event {
            name: event.name.as_str(),
            status: event.status.as_str(),
            start_time: event.started_at.map(|time| time.secs_f64()),
            end_time: event.ended_at.map(|time| time.secs_f64()),
            diagnostics: event.diagnostics.as_ref().map(|ending| Diagnostics {
                error_code: &ending.code,
                script_name: &ending.script,
                message: &ending.message,
                log_tail: &ending.log_tail,
            }),
        }
    }
}
