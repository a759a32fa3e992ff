//! Access keys: fixed ones, temporary ones that something else renews in a file, and those that a role,
//! a container platform or a program hands out for a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use longshore_model::evidence::Evidence;
use longshore_wire::sigv4::Credentials;

use super::container::{Container, ContainerError};
use super::imds::{Imds, ImdsError};
use super::keys::Keys;
use super::process::{self, ProcessError};
use super::shared_file::SharedFile;
use crate::causes::with_causes;
use crate::failure::{self, Evident};

/// How long before their end keys are renewed.
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
    /// The program that should print them did not.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The container platform did not hand them out.
    #[error(transparent)]
    Container(#[from] ContainerError),
}

impl Evident for CredentialsError {
    fn evidence(&self) -> Vec<Evidence> {
        match self {
            CredentialsError::File { path, source: Some(source) } => {
                failure::system_refusal(Some(path), source)
            }
            CredentialsError::File { path, source: None } => vec![Evidence::RuleBroken {
                rule: "no_such_profile".to_owned(),
                subjects: vec![failure::shown(path)],
            }],
            CredentialsError::InstanceRole(error) => error.evidence(),
            CredentialsError::Process(_) | CredentialsError::Container(_) => vec![Evidence::RuleBroken {
                rule: "no_credentials".to_owned(),
                subjects: vec![failure::cut(&with_causes(self))],
            }],
        }
    }
}

/// Where keys come from.
#[derive(Debug)]
pub enum CredentialSource {
    /// An IAM user's pair.
    Fixed(Credentials),
    /// A profile of AWS's shared files, read again when they change (I-14).
    SharedFile(SharedFile),
    /// Keys that are handed out for a time.
    Expiring(Expiring),
}

/// Keys that are handed out for a time, kept until shortly before its end.
#[derive(Debug)]
pub struct Expiring {
    origin: Origin,
    cached: Mutex<Option<Keys>>,
}

/// Who hands keys out.
#[derive(Debug)]
enum Origin {
    /// The role of an EC2 instance.
    InstanceRole(Arc<Imds>),
    /// The agent of a container platform.
    Container(Container),
    /// A program's command line.
    Process(String),
}

impl CredentialSource {
    /// An IAM user's pair.
    pub fn fixed(access_key_id: String, secret_access_key: String) -> CredentialSource {
        CredentialSource::Fixed(Credentials { access_key_id, secret_access_key, session_token: None })
    }

    /// The profile of that name in the file at `path`.
    pub fn shared_file(path: PathBuf, profile: String) -> CredentialSource {
        CredentialSource::SharedFile(SharedFile::new(path, None, profile))
    }

    /// The role of this instance.
    pub fn instance_role(imds: Arc<Imds>) -> CredentialSource {
        CredentialSource::expiring(Origin::InstanceRole(imds))
    }

    /// What the container platform hands out.
    pub(super) fn container(container: Container) -> CredentialSource {
        CredentialSource::expiring(Origin::Container(container))
    }

    /// What the program with this command line prints.
    pub(super) fn process(command_line: String) -> CredentialSource {
        CredentialSource::expiring(Origin::Process(command_line))
    }

    fn expiring(origin: Origin) -> CredentialSource {
        CredentialSource::Expiring(Expiring { origin, cached: Mutex::new(None) })
    }

    /// The keys to sign the next request with.
    ///
    /// # Errors
    /// [`CredentialsError`] when there are none.
    pub async fn current(&self) -> Result<Credentials, CredentialsError> {
        match self {
            CredentialSource::Fixed(credentials) => Ok(credentials.clone()),
            CredentialSource::SharedFile(file) => file.current(Instant::now()),
            CredentialSource::Expiring(keys) => keys.current(jiff::Timestamp::now()).await,
        }
    }

    /// Looks for newer keys after the service has refused the present ones.
    /// Answers whether there may be any.
    pub async fn renew(&self) -> bool {
        match self {
            CredentialSource::Fixed(_) => false,
            CredentialSource::SharedFile(file) => file.renew(),
            CredentialSource::Expiring(keys) => keys.renew().await,
        }
    }
}

impl Expiring {
    async fn current(&self, now: jiff::Timestamp) -> Result<Credentials, CredentialsError> {
        let cached = self.lock().clone();
        let lasts = |keys: &Keys, margin| keys.expiration.is_none_or(|end| now + margin < end);
        if let Some(keys) = cached.as_ref().filter(|keys| lasts(keys, RENEW_BEFORE)) {
            return Ok(keys.credentials.clone());
        }
        match self.origin.keys().await {
            Ok(keys) => Ok(self.lock().insert(keys).credentials.clone()),
            // The old keys may still be good for their last minutes.
            Err(error) => match cached.filter(|keys| lasts(keys, jiff::SignedDuration::ZERO)) {
                Some(keys) => Ok(keys.credentials),
                None => Err(error),
            },
        }
    }

    async fn renew(&self) -> bool {
        let before = self.lock().take();
        let Ok(now) = self.current(jiff::Timestamp::now()).await else { return false };
        before.is_none_or(|before| before.credentials != now)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Keys>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    async fn keys(&self) -> Result<Keys, CredentialsError> {
        match self {
            Origin::InstanceRole(imds) => imds.role_keys().await.map_err(CredentialsError::InstanceRole),
            Origin::Container(container) => Ok(container.keys().await?),
            Origin::Process(command_line) => Ok(process::run(command_line).await?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that prints keys with another number each time, good until `end`.
    fn counting(dir: &std::path::Path, end: jiff::Timestamp) -> Expiring {
        let command_line = format!(
            "cd {} && echo x >> calls && printf '{{\"AccessKeyId\":\"A%s\",\"SecretAccessKey\":\"S\",\
             \"Expiration\":\"{end}\"}}' $(wc -l < calls)",
            dir.display()
        );
        Expiring { origin: Origin::Process(command_line), cached: Mutex::new(None) }
    }

    #[tokio::test]
    async fn keys_are_kept_until_shortly_before_their_end() {
        let dir = tempfile::tempdir().expect("dir");
        let start = jiff::Timestamp::now();
        let keys = counting(dir.path(), start + jiff::SignedDuration::from_hours(1));
        for (minutes, expected) in [(0, "A1"), (54, "A1"), (56, "A2")] {
            let now = start + jiff::SignedDuration::from_mins(minutes);
            assert_eq!(keys.current(now).await.expect("keys").access_key_id, expected, "{minutes}");
        }
        assert!(keys.renew().await, "a refusal asks for new ones at once");
        assert_eq!(keys.current(start).await.expect("keys").access_key_id, "A3");
    }

    #[tokio::test]
    async fn old_keys_are_used_to_their_end_when_there_are_no_new_ones() {
        let start = jiff::Timestamp::now();
        let credentials =
            Credentials { access_key_id: "OLD".into(), secret_access_key: "S".into(), session_token: None };
        let old = Keys { credentials, expiration: Some(start + jiff::SignedDuration::from_mins(3)) };
        let keys = Expiring { origin: Origin::Process("false".to_owned()), cached: Mutex::new(Some(old)) };
        assert_eq!(keys.current(start).await.expect("keys").access_key_id, "OLD");
        let later = start + jiff::SignedDuration::from_mins(4);
        assert!(matches!(keys.current(later).await, Err(CredentialsError::Process(_))));
    }
}
