//! A log file that is bounded: 64 MiB, and some older ones called `.0` (newest), `.1`, …
//! Source: agent.md §3 (`log_aws_wire`), §4.3, I-46.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::state_file;

/// The size at which a new file is begun.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How many older files a log of scripts' output keeps.
const N_OLDER: usize = 7;

/// The mode of a file that everybody may read, before the umask.
const READABLE: u32 = 0o666;

/// A file that is appended to. Opened at the first write, so that events without output leave no file.
#[derive(Debug)]
pub(crate) struct RotatingFile {
    path: PathBuf,
    /// The first line of every new file.
    heading: String,
    /// Whether bytes that are dropped with the oldest file are still counted, in `<path>.dropped`.
    is_counted: bool,
    max_bytes: u64,
    n_older: usize,
    /// Of new files, before the umask.
    mode: u32,
    open: Option<OpenFile>,
    /// One complaint in the agent's log is enough.
    has_complained: bool,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    size: u64,
    /// Bytes of all earlier files, whether or not they are still there.
    n_earlier: u64,
}

impl RotatingFile {
    /// A file whose rotations each begin with `heading`.
    pub(crate) fn new(path: PathBuf, heading: String) -> RotatingFile {
        RotatingFile {
            path,
            heading,
            is_counted: false,
            max_bytes: MAX_BYTES,
            n_older: N_OLDER,
            mode: READABLE,
            open: None,
            has_complained: false,
        }
    }

    /// A file whose bytes are counted over all rotations, so that a part of it can be named for good.
    pub(crate) fn counted(path: PathBuf) -> RotatingFile {
        RotatingFile { is_counted: true, ..RotatingFile::new(path, String::new()) }
    }

    /// A file that nobody but the agent's user may read, with `n_older` older ones.
    pub(crate) fn private(path: PathBuf, n_older: usize) -> RotatingFile {
        RotatingFile { n_older, mode: 0o600, ..RotatingFile::new(path, String::new()) }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes have been written since the first file was begun; `None` while it cannot be written.
    pub(crate) fn position(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.n_earlier + open.size)
    }

    /// Adds bytes, all to the same file. A failure is told to the agent's log and otherwise has no effect.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if let Err(error) = self.try_append(bytes)
            && !self.has_complained
        {
            self.has_complained = true;
            tracing::warn!(%error, path = %self.path.display(), "cannot write this log");
        }
    }

    fn try_append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open()?,
        };
        if self.max_bytes < open.size + bytes.len() as u64 && 0 < open.size {
            drop(open);
            self.rotate()?;
            open = self.open()?;
        }
        open.file.write_all(bytes)?;
        open.size += bytes.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    fn open(&self) -> io::Result<OpenFile> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(self.mode).open(&self.path)?;
        let mut size = file.metadata()?.len();
        if size == 0 && !self.heading.is_empty() {
            file.write_all(self.heading.as_bytes())?;
            size = self.heading.len() as u64;
        }
        Ok(OpenFile { file, size, n_earlier: self.n_earlier() })
    }

    fn n_earlier(&self) -> u64 {
        let kept: u64 = (0..self.n_older).map(|idx| size(&numbered(&self.path, idx))).sum();
        kept + self.n_dropped()
    }

    fn n_dropped(&self) -> u64 {
        let text = fs::read_to_string(dropped(&self.path)).unwrap_or_default();
        text.trim().parse().unwrap_or_default()
    }

    /// Moves every file one place on; the oldest is gone.
    fn rotate(&self) -> io::Result<()> {
        let n_oldest = size(&numbered(&self.path, self.n_older - 1));
        if self.is_counted && 0 < n_oldest {
            let n_dropped = self.n_dropped() + n_oldest;
            state_file::write(&dropped(&self.path), n_dropped.to_string().as_bytes())?;
        }
        for idx in (0..self.n_older - 1).rev() {
            match fs::rename(numbered(&self.path, idx), numbered(&self.path, idx + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::rename(&self.path, numbered(&self.path, 0))
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn numbered(path: &Path, idx: usize) -> PathBuf {
    with_suffix(path, &format!(".{idx}"))
}

fn dropped(path: &Path) -> PathBuf {
    with_suffix(path, ".dropped")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_moves_aside_and_the_ninth_oldest_is_dropped() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("logs/x.log");
        let mut log = RotatingFile::new(path.clone(), "# new\n".to_owned());
        log.max_bytes = 12;
        for number in 0..12 {
            log.append(format!("{number:>5}\n").as_bytes());
        }
        assert_eq!(fs::read_to_string(&path).expect("newest"), "# new\n   11\n");
        assert_eq!(fs::read_to_string(numbered(&path, 0)).expect("older"), "# new\n   10\n");
        assert_eq!(fs::read_dir(folder.path().join("logs")).expect("list").count(), 8);
    }

    #[test]
    fn bytes_are_counted_over_rotations_and_after_they_are_dropped() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("logs/scripts.log");
        for number in 0..30 {
            // As if each entry were a new event's.
            let mut log = RotatingFile::counted(path.clone());
            log.max_bytes = 12;
            assert_eq!(log.position(), None);
            log.append(format!("{number:>5}\n").as_bytes());
            assert_eq!(log.position(), Some(6 * (number + 1)));
        }
        assert_eq!(fs::read_to_string(dropped(&path)).expect("dropped"), "84");
    }

    #[test]
    fn a_private_log_is_for_its_owner_only_in_every_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("wire.log");
        let mut log = RotatingFile::private(path.clone(), 15);
        log.max_bytes = 4;
        for _ in 0..20 {
            log.append(b"line\n");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 16);
        for path in [path.clone(), numbered(&path, 0), numbered(&path, 14)] {
            let mode = fs::metadata(&path).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn a_log_that_cannot_be_written_is_no_failure() {
        let folder = tempfile::tempdir().expect("folder");
        let mut log = RotatingFile::counted(folder.path().to_owned());
        log.append(b"x");
        assert_eq!(log.position(), None);
    }
}
