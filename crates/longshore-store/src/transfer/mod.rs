//! Everything that is remembered, from one database to another: backups, and the move from SQLite to
//! PostgreSQL. A backup is a SQLite file, whatever it was made of.
//!
//! Tables and columns are read from the schema, so that a new one needs nothing here. What was copied
//! is compared row by row with what it was copied from before it counts.

mod copy;
mod table;

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};

pub use self::copy::Copied;
use crate::postgres::PostgresStore;
use crate::sqlite::SqliteStore;
use crate::{StoreError, postgres};

/// Where things are remembered.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database. The address may hold a password.
    Url(String),
}

impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Place::Url(_) => formatter.write_str("Url(..)"),
        }
    }
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// One of the two cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is something in the way.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// There is nothing to copy.
    #[error("`{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// The database to copy to holds something.
    #[error("the database is not empty: there are rows in `{0}`")]
    NotEmpty(String),
    /// The two have different schemas.
    #[error(
        "the backup's schema is of version {from}, the database's of version {to}: restore it into a data \
         folder, start the server there once, and move that"
    )]
    OtherSchema {
        /// Of what is copied.
        from: i64,
        /// Of where it is to go.
        to: i64,
    },
    /// The file is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// What was written is not what was read. Nothing of it stays.
    #[error("the copy of `{0}` is not the same as what was copied")]
    Differs(String),
    /// One of the databases failed.
    #[error("a database failed while trying to {doing}")]
    Database {
        /// What was being done.
        doing: String,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
}

/// Turns a driver's error into the transfer's.
trait Doing<T> {
    fn doing(self, doing: impl Into<String>) -> Result<T, TransferError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: impl Into<String>) -> Result<T, TransferError> {
        self.map_err(|source| TransferError::Database { doing: doing.into(), source })
    }
}

/// Brings the schema up to date.
///
/// # Errors
/// As opening the store.
pub async fn migrate(place: &Place) -> Result<(), TransferError> {
    match place {
        Place::File(path) => SqliteStore::open(path).await?.close().await,
        Place::Url(url) => PostgresStore::open(url).await?.close().await,
    }
    Ok(())
}

/// Writes everything in `from` into the new file at `file`, as of one instant; servers may go on.
///
/// # Errors
/// [`TransferError`]. No file is left.
pub async fn back_up(from: &Place, file: &Path) -> Result<Vec<Copied>, TransferError> {
    if file.exists() {
        return Err(TransferError::Exists(file.to_owned()));
    }
    let written = match from {
        Place::File(path) => copy_file(path, file).await,
        Place::Url(url) => postgres_to_file(url, file).await,
    };
    if written.is_err() && file.exists() {
        // We made it: there was none.
        for made in [file.to_owned(), beside(file, "-wal"), beside(file, "-shm")] {
            let _ = std::fs::remove_file(made);
        }
    }
    written
}

/// Writes everything in the backup at `file` into `to`, where there must be nothing yet.
///
/// # Errors
/// [`TransferError`]. Nothing is left in `to`.
pub async fn restore(file: &Path, to: &Place) -> Result<Vec<Copied>, TransferError> {
    match to {
        Place::File(path) if path.exists() => Err(TransferError::Exists(path.clone())),
        Place::File(path) => back_up(&Place::File(file.to_owned()), path).await,
        Place::Url(url) => file_to_postgres(file, url).await,
    }
}

/// Moves everything in the SQLite file to the PostgreSQL database at `url`, where there must be nothing
/// yet. The file stays as it is.
///
/// # Errors
/// [`TransferError`]. Nothing is left in the database.
pub async fn move_to_postgres(file: &Path, url: &str) -> Result<Vec<Copied>, TransferError> {
    if !file.exists() {
        return Err(TransferError::Missing(file.to_owned()));
    }
    migrate(&Place::File(file.to_owned())).await?;
    file_to_postgres(file, url).await
}

async fn copy_file(from: &Path, to: &Path) -> Result<Vec<Copied>, TransferError> {
    if !from.exists() {
        return Err(TransferError::Missing(from.to_owned()));
    }
    let mut source = open_file(from).await?;
    // SQLite's own way: a copy as of one instant, of which nothing is lost and nothing torn.
    sqlx::query("VACUUM INTO $1")
        .bind(to.display().to_string())
        .execute(&mut source)
        .await
        .doing("copy the database")?;
    make_private(to).doing("make the copy private")?;
    let mut target = open_file(to).await?;
    let found: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut target).await.doing("check the copy")?;
    if found != "ok" {
        return Err(TransferError::Damaged(found));
    }
    let copied = copy::count(&mut target).await?;
    target.close().await.doing("close the copy")?;
    source.close().await.doing("close the database")?;
    Ok(copied)
}

async fn postgres_to_file(url: &str, file: &Path) -> Result<Vec<Copied>, TransferError> {
    migrate(&Place::Url(url.to_owned())).await?;
    migrate(&Place::File(file.to_owned())).await?;
    let mut source = open_url(url).await?;
    let mut target = open_file(file).await?;
    let copied = copy::to_file(&mut source, &mut target).await?;
    target.close().await.doing("close the backup")?;
    source.close().await.doing("close the database")?;
    Ok(copied)
}

async fn file_to_postgres(file: &Path, url: &str) -> Result<Vec<Copied>, TransferError> {
    if !file.exists() {
        return Err(TransferError::Missing(file.to_owned()));
    }
    migrate(&Place::Url(url.to_owned())).await?;
    let mut source = open_file(file).await?;
    let mut target = open_url(url).await?;
    let copied = copy::to_postgres(&mut source, &mut target).await?;
    target.close().await.doing("close the database")?;
    source.close().await.doing("close the file")?;
    Ok(copied)
}

async fn open_file(path: &Path) -> Result<SqliteConnection, TransferError> {
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(true).disable_statement_logging();
    options.connect().await.doing(format!("open `{}`", path.display()))
}

async fn open_url(url: &str) -> Result<PgConnection, TransferError> {
    postgres::connect(url).await.map_err(TransferError::Store)
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A backup holds all secrets. It is durable when this returns.
fn make_private(path: &Path) -> Result<(), sqlx::Error> {
    let file = std::fs::File::options().read(true).write(true).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    file.sync_all()?;
    Ok(())
}
