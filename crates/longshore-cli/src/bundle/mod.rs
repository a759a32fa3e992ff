//! From a folder to a bundle: checked, listed in a fixed order, packed as zip into a temporary file.

mod check;
mod list;
mod pack;

use std::path::Path;

use anyhow::Context;
use tempfile::NamedTempFile;

pub(crate) use check::BadBundle;

/// A packed folder, ready for upload; the file vanishes with it.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// The zip archive.
    pub(crate) file: NamedTempFile,
    /// Its size.
    pub(crate) size_bytes: u64,
    /// Files, folders and symlinks in it.
    pub(crate) n_entries: usize,
    /// What is accepted but probably not meant.
    pub(crate) warnings: Vec<String>,
}

/// Whether files whose name begins with a dot are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// They are packed.
    Packed,
    /// They, and what is in folders so named, are left out.
    LeftOut,
}

/// Checks `folder` and packs it. The same folder always gives the same bytes.
///
/// # Errors
/// When it has no AppSpec file or a bad one, holds something that no archive can carry (a device), or cannot be read.
pub(crate) fn bundle(folder: &Path, hidden: Hidden) -> anyhow::Result<Bundle> {
    let entries = list::entries(folder, hidden)?;
    let warnings = check::check(folder, &entries)?;
    let file = NamedTempFile::with_suffix(".zip").context("cannot make a temporary file")?;
    pack::pack(&entries, file.as_file()).with_context(|| format!("cannot pack `{}`", folder.display()))?;
    let size_bytes = file.as_file().metadata().context("cannot read back the bundle")?.len();
    Ok(Bundle { file, size_bytes, n_entries: entries.len(), warnings })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path();
        fs::write(path.join("appspec.yml"), "version: 0.0\nos: linux\n").expect("written");
        fs::create_dir(path.join("scripts")).expect("made");
        fs::write(path.join("scripts/run.sh"), "#!/bin/sh\n").expect("written");
        fs::set_permissions(path.join("scripts/run.sh"), fs::Permissions::from_mode(0o750)).expect("set");
        symlink("scripts/run.sh", path.join("current")).expect("linked");
        fs::create_dir(path.join(".git")).expect("made");
        fs::write(path.join(".git/config"), "x").expect("written");
        folder
    }

    fn names(bundle: &Bundle) -> Vec<String> {
        let archive = zip::ZipArchive::new(bundle.file.reopen().expect("open")).expect("a zip archive");
        archive.file_names().map(str::to_owned).collect()
    }

    #[test]
    fn entries_come_in_a_fixed_order_with_folders_of_their_own() {
        let bundle = bundle(folder().path(), Hidden::Packed).expect("packed");
        let expected = [".git/", ".git/config", "appspec.yml", "current", "scripts/", "scripts/run.sh"];
        assert_eq!(names(&bundle), expected);
    }

    #[test]
    fn hidden_files_can_stay_behind() {
        let bundle = bundle(folder().path(), Hidden::LeftOut).expect("packed");
        assert_eq!(names(&bundle), ["appspec.yml", "current", "scripts/", "scripts/run.sh"]);
    }

    #[test]
    fn modes_and_symlinks_survive() {
        let bundle = bundle(folder().path(), Hidden::LeftOut).expect("packed");
        let mut archive = zip::ZipArchive::new(bundle.file.reopen().expect("open")).expect("a zip archive");
        let script = archive.by_name("scripts/run.sh").expect("there").unix_mode();
        assert_eq!(script.map(|mode| mode & 0o777), Some(0o750));
        let mut link = archive.by_name("current").expect("there");
        assert!(link.is_symlink());
        let mut target = String::new();
        link.read_to_string(&mut target).expect("text");
        assert_eq!(target, "scripts/run.sh");
    }

    #[test]
    fn the_same_folder_gives_the_same_bytes() {
        let folder = folder();
        let read = || {
            let bundle = bundle(folder.path(), Hidden::Packed).expect("packed");
            fs::read(bundle.file.path()).expect("read")
        };
        assert_eq!(read(), read());
    }
}
