//! A store of either kind, for those who open and close it. Everybody else knows the traits alone.

use std::path::Path;
use std::sync::Arc;

use crate::postgres::PostgresStore;
use crate::sqlite::SqliteStore;
use crate::{Store, StoreError};

/// An open store.
#[derive(Clone, Debug)]
pub enum AnyStore {
    /// A file, which belongs to one server.
    Sqlite(SqliteStore),
    /// A database, which several servers may share.
    Postgres(PostgresStore),
}

impl AnyStore {
    /// Opens the file at `path`, which is made when it is not there.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_file(path: &Path) -> Result<AnyStore, StoreError> {
        SqliteStore::open(path).await.map(AnyStore::Sqlite)
    }

    /// Opens the database at `url`.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub async fn open_url(url: &str) -> Result<AnyStore, StoreError> {
        PostgresStore::open(url).await.map(AnyStore::Postgres)
    }

    /// What is remembered in it.
    pub fn shared(&self) -> Arc<dyn Store> {
        match self {
            AnyStore::Sqlite(store) => Arc::new(store.clone()),
            AnyStore::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// Whether other servers may use it at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self, AnyStore::Postgres(_))
    }

    /// Finishes all queued writes and closes it. Later calls on any handle fail.
    pub async fn close(&self) {
        match self {
            AnyStore::Sqlite(store) => store.close().await,
            AnyStore::Postgres(store) => store.close().await,
        }
    }
}
