//! `[aws]`: with which keys CloudWatch and SNS are asked.

use std::path::PathBuf;

use longshore_adapters::AwsKeys;
use longshore_wire::sigv4::Credentials;
use serde::Deserialize;

/// The profile of those who name none.
const DEFAULT_PROFILE: &str = "default";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAws {
    credentials_file: Option<PathBuf>,
    profile: Option<String>,
}

/// What the environment says of AWS: the variables that AWS's own tools read.
#[derive(Clone, Debug, Default)]
pub struct AwsEnvironment {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, if the first two are set.
    pub keys: Option<Credentials>,
    /// `AWS_PROFILE`.
    pub profile: Option<String>,
    /// `AWS_SHARED_CREDENTIALS_FILE`, else `.aws/credentials` in the home folder.
    pub credentials_file: Option<PathBuf>,
}

impl AwsEnvironment {
    /// Asks `variable`, where an empty one is as good as none.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> AwsEnvironment {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let keys = set("AWS_ACCESS_KEY_ID").zip(set("AWS_SECRET_ACCESS_KEY"));
        let in_home = || Some(PathBuf::from(set("HOME")?).join(".aws/credentials"));
        AwsEnvironment {
            keys: keys.map(|(access_key_id, secret_access_key)| Credentials {
                access_key_id,
                secret_access_key,
                session_token: set("AWS_SESSION_TOKEN"),
            }),
            profile: set("AWS_PROFILE"),
            credentials_file: set("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(in_home),
        }
    }
}

impl RawAws {
    /// The file's section counts more than the environment, and there keys more than a profile.
    pub(super) fn keys(&self, environment: &AwsEnvironment) -> AwsKeys {
        let is_silent = self.credentials_file.is_none() && self.profile.is_none();
        if let Some(keys) = environment.keys.as_ref().filter(|_| is_silent) {
            return AwsKeys::Given(keys.clone());
        }
        let file = self.credentials_file.as_ref().or(environment.credentials_file.as_ref());
        let profile = self.profile.as_ref().or(environment.profile.as_ref());
        let profile = profile.map_or(DEFAULT_PROFILE, String::as_str).to_owned();
        file.map_or(AwsKeys::None, |file| AwsKeys::Profile { file: file.clone(), profile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(section: &str, environment: &[(&str, &str)], expected: &str) {
        let raw: RawAws = toml::from_str(section).expect(section);
        let variable = |name: &str| {
            environment.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned())
        };
        let shown = match raw.keys(&AwsEnvironment::of(variable)) {
            AwsKeys::None => String::from("none"),
            AwsKeys::Given(keys) => keys.access_key_id,
            AwsKeys::Profile { file, profile } => format!("{profile} in {}", file.display()),
        };
        assert_eq!(shown, expected, "{section} {environment:?}");
    }

    #[test]
    fn keys_are_where_aws_s_tools_look_for_them() {
        let keys = [("AWS_ACCESS_KEY_ID", "A1"), ("AWS_SECRET_ACCESS_KEY", "S"), ("HOME", "/root")];
        check("", &[], "none");
        check("", &keys, "A1");
        check("", &keys[1..], "default in /root/.aws/credentials");
        check("", &[("AWS_SHARED_CREDENTIALS_FILE", "/f"), ("AWS_PROFILE", "p")], "p in /f");
        check("profile = \"q\"", &keys, "q in /root/.aws/credentials");
        check("credentials_file = \"/g\"", &keys, "default in /g");
        check("", &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "S")], "none");
    }
}
