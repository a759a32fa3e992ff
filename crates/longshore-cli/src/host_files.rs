//! The files that make a machine a host: the agent's configuration, its identity, and the certificate of
//! the only signer that it believes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use longshore_wire::sigv4::Credentials;

/// Where an agent keeps what.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Its configuration and identity files.
    conf: PathBuf,
    /// Its logs.
    log: PathBuf,
    /// Its PID file.
    pid: PathBuf,
    /// Deployments: bundles, archives, script logs.
    root: PathBuf,
}

/// As whom a host signs.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The IAM user's ARN.
    pub(crate) iam_user_arn: String,
    /// The user's access key.
    pub(crate) credentials: Credentials,
    /// The server's region.
    pub(crate) region: String,
}

impl Places {
    /// Everything below one folder: several hosts on one machine.
    pub(crate) fn below(folder: &Path) -> Places {
        Places {
            conf: folder.to_owned(),
            log: folder.join("log"),
            pid: folder.join("pid"),
            root: folder.join("deployment-root"),
        }
    }

    /// Where agents look by themselves: a machine that is one host.
    pub(crate) fn of_the_system() -> Places {
        Places {
            conf: PathBuf::from("/etc/codedeploy-agent/conf"),
            log: PathBuf::from("/var/log/aws/codedeploy-agent"),
            pid: PathBuf::from("/opt/codedeploy-agent/state/.pid"),
            root: PathBuf::from("/opt/codedeploy-agent/deployment-root"),
        }
    }

    /// The agent's configuration file.
    pub(crate) fn agent_file(&self) -> PathBuf {
        self.conf.join("codedeployagent.yml")
    }

    /// The identity file, named as `aws deploy register` names it.
    pub(crate) fn identity_file(&self) -> PathBuf {
        self.conf.join("codedeploy.onpremises.yml")
    }

    /// The signer's certificate, named as `longshore-agent enroll` names it.
    pub(crate) fn signer_file(&self) -> PathBuf {
        self.conf.join("codedeploy-signer.pem")
    }

    /// Writes the identity, readable by its owner only.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub(crate) fn write_identity(&self, identity: &Identity) -> io::Result<()> {
        fs::create_dir_all(&self.conf)?;
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(self.identity_file())?;
        file.write_all(identity_text(identity).as_bytes())
    }

    /// Writes the agent's configuration, again when the server listens elsewhere, and the certificate of
    /// the server's signer.
    ///
    /// # Errors
    /// When one cannot be written.
    pub(crate) fn write_agent(&self, endpoint: &str, signer: &str) -> io::Result<()> {
        fs::create_dir_all(&self.conf)?;
        fs::write(self.signer_file(), signer)?;
        fs::write(self.agent_file(), agent_text(self, endpoint))
    }
}

/// What `aws deploy register` writes.
pub(crate) fn identity_text(identity: &Identity) -> String {
    let Identity { iam_user_arn, credentials, region } = identity;
    yaml(&[
        ("region", region),
        ("iam_user_arn", iam_user_arn),
        ("aws_access_key_id", &credentials.access_key_id),
        ("aws_secret_access_key", &credentials.secret_access_key),
    ])
}

/// A configuration that AWS's agents understand as well, but for keys of our own, which they ignore.
pub(crate) fn agent_text(places: &Places, endpoint: &str) -> String {
    let shown = |path: &Path| path.display().to_string();
    let mut text = yaml(&[
        ("log_dir", &shown(&places.log)),
        ("pid_dir", &shown(&places.pid)),
        ("root_dir", &shown(&places.root)),
        ("on_premises_config_file", &shown(&places.identity_file())),
        ("deploy_control_endpoint", endpoint),
        ("s3_endpoint_override", endpoint),
        ("deployment_signer_ca_file", &shown(&places.signer_file())),
    ]);
    text.push_str("s3_force_path_style: true\nwait_between_runs: 1\n");
    text
}

fn yaml(pairs: &[(&str, &str)]) -> String {
    let lines: String = pairs.iter().map(|(key, value)| yaml_pair(key, value)).collect();
    format!("---\n{lines}")
}

fn yaml_pair(key: &str, value: &str) -> String {
    // In single quotes only the quote itself is special.
    format!("{key}: '{}'\n", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn identity() -> Identity {
        Identity {
            iam_user_arn: String::from("arn:aws:iam::000000000000:user/AWS/CodeDeploy/web-1"),
            credentials: Credentials {
                access_key_id: String::from("AKIA1"),
                secret_access_key: String::from("it's/secret"),
                session_token: None,
            },
            region: String::from("us-east-1"),
        }
    }

    #[test]
    fn the_identity_is_quoted_for_yaml() {
        let expected = "\
---
region: 'us-east-1'
iam_user_arn: 'arn:aws:iam::000000000000:user/AWS/CodeDeploy/web-1'
aws_access_key_id: 'AKIA1'
aws_secret_access_key: 'it''s/secret'
";
        assert_eq!(identity_text(&identity()), expected);
    }

    #[test]
    fn the_identity_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let places = Places::below(&folder.path().join("web-1"));
        places.write_identity(&identity()).expect("written");
        let mode = fs::metadata(places.identity_file()).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = places.write_identity(&identity()).expect_err("there already");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}
