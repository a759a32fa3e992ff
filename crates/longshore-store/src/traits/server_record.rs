//! The server's own records.

use crate::StoreError;
use async_trait::async_trait;

/// A named record of the server itself: signer key, first start, page token key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRecord {
    /// Unique.
    pub name: String,
    /// Any text.
    pub value: String,
}

/// The server's own records.
#[async_trait]
pub trait ServerRecordStore: Send + Sync {
    /// The record's value; if there is none, stores `value` and answers it. Two servers that start at the
    /// same time get the same answer.
    async fn server_record(&self, record: &ServerRecord) -> Result<String, StoreError>;
}
