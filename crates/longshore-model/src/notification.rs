//! What people and programs are told of a deployment: triggers (service.md §10.1) and state-change events
//! (§10.2), made from its timeline.

use serde::{Deserialize, Serialize, Serializer};

use crate::deployment::{Creator, Deployment, DeploymentStatus, Rollback};
use crate::id::DeploymentId;
use crate::lifecycle::EventState;
use crate::target::{Target, TargetStatus};
use crate::time::Timestamp;
use crate::timeline::{Happening, TimelineEntry};
use crate::watch::{Trigger, TriggerEvent};

/// One notification on its way to one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Unique, and the same at every attempt.
    pub id: String,
    /// The trigger's name.
    pub trigger: String,
    /// An SNS topic's ARN, or an `https://` URL.
    pub target: String,
    /// The deployment that it tells of; absent for a test.
    pub deployment: Option<DeploymentId>,
    /// One line.
    pub subject: String,
    /// JSON text.
    pub message: String,
    /// When it happened.
    pub at: Timestamp,
}

/// Which form messages have. Source: service.md §10.1, "the guide and reality differ".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageForm {
    /// As AWS really sends them.
    #[default]
    Observed,
    /// As AWS's guide shows them.
    Guide,
}

/// Where the service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its region.
    pub region: String,
    /// 12 digits.
    pub account_id: String,
    /// How messages look.
    pub form: MessageForm,
}

/// What a message tells of besides its timeline entry, as it stands when the message is made.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The deployment.
    pub deployment: &'a Deployment,
    /// How many of its targets are in each status.
    pub counts: &'a [(TargetStatus, usize)],
    /// The target that the entry is about.
    pub target: Option<&'a Target>,
}

/// What an entry of the timeline is to triggers, and the status that the message gives.
pub fn trigger_event(deployment: &Deployment, entry: &TimelineEntry) -> Option<(TriggerEvent, &'static str)> {
    match &entry.what {
        Happening::Deployment { status, .. } => Some(match status {
            DeploymentStatus::Created => (TriggerEvent::DeploymentStart, "CREATED"),
            DeploymentStatus::InProgress if deployment.creator == Creator::Rollback => {
                (TriggerEvent::DeploymentRollback, "IN_PROGRESS")
            }
            DeploymentStatus::Succeeded => (TriggerEvent::DeploymentSuccess, "SUCCEEDED"),
            DeploymentStatus::Failed => (TriggerEvent::DeploymentFailure, "FAILED"),
            DeploymentStatus::Stopped => (TriggerEvent::DeploymentStop, "STOPPED"),
            DeploymentStatus::Queued | DeploymentStatus::InProgress | DeploymentStatus::Baking => {
                return None;
            }
        }),
        Happening::Host { status, .. } => Some(match status {
            TargetStatus::InProgress => (TriggerEvent::InstanceStart, "IN_PROGRESS"),
            TargetStatus::Succeeded => (TriggerEvent::InstanceSuccess, "SUCCEEDED"),
            TargetStatus::Failed => (TriggerEvent::InstanceFailure, "FAILED"),
            TargetStatus::Pending | TargetStatus::Skipped => return None,
        }),
        Happening::Counted { .. }
        | Happening::Zone { .. }
        | Happening::WaitsForPlace(_)
        | Happening::Bakes { .. }
        | Happening::StopRequested(_)
        | Happening::RolledBackBy(_)
        | Happening::NotRolledBack(_)
        | Happening::UpdatedBy(_)
        | Happening::HostsBegin { .. }
        | Happening::HostsWait { .. } => None,
    }
}

/// The subject of a message. Source: service.md §10.1.
pub fn subject_line(status: &str, deployment: &Deployment, origin: &Origin) -> String {
    format!("{status}: AWS CodeDeploy {} in {} to {}", deployment.id, origin.region, deployment.application)
}

/// The message of a trigger about `entry`, as JSON text.
pub fn message(
    trigger: &Trigger,
    entry: &TimelineEntry,
    status: &str,
    subject: &Subject<'_>,
    origin: &Origin,
) -> String {
    match (&entry.host, subject.target) {
        (Some(_), Some(target)) => instance_message(trigger, entry, target, subject, origin),
        _ => deployment_message(trigger, entry, status, subject, origin),
    }
}

/// The message and subject that a trigger gets when it is made or changed.
pub fn test_message(trigger: &Trigger, application: &str, group: &str, origin: &Origin) -> (String, String) {
    let message = Test {
        region: &origin.region,
        account_id: &origin.account_id,
        event_trigger_name: &trigger.name,
        application_name: application,
        deployment_group_name: group,
    };
    (format!("unknown: AWS CodeDeploy in {} to {application}", origin.region), json(&message))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test<'a> {
    region: &'a str,
    account_id: &'a str,
    event_trigger_name: &'a str,
    application_name: &'a str,
    deployment_group_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentMessage<'a> {
    region: &'a str,
    account_id: &'a str,
    event_trigger_name: &'a str,
    application_name: &'a str,
    deployment_id: &'a str,
    deployment_group_name: &'a str,
    create_time: String,
    complete_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_overview: Option<Nested<Overview>>,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_information: Option<Nested<ErrorInformation<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_information: Option<Nested<RollbackInformation>>,
}

/// A part that is an object in the guide and a string that holds its JSON in reality.
struct Nested<T> {
    form: MessageForm,
    part: T,
}

impl<T: Serialize> Serialize for Nested<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.form {
            MessageForm::Guide => self.part.serialize(serializer),
            MessageForm::Observed => serializer.serialize_str(&json(&self.part)),
        }
    }
}

struct Overview {
    form: MessageForm,
    counts: [(&'static str, usize); 5],
}

impl Serialize for Overview {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.form {
            // The guide shows numbers as strings.
            MessageForm::Guide => serializer.collect_map(self.counts.map(|(name, n)| (name, n.to_string()))),
            MessageForm::Observed => serializer.collect_map(self.counts),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorInformation<'a> {
    error_code: &'a str,
    error_message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RollbackInformation {
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_triggering_deployment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_deployment_id: Option<String>,
}

fn deployment_message(
    trigger: &Trigger,
    entry: &TimelineEntry,
    status: &str,
    subject: &Subject<'_>,
    origin: &Origin,
) -> String {
    let (deployment, form) = (subject.deployment, origin.form);
    let (is_final, is_created, error) = match &entry.what {
        Happening::Deployment { status, error } => {
            (status.is_final(), *status == DeploymentStatus::Created, error.as_ref())
        }
        _ => (false, false, None),
    };
    let count = |status: TargetStatus| {
        subject.counts.iter().filter(|(counted, _)| *counted == status).map(|(_, n)| n).sum::<usize>()
    };
    let counts = [
        TargetStatus::Succeeded,
        TargetStatus::Failed,
        TargetStatus::Skipped,
        TargetStatus::InProgress,
        TargetStatus::Pending,
    ]
    .map(|status| (status.as_str(), count(status)));
    let (of, by) = match &deployment.rollback {
        Some(Rollback::Of(trigger)) => (Some(trigger.to_string()), None),
        Some(Rollback::By(rollback)) if is_final => (None, Some(rollback.to_string())),
        Some(Rollback::By(_) | Rollback::Nowhere) | None => (None, None),
    };
    let rollback = RollbackInformation {
        rollback_message: (of.is_some() || by.is_some()).then(|| deployment.rollback_message()).flatten(),
        rollback_triggering_deployment_id: of,
        rollback_deployment_id: by,
    };
    json(&DeploymentMessage {
        region: &origin.region,
        account_id: &origin.account_id,
        event_trigger_name: &trigger.name,
        application_name: deployment.application.as_str(),
        deployment_id: deployment.id.as_str(),
        deployment_group_name: deployment.group.as_str(),
        create_time: time(deployment.created_at, form),
        complete_time: is_final.then(|| time(entry.at, form)),
        deployment_overview: (!is_created).then_some(Nested { form, part: Overview { form, counts } }),
        status: match (form, &entry.what) {
            (MessageForm::Guide, Happening::Deployment { status, .. }) => status.as_str(),
            _ => status,
        },
        error_information: error.map(|error| Nested {
            form,
            part: ErrorInformation { error_code: error.code.as_str(), error_message: &error.message },
        }),
        rollback_information: Some(Nested { form, part: rollback }),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InstanceMessage<'a> {
    region: &'a str,
    account_id: &'a str,
    event_trigger_name: &'a str,
    deployment_id: &'a str,
    instance_id: &'a str,
    last_updated_at: String,
    instance_status: &'a str,
    lifecycle_events: Nested<Vec<EventMessage<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventMessage<'a> {
    lifecycle_event: &'a str,
    lifecycle_event_status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<String>,
}

fn instance_message(
    trigger: &Trigger,
    entry: &TimelineEntry,
    target: &Target,
    subject: &Subject<'_>,
    origin: &Origin,
) -> String {
    let form = origin.form;

    let events = target
        .events
        .iter()
        .map(|event| {
            let (status, started_at, ended_at) = match &event.state {
                EventState::Pending => ("Pending", None, None),
                EventState::InProgress { started_at, .. } => ("InProgress", Some(*started_at), None),
                EventState::Succeeded { started_at, ended_at, .. } => {
                    ("Succeeded", Some(*started_at), Some(*ended_at))
                }
                EventState::Failed { started_at, ended_at, .. } => ("Failed", *started_at, Some(*ended_at)),
                EventState::Skipped => ("Skipped", None, None),
            };
            EventMessage {
                lifecycle_event: event.name.as_str(),
                lifecycle_event_status: status,
                start_time: started_at.map(|at| time(at, form)),
                end_time: ended_at.map(|at| time(at, form)),
            }
        })
        .collect();
    json(&InstanceMessage {
        region: &origin.region,
        account_id: &origin.account_id,
        event_trigger_name: &trigger.name,
        deployment_id: subject.deployment.id.as_str(),
        instance_id: &target.host_arn.0,
        last_updated_at: time(entry.at, form),
        instance_status: match &entry.what {
            Happening::Host { status, .. } => status.as_str(),
            _ => target.status().as_str(),
        },
        lifecycle_events: Nested { form, part: events },
    })
}

/// Java's `Date` text in reality, seconds in the guide.
fn time(at: Timestamp, form: MessageForm) -> String {
    match form {
        MessageForm::Guide => format!("{:.3}", at.secs_f64()),
        MessageForm::Observed => match jiff::Timestamp::from_millisecond(at.millis()) {
            Ok(at) => at.strftime("%a %b %d %H:%M:%S UTC %Y").to_string(),
            // Beyond the calendar: no clock of ours gets there.
            Err(_) => at.millis().to_string(),
        },
    }
}

fn json(value: &impl Serialize) -> String {
    // Structs of texts and numbers, with keys that are texts.
    serde_json::to_string(value).unwrap_or_default()
}

/// A state-change event, as EventBridge delivers it. Source: service.md §10.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateChange {
    version: &'static str,
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: &'static str,
    source: &'static str,
    account: String,
    time: String,
    region: String,
    resources: Vec<String>,
    detail: Detail,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<String>,
    region: String,
    state: &'static str,
    application: String,
    deployment_id: String,
    instance_group_id: String,
    deployment_group: String,
}

/// The state-change event that an entry of the timeline is, if it is one; `id` is a UUID of its own.
pub fn state_change(
    deployment: &Deployment,
    entry: &TimelineEntry,
    host_arn: Option<&str>,
    id: String,
    origin: &Origin,
) -> Option<StateChange> {
    let state = match &entry.what {
        Happening::Deployment { status, .. } => match status {
            DeploymentStatus::Created => "START",
            DeploymentStatus::Succeeded => "SUCCESS",
            DeploymentStatus::Failed => "FAILURE",
            DeploymentStatus::Stopped => "STOP",
            DeploymentStatus::Queued | DeploymentStatus::InProgress | DeploymentStatus::Baking => {
                return None;
            }
        },
        Happening::Host { status, .. } => match status {
            TargetStatus::InProgress => "START",
            TargetStatus::Succeeded => "SUCCESS",
            TargetStatus::Failed => "FAILURE",
            TargetStatus::Pending | TargetStatus::Skipped => return None,
        },
        Happening::Counted { .. }
        | Happening::Zone { .. }
        | Happening::WaitsForPlace(_)
        | Happening::Bakes { .. }
        | Happening::StopRequested(_)
        | Happening::RolledBackBy(_)
        | Happening::NotRolledBack(_)
        | Happening::UpdatedBy(_)
        | Happening::HostsBegin { .. }
        | Happening::HostsWait { .. } => return None,
    };
    let arn = |rest: String| format!("arn:aws:codedeploy:{}:{}:{rest}", origin.region, origin.account_id);
    let application = arn(format!("application:{}", deployment.application));
    let group = arn(format!("deploymentgroup:{}/{}", deployment.application, deployment.group));
    let resources = match host_arn {
        None => vec![application, group],
        Some(host) => vec![host.to_owned(), group, application],
    };
    Some(StateChange {
        version: "0",
        id,
        detail_type: match entry.host {
            None => "CodeDeploy Deployment State-change Notification",
            Some(_) => "CodeDeploy Instance State-change Notification",
        },
        source: "aws.codedeploy",
        account: origin.account_id.clone(),
        time: match jiff::Timestamp::from_millisecond(entry.at.millis()) {
            Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Err(_) => entry.at.millis().to_string(),
        },
        region: origin.region.clone(),
        resources,
        detail: Detail {
            instance_id: entry.host.as_ref().map(ToString::to_string),
            region: origin.region.clone(),
            state,
            application: deployment.application.to_string(),
            deployment_id: deployment.id.to_string(),
            instance_group_id: deployment.group_id.to_string(),
            deployment_group: deployment.group.to_string(),
        },
    })
}

#[cfg(test)]
mod tests;
