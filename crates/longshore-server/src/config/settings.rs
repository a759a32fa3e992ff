//! Everything together: the command line, the environment and the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use longshore_engine::EngineConfig;

use super::check::invalid;
use super::store::StoreUrl;
use super::{AwsEnvironment, Config, ConfigError};
use crate::args::Args;
use crate::data_dir::RootKey;

/// Everything the server is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder.
    pub data_dir: PathBuf,
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The server's region.
    pub region: String,
    /// 12 digits.
    pub account_id: String,
    /// For the first start.
    pub root_key: Option<RootKey>,
    /// The configuration file.
    pub config: Config,
}

impl Settings {
    /// Checks what was typed, and reads the configuration file if there is one.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_args(args: Args) -> Result<Settings, ConfigError> {
        let config = config(args.config.as_deref(), &args.aws, args.store_url)?;
        let settings = Settings {
            data_dir: args.data_dir,
            listen: args.listen,
            region: args.region,
            account_id: args.account_id,
            root_key: root_key(args.root_access_key_id, args.root_secret_access_key)?,
            config,
        };
        settings.checked()
    }

    fn checked(self) -> Result<Settings, ConfigError> {
        let is_region = !self.region.is_empty()
            && self.region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_region {
            return Err(invalid("LONGSHORE_REGION", &self.region, "lower-case letters, digits and -"));
        }
        if self.account_id.len() != 12 || !self.account_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid("LONGSHORE_ACCOUNT_ID", &self.account_id, "12 digits"));
        }
        Ok(self)
    }

    /// The engine's part.
    pub(crate) fn engine(&self, server_id: String) -> EngineConfig {
        EngineConfig {
            account_id: self.account_id.clone(),
            region: self.region.clone(),
            server_id,
            clocks: self.config.clocks,
            poll_hold: self.config.poll_hold,
            redelivery: self.config.redelivery,
            alarm_poll: self.config.alarm_poll,
            tombstone: self.config.tombstone,
            quotas: self.config.quotas,
            retention: self.config.retention,
            trigger_payload: self.config.trigger_payload,
        }
    }
}

/// The file's settings; the environment's database comes before the file's.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn config(
    file: Option<&Path>,
    environment: &AwsEnvironment,
    store_url: Option<String>,
) -> Result<Config, ConfigError> {
    let mut config = file.map_or_else(|| Ok(Config::default()), |path| Config::read(path, environment))?;
    if let Some(url) = store_url {
        config.store = Some(StoreUrl::checked("LONGSHORE_STORE_URL", url)?);
    }
    Ok(config)
}

fn root_key(id: Option<String>, secret: Option<String>) -> Result<Option<RootKey>, ConfigError> {
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => Ok(Some(RootKey { id, secret })),
        (Some(_), None) => {
            Err(invalid("LONGSHORE_ROOT_SECRET_ACCESS_KEY", "not set", "set together with the key's id"))
        }
        (None, Some(_)) => {
            Err(invalid("LONGSHORE_ROOT_ACCESS_KEY_ID", "not set", "set together with the key's secret"))
        }
    }
}
