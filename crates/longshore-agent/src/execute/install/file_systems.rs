//! The file systems that an Install writes to: synced as a whole, because one call for each costs less than
//! one for every file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open, syncfs};
use rustix::io::Errno;

use super::InstallError;
use super::operation::Names;

/// The file systems, each by one of its directories.
pub(super) struct FileSystems {
    of_journal: PathBuf,
    others: Vec<PathBuf>,
}

impl FileSystems {
    pub(super) fn of(
        journal_dir: &Path,
        placed: impl Iterator<Item = Names>,
    ) -> Result<FileSystems, InstallError> {
        let mut by_device: HashMap<u64, PathBuf> = HashMap::new();
        by_device.insert(device(journal_dir)?, journal_dir.to_owned());
        let mut others = Vec::new();
        let mut last_parent = PathBuf::new();
        for names in placed {
            let parent = names.path.parent().unwrap_or(Path::new("/"));
            if parent == last_parent {
                continue;
            }
            last_parent = parent.to_owned();
            if let Entry::Vacant(entry) = by_device.entry(device(parent)?) {
                entry.insert(parent.to_owned());
                others.push(parent.to_owned());
            }
        }
        Ok(FileSystems { of_journal: journal_dir.to_owned(), others })
    }

    pub(super) fn sync_all(&self) -> Result<(), InstallError> {
        sync(&self.of_journal)?;
        self.sync_others()
    }

    pub(super) fn sync_others(&self) -> Result<(), InstallError> {
        self.others.iter().try_for_each(|directory| sync(directory))
    }
}

fn device(directory: &Path) -> Result<u64, InstallError> {
    let stat = rustix::fs::stat(directory).map_err(|error| InstallError::at(directory)(error.into()))?;
    Ok(stat.st_dev)
}

fn sync(directory: &Path) -> Result<(), InstallError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let synced = open(directory, flags, Mode::empty()).and_then(|handle| match syncfs(&handle) {
        // Some user-space kernels only know the call that syncs everything.
        Err(Errno::NOSYS | Errno::INVAL) => {
            rustix::fs::sync();
            Ok(())
        }
        synced => synced,
    });
    synced.map_err(|error| InstallError::at(directory)(error.into()))
}
