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

fn is_ec2_instance_id(text: &str) -> bool {
    text.strip_prefix("i-").is_some_and(|tail| {
        matches!(tail.len(), 8 | 17)
            && tail.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn is_zone_name(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_role_name(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
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
    /// The id of an EC2 instance.
    Ec2InstanceId,
    "EC2 instance id",
    "i- and 8 or 17 lower-case hexadecimal digits",
    is_ec2_instance_id
);
name_type!(
    /// The name of an availability zone.
    ZoneName,
    "availability zone",
    "1 to 64 characters of letters, digits and - _ .",
    is_zone_name
);
name_type!(
    /// The name of an IAM role, without its path.
    RoleName,
    "role name",
    "1 to 64 characters of letters, digits and _ + = , . @ -",
    is_role_name
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

/// A host's short id, which the API calls target id: no id of an EC2 instance is a name of an
/// on-premises instance. Ordered by its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum HostId {
    /// The name of an on-premises instance.
    OnPremises(HostName),
    /// An EC2 instance.
    Ec2(Ec2InstanceId),
}

impl HostId {
    /// Reads `text` as either.
    ///
    /// # Errors
    /// [`NameError::Missing`] when empty, [`NameError::Invalid`] when it is neither.
    pub fn parse(text: &str) -> Result<HostId, NameError> {
        match Ec2InstanceId::parse(text) {
            Ok(id) => Ok(HostId::Ec2(id)),
            Err(_) => HostName::parse(text).map(HostId::OnPremises),
        }
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        match self {
            HostId::OnPremises(name) => name.as_str(),
            HostId::Ec2(id) => id.as_str(),
        }
    }
}

impl PartialOrd for HostId {
    fn partial_cmp(&self, other: &HostId) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HostId {
    fn cmp(&self, other: &HostId) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl From<HostName> for HostId {
    fn from(name: HostName) -> HostId {
        HostId::OnPremises(name)
    }
}

impl From<Ec2InstanceId> for HostId {
    fn from(id: Ec2InstanceId) -> HostId {
        HostId::Ec2(id)
    }
}

impl From<HostId> for String {
    fn from(id: HostId) -> String {
        id.as_str().to_owned()
    }
}

impl TryFrom<String> for HostId {
    type Error = NameError;

    fn try_from(text: String) -> Result<HostId, NameError> {
        HostId::parse(&text)
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The ARN by which a host is known in targets: `arn:aws:codedeploy:<region>:<account>:instance/<name>_<suffix>`
/// on premises, `arn:aws:ec2:<region>:<account>:instance/<id>` of EC2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostArn(pub String);

/// Who signed: the IAM user or assumed-role session ARN. A host polls and reports as this; a host of EC2,
/// whose session may change its role, as the ARN of its instance. Source: service.md §9.1.
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
    fn an_ec2_instance_id_has_8_or_17_hexadecimal_digits() {
        check(Ec2InstanceId::parse("i-0abcdef1"), "ok");
        check(Ec2InstanceId::parse("i-0123456789abcdef0"), "ok");
        check(Ec2InstanceId::parse("i-0abcdef12"), "invalid");
        check(Ec2InstanceId::parse("i-0ABCDEF1"), "invalid");
        check(Ec2InstanceId::parse("0abcdef1"), "invalid");
        check(Ec2InstanceId::parse(""), "missing");
    }

    #[test]
    fn a_host_id_is_a_name_or_an_instance() {
        assert!(matches!(HostId::parse("web-1"), Ok(HostId::OnPremises(_))));
        assert!(matches!(HostId::parse("i-0abcdef1"), Ok(HostId::Ec2(_))));
        check(HostId::parse("i-web"), "invalid");
        check(HostId::parse(""), "missing");
    }

    #[test]
    fn a_deployment_id_is_d_and_nine_upper_case_characters() {
        check(DeploymentId::parse("d-A1B2C3D4E"), "ok");
        check(DeploymentId::parse("d-a1b2c3d4e"), "invalid");
        check(DeploymentId::parse("d-A1B2C3D4"), "invalid");
        check(DeploymentId::parse("A1B2C3D4E"), "invalid");
    }
}
