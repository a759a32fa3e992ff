//! Lifecycle events: what happens on one host during a deployment, and how each ended.
//! Source: service.md §5.3 and §6.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A step of a deployment on one host. `BlockTraffic` and `AllowTraffic` are run by the service,
/// all others by the host agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the service's own; §6.1 tells what each is for")]
pub enum LifecycleEventName {
    BeforeBlockTraffic,
    BlockTraffic,
    AfterBlockTraffic,
    ApplicationStop,
    DownloadBundle,
    BeforeInstall,
    Install,
    AfterInstall,
    ApplicationStart,
    ValidateService,
    BeforeAllowTraffic,
    AllowTraffic,
    AfterAllowTraffic,
}

/// The events of an in-place deployment without traffic control, in run order. Source: service.md §6.2.
pub const IN_PLACE: [LifecycleEventName; 7] = [
    LifecycleEventName::ApplicationStop,
    LifecycleEventName::DownloadBundle,
    LifecycleEventName::BeforeInstall,
    LifecycleEventName::Install,
    LifecycleEventName::AfterInstall,
    LifecycleEventName::ApplicationStart,
    LifecycleEventName::ValidateService,
];

impl LifecycleEventName {
    /// All names, in run order.
    pub const ALL: [LifecycleEventName; 13] = [
        LifecycleEventName::BeforeBlockTraffic,
        LifecycleEventName::BlockTraffic,
        LifecycleEventName::AfterBlockTraffic,
        LifecycleEventName::ApplicationStop,
        LifecycleEventName::DownloadBundle,
        LifecycleEventName::BeforeInstall,
        LifecycleEventName::Install,
        LifecycleEventName::AfterInstall,
        LifecycleEventName::ApplicationStart,
        LifecycleEventName::ValidateService,
        LifecycleEventName::BeforeAllowTraffic,
        LifecycleEventName::AllowTraffic,
        LifecycleEventName::AfterAllowTraffic,
    ];

    /// As the API, the agent protocol and AppSpec files spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            LifecycleEventName::BeforeBlockTraffic => "BeforeBlockTraffic",
            LifecycleEventName::BlockTraffic => "BlockTraffic",
            LifecycleEventName::AfterBlockTraffic => "AfterBlockTraffic",
            LifecycleEventName::ApplicationStop => "ApplicationStop",
            LifecycleEventName::DownloadBundle => "DownloadBundle",
            LifecycleEventName::BeforeInstall => "BeforeInstall",
            LifecycleEventName::Install => "Install",
            LifecycleEventName::AfterInstall => "AfterInstall",
            LifecycleEventName::ApplicationStart => "ApplicationStart",
            LifecycleEventName::ValidateService => "ValidateService",
            LifecycleEventName::BeforeAllowTraffic => "BeforeAllowTraffic",
            LifecycleEventName::AllowTraffic => "AllowTraffic",
            LifecycleEventName::AfterAllowTraffic => "AfterAllowTraffic",
        }
    }

    /// The event spelled `name`; case matters.
    pub fn from_name(name: &str) -> Option<LifecycleEventName> {
        LifecycleEventName::ALL.into_iter().find(|event| event.as_str() == name)
    }

    /// Whether `ignoreApplicationStopFailures` lets a failure of this event pass. Source: service.md §6.4.
    pub fn is_stop_side(self) -> bool {
        matches!(
            self,
            LifecycleEventName::ApplicationStop
                | LifecycleEventName::BeforeBlockTraffic
                | LifecycleEventName::AfterBlockTraffic
        )
    }
}

/// Where a lifecycle event stands on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status")]
pub enum EventState {
    /// Not begun; also while its command waits to be picked up.
    Pending,
    /// The agent acknowledged its command.
    InProgress {
        /// When.
        started_at: Timestamp,
        /// Which copy of it.
        #[serde(default)]
        copy: CommandCopy,
    },
    /// Ended well.
    Succeeded {
        /// When it was acknowledged.
        started_at: Timestamp,
        /// When its report arrived.
        ended_at: Timestamp,
        /// What the agent said.
        diagnostics: Diagnostics,
    },
    /// Ended badly. `started_at` is absent when nobody ever picked it up.
    Failed {
        /// When it was acknowledged, if it was.
        started_at: Option<Timestamp>,
        /// When its report arrived or its clock ran out.
        ended_at: Timestamp,
        /// Whose word it is.
        by: EndedBy,
        /// What the agent said, or the service in its place.
        diagnostics: Diagnostics,
    },
    /// Will not run.
    Skipped,
}

impl EventState {
    /// Whether an agent took its command.
    pub fn was_taken(&self) -> bool {
        match self {
            EventState::Pending | EventState::Skipped | EventState::Failed { started_at: None, .. } => false,
            EventState::InProgress { .. }
            | EventState::Succeeded { .. }
            | EventState::Failed { started_at: Some(_), .. } => true,
        }
    }
}

/// Tells the copies of a command apart: one is handed out again when the answer to a poll seems lost, and
/// then two may be on their way. Only the copy that is acknowledged first is run, however often its agent
/// says so; every other one is to be dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandCopy(pub u32);

/// Who said that an event failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndedBy {
    /// The agent reported it.
    Agent,
    /// A clock of the service ran out.
    Service,
}

/// One event of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleEvent {
    /// Which.
    pub name: LifecycleEventName,
    /// How it stands.
    #[serde(flatten)]
    pub state: EventState,
}

/// Why an event ended as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// The kind of ending.
    pub error_code: LifecycleErrorCode,
    /// The script at fault as the AppSpec names it, or empty.
    pub script_name: String,
    /// One sentence.
    pub message: String,
    /// The end of the script's output, at most 4,096 bytes.
    pub log_tail: String,
    /// How long each script ran, in run order, at most [`MAX_SCRIPT_TIMES`]. Empty when the agent does not
    /// say. Not part of the API's answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<ScriptTime>,
}

/// The most bytes of a log tail that are kept. Source: service.md §2.10.
pub const MAX_LOG_TAIL_BYTES: usize = 4096;

/// The most scripts of one event whose times are sent and kept: more than any hook has that people wrote, and
/// a few kilobytes.
pub const MAX_SCRIPT_TIMES: usize = 50;

/// The most characters that are kept of a script's location beside its time.
pub const MAX_SCRIPT_LOCATION_CHARS: usize = 128;

/// How long one script of an event ran. Longshore's own; AWS's service knows only whole events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptTime {
    location: String,
    took_ms: u64,
}

impl ScriptTime {
    /// The script at `location` ran for `took`. A location longer than [`MAX_SCRIPT_LOCATION_CHARS`] is cut.
    pub fn new(location: &str, took: Duration) -> ScriptTime {
        ScriptTime {
            location: location.chars().take(MAX_SCRIPT_LOCATION_CHARS).collect(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The script as the AppSpec names it.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// How long it ran, in seconds, exact to the millisecond.
    pub fn seconds(&self) -> f64 {
        self.took_ms as f64 / 1000.0
    }
}

/// The API's lifecycle error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the service's own; agent.md §1.7 tells what each is for")]
pub enum LifecycleErrorCode {
    Success,
    ScriptMissing,
    ScriptNotExecutable,
    ScriptTimedOut,
    ScriptFailed,
    UnknownError,
}

impl LifecycleErrorCode {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            LifecycleErrorCode::Success => "Success",
            LifecycleErrorCode::ScriptMissing => "ScriptMissing",
            LifecycleErrorCode::ScriptNotExecutable => "ScriptNotExecutable",
            LifecycleErrorCode::ScriptTimedOut => "ScriptTimedOut",
            LifecycleErrorCode::ScriptFailed => "ScriptFailed",
            LifecycleErrorCode::UnknownError => "UnknownError",
        }
    }

    /// The code for an agent's `error_code` number. Source: service.md §9.4.
    pub fn from_agent_code(code: i64) -> LifecycleErrorCode {
        match code {
            0 => LifecycleErrorCode::Success,
            1 => LifecycleErrorCode::ScriptMissing,
            2 => LifecycleErrorCode::ScriptNotExecutable,
            3 => LifecycleErrorCode::ScriptTimedOut,
            // 6 is "outputs left open", which the API has no name for.
            4 | 6 => LifecycleErrorCode::ScriptFailed,
            _ => LifecycleErrorCode::UnknownError,
        }
    }
}

impl Diagnostics {
    /// Diagnostics that the service writes itself: no script, no log.
    pub fn by_service(message: impl Into<String>) -> Diagnostics {
        Diagnostics {
            error_code: LifecycleErrorCode::UnknownError,
            script_name: String::new(),
            message: message.into(),
            log_tail: String::new(),
            scripts: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_without_times_are_kept_as_they_were_before_there_were_any() {
        let old = r#"{"error_code":"Success","script_name":"","message":"Succeeded","log_tail":""}"#;
        let read: Diagnostics = serde_json::from_str(old).unwrap();
        assert_eq!(read.scripts, []);
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        let scripts = vec![ScriptTime::new("s/a.sh", Duration::from_millis(1500))];
        let timed = Diagnostics { scripts, ..read };
        let kept = serde_json::to_string(&timed).unwrap();
        assert_eq!(serde_json::from_str::<Diagnostics>(&kept).unwrap(), timed, "{kept}");
    }

    /// service.md §6.1 and §6.2: all events in run order, and the seven of a host without traffic control.
    #[test]
    fn a_host_without_traffic_control_goes_through_seven_events() {
        let all: Vec<&str> = LifecycleEventName::ALL.iter().map(|event| event.as_str()).collect();
        assert_eq!(
            all,
            [
                "BeforeBlockTraffic",
                "BlockTraffic",
                "AfterBlockTraffic",
                "ApplicationStop",
                "DownloadBundle",
                "BeforeInstall",
                "Install",
                "AfterInstall",
                "ApplicationStart",
                "ValidateService",
                "BeforeAllowTraffic",
                "AllowTraffic",
                "AfterAllowTraffic",
            ]
        );
        let in_place: Vec<&str> = IN_PLACE.iter().map(|event| event.as_str()).collect();
        assert_eq!(in_place, all[3..10]);
    }

    /// service.md §9.4, the table; §8: an agent that was started again reports 7.
    #[test]
    fn codes_of_agents_become_codes_of_the_api() {
        for (code, expected) in [
            (0, "Success"),
            (1, "ScriptMissing"),
            (2, "ScriptNotExecutable"),
            (3, "ScriptTimedOut"),
            (4, "ScriptFailed"),
            (5, "UnknownError"),
            (6, "ScriptFailed"),
            (7, "UnknownError"),
            (8, "UnknownError"),
            (-1, "UnknownError"),
        ] {
            assert_eq!(LifecycleErrorCode::from_agent_code(code).as_str(), expected, "{code}");
        }
    }
}
