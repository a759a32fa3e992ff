//! Two stores on one PostgreSQL database keep the promises of the traits together: of the calls of each
//! test, every other goes to the second, as a load balancer before two servers would have it.

use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_store::cluster::Cluster;
use longshore_store::passing::{Access, Passing};
use longshore_store::postgres::PostgresStore;
use longshore_store::{Others, SharedStore, Store, StoreError};

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

impl SharedStore for InTurn {
    fn others(&self) -> Option<&dyn Others> {
        None
    }
}
