//! Tells people and programs what timelines say: entries become deliveries, deliveries are published until
//! they are taken. Source: service.md §10.1.
//!
//! Both halves live in the store, so nothing is lost with a process: what is told once may, after a crash
//! between the publishing and the note of it, be told twice, with the same id.

use std::collections::HashMap;
use std::time::Duration;

use longshore_model::deployment::Deployment;
use longshore_model::id::{ApplicationName, DeploymentGroupName, DeploymentId};
use longshore_model::notification::{self, Delivery, Origin, Subject};
use longshore_model::target::TargetKey;
use longshore_model::time::Timestamp;
use longshore_model::timeline::TimelineEntry;
use longshore_model::watch::Trigger;
use longshore_store::{DeadDelivery, Page, StoreError, TimelinePlace};
use tokio::task::JoinSet;

use crate::Engine;
use crate::outside::Notification;

/// How many entries are looked at together.
const ENTRIES_AT_ONCE: usize = 500;

/// How many entries that nobody is to be told of may be looked at again after a restart.
const ENTRIES_UNTOLD: i64 = 10_000;

/// How many deliveries are published at the same time.
const DELIVERIES_AT_ONCE: usize = 32;

/// How many of them to one target: one that does not answer must not keep the others waiting.
const TO_ONE_TARGET: usize = 4;

/// How long a delivery waits whose target has so many already.
const CROWDED: Duration = Duration::from_millis(500);

/// For how long nobody else tries a delivery that was taken. Longer than any attempt may last.
const TAKEN_FOR: Duration = Duration::from_secs(120);

/// The longest that one attempt may last.
const ATTEMPT: Duration = Duration::from_secs(30);

/// How often is looked for what another server has left, or a store that failed.
const SWEEP: Duration = Duration::from_secs(5);

/// The waits before a delivery is tried again. Source: service.md §10.1, "retried (3 times, exponential)".
const RETRIES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(50)];

impl Engine {
    /// There is something new on the timeline.
    pub(crate) fn timeline_grew(&self) {
        self.inner.timeline.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// There is something to deliver.
    fn deliveries_grew(&self) {
        self.inner.deliveries.notify_one();
    }

    /// Turns what timelines say into deliveries until the engine ends.
    pub(crate) async fn keep_telling(&self) {
        let mut grew = self.inner.timeline.subscribe();
        let mut is_stopping = self.inner.is_stopping.subscribe();
        let mut seen = TimelinePlace::default();
        while !*is_stopping.borrow() {
            grew.mark_unchanged();
            match self.tell_some(&mut seen).await {
                Ok(true) | Err(StoreError::Stale) => continue,
                Ok(false) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "cannot tell what timelines say; trying again later");
                }
            }
            let next = self.now().plus(SWEEP);
            tokio::select! {
                biased;
                _ = is_stopping.changed() => {}
                _ = grew.changed() => {}
                () = self.inner.clock.sleep_until(next) => {}
            }
        }
    }

    /// Looks at what is after the place that was told and after `seen`, which it moves. Says whether there
    /// may be more.
    async fn tell_some(&self, seen: &mut TimelinePlace) -> Result<bool, StoreError> {
        let store = &self.inner.store;
        let from = store.told().await?;
        let entries = store.timeline_after(from.max(*seen), ENTRIES_AT_ONCE).await?;
        let Some(to) = entries.last().map(|(place, _)| *place) else { return Ok(false) };
        let mut known: HashMap<DeploymentId, Option<Deployment>> = HashMap::new();
        let mut deliveries: Vec<Delivery> = Vec::new();
        for (_, entry) in &entries {
            let id = &entry.deployment;
            if !known.contains_key(id) {
                known.insert(id.clone(), store.deployment(id).await?);
            }
            if let Some(Some(deployment)) = known.get(id) {
                deliveries.extend(self.deliveries_of(deployment, entry).await?);
            }
        }
        // A place costs a commit. Without anything to tell it is worth one only now and then: whoever looks
        // at these entries again finds nothing again.
        if !deliveries.is_empty() || ENTRIES_UNTOLD <= to.0 - from.0 {
            store.tell(from, to, &deliveries, self.now()).await?;
        }
        if !deliveries.is_empty() {
            self.deliveries_grew();
        }
        *seen = to;
        Ok(entries.len() == ENTRIES_AT_ONCE)
    }

    /// A deployment event goes to every trigger that lists its type, once each.
    async fn deliveries_of(
        &self,
        deployment: &Deployment,
        entry: &TimelineEntry,
    ) -> Result<Vec<Delivery>, StoreError> {
        let Some((event, status)) = notification::trigger_event(deployment, entry) else {
            return Ok(Vec::new());
        };
        let wants = |trigger: &&Trigger| trigger.events.contains(&event);
        let triggers: Vec<&Trigger> = deployment.triggers.iter().filter(wants).collect();
        if triggers.is_empty() {
            return Ok(Vec::new());
        }
        // Messages about hosts have no counts, and there are as many of them as hosts.
        let counts = match &entry.host {
            None => self.inner.store.target_counts(&deployment.id).await?,
            Some(_) => Vec::new(),
        };
        let target = match &entry.host {
            None => None,
            Some(host) => {
                let key = TargetKey { deployment: deployment.id.clone(), host: host.clone() };
                self.inner.store.target(&key).await?
            }
        };
        let origin = self.origin();
        let subject = Subject { deployment, counts: &counts, target: target.as_ref() };
        Ok(triggers
            .into_iter()
            .map(|trigger| Delivery {
                id: self.draw().uuid(),
                trigger: trigger.name.clone(),
                target: trigger.target.clone(),
                deployment: Some(deployment.id.clone()),
                subject: notification::subject_line(status, deployment, &origin),
                message: notification::message(trigger, entry, status, &subject, &origin),
                at: entry.at,
            })
            .collect())
    }

    /// Sends a test notification to triggers that were made or changed. A failure to note it is logged: the
    /// group is made all the same.
    pub(crate) async fn test_triggers(
        &self,
        application: &ApplicationName,
        group: &DeploymentGroupName,
        triggers: &[Trigger],
    ) {
        let now = self.now();
        let origin = self.origin();
        let deliveries: Vec<Delivery> = triggers
            .iter()
            .map(|trigger| {
                let (subject, message) =
                    notification::test_message(trigger, application.as_str(), group.as_str(), &origin);
                Delivery {
                    id: self.draw().uuid(),
                    trigger: trigger.name.clone(),
                    target: trigger.target.clone(),
                    deployment: None,
                    subject,
                    message,
                    at: now,
                }
            })
            .collect();
        if deliveries.is_empty() {
            return;
        }
        match self.inner.store.add_deliveries(&deliveries, now).await {
            Ok(()) => self.deliveries_grew(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "cannot send test notifications of deployment group {group}");
            }
        }
    }

    /// Publishes deliveries until the engine ends, which gives up attempts that are under way: they are made
    /// again by whoever comes next.
    pub(crate) async fn keep_delivering(&self) {
        let mut is_stopping = self.inner.is_stopping.subscribe();
        let mut under_way = UnderWay::default();
        while !*is_stopping.borrow() {
            let next = match self.begin_deliveries(&mut under_way).await {
                Ok(Some(next)) => next.min(self.now().plus(SWEEP)),
                Ok(None) => self.now().plus(SWEEP),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "cannot read or note deliveries; trying again later");
                    self.now().plus(SWEEP)
                }
            };
            tokio::select! {
                biased;
                _ = is_stopping.changed() => {}
                () = under_way.one_ended(), if !under_way.is_empty() => {}
                () = self.inner.deliveries.notified() => {}
                () = self.inner.clock.sleep_until(next) => {}
            }
        }
    }

    /// Begins to publish what is due, as far as there is room, and says when more is due.
    async fn begin_deliveries(&self, under_way: &mut UnderWay) -> Result<Option<Timestamp>, StoreError> {
        let store = &self.inner.store;
        loop {
            let room = DELIVERIES_AT_ONCE.saturating_sub(under_way.len());
            // Asked first: reading costs no commit, and mostly nothing is due.
            let next = store.next_delivery().await?;
            let now = self.now();
            if room == 0 || next.is_none_or(|next| now < next) {
                return Ok(next.filter(|_| 0 < room));
            }
            let taken = store.take_deliveries(now, now.plus(TAKEN_FOR), room).await?;
            let (fit, others): (Vec<_>, Vec<_>) =
                taken.into_iter().partition(|(delivery, _)| under_way.admits(&delivery.target));
            let put_back: Vec<String> = others.into_iter().map(|(delivery, _)| delivery.id).collect();
            store.postpone_deliveries(&put_back, now.plus(CROWDED)).await?;
            for (delivery, n_before) in fit {
                let engine = self.clone();
                under_way.begin(delivery.target.clone(), async move {
                    let id = delivery.id.clone();
                    if let Err(error) = engine.deliver(delivery, n_before).await {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(delivery.id = id, error, "cannot note what became of a delivery");
                    }
                });
            }
        }
    }

    async fn deliver(&self, delivery: Delivery, n_before: u32) -> Result<(), StoreError> {
        let store = &self.inner.store;
        let notification = Notification {
            id: delivery.id.clone(),
            target: delivery.target.clone(),
            subject: delivery.subject.clone(),
            message: delivery.message.clone(),
            at: delivery.at,
        };
        let publishing = self.inner.outside.publisher.publish(&notification);
        let error = match tokio::time::timeout(ATTEMPT, publishing).await {
            Ok(Ok(())) => return store.delivered(&delivery.id).await,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} seconds", ATTEMPT.as_secs()),
        };
        let retry = usize::try_from(n_before).ok().and_then(|n_before| RETRIES.get(n_before));
        let due_at = retry.map(|pause| self.now().plus(*pause));
        let trigger = &delivery.trigger;
        if due_at.is_some() {
            tracing::warn!(delivery.id, trigger, error, "trigger {trigger} is not delivered, trying again");
        } else {
            tracing::error!(delivery.id, trigger, error, "trigger {trigger} is not delivered, given up");
        }
        store.not_delivered(&delivery.id, &error, due_at).await
    }

    /// Where events come from, and in which form triggers tell of them.
    pub fn origin(&self) -> Origin {
        let config = &self.inner.config;
        Origin {
            region: config.region.clone(),
            account_id: config.account_id.clone(),
            form: config.trigger_payload,
        }
    }

    /// Notifications that nobody tries to deliver any more, oldest first.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn dead_deliveries(&self, page: &Page) -> Result<Vec<(Timestamp, DeadDelivery)>, StoreError> {
        self.inner.store.dead_deliveries(page).await
    }

    /// Tries a notification that was given up again, or all of them. Answers how many.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn revive_deliveries(&self, id: Option<&str>) -> Result<usize, StoreError> {
        let n_revived = self.inner.store.revive_deliveries(id, self.now()).await?;
        if 0 < n_revived {
            self.deliveries_grew();
        }
        Ok(n_revived)
    }

    /// One deployment's timeline in order, each entry with its key.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn timeline(
        &self,
        deployment: &DeploymentId,
        page: &Page,
    ) -> Result<Vec<(String, TimelineEntry)>, StoreError> {
        self.inner.store.timeline(deployment, page).await
    }

    /// The place after the last entry of all timelines.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn timeline_end(&self) -> Result<TimelinePlace, StoreError> {
        self.inner.store.timeline_end().await
    }

    /// What all timelines say after `place`, or the first part of it.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn timeline_after(
        &self,
        place: TimelinePlace,
    ) -> Result<Vec<(TimelinePlace, TimelineEntry)>, StoreError> {
        self.inner.store.timeline_after(place, ENTRIES_AT_ONCE).await
    }

    /// What all timelines say after `place`, waiting until they say something; empty when the engine ends.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn follow_timeline(
        &self,
        place: TimelinePlace,
    ) -> Result<Vec<(TimelinePlace, TimelineEntry)>, StoreError> {
        let mut grew = self.inner.timeline.subscribe();
        let mut is_stopping = self.inner.is_stopping.subscribe();
        loop {
            grew.mark_unchanged();
            let entries = self.timeline_after(place).await?;
            if !entries.is_empty() || *is_stopping.borrow() {
                return Ok(entries);
            }
            let next = self.now().plus(SWEEP);
            tokio::select! {
                biased;
                _ = is_stopping.changed() => {}
                _ = grew.changed() => {}
                () = self.inner.clock.sleep_until(next) => {}
            }
        }
    }
}

/// Deliveries that are being published; dropping it gives them up.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<String>,
    by_target: HashMap<String, usize>,
}

impl UnderWay {
    fn len(&self) -> usize {
        self.tasks.len()
    }

    fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Whether there is room for one more to `target`; if so it is counted.
    fn admits(&mut self, target: &str) -> bool {
        let n = self.by_target.entry(target.to_owned()).or_default();
        let has_room = *n < TO_ONE_TARGET;
        *n += usize::from(has_room);
        has_room
    }

    /// Begins one that was admitted.
    fn begin(&mut self, target: String, delivery: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            delivery.await;
            target
        });
    }

    /// Waits until one has ended, and makes room for others.
    async fn one_ended(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(target)) => {
                if let Some(n) = self.by_target.get_mut(&target) {
                    *n -= 1;
                }
                self.by_target.retain(|_, n| 0 < *n);
            }
            // Its target's room is lost until none is under way.
            Some(Err(error)) => tracing::error!(%error, "a delivery ended inside"),
            None => {}
        }
        if self.tasks.is_empty() {
            self.by_target.clear();
        }
    }
}

/// The triggers of `after` that `before` does not have, or has otherwise.
pub(crate) fn changed_triggers(before: &[Trigger], after: &[Trigger]) -> Vec<Trigger> {
    after.iter().filter(|trigger| !before.contains(trigger)).cloned().collect()
}
