//! `[store]` and `[bundles]`: where things are remembered.

use std::path::PathBuf;

use longshore_store::postgres;
use serde::Deserialize;

use super::ConfigError;

/// The address of a PostgreSQL database. It may hold a password, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// Checks the form of `text`; `key` says where it was written.
    ///
    /// # Errors
    /// `Secret`, without the text.
    pub fn checked(key: &'static str, text: String) -> Result<StoreUrl, ConfigError> {
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if is_postgres && postgres::check_url(&text).is_ok() {
            return Ok(StoreUrl(text));
        }
        Err(ConfigError::Secret { key, rule: "postgres://USER:PASSWORD@HOST:PORT/DATABASE" })
    }

    /// The text itself, to connect with.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("StoreUrl(..)")
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawStore {
    url: Option<String>,
}

impl std::fmt::Debug for RawStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RawStore(..)")
    }
}

impl RawStore {
    pub(super) fn url(self) -> Result<Option<StoreUrl>, ConfigError> {
        self.url.map(|url| StoreUrl::checked("store.url", url)).transpose()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawBundles {
    pub(super) folder: Option<PathBuf>,
}
