//! The timeline of a deployment: what happened, when, and why. It is written in the same transaction as
//! what it tells of, so it is never wrong and never incomplete.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::deployment::zones::ZoneRun;
use crate::deployment::{Deployment, DeploymentError, DeploymentStatus, Rollback};
use crate::id::{DeploymentId, HostId, ZoneName};
use crate::lifecycle::{EventState, LifecycleEvent, LifecycleEventName};
use crate::plan::zonal::waits_until;
use crate::plan::{Step, rollback};
use crate::target::{Target, TargetEvent, TargetState, TargetStatus, TargetSummary};
use crate::time::Timestamp;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Whose timeline.
    pub deployment: DeploymentId,
    /// When it happened.
    pub at: Timestamp,
    /// To which host; absent when it concerns the deployment.
    pub host: Option<HostId>,
    /// What happened.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// The deployment has this status now.
    Deployment {
        /// The status.
        status: DeploymentStatus,
        /// Why it failed or was stopped.
        error: Option<DeploymentError>,
    },
    /// Its hosts are counted.
    Counted {
        /// Hosts of the group (N).
        hosts: u32,
        /// How many of them must stay healthy (M).
        minimum: u32,
        /// Targets of the deployment.
        targets: u32,
    },
    /// The hosts of a zone go, one zone after another.
    Zone {
        /// The zone.
        name: ZoneName,
        /// Hosts of the group in it.
        hosts: u32,
        /// How many of them must stay healthy.
        minimum: u32,
        /// Targets of the deployment in it.
        targets: u32,
    },
    /// It is queued: no more may be in progress at the same time.
    WaitsForPlace(PlacesTaken),
    /// After a zone alarms are watched before the next one goes.
    Bakes {
        /// The zone that went.
        zone: ZoneName,
        /// For how many seconds.
        secs: u64,
    },
    /// It is to be stopped.
    StopRequested(String),
    /// The deployment that rolls it back is made.
    RolledBackBy(DeploymentId),
    /// It ended badly and is not rolled back, for this reason.
    NotRolledBack(String),
    /// The deployment that brings hosts up to date that joined meanwhile is made.
    UpdatedBy(DeploymentId),
    /// Hosts begin, because there is room for them.
    HostsBegin {
        /// How many.
        n: u32,
        /// What there was room in.
        room: Room,
    },
    /// Hosts wait until others have ended. The entry's host is the one whose turn is next.
    HostsWait {
        /// How many.
        n: u32,
        /// The place of the next one in scheduling order.
        next: u32,
        /// Why there is no room.
        room: Room,
    },
    /// The host has this status now.
    Host {
        /// The status.
        status: TargetStatus,
        /// The event that failed, with what was said about it.
        failure: Option<HostFailure>,
    },
}

/// What is in progress, and how much may be at the same time: deployments, and hosts of their groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacesTaken {
    /// Deployments in progress.
    pub deployments: u32,
    /// How many there may be.
    pub max_deployments: u32,
    /// Hosts of the deployments in progress.
    pub hosts: u32,
    /// How many there may be.
    pub max_hosts: u32,
}

impl fmt::Display for PlacesTaken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PlacesTaken { deployments, max_deployments, hosts, max_hosts } = self;
        if max_deployments <= deployments {
            write!(formatter, "{deployments} of {max_deployments} deployments are in progress (quota)")
        } else {
            let are = are(*hosts);
            write!(formatter, "{hosts} of {max_hosts} hosts {are} in progress already (quota)")
        }
    }
}

/// How a deployment stood when hosts were let begin or wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Hosts of the group (N), or of the zone that goes, if that has less room.
    pub hosts: u32,
    /// How many of them must stay healthy (M).
    pub minimum: u32,
    /// Hosts that are being deployed to.
    pub in_flight: u32,
    /// Hosts that failed.
    pub failed: u32,
}

/// Why a host failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFailure {
    /// The lifecycle event.
    pub event: LifecycleEventName,
    /// What the agent, or the service, said.
    pub message: String,
}

impl Happening {
    /// Whether nothing of the deployment comes after it.
    pub fn is_end(&self) -> bool {
        match self {
            Happening::Deployment { status, .. } => status.is_final(),
            Happening::RolledBackBy(_) | Happening::NotRolledBack(_) | Happening::UpdatedBy(_) => true,
            Happening::Counted { .. }
            | Happening::Zone { .. }
            | Happening::WaitsForPlace(_)
            | Happening::Bakes { .. }
            | Happening::StopRequested(_)
            | Happening::HostsBegin { .. }
            | Happening::HostsWait { .. }
            | Happening::Host { .. } => false,
        }
    }
}

impl Room {
    fn of(hosts: u32, minimum: u32, targets: &[TargetSummary]) -> Room {
        let of =
            |status: TargetStatus| targets.iter().filter(|target| target.state.status() == status).count();
        let (in_flight, failed) = (of(TargetStatus::InProgress), of(TargetStatus::Failed));
        Room { hosts, minimum, in_flight: count(in_flight), failed: count(failed) }
    }

    fn n_free(&self) -> u32 {
        self.hosts.saturating_sub(self.minimum + self.in_flight + self.failed)
    }
}

impl fmt::Display for Room {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let down = self.in_flight + self.failed;
        write!(formatter, "{down} of {} {} down", self.hosts, are(down))?;
        if 0 < self.failed {
            write!(formatter, " ({} failed)", self.failed)?;
        }
        write!(formatter, ", the minimum is {}", self.minimum)
    }
}

fn n_hosts(n: u32) -> String {
    if n == 1 { String::from("1 host") } else { format!("{n} hosts") }
}

fn are(n: u32) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// For people: one sentence without its time and host.
impl fmt::Display for Happening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Deployment { status, error: None } => formatter.write_str(status.as_str()),
            Happening::Deployment { status, error: Some(error) } => {
                write!(formatter, "{}: {} ({})", status.as_str(), error.message, error.code.as_str())
            }
            Happening::Counted { hosts, minimum, targets } => {
                let (hosts, are) = (n_hosts(*hosts), are(*targets));
                write!(formatter, "{targets} of {hosts} {are} to be deployed to, {minimum} must stay healthy")
            }
            Happening::Zone { name, hosts, minimum, targets } => {
                let (hosts, are) = (n_hosts(*hosts), are(*targets));
                write!(
                    formatter,
                    "zone {name} goes: {targets} of its {hosts} {are} to be deployed to, \
                     {minimum} must stay healthy"
                )
            }
            Happening::StopRequested(why) => write!(formatter, "stop requested: {why}"),
            Happening::WaitsForPlace(taken) => write!(formatter, "waits for a place: {taken}"),
            Happening::Bakes { zone, secs } => {
                write!(
                    formatter,
                    "zone {zone} is done: alarms are watched for {secs} s before the next one goes"
                )
            }
            Happening::RolledBackBy(id) => write!(formatter, "rolled back by {id}"),
            Happening::NotRolledBack(why) => write!(formatter, "not rolled back: {why}"),
            Happening::UpdatedBy(id) => write!(formatter, "hosts that joined meanwhile are updated by {id}"),
            Happening::HostsBegin { n: 1, room } => write!(formatter, "1 host begins: {room}"),
            Happening::HostsBegin { n, room } => write!(formatter, "{n} hosts begin: {room}"),
            Happening::HostsWait { n: 1, room, .. } => write!(formatter, "waits: {room}"),
            Happening::HostsWait { n, room, .. } => {
                write!(formatter, "waits, and {} more: {room}", n.saturating_sub(1))
            }
            Happening::Host { status, failure: None } => formatter.write_str(status.as_str()),
            Happening::Host { status, failure: Some(failure) } => {
                write!(formatter, "{} in {}: {}", status.as_str(), failure.event.as_str(), failure.message)
            }
        }
    }
}

/// What a new deployment's timeline begins with.
pub fn created(deployment: &Deployment) -> TimelineEntry {
    entry(deployment, deployment.created_at, status_of(deployment))
}

/// What a change of a deployment adds to its timeline.
pub fn of_deployment(before: &Deployment, after: &Deployment, now: Timestamp) -> Vec<TimelineEntry> {
    let mut happened: Vec<Happening> = Vec::new();
    if before.stop.is_none()
        && let Some(stop) = &after.stop
    {
        happened.push(Happening::StopRequested(stop.reason.error().message));
    }
    if before.status != after.status {
        happened.push(status_of(after));
    }
    happened.extend(zone_begun(before, after));
    happened.extend(bakes(before, after));
    if !before.status.is_final() && after.status.is_final() {
        happened.extend(what_follows(after));
    }
    happened.into_iter().map(|what| entry(after, now, what)).collect()
}

fn bakes(before: &Deployment, after: &Deployment) -> Option<Happening> {
    if before.status == after.status {
        return None;
    }
    let (zone, _) = after.zones.as_ref()?.present_zone()?;
    let until = waits_until(after)?;
    let since = after.zones.as_ref()?.baking_since?;
    Some(Happening::Bakes { zone: zone.name.clone(), secs: until.since(since).as_secs() })
}

/// What the end of a deployment is followed by.
fn what_follows(ended: &Deployment) -> Vec<Happening> {
    let mut happened: Vec<Happening> =
        ended.late.updates.iter().map(|id| Happening::UpdatedBy(id.clone())).collect();
    match &ended.rollback {
        Some(Rollback::By(id)) => happened.push(Happening::RolledBackBy(id.clone())),
        Some(Rollback::Nowhere) => {
            let why = "no deployment of its group has succeeded before";
            happened.push(Happening::NotRolledBack(why.to_owned()));
        }
        Some(Rollback::Of(_)) | None => {
            let why = rollback::why_not(ended).unwrap_or("its group is gone");
            if ended.status != DeploymentStatus::Succeeded {
                happened.push(Happening::NotRolledBack(why.to_owned()));
            }
        }
    }
    happened
}

/// What the waiting of a deployment for a place adds to its timeline.
pub fn waits_for_place(deployment: &Deployment, taken: PlacesTaken, now: Timestamp) -> TimelineEntry {
    entry(deployment, now, Happening::WaitsForPlace(taken))
}

/// The zone that goes after a change and did not before.
fn zone_begun(before: &Deployment, after: &Deployment) -> Option<Happening> {
    let run = after.zones.as_ref().filter(|_| after.status == DeploymentStatus::InProgress)?;
    if before.zones.as_ref().is_some_and(|before| before.present == run.present) {
        return None;
    }
    let (zone, _) = run.present_zone()?;
    Some(Happening::Zone {
        name: zone.name.clone(),
        hosts: zone.n_hosts,
        minimum: zone.minimum_hosts,
        targets: zone.n_targets,
    })
}

/// What the beginning of a deployment with so many targets adds to its timeline.
pub fn counted(deployment: &Deployment, n_targets: usize, now: Timestamp) -> TimelineEntry {
    let what = Happening::Counted {
        hosts: deployment.n_hosts,
        minimum: deployment.minimum_hosts,
        targets: count(n_targets),
    };
    entry(deployment, now, what)
}

/// What a planned round decides about hosts: how many begin, and how many wait for them.
/// `targets` is the whole deployment before the round.
pub fn decisions(
    deployment: &Deployment,
    targets: &[TargetSummary],
    steps: &[Step],
    now: Timestamp,
) -> Vec<TimelineEntry> {
    let begins = |step: &&Step| matches!(step, Step::Target { event: TargetEvent::Started, .. });
    let n_begin = steps.iter().filter(begins).count();
    if n_begin == 0 {
        return Vec::new();
    }
    let fleet = Room::of(deployment.n_hosts, deployment.minimum_hosts, targets);
    let zone = deployment.zones.as_ref().and_then(ZoneRun::present_zone);
    let zone = zone.and_then(|(zone, places)| Some((zone, targets.get(places)?)));
    // Hosts of later zones wait for their zone and not for room.
    let (room, targets) = match zone {
        None => (fleet, targets),
        Some((zone, targets)) => {
            let in_zone = Room::of(zone.n_hosts, zone.minimum_hosts, targets);
            (if in_zone.n_free() <= fleet.n_free() { in_zone } else { fleet }, targets)
        }
    };
    let mut happened = vec![Happening::HostsBegin { n: count(n_begin), room }];
    let pending = targets.iter().filter(|target| target.state == TargetState::Pending);
    let n_wait = pending.clone().count().saturating_sub(n_begin);
    if let Some(next) = pending.clone().nth(n_begin) {
        let room = Room { in_flight: room.in_flight + count(n_begin), ..room };
        happened.push(Happening::HostsWait { n: count(n_wait), next: next.position, room });
    }
    happened.into_iter().map(|what| entry(deployment, now, what)).collect()
}

/// What a change of a target adds to the timeline; nothing when its status stays.
pub fn of_target(before: TargetStatus, after: &Target) -> Option<TimelineEntry> {
    let status = after.status();
    if before == status {
        return None;
    }
    // The last event that ran: an earlier failure was forgiven.
    let ran = |event: &&LifecycleEvent| !matches!(event.state, EventState::Pending | EventState::Skipped);
    let failure = after.events.iter().rev().find(ran).and_then(|event| match &event.state {
        EventState::Failed { diagnostics, .. } if status == TargetStatus::Failed => {
            Some(HostFailure { event: event.name, message: diagnostics.message.clone() })
        }
        EventState::Failed { .. }
        | EventState::Pending
        | EventState::InProgress { .. }
        | EventState::Succeeded { .. }
        | EventState::Skipped => None,
    });
    Some(TimelineEntry {
        deployment: after.key.deployment.clone(),
        at: after.updated_at,
        host: Some(after.key.host.clone()),
        what: Happening::Host { status, failure },
    })
}

fn status_of(deployment: &Deployment) -> Happening {
    Happening::Deployment { status: deployment.status, error: deployment.error.clone() }
}

fn entry(deployment: &Deployment, at: Timestamp, what: Happening) -> TimelineEntry {
    TimelineEntry { deployment: deployment.id.clone(), at, host: None, what }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::zones::ZoneShare;
    use crate::deployment::{Creator, StopReason, StopRequest};
    use crate::deployment_config::{MinimumHealthyHosts, Zonal};
    use crate::deployment_group::AutoRollback;
    use crate::fixture;
    use crate::lifecycle::Diagnostics;
    use crate::plan::in_place;
    use crate::target::{Clocks, Progress, TargetKey, TargetRules, Waiting};

    const NOW: Timestamp = Timestamp::from_millis(9_000);

    /// States are written P(ending), I(n progress), S(ucceeded), F(ailed).
    fn targets(states: &str) -> Vec<TargetSummary> {
        let progress = Progress { event_idx: 0, waiting: Waiting::Pickup, since: NOW };
        (0..)
            .zip(states.chars())
            .map(|(position, letter)| {
                let state = match letter {
                    'P' => TargetState::Pending,
                    'I' => TargetState::InProgress(progress),
                    'S' => TargetState::Succeeded,
                    _ => TargetState::Failed,
                };
                TargetSummary { position, state }
            })
            .collect()
    }

    fn in_progress(n_hosts: u32, minimum_hosts: u32) -> Deployment {
        Deployment {
            status: DeploymentStatus::InProgress,
            started_at: Some(NOW),
            n_hosts,
            minimum_hosts,
            ..fixture::deployment(MinimumHealthyHosts::AllButOne, NOW)
        }
    }

    #[track_caller]
    fn check(states: &str, minimum: u32, expected: &[&str]) {
        let targets = targets(states);
        let deployment = in_progress(count(targets.len()), minimum);
        let round = in_place::round(&deployment, &targets, &Clocks::default(), NOW);
        let said: Vec<String> = decisions(&deployment, &targets, &round.steps, NOW)
            .iter()
            .map(|entry| entry.what.to_string())
            .collect();
        assert_eq!(said, expected, "{states}");
    }

    #[test]
    fn a_round_says_who_begins_and_who_waits_and_why() {
        check(
            "PPPPPPPPPP",
            8,
            &[
                "2 hosts begin: 0 of 10 are down, the minimum is 8",
                "waits, and 7 more: 2 of 10 are down, the minimum is 8",
            ],
        );
        check(
            "FSIPPPPPPP",
            7,
            &[
                "1 host begins: 2 of 10 are down (1 failed), the minimum is 7",
                "waits, and 5 more: 3 of 10 are down (1 failed), the minimum is 7",
            ],
        );
        check("SP", 1, &["1 host begins: 0 of 2 are down, the minimum is 1"]);
        check("IIPPPPPPPP", 8, &[]);
    }

    /// Three hosts in zone a, which must keep two, and two in zone b.
    fn zonal(present: u32) -> Deployment {
        let share = |name, n_hosts, minimum_hosts| ZoneShare {
            name: ZoneName::parse(name).unwrap(),
            n_hosts,
            minimum_hosts,
            n_targets: n_hosts,
        };
        let zones = vec![share("a", 3, 2), share("b", 2, 0)];
        let run = ZoneRun { zones, present, baking_since: None, baked_millis: 0 };
        Deployment { zones: Some(run), ..in_progress(5, 4) }
    }

    #[test]
    fn a_deployment_by_zones_tells_which_goes_and_why_its_hosts_wait() {
        let said = |entries: Vec<TimelineEntry>| -> Vec<String> {
            entries.iter().map(|entry| entry.what.to_string()).collect()
        };
        let before = Deployment { zones: None, status: DeploymentStatus::Created, ..zonal(0) };
        let zone_a = "zone a goes: 3 of its 3 hosts are to be deployed to, 2 must stay healthy";
        assert_eq!(said(of_deployment(&before, &zonal(0), NOW)), ["InProgress", zone_a]);
        let monitored = Zonal { first_zone_monitor_secs: Some(90), ..Zonal::default() };
        let mut baking = Deployment { status: DeploymentStatus::Baking, zonal: Some(monitored), ..zonal(0) };
        baking.zones.as_mut().expect("zones").baking_since = Some(NOW);
        let watched = "zone a is done: alarms are watched for 90 s before the next one goes";
        assert_eq!(said(of_deployment(&zonal(0), &baking, NOW)), ["Baking", watched]);
        let zone_b = "zone b goes: 2 of its 2 hosts are to be deployed to, 0 must stay healthy";
        assert_eq!(said(of_deployment(&baking, &zonal(1), NOW)), ["InProgress", zone_b]);
        assert_eq!(said(of_deployment(&zonal(0), &zonal(1), NOW)), [zone_b]);

        let decided = |present, states| {
            let (deployment, targets) = (zonal(present), targets(states));
            let round = in_place::round(&deployment, &targets, &Clocks::default(), NOW);
            said(decisions(&deployment, &targets, &round.steps, NOW))
        };
        let of_zone = [
            "1 host begins: 0 of 3 are down, the minimum is 2",
            "waits, and 1 more: 1 of 3 is down, the minimum is 2",
        ];
        assert_eq!(decided(0, "PPPPP"), of_zone);
        let of_fleet =
            ["1 host begins: 0 of 5 are down, the minimum is 4", "waits: 1 of 5 is down, the minimum is 4"];
        assert_eq!(decided(1, "SSSPP"), of_fleet);
    }

    #[test]
    fn a_deployment_tells_what_became_of_it() {
        let before = in_progress(2, 1);
        let stop = StopRequest {
            reason: StopReason::Manual,
            requested_at: NOW,
            was_pending: true,
            rolls_back: None,
        };
        let after = Deployment {
            status: DeploymentStatus::Stopped,
            error: Some(stop.reason.error()),
            stop: Some(stop),
            rollback: Some(Rollback::By(before.id.clone())),
            ..before.clone()
        };
        let said: Vec<String> =
            of_deployment(&before, &after, NOW).iter().map(|entry| entry.what.to_string()).collect();
        assert_eq!(
            said,
            [
                "stop requested: The deployment was stopped by a StopDeployment request.",
                "Stopped: The deployment was stopped by a StopDeployment request. (MANUAL_STOP)",
                "rolled back by d-ABCDEF123",
            ]
        );
        assert_eq!(of_deployment(&after, &after, NOW), []);
        assert_eq!(
            counted(&before, 2, NOW).what.to_string(),
            "2 of 2 hosts are to be deployed to, 1 must stay healthy"
        );
        assert_eq!(
            counted(&in_progress(3, 2), 1, NOW).what.to_string(),
            "1 of 3 hosts is to be deployed to, 2 must stay healthy"
        );
        assert_eq!(
            counted(&in_progress(1, 0), 1, NOW).what.to_string(),
            "1 of 1 host is to be deployed to, 0 must stay healthy"
        );
    }

    #[test]
    fn the_end_of_a_deployment_tells_what_follows_and_what_does_not() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut Deployment), expected: &[&str]) {
            let before = in_progress(2, 1);
            let mut after = Deployment { status: DeploymentStatus::Failed, ..before.clone() };
            change(&mut after);
            let entries = of_deployment(&before, &after, NOW);
            let said: Vec<String> = entries.iter().skip(1).map(|entry| entry.what.to_string()).collect();
            assert_eq!(said, expected);
            assert!(entries.iter().all(|entry| entry.what.is_end()));
        }
        check(|_| {}, &["not rolled back: automatic rollback is off"]);
        check(
            |ended| ended.auto_rollback = AutoRollback { is_enabled: true, events: Vec::new() },
            &["not rolled back: its rule does not list DEPLOYMENT_FAILURE"],
        );
        check(
            |ended| ended.rollback = Some(Rollback::Nowhere),
            &["not rolled back: no deployment of its group has succeeded before"],
        );
        check(|ended| ended.creator = Creator::Rollback, &["not rolled back: it is a rollback itself"]);
        let update = in_progress(1, 1).id;
        check(
            |ended| {
                ended.status = DeploymentStatus::Succeeded;
                ended.late.updates = vec![update];
            },
            &["hosts that joined meanwhile are updated by d-ABCDEF123"],
        );
    }

    #[test]
    fn a_queued_deployment_names_the_quota() {
        let said = |deployments, hosts| {
            let taken = PlacesTaken { deployments, max_deployments: 2, hosts, max_hosts: 50 };
            waits_for_place(&in_progress(1, 1), taken, NOW).what.to_string()
        };
        assert_eq!(said(2, 5), "waits for a place: 2 of 2 deployments are in progress (quota)");
        assert_eq!(said(1, 49), "waits for a place: 49 of 50 hosts are in progress already (quota)");
    }

    /// A failure that was forgiven is not what the host failed of. Source: service.md §6.4.
    #[test]
    fn a_host_names_the_failure_that_ended_it() {
        let candidate = fixture::candidate("h1", None);
        let deployment = in_progress(1, 0);
        let key = TargetKey { deployment: deployment.id, host: candidate.id };
        let events = [LifecycleEventName::ApplicationStop, LifecycleEventName::Install];
        let mut target = Target::new(key, 0, candidate.arn, candidate.principal, &events, NOW);
        let rules = TargetRules {
            is_stopping: false,
            ignore_application_stop_failures: true,
            clocks: Clocks::default(),
        };
        let mut apply = |event: &TargetEvent| {
            let before = target.status();
            target = target.after(event, &rules, NOW).expect("it applies");
            of_target(before, &target).map(|entry| entry.what.to_string())
        };
        let failed = |event_idx, message: &str| TargetEvent::Reported {
            event_idx,
            is_success: false,
            diagnostics: Diagnostics::by_service(message.to_owned()),
        };
        assert_eq!(apply(&TargetEvent::Started).as_deref(), Some("InProgress"));
        assert_eq!(apply(&failed(0, "forgiven")), None);
        assert_eq!(apply(&failed(1, "disk full")).as_deref(), Some("Failed in Install: disk full"));
    }
}
