//! What only PostgreSQL does: connections that are set up, and servers that hang.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::{PostgresStore, begin_alone, connect};
use crate::cluster::Cluster;
use crate::contract::fixture::{NO_LIMIT, application};
use crate::{ApplicationStore as _, StoreError};

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_is_answered_is_durable_whatever_the_database_says() {
    let url = Cluster::shared().await.new_database().await;
    let mut conn = PgConnection::connect(&url).await.expect("connect");
    let name: String =
        sqlx::query_scalar("SELECT current_database()::TEXT").fetch_one(&mut conn).await.expect("its name");
    let off = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    sqlx::raw_sql(sqlx::AssertSqlSafe(off)).execute(&mut conn).await.expect("a setting");
    let mut ours = connect(&url).await.expect("connect");
    let setting: String =
        sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&mut ours).await.expect("a setting");
    assert_eq!(setting, "on");
}

#[tokio::test]
async fn a_server_that_hangs_in_a_transaction_loses_its_turn() {
    let url = Cluster::shared().await.new_database().await;
    let store = PostgresStore::open(&url).await.expect("open");
    let mut hanging = connect(&url).await.expect("connect");
    begin_alone(&mut hanging).await.expect("its turn");
    let application = application("a");
    let write = store.create_application(&application, NO_LIMIT);
    let written: Result<(), StoreError> =
        tokio::time::timeout(DEADLINE, write).await.expect("the database ends the other's transaction");
    written.expect("written");
    assert!(sqlx::query("COMMIT").execute(&mut hanging).await.is_err(), "it can do no more");
}
