//! Takes the unpacked revision of an earlier deployment instead of downloading it again, if it is still
//! as it was unpacked. Source: agent-2x-differences.md §8.
//!
//! A digest is recorded after every unpacking, because nobody can know then which deployment will be
//! reused. It covers names, kinds, sizes, times and link texts, not contents: reading everything once
//! more would make big revisions slower, while this costs one look at entries that the kernel has just
//! made. What a script or a person changes gets a new time; modes are left out, because the agent itself
//! makes scripts executable.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::execute::appspec_file::{self, AppSpecFileError};
use crate::execute::install::copier::Copier;
use crate::layout::ARCHIVE;

/// The file beside the archive that holds its digest.
const DIGEST_FILE: &str = ".archive-digest";

/// Where the revision came from: read by people and by AWS's 2.x agent.
const SOURCE_FILE: &str = ".bundle-source";

/// The ETag that the bundle was downloaded with.
const E_TAG_FILE: &str = ".bundle-etag";

/// The most characters of a deployment id to reuse.
const MAX_ID_CHARS: usize = 64;

/// Where a deployment's revision came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleSource {
    /// From where the revision is.
    Downloaded,
    /// From an earlier deployment's archive.
    ArchiveReuse,
}

impl BundleSource {
    /// The word that AWS's 2.x agent uses.
    pub fn as_str(self) -> &'static str {
        match self {
            BundleSource::Downloaded => "downloaded",
            BundleSource::ArchiveReuse => "archive-reuse",
        }
    }
}

/// Why an archive is not reused. Never the end of a command: the revision is downloaded then.
#[derive(Debug, thiserror::Error)]
pub enum ReuseError {
    /// The id is none, or the deployment's own.
    #[error("'{0}' is no deployment to reuse the archive of")]
    Id(String),
    /// It leads out of the deployment group.
    #[error("{} is not in the directory of this deployment group", .0.display())]
    Outside(PathBuf),
    /// There is no AppSpec in it.
    #[error(transparent)]
    NoAppSpec(#[from] AppSpecFileError),
    /// The archive is not as it was unpacked.
    #[error("{} is not as it was unpacked", .0.display())]
    Changed(PathBuf),
    /// The archive is of another bundle.
    #[error("its bundle had the etag {0}")]
    OtherBundle(String),
    /// A device, pipe or socket.
    #[error("{} is neither a file nor a folder nor a link", .0.display())]
    Special(PathBuf),
    /// The file system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What to reuse for which deployment.
#[derive(Clone, Debug)]
pub struct Reuse {
    /// The directory of the deployment group.
    pub group_dir: PathBuf,
    /// The deployment that reuses.
    pub deployment_id: String,
    /// The deployment to reuse the archive of.
    pub source_id: String,
    /// Which file the archive must hold.
    pub appspec_filename: String,
    /// The ETag that the revision names.
    pub e_tag: Option<String>,
}

impl Reuse {
    /// Copies the archive, its bundle and its ETag. Whatever fails, the caller downloads: unpacking
    /// begins by removing what is here of an archive.
    ///
    /// # Errors
    /// [`ReuseError`].
    pub fn apply(&self) -> Result<(), ReuseError> {
        let source = self.source()?;
        let (from, target) = (source.join(ARCHIVE), self.group_dir.join(&self.deployment_id));
        appspec_file::find(&from, &self.appspec_filename)?;
        self.check_e_tag(&source)?;
        let recorded = fs::read_to_string(source.join(DIGEST_FILE))?;
        if digest(&from)? != recorded {
            return Err(ReuseError::Changed(from));
        }
        let to = target.join(ARCHIVE);
        remove_tree(&to)?;
        copy_tree(&mut Copier::new(), &from, &to)?;
        // Only now is it certain that nothing changed while it was copied.
        if digest(&to)? != recorded {
            return Err(ReuseError::Changed(from));
        }
        for name in [crate::execute::BUNDLE, E_TAG_FILE] {
            copy_file_if_there(&source.join(name), &target.join(name))?;
        }
        Ok(())
    }

    /// The directory of the deployment to reuse.
    fn source(&self) -> Result<PathBuf, ReuseError> {
        let id = &self.source_id;
        let is_id = id.strip_prefix("d-").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        });
        if !is_id || MAX_ID_CHARS < id.len() || *id == self.deployment_id {
            return Err(ReuseError::Id(id.clone()));
        }
        let source = self.group_dir.join(id);
        let archive = fs::canonicalize(source.join(ARCHIVE))?;
        if archive != fs::canonicalize(&self.group_dir)?.join(id).join(ARCHIVE) {
            return Err(ReuseError::Outside(archive));
        }
        Ok(source)
    }

    fn check_e_tag(&self, source: &Path) -> Result<(), ReuseError> {
        let Some(expected) = &self.e_tag else { return Ok(()) };
        let Ok(recorded) = fs::read_to_string(source.join(E_TAG_FILE)) else { return Ok(()) };
        if recorded.replace('"', "") == expected.replace('"', "") {
            return Ok(());
        }
        Err(ReuseError::OtherBundle(recorded))
    }
}

/// Records how the revision of `deployment_dir` came to be, for those who may reuse it later.
///
/// # Errors
/// Whatever the file system says; the archive is then just not reused.
pub fn record(deployment_dir: &Path, source: BundleSource, e_tag: Option<&str>) -> Result<(), ReuseError> {
    fs::write(deployment_dir.join(SOURCE_FILE), source.as_str())?;
    if let Some(e_tag) = e_tag {
        fs::write(deployment_dir.join(E_TAG_FILE), e_tag)?;
    }
    Ok(fs::write(deployment_dir.join(DIGEST_FILE), digest(&deployment_dir.join(ARCHIVE))?)?)
}

/// What tells whether a tree was changed.
fn digest(archive: &Path) -> Result<String, ReuseError> {
    let mut hasher = Sha256::new();
    digest_directory(archive, Path::new(""), &mut hasher)?;
    Ok(hex::encode(hasher.finalize()))
}

fn digest_directory(archive: &Path, relative: &Path, hasher: &mut Sha256) -> Result<(), ReuseError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(archive.join(relative))? {
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        let relative = relative.join(name);
        let path = archive.join(&relative);
        let metadata = fs::symlink_metadata(&path)?;
        let path_bytes = relative.as_os_str().as_bytes();
        // Lengths before texts: no two trees say the same.
        hasher.update(path_bytes.len().to_le_bytes());
        hasher.update(path_bytes);
        if metadata.is_dir() {
            hasher.update(b"d");
            digest_directory(archive, &relative, hasher)?;
        } else if metadata.is_symlink() {
            let text = fs::read_link(&path)?;
            hasher.update(b"l");
            hasher.update(text.as_os_str().len().to_le_bytes());
            hasher.update(text.as_os_str().as_bytes());
        } else if metadata.is_file() {
            hasher.update(b"f");
            hasher.update(size_and_time(&metadata));
        } else {
            return Err(ReuseError::Special(path));
        }
    }
    Ok(())
}

fn size_and_time(metadata: &Metadata) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&metadata.size().to_le_bytes());
    bytes[8..16].copy_from_slice(&metadata.mtime().to_le_bytes());
    bytes[16..].copy_from_slice(&metadata.mtime_nsec().to_le_bytes());
    bytes
}

/// Copies the tree `from` to `to`, which does not exist: contents, modes, times and owners; never links.
fn copy_tree(copier: &mut Copier, from: &Path, to: &Path) -> Result<(), ReuseError> {
    let metadata = fs::symlink_metadata(from)?;
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(copier, &path, &target)?;
        } else if kind.is_symlink() {
            copier.link(&path, &target)?;
        } else if kind.is_file() {
            copier.file(&path, &target)?;
        } else {
            return Err(ReuseError::Special(path));
        }
    }
    let made = fs::symlink_metadata(to)?;
    if (made.uid(), made.gid()) != (metadata.uid(), metadata.gid()) {
        std::os::unix::fs::chown(to, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    Ok(fs::set_permissions(to, metadata.permissions())?)
}

fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A link is not followed: a local bundle's archive lies elsewhere, and may be another by now.
fn copy_file_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(from) {
        Ok(metadata) if metadata.is_file() => fs::copy(from, to).map(drop),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deployment group with one unpacked deployment, `d-OLD1`, and an empty one, `d-NEW1`.
    struct Group {
        dir: tempfile::TempDir,
        reuse: Reuse,
    }

    impl Group {
        fn new() -> Group {
            let dir = tempfile::tempdir().expect("dir");
            let old = dir.path().join("d-OLD1");
            fs::create_dir_all(old.join("deployment-archive/scripts")).expect("create");
            fs::create_dir(dir.path().join("d-NEW1")).expect("create");
            fs::write(old.join("deployment-archive/appspec.yml"), "version: 0.0\n").expect("write");
            fs::write(old.join("deployment-archive/scripts/start"), "run").expect("write");
            std::os::unix::fs::symlink("scripts/start", old.join("deployment-archive/link")).expect("link");
            fs::write(old.join("bundle.tar"), "packed").expect("write");
            record(&old, BundleSource::Downloaded, Some("\"e1\"")).expect("record");
            let reuse = Reuse {
                group_dir: dir.path().to_owned(),
                deployment_id: "d-NEW1".to_owned(),
                source_id: "d-OLD1".to_owned(),
                appspec_filename: "appspec.yml".to_owned(),
                e_tag: None,
            };
            Group { dir, reuse }
        }

        fn old(&self, name: &str) -> PathBuf {
            self.dir.path().join("d-OLD1").join(name)
        }

        fn new_one(&self, name: &str) -> PathBuf {
            self.dir.path().join("d-NEW1").join(name)
        }
    }

    #[test]
    fn an_untouched_archive_is_copied_and_can_be_reused_again() {
        let mut group = Group::new();
        group.reuse.e_tag = Some("e1".to_owned());
        // The agent does this to scripts; it is no change of the revision.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(group.old("deployment-archive/scripts/start"), mode).expect("chmod");
        group.reuse.apply().expect("reused");
        let script = group.new_one("deployment-archive/scripts/start");
        assert_eq!(fs::read_to_string(&script).expect("a copy"), "run");
        assert_eq!(fs::metadata(&script).expect("a file").nlink(), 1, "a copy, no link");
        let link = fs::read_link(group.new_one("deployment-archive/link")).expect("a link");
        assert_eq!(link, Path::new("scripts/start"));
        assert_eq!(fs::read_to_string(group.new_one("bundle.tar")).expect("a bundle"), "packed");
        assert_eq!(fs::read_to_string(group.new_one(".bundle-etag")).expect("an etag"), "\"e1\"");

        record(&group.new_one(""), BundleSource::ArchiveReuse, None).expect("record");
        assert_eq!(fs::read_to_string(group.new_one(".bundle-source")).expect("a word"), "archive-reuse");
        let again = Reuse {
            deployment_id: "d-NEW2".to_owned(),
            source_id: "d-NEW1".to_owned(),
            ..group.reuse.clone()
        };
        fs::create_dir(group.dir.path().join("d-NEW2")).expect("create");
        again.apply().expect("reused again");
    }

    #[track_caller]
    fn check_refused(change: impl Fn(&mut Group), expected: &str) {
        let mut group = Group::new();
        change(&mut group);
        let error = group.reuse.apply().expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_changed_archive_is_not_reused() {
        let changed = "is not as it was unpacked";
        let archive = "deployment-archive";
        check_refused(
            |group| fs::write(group.old(archive).join("scripts/start"), "RUN").expect("write"),
            changed,
        );
        check_refused(|group| fs::write(group.old(archive).join("new"), "").expect("write"), changed);
        check_refused(|group| fs::remove_file(group.old(archive).join("link")).expect("remove"), changed);
        check_refused(
            |group| {
                fs::remove_file(group.old(archive).join("link")).expect("remove");
                std::os::unix::fs::symlink("/etc/passwd", group.old(archive).join("link")).expect("link");
            },
            changed,
        );
        check_refused(
            |group| {
                fs::rename(group.old(archive).join("scripts"), group.old(archive).join("s")).expect("move")
            },
            changed,
        );
        check_refused(
            |group| {
                let pipe = group.old(archive).join("pipe");
                nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
            },
            "is neither a file nor a folder nor a link",
        );
        check_refused(|group| fs::remove_file(group.old(".archive-digest")).expect("remove"), "No such file");
    }

    #[test]
    fn only_a_deployment_of_the_same_group_with_the_same_bundle_is_reused() {
        for id in ["d-NEW1", "d-old1", "d-", "../d-OLD1", "OLD1", &format!("d-{}", "A".repeat(63))] {
            check_refused(|group| group.reuse.source_id = id.to_owned(), "is no deployment to reuse");
        }
        check_refused(|group| group.reuse.source_id = "d-GONE1".to_owned(), "No such file");
        check_refused(
            |group| fs::remove_file(group.old("deployment-archive/appspec.yml")).expect("remove"),
            "did not find an AppSpec",
        );
        check_refused(|group| group.reuse.e_tag = Some("e2".to_owned()), "its bundle had the etag");
        check_refused(
            |group| {
                let elsewhere = group.dir.path().join("elsewhere");
                fs::rename(group.old("deployment-archive"), &elsewhere).expect("move");
                std::os::unix::fs::symlink(&elsewhere, group.old("deployment-archive")).expect("link");
            },
            "is not in the directory of this deployment group",
        );
    }
}
