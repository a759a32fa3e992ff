//! What hosts do, and what the network does to it.

use longshore_engine::Engine;
use longshore_engine::host_command::{AckAnswer, CommandKey, Connection, HandedOut};
use longshore_model::lifecycle::{CommandCopy, Diagnostics};
use rand::Rng as _;

use super::{Answer, CallKind, Happening, HostStep, World};
use crate::agent::{Nature, Point};
use crate::auditor::HandOutSeen;
use crate::scenario::{N_EVENTS, Servers};
use crate::time::{BEGINNING, ServerRun};

/// How often an agent tries a call again before it gives up.
const MAX_TRIES: u32 = 20;

/// How much the times that servers and agents saw may differ, in milliseconds.
const NEARLY: i64 = 10_000;

/// A host's call that a server carries out.
pub(super) struct HostCall {
    agent: usize,
    life: u32,
    step: HostStep,
    connection: Connection,
    fate: Fate,
}

/// What the network does with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It arrives.
    Arrives,
    /// It is lost, and the server sees the connection break.
    LostAndSeen,
    /// It is lost, and the server knows nothing of it.
    LostUnseen,
}

impl World {
    pub(super) fn plan_step(&mut self, agent: usize, after: u64, step: HostStep) {
        let life = self.agents[agent].life;
        self.queue_in(after, Happening::Host { agent, life, step });
    }

    pub(super) fn host_step(&mut self, agent: usize, life: u32, step: HostStep) {
        if self.agents[agent].life != life || !self.agents[agent].is_up {
            return;
        }
        match step {
            HostStep::Run { key } => self.run_command(agent, key),
            HostStep::Ran { key } => self.has_run(agent, key),
            HostStep::Poll | HostStep::Ack { .. } | HostStep::Report { .. } => self.host_call(agent, step),
        }
    }

    /// Sends a call to any server that is up.
    fn host_call(&mut self, agent: usize, step: HostStep) {
        let now = self.shared.time.now();
        let (name, life) = (self.agents[agent].name.clone(), self.agents[agent].life);
        let is_refused = match self.agents[agent].nature {
            Nature::WrongClock { until } => now < BEGINNING.saturating_add_unsigned(until),
            _ => false,
        };
        let server = self.any_up().filter(|_| !is_refused && !self.happens(|rates| rates.lost_call));
        let Some((server, run, engine)) = server else {
            // Nobody is there, or it is refused at the door, or it is lost on its way.
            return self.try_again(agent, step);
        };
        self.shared.note(format_args!("{name} asks server {server}: {step:?}"));
        let connection = Connection::new();
        let fate = self.fate();
        let host = HostCall { agent, life, step, connection, fate };
        let is_cut = self.happens(|rates| rates.lost_call);
        let (dies_sending, key) = match &host.step {
            HostStep::Ack { key, .. } => (self.agents[agent].dies(key, Point::AckSent), Some(key.clone())),
            HostStep::Report { key, .. } => {
                (self.agents[agent].dies(key, Point::ReportSent), Some(key.clone()))
            }
            HostStep::Poll | HostStep::Run { .. } | HostStep::Ran { .. } => (None, None),
        };
        let call = self.send(server, run, engine, host);
        if is_cut {
            let after = self.draw(0..3_000);
            self.queue_in(after, Happening::Cut { call });
        }
        if let (Some(back_after), Some(key)) = (dies_sending, key) {
            self.agent_dies(agent, &key, back_after);
        }
    }

    fn fate(&mut self) -> Fate {
        if !self.happens(|rates| rates.lost_call) {
            Fate::Arrives
        } else if self.rng.random_bool(0.7) {
            Fate::LostAndSeen
        } else {
            Fate::LostUnseen
        }
    }

    fn send(&mut self, server: usize, run: ServerRun, engine: Engine, host: HostCall) -> u64 {
        let principal = self.agents[host.agent].principal.clone();
        let (step, connection) = (host.step.clone(), host.connection.clone());
        self.call(server, run, CallKind::Host(host), async move {
            match step {
                HostStep::Ack { key, copy, .. } => {
                    Answer::Acknowledged(engine.acknowledge(&principal, &key, copy).await)
                }
                HostStep::Report { key, is_success, .. } => {
                    let said = Diagnostics::by_service(if is_success { "done" } else { "script failed" });
                    Answer::Reported(engine.complete(&principal, &key, is_success, said).await)
                }
                HostStep::Poll | HostStep::Run { .. } | HostStep::Ran { .. } => {
                    Answer::Polled(engine.poll(&principal, Some(String::from("1.0")), &connection).await)
                }
            }
        })
    }

    /// A call came to nothing that its agent knows of: it tries again, like agents do.
    pub(super) fn host_call_failed(&mut self, host: HostCall) {
        if self.agents[host.agent].life == host.life {
            self.try_again(host.agent, host.step);
        }
    }

    fn try_again(&mut self, agent: usize, step: HostStep) {
        let pause = self.draw(300..4_000);
        let step = match step {
            HostStep::Ack { n_tries, .. } | HostStep::Report { n_tries, .. } if MAX_TRIES <= n_tries => {
                return;
            }
            HostStep::Ack { key, copy, n_tries } => HostStep::Ack { key, copy, n_tries: n_tries + 1 },
            HostStep::Report { key, is_success, n_tries } => {
                HostStep::Report { key, is_success, n_tries: n_tries + 1 }
            }
            other => other,
        };
        self.plan_step(agent, pause, step);
    }

    /// The connection of a call breaks, and its server sees it.
    pub(super) fn cut(&mut self, id: u64) {
        let Some(call) = self.calls.remove(&id) else { return };
        let (server, CallKind::Host(host)) = (call.server, call.what) else { return };
        call.task.abort();
        self.count("connection cut");
        self.shared.note(format_args!("the connection of {} breaks", self.agents[host.agent].name));
        self.connection_broke(id, server, call.run, &host);
        self.host_call_failed(host);
    }

    fn connection_broke(&mut self, id: u64, server: usize, run: ServerRun, host: &HostCall) {
        if let Some((present, engine)) = self.engine(server)
            && present == run
        {
            engine.connection_closed(&host.connection);
            self.shared.audit(|auditor| auditor.hand_out_lost(id));
        }
        // Until it is freed elsewhere, somebody may hold what this poll was about to get.
        let held_for = i64::try_from(self.scenario.redelivery.as_millis()).unwrap_or(0);
        self.agents[host.agent].may_be_held_until = self.shared.time.now() + held_for;
    }

    /// A server has carried out a host's call.
    pub(super) fn host_answer(
        &mut self,
        id: u64,
        server: usize,
        run: ServerRun,
        host: HostCall,
        answer: Answer,
    ) {
        let name = self.agents[host.agent].name.clone();
        match (&host.step, answer) {
            (HostStep::Poll, Answer::Polled(Ok(got))) => {
                self.was_heard(host.agent);
                if let Some(HandedOut { command, copy }) = &got {
                    self.shared.note(format_args!("{name} is handed {copy:?} of {:?}", command.key));
                    self.was_handed_out(HandOutSeen { server, run, call: id }, &command.key);
                }
                self.polled(id, server, run, host, got);
            }
            (HostStep::Ack { key, copy, .. }, Answer::Acknowledged(Ok(answer))) => {
                let (key, copy) = (key.clone(), *copy);
                self.shared.note(format_args!("{name} is told {answer:?} of {copy:?} of {key:?}"));
                self.shared.audit(|auditor| auditor.ack_answer(&key, copy, answer));
                self.acknowledged(host, &key, copy, answer);
            }
            (HostStep::Report { key, .. }, Answer::Reported(Ok(()))) => {
                let key = key.clone();
                self.shared.note(format_args!("the report of {name} is taken"));
                self.shared.audit(|auditor| auditor.report_answered(&key));
                match host.fate {
                    Fate::Arrives if self.agents[host.agent].life == host.life => {
                        self.reported(host.agent, key);
                    }
                    Fate::Arrives => {}
                    Fate::LostAndSeen | Fate::LostUnseen => self.host_call_failed(host),
                }
            }
            _ => {
                self.shared.note(format_args!("{name} is refused"));
                self.host_call_failed(host);
            }
        }
    }

    /// A server has answered a poll, and so knows that its host is there.
    fn was_heard(&mut self, agent: usize) {
        let (now, away_after) = (self.shared.time.now(), self.away_after());
        let state = &mut self.agents[agent];
        let silent_since = state.polled_at.replace(now);
        let Some(back_since) = state.back_since.take() else { return };
        if state.is_member && silent_since.is_none_or(|since| away_after <= back_since - since) {
            let principal = state.principal.clone();
            self.count("came late");
            self.shared.audit(|auditor| auditor.came(&principal, back_since));
        }
    }

    /// After how many milliseconds of silence a host was away for sure.
    fn away_after(&self) -> i64 {
        i64::try_from(self.scenario.clocks.pickup.as_millis()).unwrap_or(i64::MAX) + NEARLY
    }

    /// A host was tagged: if it was there for sure it has come to its groups, `at` the earliest.
    pub(super) fn has_joined(&mut self, agent: usize, at: i64) {
        let (now, away_after) = (self.shared.time.now(), self.away_after());
        let state = &mut self.agents[agent];
        state.is_member = true;
        if state.polled_at.is_some_and(|polled_at| now - polled_at < away_after - 2 * NEARLY) {
            let principal = state.principal.clone();
            self.count("joined while it was there");
            self.shared.audit(|auditor| auditor.came(&principal, at));
        }
    }

    fn was_handed_out(&mut self, seen: HandOutSeen, key: &CommandKey) {
        let is_shared = self.scenario.servers != Servers::Alone;
        // Noting it for other servers may take a while, which counts.
        let noted_at = self.shared.hand_outs(|rows| rows.handed_out_at(&key.target));
        let wrong_by = self.scenario.wrong_by[seen.server];
        let at = noted_at.map_or_else(|| self.shared.time.now(), |at| at.millis() - wrong_by);
        let held_for = self.held_for();
        self.shared.audit(|auditor| auditor.handed_out(key, seen, is_shared, (at, held_for)));
    }

    fn held_for(&self) -> i64 {
        i64::try_from(self.scenario.redelivery.as_millis()).unwrap_or(0)
    }

    fn polled(&mut self, id: u64, server: usize, run: ServerRun, host: HostCall, got: Option<HandedOut>) {
        let agent = host.agent;
        let is_there = self.agents[agent].life == host.life && self.agents[agent].is_up;
        let fate = if is_there { host.fate } else { Fate::LostAndSeen };
        if let (Some(HandedOut { command, .. }), Fate::LostAndSeen) = (&got, fate)
            && let Some((present, engine)) = self.engine(server)
            && present == run
        {
            self.count("hand-out lost");
            engine.delivery_lost(&command.key, &host.connection);
            self.shared.audit(|auditor| auditor.hand_out_lost(id));
        }
        if !is_there {
            return;
        }
        let pause = self.draw(0..300);
        self.plan_step(agent, pause, HostStep::Poll);
        let (Some(HandedOut { command, copy }), Fate::Arrives) = (got, fate) else { return };
        let key = command.key;
        if self.agents[agent].keeps_record && self.agents[agent].begun.contains(&key) {
            return self.count("copy dropped by the agent");
        }
        if let Some(back_after) = self.agents[agent].dies(&key, Point::BeforeAck) {
            return self.agent_dies(agent, &key, back_after);
        }
        self.answer_command(agent, &key, copy);
    }

    /// An agent that has got a command goes about it in its way.
    fn answer_command(&mut self, agent: usize, key: &CommandKey, copy: CommandCopy) {
        let pickup = u64::try_from(self.scenario.clocks.pickup.as_millis()).unwrap_or(0);
        let mut after = self.draw(10..1_200);
        match self.agents[agent].nature {
            Nature::Slow => after += self.draw(0..20_000),
            Nature::LateAt { event_idx, is_ack: true } if event_idx == key.event_idx => after += pickup,
            Nature::Twice => {
                let again = self.draw(0..4_000);
                self.plan_step(agent, again, HostStep::Ack { key: key.clone(), copy, n_tries: 0 });
            }
            Nature::OutOfOrder => {
                let before = self.draw(0..after);
                let is_success = self.rng.random_bool(0.5);
                self.plan_step(agent, before, HostStep::Report { key: key.clone(), is_success, n_tries: 0 });
            }
            Nature::Confused => {
                let wrong = CommandKey { event_idx: self.rng.random_range(0..N_EVENTS), ..key.clone() };
                let at = self.draw(0..5_000);
                let step = if self.rng.random_bool(0.5) {
                    HostStep::Ack { key: wrong, copy, n_tries: 0 }
                } else {
                    let is_success = self.rng.random_bool(0.7);
                    HostStep::Report { key: wrong, is_success, n_tries: 0 }
                };
                self.plan_step(agent, at, step);
            }
            Nature::Good
            | Nature::Absent
            | Nature::FailsAt(_)
            | Nature::DiesAt { .. }
            | Nature::LateAt { .. }
            | Nature::WrongClock { .. } => {}
        }
        self.plan_step(agent, after, HostStep::Ack { key: key.clone(), copy, n_tries: 0 });
    }

    fn acknowledged(&mut self, host: HostCall, key: &CommandKey, copy: CommandCopy, answer: AckAnswer) {
        let agent = host.agent;
        let is_there = self.agents[agent].life == host.life && self.agents[agent].is_up;
        let fate = if is_there { host.fate } else { Fate::LostAndSeen };
        match fate {
            Fate::Arrives => {}
            Fate::LostAndSeen | Fate::LostUnseen => {
                self.count("acknowledgement's answer lost");
                return self.host_call_failed(host);
            }
        }
        // An agent that says twice that it takes a copy, because an answer was lost, still has only that one.
        if answer == AckAnswer::InProgress && self.agents[agent].taken.insert((key.clone(), copy)) {
            let after = self.draw(0..200);
            self.plan_step(agent, after, HostStep::Run { key: key.clone() });
        }
    }

    fn run_command(&mut self, agent: usize, key: CommandKey) {
        if let Some(back_after) = self.agents[agent].dies(&key, Point::BeforeRun) {
            return self.agent_dies(agent, &key, back_after);
        }
        let state = &mut self.agents[agent];
        if !state.begun.insert(key.clone()) && state.keeps_record {
            return self.count("copy dropped by the agent");
        }
        if state.keeps_record {
            state.unreported.insert(key.clone());
        }
        let name = state.name.clone();
        self.shared.note(format_args!("{name} runs {key:?}"));
        self.shared.audit(|auditor| auditor.runs(&key));
        self.count("command run");
        let event = u64::try_from(self.scenario.clocks.event.as_millis()).unwrap_or(0);
        let mut takes = self.draw(50..3_000);
        match self.agents[agent].nature {
            Nature::Slow => takes += self.draw(0..15_000),
            Nature::LateAt { event_idx, is_ack: false } if event_idx == key.event_idx => takes += event,
            _ => {}
        }
        if let Some(back_after) = self.agents[agent].dies(&key, Point::InRun) {
            return self.agent_dies(agent, &key, back_after);
        }
        self.plan_step(agent, takes, HostStep::Ran { key });
    }

    fn has_run(&mut self, agent: usize, key: CommandKey) {
        if let Some(back_after) = self.agents[agent].dies(&key, Point::BeforeReport) {
            return self.agent_dies(agent, &key, back_after);
        }
        let is_success = self.agents[agent].nature != Nature::FailsAt(key.event_idx);
        let step = HostStep::Report { key, is_success, n_tries: 0 };
        if self.agents[agent].nature == Nature::Twice {
            let again = self.draw(0..2_000);
            self.plan_step(agent, again, step.clone());
        }
        self.host_step(agent, self.agents[agent].life, step);
    }

    fn reported(&mut self, agent: usize, key: CommandKey) {
        self.agents[agent].unreported.remove(&key);
    }

    fn agent_dies(&mut self, agent: usize, key: &CommandKey, back_after: Option<u64>) {
        let state = &mut self.agents[agent];
        state.life += 1;
        state.is_up = false;
        self.shared.note(format_args!("{} dies at {key:?}", state.name));
        self.count("agent's death");
        // Its connections break, sooner or later.
        let open: Vec<u64> = self
            .calls
            .iter()
            .filter(|(_, call)| matches!(&call.what, CallKind::Host(host) if host.agent == agent))
            .map(|(id, _)| *id)
            .collect();
        for call in open {
            let after = self.draw(0..2_000);
            self.queue_in(after, Happening::Cut { call });
        }
        if let Some(after) = back_after {
            self.queue_in(after, Happening::ComeBack { agent });
        }
    }

    /// An agent is started again: what its record says was cut off has failed. Source: service.md §8.
    pub(super) fn come_back(&mut self, agent: usize) {
        let now = self.shared.time.now();
        let state = &mut self.agents[agent];
        state.is_up = true;
        state.back_since = Some(now);
        let cut_off: Vec<CommandKey> = std::mem::take(&mut state.unreported).into_iter().collect();
        let n_polls = state.wanted_polls();
        self.shared.note(format_args!("{} comes back", self.agents[agent].name));
        for key in cut_off {
            let after = self.draw(0..2_000);
            self.plan_step(agent, after, HostStep::Report { key, is_success: false, n_tries: 0 });
        }
        for _ in 0..n_polls {
            let after = self.draw(0..3_000);
            self.plan_step(agent, after, HostStep::Poll);
        }
    }

    /// Has the auditor look for commands and deployments that wait for nothing.
    pub(super) fn look_for_standstill(&mut self) {
        let held_for = self.held_for();
        let is_anybody_up = !self.up().is_empty();
        self.shared.audit(|auditor| {
            if !is_anybody_up {
                auditor.unsettled();
            }
            auditor.look_for_standstill();
            for call in self.calls.values() {
                let CallKind::Host(host) = &call.what else { continue };
                let HostStep::Poll = host.step else { continue };
                let agent = &self.agents[host.agent];
                if agent.life == host.life && agent.is_up {
                    auditor.look_at_poll(&agent.principal, call.since, held_for, agent.may_be_held_until);
                }
            }
        });
    }
}
