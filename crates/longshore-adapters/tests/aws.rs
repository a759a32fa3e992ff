//! CloudWatch's alarms and SNS' topics, both of moto, which has no composite alarms.

use longshore_adapters::{
    Alarms, AwsKeys, CloudWatch, CloudWatchConfig, Limit, Prometheus, PrometheusConfig, Rule, Sns, SnsConfig,
    Triggers, WebhookConfig, Webhooks,
};
use longshore_engine::outside::{AlarmReader, Notification, Publisher};
use longshore_journey::{Aws, Moto, PATIENCE, wait_for};
use longshore_model::time::Timestamp;
use longshore_wire::sigv4::Credentials;
use serde_json::Value;
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn keys() -> AwsKeys {
    AwsKeys::Given(Credentials {
        access_key_id: String::from("AKIAOPERATOR"),
        secret_access_key: String::from("hunter2"),
        session_token: None,
    })
}

fn read(runtime: &Runtime, alarms: &Alarms, names: &[&str]) -> Vec<String> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let readings = runtime.block_on(alarms.states(&names));
    readings
        .into_iter()
        .map(|reading| reading.map_or_else(|error| error.0, |state| format!("{state:?}")))
        .collect()
}

fn put_alarm(aws: &Aws, name: &str, state: &str) {
    aws.ok(&format!(
        "cloudwatch put-metric-alarm --alarm-name {name} --namespace web --metric-name errors --statistic Sum \
         --period 60 --evaluation-periods 1 --threshold 5 --comparison-operator GreaterThanThreshold"
    ));
    aws.ok(&format!(
        "cloudwatch set-alarm-state --alarm-name {name} --state-value {state} --state-reason test"
    ));
}

fn cloudwatch(endpoint: &str, keys: AwsKeys) -> CloudWatch {
    let config = CloudWatchConfig { region: String::from("us-east-1"), endpoint: Some(endpoint.to_owned()) };
    CloudWatch::new(config, keys)
}

/// Source: service.md §7.5.
#[test]
fn alarms_are_as_cloudwatch_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let moto = Moto::start(folder.path());
    let aws = moto.aws();
    put_alarm(&aws, "quiet", "OK");
    put_alarm(&aws, "loud&<high>", "ALARM");
    put_alarm(&aws, "new", "INSUFFICIENT_DATA");
    let runtime = runtime();
    let alarms = Alarms::new(None, Some(cloudwatch(moto.url(), keys())));
    let no_alarm = |name: &str| format!("there is no alarm `{name}` in CloudWatch in us-east-1");
    let names = ["new", "gone", "loud&<high>", "quiet"];
    let expected = ["InsufficientData", &no_alarm("gone"), "Alarm", "Ok"];
    assert_eq!(read(&runtime, &alarms, &names), expected);
    assert_eq!(read(&runtime, &alarms, &["quiet"; 150]), ["Ok"; 150], "more names than one call takes");
    assert!(read(&runtime, &alarms, &[]).is_empty());

    // Names that are defined for Prometheus are its, also when CloudWatch has them.
    let rule = Rule::Query { query: String::from("up"), limit: Limit::Above(0.0) };
    let config = PrometheusConfig {
        url: "http://127.0.0.1:1".parse().expect("a URL"),
        rules: [(String::from("quiet"), rule)].into(),
        bearer_token_file: None,
        ca_file: None,
    };
    let prometheus = Prometheus::new(config).expect("a reader");
    let both = Alarms::new(Some(prometheus), Some(cloudwatch(moto.url(), keys())));
    let states = read(&runtime, &both, &["new", "quiet", "gone"]);
    assert_eq!([&states[0], &states[2]], ["InsufficientData", &no_alarm("gone")]);
    assert!(states[1].starts_with("Prometheus, alarm `quiet`: cannot reach"), "{}", states[1]);

    // Without keys, and without CloudWatch.
    let keyless = Alarms::new(None, Some(cloudwatch(moto.url(), AwsKeys::None)));
    let told = &read(&runtime, &keyless, &["quiet"])[0];
    assert!(told.starts_with("CloudWatch: this server has no keys for AWS: set AWS_ACCESS_KEY_ID"), "{told}");
    let url = moto.url().to_owned();
    drop(moto);
    let told = &read(&runtime, &Alarms::new(None, Some(cloudwatch(&url, keys()))), &["quiet", "new"]);
    assert!(told.iter().all(|told| told.starts_with("CloudWatch: cannot reach `127.0.0.1:")), "{told:?}");
    let told = &read(&runtime, &Alarms::new(None, None), &["quiet"])[0];
    assert_eq!(told, "this server has no source of alarms: see [alarms] in its configuration");
}

fn notification(target: &str) -> Notification {
    Notification {
        id: String::from("n-1"),
        target: target.to_owned(),
        subject: format!("CREATED: AWS CodeDeploy d-ABCDEF123 in us-east-1 to {}", "Größe".repeat(20)),
        message: String::from(r#"{"status":"CREATED","text":"a & b = \"c\" + ü"}"#),
        at: Timestamp::from_millis(0),
    }
}

fn triggers(sns: Option<Sns>) -> Triggers {
    Triggers::new(sns, Webhooks::new(WebhookConfig::default(), String::from("secret")).expect("webhooks"))
}

fn publish(runtime: &Runtime, triggers: &Triggers, target: &str) -> Result<(), String> {
    runtime.block_on(triggers.publish(&notification(target))).map_err(|error| error.0)
}

/// Source: service.md §10.1.
#[test]
fn topics_are_told_in_their_own_region() {
    let folder = tempfile::tempdir().expect("a folder");
    let moto = Moto::start(folder.path());
    let aws = moto.aws().with_env("AWS_DEFAULT_REGION", "eu-west-1");
    let topic = aws.value("sns create-topic --name deployments", "TopicArn");
    assert!(topic.starts_with("arn:aws:sns:eu-west-1:"), "{topic}");
    // The CLI takes no other place for SQS from its environment.
    let sqs = |text: &str| format!("sqs {text} --endpoint-url {}", moto.url());
    let queue = aws.value(&sqs("create-queue --queue-name told"), "QueueUrl");
    let queue_arn = topic.replace(":sns:", ":sqs:").replace(":deployments", ":told");
    aws.ok(&format!("sns subscribe --topic-arn {topic} --protocol sqs --notification-endpoint {queue_arn}"));

    let runtime = runtime();
    let config = SnsConfig { endpoint: Some(moto.url().to_owned()) };
    let sns = triggers(Some(Sns::new(config, keys())));
    assert_eq!(publish(&runtime, &sns, &topic), Ok(()));
    let body = wait_for("a message in the queue", PATIENCE, || {
        let body = aws.value(&sqs(&format!("receive-message --queue-url {queue}")), "Messages[0].Body");
        Some(body).filter(|body| body != "None")
    });
    let told: Value = serde_json::from_str(&body).expect("an envelope");
    let sent = notification(&topic);
    assert_eq!(told["Message"], sent.message.as_str());
    let subject = told["Subject"].as_str().expect("a subject");
    assert_eq!(subject.chars().count(), 99);
    assert!(sent.subject.starts_with(subject.trim_end_matches("...")), "{subject}");

    let absent = publish(&runtime, &sns, "arn:aws:sns:us-east-1:123456789012:absent").expect_err("no topic");
    assert!(absent.starts_with("SNS: NotFound: "), "{absent}");
    let queue = publish(&runtime, &sns, &queue_arn).expect_err("not a topic");
    assert_eq!(queue, format!("`{queue_arn}` is not the ARN of an SNS topic"));
    let told = publish(&runtime, &triggers(None), &topic).expect_err("no SNS");
    assert_eq!(
        told,
        "this server is not set up to reach SNS topics: see [triggers.sns] in its configuration"
    );
    let told = publish(&runtime, &sns, "mailto:ann@example.com").expect_err("no target");
    assert_eq!(told, "the trigger's target is neither an SNS topic's ARN nor an https:// URL");
}
