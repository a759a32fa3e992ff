//! The user that a host signs as, made as `aws deploy register` makes it.

use longshore_engine::enrollment::HostUser;
use longshore_model::id::{HostName, PrincipalArn};
use longshore_model::time::Timestamp;
use longshore_store::{InlinePolicy, User};

use super::access_keys::{new_id, new_key};
use super::arn;
use super::params::MAX_NEW_NAME;

/// The path of hosts' users.
const PATH: &str = "/AWS/CodeDeploy/";
/// The name of their policy.
const POLICY_NAME: &str = "codedeploy-agent";
/// What a host may do besides polling and reporting as itself.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;

/// A user for the host `name` with a fresh key, not stored yet; `None` when the name is too long for a
/// user's.
pub(crate) fn host_user(account_id: &str, name: &HostName, now: Timestamp) -> Option<HostUser> {
    let name = name.as_str();
    if MAX_NEW_NAME < name.chars().count() {
        return None;
    }
    let user = User {
        name: name.to_owned(),
        path: PATH.to_owned(),
        id: new_id("AIDA"),
        arn: PrincipalArn(arn(account_id, "user", PATH, name)),
        created_at: now,
    };
    let policy = InlinePolicy { name: POLICY_NAME.to_owned(), document: POLICY.to_owned() };
    Some(HostUser { key: new_key(name, now), user, policy })
}
