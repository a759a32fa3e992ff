//! An application: the name that groups, revisions and deployments hang from. Source: service.md §2.1.

use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, ApplicationName};
use crate::time::Timestamp;

/// One application of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Stable through renames.
    pub id: ApplicationId,
    /// Unique in the account.
    pub name: ApplicationName,
    /// When it was made.
    pub created_at: Timestamp,
    /// Resource tags, unique keys, in the order given.
    pub tags: Vec<ResourceTag>,
}

/// A tag on a resource (application or deployment group); keys are unique per resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceTag {
    /// 1 to 128 characters, not starting with `aws:`.
    pub key: String,
    /// 0 to 256 characters.
    pub value: String,
}
