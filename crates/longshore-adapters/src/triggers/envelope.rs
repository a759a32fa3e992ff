//! What a webhook is sent: the body of an SNS notification over HTTP, without what only SNS can give
//! (its signature, and the address to unsubscribe). Source: SNS developer guide, "HTTP/HTTPS notification
//! JSON format".

use jiff::Timestamp;
use longshore_engine::outside::Notification;
use serde::Serialize;

use super::subject;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    r#type: &'static str,
    message_id: &'a str,
    /// Where SNS names the topic: the webhook itself.
    topic_arn: &'a str,
    subject: &'a str,
    message: &'a str,
    timestamp: String,
}

/// The body.
pub(super) fn body(notification: &Notification) -> Vec<u8> {
    let envelope = Envelope {
        r#type: "Notification",
        message_id: &notification.id,
        topic_arn: &notification.target,
        subject: &subject(notification),
        message: &notification.message,
        timestamp: iso_text(notification.at.millis()),
    };
    serde_json::to_vec_pretty(&envelope).expect("texts are JSON")
}

/// `2012-05-02T00:54:06.655Z`.
fn iso_text(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use longshore_model::time;

    use super::*;

    /// Source: service.md §10.1.
    #[test]
    fn it_is_sns_s_without_its_signature() {
        let notification = Notification {
            id: String::from("1"),
            target: String::from("https://hooks.example/x"),
            subject: String::from("CREATED: a"),
            message: String::from("{\"status\":\"CREATED\"}"),
            at: time::Timestamp::from_millis(1_335_920_046_655),
        };
        let expected = r#"{
  "Type": "Notification",
  "MessageId": "1",
  "TopicArn": "https://hooks.example/x",
  "Subject": "CREATED: a",
  "Message": "{\"status\":\"CREATED\"}",
  "Timestamp": "2012-05-02T00:54:06.655Z"
}"#;
        assert_eq!(String::from_utf8(body(&notification)).expect("UTF-8"), expected);
        assert_eq!(iso_text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso_text(i64::MAX), iso_text(i64::MAX - 1));
    }
}
