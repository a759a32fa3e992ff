//! The step that makes an object visible: from a file that is on the disk to its row.
//!
//! It runs in a task of its own. If the caller hangs up in the middle, the task still ends; were it
//! dropped instead, nobody would know whether the row was committed and its file still needed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;

use longshore_store::{ObjectRow, StoreError};
use s3s::dto::ETagCondition;
use s3s::{S3Error, S3Result, s3_error};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::{Bundles, NULL_VERSION, no_such_bucket, no_such_key, now, store_failed};
use crate::body::disk_failed;
use crate::condition::names;
use crate::content::{Incoming, Lease};
use crate::reader::run_blocking;

const N_LOCKS: usize = 64;

/// Writers of one key go one after another, so that a condition still holds when it is acted upon.
pub(super) struct KeyLocks(Vec<Arc<Mutex<()>>>);

impl Default for KeyLocks {
    fn default() -> KeyLocks {
        KeyLocks((0..N_LOCKS).map(|_| Arc::default()).collect())
    }
}

impl KeyLocks {
    async fn lock(&self, bucket: &str, key: &str) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        (bucket, key).hash(&mut hasher);
        // The remainder is smaller than the number of locks, which fits.
        let idx = (hasher.finish() % self.0.len() as u64) as usize;
        Arc::clone(&self.0[idx]).lock_owned().await
    }
}

/// Content that is on the disk and has no row yet.
pub(super) enum Staged {
    /// Received under a temporary name.
    Received(Incoming),
    /// Files of another object, held by a lease, to be given second names.
    Linked(Vec<String>, Lease),
    /// Parts of this upload, which ends with the commit.
    Parts { upload_id: String, files: Vec<String> },
}

/// An object to be.
pub(super) struct NewObject {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) size_bytes: u64,
    pub(super) e_tag: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) staged: Staged,
    pub(super) condition: WriteCondition,
}

/// What must hold of the current object when it is replaced.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteCondition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

/// What became of a write.
pub(super) struct Committed {
    pub(super) row: ObjectRow,
    /// `None` where clients are told no version.
    pub(super) version_id: Option<String>,
}

/// A bucket's answer to "do you keep versions?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versioning {
    Unset,
    Enabled,
    Suspended,
}

impl Versioning {
    fn new_version(self) -> String {
        match self {
            Versioning::Enabled => Uuid::new_v4().simple().to_string(),
            Versioning::Unset | Versioning::Suspended => NULL_VERSION.to_owned(),
        }
    }
}

impl Bundles {
    /// The bucket's versioning.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(super) async fn versioning(&self, bucket: &str) -> S3Result<Versioning> {
        match self.index.bucket(bucket).await.map_err(store_failed)? {
            None => Err(no_such_bucket(bucket)),
            Some((_, None)) => Ok(Versioning::Unset),
            Some((_, Some(true))) => Ok(Versioning::Enabled),
            Some((_, Some(false))) => Ok(Versioning::Suspended),
        }
    }

    /// Makes `object` visible, and only then answers.
    pub(super) async fn commit(self: &Arc<Self>, object: NewObject) -> S3Result<Committed> {
        let bundles = Arc::clone(self);
        in_own_task(async move { bundles.commit_now(object).await }).await
    }

    async fn commit_now(&self, object: NewObject) -> S3Result<Committed> {
        let NewObject { bucket, key, size_bytes, e_tag, headers, staged, condition } = object;
        let _lock = self.locks.lock(&bucket, &key).await;
        let versioning = self.versioning(&bucket).await?;
        self.check_condition(&bucket, &key, &condition).await?;
        let (files, upload_id) = self.keep(staged).await.map_err(disk_failed)?;
        let row = ObjectRow {
            bucket,
            key,
            version: versioning.new_version(),
            sequence: 0,
            is_delete_marker: false,
            size_bytes,
            e_tag,
            modified_at: now(),
            files,
            headers,
        };
        let replaced = match &upload_id {
            Some(id) => self.index.end_upload(id, Some(&row)).await,
            None => self.index.put_object(&row).await,
        };
        match replaced {
            Ok(replaced) => self.remove_files(replaced).await,
            Err(error) => return Err(self.not_committed(error, row, upload_id.is_some()).await),
        }
        let version_id = (versioning == Versioning::Enabled).then(|| row.version.clone());
        Ok(Committed { row, version_id })
    }

    async fn keep(&self, staged: Staged) -> io::Result<(Vec<String>, Option<String>)> {
        let content = self.content.clone();
        match staged {
            Staged::Received(incoming) => {
                Ok((vec![run_blocking(move || content.keep(incoming)).await?], None))
            }
            Staged::Linked(files, lease) => {
                let linked = run_blocking(move || {
                    let linked = content.link(&files);
                    drop(lease);
                    linked
                });
                Ok((linked.await?, None))
            }
            Staged::Parts { upload_id, files } => Ok((files, Some(upload_id))),
        }
    }

    async fn not_committed(&self, error: StoreError, row: ObjectRow, is_upload: bool) -> S3Error {
        match error {
            StoreError::NotFound(_) if is_upload => no_such_upload(),
            StoreError::NotFound(_) => {
                self.remove_files(row.files).await;
                no_such_bucket(&row.bucket)
            }
            // Whether the row is there is not known, so its files stay until the next start looks.
            error @ (StoreError::AlreadyExists(_)
            | StoreError::Stale
            | StoreError::LimitExceeded { .. }
            | StoreError::GroupBusy(_)
            | StoreError::InUse(_)
            | StoreError::Database { .. }
            | StoreError::Corrupt { .. }) => store_failed(error),
        }
    }

    async fn check_condition(&self, bucket: &str, key: &str, condition: &WriteCondition) -> S3Result<()> {
        let WriteCondition { if_match, if_none_match } = condition;
        if if_match.is_none() && if_none_match.is_none() {
            return Ok(());
        }
        let current = self.index.object(bucket, key, None).await.map_err(store_failed)?;
        let current = current.filter(|row| !row.is_delete_marker);
        let failed = |header: &str| {
            s3_error!(
                PreconditionFailed,
                "At least one of the preconditions you specified did not hold: {header}"
            )
        };
        match (if_match, &current) {
            (Some(_), None) => return Err(no_such_key(bucket, key)),
            (Some(condition), Some(row)) if !names(condition, &row.e_tag) => return Err(failed("If-Match")),
            (Some(_) | None, Some(_) | None) => {}
        }
        match (if_none_match, &current) {
            (Some(condition), Some(row)) if names(condition, &row.e_tag) => Err(failed("If-None-Match")),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// Deletes as S3 does: a named version is removed; otherwise a versioned bucket gets a delete
    /// marker and another one loses the object. Answers the marker's version (made or removed), if any.
    /// The condition is on the current object, as with a write.
    pub(super) async fn delete(
        self: &Arc<Self>,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: WriteCondition,
    ) -> S3Result<Deleted> {
        let bundles = Arc::clone(self);
        let (bucket, key, version) = (bucket.to_owned(), key.to_owned(), version.map(str::to_owned));
        in_own_task(async move { bundles.delete_now(&bucket, &key, version, &condition).await }).await
    }

    async fn delete_now(
        &self,
        bucket: &str,
        key: &str,
        version: Option<String>,
        condition: &WriteCondition,
    ) -> S3Result<Deleted> {
        let _lock = self.locks.lock(bucket, key).await;
        let versioning = self.versioning(bucket).await?;
        self.check_condition(bucket, key, condition).await?;
        let (version, was_marker) = match (version, versioning) {
            (Some(version), _) => {
                let row = self.index.object(bucket, key, Some(&version)).await.map_err(store_failed)?;
                (version, row.is_some_and(|row| row.is_delete_marker))
            }
            (None, Versioning::Unset) => (NULL_VERSION.to_owned(), false),
            (None, Versioning::Enabled | Versioning::Suspended) => {
                let marker = delete_marker(bucket, key, versioning.new_version());
                let replaced = self.index.put_object(&marker).await.map_err(store_failed)?;
                self.remove_files(replaced).await;
                return Ok(Deleted { version_id: Some(marker.version), is_marker: true });
            }
        };
        let removed = self.index.remove_object(bucket, key, &version).await.map_err(store_failed)?;
        self.remove_files(removed).await;
        let version_id = (versioning != Versioning::Unset).then_some(version);
        Ok(Deleted { version_id, is_marker: was_marker })
    }

    /// Removes files that no row names any more.
    pub(super) async fn remove_files(&self, files: Vec<String>) {
        if files.is_empty() {
            return;
        }
        let content = self.content.clone();
        // What cannot be removed is logged there and removed at the next start.
        let _ = run_blocking(move || {
            content.remove(files);
            Ok(())
        })
        .await;
    }
}

/// What a deletion did.
pub(super) struct Deleted {
    /// The version removed, or the marker's.
    pub(super) version_id: Option<String>,
    /// Whether a delete marker was made or removed.
    pub(super) is_marker: bool,
}

pub(super) fn no_such_upload() -> S3Error {
    s3_error!(NoSuchUpload, "The specified upload does not exist. It may have been aborted or completed.")
}

fn delete_marker(bucket: &str, key: &str, version: String) -> ObjectRow {
    ObjectRow {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version,
        sequence: 0,
        is_delete_marker: true,
        size_bytes: 0,
        e_tag: String::new(),
        modified_at: now(),
        files: Vec::new(),
        headers: Vec::new(),
    }
}

/// Runs `work` to its end even if the caller hangs up.
pub(super) async fn in_own_task<T: Send + 'static>(
    work: impl Future<Output = S3Result<T>> + Send + 'static,
) -> S3Result<T> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(%error, "bundle store: a write was interrupted");
            Err(s3_error!(InternalError))
        }
    }
}
