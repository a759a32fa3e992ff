//! The embedded store: one SQLite file in WAL mode with full durability, one writer, a few readers.

mod application;
mod apply;
mod audit;
mod bundle;
mod contact;
mod deployment;
mod deployment_config;
mod deployment_group;
mod enrollment;
mod git_hub;
mod group;
mod history;
mod host;
mod identity;
mod inline_policy;
#[cfg(test)]
mod plan;
mod revision;
mod role;
mod round;
mod row;
mod schema;
mod server_record;
mod tag;
mod target;
mod upload;
mod writer;

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use self::contact::Contacts;
use self::row::Doing as _;
use self::writer::{Writer, WriterConnection};
use crate::StoreError;

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

#[derive(Debug)]
struct Shared {
    writer: Writer,
    readers: Readers,
    contacts: Arc<Contacts>,
}

#[derive(Debug)]
enum Readers {
    Pool(SqlitePool),
    /// A database in memory belongs to its connection, so readers and writer take turns.
    Writer(WriterConnection),
}

enum Reader {
    Pooled(PoolConnection<Sqlite>),
    Shared(OwnedMutexGuard<SqliteConnection>),
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
        // The writer last: the last connection to close folds the log into the file.
        if let Readers::Pool(pool) = &self.shared.readers {
            pool.close().await;
        }
        self.shared.writer.close().await;
    }

    fn new(conn: SqliteConnection, readers: impl FnOnce(WriterConnection) -> Readers) -> SqliteStore {
        let conn = Arc::new(Mutex::new(conn));
        let contacts = Arc::new(Contacts::default());
        let readers = readers(Arc::clone(&conn));
        let writer = Writer::start(conn, Arc::clone(&contacts));
        SqliteStore { shared: Arc::new(Shared { writer, readers, contacts }) }
    }

    /// A connection to read with. It sees every write that returned before.
    async fn reader(&self) -> Result<Reader, StoreError> {
        match &self.shared.readers {
            Readers::Pool(pool) => Ok(Reader::Pooled(pool.acquire().await.doing("begin to read")?)),
            Readers::Writer(conn) => Ok(Reader::Shared(Arc::clone(conn).lock_owned().await)),
        }
    }

    /// Has the writer carry out `function` and answers when it is durable. All that the function
    /// changed is undone if it fails.
    async fn write<T, F>(&self, function: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (job, answer) = writer::work(function);
        self.shared.writer.queue(job).await?;
        Writer::answer(answer).await
    }
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
    schema::migrate(&mut conn).await?;
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
