//! Host commands: handing them to hosts and taking their reports. Source: service.md §9.2.
//!
//! A command is the present event of a target (see `longshore_model::target`). Durable is only what
//! matters: that it was acknowledged, and how it ended. To whom it was handed out, and when, is
//! remembered here in memory: after a restart it is simply handed out again, and the acknowledgement
//! decides who runs it. Where several servers share a database they also tell each other, see
//! [`others`](crate::others).

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use longshore_model::deployment::Deployment;
use longshore_model::host::HostContact;
use longshore_model::host::ec2;
use longshore_model::id::{DeploymentId, Ec2InstanceId, HostId, PrincipalArn};
use longshore_model::lifecycle::{Diagnostics, LifecycleEventName};
use longshore_model::target::{NoChange, Target, TargetEvent, TargetKey, TargetState};
use longshore_model::time::Timestamp;
use longshore_store::{Applied, CommandTarget, StoreError};
use tokio::sync::Notify;

use crate::Engine;

/// Which command: the target and the place of the event among its events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandKey {
    /// The target.
    pub target: TargetKey,
    /// Index into the target's events.
    pub event_idx: u32,
}

/// A command on its way to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCommand {
    /// Which.
    pub key: CommandKey,
    /// The lifecycle event to run.
    pub event: LifecycleEventName,
    /// When the command became available; tells two deliveries of one command apart from two commands.
    pub available_at: Timestamp,
}

/// The connection over which a poll came. When it breaks, commands that were handed out over it and
/// not acknowledged are handed out again at once.
#[derive(Clone, Debug)]
pub struct Connection {
    token: Arc<ConnectionToken>,
}

#[derive(Debug, Default)]
struct ConnectionToken {
    is_closed: AtomicBool,
}

/// What an acknowledgement is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckAnswer {
    /// Run it.
    InProgress,
    /// Somebody runs it, or it is done: drop this copy.
    Succeeded,
    /// It is not to be run any more.
    Failed,
}

/// Why a host's call was refused.
#[derive(Debug, thiserror::Error)]
pub enum HostCommandError {
    /// Nobody registered this identity.
    #[error("the identity `{0}` is not registered as an on-premises instance")]
    NotRegistered(PrincipalArn),
    /// The identifier is not that of the identity that signed.
    #[error("the host identifier `{identifier}` is not the identity that signed the request: {principal}")]
    NotItself {
        /// As whom the host wanted to act.
        identifier: String,
        /// Who signed.
        principal: PrincipalArn,
    },
    /// The instance is not in the EC2 inventory.
    #[error("the EC2 instance `{0}` is not in the inventory")]
    NoSuchInstance(Ec2InstanceId),
    /// Somebody else than the instance signed.
    #[error("`{principal}` is not a session of the role of EC2 instance `{instance}` that is named after it")]
    NotTheInstance {
        /// As which instance the host wanted to act.
        instance: Ec2InstanceId,
        /// Who signed.
        principal: PrincipalArn,
    },
    /// The host has no such command.
    #[error("the host `{0}` has no such command")]
    NoSuchCommand(HostId),
    /// The host has no part in this deployment.
    #[error("the deployment `{0}` has no target for this host")]
    NotATarget(DeploymentId),
    /// The store failed.
    #[error("the host's commands could not be read or written")]
    Store(#[source] StoreError),
}

/// Polls that wait, by who polls.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    parked: Mutex<HashMap<PrincipalArn, Weak<Notify>>>,
}

impl Waiters {
    /// Makes every parked poll of `principal` look again.
    pub(crate) fn wake(&self, principal: &PrincipalArn) {
        if let Some(notify) = self.lock().get(principal).and_then(Weak::upgrade) {
            notify.notify_waiters();
        }
    }

    fn enter(&self, principal: &PrincipalArn) -> Arc<Notify> {
        let mut parked = self.lock();
        if let Some(notify) = parked.get(principal).and_then(Weak::upgrade) {
            return notify;
        }
        let notify = Arc::new(Notify::new());
        parked.insert(principal.clone(), Arc::downgrade(&notify));
        notify
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PrincipalArn, Weak<Notify>>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this process remembers of commands that it handed out or whose acknowledgement it answered.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<BTreeMap<CommandKey, Entry>>,
}

#[derive(Clone, Debug)]
enum Entry {
    HandedOut { at: Timestamp, principal: PrincipalArn, connection: Connection },
    AckAnswered,
}

impl Ledger {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<CommandKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first command that nobody holds, and notes that `principal` now does.
    pub(crate) fn take(
        &self,
        commands: &[&HostCommand],
        principal: &PrincipalArn,
        connection: &Connection,
        now: Timestamp,
        redelivery: std::time::Duration,
    ) -> Option<HostCommand> {
        let mut entries = self.lock();
        let free = commands.iter().find(|command| match entries.get(&command.key) {
            None => true,
            Some(Entry::HandedOut { at, connection, .. }) => {
                connection.is_closed() || at.plus(redelivery) <= now
            }
            Some(Entry::AckAnswered) => false,
        })?;
        let entry =
            Entry::HandedOut { at: now, principal: principal.clone(), connection: connection.clone() };
        entries.insert(free.key.clone(), entry);
        Some((*free).clone())
    }

    /// When the first of `commands` may be handed out again.
    fn next_redelivery(
        &self,
        commands: &[HostCommand],
        redelivery: std::time::Duration,
    ) -> Option<Timestamp> {
        let entries = self.lock();
        commands
            .iter()
            .filter_map(|command| match entries.get(&command.key) {
                Some(Entry::HandedOut { at, .. }) => Some(at.plus(redelivery)),
                Some(Entry::AckAnswered) | None => None,
            })
            .min()
    }

    /// Whether this process answered the acknowledgement of a command.
    pub(crate) fn has_answered(&self, key: &CommandKey) -> bool {
        match self.lock().get(key) {
            Some(Entry::AckAnswered) => true,
            Some(Entry::HandedOut { .. }) | None => false,
        }
    }

    /// A final deployment has no commands.
    pub(crate) fn forget_deployment(&self, id: &DeploymentId) {
        self.lock().retain(|key, _| key.target.deployment != *id);
    }

    pub(crate) fn forget(&self, key: &CommandKey) {
        self.lock().remove(key);
    }
}

impl Default for Connection {
    fn default() -> Connection {
        Connection { token: Arc::new(ConnectionToken::default()) }
    }
}

impl Connection {
    /// A connection that is open.
    pub fn new() -> Connection {
        Connection::default()
    }

    fn is_closed(&self) -> bool {
        self.token.is_closed.load(Ordering::Acquire)
    }

    fn is_same(&self, other: &Connection) -> bool {
        Arc::ptr_eq(&self.token, &other.token)
    }
}

impl Engine {
    /// As whom `principal`, who signed, may act under the host identifier `identifier`: an on-premises
    /// instance as whoever signed, an EC2 instance as its ARN. Source: service.md §9.1.
    ///
    /// # Errors
    /// `NotItself`, `NoSuchInstance`, `NotTheInstance`, `Store`.
    pub async fn identify(
        &self,
        principal: &PrincipalArn,
        identifier: &str,
    ) -> Result<PrincipalArn, HostCommandError> {
        if identifier == principal.0 {
            return Ok(principal.clone());
        }
        let not_itself = || HostCommandError::NotItself {
            identifier: identifier.to_owned(),
            principal: principal.clone(),
        };
        let instance = ec2::instance_of_arn(identifier).ok_or_else(not_itself)?;
        let identified = self.identify_instance(principal, &instance).await?;
        if identified.0 != identifier {
            return Err(not_itself());
        }
        Ok(identified)
    }

    /// As [`Engine::identify`], for a call that names a command of `host`.
    ///
    /// # Errors
    /// `NoSuchInstance`, `NotTheInstance`, `Store`.
    pub async fn identify_for(
        &self,
        principal: &PrincipalArn,
        host: &HostId,
    ) -> Result<PrincipalArn, HostCommandError> {
        match host {
            HostId::OnPremises(_) => Ok(principal.clone()),
            HostId::Ec2(instance) => self.identify_instance(principal, instance).await,
        }
    }

    async fn identify_instance(
        &self,
        principal: &PrincipalArn,
        id: &Ec2InstanceId,
    ) -> Result<PrincipalArn, HostCommandError> {
        let found = self.inner.store.ec2_instance(id).await.map_err(HostCommandError::Store)?;
        let instance = found.ok_or_else(|| HostCommandError::NoSuchInstance(id.clone()))?;
        if !instance.is_session(principal) {
            let (instance, principal) = (id.clone(), principal.clone());
            return Err(HostCommandError::NotTheInstance { instance, principal });
        }
        Ok(instance.host_identifier())
    }

    /// The host that acts as `identifier`, if there is one.
    async fn host_of(&self, identifier: &PrincipalArn) -> Result<HostId, HostCommandError> {
        let store = &self.inner.store;
        let found = match ec2::instance_of_arn(&identifier.0) {
            Some(id) => {
                store.ec2_instance(&id).await.map(|found| found.map(|instance| HostId::Ec2(instance.id)))
            }
            None => store
                .host_by_principal(identifier)
                .await
                .map(|found| found.map(|host| HostId::OnPremises(host.name))),
        };
        let host = found.map_err(HostCommandError::Store)?;
        host.ok_or_else(|| HostCommandError::NotRegistered(identifier.clone()))
    }

    /// The next command for the host that acts as `principal`; waits for one as long as the
    /// settings say. Dropping the future leaves every command as it was.
    ///
    /// # Errors
    /// `NotRegistered`, `Store`.
    pub async fn poll(
        &self,
        principal: &PrincipalArn,
        agent_version: Option<String>,
        connection: &Connection,
    ) -> Result<Option<HostCommand>, HostCommandError> {
        let store = &self.inner.store;
        self.host_of(principal).await?;
        let contact = HostContact { last_poll_at: self.now(), agent_version };
        let away = self.inner.config.clocks.pickup;
        if self.inner.arrivals.polls(principal, contact.last_poll_at, away) {
            let before = store.contact(principal).await.map_err(HostCommandError::Store)?;
            if before.is_none_or(|before| away <= contact.last_poll_at.since(before.last_poll_at)) {
                self.inner.arrivals.came(principal);
            }
        }
        store.note_contact(principal, &contact).await.map_err(HostCommandError::Store)?;

        let give_up_at = self.now().plus(self.inner.config.poll_hold);
        let notify = self.inner.waiters.enter(principal);
        let mut is_stopping = self.inner.is_stopping.subscribe();
        loop {
            // Registered before the store is read, so that a command committed in between wakes us.
            let woken = notify.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let commands = self.commands_of(principal).await?;
            let redelivery = self.inner.config.redelivery;
            let (taken, free_elsewhere_at) =
                self.take(&commands, principal, connection).await.map_err(HostCommandError::Store)?;
            if taken.is_some() {
                return Ok(taken);
            }
            if give_up_at <= self.now() || *is_stopping.borrow() {
                return Ok(None);
            }
            let again_at = self.inner.ledger.next_redelivery(&commands, redelivery);
            let again_at = again_at.into_iter().chain(free_elsewhere_at).min();
            let wake_at = again_at.map_or(give_up_at, |at| at.min(give_up_at));
            tokio::select! {
                biased;
                _ = is_stopping.changed() => return Ok(None),
                () = woken => {}
                () = self.inner.clock.sleep_until(wake_at) => {}
            }
        }
    }

    async fn commands_of(&self, principal: &PrincipalArn) -> Result<Vec<HostCommand>, HostCommandError> {
        let waiting = self.inner.store.waiting_commands(principal).await.map_err(HostCommandError::Store)?;
        Ok(waiting.into_iter().filter_map(|waiting| host_command(&waiting)).collect())
    }

    /// The answer to a poll did not reach the host: its command may be handed out again at once.
    pub fn delivery_lost(&self, key: &CommandKey, connection: &Connection) {
        let mut entries = self.inner.ledger.lock();
        let lost = match entries.get(key) {
            Some(Entry::HandedOut { connection: holder, principal, .. }) if holder.is_same(connection) => {
                Some(principal.clone())
            }
            Some(Entry::HandedOut { .. } | Entry::AckAnswered) | None => None,
        };
        if let Some(principal) = lost {
            entries.remove(key);
            drop(entries);
            self.inner.waiters.wake(&principal);
            self.tell_taken_back(vec![(key.clone(), principal)]);
        }
    }

    /// The connection broke: commands handed out over it and not acknowledged are free again.
    pub fn connection_closed(&self, connection: &Connection) {
        connection.token.is_closed.store(true, Ordering::Release);
        let freed: Vec<(CommandKey, PrincipalArn)> = {
            let mut entries = self.inner.ledger.lock();
            let mut freed = Vec::new();
            entries.retain(|key, entry| match entry {
                Entry::HandedOut { connection: holder, principal, .. } if holder.is_same(connection) => {
                    freed.push((key.clone(), principal.clone()));
                    false
                }
                Entry::HandedOut { .. } | Entry::AckAnswered => true,
            });
            freed
        };
        for (_, principal) in &freed {
            self.inner.waiters.wake(principal);
        }
        self.tell_taken_back(freed);
    }

    /// The deployment that a host asks the specification of; only its targets may.
    ///
    /// # Errors
    /// `NotRegistered`, `NotATarget`, `Store`.
    pub async fn deployment_for_host(
        &self,
        principal: &PrincipalArn,
        id: &DeploymentId,
    ) -> Result<Deployment, HostCommandError> {
        let store = &self.inner.store;
        let key = TargetKey { deployment: id.clone(), host: self.host_of(principal).await? };
        let target = store.target(&key).await.map_err(HostCommandError::Store)?;
        let is_target = target.is_some_and(|target| target.principal == *principal);
        let deployment = store.deployment(id).await.map_err(HostCommandError::Store)?;
        deployment.filter(|_| is_target).ok_or_else(|| HostCommandError::NotATarget(id.clone()))
    }

    /// A host takes a command. When the answer has been written, call [`Engine::ack_answered`].
    ///
    /// A repeated acknowledgement is a second copy of the command (drop it) if the first one was
    /// answered, and a retry by the same agent (let it run) if that answer was lost, with its
    /// connection or with the process that should have sent it.
    ///
    /// Dropping the future does not stop what was begun.
    ///
    /// # Errors
    /// `NoSuchCommand`, `Store`.
    pub async fn acknowledge(
        &self,
        principal: &PrincipalArn,
        key: &CommandKey,
    ) -> Result<AckAnswer, HostCommandError> {
        let (engine, principal, key) = (self.clone(), principal.clone(), key.clone());
        to_its_end(async move { engine.take_acknowledgement(&principal, &key).await }).await
    }

    async fn take_acknowledgement(
        &self,
        principal: &PrincipalArn,
        key: &CommandKey,
    ) -> Result<AckAnswer, HostCommandError> {
        let event = TargetEvent::Acknowledged { event_idx: key.event_idx };
        let applied = self.apply(principal, key, event).await?;
        Ok(match applied.change {
            Ok(()) => {
                self.inner.ledger.forget(key);
                self.expect_deadline(&applied.target);
                AckAnswer::InProgress
            }
            Err(NoChange::AlreadyAcknowledged) => {
                if self.is_ack_answered(key).await.map_err(HostCommandError::Store)? {
                    AckAnswer::Succeeded
                } else {
                    AckAnswer::InProgress
                }
            }
            Err(NoChange::AlreadyReported) => AckAnswer::Succeeded,
            Err(NoChange::NotCurrent | NoChange::NotDue | NoChange::NotApplicable) => AckAnswer::Failed,
        })
    }

    /// The answer to an acknowledgement was written to its connection.
    pub fn ack_answered(&self, key: &CommandKey) {
        self.inner.ledger.lock().insert(key.clone(), Entry::AckAnswered);
        self.tell_ack_answered(key);
    }

    /// A host reports the end of a command. The first report of a command counts; later ones, and
    /// reports of commands that timed out or were withdrawn, change nothing and are no error.
    ///
    /// Dropping the future does not stop what was begun.
    ///
    /// # Errors
    /// `NoSuchCommand`, `Store`.
    pub async fn complete(
        &self,
        principal: &PrincipalArn,
        key: &CommandKey,
        is_success: bool,
        diagnostics: Diagnostics,
    ) -> Result<(), HostCommandError> {
        let (engine, principal, key) = (self.clone(), principal.clone(), key.clone());
        to_its_end(async move { engine.take_report(&principal, &key, is_success, diagnostics).await }).await
    }

    async fn take_report(
        &self,
        principal: &PrincipalArn,
        key: &CommandKey,
        is_success: bool,
        diagnostics: Diagnostics,
    ) -> Result<(), HostCommandError> {
        let event = TargetEvent::Reported { event_idx: key.event_idx, is_success, diagnostics };
        let applied = self.apply(principal, key, event).await?;
        self.inner.ledger.forget(key);
        let Err(reason) = applied.change else {
            self.wake_after_report(&applied.target);
            return Ok(());
        };
        tracing::info!(
            deployment.id = %key.target.deployment, target.id = %key.target.host, %reason,
            "a report of host {} changes nothing", key.target.host
        );
        Ok(())
    }

    /// After a report either the host has its next command or the fleet has its next decision.
    fn wake_after_report(&self, target: &Target) {
        match target.state {
            TargetState::InProgress(_) => {
                self.inner.waiters.wake(&target.principal);
                self.expect_deadline(target);
            }
            TargetState::Pending | TargetState::Succeeded | TargetState::Failed | TargetState::Skipped => {
                self.timeline_grew();
                self.wake(&target.key.deployment);
            }
        }
    }

    /// Another clock runs on `target` now, which may end before the loop of its deployment looks.
    fn expect_deadline(&self, target: &Target) {
        if let TargetState::InProgress(progress) = target.state {
            self.wake_by(&target.key.deployment, progress.deadline(&self.inner.config.clocks));
        }
    }

    async fn apply(
        &self,
        principal: &PrincipalArn,
        key: &CommandKey,
        event: TargetEvent,
    ) -> Result<Applied, HostCommandError> {
        let clocks = &self.inner.config.clocks;
        let applied = self.inner.store.apply(&key.target, principal, event, clocks, self.now()).await;
        let applied = applied.map_err(HostCommandError::Store)?;
        applied
            .filter(|applied| applied.target.event(key.event_idx).is_some())
            .ok_or_else(|| HostCommandError::NoSuchCommand(key.target.host.clone()))
    }
}

/// Carries a call out in a task of its own: an agent that is killed cuts its connection, and the call
/// would end between what it stored and the wake-up that must follow.
async fn to_its_end<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(call).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and nobody is left to be answered.
            Err(_) => std::future::pending().await,
        },
    }
}

fn host_command(waiting: &CommandTarget) -> Option<HostCommand> {
    let TargetState::InProgress(progress) = waiting.target.state else {
        return None;
    };
    let event = waiting.target.event(progress.event_idx)?;
    Some(HostCommand {
        key: CommandKey { target: waiting.target.key.clone(), event_idx: progress.event_idx },
        event: event.name,
        available_at: waiting.available_at,
    })
}
