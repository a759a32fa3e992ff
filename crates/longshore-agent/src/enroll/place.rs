//! Puts the files of a host in place: all of them or none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A file to be written.
pub(super) struct NewFile {
    pub(super) path: PathBuf,
    content: Vec<u8>,
    /// What a new file gets.
    pub(super) mode: u32,
    /// Set when a file is changed, which keeps its owner and mode: the keys.
    pub(super) changed: Vec<&'static str>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub(super) struct PlaceError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl NewFile {
    pub(super) fn new(path: &Path, content: &str, mode: u32) -> NewFile {
        NewFile { path: path.to_owned(), content: content.as_bytes().to_vec(), mode, changed: Vec::new() }
    }

    /// The same as a change of `keys` in a file that is there.
    pub(super) fn changing(mut self, keys: Vec<&'static str>) -> NewFile {
        self.changed = keys;
        self
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.{}.{suffix}", std::process::id()))
    }

    /// Writes the content beside its place.
    fn stage(&self) -> io::Result<()> {
        let staged = self.beside("new");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(self.mode).open(&staged)?;
        // Whatever the umask says.
        file.set_permissions(fs::Permissions::from_mode(self.mode))?;
        if !self.changed.is_empty() {
            let before = fs::metadata(&self.path)?;
            std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()))?;
            file.set_permissions(before.permissions())?;
        }
        file.write_all(&self.content)?;
        file.sync_all()
    }

    /// Puts the staged content in place, and says whether the place was taken.
    fn switch(&self) -> io::Result<bool> {
        let had_one = match fs::hard_link(&self.path, self.beside("old")) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        fs::rename(self.beside("new"), &self.path).map(|()| had_one)
    }

    /// Takes a switch back.
    fn undo(&self, had_one: bool) {
        // The error that led here is the one to tell.
        let _ =
            if had_one { fs::rename(self.beside("old"), &self.path) } else { fs::remove_file(&self.path) };
    }

    fn failed(&self, source: io::Error) -> PlaceError {
        PlaceError { path: self.path.clone(), source }
    }
}

/// Directories that can be written to. Those that were made for it are removed again unless files are
/// placed in them.
pub(super) struct Prepared {
    made: Vec<PathBuf>,
}

impl Prepared {
    /// Makes `directories` where they lack, and tries whether files can be made in them.
    pub(super) fn new(directories: &[PathBuf]) -> Result<Prepared, PlaceError> {
        let mut prepared = Prepared { made: Vec::new() };
        for directory in directories {
            let failed = |source| PlaceError { path: directory.clone(), source };
            prepared.make(directory).map_err(failed)?;
            let trial = directory.join(format!(".enroll.{}.try", std::process::id()));
            let tried = File::create_new(&trial).and_then(|_| fs::remove_file(&trial));
            tried.map_err(failed)?;
        }
        Ok(prepared)
    }

    fn make(&mut self, directory: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = directory.ancestors().take_while(|path| !path.exists()).collect();
        for path in missing.into_iter().rev() {
            fs::create_dir(path)?;
            self.made.push(path.to_owned());
        }
        Ok(())
    }

    /// Writes `files`, in this order, all or none.
    pub(super) fn place(mut self, files: &[NewFile]) -> Result<(), PlaceError> {
        let placed = files
            .iter()
            .try_for_each(|file| file.stage().map_err(|error| file.failed(error)))
            .and_then(|()| switch_all(files));
        for file in files {
            let _ = fs::remove_file(file.beside("new"));
            let _ = fs::remove_file(file.beside("old"));
        }
        placed?;
        self.made.clear();
        for directory in files.iter().filter_map(|file| file.path.parent()) {
            // The files are there; only a power cut in this moment could still lose their names.
            let _ = File::open(directory).and_then(|directory| directory.sync_all());
        }
        Ok(())
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        for directory in self.made.iter().rev() {
            // One that is not empty has become somebody else's.
            let _ = fs::remove_dir(directory);
        }
    }
}

fn switch_all(files: &[NewFile]) -> Result<(), PlaceError> {
    let mut done: Vec<(&NewFile, bool)> = Vec::new();
    for file in files {
        match file.switch() {
            Ok(had_one) => done.push((file, had_one)),
            Err(error) => {
                done.into_iter().rev().for_each(|(file, had_one)| file.undo(had_one));
                return Err(file.failed(error));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_placed_with_their_modes_and_nothing_beside_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let conf = folder.path().join("a/b");
        let prepared = Prepared::new(&[conf.clone(), conf.clone()]).expect("prepared");
        let (kept, secret) = (conf.join("kept"), conf.join("secret"));
        fs::write(&kept, "old").expect("written");
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).expect("a mode");
        let files =
            [NewFile::new(&kept, "new", 0o644).changing(vec!["k"]), NewFile::new(&secret, "s", 0o600)];
        prepared.place(&files).expect("placed");
        assert_eq!((fs::read_to_string(&kept).expect("read").as_str(), mode(&kept)), ("new", 0o640));
        assert_eq!(mode(&secret), 0o600);
        assert_eq!(names(&conf), ["kept", "secret"]);
    }

    #[test]
    fn what_cannot_be_placed_whole_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let (old, new, taken) =
            (folder.path().join("old"), folder.path().join("new"), folder.path().join("taken"));
        fs::write(&old, "old").expect("written");
        fs::create_dir_all(taken.join("by a folder")).expect("made");
        let before = fs::metadata(&old).expect("it is there");
        let prepared = Prepared::new(&[folder.path().to_owned()]).expect("prepared");
        let files = [
            NewFile::new(&old, "other", 0o600),
            NewFile::new(&new, "n", 0o600),
            NewFile::new(&taken, "t", 0o600),
        ];
        let error = prepared.place(&files).expect_err("a folder is in the way");
        assert_eq!(error.path, taken);
        let after = fs::metadata(&old).expect("it is there");
        assert_eq!((after.ino(), after.mtime_nsec()), (before.ino(), before.mtime_nsec()));
        assert_eq!(names(folder.path()), ["old", "taken"]);
    }

    #[test]
    fn directories_are_only_there_for_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let prepared =
            Prepared::new(&[folder.path().join("a/b/c"), folder.path().join("a/d")]).expect("made");
        assert!(folder.path().join("a/b/c").is_dir());
        drop(prepared);
        assert!(names(folder.path()).is_empty());
        fs::write(folder.path().join("file"), "").expect("written");
        assert!(Prepared::new(&[folder.path().join("file/x")]).is_err());
    }
}
