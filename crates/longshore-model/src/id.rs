//! Names and identifiers: newtypes that exist only if the text obeyed the rule.
//!
//! Source: service.md §1.6 and §2.0. A missing and an empty value are told apart from a malformed
//! one, because callers see `...NameRequiredException` for the first and `Invalid...` for the second.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Absent or empty.
    #[error("{kind} is missing")]
    Missing {
        /// What the text should have named, e.g. `application name`.
        kind: &'static str,
    },
    /// Present and against the rule.
    #[error("{kind} `{value}` is not valid: {rule}")]
    Invalid {
        /// What the text should have named.
        kind: &'static str,
        /// The offending text.
        value: String,
        /// The rule, as a phrase.
        rule: &'static str,
    },
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $is_valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads `text` as this kind of name.
            ///
            /// # Errors
            /// [`NameError::Missing`] when empty, [`NameError::Invalid`] when it breaks the rule.
            pub fn parse(text: &str) -> Result<$name, NameError> {
                if text.is_empty() {
                    return Err(NameError::Missing { kind: $kind });
                }
                let is_valid: fn(&str) -> bool = $is_valid;
                if !is_valid(text) {
                    return Err(NameError::Invalid { kind: $kind, value: text.to_owned(), rule: $rule });
                }
                Ok($name(text.to_owned()))
            }

            /// Reads an optional member: absent is the same as empty.
            ///
            /// # Errors
            /// As [`Self::parse`].
            pub fn required(text: Option<&str>) -> Result<$name, NameError> {
                $name::parse(text.unwrap_or_default())
            }

            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

fn is_resource_name(text: &str) -> bool {
    text.chars().count() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+=,@-".contains(c))
}

fn is_host_name(text: &str) -> bool {
    is_resource_name(text) && !text.starts_with("i-")
}

fn is_deployment_id(text: &str) -> bool {
    text.strip_prefix("d-").is_some_and(|tail| {
        tail.len() == 9 && tail.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

fn is_enrollment_token_id(text: &str) -> bool {
    text.strip_prefix("LSET").is_some_and(|tail| {
        tail.len() == 16 && tail.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(idx, byte)| match idx {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

name_type!(
    /// The name of an application, unique in the account.
    ApplicationName,
    "application name",
    "1 to 100 characters of letters, digits and . _ + = , @ -",
    is_resource_name
);
name_type!(
    /// The name of a deployment group, unique in its application.
    DeploymentGroupName,
    "deployment group name",
    "1 to 100 characters of letters, digits and . _ + = , @ -",
    is_resource_name
);
name_type!(
    /// The name of a deployment config, predefined or custom.
    DeploymentConfigName,
    "deployment config name",
    "1 to 100 characters of letters, digits and . _ + = , @ -",
    is_resource_name
);
name_type!(
    /// The name of a registered on-premises instance: a host's name, and its target id.
    HostName,
    "on-premises instance name",
    "1 to 100 characters of letters, digits and + = , . @ _ -, not starting with i-",
    is_host_name
);
name_type!(
    /// The name of a token for a GitHub account, unique in the account.
    GitHubTokenName,
    "GitHub account token name",
    "1 to 100 characters of letters, digits and . _ + = , @ -",
    is_resource_name
);
name_type!(
    /// `d-` and nine characters of `A-Z0-9`; never used twice.
    DeploymentId,
    "deployment id",
    "d- and 9 characters of A-Z and 0-9",
    is_deployment_id
);
name_type!(
    /// `LSET` and 16 characters of `A-Z0-9`; no access key's id looks like it.
    EnrollmentTokenId,
    "enrollment token id",
    "LSET and 16 characters of A-Z and 0-9",
    is_enrollment_token_id
);
name_type!(
    /// Stable through renames; agents key their cleanup and last-install files by it.
    DeploymentGroupId,
    "deployment group id",
    "a lower-case UUID",
    is_uuid
);
name_type!(
    /// Stable through renames.
    ApplicationId,
    "application id",
    "a lower-case UUID",
    is_uuid
);

impl DeploymentConfigName {
    /// Whether the name belongs to the service; custom configs may not start so.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("CodeDeployDefault.")
    }
}

/// The ARN by which a host is known in targets: `arn:aws:codedeploy:<region>:<account>:instance/<name>_<suffix>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostArn(pub String);

/// Who signed: the IAM user or assumed-role session ARN. A host polls and reports as this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrincipalArn(pub String);

impl fmt::Display for HostArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for PrincipalArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: fmt::Debug>(parsed: Result<T, NameError>, expected: &str) {
        let shown = match parsed {
            Ok(_) => "ok",
            Err(NameError::Missing { .. }) => "missing",
            Err(NameError::Invalid { .. }) => "invalid",
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn names_take_the_documented_characters() {
        check(ApplicationName::parse("Web.App_1+=,@-"), "ok");
        check(ApplicationName::parse(""), "missing");
        check(ApplicationName::required(None), "missing");
        check(ApplicationName::parse("a/b"), "invalid");
        check(ApplicationName::parse("a:b"), "invalid");
        check(ApplicationName::parse("a b"), "invalid");
        check(ApplicationName::parse(&"a".repeat(100)), "ok");
        check(ApplicationName::parse(&"a".repeat(101)), "invalid");
    }

    #[test]
    fn a_host_name_does_not_look_like_an_ec2_instance_id() {
        check(HostName::parse("i-0abc"), "invalid");
        check(HostName::parse("web-1"), "ok");
    }

    #[test]
    fn a_deployment_id_is_d_and_nine_upper_case_characters() {
        check(DeploymentId::parse("d-A1B2C3D4E"), "ok");
        check(DeploymentId::parse("d-a1b2c3d4e"), "invalid");
        check(DeploymentId::parse("d-A1B2C3D4"), "invalid");
        check(DeploymentId::parse("A1B2C3D4E"), "invalid");
    }
}
