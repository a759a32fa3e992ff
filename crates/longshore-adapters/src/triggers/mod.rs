//! Who is told: SNS topics and webhooks. Source: service.md §10.1.

mod address;
mod envelope;
mod signature;
mod sns;
mod webhook;

pub use address::{Network, NotANetwork};
pub use signature::signature;
pub use sns::{Sns, SnsConfig};
pub use webhook::{WebhookConfig, Webhooks};

use async_trait::async_trait;
use longshore_engine::outside::{Notification, OutsideError, Publisher};

use crate::reason::{cut, reason};

/// As what we introduce ourselves.
pub(crate) const USER_AGENT: &str = concat!("longshore-server/", env!("CARGO_PKG_VERSION"));

/// "Less than 100 characters". Source: SNS API reference, Publish.
const MAX_SUBJECT_CHARS: usize = 99;

/// Everybody who can be told.
#[derive(Debug)]
pub struct Triggers {
    sns: Option<Sns>,
    webhooks: Webhooks,
}

impl Triggers {
    /// Topics, if there is SNS, and webhooks.
    pub fn new(sns: Option<Sns>, webhooks: Webhooks) -> Triggers {
        Triggers { sns, webhooks }
    }
}

#[async_trait]
impl Publisher for Triggers {
    async fn publish(&self, notification: &Notification) -> Result<(), OutsideError> {
        let target = notification.target.as_str();
        if target.starts_with("arn:") {
            let sns = self.sns.as_ref().ok_or_else(no_sns)?;
            return sns.publish(notification).await;
        }
        if target.starts_with("https://") {
            return self.webhooks.publish(notification).await;
        }
        // Not repeated: it may hold a password.
        Err(reason("the trigger's target is neither an SNS topic's ARN nor an https:// URL"))
    }
}

fn no_sns() -> OutsideError {
    reason("this server is not set up to reach SNS topics: see [triggers.sns] in its configuration")
}

/// The subject in one line, and no longer than SNS takes it.
fn subject(notification: &Notification) -> String {
    let line: String =
        notification.subject.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    cut(line.trim(), MAX_SUBJECT_CHARS)
}

#[cfg(test)]
mod tests {
    use longshore_model::time::Timestamp;

    use super::*;

    #[test]
    fn subjects_are_one_line_of_less_than_a_hundred_characters() {
        let of = |text: &str| {
            subject(&Notification {
                id: String::new(),
                target: String::new(),
                subject: text.to_owned(),
                message: String::new(),
                at: Timestamp::from_millis(0),
            })
        };
        assert_eq!(of("CREATED: AWS CodeDeploy d-1\nto Portal"), "CREATED: AWS CodeDeploy d-1 to Portal");
        let long = of(&"ü".repeat(101));
        assert_eq!(long, format!("{}...", "ü".repeat(96)));
        assert_eq!(of(&"x".repeat(99)), "x".repeat(99));
    }
}
