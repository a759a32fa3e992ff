//! The PostgreSQL store keeps the promises of the traits.

use longshore_store::cluster::Cluster;
use longshore_store::postgres::PostgresStore;

longshore_store::contract_tests!(in_a_database);

async fn in_a_database() -> ((), PostgresStore) {
    let url = Cluster::shared().await.new_database().await;
    ((), PostgresStore::open(&url).await.expect("open"))
}
