//! What other servers on the same database wrote, for those who wait for it here.

use async_trait::async_trait;
use longshore_model::id::{DeploymentId, PrincipalArn};
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

/// Hears of what others wrote.
#[async_trait]
pub trait NewsStore: Send + Sync {
    /// What other servers write from now on, each soon after it is durable. `None` when there can be no
    /// other server. News can be lost, with a connection or by a reader who lags, so whoever waits for
    /// some looks from time to time without.
    fn news(&self) -> Option<broadcast::Receiver<News>>;
    /// As whom the hosts sign for which a command waits, in no order.
    async fn waiting_principals(&self) -> Result<Vec<PrincipalArn>, StoreError>;
}
