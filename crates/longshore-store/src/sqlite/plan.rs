//! For tests: how SQLite means to carry out a statement, so that a lost index fails a test and not
//! a fleet.

use sqlx::{AssertSqlSafe, Row as _};

use super::SqliteStore;

/// Checks that the plan of `sql` has these `steps`, besides going through its parameters.
#[track_caller]
pub(super) fn check(sql: &str, steps: &[&str]) -> impl Future<Output = ()> {
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
