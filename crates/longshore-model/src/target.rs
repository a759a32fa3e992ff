//! A target: one host within one deployment, its lifecycle events and its present command.
//! Source: service.md §2.10, §5.2, §5.3, §8 and §9.2.
//!
//! A target has at most one host command at a time: the event at [`Progress::event_idx`]. So a
//! command needs no record of its own; its identity is the target and the event's place.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{DeploymentId, HostArn, HostId, PrincipalArn};
use crate::lifecycle::{CommandCopy, Diagnostics, EndedBy, EventState, LifecycleEvent, LifecycleEventName};
use crate::time::Timestamp;

/// Which target: the deployment and the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetKey {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The host's short id, which the API calls target id.
    pub host: HostId,
}

/// One host within one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Which.
    pub key: TargetKey,
    /// Place in scheduling order, from 0.
    pub position: u32,
    /// The host's ARN when the deployment started.
    pub host_arn: HostArn,
    /// Who may take and report its commands.
    pub principal: PrincipalArn,
    /// Where it stands.
    pub state: TargetState,
    /// All events of the plan, in run order, from the start.
    pub events: Vec<LifecycleEvent>,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
}

/// Where a target stands, with what only that state has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state")]
pub enum TargetState {
    /// Not begun.
    Pending,
    /// One of its events is due or running.
    InProgress(Progress),
    /// Final.
    Succeeded,
    /// Final.
    Failed,
    /// Final: never begun, and never will be.
    Skipped,
}

/// The present event of a target in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Index into the target's events.
    pub event_idx: u32,
    /// What is waited for.
    pub waiting: Waiting,
    /// Since when; the clock of service.md §8 runs from here.
    pub since: Timestamp,
}

/// What the service waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// The agent's acknowledgement.
    Pickup,
    /// The agent's report.
    Report,
}

/// A target's state without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the same words as TargetState")]
pub enum TargetStatus {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    Skipped,
}

impl TargetStatus {
    /// All of them.
    pub const ALL: [TargetStatus; 5] = [
        TargetStatus::Pending,
        TargetStatus::InProgress,
        TargetStatus::Succeeded,
        TargetStatus::Failed,
        TargetStatus::Skipped,
    ];

    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            TargetStatus::Pending => "Pending",
            TargetStatus::InProgress => "InProgress",
            TargetStatus::Succeeded => "Succeeded",
            TargetStatus::Failed => "Failed",
            TargetStatus::Skipped => "Skipped",
        }
    }

    /// The status spelled `name`.
    pub fn from_name(name: &str) -> Option<TargetStatus> {
        TargetStatus::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing can happen any more.
    pub fn is_final(self) -> bool {
        match self {
            TargetStatus::Pending | TargetStatus::InProgress => false,
            TargetStatus::Succeeded | TargetStatus::Failed | TargetStatus::Skipped => true,
        }
    }
}

/// What the planner needs to know of a target: small, so that a round over a large fleet is cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetSummary {
    /// Place in scheduling order.
    pub position: u32,
    /// Its state.
    pub state: TargetState,
}

/// The clocks that run on a target. Source: service.md §8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// From a command being available to its acknowledgement.
    pub pickup: Duration,
    /// From the acknowledgement to the report.
    pub event: Duration,
    /// From the start of a deployment to its end.
    pub deployment: Duration,
}

impl Default for Clocks {
    /// The service's values: 5 minutes, 1 hour, 12 hours.
    fn default() -> Clocks {
        Clocks {
            pickup: Duration::from_secs(300),
            event: Duration::from_secs(3600),
            deployment: Duration::from_secs(12 * 3600),
        }
    }
}

impl Progress {
    /// When the present clock runs out.
    pub fn deadline(&self, clocks: &Clocks) -> Timestamp {
        self.since.plus(match self.waiting {
            Waiting::Pickup => clocks.pickup,
            Waiting::Report => clocks.event,
        })
    }
}

/// What a target's deployment says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRules {
    /// No further command is scheduled: the deployment is being stopped or is final.
    pub is_stopping: bool,
    /// A failing stop-side event lets the target go on.
    pub ignore_application_stop_failures: bool,
    /// The clocks in force.
    pub clocks: Clocks,
}

/// What can happen to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetEvent {
    /// The planner lets it begin.
    Started,
    /// The planner decides that it never will.
    Skipped,
    /// The agent took the command of the event at this index.
    Acknowledged {
        /// Index into the target's events.
        event_idx: u32,
        /// The copy of the command that it took.
        copy: CommandCopy,
    },
    /// The agent reported the end of the event at this index.
    Reported {
        /// Index into the target's events.
        event_idx: u32,
        /// Whether it ended well.
        is_success: bool,
        /// What the agent said.
        diagnostics: Diagnostics,
    },
    /// Somebody thinks that the present clock has run out.
    ClockRanOut,
    /// The deployment is being stopped: a command that nobody took is withdrawn.
    Withdrawn,
    /// The deployment's own clock ran out: whatever runs is given up.
    Abandoned,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChange {
    /// This copy of the command was acknowledged before and still runs.
    #[error("the command was acknowledged before")]
    AlreadyAcknowledged,
    /// Another copy of the command was acknowledged before.
    #[error("another copy of the command was acknowledged before")]
    AnotherCopyRuns,
    /// The command's event has ended by a report.
    #[error("the command was reported before")]
    AlreadyReported,
    /// The command was withdrawn, or its clock ran out, or it never was.
    #[error("the command is not the target's present one")]
    NotCurrent,
    /// The clock has not run out.
    #[error("the clock has not run out")]
    NotDue,
    /// The event does not apply to the state.
    #[error("the event does not apply to the target's state")]
    NotApplicable,
}

impl Target {
    /// A target that has not begun, with `events` to run.
    pub fn new(
        key: TargetKey,
        position: u32,
        host_arn: HostArn,
        principal: PrincipalArn,
        events: &[LifecycleEventName],
        now: Timestamp,
    ) -> Target {
        let events =
            events.iter().map(|name| LifecycleEvent { name: *name, state: EventState::Pending }).collect();
        Target { key, position, host_arn, principal, state: TargetState::Pending, events, updated_at: now }
    }

    /// The state without its data.
    pub fn status(&self) -> TargetStatus {
        self.state.status()
    }

    /// The part that the planner looks at.
    pub fn summary(&self) -> TargetSummary {
        TargetSummary { position: self.position, state: self.state }
    }

    /// The target after `event`. The whole table is here; no other code changes a target.
    ///
    /// # Errors
    /// [`NoChange`] when the event changes nothing, with the reason; never a panic, since events
    /// come over the network in any order and any number.
    pub fn after(
        &self,
        event: &TargetEvent,
        rules: &TargetRules,
        now: Timestamp,
    ) -> Result<Target, NoChange> {
        match (self.state, event) {
            (TargetState::Pending, TargetEvent::Started) => Ok(self.at_event(0, rules, now)),
            (TargetState::Pending, TargetEvent::Skipped) => Ok(self.ended(TargetState::Skipped, now)),
            (TargetState::InProgress(progress), TargetEvent::Acknowledged { event_idx, copy }) => {
                self.acknowledged(progress, *event_idx, *copy, rules, now)
            }
            (
                TargetState::InProgress(progress),
                TargetEvent::Reported { event_idx, is_success, diagnostics },
            ) => self.reported(progress, *event_idx, *is_success, diagnostics, rules, now),
            (TargetState::InProgress(progress), TargetEvent::ClockRanOut) => {
                if now < progress.deadline(&rules.clocks) {
                    return Err(NoChange::NotDue);
                }
                Ok(self.failed_by_service(progress, self.clock_message(progress, &rules.clocks), now))
            }
            (TargetState::InProgress(progress), TargetEvent::Withdrawn) => match progress.waiting {
                Waiting::Pickup => Ok(self.ended(TargetState::Failed, now)),
                Waiting::Report => Err(NoChange::NotDue),
            },
            (TargetState::InProgress(progress), TargetEvent::Abandoned) => {
                Ok(self.failed_by_service(progress, String::from("The deployment ran out of time."), now))
            }
            (
                TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped,
                TargetEvent::Acknowledged { event_idx, .. } | TargetEvent::Reported { event_idx, .. },
            ) => Err(self.past_command(*event_idx)),
            (
                TargetState::InProgress(_)
                | TargetState::Succeeded
                | TargetState::Failed
                | TargetState::Skipped,
                TargetEvent::Started | TargetEvent::Skipped,
            )
            | (
                TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped,
                TargetEvent::ClockRanOut | TargetEvent::Withdrawn | TargetEvent::Abandoned,
            ) => Err(NoChange::NotApplicable),
        }
    }

    fn acknowledged(
        &self,
        progress: Progress,
        event_idx: u32,
        copy: CommandCopy,
        rules: &TargetRules,
        now: Timestamp,
    ) -> Result<Target, NoChange> {
        if event_idx != progress.event_idx {
            return Err(self.past_command(event_idx));
        }
        match progress.waiting {
            Waiting::Report => Err(self.taken_command(event_idx, copy)),
            // A command of a deployment that is being stopped is not to be run any more.
            Waiting::Pickup if rules.is_stopping => Err(NoChange::NotCurrent),
            Waiting::Pickup => {
                let mut next = self.clone();
                next.state =
                    TargetState::InProgress(Progress { event_idx, waiting: Waiting::Report, since: now });
                next.updated_at = now;
                next.set_event(event_idx, EventState::InProgress { started_at: now, copy });
                Ok(next)
            }
        }
    }

    /// A report may come for a command that was never acknowledged (the agent could not read its
    /// specification): it counts. Source: service.md §9.2.
    fn reported(
        &self,
        progress: Progress,
        event_idx: u32,
        is_success: bool,
        diagnostics: &Diagnostics,
        rules: &TargetRules,
        now: Timestamp,
    ) -> Result<Target, NoChange> {
        if event_idx != progress.event_idx {
            return Err(self.past_command(event_idx));
        }
        let started_at = match progress.waiting {
            Waiting::Report => Some(progress.since),
            Waiting::Pickup => None,
        };
        let diagnostics = diagnostics.clone();
        let mut next = self.clone();
        next.updated_at = now;
        if is_success {
            let started_at = started_at.unwrap_or(now);
            next.set_event(event_idx, EventState::Succeeded { started_at, ended_at: now, diagnostics });
        } else {
            let by = EndedBy::Agent;
            next.set_event(event_idx, EventState::Failed { started_at, ended_at: now, by, diagnostics });
        }
        let goes_on = is_success
            || (rules.ignore_application_stop_failures
                && self.event(event_idx).is_some_and(|event| event.name.is_stop_side()));
        if !goes_on {
            return Ok(next.ended(TargetState::Failed, now));
        }
        Ok(next.at_event(event_idx + 1, rules, now))
    }

    /// This target with the event at `event_idx` due, or ended if there is none or it may not begin.
    fn at_event(&self, event_idx: u32, rules: &TargetRules, now: Timestamp) -> Target {
        if self.event(event_idx).is_none() {
            return self.ended(TargetState::Succeeded, now);
        }
        if rules.is_stopping {
            return self.ended(TargetState::Failed, now);
        }
        let mut next = self.clone();
        next.state = TargetState::InProgress(Progress { event_idx, waiting: Waiting::Pickup, since: now });
        next.updated_at = now;
        next
    }

    /// This target in a final state; whatever did not begin is skipped.
    fn ended(&self, state: TargetState, now: Timestamp) -> Target {
        let mut next = self.clone();
        next.state = state;
        next.updated_at = now;
        for event in &mut next.events {
            if event.state == EventState::Pending {
                event.state = EventState::Skipped;
            }
        }
        next
    }

    fn failed_by_service(&self, progress: Progress, message: String, now: Timestamp) -> Target {
        let started_at = match progress.waiting {
            Waiting::Report => Some(progress.since),
            Waiting::Pickup => None,
        };
        let mut next = self.clone();
        let diagnostics = Diagnostics::by_service(message);
        let by = EndedBy::Service;
        next.set_event(progress.event_idx, EventState::Failed { started_at, ended_at: now, by, diagnostics });
        next.ended(TargetState::Failed, now)
    }

    fn clock_message(&self, progress: Progress, clocks: &Clocks) -> String {
        match progress.waiting {
            // Source: service.md §8; people and tools match on this text.
            Waiting::Pickup => String::from(
                "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your host and make sure the agent is running and can connect to the CodeDeploy server.",
            ),
            Waiting::Report => format!(
                "The agent acknowledged {} but did not report its end within {} seconds.",
                self.event(progress.event_idx).map_or("the event", |event| event.name.as_str()),
                clocks.event.as_secs_f64(),
            ),
        }
    }

    /// Why the acknowledgement of a command that runs changes nothing. Two copies of one command may be on
    /// their way, after a poll whose answer seemed lost; the agent that took one of them may say so twice,
    /// after an answer that was.
    fn taken_command(&self, event_idx: u32, copy: CommandCopy) -> NoChange {
        match self.event(event_idx).map(|event| &event.state) {
            Some(EventState::InProgress { copy: taken, .. }) if *taken == copy => {
                NoChange::AlreadyAcknowledged
            }
            _ => NoChange::AnotherCopyRuns,
        }
    }

    /// Why a command that is not the present one changes nothing.
    fn past_command(&self, event_idx: u32) -> NoChange {
        match self.event(event_idx).map(|event| &event.state) {
            Some(EventState::Succeeded { .. } | EventState::Failed { by: EndedBy::Agent, .. }) => {
                NoChange::AlreadyReported
            }
            Some(EventState::Failed { by: EndedBy::Service, .. }) => NoChange::NotCurrent,
            Some(EventState::InProgress { .. }) => NoChange::AnotherCopyRuns,
            Some(EventState::Pending | EventState::Skipped) | None => NoChange::NotCurrent,
        }
    }

    /// The event at `event_idx`.
    pub fn event(&self, event_idx: u32) -> Option<&LifecycleEvent> {
        self.events.get(event_idx as usize)
    }

    fn set_event(&mut self, event_idx: u32, state: EventState) {
        if let Some(event) = self.events.get_mut(event_idx as usize) {
            event.state = state;
        }
    }
}

impl TargetState {
    /// The state without its data.
    pub fn status(self) -> TargetStatus {
        match self {
            TargetState::Pending => TargetStatus::Pending,
            TargetState::InProgress(_) => TargetStatus::InProgress,
            TargetState::Succeeded => TargetStatus::Succeeded,
            TargetState::Failed => TargetStatus::Failed,
            TargetState::Skipped => TargetStatus::Skipped,
        }
    }
}

#[cfg(test)]
mod tests;
