//! A bundle that has not come completely: beside its place, and in its place only when it is whole (I-18).

use std::fs;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::{DownloadError, disk};

/// What has come of a bundle so far. Removed with this value unless it was finished.
#[derive(Debug)]
pub(super) struct PartialFile {
    path: PathBuf,
    file: File,
    n_bytes: u64,
}

impl PartialFile {
    /// An empty one beside `bundle`.
    pub(super) async fn create(bundle: &Path) -> Result<PartialFile, DownloadError> {
        let path = bundle.with_extension("part");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(disk(&path, error)),
            Ok(()) | Err(_) => {}
        }
        let file = File::create_new(&path).await.map_err(|error| disk(&path, error))?;
        Ok(PartialFile { path, file, n_bytes: 0 })
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Forgets what has come.
    pub(super) async fn restart(&mut self) -> Result<(), DownloadError> {
        self.n_bytes = 0;
        let emptied = async {
            self.file.flush().await?;
            self.file.set_len(0).await?;
            self.file.rewind().await.map(drop)
        };
        emptied.await.map_err(|error| disk(&self.path, error))
    }

    pub(super) async fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).await.map_err(|error| disk(&self.path, error))?;
        self.n_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Puts it, whole, at `bundle`.
    pub(super) async fn finish(mut self, bundle: &Path) -> Result<(), DownloadError> {
        self.file.flush().await.map_err(|error| disk(&self.path, error))?;
        fs::rename(&self.path, bundle).map_err(|error| disk(bundle, error))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // A finished one is not here any more; of another the error of the download tells.
        let _ = fs::remove_file(&self.path);
    }
}
