//! Old revisions on this host: which stay and which go. Source: agent.md §4.4 (I-48).

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Why old revisions could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("Error deleting directories: {}: {source}", path.display())]
pub struct RetentionError {
    /// What was looked at or removed.
    pub path: PathBuf,
    /// What the system says; part of the text, because the service shows only that.
    pub source: io::Error,
}

/// One revision on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Revision {
    path: PathBuf,
    modified: SystemTime,
    is_kept: bool,
}

/// What retention must not touch, besides counting.
#[derive(Debug)]
pub struct Keep<'a> {
    /// The deployment that is about to be downloaded; it is not counted either.
    pub current: &'a Path,
    /// The directory of the last successful Install, if any.
    pub last_successful: Option<&'a Path>,
    /// Deployments that are running.
    pub tracked: &'a [String],
}

/// Removes the oldest revisions in `group_dir`, so that `max_revisions` are there with the new one.
///
/// # Errors
/// [`RetentionError`] at the first directory that resists.
pub fn apply(group_dir: &Path, max_revisions: usize, keep: &Keep<'_>) -> Result<(), RetentionError> {
    tracing::info!("Archives to retain is: {max_revisions}");
    let revisions =
        list(group_dir, keep).map_err(|source| RetentionError { path: group_dir.to_owned(), source })?;
    for path in surplus(revisions, max_revisions) {
        std::fs::remove_dir_all(&path).map_err(|source| RetentionError { path, source })?;
    }
    Ok(())
}

fn list(group_dir: &Path, keep: &Keep<'_>) -> io::Result<Vec<Revision>> {
    let entries = match std::fs::read_dir(group_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let current = real(keep.current);
    let last_successful = keep.last_successful.map(real);
    let mut revisions = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Neither links nor files are revisions of ours.
        if !entry.file_type()?.is_dir() || real(&entry.path()) == current {
            continue;
        }
        let name = entry.file_name();
        revisions.push(Revision {
            is_kept: last_successful.as_ref() == Some(&real(&entry.path()))
                || keep.tracked.iter().any(|tracked| name == tracked.as_str()),
            modified: entry.metadata()?.modified()?,
            path: entry.path(),
        });
    }
    Ok(revisions)
}

/// The revisions that must go: the oldest of those not kept, as many as there are too many.
fn surplus(mut revisions: Vec<Revision>, max_revisions: usize) -> Vec<PathBuf> {
    let n_surplus = (revisions.len() + 1).saturating_sub(max_revisions);
    revisions.retain(|revision| !revision.is_kept);
    revisions.sort_by_key(|revision| revision.modified);
    revisions.into_iter().take(n_surplus).map(|revision| revision.path).collect()
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

impl crate::failure::Evident for RetentionError {
    fn evidence(&self) -> Vec<longshore_model::evidence::Evidence> {
        crate::failure::system_refusal(Some(&self.path), &self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// `revisions` from old to new, `*` marks kept ones; answers what must go.
    #[track_caller]
    fn check(revisions: &str, max_revisions: usize, expected: &str) {
        let listed = revisions.split_whitespace().enumerate().map(|(idx, name)| Revision {
            path: name.trim_end_matches('*').into(),
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(idx as u64),
            is_kept: name.ends_with('*'),
        });
        let gone = surplus(listed.collect(), max_revisions);
        let gone: Vec<String> = gone.iter().map(|path| path.display().to_string()).collect();
        assert_eq!(gone.join(" "), expected);
    }

    #[test]
    fn the_new_revision_counts_as_one_of_the_kept() {
        check("a b c d", 5, "");
        check("a b c d e", 5, "a");
        check("a b c d e", 2, "a b c d");
    }

    #[test]
    fn the_last_successful_one_stays_even_when_it_is_the_oldest() {
        check("a* b c d e", 5, "b");
        check("a*", 1, "");
        check("a* b", 1, "b");
    }

    #[test]
    fn links_files_and_running_deployments_stay() {
        let dir = tempfile::tempdir().expect("dir");
        for name in ["d-old", "d-running", "d-last", "d-new"] {
            std::fs::create_dir(dir.path().join(name)).expect("create");
        }
        std::fs::write(dir.path().join("note"), "x").expect("write");
        std::os::unix::fs::symlink(dir.path().join("d-last"), dir.path().join("link")).expect("link");
        let keep = Keep {
            current: &dir.path().join("d-new"),
            last_successful: Some(&dir.path().join("d-last/")),
            tracked: &["d-running".to_owned()],
        };
        apply(dir.path(), 1, &keep).expect("apply");
        let mut left: Vec<String> = std::fs::read_dir(dir.path())
            .expect("list")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("text"))
            .collect();
        left.sort();
        assert_eq!(left, ["d-last", "d-new", "d-running", "link", "note"]);
    }
}
