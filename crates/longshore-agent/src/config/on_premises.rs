//! The on-premises file: who a host is that EC2 does not vouch for.
//!
//! `aws deploy register` and `longshore hosts add` write it. Source: agent.md §2.2.

use std::path::{Path, PathBuf};

use super::raw::RawConfig;

/// Why an on-premises file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OnPremisesError {
    /// Not a mapping of scalars.
    #[error(
        "The deployment failed because the format of the following on-premises configuration file is \
         invalid: {}",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: super::yaml::YamlError,
    },
    /// Two identities.
    #[error("On Premises config cannot contain both 'iam_user_arn' and 'iam_session_arn' keys.")]
    BothArns,
    /// Half an identity.
    #[error("'{key}' key is required when '{mode}' is provided.")]
    MissingKey {
        /// The absent key.
        key: &'static str,
        /// The key that asks for it.
        mode: &'static str,
    },
}

/// The identity of an on-premises host.
#[derive(Clone, PartialEq, Eq)]
pub struct OnPremises {
    /// The host identifier: an IAM user's or an assumed-role session's ARN.
    pub arn: String,
    /// The region to poll in and to sign for.
    pub region: String,
    /// How the host proves it.
    pub keys: OnPremisesKeys,
}

/// How an on-premises host proves its identity.
#[derive(Clone, PartialEq, Eq)]
pub enum OnPremisesKeys {
    /// The key pair of an IAM user.
    User {
        /// Public half.
        access_key_id: String,
        /// Secret half.
        secret_access_key: String,
    },
    /// Temporary keys that something else renews in an AWS shared-credentials file.
    Session {
        /// The file.
        credentials_file: PathBuf,
    },
}

impl std::fmt::Debug for OnPremises {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("OnPremises").field("arn", &self.arn).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OnPremisesKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OnPremisesKeys(..)")
    }
}

/// Reads the file at `path`; `None` when it is absent, unreadable or names nobody.
///
/// # Errors
/// [`OnPremisesError`], in the words of the original agent.
pub fn read(path: &Path) -> Result<Option<OnPremises>, OnPremisesError> {
    let Ok(bytes) = std::fs::read(path) else {
        tracing::info!("On Premises config file does not exist or not readable");
        return Ok(None);
    };
    let raw = RawConfig::parse(&String::from_utf8_lossy(&bytes)).map_err(|source| {
        tracing::error!("Invalid on premises config file");
        OnPremisesError::Malformed { path: path.to_owned(), source }
    })?;
    OnPremises::from_raw(&raw)
}

impl OnPremises {
    /// What the file says; `None` when it names no identity.
    ///
    /// # Errors
    /// As [`read`].
    pub fn from_raw(raw: &RawConfig) -> Result<Option<OnPremises>, OnPremisesError> {
        match (raw.text("iam_user_arn"), raw.text("iam_session_arn")) {
            (Some(_), Some(_)) => Err(OnPremisesError::BothArns),
            (None, None) => Ok(None),
            (Some(arn), None) => user(raw, arn).map(Some),
            (None, Some(arn)) => session(raw, arn).map(Some),
        }
    }
}

fn user(raw: &RawConfig, arn: &str) -> Result<OnPremises, OnPremisesError> {
    let required = |key| required(raw, key, "iam_user_arn");
    Ok(OnPremises {
        region: required("region")?,
        keys: OnPremisesKeys::User {
            access_key_id: required("aws_access_key_id")?,
            secret_access_key: required("aws_secret_access_key")?,
        },
        arn: arn.to_owned(),
    })
}

fn session(raw: &RawConfig, arn: &str) -> Result<OnPremises, OnPremisesError> {
    let required = |key| required(raw, key, "iam_session_arn");
    Ok(OnPremises {
        region: required("region")?,
        keys: OnPremisesKeys::Session { credentials_file: required("aws_credentials_file")?.into() },
        arn: arn.to_owned(),
    })
}

fn required(raw: &RawConfig, key: &'static str, mode: &'static str) -> Result<String, OnPremisesError> {
    raw.text(key).map(str::to_owned).ok_or(OnPremisesError::MissingKey { key, mode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match OnPremises::from_raw(&RawConfig::parse(text).expect("yaml")) {
            Ok(None) => "nobody".to_owned(),
            Err(error) => error.to_string(),
            Ok(Some(OnPremises { arn, region, keys })) => match keys {
                OnPremisesKeys::User { access_key_id, .. } => format!("user {arn} {region} {access_key_id}"),
                OnPremisesKeys::Session { credentials_file } => {
                    format!("session {arn} {region} {}", credentials_file.display())
                }
            },
        };
        assert_eq!(shown, expected, "text: {text}");
    }

    #[test]
    fn a_user_needs_region_and_both_keys() {
        let text = "iam_user_arn: u\nregion: r\naws_access_key_id: a\naws_secret_access_key: s\n";
        check(text, "user u r a");
        check(&text.replace("region", "x"), "'region' key is required when 'iam_user_arn' is provided.");
        check(
            &text.replace("aws_secret_access_key", "x"),
            "'aws_secret_access_key' key is required when 'iam_user_arn' is provided.",
        );
    }

    #[test]
    fn a_session_needs_region_and_a_credentials_file() {
        let text = ":iam_session_arn: s\n:region: r\n:aws_credentials_file: /c\n";
        check(text, "session s r /c");
        check(
            &text.replace("aws_credentials_file", "x"),
            "'aws_credentials_file' key is required when 'iam_session_arn' is provided.",
        );
        check(&text.replace("region", "x"), "'region' key is required when 'iam_session_arn' is provided.");
    }

    #[test]
    fn two_identities_are_refused_and_none_has_no_effect() {
        check(
            "iam_user_arn: u\niam_session_arn: s\n",
            "On Premises config cannot contain both 'iam_user_arn' and 'iam_session_arn' keys.",
        );
        check("region: r\n", "nobody");
    }

    #[test]
    fn what_is_no_mapping_is_refused_by_the_name_of_the_file() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("codedeploy.onpremises.yml");
        for text in ["iam_user_arn: [u\n", "- iam_user_arn\n", "nobody\n"] {
            std::fs::write(&path, text).expect("write");
            let expected = format!(
                "The deployment failed because the format of the following on-premises configuration file is \
                 invalid: {}",
                path.display()
            );
            assert_eq!(read(&path).expect_err("refused").to_string(), expected, "text: {text}");
        }
    }

    #[test]
    fn an_absent_file_names_nobody() {
        let dir = tempfile::tempdir().expect("dir");
        assert_eq!(read(&dir.path().join("codedeploy.onpremises.yml")).expect("no error"), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        let keys = OnPremisesKeys::User { access_key_id: "a".into(), secret_access_key: "hidden".into() };
        let shown = format!("{:?}", OnPremises { arn: "u".into(), region: "r".into(), keys });
        assert!(!shown.contains("hidden"));
    }
}
