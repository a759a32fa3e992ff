//! Paths as keys: absolute, without `.`, `..` and needless slashes.

use std::path::{Component, Path, PathBuf};

/// The path, absolute and in its shortest form; links are not looked at.
pub(super) fn normalized(path: &Path, working_dir: &Path) -> PathBuf {
    let mut normalized = PathBuf::from("/");
    for component in working_dir.join(path).components() {
        match component {
            Component::RootDir | Component::Prefix(_) | Component::CurDir => {}
            Component::ParentDir => {
                normalized.pop();
            }
            Component::Normal(name) => normalized.push(name),
        }
    }
    normalized
}

/// A path of the revision. A leading `/` means the revision's root.
pub(super) fn in_archive(archive_dir: &Path, source: &str) -> PathBuf {
    normalized(Path::new(source.trim_start_matches('/')), archive_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(normalized(Path::new(path), Path::new("/srv")), Path::new(expected), "{path}");
    }

    #[test]
    fn paths_become_absolute_and_short() {
        check("/a/b", "/a/b");
        check("//a//b/", "/a/b");
        check("/a/./b/../c", "/a/c");
        check("/../..", "/");
        check("x/y", "/srv/x/y");
        check("../x", "/x");
        check(".", "/srv");
    }

    #[test]
    fn sources_are_below_the_archive() {
        assert_eq!(in_archive(Path::new("/r"), "/"), Path::new("/r"));
        assert_eq!(in_archive(Path::new("/r"), "//a/b/"), Path::new("/r/a/b"));
        assert_eq!(in_archive(Path::new("/r"), "a"), Path::new("/r/a"));
    }
}
