//! Deployments: the calls whose outcome the auditor must know.

use std::collections::BTreeSet;

use async_trait::async_trait;
use longshore_model::deployment::Deployment;
use longshore_model::id::{DeploymentId, HostArn, HostId, PrincipalArn};
use longshore_model::target::{Clocks, Target, TargetEvent, TargetKey, TargetState, TargetStatus, Waiting};
use longshore_model::time::Timestamp;
use longshore_store::passing::{Access, Passing as _};
use longshore_store::{
    Applied, DeploymentFilter, DeploymentStore, Forget, Generation, Load, NewRevisionUse, News, Page,
    RoundOutcome, Snapshot, StoreError, TargetFilter, pass_calls,
};

use super::SimulatedStore;

pass_calls! {
    SimulatedStore: DeploymentStore {
        read fn deployment(id: &DeploymentId) -> Option<Deployment>;
        read fn deployments(filter: &DeploymentFilter, page: &Page) -> Vec<(Timestamp, DeploymentId)>;
        read fn target_counts(id: &DeploymentId) -> Vec<(TargetStatus, usize)>;
        read fn unfinished_deployments() -> Vec<DeploymentId>;
        read fn orphaned_deployments() -> Vec<(DeploymentId, bool)>;
        read fn load() -> Load;
        write fn forget_deployments(forget: &Forget) -> Vec<DeploymentId>;
        read fn snapshot(id: &DeploymentId) -> Option<Snapshot>;
        read fn target(key: &TargetKey) -> Option<Target>;
        read fn targets(id: &DeploymentId, filter: &TargetFilter, page: &Page) -> Vec<(u32, HostId)>;
        read fn target_endings(id: &DeploymentId) -> Vec<(u32, HostArn, TargetStatus)>;
        read fn waiting_commands(principal: &PrincipalArn) -> Vec<Target>;
        read fn commands_of_instance(principal: &PrincipalArn) -> Option<Vec<Target>>;
        read fn is_target(principal: &PrincipalArn, deployment: &DeploymentId) -> Option<bool>;
    }

    async fn create_deployment(
        &self,
        deployment: &Deployment,
        revision_use: &NewRevisionUse,
    ) -> Result<(), StoreError> {
        let work = async {
            self.inner.create_deployment(deployment, revision_use).await?;
            self.shared.audit(|auditor| auditor.created(deployment));
            self.tells([News::Deployment(deployment.id.clone())]);
            Ok(())
        };
        self.pass("create_deployment", Access::Write, work).await
    }

    async fn commit(
        &self,
        seen: Generation,
        outcome: &RoundOutcome,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Vec<Target>, StoreError> {
        let work = async {
            let changed = self.inner.commit(seen, outcome, clocks, now).await?;
            self.shared.note(format_args!("        {outcome:?}"));
            self.shared.audit(|auditor| auditor.committed(outcome, &changed));
            self.tells(news(Some(&outcome.deployment.id), &changed));
            Ok(changed)
        };
        self.pass("commit", Access::Write, work).await
    }

    async fn apply(
        &self,
        key: &TargetKey,
        principal: &PrincipalArn,
        event: TargetEvent,
        clocks: &Clocks,
        now: Timestamp,
    ) -> Result<Option<Applied>, StoreError> {
        let work = async {
            let applied = self.inner.apply(key, principal, event.clone(), clocks, now).await?;
            if let Some(applied) = &applied {
                let (host, state) = (&key.host, applied.target.state);
                self.shared.note(format_args!("        {host} {event:?}: {:?}, {state:?}", applied.change));
                if applied.change.is_ok() {
                    self.shared.audit(|auditor| auditor.applied(&applied.target));
                    self.tells(news(None, std::slice::from_ref(&applied.target)));
                }
            }
            Ok(applied)
        };
        self.pass("apply", Access::Write, work).await
    }
}

/// What PostgreSQL tells of such a write.
fn news(deployment: Option<&DeploymentId>, targets: &[Target]) -> BTreeSet<News> {
    let mut news: BTreeSet<News> = deployment.cloned().map(News::Deployment).into_iter().collect();
    for target in targets {
        news.insert(News::Deployment(target.key.deployment.clone()));
        if let TargetState::InProgress(progress) = target.state
            && progress.waiting == Waiting::Pickup
        {
            news.insert(News::Commands(target.principal.clone()));
        }
    }
    news
}
