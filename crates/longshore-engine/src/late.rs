//! Hosts that come, or come back, when no deployment runs: found outdated and, if their group says so,
//! brought up to date. The rules are in `longshore_model::plan::late`.
//!
//! Who has come is in the store until it has been looked after, so that neither a restart nor a busy group
//! loses anybody, and any server may look after whom another one has seen.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longshore_model::deployment::{Creator, Deployment, DeploymentStatus, FileExistsBehavior, NewDeployment};
use longshore_model::deployment_group::DeploymentGroup;
use longshore_model::host::Arrival;
use longshore_model::id::{HostArn, PrincipalArn};
use longshore_model::plan::begin::Candidate;
use longshore_model::plan::late::{self, LATE_HOSTS, is_kept_up_to_date};
use longshore_model::target::TargetKey;
use longshore_model::time::Timestamp;
use longshore_store::{DeploymentFilter, Page, StoreError};
use tokio::sync::Notify;

use crate::Engine;
use crate::deployment::{DeploymentError, ServiceMade};

/// How often is looked again for hosts whose group was busy.
const RETRY: Duration = Duration::from_secs(5);

/// How often is looked for those that another server saw, and was killed before it looked after them.
const LOOK_AROUND: Duration = Duration::from_secs(60);

/// Who was heard of, and a bell for those who came.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// When each host was last heard of by this process.
    last_heard: Mutex<HashMap<PrincipalArn, Timestamp>>,
    came: Notify,
}

impl Arrivals {
    /// When this process last heard of a host; that may have polled another one since, or this one before it
    /// was started again.
    fn last_heard(&self, principal: &PrincipalArn) -> Option<Timestamp> {
        self.lock().get(principal).copied()
    }

    /// Notes that a host polls.
    pub(crate) fn heard(&self, principal: &PrincipalArn, now: Timestamp) {
        self.lock().insert(principal.clone(), now);
    }

    /// A host is not registered any more.
    pub(crate) fn forget(&self, principal: &PrincipalArn) {
        self.lock().remove(principal);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PrincipalArn, Timestamp>> {
        self.last_heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// A host polls. If it was away, it has come.
    pub(crate) async fn look_whether_it_came(&self, principal: &PrincipalArn) -> Result<(), StoreError> {
        let now = self.now();
        if !self.was_away(self.inner.arrivals.last_heard(principal), now) {
            return Ok(());
        }
        let before = self.inner.store.contact(principal).await?.map(|before| before.last_poll_at);
        if !self.was_away(before, now) || self.groups_kept_up_to_date().await?.is_empty() {
            return Ok(());
        }
        self.came(vec![Arrival { principal: principal.clone(), at: now, silent_since: before }]).await
    }

    /// Hosts were tagged: those that are there may have come to another group.
    pub(crate) async fn tagged(&self, principals: &[PrincipalArn]) -> Result<(), StoreError> {
        if self.groups_kept_up_to_date().await?.is_empty() {
            return Ok(());
        }
        self.came(self.those_there(principals).await?).await
    }

    /// What a group selects, or says of late hosts, may have changed: those of its outdated hosts that are
    /// there have come.
    pub(crate) async fn group_changed(&self, group: &DeploymentGroup) -> Result<(), StoreError> {
        if !is_kept_up_to_date(group) {
            return Ok(());
        }
        let outdated = self.outdated(group).await?;
        let principals: Vec<PrincipalArn> =
            outdated.into_iter().map(|candidate| candidate.principal).collect();
        self.came(self.those_there(&principals).await?).await
    }

    async fn those_there(&self, principals: &[PrincipalArn]) -> Result<Vec<Arrival>, StoreError> {
        let now = self.now();
        let mut there = Vec::new();
        for principal in principals {
            let contact = self.inner.store.contact(principal).await?;
            if !self.was_away(contact.map(|contact| contact.last_poll_at), now) {
                there.push(Arrival { principal: principal.clone(), at: now, silent_since: None });
            }
        }
        Ok(there)
    }

    async fn came(&self, arrivals: Vec<Arrival>) -> Result<(), StoreError> {
        if !arrivals.is_empty() {
            self.inner.store.note_arrivals(&arrivals).await?;
            self.inner.arrivals.came.notify_one();
        }
        Ok(())
    }

    fn was_away(&self, last_poll_at: Option<Timestamp>, now: Timestamp) -> bool {
        late::was_away(last_poll_at, now, &self.inner.config.clocks)
    }

    async fn groups_kept_up_to_date(&self) -> Result<Vec<DeploymentGroup>, StoreError> {
        let mut groups = self.inner.store.deployment_groups_tagged(LATE_HOSTS).await?;
        groups.retain(is_kept_up_to_date);
        Ok(groups)
    }

    /// Looks after hosts that came, until the engine ends.
    pub(crate) async fn keep_up_to_date(&self) {
        let mut is_stopping = self.inner.is_stopping.subscribe();
        while !*is_stopping.borrow() {
            let pause = match self.update_late_hosts().await {
                Ok(false) => LOOK_AROUND,
                Ok(true) => RETRY,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "cannot look after hosts that came; trying again later");
                    RETRY
                }
            };
            let next = self.now().plus(pause);
            tokio::select! {
                biased;
                _ = is_stopping.changed() => {}
                () = self.inner.arrivals.came.notified() => {}
                () = self.inner.clock.sleep_until(next) => {}
            }
        }
    }

    /// Answers whether some wait for a group that is busy.
    async fn update_late_hosts(&self) -> Result<bool, StoreError> {
        let arrivals = self.inner.store.arrivals().await?;
        if arrivals.is_empty() {
            return Ok(false);
        }
        let came: HashMap<&PrincipalArn, &Arrival> =
            arrivals.iter().map(|arrival| (&arrival.principal, arrival)).collect();
        let mut waiting: HashSet<PrincipalArn> = HashSet::new();
        for group in self.groups_kept_up_to_date().await? {
            waiting.extend(self.update_late_hosts_of(&group, &came).await?);
        }
        let looked_after: Vec<Arrival> =
            arrivals.iter().filter(|arrival| !waiting.contains(&arrival.principal)).cloned().collect();
        self.inner.store.forget_arrivals(&looked_after).await?;
        Ok(!waiting.is_empty())
    }

    /// The hosts of a group that do not have the revision of its last success.
    async fn outdated(&self, group: &DeploymentGroup) -> Result<Vec<Candidate>, StoreError> {
        let Some(revision) = &group.history.target_revision else { return Ok(Vec::new()) };
        let mut candidates =
            self.selected(&group.id, &group.on_premises_selector, &group.ec2_selector).await?;
        candidates.retain(|candidate| candidate.is_outdated(revision));
        Ok(candidates)
    }

    /// Answers those that wait because the group is busy: whoever has the right revision now may have another
    /// one when its deployment has ended, which does not concern who came after it began.
    async fn update_late_hosts_of(
        &self,
        group: &DeploymentGroup,
        came: &HashMap<&PrincipalArn, &Arrival>,
    ) -> Result<Vec<PrincipalArn>, StoreError> {
        if self.is_busy(group).await? {
            let mut selected =
                self.selected(&group.id, &group.on_premises_selector, &group.ec2_selector).await?;
            selected.retain(|candidate| came.contains_key(&candidate.principal));
            return Ok(selected.into_iter().map(|candidate| candidate.principal).collect());
        }
        let latest = match &group.history.last_attempted {
            Some(id) => self.inner.store.deployment(id).await?,
            None => None,
        };
        let mut late: Vec<Candidate> = Vec::new();
        for candidate in self.outdated(group).await? {
            if let Some(arrival) = came.get(&candidate.principal)
                && !self.is_served(arrival, latest.as_ref(), &candidate).await?
            {
                late.push(candidate);
            }
        }
        if late.is_empty() {
            return Ok(Vec::new());
        }
        let new = NewDeployment {
            application: group.application.clone(),
            group: group.name.clone(),
            revision: None,
            config: None,
            description: None,
            ignore_application_stop_failures: false,
            update_outdated_instances_only: true,
            file_exists_behavior: FileExistsBehavior::default(),
            auto_rollback: None,
            override_alarms: None,
            processes_to_suspend: None,
            is_restart: false,
            target_instances: None,
        };
        let hosts: Vec<HostArn> = late.iter().map(|candidate| candidate.arn.clone()).collect();
        let made = ServiceMade { creator: Creator::AutoUpdate, only_hosts: Some(hosts) };
        match self.create_by_service(new, made).await {
            Ok(id) => {
                let n_hosts = late.len();
                tracing::info!(deployment.id = %id, n_hosts, "{n_hosts} hosts came late: {id} updates them");
                Ok(Vec::new())
            }
            // Since a moment ago.
            Err(DeploymentError::GroupBusy { .. }) => {
                Ok(late.into_iter().map(|candidate| candidate.principal).collect())
            }
            Err(DeploymentError::Store(error)) => Err(error),
            // Its group went away, or asks for what a deployment cannot be made with.
            Err(error) => {
                tracing::warn!(%error, "hosts of deployment group {} that came late are not updated", group.name);
                Ok(Vec::new())
            }
        }
    }

    async fn is_busy(&self, group: &DeploymentGroup) -> Result<bool, StoreError> {
        let statuses = DeploymentStatus::ALL.into_iter().filter(|status| !status.is_final()).collect();
        let filter =
            DeploymentFilter { group: Some(group.id.clone()), statuses, ..DeploymentFilter::default() };
        let one = Page { after: None, limit: 1 };
        Ok(!self.inner.store.deployments(&filter, &one).await?.is_empty())
    }

    /// Whether `latest`, the group's last deployment, has done for a host what there is to do.
    async fn is_served(
        &self,
        arrival: &Arrival,
        latest: Option<&Deployment>,
        candidate: &Candidate,
    ) -> Result<bool, StoreError> {
        let Some(latest) = latest else { return Ok(false) };
        let key = TargetKey { deployment: latest.id.clone(), host: candidate.id.clone() };
        let target = self.inner.store.target(&key).await?;
        Ok(target.is_some_and(|target| late::is_served(arrival, latest, &target)))
    }
}
