//! Enrollment: what an operator asks for a token, and a machine for its life as a host.
//!
//! The token's id and secret sign the machine's one request, so that there is no door without a key and
//! the secret never crosses the network. Source: design.md §7.

mod token;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::shapes::Tag;
use crate::codec::Time;

pub use token::{TokenText, TokenTextError};

/// What stands before the dot in `X-Amz-Target` of operations that only hosts of ours call.
pub const HOST_TARGET_PREFIX: &str = "LongshoreHost_v1";

/// The operation by which a machine becomes a host.
pub const ENROLL_HOST: &str = "EnrollHost";

/// What a machine asks, signed with its token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollHostInput {
    /// The host's name, unique among the registered ones.
    pub name: Option<String>,
    /// Drawn once: the request that is repeated with it gets the same answer and counts no further use.
    pub client_request_id: Option<String>,
}

/// What a machine needs to be a host. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollHostOutput {
    /// The host's name.
    pub name: String,
    /// Its ARN as a deployment's target.
    pub host_arn: String,
    /// As whom it signs.
    pub iam_user_arn: String,
    /// The id of its access key.
    pub access_key_id: String,
    /// The secret of its access key.
    pub secret_access_key: String,
    /// The region that it signs for.
    pub region: String,
    /// The certificate of the signer of deployment specifications, PEM.
    pub signer_certificate: String,
    /// Where bundles are, when they are not where this was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_endpoint: Option<String>,
}

impl fmt::Debug for EnrollHostOutput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EnrollHostOutput").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What an operator asks of a new token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateEnrollmentTokenInput {
    /// How many hosts it may enroll; 1 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// How long it is good for; an hour when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u64>,
    /// What its hosts are tagged with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A new token: the only time that its text is shown. `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateEnrollmentTokenOutput {
    /// What a machine is given: [`TokenText`].
    pub token: String,
    /// All that may be known of it.
    pub token_info: EnrollmentTokenInfo,
}

impl fmt::Debug for CreateEnrollmentTokenOutput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateEnrollmentTokenOutput")
            .field("token_info", &self.token_info)
            .finish_non_exhaustive()
    }
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrollmentTokenInfo {
    /// By which it is revoked.
    pub token_id: String,
    /// `Usable`, `UsedUp`, `Expired` or `Revoked`.
    pub state: String,
    /// How many hosts it may enroll.
    pub max_uses: u32,
    /// How many it has enrolled.
    pub use_count: u32,
    /// When it was made.
    pub create_time: Time,
    /// Who made it.
    pub created_by: String,
    /// From then on it is of no use.
    pub expire_time: Time,
    /// When somebody took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_time: Option<Time>,
    /// What its hosts are tagged with.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Which page of the tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEnrollmentTokensInput {
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A page of the tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEnrollmentTokensOutput {
    /// By id.
    #[serde(default)]
    pub tokens: Vec<EnrollmentTokenInfo>,
    /// For the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Which token is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeEnrollmentTokenInput {
    /// Its id.
    pub token_id: Option<String>,
}

/// A token after it was taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeEnrollmentTokenOutput {
    /// As it is now.
    pub token_info: EnrollmentTokenInfo,
}
