//! The bundle store: S3 as today's SDKs speak it, over files of one folder and rows of the store.
//!
//! `s3s` does the protocol (routing, signatures, `aws-chunked`, XML); what buckets and objects
//! mean is here. The promises:
//!
//! - **Durable before answered.** Content is written under `incoming/`, synced, moved to
//!   `content/` and synced again before its row is committed. A torn upload leaves nothing visible.
//! - **Names never reach the file system.** Content files have random names; keys live in rows.
//! - **Streaming.** No object is ever whole in memory, in either direction.
//! - **A reader keeps what it reads.** Files that a reader holds are removed when it lets go.

mod access;
mod answer;
mod body;
mod condition;
mod content;
mod digest;
mod headers;
mod host;
mod keys;
mod listing;
mod observer;
mod principal;
mod reader;
mod reframe;
mod s3;
mod service;

pub use crate::answer::ErrorCode;
pub use crate::keys::{KeyError, KeySource, RootKey, StoredKeys};
pub use crate::observer::{Observed, Observer};
pub use crate::principal::{Caller, Origin, Principal, SessionLimits, TokenError, token_digest};
pub use crate::service::{BundleService, BundleSettings, OpenError};
/// The body of every answer; `axum::body::Body::new` takes it.
pub use s3s::Body;
