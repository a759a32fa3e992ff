//! What servers on one database tell each other: what was written, for those who wait for it, and which
//! commands are in whose hands.

use async_trait::async_trait;
use longshore_model::id::{DeploymentId, PrincipalArn};
use longshore_model::target::TargetKey;
use longshore_model::time::Timestamp;
use tokio::sync::broadcast;

use crate::StoreError;

/// Something that another server wrote. It says where to look, not what is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// The deployment, or one of its targets, has changed.
    Deployment(DeploymentId),
    /// The host that signs like this may have a command.
    Commands(PrincipalArn),
    /// Some news may be lost: look everywhere.
    Missed,
}

/// A command that a server has handed to its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOut {
    /// Whose command.
    pub target: TargetKey,
    /// Which event of it.
    pub event_idx: u32,
    /// As whom the host signs.
    pub principal: PrincipalArn,
    /// The server: a name of its own among those on the database.
    pub server: String,
}

/// What became of the wish to hand a command out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOutOutcome {
    /// It is ours to hand out.
    Ours,
    /// Another server handed it out at this time.
    Elsewhere(Timestamp),
}

/// A store that may belong to several servers.
pub trait SharedStore: Send + Sync {
    /// The other servers; `None` when there can be none.
    fn others(&self) -> Option<&dyn Others>;
}

/// The other servers on the database.
#[async_trait]
pub trait Others: Send + Sync {
    /// What they write from now on, each soon after it is durable. News can be lost, with a connection
    /// or by a reader who lags, so whoever waits for some looks from time to time without.
    fn news(&self) -> broadcast::Receiver<News>;
    /// As whom the hosts sign for which a command waits, in no order.
    async fn waiting_principals(&self) -> Result<Vec<PrincipalArn>, StoreError>;

    /// Notes that a command is handed out now, unless another server did so after `free_before`. Source: service.md §9.2, "a command is handed out once".
    async fn hand_out(
        &self,
        hand_out: &HandOut,
        now: Timestamp,
        free_before: Timestamp,
    ) -> Result<HandOutOutcome, StoreError>;
    /// A command did not reach its host: other servers may hand it out at once, and hear of it.
    async fn take_back(&self, hand_out: &HandOut) -> Result<(), StoreError>;
    /// Forgets all that was handed out of a deployment, which has ended.
    async fn forget_hand_outs(&self, deployment: &DeploymentId) -> Result<(), StoreError>;
}
