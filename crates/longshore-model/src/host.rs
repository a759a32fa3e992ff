//! A host as the control plane knows it: the registered on-premises instance (those of EC2 are in `ec2`), and
//! what is remembered of hosts of either kind. Source: service.md §2.5.

pub mod ec2;

use serde::{Deserialize, Serialize};

use crate::id::{HostArn, HostName, PrincipalArn};
use crate::revision::Revision;
use crate::time::Timestamp;

/// A registered host, or the tombstone of one that was deregistered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Unique among registered hosts.
    pub name: HostName,
    /// Drawn at registration, different at each.
    pub arn: HostArn,
    /// As whom it polls.
    pub identity: HostIdentity,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Set on a tombstone.
    pub deregistered_at: Option<Timestamp>,
    /// Pairs, not a map: a key may occur with several values. At most 10.
    pub tags: Vec<HostTag>,
}

/// As whom a host signs its requests; unique among registered hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "arn")]
pub enum HostIdentity {
    /// An IAM user made for the host.
    IamUser(PrincipalArn),
    /// An assumed-role session.
    IamSession(PrincipalArn),
}

impl HostIdentity {
    /// The ARN, which is also the host identifier of the agent protocol.
    pub fn principal(&self) -> &PrincipalArn {
        match self {
            HostIdentity::IamUser(arn) | HostIdentity::IamSession(arn) => arn,
        }
    }
}

/// One tag pair of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostTag {
    /// 1 to 128 characters.
    pub key: String,
    /// 0 to 256 characters; an absent value is stored as the empty text.
    pub value: String,
}

/// The most tag pairs that one host may have. Source: service.md §12.
pub const MAX_TAGS: usize = 10;

/// What a deployment group remembers of a host's last deployment to it. Source: service.md §4.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostHealth {
    /// Whether the last deployment to the host succeeded.
    pub is_healthy: bool,
    /// What was last installed successfully, if it is known.
    pub installed: Option<Revision>,
}

/// A host has come, or come back, and may have to be brought up to date.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// As whom it signs.
    pub principal: PrincipalArn,
    /// When.
    pub at: Timestamp,
    /// When it had been heard of last, if it was silent and came back.
    pub silent_since: Option<Timestamp>,
}

/// When and with what program a host was last heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostContact {
    /// Its last authenticated poll: the end of one that was held, as long as that lasts its beginning.
    pub last_poll_at: Timestamp,
    /// The `x-amz-codedeploy-agent-version` of that poll.
    pub agent_version: Option<String>,
}
