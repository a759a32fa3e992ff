//! A log file that is bounded: 64 MiB, and seven older ones called `.0` (newest) to `.6`.
//! Source: agent.md §4.3, I-46.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The size at which a new file is begun.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How many older files are kept.
const N_OLDER: usize = 7;

/// A file that is appended to. Opened at the first write, so that events without output leave no file.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    /// The first line of every new file.
    heading: String,
    max_bytes: u64,
    file: Option<(File, u64)>,
    /// One complaint in the agent's log is enough.
    has_complained: bool,
}

impl RotatingFile {
    pub(super) fn new(path: PathBuf, heading: String) -> RotatingFile {
        RotatingFile { path, heading, max_bytes: MAX_BYTES, file: None, has_complained: false }
    }

    /// Adds bytes. A failure is told to the agent's log and otherwise has no effect.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if let Err(error) = self.try_append(bytes)
            && !self.has_complained
        {
            self.has_complained = true;
            tracing::warn!(%error, path = %self.path.display(), "cannot write the output of a script");
        }
    }

    fn try_append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut file, size) = match self.file.take() {
            Some(open) => open,
            None => self.open()?,
        };
        if self.max_bytes < size + bytes.len() as u64 && 0 < size {
            drop(file);
            rotate(&self.path)?;
            return self.append_to_new(bytes);
        }
        file.write_all(bytes)?;
        self.file = Some((file, size + bytes.len() as u64));
        Ok(())
    }

    fn append_to_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut file, size) = self.open()?;
        file.write_all(bytes)?;
        self.file = Some((file, size + bytes.len() as u64));
        Ok(())
    }

    fn open(&self) -> io::Result<(File, u64)> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let mut size = file.metadata()?.len();
        if size == 0 && !self.heading.is_empty() {
            file.write_all(self.heading.as_bytes())?;
            size = self.heading.len() as u64;
        }
        Ok((file, size))
    }
}

/// Moves every file one place on; the oldest is gone.
fn rotate(path: &Path) -> io::Result<()> {
    for idx in (0..N_OLDER - 1).rev() {
        match fs::rename(numbered(path, idx), numbered(path, idx + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, numbered(path, 0))
}

fn numbered(path: &Path, idx: usize) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{idx}"));
    PathBuf::from(name)
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
    fn a_log_that_cannot_be_written_is_no_failure() {
        let folder = tempfile::tempdir().expect("folder");
        let mut log = RotatingFile::new(folder.path().to_owned(), String::new());
        log.append(b"x");
    }
}
