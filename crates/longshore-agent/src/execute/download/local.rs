//! Bundles that are on this host already. Source: agent.md §5.3.

use std::fs;
use std::io;
use std::path::Path;

use super::{DownloadError, disk};
use crate::execute::install::copier::Copier;

/// Makes `to` a link to the archive `from`, or a copy where links cannot be.
///
/// # Errors
/// [`DownloadError::Disk`].
pub fn link_file(from: &Path, to: &Path) -> Result<(), DownloadError> {
    // A link would be made to anything; and a relative one would start from its own directory.
    let from = fs::canonicalize(from).map_err(|error| disk(from, error))?;
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(to, error)),
        Ok(()) | Err(_) => {}
    }
    if std::os::unix::fs::symlink(&from, to).is_ok() {
        return Ok(());
    }
    fs::copy(&from, to).map(drop).map_err(|error| disk(to, error))
}

/// Copies the tree `from` into `to`, links as links. What is in `to` already stays.
///
/// # Errors
/// [`DownloadError::Disk`] at the first entry that cannot be copied, [`DownloadError::IntoItself`]
/// before the first.
pub fn copy_directory(from: &Path, to: &Path) -> Result<(), DownloadError> {
    fs::create_dir_all(to).map_err(|error| disk(to, error))?;
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| disk(path, error));
    if real(to)?.starts_with(real(from)?) {
        return Err(DownloadError::IntoItself(from.to_owned()));
    }
    copy_tree(&mut Copier::new(), from, to)
}

fn copy_tree(copier: &mut Copier, from: &Path, to: &Path) -> Result<(), DownloadError> {
    // In a directory that is new nothing can be in the way.
    let is_new = match fs::create_dir(to) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && to.is_dir() => false,
        Err(error) => return Err(disk(to, error)),
    };
    for entry in fs::read_dir(from).map_err(|error| disk(from, error))? {
        let entry = entry.map_err(|error| disk(from, error))?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().map_err(|error| disk(&entry.path(), error))?;
        if kind.is_dir() {
            copy_tree(copier, &entry.path(), &target)?;
        } else {
            let source = entry.path();
            let removed = if is_new { Ok(()) } else { remove_file(&target) };
            removed
                .and_then(|()| copy_entry(copier, &source, &target, kind))
                .map_err(|error| disk(&source, error))?;
        }
    }
    let mode = fs::metadata(from).map_err(|error| disk(from, error))?.permissions();
    fs::set_permissions(to, mode).map_err(|error| disk(to, error))
}

/// Its absence is success.
fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn copy_entry(copier: &mut Copier, from: &Path, to: &Path, kind: fs::FileType) -> io::Result<()> {
    if kind.is_symlink() {
        return copier.link(from, to);
    }
    if !kind.is_file() {
        return Err(io::Error::other("neither a file nor a folder nor a link"));
    }
    copier.own_file(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_archive_is_linked_and_linked_again() {
        let dir = tempfile::tempdir().expect("dir");
        let (from, to) = (dir.path().join("app.tar"), dir.path().join("bundle.tar"));
        fs::write(&from, "content").expect("write");
        fs::write(&to, "an earlier bundle").expect("write");
        for _ in 0..2 {
            link_file(&from, &to).expect("link");
            assert_eq!(fs::read_link(&to).expect("a link"), fs::canonicalize(&from).expect("a path"));
            assert_eq!(fs::read_to_string(&from).expect("read"), "content");
        }
    }

    #[test]
    fn an_absent_archive_is_named() {
        let dir = tempfile::tempdir().expect("dir");
        let error = link_file(Path::new("/nowhere/app.tar"), &dir.path().join("b")).expect_err("absent");
        assert_eq!(error.to_string(), "cannot use /nowhere/app.tar: No such file or directory (os error 2)");
    }

    #[test]
    fn a_local_directory_is_copied_with_its_links() {
        let dir = tempfile::tempdir().expect("dir");
        let (from, to) = (dir.path().join("app"), dir.path().join("archive"));
        fs::create_dir_all(from.join("scripts")).expect("create");
        fs::write(from.join("scripts/start"), "run").expect("write");
        std::os::unix::fs::symlink("scripts/start", from.join("link")).expect("link");
        fs::create_dir_all(&to).expect("create");
        fs::write(to.join("earlier"), "stays").expect("write");
        for _ in 0..2 {
            copy_directory(&from, &to).expect("copy");
        }
        assert_eq!(fs::read_to_string(to.join("scripts/start")).expect("read"), "run");
        assert_eq!(fs::read_link(to.join("link")).expect("link"), Path::new("scripts/start"));
        assert_eq!(fs::read_to_string(to.join("earlier")).expect("read"), "stays");
    }

    #[test]
    fn what_cannot_be_copied_is_named_and_does_not_hang() {
        let dir = tempfile::tempdir().expect("dir");
        let (from, to) = (dir.path().join("app"), dir.path().join("archive"));
        fs::create_dir_all(&from).expect("create");
        nix::unistd::mkfifo(&from.join("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let error = copy_directory(&from, &to).expect_err("a pipe").to_string();
        let expected = format!("cannot use {}: neither a file", from.join("pipe").display());
        assert!(error.starts_with(&expected), "{error}");
        let error = copy_directory(dir.path(), &to).expect_err("into itself").to_string();
        assert_eq!(error, format!("cannot copy {} into itself", dir.path().display()));
    }
}
