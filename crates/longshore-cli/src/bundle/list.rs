//! What is in a folder, in the order of its names' bytes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walkdir::{DirEntry, WalkDir};

use super::Hidden;
use super::check::BadBundle;

/// One thing to be packed.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name in the archive: relative, with `/`.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its permission bits.
    pub(super) mode: u32,
    /// When it was last changed.
    pub(super) modified: SystemTime,
    /// What it is.
    pub(super) kind: Kind,
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder; listed of its own, so that empty ones and their modes arrive.
    Folder,
    /// A file of so many bytes.
    File {
        /// At the time of listing.
        size_bytes: u64,
    },
    /// A symbolic link, kept as a link.
    Symlink {
        /// What it says.
        target: String,
    },
}

/// Everything below `folder`, parents before what is in them.
///
/// # Errors
/// [`BadBundle`] when something cannot be read, or cannot be put into an archive.
pub(super) fn entries(folder: &Path, hidden: Hidden) -> Result<Vec<Entry>, BadBundle> {
    if !folder.is_dir() {
        return Err(BadBundle::NotAFolder(folder.to_owned()));
    }
    let is_wanted = |entry: &DirEntry| {
        hidden == Hidden::Packed
            || entry.depth() == 0
            || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let walk = WalkDir::new(folder).min_depth(1).follow_links(false).sort_by_file_name();
    walk.into_iter()
        .filter_entry(is_wanted)
        .map(|found| {
            entry(folder, &found.map_err(|source| BadBundle::Walk { folder: folder.to_owned(), source })?)
        })
        .collect()
}

fn entry(folder: &Path, found: &DirEntry) -> Result<Entry, BadBundle> {
    let path = found.path();
    let unreadable = |source| BadBundle::Unreadable { path: path.to_owned(), source };
    let relative = path.strip_prefix(folder).expect("walkdir stays below its root");
    let name = relative.to_str().ok_or_else(|| BadBundle::NameNotUtf8(path.to_owned()))?.to_owned();
    let metadata = fs::symlink_metadata(path).map_err(unreadable)?;
    let file_type = metadata.file_type();
    let kind = if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_file() {
        Kind::File { size_bytes: metadata.len() }
    } else if file_type.is_symlink() {
        let target = fs::read_link(path).map_err(unreadable)?;
        Kind::Symlink {
            target: target.to_str().ok_or_else(|| BadBundle::NameNotUtf8(path.to_owned()))?.to_owned(),
        }
    } else {
        return Err(BadBundle::SpecialFile(path.to_owned()));
    };
    let modified = metadata.modified().map_err(unreadable)?;
    Ok(Entry { name, path: path.to_owned(), mode: metadata.permissions().mode() & 0o7777, modified, kind })
}
