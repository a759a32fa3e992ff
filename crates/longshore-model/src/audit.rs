//! The audit trail: who changed what, when, from where, and what came of it.
//!
//! An event names things and never holds what a request carried: no secret, no document, no body.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One call that changes something, or would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// When it was answered.
    pub event_time: Timestamp,
    /// The `x-amzn-RequestId` of its answer.
    pub request_id: String,
    /// The ARN of who signed; of an enrollment, its token.
    pub principal: String,
    /// The id of the key that signed.
    pub access_key_id: String,
    /// The other end of the connection.
    pub source_ip: String,
    /// As the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// As in IAM actions: `codedeploy`, `iam`, `sts`, `s3`, `longshore`.
    pub service: String,
    /// The operation's name.
    pub operation: String,
    /// What permission was asked on, in ARNs.
    pub resources: Vec<String>,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// The parameters that say which thing was meant.
    pub parameters: BTreeMap<String, String>,
}

/// Parameters that identify, by the names of all protocols. Others are left out: they may be long, or secret.
const IDENTIFYING: [&str; 42] = [
    "AccessKeyId",
    "GroupName",
    "Path",
    "PolicyName",
    "ResourceArn",
    "RoleArn",
    "RoleName",
    "RoleSessionName",
    "Status",
    "UserName",
    "applicationName",
    "autoRollbackEnabled",
    "computePlatform",
    "currentDeploymentGroupName",
    "deploymentConfigName",
    "deploymentGroupName",
    "deploymentId",
    "deploymentWaitType",
    "externalId",
    "iamSessionArn",
    "iamUserArn",
    "availabilityZone",
    "instanceId",
    "instanceName",
    "instanceNames",
    "lifecycleEventHookExecutionId",
    "name",
    "newApplicationName",
    "newDeploymentGroupName",
    "roleName",
    "serviceRoleArn",
    "status",
    "tokenId",
    "tokenName",
    "bucket",
    "key",
    "versionId",
    "commitId",
    "repository",
    "revisionType",
    "eTag",
    "bundleType",
];

/// The most characters of one value that are kept.
const MAX_VALUE_CHARS: usize = 512;

/// The parameters of `given` that identify something, in a length that can be kept.
pub fn identifying(given: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let kept = given.into_iter().filter(|(name, _)| IDENTIFYING.contains(&name.as_str()));
    kept.map(|(name, value)| (name, value.chars().take(MAX_VALUE_CHARS).collect())).collect()
}

/// Whether an operation changes something, by its name: those that only look begin with one of few verbs.
pub fn is_change(operation: &str) -> bool {
    !["Get", "BatchGet", "List", "Head"].iter().any(|verb| operation.starts_with(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_identifies_is_kept() {
        let given = [("UserName", "ann"), ("PolicyDocument", "{}"), ("secretAccessKey", "x")];
        let kept = identifying(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), [("UserName".to_owned(), "ann".to_owned())]);
        let long = identifying([(String::from("key"), "k".repeat(2000))]);
        assert_eq!(long["key"].len(), MAX_VALUE_CHARS);
    }

    #[test]
    fn reading_is_no_change() {
        for name in ["GetUser", "BatchGetApplications", "ListHosts", "HeadObject"] {
            assert!(!is_change(name), "{name}");
        }
        for name in ["CreateUser", "AssumeRole", "StopDeployment", "PutObject", "UploadPart", "EnrollHost"] {
            assert!(is_change(name), "{name}");
        }
    }
}
