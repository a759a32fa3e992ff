//! AWS's shared credentials and config files: the keys of a profile, read again when they change (I-14).
//! Source: agent.md §2.1, §2.2.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use longshore_wire::profile;
use longshore_wire::sigv4::Credentials;

use super::CredentialsError;

/// How long keys from a file are used without looking again, as if they lived for half an hour and
/// were renewed ten minutes before. Source: agent.md §2.2.
const MAX_AGE: Duration = Duration::from_secs(20 * 60);

/// A profile of AWS's shared files.
#[derive(Debug)]
pub struct SharedFile {
    /// The credentials file.
    path: PathBuf,
    /// The config file, whose sections have longer names; asked when the other has no keys.
    config: Option<PathBuf>,
    profile: String,
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone, Debug)]
struct Cached {
    credentials: Credentials,
    modified: [Option<SystemTime>; 2],
    read_at: Instant,
}

impl SharedFile {
    /// The profile of that name in the file at `path`, else in `config`.
    pub fn new(path: PathBuf, config: Option<PathBuf>, profile: String) -> SharedFile {
        SharedFile { path, config, profile, cached: Mutex::new(None) }
    }

    /// The credentials file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys at `now`.
    ///
    /// # Errors
    /// [`CredentialsError::File`] when no file has both keys.
    pub fn current(&self, now: Instant) -> Result<Credentials, CredentialsError> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let modified = [modified(&self.path), self.config.as_deref().and_then(modified)];
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

    /// Looks again, whatever the time; answers whether there is something new.
    pub(super) fn renew(&self) -> bool {
        let before = self.cached.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Ok(now) = self.current(Instant::now()) else { return false };
        before.is_none_or(|before| before.credentials != now)
    }

    /// The program that prints the profile's keys, if the files name one.
    pub(super) fn credential_process(&self) -> Option<String> {
        let in_config =
            self.config_text().and_then(|text| profile::value(&text, &self.config_sections(), PROCESS));
        in_config.or_else(|| {
            profile::value(&read_text(&self.path).ok()?, std::slice::from_ref(&self.profile), PROCESS)
        })
    }

    fn read(&self) -> Result<Credentials, CredentialsError> {
        let failed = |source| CredentialsError::File { path: self.path.clone(), source };
        let text = read_text(&self.path);
        let keys = text
            .as_ref()
            .ok()
            .and_then(|text| profile::credentials(text, std::slice::from_ref(&self.profile)));
        let keys = keys.or_else(|| {
            self.config_text().and_then(|text| profile::credentials(&text, &self.config_sections()))
        });
        keys.ok_or_else(|| failed(text.err()))
    }

    fn config_text(&self) -> Option<String> {
        self.config.as_deref().and_then(|path| read_text(path).ok())
    }

    fn config_sections(&self) -> [String; 2] {
        let default = if self.profile == "default" { self.profile.clone() } else { String::new() };
        [format!("profile {}", self.profile), default]
    }
}

/// The key of a program that prints credentials.
const PROCESS: &str = "credential_process";

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn read_text(path: &Path) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# keys\n[default]\naws_access_key_id = A1\naws_secret_access_key=S1\n\
                        aws_session_token = T1==\n\n[other]\naws_access_key_id = A2\naws_secret_access_key = S2\n";

    fn set_modified(path: &Path, to: SystemTime) {
        let file = std::fs::File::options().write(true).open(path).expect("open");
        file.set_modified(to).expect("mtime");
    }

    fn file_with_keys() -> (tempfile::TempDir, PathBuf, SharedFile) {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("credentials");
        std::fs::write(&path, FILE).expect("write");
        let file = SharedFile::new(path.clone(), None, "default".to_owned());
        (dir, path, file)
    }

    #[track_caller]
    fn check_key(file: &SharedFile, now: Instant, expected: &str) {
        assert_eq!(file.current(now).expect("keys").access_key_id, expected);
    }

    #[test]
    fn session_keys_are_read_again_when_the_file_changes() {
        let (_dir, path, file) = file_with_keys();
        let start = Instant::now();
        check_key(&file, start, "A1");
        std::fs::write(&path, FILE.replace("A1", "A9")).expect("write");
        set_modified(&path, SystemTime::now() + Duration::from_secs(5));
        check_key(&file, start, "A9");
    }

    #[test]
    fn a_refusal_looks_for_newer_keys_even_when_the_time_stamp_is_the_same() {
        let (_dir, path, file) = file_with_keys();
        let before = modified(&path).expect("mtime");
        check_key(&file, Instant::now(), "A1");
        assert!(!file.renew(), "nothing newer");
        std::fs::write(&path, FILE.replace("A1", "A9")).expect("write");
        set_modified(&path, before);
        assert!(file.renew());
        check_key(&file, Instant::now(), "A9");
    }

    #[test]
    fn keys_are_read_again_after_twenty_minutes() {
        let (_dir, path, file) = file_with_keys();
        let before = modified(&path).expect("mtime");
        let start = Instant::now();
        check_key(&file, start, "A1");
        std::fs::write(&path, FILE.replace("A1", "A9")).expect("write");
        set_modified(&path, before);
        check_key(&file, start + MAX_AGE / 2, "A1");
        check_key(&file, start + MAX_AGE, "A9");
    }

    #[test]
    fn an_absent_file_is_named() {
        let file = SharedFile::new("/nowhere/keys".into(), None, "default".to_owned());
        let error = file.current(Instant::now()).expect_err("absent");
        assert_eq!(error.to_string(), "Failed to load credentials from path /nowhere/keys");
    }

    #[test]
    fn the_config_file_is_asked_when_the_other_has_no_keys() {
        let dir = tempfile::tempdir().expect("dir");
        let config = dir.path().join("config");
        let text = "[default]\naws_access_key_id=D\naws_secret_access_key=S\n\
                    [profile p]\naws_access_key_id=P\naws_secret_access_key=S\n\
                    [profile q]\ncredential_process = print-keys --for q\n";
        std::fs::write(&config, text).expect("write");
        let file = |profile: &str| {
            SharedFile::new(dir.path().join("credentials"), Some(config.clone()), profile.to_owned())
        };
        check_key(&file("default"), Instant::now(), "D");
        check_key(&file("p"), Instant::now(), "P");
        assert!(file("q").current(Instant::now()).is_err());
        assert_eq!(file("q").credential_process().as_deref(), Some("print-keys --for q"));
        assert_eq!(file("p").credential_process(), None);
    }
}
