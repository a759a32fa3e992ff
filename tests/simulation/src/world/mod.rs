//! One seed's world: servers, hosts, callers, and the scheduler that alone decides what happens next.
//!
//! All of it runs on one thread. The scheduler waits until nothing can go on, looks at what could happen,
//! and lets one thing happen: a call to the store, a sleeper, an agent's or a caller's step, a death. What
//! it chooses it draws from the seed, so the same seed has the same history.

mod callers;
mod hosts;
mod outside;
mod servers;
mod setup;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_engine::Engine;
use longshore_engine::host_command::{AckAnswer, CommandKey, HandedOut, HostCommandError};
use longshore_model::deployment::Creator;
use longshore_model::id::{DeploymentGroupId, DeploymentId};
use longshore_model::lifecycle::CommandCopy;
use longshore_store::News;
use longshore_store::sqlite::SqliteStore;
use rand::Rng;
use rand::rngs::StdRng;

use self::callers::WishAnswer;
use self::hosts::HostCall;
use self::servers::Server;
use crate::Outcome;
use crate::agent::Agent;
use crate::gate::{Kind, Verdict};
use crate::idle::Idle;
use crate::scenario::{Rates, Scenario, Wish};
use crate::shared::Shared;
use crate::time::{BEGINNING, ServerRun};

/// The most that may happen in one run. Ten times what the longest take.
const MAX_STEPS: u64 = 1_000_000;

/// How long is looked on after the end of the last deployment, for what comes late.
const AFTERMATH: i64 = 20_000;

/// The same where late hosts are looked after: one server may have to look for whom another left.
const LATE_AFTERMATH: i64 = 90_000;

/// The longest that time goes on while calls to the store wait.
const SLOWEST_STORE: i64 = 3_000;

/// How often each thing happened.
type Counts = BTreeMap<&'static str, u64>;

/// The world.
pub(crate) struct World {
    rng: StdRng,
    scenario: Scenario,
    shared: Arc<Shared>,
    idle: Arc<Idle>,
    store: SqliteStore,
    random: Arc<outside::SeededRandom>,
    servers: Vec<Server>,
    agents: Vec<Agent>,
    groups: Vec<DeploymentGroupId>,
    queue: BTreeMap<(i64, u64), Happening>,
    n_queued: u64,
    calls: BTreeMap<u64, Call>,
    n_calls: u64,
    n_runs: u32,
    inbox: Arc<Mutex<Vec<(u64, Answer)>>>,
    quiet_since: Option<i64>,
    counts: Counts,
}

/// Something that will happen at its time.
#[derive(Debug)]
enum Happening {
    Wish(Wish),
    Start {
        server: usize,
    },
    ShutDown {
        server: usize,
    },
    Hear {
        run: ServerRun,
        news: News,
    },
    /// A host's next step; void when its agent has died since.
    Host {
        agent: usize,
        life: u32,
        step: HostStep,
    },
    ComeBack {
        agent: usize,
    },
    /// A connection breaks.
    Cut {
        call: u64,
    },
}

/// What an agent does next.
#[derive(Clone, Debug)]
enum HostStep {
    Poll,
    Ack {
        key: CommandKey,
        copy: CommandCopy,
        n_tries: u32,
    },
    /// It begins to run the command.
    Run {
        key: CommandKey,
    },
    /// The command has been run.
    Ran {
        key: CommandKey,
    },
    Report {
        key: CommandKey,
        is_success: bool,
        n_tries: u32,
    },
}

/// A call that a server carries out.
struct Call {
    run: ServerRun,
    server: usize,
    since: i64,
    task: tokio::task::AbortHandle,
    what: CallKind,
}

enum CallKind {
    Start,
    ShutDown,
    Wish,
    Host(HostCall),
}

/// What a call came to.
enum Answer {
    Started(Result<Engine, String>),
    WasShutDown,
    Wished(WishAnswer),
    Polled(Result<Option<HandedOut>, HostCommandError>),
    Acknowledged(Result<AckAnswer, HostCommandError>),
    Reported(Result<(), HostCommandError>),
}

/// What the scheduler may let happen now.
#[derive(Clone, Copy, Debug)]
enum Choice {
    Pass(u64, Kind),
    Wake(u64),
    Happen((i64, u64)),
}

impl World {
    /// Runs to the end of everything.
    ///
    /// # Errors
    /// The first broken promise.
    pub(crate) async fn run(&mut self) -> Result<(), String> {
        for _ in 0..MAX_STEPS {
            self.idle.wait().await;
            while self.take_answers() {
                self.idle.wait().await;
            }
            self.spread_news();
            self.first_problem()?;
            if self.is_over() {
                return self.end().await;
            }
            match self.choose()? {
                Some(choice) => self.let_happen(choice).await,
                None => self.let_time_pass()?,
            }
        }
        Err(format!("it goes on after {MAX_STEPS} steps, at {} ms", self.shared.time.elapsed()))
    }

    /// What a run that ended well came to.
    pub(crate) fn outcome(self, seed: u64) -> Outcome {
        let history = &self.shared.history;
        Outcome {
            seed,
            fingerprint: history.fingerprint(),
            n_steps: history.n_lines(),
            world_millis: self.shared.time.elapsed(),
            history: history.lines(),
            counts: self.counts,
        }
    }

    /// What happened so far, if it was to be read.
    pub(crate) fn history(&self) -> Vec<String> {
        self.shared.history.lines()
    }

    fn first_problem(&mut self) -> Result<(), String> {
        if let Some(panic) = crate::panics::take() {
            return Err(format!("a task panicked: {panic}"));
        }
        match self.shared.audit(|auditor| auditor.problems.first().cloned()) {
            Some(problem) => Err(problem),
            None => Ok(()),
        }
    }

    /// Whether every wish was had, every deployment is final, and a while has gone by since.
    fn is_over(&mut self) -> bool {
        let is_busy = self.queue.values().any(|happening| match happening {
            Happening::Wish(_) | Happening::Start { .. } | Happening::ShutDown { .. } => true,
            Happening::Hear { .. }
            | Happening::Host { .. }
            | Happening::ComeBack { .. }
            | Happening::Cut { .. } => false,
        });
        let has_calls = self.calls.values().any(|call| match call.what {
            CallKind::Start | CallKind::ShutDown | CallKind::Wish => true,
            CallKind::Host(_) => false,
        });
        let is_quiet = !is_busy && !has_calls && self.shared.audit(|auditor| auditor.is_quiet());
        if !is_quiet {
            self.quiet_since = None;
            return false;
        }
        let now = self.shared.time.now();
        let aftermath = if self.scenario.keeps_late_up_to_date { LATE_AFTERMATH } else { AFTERMATH };
        aftermath <= now - *self.quiet_since.get_or_insert(now)
    }

    fn choose(&mut self) -> Result<Option<Choice>, String> {
        let now = self.shared.time.now();
        let mut choices: Vec<Choice> =
            self.shared.gate.waiting().into_iter().map(|(id, kind)| Choice::Pass(id, kind)).collect();
        let has_calls = !choices.is_empty();
        choices.extend(self.shared.time.due().into_iter().map(Choice::Wake));
        let due = self.queue.range(..=(now, u64::MAX));
        choices.extend(due.map(|(place, _)| Choice::Happen(*place)));
        if has_calls && self.happens(|rates| rates.slow_store) {
            let next = self.next_point().filter(|next| now < *next && *next <= now + SLOWEST_STORE);
            if let Some(next) = next {
                self.count("slow store");
                self.shared.audit(|auditor| auditor.unsettled());
                self.shared.time.advance_to(next);
                self.shared.note(format_args!("the store is slow"));
                return self.choose();
            }
        }
        if choices.is_empty() {
            return Ok(None);
        }
        Ok(Some(choices[self.rng.random_range(0..choices.len())]))
    }

    /// Nothing can happen now: it is the next time at which something can.
    fn let_time_pass(&mut self) -> Result<(), String> {
        self.look_for_standstill();
        self.first_problem()?;
        let next = self.next_point().ok_or("nothing will ever happen again")?;
        self.shared.time.advance_to(next);
        let longest =
            4 * 3600 * 1000 + 20 * i64::try_from(self.scenario.clocks.deployment.as_millis()).unwrap_or(0);
        if BEGINNING + longest < self.shared.time.now() {
            return Err(String::from("it does not come to an end"));
        }
        Ok(())
    }

    fn next_point(&self) -> Option<i64> {
        let queued = self.queue.keys().next().map(|(at, _)| *at);
        queued.into_iter().chain(self.shared.time.next_waking()).min()
    }

    async fn let_happen(&mut self, choice: Choice) {
        match choice {
            Choice::Wake(id) => self.shared.time.wake(id),
            Choice::Pass(id, Kind::Answer) => self.shared.gate.let_go(id, Verdict::Go).await,
            Choice::Pass(id, kind) => self.let_pass(id, kind).await,
            Choice::Happen(place) => {
                if let Some(happening) = self.queue.remove(&place) {
                    self.happen(happening);
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wish(wish) => self.wish(&wish),
            Happening::Start { server } => self.start(server),
            Happening::ShutDown { server } => self.shut_down(server),
            Happening::Hear { run, news } => self.hear(run, news),
            Happening::Host { agent, life, step } => self.host_step(agent, life, step),
            Happening::ComeBack { agent } => self.come_back(agent),
            Happening::Cut { call } => self.cut(call),
        }
    }

    /// Whether something that goes wrong at this rate does now.
    fn happens(&mut self, rate: impl Fn(&Rates) -> u32) -> bool {
        let rate = rate(&self.scenario.rates);
        0 < rate && self.rng.random_range(0..1000) < rate
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn queue_in(&mut self, millis: u64, happening: Happening) {
        self.n_queued += 1;
        let at = self.shared.time.now().saturating_add_unsigned(millis);
        self.queue.insert((at, self.n_queued), happening);
    }

    fn draw(&mut self, millis: std::ops::Range<u64>) -> u64 {
        self.rng.random_range(millis)
    }

    /// Takes the answers of calls that ended. Says whether there were any.
    fn take_answers(&mut self) -> bool {
        let mut answers = std::mem::take(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner));
        // A server that shuts down answers all polls at once, and tokio's `watch` wakes them by chance.
        answers.sort_by_key(|(id, _)| *id);
        let had_some = !answers.is_empty();
        for (id, answer) in answers {
            // Whoever asked a server that is dead, or cut the connection, hears nothing.
            let Some(call) = self.calls.remove(&id) else { continue };
            match (answer, call.what) {
                (Answer::Started(started), _) => self.started(call.server, started),
                (Answer::WasShutDown, _) => self.was_shut_down(call.server),
                (Answer::Wished(wished), _) => self.wished(wished, call.since),
                (answer, CallKind::Host(host)) => self.host_answer(id, call.server, call.run, host, answer),
                (_, CallKind::Start | CallKind::ShutDown | CallKind::Wish) => {}
            }
        }
        had_some
    }

    /// Has a server carry out a call in a task of its own, as the door does.
    fn call(
        &mut self,
        server: usize,
        run: ServerRun,
        what: CallKind,
        work: impl Future<Output = Answer> + Send + 'static,
    ) -> u64 {
        self.n_calls += 1;
        let id = self.n_calls;
        let inbox = Arc::clone(&self.inbox);
        let task = tokio::spawn(async move {
            let answer = work.await;
            inbox.lock().unwrap_or_else(PoisonError::into_inner).push((id, answer));
        });
        let since = self.shared.time.now();
        self.calls.insert(id, Call { run, server, since, task: task.abort_handle(), what });
        id
    }

    /// Compares what is stored with what was seen, when everything is over.
    async fn end(&mut self) -> Result<(), String> {
        self.shared.audit(|auditor| auditor.ended());
        self.first_problem()?;
        let deployments: Vec<_> = self.shared.audit(|auditor| auditor.deployments().cloned().collect());
        for deployment in deployments {
            self.compare(&deployment.id, &deployment).await?;
            let status = deployment.error.as_ref().map_or(deployment.status.as_str(), |e| e.code.as_str());
            self.count(status);
            match deployment.creator {
                Creator::User if deployment.restart_of.is_some() => self.count("restart"),
                Creator::User => {}
                Creator::Rollback => self.count("rollback"),
                Creator::AutoUpdate if deployment.late.root.is_some() => {
                    self.count("update after a deployment")
                }
                Creator::AutoUpdate => self.count("update of late hosts"),
            }
        }
        Ok(())
    }

    async fn compare(
        &mut self,
        id: &DeploymentId,
        seen: &longshore_model::deployment::Deployment,
    ) -> Result<(), String> {
        use longshore_store::DeploymentStore as _;
        let stored = self.store.deployment(id).await.map_err(|error| error.to_string())?;
        if stored.as_ref() != Some(seen) {
            return Err(format!("{id} is stored as {stored:?}, and was seen as {seen:?}"));
        }
        let targets: Vec<_> = self.shared.audit(|auditor| {
            auditor.targets().filter(|target| target.key.deployment == *id).cloned().collect()
        });
        for target in targets {
            let stored = self.store.target(&target.key).await.map_err(|error| error.to_string())?;
            if stored.as_ref() != Some(&target) {
                return Err(format!("a target is stored as {stored:?}, and was seen as {target:?}"));
            }
        }
        Ok(())
    }
}
