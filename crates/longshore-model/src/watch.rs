//! Who looks on while a deployment runs: alarms that stop it, triggers that tell of it, and the Auto
//! Scaling processes that are suspended meanwhile. Source: service.md §2.4, service-additions.md §3.

use serde::{Deserialize, Serialize};

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
