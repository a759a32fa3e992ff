//! SNS topics, each in the region that its ARN names.

use longshore_engine::outside::{Notification, OutsideError};

use super::subject;
use crate::aws::{AwsKeys, QueryService, is_region};
use crate::reason::reason;

/// Which SNS is reached.
#[derive(Clone, Debug, Default)]
pub struct SnsConfig {
    /// Another place than AWS, for topics of any region.
    pub endpoint: Option<String>,
}

/// Publishes to topics.
#[derive(Debug)]
pub struct Sns {
    service: QueryService,
}

impl Sns {
    /// Connects only when asked.
    pub fn new(config: SnsConfig, keys: AwsKeys) -> Sns {
        Sns { service: QueryService::new("sns", "2010-03-31", config.endpoint, keys) }
    }

    /// Publishes once.
    pub(super) async fn publish(&self, notification: &Notification) -> Result<(), OutsideError> {
        let topic = notification.target.as_str();
        let region = region_of(topic)?;
        let subject = subject(notification);
        let params = [("TopicArn", topic), ("Subject", &subject), ("Message", &notification.message)];
        match self.service.call(region, "Publish", &params).await {
            Ok(_) => Ok(()),
            Err(error) => Err(OutsideError(format!("SNS: {error}"))),
        }
    }
}

/// The region in `arn:PARTITION:sns:REGION:ACCOUNT:NAME`.
fn region_of(topic: &str) -> Result<&str, OutsideError> {
    let parts: Vec<&str> = topic.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", region, _, _] if is_region(region) => Ok(region),
        _ => Err(reason(format!("`{topic}` is not the ARN of an SNS topic"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_s_arn_names_its_region() {
        assert_eq!(region_of("arn:aws:sns:eu-west-1:123456789012:deployments"), Ok("eu-west-1"));
        assert_eq!(region_of("arn:aws-cn:sns:cn-north-1:123456789012:a"), Ok("cn-north-1"));
        for topic in [
            "arn:aws:sqs:eu-west-1:123456789012:queue",
            "arn:aws:sns:eu-west-1:123456789012",
            "arn:aws:sns:eu-west-1:123456789012:topic:subscription",
            "arn:aws:sns:evil.example/:123456789012:a",
            "arn:aws:sns::123456789012:a",
        ] {
            assert!(region_of(topic).is_err(), "{topic}");
        }
    }
}
