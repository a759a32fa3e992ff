//! What the auditor must know of, and what other servers hear of.

use std::collections::BTreeSet;

use longshore_model::id::DeploymentId;
use longshore_model::target::{Target, TargetState, Waiting};
use longshore_store::News;
use longshore_store::passing::Done;

use super::SimulatedStore;

impl SimulatedStore {
    pub(super) fn observe(&self, done: Done<'_>) {
        match done {
            Done::Created(deployment) => {
                self.shared.audit(|auditor| auditor.created(deployment));
                self.tells([News::Deployment(deployment.id.clone())]);
            }
            Done::Committed { outcome, targets } => {
                self.shared.note(format_args!("        {outcome:?}"));
                self.shared.audit(|auditor| auditor.committed(outcome, targets));
                self.tells(news(Some(&outcome.deployment.id), targets));
            }
            Done::Applied { event, applied } => {
                let (host, state) = (&applied.target.key.host, applied.target.state);
                self.shared.note(format_args!("        {host} {event:?}: {:?}, {state:?}", applied.change));
                if applied.change.is_ok() {
                    self.shared.audit(|auditor| auditor.applied(&applied.target));
                    self.tells(news(None, std::slice::from_ref(&applied.target)));
                }
            }
        }
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
