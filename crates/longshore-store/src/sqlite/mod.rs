//! The embedded store: one SQLite file in WAL mode with full durability, one writer, a few readers.

mod dialect;
#[cfg(test)]
mod plan;
// The folder is compiled for each database, see its beginning.
#[allow(clippy::duplicate_mod)]
#[path = "../sql/mod.rs"]
mod sql;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::sync::Mutex;

use self::dialect::{Readers, Writing};
use self::sql::Shared;
use self::sql::row::Doing as _;
use crate::{Others, SharedStore, StoreError};

/// Reads that run at the same time. More would only wait for the same processors.
const MAX_READERS: u32 = 4;

/// How long a statement waits for a lock of another process, e.g. a backup, before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A store in one SQLite file. Clones are handles of the same store; when the last one is dropped,
/// what is queued is still written.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

impl SharedStore for SqliteStore {
    /// The file belongs to one server.
    fn others(&self) -> Option<&dyn Others> {
        None
    }
}

impl SqliteStore {
    /// Opens the store in the file at `path`, which is made when it is not there, readable by its
    /// owner only: it holds secrets.
    ///
    /// # Errors
    /// `Database` when the file cannot be made or is no database of ours, or is newer than we are.
    pub async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        make_private_file(path).await.map_err(|source| StoreError::Database {
            doing: "make the database file",
            source: source.into(),
        })?;
        let options = options().filename(path);
        let writing = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-16384")
            .pragma("wal_autocheckpoint", "4000")
            .pragma("journal_size_limit", "67108864");
        let conn = connect(&writing).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(MAX_READERS)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.pragma("query_only", "1"));
        Ok(SqliteStore::new(conn, |_| Readers::Pool(readers)))
    }

    /// A store that lives in memory and ends with its last handle. For tests.
    ///
    /// # Errors
    /// `Database` when the schema cannot be made.
    pub async fn in_memory() -> Result<SqliteStore, StoreError> {
        let conn = connect(&options().in_memory(true)).await?;
        Ok(SqliteStore::new(conn, Readers::Writer))
    }

    /// Finishes all queued writes and closes the files. Later calls on any handle fail.
    pub async fn close(&self) {
        self.shared.close().await;
    }

    fn new(
        conn: SqliteConnection,
        readers: impl FnOnce(Arc<Mutex<SqliteConnection>>) -> Readers,
    ) -> SqliteStore {
        let conn = Arc::new(Mutex::new(conn));
        let readers = readers(Arc::clone(&conn));
        SqliteStore { shared: Arc::new(Shared::new(Writing(conn), readers)) }
    }
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // A whole batch of rows crosses to the task without the threads waiting for each other.
        .row_buffer_size(1024)
        .disable_statement_logging()
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let mut conn = options.connect().await.doing("open the database")?;
    sql::schema::migrate(&mut conn).await?;
    Ok(conn)
}

/// Makes the file before SQLite does, which would make it readable by everybody. SQLite gives its
/// companions (`-wal`, `-shm`) the same mode.
async fn make_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    options.mode(0o600);
    match options.open(path).await {
        Ok(file) => file.sync_all().await?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    // The name is durable only when its folder is.
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::File::open(folder).await?.sync_all().await?;
    }
    Ok(())
}
