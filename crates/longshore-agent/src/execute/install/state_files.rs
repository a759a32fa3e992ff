//! The three files that an Install leaves under `deployment-instructions`. Source: agent.md §4.1, §7.5, §7.6.
//!
//! They are written under a second name before the commit and renamed after it, so that they change
//! together with the files that they describe.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::InstallError;
use super::journal;
use super::operation::{exists, remove_file};
use crate::install_plan::{Instruction, cleanup_text, install_json};

/// Where the files of one deployment group are.
#[derive(Clone, Debug)]
pub(super) struct StateFiles {
    dir: PathBuf,
    deployment_group_id: String,
}

impl StateFiles {
    pub(super) fn new(dir: &Path, deployment_group_id: &str) -> StateFiles {
        StateFiles { dir: dir.to_owned(), deployment_group_id: deployment_group_id.to_owned() }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn deployment_group_id(&self) -> &str {
        &self.deployment_group_id
    }

    pub(super) fn journal(&self) -> PathBuf {
        journal::path(&self.dir, &self.deployment_group_id)
    }

    fn named(&self, suffix: &str) -> PathBuf {
        self.dir.join(format!("{}{suffix}", self.deployment_group_id))
    }

    pub(super) fn install_json(&self) -> PathBuf {
        self.named("-install.json")
    }

    pub(super) fn cleanup(&self) -> PathBuf {
        self.named("-cleanup")
    }

    fn last_successful_install(&self) -> PathBuf {
        self.named("_last_successful_install")
    }

    /// What the previous Install left to be removed; empty without one.
    pub(super) fn read_cleanup(&self) -> Result<Vec<u8>, InstallError> {
        match fs::read(self.cleanup()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            bytes => bytes.map_err(InstallError::at(&self.cleanup())),
        }
    }

    /// The new list of what is to be removed, while the old one is still in place; `None` when it is not.
    pub(super) fn read_next_cleanup(&self) -> Result<Option<Vec<u8>>, InstallError> {
        let path = next(&self.cleanup());
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => bytes.map(Some).map_err(InstallError::at(&path)),
        }
    }

    /// Writes the new content under the second names.
    pub(super) fn stage(
        &self,
        instructions: &[Instruction],
        deployment_dir: &Path,
    ) -> Result<(), InstallError> {
        self.write_next(&self.install_json(), install_json(instructions).as_bytes())?;
        self.write_next(&self.cleanup(), &cleanup_text(instructions, &[]))?;
        self.write_next(&self.last_successful_install(), deployment_dir.as_os_str().as_bytes())
    }

    /// Writes the new list of what is to be removed once more, durably: the paths with contexts, which are
    /// without links, are known only after the switch.
    pub(super) fn stage_contexts(
        &self,
        instructions: &[Instruction],
        with_context: &[PathBuf],
    ) -> Result<(), InstallError> {
        let path = self.cleanup();
        self.write_next(&path, &cleanup_text(instructions, with_context))?;
        let synced = fs::File::open(next(&path)).and_then(|file| file.sync_all());
        synced.map_err(InstallError::at(&path))
    }

    fn write_next(&self, path: &Path, content: &[u8]) -> Result<(), InstallError> {
        fs::write(next(path), content).map_err(InstallError::at(path))
    }

    /// Puts the new files in place; those that are already, stay.
    pub(super) fn switch(&self, checkpoint: &mut dyn FnMut()) -> Result<(), InstallError> {
        for path in self.all() {
            let next = next(&path);
            if exists(&next)? {
                fs::rename(&next, &path).map_err(InstallError::at(&path))?;
                checkpoint();
            }
        }
        Ok(())
    }

    /// Drops the new files.
    pub(super) fn discard(&self) -> Result<(), InstallError> {
        self.all().iter().try_for_each(|path| remove_file(&next(path)))
    }

    fn all(&self) -> [PathBuf; 3] {
        [self.install_json(), self.cleanup(), self.last_successful_install()]
    }
}

fn next(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.next"))
}
