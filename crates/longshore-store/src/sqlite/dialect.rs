//! What is SQLite's own: connections, and the words of SQL that PostgreSQL does not share.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::sql::ChangedRow;
use super::sql::row::Doing as _;
use crate::{News, StoreError};

pub(super) use super::SqliteStore as SqlStore;
pub(super) use sqlx::sqlite::SqliteRow as Row;

pub(super) type Connection = SqliteConnection;

/// Begins a read of several statements that see one instant.
pub(super) const BEGIN_INSTANT: &str = "BEGIN";

/// The rows of a JSON list, in a column `value`.
macro_rules! json_rows {
    ($list:literal, $name:literal) => {
        concat!("json_each(", $list, ") AS ", $name)
    };
}
/// The texts or numbers of a JSON list, in a column `value`. A number is to be cast.
macro_rules! json_texts {
    ($list:literal, $name:literal) => {
        concat!("json_each(", $list, ") AS ", $name)
    };
}
/// The text of a document's field.
macro_rules! field {
    ($document:literal, $name:literal) => {
        concat!($document, " ->> '$.", $name, "'")
    };
}
/// Joins so that the left side is read first.
macro_rules! join_in_order {
    () => {
        " CROSS JOIN "
    };
}
/// Joins each row of the left side with those of a table that fit it, if any.
macro_rules! left_join_each {
    ($table:literal, $name:literal, $fits:literal) => {
        concat!(" LEFT JOIN ", $table, " ", $name, " ON ", $fits, " ")
    };
}
pub(super) use {field, join_in_order, json_rows, json_texts, left_join_each};

/// The schema's text is written in SQLite's words.
pub(super) fn schema_text(sql: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(sql)
}

/// Where reads find a connection.
#[derive(Debug)]
pub(super) enum Readers {
    Pool(SqlitePool),
    /// A database in memory belongs to its connection, so readers and writer take turns.
    Writer(Arc<Mutex<SqliteConnection>>),
}

impl Readers {
    pub(super) async fn acquire(&self) -> Result<Reader, StoreError> {
        match self {
            Readers::Pool(pool) => Ok(Reader::Pooled(pool.acquire().await.doing("begin to read")?)),
            Readers::Writer(conn) => Ok(Reader::Shared(Arc::clone(conn).lock_owned().await)),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Readers::Pool(pool) => pool.close().await,
            Readers::Writer(_) => {}
        }
    }
}

/// A connection to read with.
pub(super) enum Reader {
    Pooled(PoolConnection<Sqlite>),
    Shared(OwnedMutexGuard<SqliteConnection>),
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Reader::Pooled(conn) => conn,
            Reader::Shared(conn) => conn,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Reader::Pooled(conn) => conn,
            Reader::Shared(conn) => conn,
        }
    }
}

/// The connection that writes. In memory the readers share it.
#[derive(Clone, Debug)]
pub(super) struct Writing(pub(super) Arc<Mutex<SqliteConnection>>);

impl Writing {
    /// Waits for the connection.
    pub(super) async fn acquire(&self) -> Result<OwnedMutexGuard<SqliteConnection>, sqlx::Error> {
        Ok(Arc::clone(&self.0).lock_owned().await)
    }

    /// Begins a transaction. There is one writer, so it makes no difference what it will do.
    pub(super) async fn begin(conn: &mut SqliteConnection, _access: Access) -> Result<(), sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE").execute(conn).await?;
        Ok(())
    }

    /// Undoes a transaction that failed. When this fails too, the database has rolled back already.
    pub(super) async fn roll_back(mut conn: OwnedMutexGuard<SqliteConnection>) {
        let _ = sqlx::query("ROLLBACK").execute(&mut *conn).await;
    }

    pub(super) async fn close(self) {
        // In memory the readers hold it too; it ends with the last of them.
        let Some(conn) = Arc::into_inner(self.0) else { return };
        if let Err(error) = sqlx::Connection::close(conn.into_inner()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot close the database in order");
        }
    }
}

pub(super) use super::sql::writer::Access;

/// Tells other servers what this transaction wrote: there are none.
pub(super) async fn tell(_conn: &mut SqliteConnection, _news: &BTreeSet<News>) -> Result<(), sqlx::Error> {
    Ok(())
}

/// Writes what has changed of targets, a few hundred with each statement.
pub(super) async fn update_targets(
    conn: &mut SqliteConnection,
    rows: Vec<ChangedRow>,
) -> Result<(), sqlx::Error> {
    let mut rows = rows.into_iter();
    for (n_rows, sql) in &*UPDATES {
        while rows.len() >= *n_rows {
            // Safe: the text was made from numbers alone.
            let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
            for row in rows.by_ref().take(*n_rows) {
                query = query
                    .bind(row.row_id)
                    .bind(row.state)
                    .bind(row.event_idx)
                    .bind(row.since)
                    .bind(row.updated_at)
                    .bind(row.events);
            }
            query.execute(&mut *conn).await?;
        }
    }
    Ok(())
}

/// One update statement for each of a few numbers of rows, the largest first: so any number of rows
/// takes few statements, and all of them stay prepared. Values are bound one by one because taking
/// them out of one JSON parameter costs several times what the update itself does.
static UPDATES: LazyLock<[(usize, Arc<str>); 4]> =
    LazyLock::new(|| [256, 32, 4, 1].map(|n_rows| (n_rows, update_sql(n_rows))));

pub(super) fn update_sql(n_rows: usize) -> Arc<str> {
    // Not `$1`: SQLite looks up each such name among all, which adds up with this many.
    let rows = vec!["(?, ?, ?, ?, ?, ?)"; n_rows].join(", ");
    Arc::from(format!(
        "WITH change (row_id, state, event_idx, since, updated_at, events) AS (VALUES {rows})
         UPDATE targets SET state = change.state, event_idx = change.event_idx, since = change.since,
             updated_at = change.updated_at, events = change.events
         FROM change WHERE targets.row_id = change.row_id"
    ))
}
