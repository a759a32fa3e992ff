//! What can go wrong with a store, in words that callers decide by.

/// Why a store did not do as asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique name, id or ARN is taken already; the text names the thing.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// The thing to change does not exist; the text names it.
    #[error("{0} does not exist")]
    NotFound(String),
    /// Somebody wrote since the snapshot was read: read and decide again.
    #[error("the snapshot is out of date")]
    Stale,
    /// A quota would be exceeded.
    #[error("{what} is limited to {limit}")]
    LimitExceeded {
        /// What is counted.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// The deployment group has an active deployment: this one.
    #[error("the deployment group is busy with deployment {0}")]
    GroupBusy(longshore_model::id::DeploymentId),
    /// The thing is in use by the named other thing and may not be deleted.
    #[error("it is in use by {0}")]
    InUse(String),
    /// The database failed; the source tells how.
    #[error("the database failed while trying to {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored document cannot be read: the database was written by another version, or damaged.
    #[error("a stored {kind} cannot be read")]
    Corrupt {
        /// What kind of document.
        kind: &'static str,
        /// The decoder's error.
        #[source]
        source: serde_json::Error,
    },
}
