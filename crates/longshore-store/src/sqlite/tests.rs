//! What only SQLite does: a file that may not grow.

use futures::future::join_all;

use super::SqliteStore;
use super::sql::row::Doing as _;
use crate::{ServerRecord, ServerRecordStore, StoreError};

/// Lets the file grow no further, or without bound.
async fn limit_pages(store: &SqliteStore, sql: &'static str) {
    store
        .write(move |conn| {
            Box::pin(async move {
                sqlx::query(sql).fetch_all(conn).await.doing("limit the pages")?;
                Ok(())
            })
        })
        .await
        .expect("the pragma");
}

fn record(name: String, value: String) -> ServerRecord {
    ServerRecord { name, value }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("db")).await.expect("open");
    let before = record(String::from("before"), String::from("v"));
    store.server_record(&before).await.expect("room");
    limit_pages(&store, "PRAGMA max_page_count = 1").await;

    let large: Vec<ServerRecord> =
        (0..20).map(|number| record(format!("large {number}"), "x".repeat(100_000))).collect();
    for answer in join_all(large.iter().map(|record| store.server_record(record))).await {
        assert!(matches!(answer, Err(StoreError::Database { .. })), "{answer:?}");
    }
    limit_pages(&store, "PRAGMA max_page_count = 4294967294").await;
    let again = record(String::from("before"), String::from("other"));
    assert_eq!(store.server_record(&again).await.expect("room"), "v");
    let retried = record(String::from("large 3"), String::from("small"));
    assert_eq!(store.server_record(&retried).await.expect("room"), "small", "nothing was left of it");
}

#[tokio::test]
async fn a_closed_store_refuses_writes() {
    let store = SqliteStore::in_memory().await.expect("open");
    store.close().await;
    store.close().await;
    let answer = store.server_record(&record(String::from("a"), String::from("b"))).await;
    assert!(matches!(answer, Err(StoreError::Database { doing: "queue a write", .. })));
}
