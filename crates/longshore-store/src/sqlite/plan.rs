//! How SQLite means to carry out the statements that matter, so that a lost index fails a test and
//! not a fleet.

use sqlx::{AssertSqlSafe, Row as _};

use super::SqliteStore;
use super::dialect::update_sql;
use super::sql::statements::{
    FORGETTABLE, LIST, LIST_OF_GROUP, PART_OF_INSTANCE, READ, WAITING, WAITING_OF_INSTANCES,
};

/// Checks that the plan of `sql` has these `steps`, besides going through its parameters.
#[track_caller]
fn check(sql: &str, steps: &[&str]) -> impl Future<Output = ()> {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    async move {
        let store = SqliteStore::in_memory().await.expect("open");
        let mut reader = store.reader().await.expect("a connection");
        let rows = sqlx::query(AssertSqlSafe(explain)).fetch_all(&mut *reader).await.expect("a plan");
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let is_parameter = |step: &str| {
            step.starts_with("SCAN wanted ") || step.contains("CONSTANT ROW") || step.ends_with(" change")
        };
        let found: Vec<&String> = plan.iter().filter(|step| !is_parameter(step)).collect();
        assert_eq!(found, steps.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn waiting_commands_are_found_without_scanning() {
    check(WAITING, &["SEARCH t USING INDEX targets_waiting (principal=?)"]).await;
    let host = "SEARCH h USING INDEX hosts_registered_principal (principal=?)";
    let target = "SEARCH t USING INDEX targets_waiting (principal=?) LEFT-JOIN";
    check(WAITING_OF_INSTANCES, &[host, target, "USE TEMP B-TREE FOR ORDER BY"]).await;
    let target = "SEARCH t USING INDEX targets_by_host (deployment_id=? AND host=?) LEFT-JOIN";
    check(PART_OF_INSTANCE, &[host, target]).await;
}

#[tokio::test]
async fn an_update_finds_each_row_by_its_id() {
    for n_rows in [1, 256] {
        check(&update_sql(n_rows), &["SEARCH targets USING INTEGER PRIMARY KEY (rowid=?)"]).await;
    }
}

#[tokio::test]
async fn targets_are_found_by_their_keys() {
    let steps = [
        "SEARCH t USING INDEX targets_by_host (deployment_id=? AND host=?)",
        "SEARCH d USING INDEX sqlite_autoindex_deployments_1 (id=?)",
    ];
    check(READ, &steps).await;
}

#[tokio::test]
async fn lists_are_read_from_an_index_in_order() {
    let range = "created_at>? AND created_at<?";
    let all = format!("SEARCH deployments USING COVERING INDEX deployments_in_order (status=? AND {range})");
    check(LIST, &[&all]).await;
    let of_group = format!(
        "SEARCH deployments USING COVERING INDEX deployments_of_group (group_id=? AND status=? AND {range})"
    );
    check(LIST_OF_GROUP, &[&of_group]).await;
}

#[tokio::test]
async fn the_oldest_are_read_from_an_index_in_order() {
    check(
        FORGETTABLE,
        &[
            "SEARCH d USING INDEX deployments_by_age (created_at<?)",
            "SCALAR SUBQUERY 1",
            "SCAN deployments USING COVERING INDEX deployments_by_age",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH g USING INDEX sqlite_autoindex_deployment_groups_1 (id=?)",
        ],
    )
    .await;
}
