//! What an operator does with the database: `migrate`, `backup`, `restore`, `move`.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand};
use longshore_store::transfer::{self, Copied, Place, TransferError};

use crate::config::{AwsEnvironment, Config, ConfigError, StoreUrl, config};
use crate::data_dir::{DataDir, DataDirError};

/// The words that begin such a command.
const WORDS: [&str; 4] = ["migrate", "backup", "restore", "move"];

/// Maintains the database of a Longshore server.
#[derive(Debug, Parser)]
#[command(name = "longshore-server", version)]
struct MaintenanceArgs {
    #[command(subcommand)]
    task: Task,
}

/// Which database: the one of a server that is started with the same.
#[derive(Clone, Debug, ClapArgs)]
struct Where {
    /// The server's data folder.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The server's configuration file. `LONGSHORE_STORE_URL` comes before its `[store] url`.
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Brings the database's schema up to date, as a server does when it starts.
    Migrate {
        #[command(flatten)]
        place: Where,
    },
    /// Writes everything in the database into a new file. Servers may run meanwhile.
    Backup {
        #[command(flatten)]
        place: Where,
        /// The file to make. It holds all secrets, and is readable by its owner only.
        file: PathBuf,
    },
    /// Writes everything in a backup into the database, where there must be nothing yet.
    Restore {
        #[command(flatten)]
        place: Where,
        /// The backup.
        file: PathBuf,
    },
    /// Moves everything from the SQLite file in the data folder to a PostgreSQL database, where there
    /// must be nothing yet. The server must be stopped.
    Move {
        /// The server's data folder.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// The database: postgres://USER:PASSWORD@HOST:PORT/DATABASE; LONGSHORE_STORE_URL when absent.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
    },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be used, e.g. because a server runs in it.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// It could not be copied.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// Nobody said where to.
    #[error("where to? --to or LONGSHORE_STORE_URL names the database")]
    NoTarget,
}

/// A task that the command line asks for.
#[derive(Debug)]
pub struct Maintenance {
    task: Task,
    store_url: Option<String>,
}

impl Maintenance {
    /// The task of this process, if its first word is one; ends the process on a usage error.
    pub fn from_process() -> Option<Maintenance> {
        let first = std::env::args().nth(1)?;
        if !WORDS.contains(&first.as_str()) {
            return None;
        }
        let store_url = std::env::var("LONGSHORE_STORE_URL").ok().filter(|url| !url.is_empty());
        Some(Maintenance { task: MaintenanceArgs::parse().task, store_url })
    }

    /// Does it, and answers what to say about it.
    ///
    /// # Errors
    /// [`MaintenanceError`]. Nothing was changed but a schema.
    pub async fn run(self) -> Result<String, MaintenanceError> {
        match self.task {
            Task::Migrate { place } => {
                // A file belongs to one process.
                let (place, _data_dir) = writable(&place, self.store_url)?;
                transfer::migrate(&place).await?;
                Ok(String::from("the schema is up to date"))
            }
            Task::Backup { place, file } => {
                let place = place_of(&place.data_dir, &config_of(&place, self.store_url)?);
                let copied = transfer::back_up(&place, &file).await?;
                Ok(format!("wrote {} to {}", rows(&copied), file.display()))
            }
            Task::Restore { place, file } => {
                let (place, _data_dir) = writable(&place, self.store_url)?;
                let copied = transfer::restore(&file, &place).await?;
                Ok(format!("restored {} from {}", rows(&copied), file.display()))
            }
            Task::Move { data_dir, to } => {
                let (key, url) = match (to, self.store_url) {
                    (Some(url), _) => ("--to", url),
                    (None, Some(url)) => ("LONGSHORE_STORE_URL", url),
                    (None, None) => return Err(MaintenanceError::NoTarget),
                };
                let url = StoreUrl::checked(key, url)?;
                let data_dir = DataDir::open(&data_dir)?;
                let copied = transfer::move_to_postgres(&data_dir.database(), url.reveal()).await?;
                Ok(format!(
                    "moved {}, all of them compared. Start the server with LONGSHORE_STORE_URL or [store] url \
                     set; {} is not used any more",
                    rows(&copied),
                    data_dir.database().display()
                ))
            }
        }
    }
}

fn config_of(place: &Where, store_url: Option<String>) -> Result<Config, ConfigError> {
    config(place.config.as_deref(), &AwsEnvironment::default(), store_url)
}

fn place_of(data_dir: &Path, config: &Config) -> Place {
    match &config.store {
        Some(url) => Place::Url(url.reveal().to_owned()),
        None => Place::File(data_dir.join(DataDir::DATABASE)),
    }
}

/// A place to write to. A data folder with a server in it is refused.
fn writable(place: &Where, store_url: Option<String>) -> Result<(Place, Option<DataDir>), MaintenanceError> {
    let config = config_of(place, store_url)?;
    let is_file = config.store.is_none();
    let data_dir = if is_file { Some(DataDir::open(&place.data_dir)?) } else { None };
    Ok((place_of(&place.data_dir, &config), data_dir))
}

fn rows(copied: &[Copied]) -> String {
    let n_rows: u64 = copied.iter().map(|copied| copied.rows).sum();
    format!("{n_rows} rows of {} tables", copied.len())
}
