//! Deploys to a group again and again, through either server, until told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_wire::client::CallError;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::api::Api;
use crate::application::{APPLICATION, BROKEN, BUCKET, revisions};
use crate::group::Group;

/// How often a deployment's end is looked for.
const LOOK: Duration = Duration::from_millis(300);

/// What callers were told, and whether to go on.
#[derive(Debug, Default)]
pub(crate) struct Told {
    ids: Mutex<Vec<String>>,
    refusals: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Told {
    /// No more deployments.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// The deployments that were answered with success.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers that no fault explains.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add(&self, id: String) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    fn note(&self, group: &str, error: &CallError) {
        // What the answer of an earlier call or a rollback began may be in progress; the rest is an
        // outage, which ends.
        let is_expected = match error {
            CallError::Service { status, code, .. } => {
                500 <= *status || code == "DeploymentLimitExceededException"
            }
            _ => true,
        };
        if !is_expected {
            let text = format!("a deployment to {group} was refused: {error}");
            self.refusals.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }
}

/// Deploys to `group` through `apis`; `seed` draws revisions, servers and pauses.
pub(crate) async fn deploy_on_and_on(group: Group, apis: [Api; 2], seed: u64, told: Arc<Told>) {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut last: Option<String> = None;
    let all = revisions(group.name);
    while !told.is_over() {
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..2000))).await;
        let is_final = match &last {
            None => true,
            Some(id) => is_final(&apis, id).await,
        };
        if !is_final {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        // The broken one only where there is a rollback, and not at first: then nothing could be
        // rolled back to.
        let may_break = group.has_rollback && last.is_some() && chance.random_ratio(1, 3);
        let fitting: Vec<&String> = all.iter().filter(|name| name.ends_with(BROKEN) == may_break).collect();
        let Some(revision) = fitting.choose(&mut chance) else { return };
        let Some(api) = apis.choose(&mut chance) else { return };
        if told.is_over() {
            return;
        }
        match api.deploy(APPLICATION, group.name, BUCKET, revision).await {
            Ok(id) => {
                told.add(id.clone());
                last = Some(id);
            }
            Err(error) => told.note(group.name, &error),
        }
    }
}

/// Whether some server says so.
async fn is_final(apis: &[Api; 2], id: &str) -> bool {
    for api in apis {
        if let Ok(found) = api.deployments(&[id.to_owned()]).await {
            return found.iter().any(crate::record::Deployment::is_final);
        }
    }
    false
}
