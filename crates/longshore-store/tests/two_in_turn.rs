//! Two stores on one PostgreSQL database keep the promises of the traits together: of the calls of each
//! test, every other goes to the second, as a load balancer before two servers would have it.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use longshore_model::deployment::Deployment;
use longshore_model::id::{DeploymentId, HostArn, HostId, PrincipalArn};
use longshore_model::target::{Clocks, Target, TargetEvent, TargetKey, TargetStatus};
use longshore_model::time::Timestamp;
use longshore_store::cluster::Cluster;
use longshore_store::passing::{Access, Passing};
use longshore_store::postgres::PostgresStore;
use longshore_store::{
    Applied, DeploymentFilter, DeploymentStore, Forget, Generation, Load, NewRevisionUse, Others, Page,
    RoundOutcome, SharedStore, Snapshot, Store, StoreError, TargetFilter, pass_calls,
};

longshore_store::contract_tests!(in_turn as several servers);

async fn in_turn() -> ((), InTurn) {
    let url = Cluster::shared().await.new_database().await;
    let first = PostgresStore::open(&url).await.expect("open");
    let second = PostgresStore::open(&url).await.expect("open");
    ((), InTurn { stores: [first, second], n_calls: AtomicUsize::new(0) })
}

/// Gives each call to the store that did not have the last one.
struct InTurn {
    stores: [PostgresStore; 2],
    n_calls: AtomicUsize,
}

impl Passing for InTurn {
    fn inner(&self) -> &dyn Store {
        &self.stores[self.n_calls.fetch_add(1, Ordering::Relaxed) % self.stores.len()]
    }

    async fn pass<T: Send>(
        &self,
        _call: &'static str,
        _access: Access,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        work.await
    }
}

pass_calls! {
    InTurn: DeploymentStore {
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
        write fn create_deployment(deployment: &Deployment, revision_use: &NewRevisionUse) -> ();
        write fn commit(seen: Generation, outcome: &RoundOutcome, clocks: &Clocks, now: Timestamp) -> Vec<Target>;
        write fn apply(
            key: &TargetKey, principal: &PrincipalArn, event: TargetEvent, clocks: &Clocks, now: Timestamp
        ) -> Option<Applied>;
    }
}

impl SharedStore for InTurn {
    fn others(&self) -> Option<&dyn Others> {
        None
    }
}
