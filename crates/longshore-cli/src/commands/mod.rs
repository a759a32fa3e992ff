//! One file per verb: flags, then what the verb does.

pub(crate) mod audit;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod deployment;
pub(crate) mod env;
pub(crate) mod events;
pub(crate) mod github;
pub(crate) mod host_ec2;
pub(crate) mod host_token;
pub(crate) mod hosts;
pub(crate) mod notifications;
pub(crate) mod push;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod up;
pub(crate) mod watch;

use std::process::ExitCode;

use longshore_model::deployment::DeploymentStatus;

/// How a command ended; its exit status tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it is for; a deployment that was waited for succeeded.
    Done,
    /// The deployment that was waited for failed.
    DeploymentFailed,
    /// It could not do its work.
    CouldNot,
    /// The deployment that was waited for was stopped.
    DeploymentStopped,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Outcome {
    /// The exit status, as documented in `--help`.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Outcome::Done => 0,
            Outcome::DeploymentFailed => 1,
            Outcome::CouldNot => 2,
            Outcome::DeploymentStopped => 3,
            Outcome::Interrupted => 130,
        })
    }

    /// The outcome of having waited for a deployment that is now in `status`.
    pub(crate) fn of(status: DeploymentStatus) -> Outcome {
        match status {
            DeploymentStatus::Succeeded => Outcome::Done,
            DeploymentStatus::Failed => Outcome::DeploymentFailed,
            DeploymentStatus::Stopped => Outcome::DeploymentStopped,
            // Not final: the waiting was given up.
            DeploymentStatus::Created
            | DeploymentStatus::Queued
            | DeploymentStatus::InProgress
            | DeploymentStatus::Baking => Outcome::Interrupted,
        }
    }
}
