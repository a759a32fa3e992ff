//! What every outgoing call has in common: whom to trust, the proxy, time-outs, the wire log.
//! Source: agent.md §1.1, §4.7.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Zoned;
use longshore_wire::client::{CaBundle, ClientConfig, Transport, WireLog};
use longshore_wire::sigv4::Credentials;

use super::ConnectError;
use crate::config::Settings;
use crate::identity::Identity;
use crate::rotating_file::RotatingFile;

/// What the agent calls itself.
pub const USER_AGENT: &str = concat!("longshore-agent/", env!("CARGO_PKG_VERSION"));

/// How many full wire logs are kept beside the present one.
const N_OLDER_WIRE_LOGS: usize = 15;

/// How this host's agent reaches anything. One for the whole process, as all its clients write one log.
#[derive(Clone, Debug)]
pub struct Outgoing {
    transport: Transport,
}

impl Outgoing {
    /// As `settings` and the environment say.
    ///
    /// # Errors
    /// [`ConnectError::CaBundle`]; [`ConnectError::Client`] when it has no usable certificate.
    pub fn new(settings: &Settings) -> Result<Outgoing, ConnectError> {
        let wire_log = settings.log_aws_wire.then(|| {
            let path = wire_log_path(&settings.log_dir, &settings.program_name);
            Arc::new(WireLogFile::new(path)) as Arc<dyn WireLog>
        });
        let transport = Transport {
            http_read_timeout: settings.http_read_timeout,
            proxy_uri: settings.proxy_uri.clone(),
            ca_bundle: ca_bundle()?,
            wire_log,
            ..Transport::default()
        };
        Ok(Outgoing { transport })
    }

    /// For requests that are not signed.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The configuration of a client of `endpoint`, without retries: those are made by its user, who
    /// counts them and renews keys between them.
    pub fn client_config(&self, identity: &Identity, endpoint: String) -> ClientConfig {
        // Each call sets the keys of its moment; absent ones are an error of the call, which may pass.
        let credentials = Credentials {
            access_key_id: String::new(),
            secret_access_key: String::new(),
            session_token: None,
        };
        let mut config = ClientConfig::new(endpoint, identity.region.clone(), credentials);
        USER_AGENT.clone_into(&mut config.user_agent);
        config.retries = Vec::new();
        config.transport = self.transport.clone();
        config
    }
}

/// Where the wire log is.
pub fn wire_log_path(log_dir: &Path, program_name: &str) -> PathBuf {
    log_dir.join(format!("{program_name}.aws_wire.log"))
}

/// The wire log as a file: 16 of 64 MiB, for the agent's user only.
#[derive(Debug)]
struct WireLogFile {
    file: Mutex<RotatingFile>,
}

impl WireLogFile {
    fn new(path: PathBuf) -> WireLogFile {
        WireLogFile { file: Mutex::new(RotatingFile::private(path, N_OLDER_WIRE_LOGS)) }
    }
}

impl WireLog for WireLogFile {
    fn write(&self, entry: &str) {
        let stamped = format!("{}\n{entry}\n", Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"));
        self.file.lock().unwrap_or_else(PoisonError::into_inner).append(stamped.as_bytes());
    }
}

/// The certificates to trust instead of the system's, when the environment names some.
pub(crate) fn ca_bundle() -> Result<Option<CaBundle>, ConnectError> {
    let pem = CaSources::from_variables(|name| std::env::var_os(name)).read()?;
    Ok(pem.map(|pem| CaBundle::from_pem(&pem)).transpose()?)
}

/// Whom the environment says to trust, instead of the system's store. Source: agent.md §1.1.
#[derive(Debug, Default, PartialEq, Eq)]
struct CaSources {
    file: Option<PathBuf>,
    directory: Option<PathBuf>,
}

impl CaSources {
    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> CaSources {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let file = path("AWS_SSL_CA_BUNDLE").or_else(|| path("AWS_CA_BUNDLE"));
        let directory = path("AWS_SSL_CA_DIRECTORY");
        if file.is_none() && directory.is_none() {
            return CaSources { file: path("SSL_CERT_FILE"), directory: None };
        }
        CaSources { file, directory }
    }

    /// Their certificates as one PEM text; `None` when nothing is named.
    fn read(&self) -> Result<Option<Vec<u8>>, ConnectError> {
        if *self == CaSources::default() {
            return Ok(None);
        }
        let mut pem = Vec::new();
        if let Some(path) = &self.file {
            pem.extend(std::fs::read(path).map_err(|source| unreadable(path, source))?);
        }
        if let Some(directory) = &self.directory {
            pem.extend(certificates_in(directory).map_err(|source| unreadable(directory, source))?);
        }
        Ok(Some(pem))
    }
}

fn unreadable(path: &Path, source: io::Error) -> ConnectError {
    ConnectError::CaBundle { path: path.to_owned(), source }
}

/// Every file of a directory that has a certificate in it; such directories also hold other things.
fn certificates_in(directory: &Path) -> io::Result<Vec<u8>> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let mut pem = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let Ok(content) = std::fs::read(&path) else { continue };
        if content.windows(BEGIN.len()).any(|window| window == BEGIN) {
            pem.push(b'\n');
            pem.extend(content);
        }
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], file: Option<&str>, directory: Option<&str>) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let expected = CaSources { file: file.map(PathBuf::from), directory: directory.map(PathBuf::from) };
        assert_eq!(CaSources::from_variables(variable), expected);
    }

    #[test]
    fn the_environment_names_whom_to_trust() {
        check(&[], None, None);
        check(&[("SSL_CERT_FILE", "/s")], Some("/s"), None);
        check(&[("AWS_SSL_CA_BUNDLE", "/a"), ("SSL_CERT_FILE", "/s")], Some("/a"), None);
        check(&[("AWS_CA_BUNDLE", "/c")], Some("/c"), None);
        check(&[("AWS_SSL_CA_DIRECTORY", "/d"), ("SSL_CERT_FILE", "/s")], None, Some("/d"));
        check(&[("AWS_SSL_CA_BUNDLE", "/a"), ("AWS_SSL_CA_DIRECTORY", "/d")], Some("/a"), Some("/d"));
        check(&[("AWS_SSL_CA_BUNDLE", "")], None, None);
    }

    #[test]
    fn a_directory_gives_its_certificates_and_nothing_else() {
        let dir = tempfile::tempdir().expect("dir");
        std::fs::write(dir.path().join("a.pem"), "-----BEGIN CERTIFICATE-----\nA").expect("write");
        std::fs::write(dir.path().join("README"), "not one").expect("write");
        std::fs::create_dir(dir.path().join("java")).expect("create");
        let sources = CaSources { file: None, directory: Some(dir.path().to_owned()) };
        let pem = sources.read().expect("read").expect("named");
        assert_eq!(String::from_utf8_lossy(&pem), "\n-----BEGIN CERTIFICATE-----\nA");
        let sources = CaSources { file: Some("/nowhere/ca.pem".into()), directory: None };
        assert_eq!(
            sources.read().expect_err("absent").to_string(),
            "cannot read the CA bundle /nowhere/ca.pem"
        );
    }
}
