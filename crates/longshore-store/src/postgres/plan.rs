//! How PostgreSQL can carry out the statements that matter, so that a lost index fails a test and not
//! a fleet. The tables are empty and every way but an index is made dear, so what is tested is that
//! the index serves.

use sqlx::{AssertSqlSafe, Row as _};

use super::PostgresStore;
use super::sql::statements::{
    FORGETTABLE, LIST, LIST_OF_GROUP, PART_OF_INSTANCE, READ, WAITING, WAITING_OF_INSTANCES,
};
use crate::cluster::Cluster;

/// Checks that the plan of `sql` uses these `indexes` and reads no table whole.
async fn check(sql: &str, types: &str, values: &str, indexes: &[&str]) {
    let url = Cluster::shared().await.new_database().await;
    let store = PostgresStore::open(&url).await.expect("open");
    let mut conn = store.reader().await.expect("a connection");
    let prepare = format!(
        "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan;
         PREPARE looked_at ({types}) AS {sql}"
    );
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *conn).await.expect("a statement");
    let explain = format!("EXPLAIN EXECUTE looked_at ({values})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *conn).await.expect("a plan");
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    for index in indexes {
        assert!(plan.contains(index), "{index} is not used:\n{plan}");
    }
    assert!(!plan.contains("Seq Scan"), "{plan}");
}

#[tokio::test]
async fn waiting_commands_are_found_without_scanning() {
    check(WAITING, "TEXT", "'p'", &["targets_waiting"]).await;
    let indexes = ["hosts_registered_principal", "targets_waiting"];
    check(WAITING_OF_INSTANCES, "TEXT", "'[]'", &indexes).await;
    check(PART_OF_INSTANCE, "TEXT, TEXT", "'p', 'd'", &["hosts_registered_principal", "targets_by_host"])
        .await;
}

#[tokio::test]
async fn targets_are_found_by_their_keys() {
    check(READ, "TEXT", "'[]'", &["targets_by_host", "deployments_pkey"]).await;
}

#[tokio::test]
async fn lists_are_read_from_an_index_in_order() {
    let types = "TEXT, BIGINT, BIGINT, BIGINT, TEXT, BIGINT";
    check(LIST, types, "'', 0, 1, 1, '', 9", &["deployments_in_order"]).await;
    let (types, values) = (format!("{types}, TEXT"), "'', 0, 1, 1, '', 9, ''");
    check(LIST_OF_GROUP, &types, values, &["deployments_of_group"]).await;
}

#[tokio::test]
async fn the_oldest_are_read_from_an_index_in_order() {
    let indexes = ["deployments_by_age", "deployment_groups_pkey"];
    check(FORGETTABLE, "BIGINT, BIGINT, BIGINT", "1, 1, 1", &indexes).await;
}
