//! Between rows and the domain: columns, documents, page keys, and what a driver's error means.

use serde::Serialize;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeOwned, Error as _};
use sqlx::Row as _;

use super::Row;
use crate::{Page, StoreError};

/// Turns a driver's error into the store's.
pub(in super::super) trait Doing<T> {
    /// `doing` completes the sentence "the database failed while trying to …".
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Database { doing, source: Box::new(source) })
    }
}

/// Columns by their place in the statement.
pub(in super::super) trait Columns {
    /// An integer.
    fn int(&self, idx: usize) -> Result<i64, StoreError>;
    /// An integer that may be absent.
    fn maybe_int(&self, idx: usize) -> Result<Option<i64>, StoreError>;
    /// A text.
    fn text(&self, idx: usize) -> Result<String, StoreError>;
    /// A text that may be absent.
    fn maybe_text(&self, idx: usize) -> Result<Option<String>, StoreError>;
    /// A JSON document.
    fn document<T: DeserializeOwned>(&self, idx: usize, kind: &'static str) -> Result<T, StoreError>;
    /// A name or a word of an enum.
    fn word<T: DeserializeOwned>(&self, idx: usize, kind: &'static str) -> Result<T, StoreError>;
    /// As [`Columns::word`], of a column that may be empty.
    fn maybe_word<T: DeserializeOwned>(
        &self,
        idx: usize,
        kind: &'static str,
    ) -> Result<Option<T>, StoreError>;
}

const READ: &str = "read a column";

impl Columns for Row {
    fn int(&self, idx: usize) -> Result<i64, StoreError> {
        self.try_get(idx).doing(READ)
    }

    fn maybe_int(&self, idx: usize) -> Result<Option<i64>, StoreError> {
        self.try_get(idx).doing(READ)
    }

    fn text(&self, idx: usize) -> Result<String, StoreError> {
        self.try_get(idx).doing(READ)
    }

    fn maybe_text(&self, idx: usize) -> Result<Option<String>, StoreError> {
        self.try_get(idx).doing(READ)
    }

    fn document<T: DeserializeOwned>(&self, idx: usize, kind: &'static str) -> Result<T, StoreError> {
        let text: &str = self.try_get(idx).doing(READ)?;
        serde_json::from_str(text).map_err(|source| StoreError::Corrupt { kind, source })
    }

    fn word<T: DeserializeOwned>(&self, idx: usize, kind: &'static str) -> Result<T, StoreError> {
        let text = StringDeserializer::<serde_json::Error>::new(self.text(idx)?);
        T::deserialize(text).map_err(|source| StoreError::Corrupt { kind, source })
    }

    fn maybe_word<T: DeserializeOwned>(
        &self,
        idx: usize,
        kind: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.maybe_text(idx)?.map(|_| self.word(idx, kind)).transpose()
    }
}

/// Writes `value` as a JSON document.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T, kind: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Corrupt { kind, source })
}

/// How many rows a page has at most, as SQL takes it.
pub(super) fn limit(page: &Page) -> i64 {
    i64::try_from(page.limit).unwrap_or(i64::MAX)
}

/// The last name seen; every name is greater than the empty one.
pub(super) fn after_name(page: &Page) -> &str {
    page.after.as_deref().unwrap_or("")
}

/// The key `<millis, 20 digits>/<text>` of the last item seen, or `first` for the first page.
pub(super) fn after_time(page: &Page, first: i64) -> Result<(i64, String), StoreError> {
    let Some(key) = page.after.as_deref() else {
        return Ok((first, String::new()));
    };
    key.split_once('/')
        .and_then(|(millis, text)| Some((millis.parse().ok()?, text.to_owned())))
        .ok_or_else(|| unreadable_key(key))
}

/// A page key that this store never gave.
pub(super) fn unreadable_key(key: &str) -> StoreError {
    StoreError::Corrupt { kind: "page key", source: serde_json::Error::custom(format!("`{key}`")) }
}
