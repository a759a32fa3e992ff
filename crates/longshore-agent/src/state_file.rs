//! Small files whose content must be whole or absent after a crash: pointers, tracking, reports (I-51).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells concurrent writers of this process apart.
static SEQUENCE: AtomicU64 = AtomicU64::new(0);

/// Puts `content` at `path`: written beside it, synced, renamed over it.
///
/// # Errors
/// Whatever the file system says; the file at `path` is then as before.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    write_with(path, content, File::sync_all)
}

fn write_with(path: &Path, content: &[u8], sync: fn(&File) -> io::Result<()>) -> io::Result<()> {
    let number = SEQUENCE.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A leading dot, so that directory listings can tell unfinished files from real ones.
    let temporary = path.with_file_name(format!(".{name}.{}.{number}.tmp", std::process::id()));
    let written = write_new(&temporary, content, sync).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one worth reporting.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// As [`write()`], but not synced: for what means nothing after a power cut, and must be there at once.
///
/// # Errors
/// As [`write()`].
pub fn write_unsynced(path: &Path, content: &[u8]) -> io::Result<()> {
    write_with(path, content, |_| Ok(()))
}

/// As [`write()`], and the name survives a power cut too.
///
/// # Errors
/// As [`write()`].
pub fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn write_new(path: &Path, content: &[u8], sync: fn(&File) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content)?;
    sync(&file)
}

/// Removes the file at `path`; its absence is success.
///
/// # Errors
/// Any other refusal of the file system.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Whether `name` is a file that [`write()`] had not finished when the process ended.
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("pointer");
        write(&path, b"one").expect("first");
        write_durably(&path, b"two").expect("second");
        assert_eq!(std::fs::read(&path).expect("read"), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 1);
    }

    #[test]
    fn removing_what_is_not_there_succeeds() {
        let dir = tempfile::tempdir().expect("dir");
        assert!(remove(&dir.path().join("absent")).is_ok());
    }
}
