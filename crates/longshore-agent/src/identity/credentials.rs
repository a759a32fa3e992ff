//! Access keys: fixed ones, temporary ones that something else renews in a file, and an instance role's.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use longshore_wire::sigv4::Credentials;

use super::imds::{Imds, ImdsError, RoleKeys};

/// How long keys from a file are used without looking again, as if they lived for half an hour and
/// were renewed ten minutes before. Source: agent.md §2.2.
const MAX_AGE: Duration = Duration::from_secs(20 * 60);

/// How long before their end an instance role's keys are renewed.
const RENEW_BEFORE: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file or its profile is absent.
    #[error("Failed to load credentials from path {}", path.display())]
    File {
        /// The shared-credentials file.
        path: PathBuf,
        /// What the system says; `None` when the file has no such profile.
        #[source]
        source: Option<std::io::Error>,
    },
    /// The instance has no role, or the metadata service does not answer.
    #[error("no credentials from the instance profile")]
    InstanceRole(#[source] ImdsError),
}

/// Where keys come from.
#[derive(Debug)]
pub enum CredentialSource {
    /// An IAM user's pair.
    Fixed(Credentials),
    /// A profile of an AWS shared-credentials file, read again when it changes (I-14).
    SharedFile(SharedFile),
    /// The role of an EC2 instance.
    InstanceRole(InstanceRole),
}

/// The role of an EC2 instance.
#[derive(Debug)]
pub struct InstanceRole {
    imds: Arc<Imds>,
    cached: Mutex<Option<RoleKeys>>,
}

/// A profile of an AWS shared-credentials file.
#[derive(Debug)]
pub struct SharedFile {
    path: PathBuf,
    profile: String,
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone, Debug)]
struct Cached {
    credentials: Credentials,
    modified: Option<SystemTime>,
    read_at: Instant,
}

impl CredentialSource {
    /// An IAM user's pair.
    pub fn fixed(access_key_id: String, secret_access_key: String) -> CredentialSource {
        CredentialSource::Fixed(Credentials { access_key_id, secret_access_key, session_token: None })
    }

    /// The profile of that name in the file at `path`.
    pub fn shared_file(path: PathBuf, profile: String) -> CredentialSource {
        CredentialSource::SharedFile(SharedFile { path, profile, cached: Mutex::new(None) })
    }

    /// The role of this instance.
    pub fn instance_role(imds: Arc<Imds>) -> CredentialSource {
        CredentialSource::InstanceRole(InstanceRole { imds, cached: Mutex::new(None) })
    }

    /// The keys to sign the next request with.
    ///
    /// # Errors
    /// [`CredentialsError`] when there are none.
    pub async fn current(&self) -> Result<Credentials, CredentialsError> {
        match self {
            CredentialSource::Fixed(credentials) => Ok(credentials.clone()),
            CredentialSource::SharedFile(file) => file.current(Instant::now()),
            CredentialSource::InstanceRole(role) => role.current(jiff::Timestamp::now()).await,
        }
    }

    /// Looks for newer keys after the service has refused the present ones.
    /// Answers whether there may be any.
    pub async fn renew(&self) -> bool {
        match self {
            CredentialSource::Fixed(_) => false,
            CredentialSource::SharedFile(file) => file.renew(),
            CredentialSource::InstanceRole(role) => role.renew().await,
        }
    }
}

impl InstanceRole {
    async fn current(&self, now: jiff::Timestamp) -> Result<Credentials, CredentialsError> {
        let cached = self.lock().clone();
        if let Some(keys) = cached.as_ref().filter(|keys| now + RENEW_BEFORE < keys.expiration) {
            return Ok(to_credentials(keys));
        }
        match self.imds.role_keys().await {
            Ok(keys) => {
                let credentials = to_credentials(&keys);
                *self.lock() = Some(keys);
                Ok(credentials)
            }
            // The old keys may still be good for their last minutes.
            Err(error) => match cached.filter(|keys| now < keys.expiration) {
                Some(keys) => Ok(to_credentials(&keys)),
                None => Err(CredentialsError::InstanceRole(error)),
            },
        }
    }

    async fn renew(&self) -> bool {
        let before = self.lock().take();
        let Ok(now) = self.current(jiff::Timestamp::now()).await else { return false };
        before.is_none_or(|before| before.access_key_id != now.access_key_id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<RoleKeys>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_credentials(keys: &RoleKeys) -> Credentials {
    Credentials {
        access_key_id: keys.access_key_id.clone(),
        secret_access_key: keys.secret_access_key.clone(),
        session_token: Some(keys.token.clone()),
    }
}

impl SharedFile {
    fn current(&self, now: Instant) -> Result<Credentials, CredentialsError> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let modified = std::fs::metadata(&self.path).and_then(|metadata| metadata.modified()).ok();
        if let Some(cached) = &*cached
            && cached.modified == modified
            && now.saturating_duration_since(cached.read_at) < MAX_AGE
        {
            return Ok(cached.credentials.clone());
        }
        let credentials = self.read()?;
        *cached = Some(Cached { credentials: credentials.clone(), modified, read_at: now });
        Ok(credentials)
    }

    fn renew(&self) -> bool {
        let before = self.cached.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Ok(now) = self.current(Instant::now()) else { return false };
        before.is_none_or(|before| before.credentials != now)
    }

    fn read(&self) -> Result<Credentials, CredentialsError> {
        let failed = |source| CredentialsError::File { path: self.path.clone(), source };
        let text = read_text(&self.path).map_err(|error| failed(Some(error)))?;
        profile_credentials(&text, &self.profile).ok_or_else(|| failed(None))
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}

/// The keys of `profile` in the text of a shared-credentials file.
fn profile_credentials(text: &str, profile: &str) -> Option<Credentials> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let section_of = |line: &str| Some(line.strip_prefix('[')?.strip_suffix(']')?.trim() == profile);
    let mut is_inside = false;
    let mut entries = Vec::new();
    for line in lines {
        match section_of(line) {
            Some(is_ours) => is_inside = is_ours,
            None => entries.extend(line.split_once('=').filter(|_| is_inside)),
        }
    }
    let value = |name: &str| {
        let is_named =
            |(key, value): &&(&str, &str)| key.trim().eq_ignore_ascii_case(name) && !value.trim().is_empty();
        entries.iter().rfind(is_named).map(|(_, value)| value.trim().to_owned())
    };
    Some(Credentials {
        access_key_id: value("aws_access_key_id")?,
        secret_access_key: value("aws_secret_access_key")?,
        session_token: value("aws_session_token"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# keys\n[default]\naws_access_key_id = A1\naws_secret_access_key=S1\n\
                        aws_session_token = T1==\n\n[other]\naws_access_key_id = A2\naws_secret_access_key = S2\n";

    #[track_caller]
    fn check(text: &str, profile: &str, expected: Option<(&str, &str, Option<&str>)>) {
        let found = profile_credentials(text, profile);
        let found = found.as_ref().map(|found| {
            (found.access_key_id.as_str(), found.secret_access_key.as_str(), found.session_token.as_deref())
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_profile_has_two_keys_and_perhaps_a_token() {
        check(FILE, "default", Some(("A1", "S1", Some("T1=="))));
        check(FILE, "other", Some(("A2", "S2", None)));
        check(FILE, "absent", None);
        check("[default]\naws_access_key_id = A\n", "default", None);
    }

    #[tokio::test]
    async fn session_keys_are_read_again_when_the_file_changes() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("credentials");
        std::fs::write(&path, FILE).expect("write");
        let source = CredentialSource::shared_file(path.clone(), "default".to_owned());
        assert_eq!(source.current().await.expect("keys").access_key_id, "A1");

        std::fs::write(&path, FILE.replace("A1", "A9")).expect("write");
        let file = std::fs::File::options().write(true).open(&path).expect("open");
        file.set_modified(SystemTime::now() + Duration::from_secs(5)).expect("mtime");
        assert_eq!(source.current().await.expect("keys").access_key_id, "A9");
    }

    #[tokio::test]
    async fn a_refusal_looks_for_newer_keys_even_when_the_time_stamp_is_the_same() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("credentials");
        std::fs::write(&path, FILE).expect("write");
        let modified = std::fs::metadata(&path).expect("meta").modified().expect("mtime");
        let source = CredentialSource::shared_file(path.clone(), "default".to_owned());
        source.current().await.expect("keys");
        assert!(!source.renew().await, "nothing newer");

        std::fs::write(&path, FILE.replace("A1", "A9")).expect("write");
        let file = std::fs::File::options().write(true).open(&path).expect("open");
        file.set_modified(modified).expect("mtime");
        assert!(source.renew().await);
        assert_eq!(source.current().await.expect("keys").access_key_id, "A9");
    }

    #[test]
    fn keys_are_read_again_after_twenty_minutes() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("credentials");
        std::fs::write(&path, FILE).expect("write");
        let modified = std::fs::metadata(&path).expect("meta").modified().expect("mtime");
        let file = SharedFile { path: path.clone(), profile: "default".to_owned(), cached: Mutex::new(None) };
        let start = Instant::now();
        file.current(start).expect("keys");
        std::fs::write(&path, FILE.replace("A1", "A9")).expect("write");
        std::fs::File::options()
            .write(true)
            .open(&path)
            .expect("open")
            .set_modified(modified)
            .expect("mtime");
        assert_eq!(file.current(start + MAX_AGE / 2).expect("keys").access_key_id, "A1");
        assert_eq!(file.current(start + MAX_AGE).expect("keys").access_key_id, "A9");
    }

    #[tokio::test]
    async fn an_absent_file_is_named() {
        let source = CredentialSource::shared_file("/nowhere/keys".into(), "default".to_owned());
        let error = source.current().await.expect_err("absent");
        assert_eq!(error.to_string(), "Failed to load credentials from path /nowhere/keys");
    }
}
