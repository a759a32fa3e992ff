//! What the engine asks of the world outside: whether alarms are active, and to tell people what happens.
//! The implementations are elsewhere (design.md §8); the engine sees only these traits.

use std::sync::Arc;

use async_trait::async_trait;
use longshore_model::time::Timestamp;
pub use longshore_model::watch::AlarmState;

use crate::random::{RandomSource, SystemRandom};

/// Why something outside did not do what it was asked; for people, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutsideError(pub String);

/// Reads alarms.
#[async_trait]
pub trait AlarmReader: Send + Sync {
    /// How the alarms of these names stand, in the same order. One that does not exist cannot be read.
    async fn states(&self, names: &[String]) -> Vec<Result<AlarmState, OutsideError>>;
}

/// One thing to tell somebody. Source: service.md §10.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The same at every attempt, so that who is told twice can know it.
    pub id: String,
    /// An SNS topic's ARN, or an `https://` URL.
    pub target: String,
    /// One line.
    pub subject: String,
    /// JSON text.
    pub message: String,
    /// When it happened.
    pub at: Timestamp,
}

/// Tells people and programs.
#[async_trait]
pub trait Publisher: Send + Sync {
    /// Tells it, once. Whoever calls tries again.
    ///
    /// # Errors
    /// [`OutsideError`] when it is not certain that it was taken.
    async fn publish(&self, notification: &Notification) -> Result<(), OutsideError>;
}

/// Everything outside.
#[derive(Clone)]
pub struct Outside {
    /// Alarms.
    pub alarms: Arc<dyn AlarmReader>,
    /// Notifications.
    pub publisher: Arc<dyn Publisher>,
    /// Chance.
    pub random: Arc<dyn RandomSource>,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Outside").finish_non_exhaustive()
    }
}

impl Outside {
    /// A world in which nothing can be read and nobody be told.
    pub fn nothing() -> Outside {
        Outside { alarms: Arc::new(Nothing), publisher: Arc::new(Nothing), random: Arc::new(SystemRandom) }
    }
}

struct Nothing;

#[async_trait]
impl AlarmReader for Nothing {
    async fn states(&self, names: &[String]) -> Vec<Result<AlarmState, OutsideError>> {
        let no_source = OutsideError(String::from("this server has no source of alarms (see [alarms])"));
        names.iter().map(|_| Err(no_source.clone())).collect()
    }
}

#[async_trait]
impl Publisher for Nothing {
    async fn publish(&self, notification: &Notification) -> Result<(), OutsideError> {
        Err(OutsideError(format!(
            "this server has no way to reach `{}` (see [triggers])",
            notification.target
        )))
    }
}
