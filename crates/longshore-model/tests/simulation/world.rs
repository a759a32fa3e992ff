//! One random fleet on its way through one deployment.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use longshore_model::deployment::{Deployment, StopReason, StopRequest};
use longshore_model::deployment_config::{MinimumHealthyHosts, Zonal};
use longshore_model::fixture;
use longshore_model::host::HostHealth;
use longshore_model::lifecycle::{CommandCopy, Diagnostics};
use longshore_model::plan::begin::{Candidate, begin};
use longshore_model::plan::{Step, in_place};
use longshore_model::target::{
    Clocks, NoChange, Target, TargetEvent, TargetRules, TargetState, TargetSummary, Waiting,
};
use longshore_model::time::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::auditor::Auditor;
use crate::zones::ZoneAuditor;

/// How a host misbehaves, fixed for the run.
#[derive(Clone, Copy, Debug)]
enum Nature {
    /// Does as told.
    Good,
    /// Its script fails at this event.
    FailsAt(u32),
    /// Never polls.
    Absent,
    /// Dies after taking this event's command; never comes back.
    DiesAt(u32),
    /// Dies after taking this event's command; comes back later and reports that it failed.
    RestartsAt(u32),
    /// Polls again before acknowledging, so that it holds two copies; repeats every report.
    Stutters,
    /// Reports after the clock has run out.
    Late(u32),
    /// Sends reports and acknowledgements for events at random, whether they are due or not.
    Confused,
}

/// Something that will happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Round,
    StaleRound,
    Poll { host: usize },
    Ack { host: usize, event_idx: u32 },
    Report { host: usize, event_idx: u32, is_success: bool },
    Stop,
}

pub(crate) struct World {
    rng: StdRng,
    now: Timestamp,
    clocks: Clocks,
    deployment: Deployment,
    targets: Vec<Target>,
    natures: Vec<Nature>,
    queue: BinaryHeap<Reverse<(Timestamp, u64, Happening)>>,
    n_queued: u64,
    /// A snapshot that a slow planner still holds, with the generation it saw.
    slow: Option<(u64, Deployment, Vec<TargetSummary>)>,
    generation: u64,
    auditor: Auditor,
    trace: Vec<String>,
}

const N_EVENTS: u32 = 7;

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let mut rng = StdRng::seed_from_u64(seed);
        let n_hosts = rng.random_range(1..=24_usize);
        let candidates = random_candidates(&mut rng, n_hosts);
        let now = Timestamp::from_millis(0);
        let clocks = Clocks {
            pickup: Duration::from_secs(300),
            event: Duration::from_secs(3600),
            deployment: Duration::from_secs(if rng.random_bool(0.05) { 1800 } else { 12 * 3600 }),
        };
        let deployment = random_deployment(&mut rng, n_hosts, now);
        let zones = ZoneAuditor::new(&deployment, &candidates);
        let beginning = begin(&deployment, candidates, 1000, now).expect("a new deployment begins");
        let misfortune = if rng.random_bool(0.5) { 0.1 } else { 0.5 };
        let natures =
            beginning.targets.iter().map(|_| random_nature(&mut rng, misfortune)).collect::<Vec<_>>();
        let mut world = World {
            rng,
            now,
            clocks,
            deployment: beginning.deployment,
            targets: beginning.targets,
            natures,
            queue: BinaryHeap::new(),
            n_queued: 0,
            slow: None,
            generation: 0,
            auditor: Auditor::new(zones),
            trace: Vec::new(),
        };
        world.queue_in(0, Happening::Round);
        if world.rng.random_bool(0.15) {
            let at = world.rng.random_range(0..2_000_000);
            world.queue_in(at, Happening::Stop);
        }
        world
    }

    /// Runs to the end of the deployment and a while beyond, and answers what happened.
    pub(crate) fn run(mut self) -> Vec<String> {
        self.auditor.world(&self.deployment, &self.targets, self.now);
        while let Some(Reverse((at, _, happening))) = self.queue.pop() {
            self.now = at;
            self.happen(happening);
        }
        self.auditor.ended(&self.deployment, &self.targets);
        let ending = match &self.deployment.error {
            Some(error) => error.code.as_str(),
            None => self.deployment.status.as_str(),
        };
        self.trace.push(format!("ended {ending}"));
        self.trace
    }

    fn happen(&mut self, happening: Happening) {
        self.trace.push(format!("{} {happening:?}", self.now.millis()));
        match happening {
            Happening::Round => self.round(),
            Happening::StaleRound => self.stale_round(),
            Happening::Poll { host } => self.poll(host),
            Happening::Ack { host, event_idx } => self.acknowledge(host, event_idx),
            Happening::Report { host, event_idx, is_success } => self.report(host, event_idx, is_success),
            Happening::Stop => self.stop(),
        }
    }

    fn queue_in(&mut self, millis: u64, happening: Happening) {
        self.n_queued += 1;
        let at = self.now.plus(Duration::from_millis(millis));
        self.queue.push(Reverse((at, self.n_queued, happening)));
    }

    // --- the control plane, as the engine plays it

    fn round(&mut self) {
        if self.deployment.status.is_final() {
            return;
        }
        let summaries: Vec<TargetSummary> = self.targets.iter().map(Target::summary).collect();
        if self.slow.is_none() && self.rng.random_bool(0.1) {
            self.slow = Some((self.generation, self.deployment.clone(), summaries.clone()));
            let delay = self.rng.random_range(0..600_000);
            self.queue_in(delay, Happening::StaleRound);
        }
        let deployment = self.deployment.clone();
        self.plan_and_commit(self.generation, deployment, &summaries);
    }

    /// A second server plans from what it read long ago.
    fn stale_round(&mut self) {
        if let Some((seen, deployment, summaries)) = self.slow.take() {
            self.plan_and_commit(seen, deployment, &summaries);
        }
    }

    fn plan_and_commit(&mut self, seen: u64, deployment: Deployment, summaries: &[TargetSummary]) {
        let round = in_place::round(&deployment, summaries, &self.clocks, self.now);
        if let Some(wake_at) = round.wake_at
            && !deployment.status.is_final()
        {
            let wait = wake_at.since(self.now).as_millis();
            self.queue_in(u64::try_from(wait).expect("a short wait").max(1), Happening::Round);
        }
        if !round.steps.is_empty() {
            self.commit(seen, deployment, round.steps);
        }
    }

    /// All steps or none, as the store promises.
    fn commit(&mut self, seen: u64, mut deployment: Deployment, steps: Vec<Step>) {
        if seen != self.generation {
            self.queue_in(1, Happening::Round);
            return;
        }
        let mut events = Vec::new();
        for step in steps {
            match step {
                Step::Target { position, event } => events.push((position, event)),
                Step::Zone(zone) => {
                    self.trace.push(format!("{} {zone:?}", self.now.millis()));
                    deployment = zone.apply(&deployment, self.now).expect("a planner takes zones in turn");
                }
                Step::Finish(ending) => {
                    deployment = ending.apply(&deployment, self.now).expect("a planner ends once");
                }
            }
        }
        let rules = self.rules(&deployment);
        let mut targets = self.targets.clone();
        for (position, event) in &events {
            let target = &mut targets[*position as usize];
            match target.after(event, &rules, self.now) {
                Ok(changed) => *target = changed,
                Err(_) => {
                    self.queue_in(1, Happening::Round);
                    return;
                }
            }
        }
        for (before, after) in self.targets.iter().zip(&targets) {
            if before != after {
                Auditor::target_changed(before, after);
            }
        }
        let started: Vec<usize> = events
            .iter()
            .filter(|(_, event)| *event == TargetEvent::Started)
            .map(|(position, _)| *position as usize)
            .collect();
        self.targets = targets;
        self.deployment = deployment;
        self.generation += 1;
        self.auditor.world(&self.deployment, &self.targets, self.now);
        for host in started {
            self.command_is_there(host);
        }
        if !self.deployment.status.is_final() {
            self.queue_in(1, Happening::Round);
        }
    }

    fn stop(&mut self) {
        if self.deployment.status.is_final() {
            return;
        }
        let mut stopping = self.deployment.clone();
        stopping.stop = Some(StopRequest {
            reason: StopReason::Manual,
            requested_at: self.now,
            was_pending: false,
            rolls_back: None,
        });
        let summaries: Vec<TargetSummary> = self.targets.iter().map(Target::summary).collect();
        let round = in_place::round(&stopping, &summaries, &self.clocks, self.now);
        self.commit(self.generation, stopping, round.steps);
    }

    fn rules(&self, deployment: &Deployment) -> TargetRules {
        TargetRules {
            is_stopping: deployment.stop.is_some() || deployment.status.is_final(),
            ignore_application_stop_failures: deployment.ignore_application_stop_failures,
            clocks: self.clocks,
        }
    }

    fn apply(&mut self, host: usize, event: &TargetEvent) -> Result<(), NoChange> {
        let rules = self.rules(&self.deployment);
        let after = self.targets[host].after(event, &rules, self.now)?;
        Auditor::target_changed(&self.targets[host], &after);
        self.targets[host] = after;
        self.auditor.world(&self.deployment, &self.targets, self.now);
        Ok(())
    }

    // --- the hosts

    fn command_is_there(&mut self, host: usize) {
        let delay = self.rng.random_range(1..2_000);
        match self.natures[host] {
            Nature::Absent => {}
            Nature::Stutters => {
                self.queue_in(delay, Happening::Poll { host });
                self.queue_in(delay + 1, Happening::Poll { host });
            }
            Nature::Good
            | Nature::FailsAt(_)
            | Nature::DiesAt(_)
            | Nature::RestartsAt(_)
            | Nature::Late(_)
            | Nature::Confused => self.queue_in(delay, Happening::Poll { host }),
        }
    }

    /// The host gets its present command, if it has one that waits.
    fn poll(&mut self, host: usize) {
        let TargetState::InProgress(progress) = self.targets[host].state else {
            return;
        };
        if progress.waiting == Waiting::Report {
            return;
        }
        if let Nature::Confused = self.natures[host] {
            let event_idx = self.rng.random_range(0..N_EVENTS + 2);
            let is_success = self.rng.random_bool(0.5);
            self.queue_in(3, Happening::Report { host, event_idx, is_success });
            self.queue_in(7, Happening::Ack { host, event_idx });
        }
        let delay = self.rng.random_range(1..100);
        self.queue_in(delay, Happening::Ack { host, event_idx: progress.event_idx });
    }

    /// The host acknowledges, and runs the command only if it is told to.
    fn acknowledge(&mut self, host: usize, event_idx: u32) {
        if self.apply(host, &TargetEvent::Acknowledged { event_idx, copy: CommandCopy(1) }).is_err() {
            return;
        }
        self.auditor.command_runs(host, event_idx);
        let takes = self.rng.random_range(10..20_000);
        let report = |is_success| Happening::Report { host, event_idx, is_success };
        match self.natures[host] {
            Nature::DiesAt(at) if at == event_idx => {}
            Nature::RestartsAt(at) if at == event_idx => {
                let away = self.rng.random_range(5_000..5_000_000);
                self.queue_in(away, report(false));
            }
            Nature::Late(at) if at == event_idx => self.queue_in(4_000_000, report(true)),
            Nature::FailsAt(at) if at == event_idx => self.queue_in(takes, report(false)),
            Nature::Stutters => {
                self.queue_in(takes, report(true));
                // Unmodified agents repeat a failure; this one also contradicts itself.
                self.queue_in(takes + 3, report(false));
            }
            Nature::Good
            | Nature::FailsAt(_)
            | Nature::Absent
            | Nature::DiesAt(_)
            | Nature::RestartsAt(_)
            | Nature::Late(_)
            | Nature::Confused => self.queue_in(takes, report(true)),
        }
    }

    fn report(&mut self, host: usize, event_idx: u32, is_success: bool) {
        let diagnostics = Diagnostics::by_service(if is_success { "Succeeded" } else { "script failed" });
        let event = TargetEvent::Reported { event_idx, is_success, diagnostics };
        if self.apply(host, &event).is_err() {
            return;
        }
        match self.targets[host].state {
            TargetState::InProgress(_) => self.command_is_there(host),
            TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => {
                let delay = self.rng.random_range(0..50);
                self.queue_in(delay, Happening::Round);
            }
        }
    }
}

fn random_nature(rng: &mut StdRng, misfortune: f64) -> Nature {
    if !rng.random_bool(misfortune) {
        return Nature::Good;
    }
    let at = rng.random_range(0..N_EVENTS);
    match rng.random_range(0..7) {
        0 => Nature::FailsAt(at),
        1 => Nature::Absent,
        2 => Nature::DiesAt(at),
        3 => Nature::RestartsAt(at),
        4 => Nature::Stutters,
        5 => Nature::Late(at),
        _ => Nature::Confused,
    }
}

/// Half of the fleets are on-premises, most others of EC2 alone, some mixed.
fn random_candidates(rng: &mut StdRng, n_hosts: usize) -> Vec<Candidate> {
    let share_of_ec2 = match rng.random_range(0..10) {
        0..5 => 0.0,
        5..9 => 1.0,
        _ => 0.8,
    };
    let n_zones = rng.random_range(1..=4);
    let is_ec2: Vec<bool> = (0..n_hosts).map(|_| rng.random_bool(share_of_ec2)).collect();
    is_ec2
        .into_iter()
        .enumerate()
        .map(|(idx, is_ec2)| {
            let candidate = random_candidate(rng, idx);
            if !is_ec2 {
                return candidate;
            }
            let zone = ["a", "b", "c", "d"][rng.random_range(0..n_zones)];
            Candidate::ec2(fixture::ec2_instance(&format!("i-{idx:08}"), zone), candidate.health)
        })
        .collect()
}

/// Two of three configs go zone by zone, if the fleet can.
fn random_zonal(rng: &mut StdRng) -> Option<Zonal> {
    let secs = |rng: &mut StdRng| rng.random_bool(0.6).then(|| rng.random_range(0..4_000));
    let zonal = Zonal {
        first_zone_monitor_secs: secs(rng),
        monitor_secs: secs(rng),
        minimum_healthy_hosts_per_zone: match rng.random_range(0..3) {
            0 => None,
            1 => Some(MinimumHealthyHosts::HostCount(rng.random_range(0..3))),
            _ => Some(MinimumHealthyHosts::FleetPercent(rng.random_range(0..70))),
        },
    };
    rng.random_bool(0.67).then_some(zonal)
}

fn random_candidate(rng: &mut StdRng, idx: usize) -> Candidate {
    let installed = match rng.random_range(0..3) {
        0 => None,
        1 => Some(fixture::revision("v1.zip")),
        _ => Some(fixture::revision("v2.zip")),
    };
    let health = rng.random_bool(0.8).then(|| HostHealth { is_healthy: rng.random_bool(0.7), installed });
    fixture::candidate(&format!("h{idx:02}"), health)
}

fn random_deployment(rng: &mut StdRng, n_hosts: usize, now: Timestamp) -> Deployment {
    let rule = match rng.random_range(0..5) {
        0 => MinimumHealthyHosts::HostCount(rng.random_range(0..=u32::try_from(n_hosts).expect("small"))),
        1 => MinimumHealthyHosts::FleetPercent(rng.random_range(0..=99)),
        2 => MinimumHealthyHosts::FleetPercent(0),
        3 => MinimumHealthyHosts::Half,
        _ => MinimumHealthyHosts::AllButOne,
    };
    Deployment {
        ignore_application_stop_failures: rng.random_bool(0.3),
        update_outdated_instances_only: rng.random_bool(0.2),
        zonal: random_zonal(rng),
        ..fixture::deployment(rule, now)
    }
}
