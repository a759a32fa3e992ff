//! Servers: their starts and ends, how their calls to the store fare, what they hear of each other.

use std::sync::Arc;

use longshore_engine::{Engine, EngineConfig, Quotas};
use longshore_store::News;
use rand::Rng as _;

use super::{Answer, CallKind, Happening, World, outside};
use crate::gate::{Kind, Verdict};
use crate::scenario::Servers;
use crate::store::SimulatedStore;
use crate::time::{ServerClock, ServerRun};

/// One server, through all its lives.
pub(super) struct Server {
    pub(super) run: ServerRun,
    pub(super) state: ServerState,
    store: Option<Arc<SimulatedStore>>,
}

pub(super) enum ServerState {
    Down,
    Starting,
    Up(Engine),
    Stopping,
}

impl Server {
    pub(super) fn new() -> Server {
        Server { run: ServerRun(0), state: ServerState::Down, store: None }
    }
}

impl World {
    /// The servers that take calls.
    pub(super) fn up(&self) -> Vec<usize> {
        let is_up = |server: &Server| matches!(server.state, ServerState::Up(_));
        (0..self.servers.len()).filter(|server| is_up(&self.servers[*server])).collect()
    }

    /// Any server that takes calls.
    pub(super) fn any_up(&mut self) -> Option<(usize, ServerRun, Engine)> {
        let up = self.up();
        if up.is_empty() {
            return None;
        }
        let chosen = up[self.draw(0..up.len() as u64) as usize];
        self.engine(chosen).map(|(run, engine)| (chosen, run, engine))
    }

    pub(super) fn engine(&self, server: usize) -> Option<(ServerRun, Engine)> {
        let server = &self.servers[server];
        match &server.state {
            ServerState::Up(engine) => Some((server.run, engine.clone())),
            ServerState::Down | ServerState::Starting | ServerState::Stopping => None,
        }
    }

    pub(super) fn engine_config(&self, server: usize) -> EngineConfig {
        let scenario = &self.scenario;
        EngineConfig {
            server_id: format!("server-{server}"),
            clocks: scenario.clocks,
            poll_hold: scenario.poll_hold,
            redelivery: scenario.redelivery,
            quotas: Quotas {
                concurrent_deployments: scenario.places.deployments,
                concurrent_hosts: scenario.places.hosts,
                ..Quotas::default()
            },
            ..EngineConfig::default()
        }
    }

    pub(super) fn start(&mut self, server: usize) {
        self.n_runs += 1;
        let run = ServerRun(self.n_runs);
        self.shared.note(format_args!("server {server} starts ({run:?})"));
        self.shared.audit(|auditor| auditor.unsettled());
        let is_shared = self.scenario.servers != Servers::Alone;
        let store = SimulatedStore::new(self.store.clone(), Arc::clone(&self.shared), run, is_shared);
        let store = Arc::new(store);
        let wrong_by = self.scenario.wrong_by[server];
        let clock = Arc::new(ServerClock { time: Arc::clone(&self.shared.time), run, wrong_by });
        let outside = outside::outside(&self.shared.time, &self.random, self.scenario.alarm);
        let config = self.engine_config(server);
        self.servers[server] = Server { run, state: ServerState::Starting, store: Some(Arc::clone(&store)) };
        self.call(server, run, CallKind::Start, async move {
            Answer::Started(Engine::start(store, clock, outside, config).await.map_err(|e| e.to_string()))
        });
    }

    pub(super) fn started(&mut self, server: usize, started: Result<Engine, String>) {
        self.shared.audit(|auditor| auditor.unsettled());
        match started {
            Ok(engine) => {
                self.shared.note(format_args!("server {server} is up"));
                self.servers[server].state = ServerState::Up(engine);
            }
            // Its process ends with an error, and is started again.
            Err(error) => {
                self.shared.note(format_args!("server {server} does not start: {error}"));
                self.count("failed start");
                self.die(server);
            }
        }
    }

    /// Lets a server end in order, if it is up.
    pub(super) fn shut_down(&mut self, server: usize) {
        let Some((run, engine)) = self.engine(server) else { return };
        self.shared.note(format_args!("server {server} shuts down"));
        self.shared.audit(|auditor| auditor.unsettled());
        self.count("shutdown");
        self.servers[server].state = ServerState::Stopping;
        self.call(server, run, CallKind::ShutDown, async move {
            engine.shutdown().await;
            Answer::WasShutDown
        });
    }

    pub(super) fn was_shut_down(&mut self, server: usize) {
        self.die(server);
    }

    /// A server is gone at once, with everything that it had in memory and in hand.
    pub(super) fn die(&mut self, server: usize) {
        let run = self.servers[server].run;
        self.shared.note(format_args!("server {server} is gone ({run:?})"));
        self.shared.audit(|auditor| auditor.unsettled());
        self.shared.gate.forget(run);
        self.shared.time.forget(run);
        self.servers[server] = Server { run, state: ServerState::Down, store: None };
        let cut: Vec<u64> =
            self.calls.iter().filter(|(_, call)| call.run == run).map(|(id, _)| *id).collect();
        for id in cut {
            let Some(call) = self.calls.remove(&id) else { continue };
            call.task.abort();
            if let CallKind::Host(host) = call.what {
                self.host_call_failed(host);
            }
        }
        let pause = self.draw(50..6_000);
        self.queue_in(pause, Happening::Start { server });
    }

    /// Lets a call to the store go, or fail, or be the last that its server made.
    pub(super) async fn let_pass(&mut self, id: u64, kind: Kind) {
        let Some((run, what, _)) = self.shared.gate.describe(id) else { return };
        let server = self.servers.iter().position(|server| server.run == run);
        self.shared.note(format_args!("  {run:?} {what}"));
        let is_write = kind == Kind::Write;
        if is_write && self.happens(|rates| rates.death) {
            let is_done = self.rng.random_bool(0.5);
            if is_done {
                self.shared.gate.let_go(id, Verdict::GoAndWait).await;
                self.idle.wait().await;
            }
            self.count(if is_done { "death after a write" } else { "death before a write" });
            if let Some(server) = server {
                self.die(server);
            }
            return;
        }
        let verdict = if self.happens(|rates| rates.refusal) {
            self.count("store refuses");
            Verdict::Refuse
        } else if is_write && self.happens(|rates| rates.lost_answer) {
            self.count("store's answer lost");
            Verdict::LoseAnswer
        } else if self.happens(|rates| rates.late_answer) {
            self.count("store's answer late");
            Verdict::GoAndWait
        } else {
            Verdict::Go
        };
        match verdict {
            Verdict::Refuse | Verdict::LoseAnswer => {
                self.shared.note(format_args!("  {what} fails: {verdict:?}"));
                self.shared.audit(|auditor| auditor.unsettled());
            }
            Verdict::Go | Verdict::GoAndWait => {}
        }
        self.shared.gate.let_go(id, verdict).await;
    }

    /// Sends what servers told to the others, or loses it.
    pub(super) fn spread_news(&mut self) {
        for (by, news) in self.shared.take_news() {
            let others: Vec<ServerRun> = self
                .servers
                .iter()
                .filter(|server| server.run != by && server.store.is_some())
                .map(|server| server.run)
                .collect();
            for run in others {
                if self.happens(|rates| rates.lost_news) {
                    self.count("news lost");
                    continue;
                }
                self.count("news heard");
                let delay = self.draw(0..400);
                self.queue_in(delay, Happening::Hear { run, news: news.clone() });
            }
        }
    }

    pub(super) fn hear(&mut self, run: ServerRun, news: News) {
        self.shared.note(format_args!("{run:?} hears {news:?}"));
        let server = self.servers.iter().find(|server| server.run == run);
        if let Some(store) = server.and_then(|server| server.store.as_ref()) {
            store.hears(news);
        }
    }
}
