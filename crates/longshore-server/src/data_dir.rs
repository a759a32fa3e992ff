//! The data folder: who may use it, the root key in it, and the address of the running server.
//!
//! `server.lock` keeps two servers out of one folder, `credentials` holds the root key in the
//! format of AWS's shared credentials file, `endpoint` exists while the server is ready.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rand::Rng;

/// The profile that the root key is stored under.
const PROFILE: &str = "longshore";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// A file operation failed.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another server runs in this folder.
    #[error("another longshore-server uses the data folder `{0}`")]
    InUse(PathBuf),
    /// The stored root key cannot be read.
    #[error("`{path}` has no usable profile `{PROFILE}`: {what}")]
    BadCredentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The root key given for the first start is not usable.
    #[error("the root access key is not usable: {0}")]
    BadRootKey(&'static str),
}

/// The root access key.
#[derive(Clone, PartialEq, Eq)]
pub struct RootKey {
    /// The access key id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RootKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A data folder that is ours as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if there is none, and takes it.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] when another server has it; [`DataDirError::Io`] otherwise.
    pub fn open(path: &Path) -> Result<DataDir, DataDirError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| io_error("make the data folder", path, source))?;
        warn_if_open_to_others(path);
        let lock_path = path.join("server.lock");
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|source| io_error("open", &lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(DataDir { path: path.to_owned(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
            Err(fs::TryLockError::Error(source)) => Err(io_error("lock", &lock_path, source)),
        }
    }

    /// The name of the database file.
    pub const DATABASE: &'static str = "longshore.db";

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.path.join(DataDir::DATABASE)
    }

    /// The folder of the bundle store.
    pub fn bundles(&self) -> PathBuf {
        self.path.join("bundles")
    }

    /// The root key: the stored one; at the first start `given`, or a drawn one, which is then stored.
    ///
    /// # Errors
    /// When the stored key cannot be read, the given one is not usable, or it cannot be written.
    pub fn root_key(&self, given: Option<RootKey>) -> Result<RootKey, DataDirError> {
        let path = self.path.join("credentials");
        match fs::read_to_string(&path) {
            Ok(text) => {
                let stored = parse_credentials(&text)
                    .map_err(|what| DataDirError::BadCredentials { path: path.clone(), what })?;
                if given.is_some_and(|given| given != stored) {
                    tracing::warn!(
                        "the root key in the environment differs from the stored one, which stays in force"
                    );
                }
                Ok(stored)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = given.map_or_else(|| Ok(draw_root_key()), checked_root_key)?;
                self.keep_root_key(&key)?;
                Ok(key)
            }
            Err(source) => Err(io_error("read", &path, source)),
        }
    }

    /// Writes `key` down as the root key.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_root_key(&self, key: &RootKey) -> Result<(), DataDirError> {
        self.write_private("credentials", &render_credentials(key))
    }

    /// What tells this server from others on the same database: drawn at the first start.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn server_id(&self) -> Result<String, DataDirError> {
        let path = self.path.join("server-id");
        match fs::read_to_string(&path) {
            Ok(id) => Ok(id.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = uuid::Uuid::new_v4().to_string();
                self.write_private("server-id", &id)?;
                Ok(id)
            }
            Err(source) => Err(io_error("read", &path, source)),
        }
    }

    /// Says where the running server is reached.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_endpoint(&self, url: &str) -> Result<(), DataDirError> {
        self.write_private("endpoint", &format!("{url}\n"))
    }

    /// Writes the certificate that deployment specifications are signed with, for hosts to pin.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_signer(&self, certificate_pem: &str) -> Result<(), DataDirError> {
        self.write_private("signer.pem", certificate_pem)
    }

    /// Takes the address back. A file that is gone already is no error.
    pub fn remove_endpoint(&self) {
        let path = self.path.join("endpoint");
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file.path = %path.display(), %error, "cannot remove the endpoint file");
        }
    }

    /// Written beside and renamed, so that a reader sees all of it or nothing.
    fn write_private(&self, name: &str, content: &str) -> Result<(), DataDirError> {
        let path = self.path.join(name);
        let beside = self.path.join(format!(".{name}.new"));
        let written = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(content.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&beside, &path))
            .and_then(|()| File::open(&self.path)?.sync_all());
        written.map_err(|source| io_error("write", &path, source))
    }
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Io { doing, path: path.to_owned(), source }
}

/// A folder that somebody else made keeps its mode: it may be theirs on purpose.
fn warn_if_open_to_others(path: &Path) {
    let Ok(metadata) = fs::metadata(path) else { return };
    if metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!(folder.path = %path.display(), "the data folder is accessible to other users: chmod 700");
    }
}

/// 20 and 40 characters, as AWS's own keys are long.
fn draw_root_key() -> RootKey {
    const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let draw = |letters: &[u8], n_letters: usize| -> String {
        let mut random = rand::rng();
        (0..n_letters).map(|_| char::from(letters[random.random_range(0..letters.len())])).collect()
    };
    RootKey { id: format!("AKIA{}", draw(ID_LETTERS, 16)), secret: draw(SECRET_LETTERS, 40) }
}

/// A key that fits into the credentials file and into an Authorization header.
fn checked_root_key(key: RootKey) -> Result<RootKey, DataDirError> {
    if key.id.len() < 3 || !key.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(DataDirError::BadRootKey("its id must be at least 3 letters, digits or _"));
    }
    if key.secret.is_empty() || !key.secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(DataDirError::BadRootKey("its secret must be printable ASCII without blanks"));
    }
    Ok(key)
}

fn render_credentials(key: &RootKey) -> String {
    format!("[{PROFILE}]\naws_access_key_id = {}\naws_secret_access_key = {}\n", key.id, key.secret)
}

fn parse_credentials(text: &str) -> Result<RootKey, &'static str> {
    let mut is_ours = false;
    let (mut id, mut secret) = (None, None);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            is_ours = section.trim_end_matches(']').trim() == PROFILE;
        } else if let (true, Some((name, value))) = (is_ours, line.split_once('=')) {
            match name.trim() {
                "aws_access_key_id" => id = Some(value.trim().to_owned()),
                "aws_secret_access_key" => secret = Some(value.trim().to_owned()),
                _ => {}
            }
        }
    }
    let key = RootKey {
        id: id.ok_or("aws_access_key_id is missing")?,
        secret: secret.ok_or("aws_secret_access_key is missing")?,
    };
    checked_root_key(key).map_err(|_| "the key has characters that no key has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_credentials(text: &str, expected: Result<(&str, &str), &str>) {
        let parsed = parse_credentials(text);
        let shown = parsed.as_ref().map(|key| (key.id.as_str(), key.secret.as_str())).map_err(|what| *what);
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn credentials_are_read_as_the_aws_tools_write_them() {
        check_credentials(
            "[longshore]\naws_access_key_id = AKIA1\naws_secret_access_key = s/e+c=r\n",
            Ok(("AKIA1", "s/e+c=r")),
        );
        check_credentials(
            "[default]\naws_access_key_id=X\n\n[longshore]\n# mine\naws_access_key_id=AKIA1\naws_secret_access_key=s\n",
            Ok(("AKIA1", "s")),
        );
        check_credentials(
            "[longshore]\naws_access_key_id = AKIA1\n",
            Err("aws_secret_access_key is missing"),
        );
        check_credentials("", Err("aws_access_key_id is missing"));
    }

    #[test]
    fn the_root_key_is_drawn_once_and_private() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("data");
        let drawn = {
            let dir = DataDir::open(&path).expect("open");
            dir.root_key(None).expect("key")
        };
        let dir = DataDir::open(&path).expect("open again");
        assert_eq!(dir.root_key(None).expect("key"), drawn);
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("credentials"))), (0o700, 0o600));
    }

    #[test]
    fn a_given_root_key_counts_at_the_first_start_only() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::open(parent.path()).expect("open");
        let first = RootKey { id: String::from("AKIAFIRST"), secret: String::from("one") };
        let second = RootKey { id: String::from("AKIASECOND"), secret: String::from("two") };
        assert_eq!(dir.root_key(Some(first.clone())).expect("key"), first);
        assert_eq!(dir.root_key(Some(second)).expect("key"), first);
    }

    #[test]
    fn a_root_key_with_a_line_break_is_refused() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::open(parent.path()).expect("open");
        let key = RootKey { id: String::from("AKIA1"), secret: String::from("a\n[x]") };
        assert!(matches!(dir.root_key(Some(key)), Err(DataDirError::BadRootKey(_))));
    }

    #[test]
    fn two_servers_do_not_share_a_folder() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let first = DataDir::open(parent.path()).expect("open");
        assert!(matches!(DataDir::open(parent.path()), Err(DataDirError::InUse(_))));
        drop(first);
        assert!(DataDir::open(parent.path()).is_ok());
    }
}
