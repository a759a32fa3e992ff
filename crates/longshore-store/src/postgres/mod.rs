//! The store in a PostgreSQL database, which several servers may share.
//!
//! Each server has one connection that writes, and groups what it writes into few transactions. The
//! transactions of all servers keep out of each other's way by one advisory lock: whatever rests on
//! what it read is alone, as with SQLite's one writer, so both databases keep the same rules by the
//! same statements, and what is numbered in the order of its writing is read in that order. Only the
//! times of polls are written beside each other.

mod dialect;
mod hand_outs;
mod news;
mod others;
#[cfg(test)]
mod plan;
// The folder is compiled for each database, see its beginning.
#[allow(clippy::duplicate_mod)]
#[path = "../sql/mod.rs"]
mod sql;
#[cfg(test)]
mod tests;

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};

use self::dialect::{Access, Readers, Writing};
use self::hand_outs::HandOuts;
use self::news::{CHANNEL, Hearing};
use self::sql::Shared;
use self::sql::row::Doing as _;
use crate::StoreError;

/// Reads of one server that run at the same time.
const MAX_READERS: u32 = 8;

/// For how long a connection that was given back is taken to be there.
const LOOKED_AT: Duration = Duration::from_secs(1);

/// How long a call waits for a connection before it fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// What holds for every connection. A server that hangs in the middle of a transaction, or is cut off,
/// loses it after some seconds, so that the others go on; and nobody waits for it without end.
/// Durability is not for a database's settings to take away.
const SET_UP: &str = "SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '30s';
    SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// A store in one PostgreSQL database. Clones are handles of the same store.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    shared: Arc<Shared>,
    hearing: Arc<Hearing>,
    hand_outs: Arc<HandOuts>,
}

/// Why an address is none of a PostgreSQL database. It does not repeat the address, which may hold a
/// password.
#[derive(Debug, thiserror::Error)]
#[error("it is no address of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct BadUrl(#[source] sqlx::Error);

/// The database is not one that we can use.
#[derive(Debug, thiserror::Error)]
#[error("the database's encoding is {0}, and must be UTF8")]
struct WrongEncoding(String);

impl PostgresStore {
    /// Opens the store in the database at `url`, and makes or updates its tables. Servers that do so at
    /// the same time take turns.
    ///
    /// # Errors
    /// `Database` when it is no address, the database cannot be reached, or is newer than we are.
    pub async fn open(url: &str) -> Result<PostgresStore, StoreError> {
        let options = options(url).map_err(|source| StoreError::Database {
            doing: "read the address of the database",
            source: Box::new(source),
        })?;
        migrate(&options).await?;
        let pool = || {
            PgPoolOptions::new()
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .after_connect(|conn, _| Box::pin(async move { set_up(conn).await }))
                .test_before_acquire(false)
                .before_acquire(|conn, meta| Box::pin(async move { is_alive(conn, meta.idle_for).await }))
        };
        let readers = pool().max_connections(MAX_READERS).connect_lazy_with(options.clone());
        let own_writer = Arc::new(AtomicU32::new(0));
        let noted = Arc::clone(&own_writer);
        let writing = pool()
            .max_connections(1)
            .after_connect(move |conn, _| {
                let noted = Arc::clone(&noted);
                Box::pin(async move {
                    set_up(conn).await?;
                    let row = sqlx::query("SELECT pg_backend_pid()").fetch_one(conn).await?;
                    // A process id is never negative.
                    noted.store(row.try_get::<i32, _>(0)?.unsigned_abs(), Ordering::Relaxed);
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone());
        let hearing =
            Hearing::start(pool().max_connections(1).connect_lazy_with(options.clone()), own_writer);
        let beside = pool()
            .max_connections(1)
            .after_connect(|conn, _| {
                Box::pin(async move {
                    set_up(conn).await?;
                    // See the module: what is lost with the database is made again.
                    sqlx::raw_sql("SET synchronous_commit = off").execute(conn).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        let shared = Shared::new(Writing(writing), Readers(readers));
        let (hearing, hand_outs) = (Arc::new(hearing), Arc::new(HandOuts::start(beside)));
        Ok(PostgresStore { shared: Arc::new(shared), hearing, hand_outs })
    }

    /// Finishes all queued writes and closes the connections. Later calls on any handle fail.
    pub async fn close(&self) {
        self.hearing.end();
        self.hand_outs.close().await;
        self.shared.close().await;
    }
}

/// Says whether `url` can be an address of a database.
///
/// # Errors
/// [`BadUrl`].
pub fn check_url(url: &str) -> Result<(), BadUrl> {
    options(url).map(|_| ())
}

/// One connection, set up as all are.
pub(crate) async fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let options = options(url).map_err(|source| StoreError::Database {
        doing: "read the address of the database",
        source: Box::new(source),
    })?;
    let mut conn = options.connect().await.doing("reach the database")?;
    set_up(&mut conn).await.doing("set up a connection")?;
    Ok(conn)
}

/// Begins a transaction beside which nobody else writes.
pub(crate) async fn begin_alone(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    Writing::begin(conn, Access::Alone).await
}

fn options(url: &str) -> Result<PgConnectOptions, BadUrl> {
    let options = PgConnectOptions::from_str(url).map_err(BadUrl)?;
    Ok(options.application_name("longshore-server").disable_statement_logging())
}

async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut conn = options.connect().await.doing("reach the database")?;
    let row = sqlx::query("SHOW server_encoding").fetch_one(&mut conn).await.doing("look at the database")?;
    let encoding: String = row.try_get(0).doing("look at the database")?;
    if encoding != "UTF8" {
        return Err(StoreError::Database {
            doing: "use the database",
            source: Box::new(WrongEncoding(encoding)),
        });
    }
    sql::schema::migrate(&mut conn).await?;
    conn.close().await.doing("close the first connection")
}

/// Looks whether a connection is still there. One that was given back a moment ago was looked at then: that
/// again, before each of a fleet's reads, would cost as much as the read.
async fn is_alive(conn: &mut PgConnection, idle_for: Duration) -> Result<bool, sqlx::Error> {
    if LOOKED_AT <= idle_for {
        conn.ping().await?;
    }
    Ok(true)
}

async fn set_up(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SET_UP).execute(conn).await?;
    Ok(())
}
