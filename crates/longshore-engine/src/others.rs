//! Other servers on the same database: hearing of what they wrote, and not handing out what they have
//! handed out.
//!
//! A round may be made by any server; the store refuses the slower of two. Whoever takes a report makes
//! the next round, so what others write is looked at here only for what they may have left undone: a
//! server that is killed between a report and the round that should follow it. A host's command, on the
//! other hand, may have its poll parked anywhere, and is looked for as soon as it is told.

use std::collections::HashSet;
use std::time::Duration;

use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::time::Timestamp;
use longshore_store::{HandOut, HandOutOutcome, News, StoreError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::Engine;
use crate::host_command::{CommandKey, Connection, HostCommand};

/// How often is looked for what others may have left undone.
const SWEEP: Duration = Duration::from_secs(3);

/// After so many sweeps every deployment is looked at, told or not.
const SWEEPS_PER_FULL_ONE: u32 = 10;

/// What was heard since the last sweep.
#[derive(Default)]
struct Heard {
    changed: HashSet<DeploymentId>,
    is_missing_some: bool,
}

impl Engine {
    /// Follows the other servers until the engine ends, if there can be any.
    pub(crate) fn follow_others(&self) {
        let Some(others) = self.inner.store.others() else { return };
        let news = others.news();
        let engine = self.clone();
        let following = tokio::spawn(async move { engine.follow(news).await });
        self.inner.beside.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(following);
    }

    async fn follow(&self, mut news: Receiver<News>) {
        let mut is_stopping = self.inner.is_stopping.subscribe();
        let mut heard = Heard::default();
        let mut n_sweeps: u32 = 0;
        let mut sweep_at = self.now().plus(SWEEP);
        while !*is_stopping.borrow() {
            tokio::select! {
                biased;
                _ = is_stopping.changed() => {}
                // Before the news: a stream of them must not keep it from being done.
                () = self.inner.clock.sleep_until(sweep_at) => {
                    n_sweeps = n_sweeps.wrapping_add(1);
                    heard.is_missing_some |= n_sweeps.is_multiple_of(SWEEPS_PER_FULL_ONE);
                    if let Err(error) = self.sweep(&std::mem::take(&mut heard)).await {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "cannot look for what other servers left; trying again");
                        heard.is_missing_some = true;
                    }
                    sweep_at = self.now().plus(SWEEP);
                }
                told = news.recv() => match told {
                    Ok(News::Deployment(id)) => {
                        heard.changed.insert(id);
                    }
                    Ok(News::Commands(principal)) => self.inner.waiters.wake(&principal),
                    Ok(News::Missed) | Err(RecvError::Lagged(_)) => heard.is_missing_some = true,
                    // The store is closed, and the engine about to end.
                    Err(RecvError::Closed) => {
                        let _ = is_stopping.changed().await;
                    }
                },
            }
        }
    }

    /// Looks at the deployments that others changed, takes part in those that they began, and wakes polls
    /// whose command was told to nobody here.
    async fn sweep(&self, heard: &Heard) -> Result<(), StoreError> {
        let unfinished = self.inner.store.unfinished_deployments().await?;
        for id in &unfinished {
            if heard.is_missing_some || heard.changed.contains(id) || !self.inner.drives.runs(id) {
                self.wake(id);
            }
        }
        // The loops of those that others ended end too.
        for id in self.inner.drives.all() {
            if heard.is_missing_some || heard.changed.contains(&id) {
                self.wake(&id);
            }
        }
        if let Some(others) = self.inner.store.others() {
            for principal in others.waiting_principals().await? {
                self.inner.waiters.wake(&principal);
            }
        }
        Ok(())
    }

    /// Takes the first of `commands` that neither this process nor another server holds; and answers when
    /// the first of those that others hold is free.
    pub(crate) async fn take(
        &self,
        commands: &[HostCommand],
        principal: &PrincipalArn,
        connection: &Connection,
    ) -> Result<(Option<HostCommand>, Option<Timestamp>), StoreError> {
        let redelivery = self.inner.config.redelivery;
        let mut left: Vec<&HostCommand> = commands.iter().collect();
        let mut free_at: Option<Timestamp> = None;
        loop {
            let now = self.now();
            let Some(taken) = self.inner.ledger.take(&left, principal, connection, now, redelivery) else {
                return Ok((None, free_at));
            };
            if self.inner.store.others().is_none() {
                return Ok((Some(taken), None));
            }
            match HandingOut::begin(self, &taken.key, principal, connection, now).outcome().await {
                Ok(HandOutOutcome::Ours) => return Ok((Some(taken), None)),
                Ok(HandOutOutcome::Elsewhere(at)) => {
                    self.inner.ledger.give_up(&taken.key, connection);
                    free_at = free_at.into_iter().chain([at.plus(redelivery)]).min();
                    left.retain(|command| command.key != taken.key);
                }
                Err(error) => {
                    self.inner.ledger.give_up(&taken.key, connection);
                    return Err(error);
                }
            }
        }
    }

    async fn write_hand_out(&self, hand_out: &HandOut, now: Timestamp) -> Result<HandOutOutcome, StoreError> {
        let Some(others) = self.inner.store.others() else { return Ok(HandOutOutcome::Ours) };
        others.hand_out(hand_out, now, now.minus(self.inner.config.redelivery)).await
    }

    /// Lets other servers hand out what did not reach its host and was taken back, and then this one.
    pub(crate) fn set_free(&self, commands: Vec<(CommandKey, PrincipalArn)>) {
        let free = |engine: &Engine, key: &CommandKey, principal: &PrincipalArn| {
            engine.inner.ledger.set_free(key);
            engine.inner.waiters.wake(principal);
        };
        if self.inner.store.others().is_none() {
            commands.iter().for_each(|(key, principal)| free(self, key, principal));
            return;
        }
        for (key, principal) in commands {
            self.tell_others("that a command is free again", async move |engine| {
                let Some(others) = engine.inner.store.others() else { return Ok(()) };
                let told = others.take_back(&engine.hand_out(&key, &principal)).await;
                free(&engine, &key, &principal);
                told
            });
        }
    }

    /// What was handed out of a deployment that has ended is of no interest.
    pub(crate) fn forget_hand_outs(&self, id: &DeploymentId) {
        let id = id.clone();
        self.tell_others("that a deployment has no commands", async move |engine| {
            let Some(others) = engine.inner.store.others() else { return Ok(()) };
            others.forget_hand_outs(&id).await
        });
    }

    fn hand_out(&self, key: &CommandKey, principal: &PrincipalArn) -> HandOut {
        HandOut {
            target: key.target.clone(),
            event_idx: key.event_idx,
            principal: principal.clone(),
            server: self.inner.config.server_id.clone(),
        }
    }

    /// Tells them in a task of its own: whoever has something to tell does not wait for it. What cannot
    /// be told costs them time, see [`EngineConfig::redelivery`](crate::EngineConfig::redelivery).
    fn tell_others<F, Told>(&self, what: &'static str, tell: F)
    where
        F: FnOnce(Engine) -> Told + Send + 'static,
        Told: Future<Output = Result<(), StoreError>> + Send,
    {
        if self.inner.store.others().is_none() {
            return;
        }
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(error) = tell(engine).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "cannot tell other servers {what}");
            }
        });
    }
}

/// A command that is being handed out. The poll that asked may be dropped meanwhile, and what is being
/// written is written all the same: then it is taken back after that, or it would be nobody's until it is
/// handed out again.
struct HandingOut {
    engine: Engine,
    key: CommandKey,
    principal: PrincipalArn,
    connection: Connection,
    /// Until its outcome is known.
    task: Option<JoinHandle<Result<HandOutOutcome, StoreError>>>,
}

impl HandingOut {
    fn begin(
        engine: &Engine,
        key: &CommandKey,
        principal: &PrincipalArn,
        connection: &Connection,
        now: Timestamp,
    ) -> HandingOut {
        let (writer, hand_out) = (engine.clone(), engine.hand_out(key, principal));
        let task = tokio::spawn(async move { writer.write_hand_out(&hand_out, now).await });
        HandingOut {
            engine: engine.clone(),
            key: key.clone(),
            principal: principal.clone(),
            connection: connection.clone(),
            task: Some(task),
        }
    }

    async fn outcome(mut self) -> Result<HandOutOutcome, StoreError> {
        let Some(task) = &mut self.task else { return std::future::pending().await };
        let ended = task.await;
        self.task = None;
        match ended {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down, and nobody is left to be answered.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Drop for HandingOut {
    fn drop(&mut self) {
        let (Some(task), Ok(runtime)) = (self.task.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let engine = self.engine.clone();
        let (key, principal, connection) =
            (self.key.clone(), self.principal.clone(), self.connection.clone());
        runtime.spawn(async move {
            let is_ours = matches!(task.await, Ok(Ok(HandOutOutcome::Ours)));
            if !is_ours {
                engine.inner.ledger.give_up(&key, &connection);
                engine.inner.waiters.wake(&principal);
            } else if engine.inner.ledger.take_back_unasked(&key, &connection) {
                engine.set_free(vec![(key, principal)]);
            }
        });
    }
}
