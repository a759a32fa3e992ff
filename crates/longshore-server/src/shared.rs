//! What servers on one database must agree on, so that each accepts what the others gave out: the root
//! key, account and region, and the folder with the bundles' content. The keys that sign specifications
//! and page tokens are records of the store already.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use longshore_store::{ServerRecord, ServerRecordStore, StoreError};

use crate::config::Settings;
use crate::data_dir::RootKey;

/// In the folder with the bundles' content: which one it is.
const FOLDER_ID: &str = "folder-id";

/// Why a server does not fit to those that used the database before it.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The records cannot be read or written.
    #[error("cannot read what the servers on this database have in common")]
    Store(#[from] StoreError),
    /// The stored root key is damaged.
    #[error("the stored root key is damaged")]
    BadRootKey,
    /// Account and region are part of every ARN.
    #[error("the database belongs to account and region {stored}, and this server is started for {own}")]
    OtherPlace {
        /// Of the database.
        stored: String,
        /// Of this server.
        own: String,
    },
    /// Bundles that other servers took would not be found here.
    #[error(
        "the database's bundles are not in `{folder}`: servers on one database need one folder, \
         `[bundles] folder` in the configuration file. To go on without the bundles that there were, write \
         {stored} into `{folder}/{FOLDER_ID}`", folder = folder.display()
    )]
    OtherBundles {
        /// This server's folder.
        folder: PathBuf,
        /// What the right one holds in its [`FOLDER_ID`].
        stored: String,
    },
    /// The folder cannot be used.
    #[error("cannot use the bundle folder `{}`", .0.display())]
    Folder(PathBuf, #[source] io::Error),
}

/// The root key of all servers: the one that the first of them had.
pub(crate) async fn root_key(store: &dyn ServerRecordStore, own: RootKey) -> Result<RootKey, SharedError> {
    let stored = record(store, "root_key", format!("{} {}", own.id, own.secret)).await?;
    let (id, secret) = stored.split_once(' ').ok_or(SharedError::BadRootKey)?;
    let stored = RootKey { id: id.to_owned(), secret: secret.to_owned() };
    if stored != own {
        tracing::warn!("the root key of the database is not this data folder's: it takes its place");
    }
    Ok(stored)
}

/// All servers are in one account and one region.
pub(crate) async fn check_place(
    store: &dyn ServerRecordStore,
    settings: &Settings,
) -> Result<(), SharedError> {
    let own = format!("{} {}", settings.account_id, settings.region);
    let stored = record(store, "account_and_region", own.clone()).await?;
    if stored == own { Ok(()) } else { Err(SharedError::OtherPlace { stored, own }) }
}

/// All servers have their bundles in one folder, which holds an id to be known by.
pub(crate) async fn check_bundles(store: &dyn ServerRecordStore, folder: &Path) -> Result<(), SharedError> {
    let own = folder_id(folder).map_err(|source| SharedError::Folder(folder.to_owned(), source))?;
    let stored = record(store, "bundle_folder", own.clone()).await?;
    if stored == own {
        return Ok(());
    }
    Err(SharedError::OtherBundles { folder: folder.to_owned(), stored })
}

fn folder_id(folder: &Path) -> io::Result<String> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(FOLDER_ID);
    let drawn = uuid::Uuid::new_v4().to_string();
    // Written beside and linked, so that of two servers that begin at once one id stays, whole.
    let beside = folder.join(format!(".{FOLDER_ID}.{drawn}"));
    let mut file = File::options().write(true).create_new(true).open(&beside)?;
    file.write_all(drawn.as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&beside, &path);
    std::fs::remove_file(&beside)?;
    match linked {
        Ok(()) => Ok(drawn),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(std::fs::read_to_string(&path)?.trim().to_owned())
        }
        Err(error) => Err(error),
    }
}

async fn record(store: &dyn ServerRecordStore, name: &str, value: String) -> Result<String, StoreError> {
    store.server_record(&ServerRecord { name: name.to_owned(), value }).await
}

#[cfg(test)]
mod tests {
    use longshore_store::sqlite::SqliteStore;

    use super::*;

    #[tokio::test]
    async fn servers_of_one_database_have_one_bundle_folder() {
        let store = SqliteStore::in_memory().await.expect("open");
        let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        check_bundles(&store, one.path()).await.expect("the first");
        check_bundles(&store, one.path()).await.expect("the same again");
        let refused = check_bundles(&store, other.path()).await.expect_err("another one");
        let SharedError::OtherBundles { stored, .. } = refused else { panic!("{refused}") };
        std::fs::write(other.path().join(FOLDER_ID), stored).expect("write");
        check_bundles(&store, other.path()).await.expect("the operator said so");
    }

    #[tokio::test]
    async fn the_first_root_key_stays() {
        let store = SqliteStore::in_memory().await.expect("open");
        let key = |id: &str| RootKey { id: id.to_owned(), secret: String::from("s/e+c=r") };
        assert_eq!(root_key(&store, key("AKIA1")).await.expect("a key"), key("AKIA1"));
        assert_eq!(root_key(&store, key("AKIA2")).await.expect("a key"), key("AKIA1"));
    }
}
