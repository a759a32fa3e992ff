//! How PostgreSQL can carry out the statements that matter, so that a lost index fails a test and not
//! a fleet. The tables are empty and every way but an index is made dear, so what is tested is that
//! the index serves.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::PostgresStore;
use super::sql::statements::{
    FORGETTABLE, LIST, LIST_OF_GROUP, PART_OF_INSTANCE, READ, WAITING, WAITING_OF_INSTANCES,
};
use crate::cluster::Cluster;
use crate::contract::fixture::add_running_deployment;

async fn empty_store() -> (PostgresStore, String) {
    let url = Cluster::shared().await.new_database().await;
    (PostgresStore::open(&url).await.expect("open"), url)
}

/// The plan of `sql` for whatever values, with these `settings`.
async fn plan(store: &PostgresStore, settings: &str, sql: &str, types: &str, values: &str) -> String {
    let mut conn = store.reader().await.expect("a connection");
    let prepare =
        format!("{settings} SET plan_cache_mode = force_generic_plan; PREPARE looked_at ({types}) AS {sql}");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *conn).await.expect("a statement");
    let explain = format!("EXPLAIN EXECUTE looked_at ({values})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *conn).await.expect("a plan");
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    plan.join("\n")
}

/// Checks that the plan of `sql` uses these `indexes` and reads no table whole.
async fn check(sql: &str, types: &str, values: &str, indexes: &[&str]) {
    let (store, _) = empty_store().await;
    let settings = "SET enable_seqscan = off; SET enable_bitmapscan = off;";
    let plan = plan(&store, settings, sql, types, values).await;
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

/// PostgreSQL counts now and then, and last did when nothing waited. Ten thousand hosts wait now: each poll is
/// to ask the index for its own.
#[tokio::test]
async fn a_poll_does_not_go_through_all_that_waits() {
    let (store, url) = empty_store().await;
    add_running_deployment(&store, 2_000).await;
    let mut conn = PgConnection::connect(&url).await.expect("a connection");
    for statement in
        ["UPDATE targets SET state = 'Succeeded'", "ANALYZE targets", "UPDATE targets SET state = 'Pickup'"]
    {
        sqlx::raw_sql(statement).execute(&mut conn).await.expect(statement);
    }
    let plan = plan(&store, "", WAITING_OF_INSTANCES, "TEXT", "'[]'").await;
    let (_, from_the_index) = plan.split_once("targets_waiting").expect(&plan);
    let condition = from_the_index.lines().nth(1).expect(&plan);
    assert_eq!(condition.trim(), "Index Cond: (principal = h.principal)", "{plan}");
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
