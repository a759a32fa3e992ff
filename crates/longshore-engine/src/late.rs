//! Hosts that come, or come back, when no deployment runs: found outdated and, if their group says so,
//! brought up to date. The rules are in `longshore_model::plan::late`.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longshore_model::deployment::{Creator, FileExistsBehavior, NewDeployment};
use longshore_model::deployment_group::DeploymentGroup;
use longshore_model::id::{HostArn, PrincipalArn};
use longshore_model::plan::late::{LATE_HOSTS, is_kept_up_to_date};
use longshore_model::time::Timestamp;
use longshore_store::StoreError;
use tokio::sync::Notify;

use crate::Engine;
use crate::deployment::{DeploymentError, ServiceMade};

/// How often is looked again for hosts whose group was busy.
const RETRY: Duration = Duration::from_secs(5);

/// Who has come lately.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When each host was last heard of by this process.
    last_heard: HashMap<PrincipalArn, Timestamp>,
    /// Those that came and were not looked after yet.
    waiting: HashSet<PrincipalArn>,
    /// Those that are being brought up to date because they came, as far as is known.
    updating: HashSet<PrincipalArn>,
}

impl Arrivals {
    /// Notes that a host polls. Answers when this process heard of it before; it may have polled another one
    /// since, or this one before it was started again.
    pub(crate) fn polls(&self, principal: &PrincipalArn, now: Timestamp) -> Option<Timestamp> {
        self.lock().last_heard.insert(principal.clone(), now)
    }

    /// A host has come, or come back: not if it was silent over its update, a long script of which may fail
    /// time and again.
    pub(crate) fn came(&self, principal: &PrincipalArn) {
        let mut state = self.lock();
        if state.updating.remove(principal) {
            return;
        }
        state.waiting.insert(principal.clone());
        drop(state);
        self.came.notify_one();
    }

    /// A deployment was made to bring hosts up to date.
    fn are_updated<'a>(&self, principals: impl Iterator<Item = &'a PrincipalArn>) {
        self.lock().updating.extend(principals.cloned());
    }

    /// A host has waited in vain, and does nothing: its update is over.
    pub(crate) fn is_idle(&self, principal: &PrincipalArn) {
        self.lock().updating.remove(principal);
    }

    /// A host is not registered any more.
    pub(crate) fn forget(&self, principal: &PrincipalArn) {
        let mut state = self.lock();
        state.last_heard.remove(principal);
        state.waiting.remove(principal);
        state.updating.remove(principal);
    }

    /// A host was tagged: if it is there, it may have come to another group.
    pub(crate) fn tagged(&self, principal: &PrincipalArn) {
        let mut state = self.lock();
        if state.last_heard.contains_key(principal) {
            state.waiting.insert(principal.clone());
            drop(state);
            self.came.notify_one();
        }
    }

    /// What a group selects may have changed: everybody who is there has come.
    pub(crate) fn everybody(&self) {
        let mut state = self.lock();
        let all: Vec<PrincipalArn> = state.last_heard.keys().cloned().collect();
        state.waiting.extend(all);
        drop(state);
        self.came.notify_one();
    }

    fn take(&self) -> HashSet<PrincipalArn> {
        std::mem::take(&mut self.lock().waiting)
    }

    fn put_back(&self, principals: impl IntoIterator<Item = PrincipalArn>) {
        self.lock().waiting.extend(principals);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Looks after hosts that came, until the engine ends.
    pub(crate) async fn keep_up_to_date(&self) {
        let mut is_stopping = self.inner.is_stopping.subscribe();
        while !*is_stopping.borrow() {
            let arrived = self.inner.arrivals.take();
            if !arrived.is_empty()
                && let Err(error) = self.update_late_hosts(&arrived).await
            {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "cannot look after hosts that came; trying again later");
                self.inner.arrivals.put_back(arrived);
            }
            let next = self.now().plus(RETRY);
            tokio::select! {
                biased;
                _ = is_stopping.changed() => {}
                () = self.inner.arrivals.came.notified() => {}
                () = self.inner.clock.sleep_until(next) => {}
            }
        }
    }

    async fn update_late_hosts(&self, arrived: &HashSet<PrincipalArn>) -> Result<(), StoreError> {
        for group in self.inner.store.deployment_groups_tagged(LATE_HOSTS).await? {
            if !is_kept_up_to_date(&group) {
                continue;
            }
            let busy = self.update_late_hosts_of(&group, arrived).await?;
            self.inner.arrivals.put_back(busy);
        }
        Ok(())
    }

    /// Answers those that are outdated and whose group is busy.
    async fn update_late_hosts_of(
        &self,
        group: &DeploymentGroup,
        arrived: &HashSet<PrincipalArn>,
    ) -> Result<Vec<PrincipalArn>, StoreError> {
        let Some(revision) = &group.history.target_revision else { return Ok(Vec::new()) };
        let late: Vec<(HostArn, PrincipalArn)> = self
            .selected(&group.id, &group.on_premises_selector, &group.ec2_selector)
            .await?
            .into_iter()
            .filter(|candidate| arrived.contains(&candidate.principal) && candidate.is_outdated(revision))
            .map(|candidate| (candidate.arn, candidate.principal))
            .collect();
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
        let hosts: Vec<HostArn> = late.iter().map(|(arn, _)| arn.clone()).collect();
        let made = ServiceMade { creator: Creator::AutoUpdate, only_hosts: Some(hosts) };
        match self.create_by_service(new, made).await {
            Ok(id) => {
                self.inner.arrivals.are_updated(late.iter().map(|(_, principal)| principal));
                let n_hosts = late.len();
                tracing::info!(deployment.id = %id, n_hosts, "{n_hosts} hosts came late: {id} updates them");
                Ok(Vec::new())
            }
            Err(DeploymentError::GroupBusy { .. }) => {
                Ok(late.into_iter().map(|(_, principal)| principal).collect())
            }
            Err(DeploymentError::Store(error)) => Err(error),
            // Its group went away, or asks for what a deployment cannot be made with.
            Err(error) => {
                tracing::warn!(%error, "hosts of deployment group {} that came late are not updated", group.name);
                Ok(Vec::new())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> PrincipalArn {
        PrincipalArn(format!("arn:aws:iam::000000000000:user/{name}"))
    }

    /// Found by the simulation: a host whose update runs a long script came back, was updated again, and so
    /// without end.
    #[test]
    fn a_host_that_was_silent_over_its_update_has_not_come() {
        let (arrivals, updated, other) = (Arrivals::default(), host("host-0"), host("host-1"));
        arrivals.came(&updated);
        assert_eq!(arrivals.take(), HashSet::from([updated.clone()]));
        arrivals.are_updated(std::iter::once(&updated));
        arrivals.came(&updated);
        arrivals.came(&other);
        assert_eq!(arrivals.take(), HashSet::from([other]));
        arrivals.came(&updated);
        assert_eq!(arrivals.take(), HashSet::from([updated]), "only one silence is its update's");
    }

    #[test]
    fn a_host_that_does_nothing_has_its_update_behind_it() {
        let (arrivals, updated) = (Arrivals::default(), host("host-0"));
        arrivals.are_updated(std::iter::once(&updated));
        arrivals.is_idle(&updated);
        arrivals.came(&updated);
        assert_eq!(arrivals.take(), HashSet::from([updated]));
    }

    #[test]
    fn a_host_that_is_registered_anew_has_come() {
        let (arrivals, updated) = (Arrivals::default(), host("host-0"));
        arrivals.polls(&updated, Timestamp::from_millis(1));
        arrivals.are_updated(std::iter::once(&updated));
        arrivals.forget(&updated);
        assert_eq!(arrivals.polls(&updated, Timestamp::from_millis(2)), None);
        arrivals.came(&updated);
        assert_eq!(arrivals.take(), HashSet::from([updated]));
    }
}
