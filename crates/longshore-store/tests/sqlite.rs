//! The SQLite store keeps the promises of the traits, in memory and in a file.

use longshore_store::sqlite::SqliteStore;
use tempfile::TempDir;

longshore_store::contract_tests!(in_memory);
longshore_store::contract_tests!(in_file);

async fn in_memory() -> ((), SqliteStore) {
    ((), SqliteStore::in_memory().await.expect("open"))
}

async fn in_file() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("longshore.db")).await.expect("open");
    (folder, store)
}
