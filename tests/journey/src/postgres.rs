//! A PostgreSQL for journeys.

use longshore_store::cluster::Cluster;

/// The address of an empty database, in a cluster that ends with this process.
///
/// # Panics
/// When PostgreSQL does not start: `tools/setup test` installs it.
pub fn new_database() -> String {
    // In a thread of its own: the test may be within a runtime.
    let made = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async { Cluster::shared().await.new_database().await })
    });
    made.join().expect("PostgreSQL makes a database")
}
