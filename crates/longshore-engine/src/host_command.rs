//! Host commands: handing them to hosts and taking their reports. Source: service.md §9.2.
//!
//! A command is the present event of a target (see `longshore_model::target`). Durable is only what
//! matters: that it was acknowledged, and how it ended. To whom it was handed out, and when, is
//! remembered here in memory: after a restart it is simply handed out again, and the acknowledgement
//! decides who runs it. Where several servers share a database they also tell each other, see
//! [`others`](crate::others).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_model::deployment::Deployment;
use longshore_model::host::HostContact;
use longshore_model::host::ec2;
use longshore_model::id::{DeploymentId, Ec2InstanceId, HostId, PrincipalArn};
use longshore_model::lifecycle::{CommandCopy, Diagnostics, LifecycleEventName};
use longshore_model::target::{NoChange, Target, TargetEvent, TargetKey, TargetState, Waiting};
use longshore_model::time::Timestamp;
use longshore_store::{Applied, StoreError};

use crate::Engine;
use crate::waiters::{Found, Waiter};

/// Which command: the target and the place of the event among its events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandKey {
    /// The target.
    pub target: TargetKey,
    /// Index into the target's events.
    pub event_idx: u32,
}

impl CommandKey {
    /// Of the target's commands, in order, none is before this.
    pub(crate) fn first(&self) -> CommandKey {
        CommandKey { target: self.target.clone(), event_idx: 0 }
    }

    /// Of the target's commands, in order, none is after this.
    pub(crate) fn last(&self) -> CommandKey {
        CommandKey { target: self.target.clone(), event_idx: u32::MAX }
    }
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

impl HostCommand {
    /// The command of a target, if one waits for its host.
    pub(crate) fn of(target: &Target) -> Option<HostCommand> {
        let TargetState::InProgress(progress) = target.state else { return None };
        if progress.waiting != Waiting::Pickup {
            return None;
        }
        let key = CommandKey { target: target.key.clone(), event_idx: progress.event_idx };
        let event = target.event(progress.event_idx)?.name;
        Some(HostCommand { key, event, available_at: progress.since })
    }
}

/// A command in the hands of the host whose poll got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOut {
    /// The command.
    pub command: HostCommand,
    /// Which copy of it: the host acknowledges this one.
    pub copy: CommandCopy,
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

    pub(crate) fn is_closed(&self) -> bool {
        self.token.is_closed.load(Ordering::Acquire)
    }

    pub(crate) fn is_same(&self, other: &Connection) -> bool {
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

    /// Makes sure that the EC2 instance `id`, which acts as `identifier`, is in the inventory.
    async fn check_instance(
        &self,
        id: &Ec2InstanceId,
        identifier: &PrincipalArn,
    ) -> Result<(), HostCommandError> {
        let found = self.inner.store.ec2_instance(id).await.map_err(HostCommandError::Store)?;
        found.map(|_| ()).ok_or_else(|| HostCommandError::NotRegistered(identifier.clone()))
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
    ) -> Result<Option<HandedOut>, HostCommandError> {
        let taken = self.next_command(principal, &agent_version, connection).await?;
        // It was there until now. Whoever has a command is not kept from it by a store that fails, and does
        // not lose it with a connection that breaks here.
        match &taken {
            Some(_) => self.inner.arrivals.heard(principal, self.now()),
            None => self.note_poll(principal, agent_version).await?,
        }
        Ok(taken)
    }

    async fn next_command(
        &self,
        principal: &PrincipalArn,
        agent_version: &Option<String>,
        connection: &Connection,
    ) -> Result<Option<HandedOut>, HostCommandError> {
        let give_up_at = self.now().plus(self.inner.config.poll_hold);
        let waiter = self.inner.waiters.enter(principal);
        // Registered before the store is read, so that a command committed in between wakes us.
        let mut woken = std::pin::pin!(waiter.notify.notified());
        woken.as_mut().enable();
        waiter.forget();
        let mut commands = self.commands_of(principal).await?;
        self.look_whether_it_came(principal).await.map_err(HostCommandError::Store)?;
        self.note_poll(principal, agent_version.clone()).await?;
        let mut is_stopping = self.inner.is_stopping.subscribe();
        let mut are_all = true;
        loop {
            let (taken, free_elsewhere_at) =
                self.take(&commands, principal, connection).await.map_err(HostCommandError::Store)?;
            if let Some(command) = taken {
                return Ok(Some(HandedOut { command, copy: self.draw().command_copy() }));
            }
            if !are_all {
                commands = self.commands_again(principal, &waiter).await?;
                are_all = true;
                continue;
            }
            if give_up_at <= self.now() {
                return Ok(None);
            }
            if *is_stopping.borrow() {
                return Ok(None);
            }
            let again_at = self.inner.ledger.next_redelivery(&commands, self.inner.config.redelivery);
            let again_at = again_at.into_iter().chain(free_elsewhere_at).min();
            let wake_at = again_at.map_or(give_up_at, |at| at.min(give_up_at));
            let is_woken = tokio::select! {
                biased;
                _ = is_stopping.changed() => return Ok(None),
                () = woken.as_mut() => true,
                () = self.inner.clock.sleep_until(wake_at) => false,
            };
            woken.set(waiter.notify.notified());
            woken.as_mut().enable();
            let found = if is_woken { waiter.found() } else { Found::Unknown };
            (commands, are_all) = match found {
                Found::Command(command) => (vec![command], false),
                Found::Unknown => (self.commands_again(principal, &waiter).await?, true),
            };
        }
    }

    /// Notes that a host polls.
    async fn note_poll(
        &self,
        principal: &PrincipalArn,
        agent_version: Option<String>,
    ) -> Result<(), HostCommandError> {
        let contact = HostContact { last_poll_at: self.now(), agent_version };
        self.inner.arrivals.heard(principal, contact.last_poll_at);
        self.inner.store.note_contact(principal, &contact).await.map_err(HostCommandError::Store)
    }

    /// The commands that wait for `principal`, who must be a host.
    async fn commands_of(&self, principal: &PrincipalArn) -> Result<Vec<HostCommand>, HostCommandError> {
        let store = &self.inner.store;
        let waiting = match ec2::instance_of_arn(&principal.0) {
            Some(id) => {
                self.check_instance(&id, principal).await?;
                store.waiting_commands(principal).await
            }
            None => {
                let found = store.commands_of_instance(principal).await;
                let found = found.map_err(HostCommandError::Store)?;
                Ok(found.ok_or_else(|| HostCommandError::NotRegistered(principal.clone()))?)
            }
        };
        Ok(commands(waiting.map_err(HostCommandError::Store)?))
    }

    /// The same of a host that was looked up.
    async fn commands_again(
        &self,
        principal: &PrincipalArn,
        waiter: &Waiter,
    ) -> Result<Vec<HostCommand>, HostCommandError> {
        waiter.forget();
        let waiting = self.inner.store.waiting_commands(principal).await.map_err(HostCommandError::Store)?;
        Ok(commands(waiting))
    }

    /// The answer to a poll did not reach the host: its command may be handed out again at once.
    pub fn delivery_lost(&self, key: &CommandKey, connection: &Connection) {
        if let Some(principal) = self.inner.ledger.take_back(key, connection) {
            self.set_free(vec![(key.clone(), principal)]);
        }
    }

    /// The connection broke: commands handed out over it and not acknowledged are free again.
    pub fn connection_closed(&self, connection: &Connection) {
        connection.token.is_closed.store(true, Ordering::Release);
        self.set_free(self.inner.ledger.take_back_all(connection));
    }

    /// Makes sure that a host may ask for the specification of a deployment: only its targets may.
    ///
    /// # Errors
    /// `NotRegistered`, `NotATarget`, `Store`.
    pub async fn check_target(
        &self,
        principal: &PrincipalArn,
        id: &DeploymentId,
    ) -> Result<(), HostCommandError> {
        // Whoever holds a command of it is one, which a whole fleet asks at once.
        if self.inner.ledger.holds(principal, id) {
            return Ok(());
        }
        let store = &self.inner.store;
        let is_target = match ec2::instance_of_arn(&principal.0) {
            Some(instance) => {
                self.check_instance(&instance, principal).await?;
                let key = TargetKey { deployment: id.clone(), host: HostId::Ec2(instance) };
                let target = store.target(&key).await.map_err(HostCommandError::Store)?;
                target.is_some_and(|target| target.principal == *principal)
            }
            None => {
                let found = store.is_target(principal, id).await.map_err(HostCommandError::Store)?;
                found.ok_or_else(|| HostCommandError::NotRegistered(principal.clone()))?
            }
        };
        if is_target { Ok(()) } else { Err(HostCommandError::NotATarget(id.clone())) }
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
        self.check_target(principal, id).await?;
        let deployment = self.inner.store.deployment(id).await.map_err(HostCommandError::Store)?;
        deployment.ok_or_else(|| HostCommandError::NotATarget(id.clone()))
    }

    /// A host takes `copy` of a command.
    ///
    /// The copy that is acknowledged first is to be run. That one may be acknowledged again by the same
    /// agent, which the answer did not reach: it still is to be run. Every other one is to be dropped.
    ///
    /// Dropping the future does not stop what was begun.
    ///
    /// # Errors
    /// `NoSuchCommand`, `Store`.
    pub async fn acknowledge(
        &self,
        principal: &PrincipalArn,
        key: &CommandKey,
        copy: CommandCopy,
    ) -> Result<AckAnswer, HostCommandError> {
        let (engine, principal, key) = (self.clone(), principal.clone(), key.clone());
        to_its_end(async move { engine.take_acknowledgement(&principal, &key, copy).await }).await
    }

    async fn take_acknowledgement(
        &self,
        principal: &PrincipalArn,
        key: &CommandKey,
        copy: CommandCopy,
    ) -> Result<AckAnswer, HostCommandError> {
        let event = TargetEvent::Acknowledged { event_idx: key.event_idx, copy };
        let applied = self.apply(principal, key, event).await?;
        Ok(match applied.change {
            Ok(()) => {
                self.inner.ledger.acknowledged(key);
                self.expect_deadline(&applied.target);
                AckAnswer::InProgress
            }
            Err(NoChange::AlreadyAcknowledged) => AckAnswer::InProgress,
            Err(NoChange::AnotherCopyRuns | NoChange::AlreadyReported) => AckAnswer::Succeeded,
            Err(NoChange::NotCurrent | NoChange::NotDue | NoChange::NotApplicable) => AckAnswer::Failed,
        })
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
        if matches!(applied.change, Ok(()) | Err(NoChange::AlreadyReported)) {
            self.inner.ledger.reported(key);
        }
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
                self.inner.waiters.wake_with(target);
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

fn commands(waiting: Vec<Target>) -> Vec<HostCommand> {
    waiting.iter().filter_map(HostCommand::of).collect()
}
