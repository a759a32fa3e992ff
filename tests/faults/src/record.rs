//! What the service says of a deployment, as the auditor looks at it.

use serde_json::Value;

/// A deployment and its targets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) group: String,
    /// The name of the revision, as each of its files has it.
    pub(crate) revision: String,
    pub(crate) status: String,
    pub(crate) creator: String,
    /// Seconds since the epoch.
    pub(crate) created_at: f64,
    pub(crate) completed_at: Option<f64>,
    pub(crate) error_code: Option<String>,
    pub(crate) targets: Vec<Target>,
}

/// A host in a deployment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) status: String,
    /// Seconds since the epoch.
    pub(crate) updated_at: f64,
    pub(crate) events: Vec<Event>,
}

/// A lifecycle event of a target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) status: String,
    /// Seconds since the epoch.
    pub(crate) started_at: Option<f64>,
    pub(crate) ended_at: Option<f64>,
    /// The cause of a failure: code and message.
    pub(crate) diagnostics: Option<(String, String)>,
}

impl Deployment {
    /// From a `deploymentInfo`; without targets.
    pub(crate) fn from_info(info: &Value) -> Deployment {
        let key = text(&info["revision"]["s3Location"]["key"]);
        Deployment {
            id: text(&info["deploymentId"]),
            group: text(&info["deploymentGroupName"]),
            revision: key.trim_end_matches(".zip").to_owned(),
            status: text(&info["status"]),
            creator: text(&info["creator"]),
            created_at: info["createTime"].as_f64().unwrap_or_default(),
            completed_at: info["completeTime"].as_f64(),
            error_code: info["errorInformation"]["code"].as_str().map(str::to_owned),
            targets: Vec::new(),
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        deployment_rank(&self.status) == FINAL
    }
}

impl Target {
    /// From an element of `deploymentTargets`.
    pub(crate) fn from_answer(answer: &Value) -> Target {
        let target = &answer["instanceTarget"];
        let events = target["lifecycleEvents"].as_array().map(Vec::as_slice).unwrap_or_default();
        // A host is known by its name, a target by its ARN or name.
        let id = text(&target["targetId"]);
        let host = id.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        Target {
            host,
            status: text(&target["status"]),
            updated_at: target["lastUpdatedAt"].as_f64().unwrap_or_default(),
            events: events.iter().map(Event::from_answer).collect(),
        }
    }

    pub(crate) fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }
}

impl Event {
    fn from_answer(answer: &Value) -> Event {
        let diagnostics = &answer["diagnostics"];
        Event {
            name: text(&answer["lifecycleEventName"]),
            status: text(&answer["status"]),
            started_at: answer["startTime"].as_f64(),
            ended_at: answer["endTime"].as_f64(),
            diagnostics: diagnostics
                .is_object()
                .then(|| (text(&diagnostics["errorCode"]), text(&diagnostics["message"]))),
        }
    }
}

/// The rank of what is final.
pub(crate) const FINAL: u8 = 9;

/// Statuses only grow in this. Source: service.md §5.1, without what only zonal and blue/green
/// deployments go through.
pub(crate) fn deployment_rank(status: &str) -> u8 {
    match status {
        "Created" => 0,
        "Queued" => 1,
        "InProgress" => 2,
        _ => FINAL,
    }
}

/// The same for targets and lifecycle events. Source: service.md §5.2, §5.3.
pub(crate) fn target_rank(status: &str) -> u8 {
    match status {
        "Pending" => 0,
        "InProgress" => 1,
        _ => FINAL,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
