//! The loop of one deployment: read a snapshot, plan, commit, wake who waits, wait.
//!
//! A restart, a second server, a lost answer and a slow tick are the same case: the next round reads
//! what is there and plans from it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_model::deployment::{Deployment, DeploymentStatus, Rollback};
use longshore_model::deployment_group::OutdatedInstancesStrategy;
use longshore_model::host::HostHealth;
use longshore_model::id::{DeploymentGroupId, DeploymentId, HostArn};
use longshore_model::plan::begin::{self, Candidate};
use longshore_model::plan::{Ending, Step, health, in_place, late, rollback};
use longshore_model::tag_filter::TagSelector;
use longshore_model::target::{TargetEvent, TargetStatus};
use longshore_model::time::Timestamp;
use longshore_model::timeline;
use longshore_store::{FollowUp, Load, Places, RoundOutcome, Snapshot, StoreError};
use tokio::sync::Notify;

use crate::Engine;
use crate::deployment::first_use;

/// How long a loop waits after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// How often a queued deployment asks for a place, besides being woken when one ends here.
const QUEUE_RETRY: Duration = Duration::from_secs(1);

/// So many targets make a round wait for a millisecond after the one before it. A round reads all targets:
/// with as many rounds as reports the cost of a deployment would grow with the square of its hosts.
const TARGETS_PER_MILLI: usize = 100;

/// The loops that run, one per unfinished deployment.
#[derive(Debug, Default)]
pub(crate) struct Drives {
    running: Mutex<BTreeMap<DeploymentId, Drive>>,
    one_ended: Notify,
}

/// One loop, as others see it.
#[derive(Debug)]
struct Drive {
    notify: Arc<Notify>,
    /// Until when it waits at the longest; `None` while it makes a round, from which no more than
    /// the present state can be expected.
    waits_until: Option<Timestamp>,
}

/// The end of a wait that only a notification ends.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

impl Drives {
    /// Returns when no loop runs.
    pub(crate) async fn ended(&self) {
        loop {
            let ended = self.one_ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.lock().is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// The deployments whose loops run.
    pub(crate) fn all(&self) -> Vec<DeploymentId> {
        self.lock().keys().cloned().collect()
    }

    pub(crate) fn runs(&self, id: &DeploymentId) -> bool {
        self.lock().contains_key(id)
    }

    fn set_waits_until(&self, id: &DeploymentId, point: Option<Timestamp>) {
        if let Some(drive) = self.lock().get_mut(id) {
            drive.waits_until = point;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<DeploymentId, Drive>> {
        // A panic elsewhere cannot leave the map half-changed: every change is one call.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the alarms of a deployment are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AlarmWatch {
    /// Not since its loop began.
    NotYet,
    /// From time to time.
    Runs,
}

/// What a loop knows from its rounds before.
#[derive(Clone, Copy, Debug)]
struct Memory {
    alarms: AlarmWatch,
    /// How many targets the last round read, and when it began.
    n_targets: usize,
    began_at: Timestamp,
}

impl Memory {
    /// When a round may follow that something has asked for.
    fn next_round_at(&self) -> Timestamp {
        let pause = u64::try_from(self.n_targets / TARGETS_PER_MILLI).unwrap_or(u64::MAX);
        self.began_at.plus(Duration::from_millis(pause))
    }
}

/// What a round came to.
enum RoundEnd {
    /// The deployment is final, or gone.
    Final,
    /// Nothing to do until something happens or this time has come.
    Wait(Option<Timestamp>),
}

impl Engine {
    /// Makes the loop of a deployment look again, starting it if it does not run.
    pub(crate) fn wake(&self, id: &DeploymentId) {
        let mut running = self.inner.drives.lock();
        if let Some(drive) = running.get(id) {
            drive.notify.notify_one();
            return;
        }
        let notify = Arc::new(Notify::new());
        running.insert(id.clone(), Drive { notify: Arc::clone(&notify), waits_until: None });
        drop(running);
        let engine = self.clone();
        let id = id.clone();
        tokio::spawn(async move {
            engine.drive(&id, &notify).await;
            engine.inner.drives.lock().remove(&id);
            // It may be another server that ended it.
            if !*engine.inner.is_stopping.borrow() {
                engine.inner.ledger.forget_deployment(&id);
            }
            engine.inner.drives.one_ended.notify_waiters();
        });
    }

    /// Makes the loop of a deployment look again at `point`, should it not do so before.
    pub(crate) fn wake_by(&self, id: &DeploymentId, point: Timestamp) {
        let running = self.inner.drives.lock();
        let waits_until = running.get(id).and_then(|drive| drive.waits_until);
        let looks_in_time = waits_until.is_some_and(|until| until <= point);
        drop(running);
        if !looks_in_time {
            self.wake(id);
        }
    }

    async fn drive(&self, id: &DeploymentId, notify: &Notify) {
        let mut is_stopping = self.inner.is_stopping.subscribe();
        let mut memory = Memory { alarms: AlarmWatch::NotYet, n_targets: 0, began_at: self.now() };
        loop {
            if *is_stopping.borrow() {
                return;
            }
            self.inner.drives.set_waits_until(id, None);
            let wake_at = match self.round(id, &mut memory).await {
                Ok(RoundEnd::Final) => return,
                Ok(RoundEnd::Wait(wake_at)) => wake_at,
                Err(StoreError::Stale) => continue,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(deployment.id = %id, error, "cannot plan the next round");
                    Some(self.now().plus(STORE_RETRY))
                }
            };
            // Set before waiting: whoever changes something from here on knows when it will be seen.
            // What changed during the round has left a notification.
            self.inner.drives.set_waits_until(id, Some(wake_at.unwrap_or(NEVER)));
            let pause_until = tokio::select! {
                biased;
                _ = is_stopping.changed() => return,
                () = notify.notified() => memory.next_round_at(),
                () = self.sleep_until(wake_at) => continue,
            };
            let pause_until = wake_at.map_or(pause_until, |at| at.min(pause_until));
            if self.now() < pause_until {
                tokio::select! {
                    biased;
                    _ = is_stopping.changed() => return,
                    () = self.inner.clock.sleep_until(pause_until) => {}
                }
            }
        }
    }

    async fn sleep_until(&self, point: Option<Timestamp>) {
        match point {
            Some(point) => self.inner.clock.sleep_until(point).await,
            None => std::future::pending().await,
        }
    }

    /// One round: snapshot, plan, commit.
    async fn round(&self, id: &DeploymentId, memory: &mut Memory) -> Result<RoundEnd, StoreError> {
        memory.began_at = self.now();
        let Some(snapshot) = self.inner.store.snapshot(id).await? else {
            return Ok(RoundEnd::Final);
        };
        memory.n_targets = snapshot.targets.len();
        let now = self.now();
        match snapshot.deployment.status {
            DeploymentStatus::Created | DeploymentStatus::Queued => self.begin(snapshot, now).await,
            DeploymentStatus::InProgress | DeploymentStatus::Baking => {
                if self.begin_watch(&snapshot.deployment, &mut memory.alarms).await? {
                    return Ok(RoundEnd::Wait(Some(now)));
                }
                self.go_on(snapshot, now).await
            }
            DeploymentStatus::Succeeded | DeploymentStatus::Failed | DeploymentStatus::Stopped => {
                Ok(RoundEnd::Final)
            }
        }
    }

    /// Looks at the alarms before the first host begins, or goes on after a restart. Says whether the round
    /// ends here: one of them stopped the deployment, or the engine ends.
    async fn begin_watch(
        &self,
        deployment: &Deployment,
        alarms: &mut AlarmWatch,
    ) -> Result<bool, StoreError> {
        if *alarms == AlarmWatch::Runs || deployment.watched_alarms().is_none() || deployment.stop.is_some() {
            return Ok(false);
        }
        if self.stop_on_alarm(deployment).await? || *self.inner.is_stopping.borrow() {
            return Ok(true);
        }
        self.watch_alarms(&deployment.id);
        *alarms = AlarmWatch::Runs;
        Ok(false)
    }

    async fn go_on(&self, snapshot: Snapshot, now: Timestamp) -> Result<RoundEnd, StoreError> {
        let round = in_place::round(&snapshot.deployment, &snapshot.targets, &self.inner.config.clocks, now);
        if round.steps.is_empty() {
            return Ok(RoundEnd::Wait(round.wake_at));
        }
        let is_final = round.steps.iter().any(|step| matches!(step, Step::Finish(_)));
        self.commit_round(&snapshot, snapshot.deployment.clone(), round.steps, now).await?;
        // What was just committed changes what is next: look again at once.
        Ok(if is_final { RoundEnd::Final } else { RoundEnd::Wait(Some(now)) })
    }

    async fn begin(&self, snapshot: Snapshot, now: Timestamp) -> Result<RoundEnd, StoreError> {
        // Asked without the hosts first: one that waits asks often.
        if let Some(load) = self.load_without_place(0).await? {
            return self.queue(snapshot, load, now).await;
        }
        let candidates = self.candidates(&snapshot.deployment).await?;
        if let Some(load) = self.load_without_place(candidates.len()).await? {
            return self.queue(snapshot, load, now).await;
        }
        let max_hosts = self.inner.config.quotas.hosts_per_deployment;
        let Ok(begun) = begin::begin(&snapshot.deployment, candidates, max_hosts, now) else {
            return Err(StoreError::Stale);
        };
        let deployment = begun.deployment;
        let mut outcome = self.outcome(deployment).await?;
        if 0 < outcome.deployment.n_hosts {
            outcome.timeline.push(timeline::counted(&outcome.deployment, begun.targets.len(), now));
        }
        outcome.new_targets = begun.targets;
        let is_final = outcome.deployment.status.is_final();
        // Others may begin at the same time, here or on another server: the place counts when it is written.
        outcome.places = (!is_final).then(|| self.places());
        self.commit(&snapshot, outcome, now).await?;
        Ok(if is_final { RoundEnd::Final } else { RoundEnd::Wait(Some(now)) })
    }

    async fn queue(&self, snapshot: Snapshot, load: Load, now: Timestamp) -> Result<RoundEnd, StoreError> {
        let wait = RoundEnd::Wait(Some(now.plus(QUEUE_RETRY)));
        if snapshot.deployment.status == DeploymentStatus::Queued {
            return Ok(wait);
        }
        let mut deployment = snapshot.deployment.clone();
        let Ok(queued) = deployment.status.after(longshore_model::deployment::DeploymentEvent::Queued) else {
            return Err(StoreError::Stale);
        };
        deployment.status = queued;
        let mut outcome = self.outcome(deployment).await?;
        let places = self.places();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let taken = timeline::PlacesTaken {
            deployments: count(load.deployments),
            max_deployments: count(places.deployments),
            hosts: count(load.hosts),
            max_hosts: count(places.hosts),
        };
        outcome.timeline.push(timeline::waits_for_place(&outcome.deployment, taken, now));
        self.commit(&snapshot, outcome, now).await?;
        Ok(wait)
    }

    /// What is in progress, if a deployment with `n_hosts` more does not fit beside it.
    async fn load_without_place(&self, n_hosts: usize) -> Result<Option<Load>, StoreError> {
        let load = self.inner.store.load().await?;
        Ok((!self.places().have_room(load, n_hosts)).then_some(load))
    }

    fn places(&self) -> Places {
        let quotas = &self.inner.config.quotas;
        Places { deployments: quotas.concurrent_deployments, hosts: quotas.concurrent_hosts }
    }

    async fn candidates(&self, deployment: &Deployment) -> Result<Vec<Candidate>, StoreError> {
        self.selected(&deployment.group_id, &deployment.selector, &deployment.ec2_selector).await
    }

    /// The hosts that selectors of a group select now, with what the group remembers of them.
    pub(crate) async fn selected(
        &self,
        group: &DeploymentGroupId,
        selector: &TagSelector,
        ec2_selector: &TagSelector,
    ) -> Result<Vec<Candidate>, StoreError> {
        let store = &self.inner.store;
        let hosts = store.select_hosts(selector).await?;
        let instances = store.select_ec2_instances(ec2_selector).await?;
        let records = store.host_health(group).await?;
        let mut health: HashMap<HostArn, HostHealth> = records.into_iter().collect();
        let mut candidates: Vec<Candidate> = Vec::with_capacity(hosts.len() + instances.len());
        candidates.extend(hosts.into_iter().map(|host| {
            let known = health.remove(&host.arn);
            Candidate::on_premises(host, known)
        }));
        candidates.extend(instances.into_iter().map(|instance| {
            let known = health.remove(&instance.arn);
            Candidate::ec2(instance, known)
        }));
        Ok(candidates)
    }

    /// Commits the steps of a round and wakes whoever they concern.
    pub(crate) async fn commit_round(
        &self,
        snapshot: &Snapshot,
        mut deployment: Deployment,
        steps: Vec<Step>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let decisions = timeline::decisions(&deployment, &snapshot.targets, &steps, now);
        let mut target_events: Vec<(u32, TargetEvent)> = Vec::new();
        let mut ending: Option<Ending> = None;
        for step in steps {
            match step {
                Step::Target { position, event } => target_events.push((position, event)),
                Step::Zone(zone) => {
                    deployment = zone.apply(&deployment, now).map_err(|_| StoreError::Stale)?;
                }
                Step::Finish(finish) => ending = Some(finish),
            }
        }
        let deployment = match &ending {
            Some(ending) => ending.apply(&deployment, now).map_err(|_| StoreError::Stale)?,
            None => deployment,
        };
        let mut outcome = self.outcome(deployment).await?;
        if ending.is_some() {
            outcome.host_health = self.health_after(&outcome.deployment, &target_events).await?;
        }
        outcome.target_events = target_events;
        outcome.timeline = decisions;
        self.commit(snapshot, outcome, now).await
    }

    /// An outcome that changes the deployment and, where that matters, its group's history.
    async fn outcome(&self, deployment: Deployment) -> Result<RoundOutcome, StoreError> {
        let group = self.inner.store.deployment_group_by_id(&deployment.group_id).await?;
        let group_history = group.and_then(|group| {
            let history = health::group_history(&deployment, &group.history);
            (history != group.history).then_some(history)
        });
        Ok(RoundOutcome {
            deployment,
            new_targets: Vec::new(),
            target_events: Vec::new(),
            group_history,
            host_health: Vec::new(),
            timeline: Vec::new(),
            places: None,
            follow_up: None,
        })
    }

    async fn health_after(
        &self,
        deployment: &Deployment,
        events: &[(u32, TargetEvent)],
    ) -> Result<Vec<(HostArn, HostHealth)>, StoreError> {
        let records = self.inner.store.host_health(&deployment.group_id).await?;
        let before: BTreeMap<HostArn, HostHealth> = records.into_iter().collect();
        // Targets that this very round ends: whatever it gives up counts as failed.
        let given_up: HashMap<u32, TargetStatus> = events
            .iter()
            .map(|(position, event)| {
                let is_skipped = *event == TargetEvent::Skipped;
                (*position, if is_skipped { TargetStatus::Skipped } else { TargetStatus::Failed })
            })
            .collect();
        let endings = self.inner.store.target_endings(&deployment.id).await?;
        let mut ended: BTreeMap<HostArn, TargetStatus> = BTreeMap::new();
        for (position, arn, status) in endings {
            ended.insert(arn, given_up.get(&position).copied().unwrap_or(status));
        }
        let hosts = before.keys().chain(ended.keys().filter(|arn| !before.contains_key(*arn)));
        Ok(hosts
            .filter_map(|arn| {
                let after = health::after_deployment(deployment, ended.get(arn).copied(), before.get(arn))?;
                Some((arn.clone(), after))
            })
            .collect())
    }

    async fn commit(
        &self,
        snapshot: &Snapshot,
        mut outcome: RoundOutcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if rollback::is_due(&outcome.deployment) {
            self.add_rollback(&mut outcome, now).await?;
        }
        if outcome.deployment.status == DeploymentStatus::Succeeded {
            self.add_update(&mut outcome, now).await?;
        }
        outcome.timeline.extend(timeline::of_deployment(&snapshot.deployment, &outcome.deployment, now));
        let deployment = &outcome.deployment;
        let changed =
            self.inner.store.commit(snapshot.generation, &outcome, &self.inner.config.clocks, now).await?;
        self.timeline_grew();
        for target in &changed {
            self.inner.waiters.wake_with(target);
        }
        if deployment.status.is_final() {
            self.inner.ledger.forget_deployment(&deployment.id);
            self.forget_hand_outs(&deployment.id);
            let status = deployment.status.as_str();
            metrics::counter!("longshore_deployments_total", "status" => status).increment(1);
            tracing::info!(deployment.id = %deployment.id, status, "deployment {} is {status}", deployment.id);
        }
        if let Some(follow_up) = &outcome.follow_up {
            self.wake(&follow_up.deployment.id);
        }
        Ok(())
    }

    /// Adds the update of hosts that joined while a deployment ran that ends with `outcome`.
    async fn add_update(&self, outcome: &mut RoundOutcome, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.inner.store;
        let root = &mut outcome.deployment;
        // Of the hosts that an update leaves alone nobody can tell which are late and which failed before.
        if root.only_hosts.is_some() {
            return Ok(());
        }
        let Some(group) = store.deployment_group_by_id(&root.group_id).await? else { return Ok(()) };
        if group.outdated_instances_strategy == OutdatedInstancesStrategy::Ignore {
            return Ok(());
        }
        let candidates = self.candidates(root).await?;
        let endings = store.target_endings(&root.id).await?;
        let targets: HashSet<HostArn> = endings.into_iter().map(|(_, arn, _)| arn).collect();
        let hosts = late::joined(root, &candidates, &targets);
        if hosts.is_empty() {
            return Ok(());
        }
        let deployment = late::update(root, hosts, self.draw().deployment_id(), now);
        root.late.updates.push(deployment.id.clone());
        let revision_use = first_use(&deployment);
        outcome.follow_up = Some(FollowUp { deployment, revision_use });
        Ok(())
    }

    /// Adds the rollback of a deployment that ends with `outcome`, if its group has anything to go back to.
    async fn add_rollback(&self, outcome: &mut RoundOutcome, now: Timestamp) -> Result<(), StoreError> {
        let trigger = &mut outcome.deployment;
        let store = &self.inner.store;
        // Without a group there is nothing to roll back.
        let Some(group) = store.deployment_group_by_id(&trigger.group_id).await? else { return Ok(()) };
        let last_success = match &group.history.last_successful {
            Some(id) => store.deployment(id).await?,
            None => None,
        };
        let Some(last_success) = last_success else {
            trigger.rollback = Some(Rollback::Nowhere);
            return Ok(());
        };
        let deployment = rollback::rollback(trigger, &last_success, self.draw().deployment_id(), now);
        trigger.rollback = Some(Rollback::By(deployment.id.clone()));
        let revision_use = first_use(&deployment);
        outcome.follow_up = Some(FollowUp { deployment, revision_use });
        Ok(())
    }
}
