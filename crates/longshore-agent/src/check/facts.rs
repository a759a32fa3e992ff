//! What was seen, before it is judged.

use std::path::PathBuf;

/// A directory that the agent needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DirectoryFact {
    pub(super) path: PathBuf,
    /// `None` when it is not there; the agent makes it.
    pub(super) found: Option<Permissions>,
    /// Whether this process may write there, or make it.
    pub(super) is_writable: bool,
    /// Bytes free for this process on its file system.
    pub(super) free_bytes: Option<u64>,
    /// Files that can still be made there; `None` where there is no such bound.
    pub(super) free_inodes: Option<u64>,
}

/// Whose something is, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permissions {
    pub(super) is_directory: bool,
    pub(super) uid: u32,
    pub(super) mode: u32,
}

/// What a service did when it was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It did what it was asked.
    Good,
    /// It answered with an error.
    Refused {
        status: u16,
        code: String,
        message: String,
        /// Whether it speaks of our keys or clock.
        is_about_credentials: bool,
    },
    /// No answer, because of the certificate.
    Certificate(String),
    /// No answer.
    Unreachable(String),
    /// Nothing was sent, because there are no keys.
    NoKeys(String),
}

/// What earlier runs left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leftovers {
    /// Installs that were interrupted.
    pub(super) n_journals: usize,
    /// Reports that the service has not taken.
    pub(super) n_reports: usize,
    /// Commands that run, or ran when the agent died.
    pub(super) n_tracked: usize,
    /// Tracking files of more than a day ago.
    pub(super) n_stale: usize,
}

/// The agents on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Agents {
    /// Holds the lock of this configuration.
    pub(super) running: Option<i32>,
    /// Others of AWS's, which would poll as well.
    pub(super) others: Vec<i32>,
}
