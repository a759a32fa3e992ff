//! Webhooks at a real HTTPS server.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use longshore_adapters::{Triggers, WebhookConfig, Webhooks, signature};
use longshore_engine::outside::{Notification, Publisher};
use longshore_journey::Receiver;
use longshore_model::time::Timestamp;
use serde_json::Value;

const SECRET: &str = "hunter2";

fn notification(target: &str) -> Notification {
    Notification {
        id: String::from("n-1"),
        target: target.to_owned(),
        subject: String::from("CREATED: AWS CodeDeploy d-ABCDEF123 in us-east-1 to Portal"),
        message: String::from(r#"{"status":"CREATED"}"#),
        at: Timestamp::from_millis(1_700_000_000_123),
    }
}

/// Webhooks that may be in `networks`; the certificates of `receiver` are trusted.
fn triggers(folder: &Path, receiver: &Receiver, networks: &[&str]) -> Triggers {
    let ca_file = folder.join("ca.pem");
    std::fs::write(&ca_file, receiver.ca_pem()).expect("written");
    let networks = networks.iter().map(|text| text.parse().expect("a network")).collect();
    let config = WebhookConfig { ca_file: Some(ca_file), networks };
    Triggers::new(None, Webhooks::new(config, SECRET.to_owned()).expect("webhooks"))
}

async fn publish(triggers: &Triggers, target: &str) -> Result<(), String> {
    triggers.publish(&notification(target)).await.map_err(|error| error.0)
}

/// Source: service.md §10.1.
#[tokio::test]
async fn a_webhook_is_sent_what_sns_sends_and_a_signature() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start();
    let triggers = triggers(folder.path(), &receiver, &["127.0.0.0/8", "::1"]);
    let url = receiver.url("/hooks?for=us");
    assert_eq!(publish(&triggers, &url).await, Ok(()));
    let received = receiver.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let came = &received[0];
    assert_eq!(came.path, "/hooks?for=us");
    assert_eq!(came.header("host"), url.trim_start_matches("https://").split('/').next().expect("a host"));
    assert_eq!(came.header("x-amz-sns-message-type"), "Notification");
    assert_eq!(came.header("x-amz-sns-message-id"), "n-1");
    assert_eq!(came.header("content-type"), "text/plain; charset=UTF-8");
    let body: Value = serde_json::from_str(&came.body).expect("JSON");
    let expected = serde_json::json!({
        "Type": "Notification",
        "MessageId": "n-1",
        "TopicArn": url,
        "Subject": notification(&url).subject,
        "Message": notification(&url).message,
        "Timestamp": "2023-11-14T22:13:20.123Z",
    });
    assert_eq!(body, expected);
    // As a receiver does it: over the bytes that came and the time that the header says.
    let header = came.header("x-longshore-signature");
    let (sent_at, _) = header.trim_start_matches("t=").split_once(',').expect("a time and a signature");
    let sent_at: i64 = sent_at.parse().expect("seconds");
    assert_eq!(header, signature(SECRET, sent_at, came.body.as_bytes()));
    assert!(1_700_000_000 < sent_at, "the time of sending, not of the event: {sent_at}");
}

#[tokio::test]
async fn only_2xx_means_taken_and_redirects_are_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start();
    let triggers = triggers(folder.path(), &receiver, &["127.0.0.0/8", "::1"]);
    let url = receiver.url("/");
    receiver.answer_next(&[204, 302, 404, 503]);
    assert_eq!(publish(&triggers, &url).await, Ok(()));
    let told = publish(&triggers, &url).await.expect_err("a redirect");
    assert_eq!(told, "webhook: `localhost` answered 302 Found, and redirects are not followed");
    for status in ["404 Not Found", "503 Service Unavailable"] {
        let told = publish(&triggers, &url).await.expect_err(status);
        assert_eq!(told, format!("webhook: `localhost` answered {status}"));
    }
    let paths: Vec<String> = receiver.received().into_iter().map(|came| came.path).collect();
    assert_eq!(paths, ["/"; 4]);
}

#[tokio::test]
async fn addresses_that_are_not_public_are_not_connected_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start();
    let nothing_allowed = triggers(folder.path(), &receiver, &[]);
    let port = receiver.url("").rsplit_once(':').expect("a port").1.to_owned();
    // However it is written: as a name, as an address, and as what only the system's look-up reads as one.
    for host in ["localhost", "127.0.0.1", "127.1", "2130706433", "[::ffff:127.0.0.1]"] {
        let told = publish(&nothing_allowed, &format!("https://{host}:{port}/")).await.expect_err(host);
        assert!(
            told.contains("which is not a public address: list its network in webhook_networks"),
            "{told}"
        );
    }
    let everything_allowed = triggers(folder.path(), &receiver, &["0.0.0.0/0", "::/0"]);
    for host in ["169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "[::ffff:169.254.169.254]", "0xa9fea9fe"]
    {
        let told = publish(&everything_allowed, &format!("https://{host}/")).await.expect_err(host);
        assert!(told.contains("which no webhook may be"), "{told}");
    }
    assert!(receiver.received().is_empty(), "{:?}", receiver.received());
}

#[tokio::test]
async fn only_trusted_certificates_for_that_name_are_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let trusting_other = triggers(folder.path(), &other, &["127.0.0.0/8", "::1"]);
    let told = publish(&trusting_other, &receiver.url("/")).await.expect_err("not trusted");
    assert!(told.starts_with("webhook: cannot reach `localhost`: invalid peer certificate"), "{told}");
    // Its certificate is for `localhost`.
    let trusting = triggers(folder.path(), &receiver, &["127.0.0.0/8"]);
    let told =
        publish(&trusting, &receiver.url("/").replace("localhost", "127.0.0.1")).await.expect_err("a name");
    assert!(told.starts_with("webhook: cannot reach `127.0.0.1`: invalid peer certificate"), "{told}");
    assert!(receiver.received().is_empty(), "{:?}", receiver.received());
}

#[tokio::test]
async fn what_is_told_of_a_failure_holds_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start();
    let triggers = triggers(folder.path(), &receiver, &["127.0.0.0/8", "::1"]);
    receiver.answer_next(&[500]);
    let shut = "https://localhost:1/token-hunter3";
    for target in
        [&receiver.url("/token-hunter3"), "https://me:hunter3@localhost/", "https://[hunter3/", shut]
    {
        let told = publish(&triggers, target).await.expect_err(target);
        assert!(!told.contains("hunter"), "{told}");
    }
    assert!(!format!("{triggers:?}").contains("hunter"), "{triggers:?}");
}

/// The receiver's example in docs/notifications.md, run as it stands there.
#[test]
fn the_documented_check_believes_us_and_nobody_else() {
    let document = include_str!("../../../docs/notifications.md");
    let (_, rest) = document.split_once("```python\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let calls = "import sys\nprint(is_genuine(sys.argv[1], sys.argv[2], sys.argv[3].encode()))\n";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let now = i64::try_from(now).expect("a time");
    let check = |secret: &str, sent_at: i64, body: &str, expected: &str| {
        let header = signature(SECRET, sent_at, br#"{"a":"\u00fc"}"#);
        let script = format!("{example}\n{calls}");
        let mut python = Command::new("python3");
        let output = python.args(["-c", &script, secret, &header, body]).output().expect("python3 runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            expected,
            "{secret} {sent_at} {body}\n{stderr}"
        );
    };
    check(SECRET, now, r#"{"a":"\u00fc"}"#, "True");
    check(SECRET, now, r#"{"a":"\u00fd"}"#, "False");
    check("hunter3", now, r#"{"a":"\u00fc"}"#, "False");
    check(SECRET, now - 3600, r#"{"a":"\u00fc"}"#, "False");
}
