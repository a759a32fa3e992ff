//! The content files: how bytes become durable, and when a file may go.
//!
//! A file is written in `incoming/`, synced, and moved to `content/` under a random name. Rows name
//! content files; a file that no row names is a leftover and is removed when the store is opened.

use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

const INCOMING: &str = "incoming";
const CONTENT: &str = "content";

/// The folder with the content files.
#[derive(Clone)]
pub(crate) struct ContentFolder {
    folder: Arc<Path>,
    leases: Arc<Mutex<Leases>>,
}

/// Which files are being read, and which of those are to go afterwards.
#[derive(Default)]
struct Leases {
    readers: HashMap<String, usize>,
    doomed: HashSet<String>,
}

/// A file that is being written. Dropped, it is removed.
pub(crate) struct Incoming {
    path: PathBuf,
}

/// As long as it lives, the files stay.
pub(crate) struct Lease {
    content: ContentFolder,
    names: Vec<String>,
}

impl ContentFolder {
    /// Makes the folders where missing.
    pub(crate) fn open(folder: &Path) -> io::Result<ContentFolder> {
        for part in [INCOMING, CONTENT] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        sync_folder(folder)?;
        Ok(ContentFolder { folder: folder.into(), leases: Arc::default() })
    }

    /// Removes what a crash left: files being written, and files that are not among `named`.
    /// Answers how many. Only those that were last touched before `before`: another process may be
    /// about to name the others.
    pub(crate) fn remove_leftovers(&self, named: &HashSet<String>, before: SystemTime) -> io::Result<usize> {
        let mut n_removed = 0;
        for part in [INCOMING, CONTENT] {
            for entry in std::fs::read_dir(self.folder.join(part))? {
                let entry = entry?;
                let name = entry.file_name();
                let is_named = name.to_str().is_some_and(|name| named.contains(&format!("{part}/{name}")));
                if is_named || !entry.file_type()?.is_file() || before < touched_at(&entry.metadata()?) {
                    continue;
                }
                match std::fs::remove_file(entry.path()) {
                    Ok(()) => n_removed += 1,
                    // Another process was faster.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(n_removed)
    }

    /// Begins a file.
    pub(crate) fn begin(&self) -> io::Result<(Incoming, File)> {
        let path = self.folder.join(INCOMING).join(Uuid::new_v4().simple().to_string());
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok((Incoming { path }, file))
    }

    /// Makes a file (already synced) durable under its final name, which it answers.
    pub(crate) fn keep(&self, incoming: Incoming) -> io::Result<String> {
        let name = new_name();
        std::fs::rename(&incoming.path, self.folder.join(&name))?;
        sync_folder(&self.folder.join(CONTENT))?;
        Ok(name)
    }

    /// Gives files (under a lease) second names, so that they can go one without the other.
    pub(crate) fn link(&self, names: &[String]) -> io::Result<Vec<String>> {
        let mut linked = Vec::with_capacity(names.len());
        for name in names {
            let (from, to) = (self.path(name)?, new_name());
            let target = self.folder.join(&to);
            if std::fs::hard_link(&from, &target).is_err() {
                copy_synced(&from, &target)?;
            }
            linked.push(to);
        }
        sync_folder(&self.folder.join(CONTENT))?;
        Ok(linked)
    }

    /// Where the file is.
    ///
    /// # Errors
    /// `InvalidData` when `name` is no name that this store gave: nothing outside the folder is read.
    pub(crate) fn path(&self, name: &str) -> io::Result<PathBuf> {
        let is_ours = name
            .strip_prefix("content/")
            .is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !is_ours {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{name}` is no content file")));
        }
        Ok(self.folder.join(name))
    }

    /// Removes files that no row names any more, each once its last reader is gone. A file that
    /// cannot be removed is a leftover for the next start.
    pub(crate) fn remove(&self, names: Vec<String>) {
        let mut leases = self.leases();
        for name in names {
            if leases.readers.contains_key(&name) {
                leases.doomed.insert(name);
            } else {
                self.unlink(&name);
            }
        }
    }

    /// Holds the files of a row. `None` when they are gone already: the row was replaced meanwhile.
    pub(crate) fn lease(&self, names: &[String]) -> io::Result<Option<Lease>> {
        let mut leases = self.leases();
        // The files of a row go together, so the first one speaks for all.
        if let Some(first) = names.first()
            && !self.path(first)?.try_exists()?
        {
            return Ok(None);
        }
        for name in names {
            *leases.readers.entry(name.clone()).or_default() += 1;
        }
        Ok(Some(Lease { content: self.clone(), names: names.to_vec() }))
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unlink(&self, name: &str) {
        let removed = self.path(name).and_then(std::fs::remove_file);
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(name, %error, "bundle store: a content file could not be removed");
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After `keep` there is nothing left to remove, and a file that stays is removed at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut leases = self.content.leases();
        for name in &self.names {
            let Some(n_readers) = leases.readers.get_mut(name) else { continue };
            *n_readers -= 1;
            if *n_readers == 0 {
                leases.readers.remove(name);
                if leases.doomed.remove(name) {
                    self.content.unlink(name);
                }
            }
        }
    }
}

/// When a file was written, renamed or linked last.
fn touched_at(metadata: &Metadata) -> SystemTime {
    let millis = metadata.ctime().saturating_mul(1000).saturating_add(metadata.ctime_nsec() / 1_000_000);
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn new_name() -> String {
    format!("{CONTENT}/{}", Uuid::new_v4().simple())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// For file systems without hard links.
fn copy_synced(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn opened() -> (tempfile::TempDir, ContentFolder) {
        let folder = tempfile::tempdir().expect("a folder");
        let content = ContentFolder::open(folder.path()).expect("opens");
        (folder, content)
    }

    fn kept(content: &ContentFolder) -> String {
        let (incoming, mut file) = content.begin().expect("begins");
        file.write_all(b"bytes").expect("writes");
        content.keep(incoming).expect("keeps")
    }

    fn later() -> SystemTime {
        SystemTime::now() + Duration::from_secs(3600)
    }

    fn exists(content: &ContentFolder, name: &str) -> bool {
        content.path(name).expect("a content name").exists()
    }

    #[test]
    fn what_is_not_kept_is_gone() {
        let (folder, content) = opened();
        drop(content.begin().expect("begins"));
        assert_eq!(std::fs::read_dir(folder.path().join(INCOMING)).expect("reads").count(), 0);
    }

    #[test]
    fn leftovers_are_removed_and_named_files_stay() {
        let (_folder, content) = opened();
        let (named, leftover) = (kept(&content), kept(&content));
        let (torn, _file) = content.begin().expect("begins");
        let n_removed = content.remove_leftovers(&HashSet::from([named.clone()]), later()).expect("removes");
        assert_eq!(n_removed, 2);
        assert!(exists(&content, &named) && !exists(&content, &leftover) && !torn.path.exists());
    }

    #[test]
    fn what_another_process_may_be_about_to_name_stays() {
        let (_folder, content) = opened();
        let fresh = kept(&content);
        let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
        assert_eq!(content.remove_leftovers(&HashSet::new(), an_hour_ago).expect("removes"), 0);
        assert!(exists(&content, &fresh));
    }

    #[test]
    fn a_file_goes_with_its_last_reader() {
        let (_folder, content) = opened();
        let name = kept(&content);
        let names = vec![name.clone()];
        let first = content.lease(&names).expect("looks").expect("is there");
        let second = content.lease(&names).expect("looks").expect("is there");
        content.remove(names.clone());
        drop(first);
        assert!(exists(&content, &name));
        drop(second);
        assert!(!exists(&content, &name));
        assert!(content.lease(&names).expect("looks").is_none());
    }

    #[test]
    fn a_linked_file_lives_on_its_own() {
        let (_folder, content) = opened();
        let name = kept(&content);
        let linked = content.link(std::slice::from_ref(&name)).expect("links");
        content.remove(vec![name]);
        assert_eq!(std::fs::read(content.path(&linked[0]).expect("a name")).expect("reads"), b"bytes");
    }

    #[test]
    fn names_that_are_not_ours_are_refused() {
        let (_folder, content) = opened();
        for name in ["content/../../etc/passwd", "/etc/passwd", "content/x", "incoming/x", ""] {
            assert!(content.path(name).is_err(), "{name}");
        }
    }
}
