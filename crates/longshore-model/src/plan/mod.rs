//! Plans: what happens next to a deployment, from a snapshot and `now` alone.
//!
//! The engine reads a snapshot, asks here, commits the answer in one transaction, and asks again
//! when something changed or [`Round::wake_at`] has come.

pub mod begin;
pub mod health;
pub mod in_place;
pub mod late;
pub mod rollback;
pub mod zonal;

pub use self::zonal::ZoneStep;
use crate::deployment::{Deployment, DeploymentError, DeploymentEvent, IllegalTransition};
use crate::target::TargetEvent;
use crate::time::Timestamp;

/// One decision of the planner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something happens to the target at this place in the order.
    Target {
        /// Place in scheduling order.
        position: u32,
        /// What happens to it.
        event: TargetEvent,
    },
    /// The deployment goes from one zone to the next.
    Zone(ZoneStep),
    /// The deployment ends.
    Finish(Ending),
}

/// How a deployment ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Enough hosts succeeded.
    Succeeded,
    /// See the error.
    Failed(DeploymentError),
    /// A stop took effect.
    Stopped(DeploymentError),
}

/// The planner's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// What to do now, in order. Empty when there is nothing to do.
    pub steps: Vec<Step>,
    /// When to ask again even if nothing changes; absent when no clock runs.
    pub wake_at: Option<Timestamp>,
}

impl Ending {
    /// `deployment` as it is after this ending.
    ///
    /// # Errors
    /// [`IllegalTransition`] when it is final already.
    pub fn apply(&self, deployment: &Deployment, now: Timestamp) -> Result<Deployment, IllegalTransition> {
        let (event, error) = match self {
            Ending::Succeeded => (DeploymentEvent::Succeeded, None),
            Ending::Failed(error) => (DeploymentEvent::Failed, Some(error.clone())),
            Ending::Stopped(error) => (DeploymentEvent::Stopped, Some(error.clone())),
        };
        let mut next = deployment.clone();
        next.status = deployment.status.after(event)?;
        next.error = error;
        next.completed_at = Some(now);
        Ok(next)
    }
}
