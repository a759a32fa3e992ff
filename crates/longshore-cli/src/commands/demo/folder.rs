//! The folder that the demo plays in: made anew each time, never somebody else's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::fcntl::{Flock, FlockArg};

use super::application::Version;
use crate::advice::Advice;

/// The file by which the demo knows a folder as its own; locked while a demo plays in it.
const MARKER: &str = "longshore-demo";

/// The demo's folder, locked.
#[derive(Debug)]
pub(super) struct DemoFolder {
    path: PathBuf,
    _lock: Flock<File>,
}

impl DemoFolder {
    /// Makes `path` the demo's. What an earlier demo left in it is removed when [`Self::wipe`] is called.
    ///
    /// # Errors
    /// When it holds something else, or another demo is playing in it.
    pub(super) fn open(path: &Path) -> anyhow::Result<DemoFolder> {
        let path = std::path::absolute(path).context("the demo's folder is no use")?;
        fs::create_dir_all(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        let marker = path.join(MARKER);
        let is_empty = fs::read_dir(&path)
            .with_context(|| format!("cannot list `{}`", path.display()))?
            .next()
            .is_none();
        if !is_empty && !marker.exists() {
            bail!(Advice::new(
                format!("`{}` is not empty and not an earlier demo's folder", path.display()),
                "name another with --dir"
            ));
        }
        let file = File::options().create(true).append(true).open(&marker);
        let file = file.with_context(|| format!("cannot write `{}`", marker.display()))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(DemoFolder { path, _lock: lock }),
            Err(_) => bail!(Advice::new(
                format!("another demo is playing in `{}`", path.display()),
                "end it, or name another folder with --dir"
            )),
        }
    }

    /// Removes what an earlier demo left.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub(super) fn wipe(&self) -> anyhow::Result<()> {
        for name in ["bundles", "hosts", "server"] {
            let path = self.path.join(name);
            if path.exists() {
                fs::remove_dir_all(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
            }
        }
        Ok(())
    }

    /// Its absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The server's data folder.
    pub(super) fn server(&self) -> PathBuf {
        self.path.join("server")
    }

    /// Everything of one host.
    pub(super) fn host(&self, name: &str) -> PathBuf {
        self.path.join("hosts").join(name)
    }

    /// A version's source.
    pub(super) fn bundle(&self, version: Version) -> PathBuf {
        self.path.join("bundles").join(format!("version-{}", version.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_elses_folder_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join("thesis.txt"), "precious").expect("written");
        let error = DemoFolder::open(folder.path()).expect_err("not ours");
        assert!(error.to_string().contains("not an earlier demo's folder"), "{error}");
    }

    #[test]
    fn two_demos_do_not_share_a_folder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let first = DemoFolder::open(folder.path()).expect("free");
        let error = DemoFolder::open(folder.path()).expect_err("taken");
        assert!(error.to_string().contains("another demo is playing"), "{error}");
        drop(first);
        DemoFolder::open(folder.path()).expect("free again");
    }

    #[test]
    fn only_what_the_demo_makes_is_wiped() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let demo = DemoFolder::open(folder.path()).expect("free");
        fs::create_dir_all(demo.host("web-1")).expect("made");
        fs::write(folder.path().join("notes.txt"), "mine").expect("written");
        demo.wipe().expect("wiped");
        assert!(!demo.host("web-1").exists());
        assert!(folder.path().join("notes.txt").exists());
    }
}
