//! Looks at every deployment through both servers in turn, all the time: nothing goes backwards, and a
//! group has one deployment at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_wire::client::CallError;
use serde_json::json;

use crate::api::Api;
use crate::application::APPLICATION;
use crate::group::Group;
use crate::record::{Deployment, FINAL, deployment_rank, target_rank};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(150);

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    seen: Mutex<Seen>,
    is_over: AtomicBool,
}

/// The highest status of everything that has one.
#[derive(Debug, Default)]
struct Seen {
    statuses: HashMap<String, String>,
    violations: Vec<String>,
    n_looks: usize,
}

impl Watched {
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// What went backwards, or was twice; and how many answers were looked at.
    pub(crate) fn result(&self) -> (Vec<String>, usize) {
        let seen = self.seen();
        (seen.violations.clone(), seen.n_looks)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Takes an answer for what it says of statuses; answers came one after another.
    fn look(&mut self, deployment: &Deployment) {
        self.n_looks += 1;
        let Deployment { id, status, targets, .. } = deployment;
        self.grow(id.clone(), status, deployment_rank);
        for target in targets {
            let name = format!("{id} {}", target.host);
            self.grow(name.clone(), &target.status, target_rank);
            for event in &target.events {
                self.grow(format!("{name} {}", event.name), &event.status, target_rank);
            }
        }
    }

    fn grow(&mut self, name: String, status: &str, rank: fn(&str) -> u8) {
        let Some(before) = self.statuses.get_mut(&name) else {
            self.statuses.insert(name, status.to_owned());
            return;
        };
        let has_changed_its_end = rank(before) == FINAL && before != status;
        if rank(status) < rank(before) || has_changed_its_end {
            self.violations.push(format!("{name} was {before} and is {status}"));
        }
        status.clone_into(before);
    }
}

/// Looks until told to stop. Answers that do not come are left out.
pub(crate) async fn watch(apis: [Api; 2], groups: Vec<Group>, watched: Arc<Watched>) {
    let mut final_ones: Vec<String> = Vec::new();
    while !watched.is_over.load(Ordering::Relaxed) {
        for api in &apis {
            // An outage is not what is looked for here.
            if let Ok(ended) = look(api, &watched, &final_ones).await {
                final_ones.extend(ended);
            }
            for group in &groups {
                if let Ok(violation) = look_for_two(api, group).await {
                    watched.seen().violations.extend(violation);
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks at those that have not ended yet. Answers which have.
async fn look(api: &Api, watched: &Watched, final_ones: &[String]) -> Result<Vec<String>, CallError> {
    let mut ids = api.list(json!({})).await?;
    ids.retain(|id| !final_ones.contains(id));
    let mut ended = Vec::new();
    for mut deployment in api.deployments(&ids).await? {
        if deployment_rank(&deployment.status) >= deployment_rank("InProgress") {
            deployment.targets = api.targets(&deployment.id).await?;
        }
        watched.seen().look(&deployment);
        if deployment.is_final() {
            ended.push(deployment.id);
        }
    }
    Ok(ended)
}

/// One answer is of one instant: it names at most one deployment that has not ended.
async fn look_for_two(api: &Api, group: &Group) -> Result<Option<String>, CallError> {
    let input = json!({
        "applicationName": APPLICATION,
        "deploymentGroupName": group.name,
        "includeOnlyStatuses": ["Created", "Queued", "InProgress", "Baking", "Ready"],
    });
    let ids = api.list(input).await?;
    Ok((1 < ids.len()).then(|| format!("{} deployments of {} at a time: {ids:?}", ids.len(), group.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(statuses: &[&str], expected: &[&str]) {
        let mut seen = Seen::default();
        for status in statuses {
            seen.grow(String::from("d-1"), status, deployment_rank);
        }
        assert_eq!(seen.violations, expected);
    }

    #[test]
    fn a_status_only_grows_and_an_end_stays() {
        check(&["Created", "InProgress", "InProgress", "Succeeded", "Succeeded"], &[]);
        check(&["InProgress", "Created"], &["d-1 was InProgress and is Created"]);
        check(&["Failed", "InProgress"], &["d-1 was Failed and is InProgress"]);
        check(&["Failed", "Succeeded"], &["d-1 was Failed and is Succeeded"]);
    }
}
