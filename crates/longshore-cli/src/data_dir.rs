//! The folder that a server keeps its data in, as far as clients on the same machine read it:
//! where the server listens, and the root key.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use longshore_wire::sigv4::Credentials;

/// The profile that the server writes into its credentials file.
const PROFILE: &str = "longshore";

/// A server's data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataDir(PathBuf);

/// What a data folder says about its server.
#[derive(Clone, Debug)]
pub(crate) struct ServerFacts {
    /// The server's URL.
    pub(crate) endpoint: String,
    /// Its root key.
    pub(crate) credentials: Credentials,
    /// Its region, if the credentials file names it.
    pub(crate) region: Option<String>,
}

/// Why a data folder does not tell where its server is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// A file that a running server has is not there.
    #[error("no server runs with the data folder `{}`: it has no file `{file}`", dir.display())]
    NoServer {
        /// The folder.
        dir: PathBuf,
        /// The file.
        file: &'static str,
    },
    /// A file is there and cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The credentials file lacks something.
    #[error("`{}` has no `{key}` in profile `longshore`", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is missing.
        key: &'static str,
    },
}

impl DataDir {
    /// The folder at `path`.
    pub(crate) fn new(path: impl Into<PathBuf>) -> DataDir {
        DataDir(path.into())
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The certificate that the server signs deployment specifications with.
    pub(crate) fn signer(&self) -> PathBuf {
        self.0.join("signer.pem")
    }

    /// Where `longshore up` keeps the host `name`: its configuration, logs and deployments.
    pub(crate) fn host(&self, name: &str) -> PathBuf {
        self.0.join("hosts").join(name)
    }

    /// Where the server listens, and its root key.
    ///
    /// # Errors
    /// When no server has run here, or a file cannot be read.
    pub(crate) fn server(&self) -> Result<ServerFacts, DataDirError> {
        let (_, endpoint) = self.read("endpoint")?;
        let (path, credentials) = self.read("credentials")?;
        let profile = profile(&credentials, PROFILE);
        let required = |key: &'static str| {
            profile.get(key).cloned().ok_or_else(|| DataDirError::NoKey { path: path.clone(), key })
        };
        Ok(ServerFacts {
            endpoint: endpoint.trim().to_owned(),
            credentials: Credentials {
                access_key_id: required("aws_access_key_id")?,
                secret_access_key: required("aws_secret_access_key")?,
                session_token: None,
            },
            region: profile.get("region").cloned(),
        })
    }

    fn read(&self, file: &'static str) -> Result<(PathBuf, String), DataDirError> {
        let path = self.0.join(file);
        match fs::read_to_string(&path) {
            Ok(text) => Ok((path, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(DataDirError::NoServer { dir: self.0.clone(), file })
            }
            Err(source) => Err(DataDirError::Unreadable { path, source }),
        }
    }
}

/// One profile of a file in AWS shared-credentials format.
fn profile(text: &str, name: &str) -> BTreeMap<String, String> {
    let heading = format!("[{name}]");
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with(['#', ';']))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// The folder when none is named on the command line: `LONGSHORE_DATA_DIR`, else `.longshore` here if
/// it is there, else the user's data folder. `exists` tells whether a path is there.
pub(crate) fn default_data_dir(
    variable: impl Fn(&str) -> Option<String>,
    exists: impl Fn(&Path) -> bool,
) -> DataDir {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(path) = variable("LONGSHORE_DATA_DIR") {
        return DataDir::new(path);
    }
    let here = Path::new(".longshore");
    let data_home = variable("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&variable("HOME")?).join(".local/share")));
    match data_home {
        Some(data_home) if !exists(here) => DataDir::new(data_home.join("longshore")),
        Some(_) | None => DataDir::new(here),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_ends_where_the_next_begins() {
        let text = "[default]\nkey = other\n[longshore]\n# comment\naws_access_key_id = A = B\n\nregion=eu-1\n[z]\nq=1";
        let profile = profile(text, "longshore");
        assert_eq!(profile.get("aws_access_key_id").map(String::as_str), Some("A = B"));
        assert_eq!(profile.get("region").map(String::as_str), Some("eu-1"));
        assert_eq!(profile.len(), 2);
    }

    #[track_caller]
    fn check_default(variables: &str, is_here: bool, expected: &str) {
        let variable = |name: &str| {
            let mut pairs = variables.split_whitespace().filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        assert_eq!(default_data_dir(variable, |_| is_here).path(), Path::new(expected), "{variables}");
    }

    #[test]
    fn the_default_folder_is_the_nearest_that_is_meant() {
        check_default("LONGSHORE_DATA_DIR=/d HOME=/h", true, "/d");
        check_default("HOME=/h", true, ".longshore");
        check_default("HOME=/h", false, "/h/.local/share/longshore");
        check_default("HOME=/h XDG_DATA_HOME=/x", false, "/x/longshore");
        check_default("", false, ".longshore");
    }

    #[test]
    fn a_folder_without_a_server_is_named() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let error = DataDir::new(dir.path()).server().expect_err("empty");
        assert!(error.to_string().contains("has no file `endpoint`"), "{error}");
    }

    #[test]
    fn endpoint_and_key_come_from_the_servers_files() {
        let dir = tempfile::tempdir().expect("temporary folder");
        fs::write(dir.path().join("endpoint"), "http://127.0.0.1:8080\n").expect("written");
        let text = "[longshore]\naws_access_key_id = AKIA\naws_secret_access_key = s/ecret\n";
        fs::write(dir.path().join("credentials"), text).expect("written");
        let facts = DataDir::new(dir.path()).server().expect("complete");
        assert_eq!(facts.endpoint, "http://127.0.0.1:8080");
        assert_eq!(facts.credentials.access_key_id, "AKIA");
        assert!(facts.region.is_none());
    }
}
