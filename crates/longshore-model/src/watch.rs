//! Who looks on while a deployment runs: alarms that stop it, triggers that tell of it, and the Auto
//! Scaling processes that are suspended meanwhile. Source: service.md §2.4, service-additions.md §3.

use serde::{Deserialize, Serialize};

use crate::deployment::StopReason;

/// Alarms that stop a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarms {
    /// Off keeps the list and ignores it.
    pub is_enabled: bool,
    /// A deployment goes on when an alarm cannot be read.
    pub ignore_poll_failure: bool,
    /// Unique, in the order given.
    pub names: Vec<String>,
}

/// How an alarm stands. Source: service.md §2.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It is active.
    Alarm,
    /// Nobody knows, which is not active. Source: service.md §7.5.
    InsufficientData,
}

impl Alarms {
    /// Why a deployment is to be stopped when the alarms stand like this, in the order of their names:
    /// an error says why one cannot be read. `None` when it may go on. Source: service.md §7.5.
    pub fn stop_reason(&self, states: &[Result<AlarmState, String>]) -> Option<StopReason> {
        let known = || self.names.iter().zip(states);
        let active: Vec<String> = known()
            .filter(|(_, state)| **state == Ok(AlarmState::Alarm))
            .map(|(name, _)| name.clone())
            .collect();
        if !active.is_empty() {
            return Some(StopReason::AlarmActive(active));
        }
        if self.ignore_poll_failure {
            return None;
        }
        known().find_map(|(name, state)| {
            let why = state.clone().err()?;
            Some(StopReason::AlarmUnreadable { alarm: name.clone(), why })
        })
    }
}

/// Tells somebody of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Unique in the group.
    pub name: String,
    /// An SNS topic's ARN, or an `https://` URL.
    pub target: String,
    /// Which events; at least one, none twice.
    pub events: Vec<TriggerEvent>,
}

/// Makes an enum whose values have the names that the API spells.
macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$value_doc])* $value,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$value,)*];

            /// As the API spells it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => stringify!($value),)*
                }
            }

            /// The one spelled `name`; case matters.
            pub fn from_name(name: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}

named_enum! {
    /// What a trigger may be told of. Source: service.md §10.1.
    TriggerEvent {
        /// A deployment was accepted.
        DeploymentStart,
        /// It succeeded.
        DeploymentSuccess,
        /// It failed.
        DeploymentFailure,
        /// It was stopped.
        DeploymentStop,
        /// A rollback began.
        DeploymentRollback,
        /// Its replacement hosts are ready.
        DeploymentReady,
        /// A host began.
        InstanceStart,
        /// A host succeeded.
        InstanceSuccess,
        /// A host failed.
        InstanceFailure,
        /// A replacement host is ready.
        InstanceReady,
    }
}

named_enum! {
    /// A process of an Auto Scaling group that can be suspended while a deployment runs.
    ScalingProcess {
        /// Ends instances.
        Terminate,
        /// Moves instances between zones.
        AZRebalance,
        /// Replaces instances.
        InstanceRefresh,
        /// Scales at planned times.
        ScheduledActions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// States are written `o`k, `a`larm, `n` (not enough data), `u`nreadable, of the alarms a, b, c.
    #[track_caller]
    fn check(ignore_poll_failure: bool, states: &str, expected: Option<&str>) {
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let alarms = Alarms { is_enabled: true, ignore_poll_failure, names };
        let states: Vec<Result<AlarmState, String>> = states
            .chars()
            .map(|letter| match letter {
                'o' => Ok(AlarmState::Ok),
                'a' => Ok(AlarmState::Alarm),
                'n' => Ok(AlarmState::InsufficientData),
                _ => Err(String::from("no answer")),
            })
            .collect();
        let message = alarms.stop_reason(&states).map(|reason| reason.error().message);
        let ending = message.as_deref().map(|text| text.split_once("stopped").map_or(text, |(_, end)| end));
        assert_eq!(ending, expected, "{states:?}");
    }

    /// service.md §7.5, and §5.5 for the text.
    #[test]
    fn an_active_alarm_stops_and_so_does_one_that_cannot_be_read() {
        check(false, "ooo", None);
        check(false, "non", None);
        check(false, "oao", Some(". Activated alarms: <b>"));
        check(false, "aua", Some(". Activated alarms: <a> <c>"));
        let unreadable = " because the alarm <b> cannot be read: no answer. With ignorePollAlarmFailure a \
                          deployment goes on without it.";
        check(false, "ouu", Some(unreadable));
        check(true, "ouu", None);
        check(true, "oua", Some(". Activated alarms: <c>"));
    }

    /// service.md §10.1 and service-additions.md §3.
    #[test]
    fn names_are_read_as_they_are_written() {
        for event in TriggerEvent::ALL {
            assert_eq!(TriggerEvent::from_name(event.as_str()), Some(*event));
        }
        for process in ScalingProcess::ALL {
            assert_eq!(ScalingProcess::from_name(process.as_str()), Some(*process));
        }
        assert_eq!(TriggerEvent::from_name("deploymentstart"), None);
        assert_eq!(ScalingProcess::from_name("Launch"), None);
    }
}
