//! What stands outside a deployment, on real parts: alarms that stop it, and who is told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use longshore_journey::{
    App, Aws, Host, Moto, PATIENCE, Prometheus, Received, Receiver, Server, program, wait_for,
};
use serde_json::Value;
use tempfile::TempDir;

/// A server, a host with its agent, and an application that was never deployed.
struct World {
    folder: TempDir,
    server: Server,
    aws: Aws,
    host: Host,
}

impl World {
    fn new(folder: TempDir, config: &str) -> World {
        let config = format!("[timeouts]\nalarm_poll = 0.2\n{config}");
        let server = Server::start(&folder.path().join("control"), &config);
        let aws = Aws::new(&server, folder.path());
        let host = Host::add(&server, folder.path(), "web-1");
        aws.ok("s3 mb s3://bundles");
        aws.ok("deploy create-application --application-name web");
        World { folder, server, aws, host }
    }

    fn group(&self, settings: &str) {
        self.aws.ok(&format!(
            "deploy create-deployment-group --application-name web --deployment-group-name all \
             --service-role-arn arn:aws:iam::000000000000:role/CodeDeploy \
             --deployment-config-name CodeDeployDefault.AllAtOnce \
             --on-premises-instance-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE {settings}"
        ));
    }

    /// Deploys a version of the application; answers the deployment's id at once.
    fn deploy(&self, version: &str) -> String {
        let app = App::write(&self.folder.path().join("source"), &format!("{version}\n"));
        let pushed = self.aws.ok(&format!(
            "deploy push --application-name web --s3-location s3://bundles/{version}.zip --source {}",
            app.folder().display()
        ));
        let location = pushed.split("--s3-location ").nth(1).unwrap().split_whitespace().next().unwrap();
        self.aws.value(
            &format!(
                "deploy create-deployment --application-name web --deployment-group-name all \
                 --s3-location {location}"
            ),
            "deploymentId",
        )
    }

    fn info(&self, id: &str, query: &str) -> String {
        self.aws
            .value(&format!("deploy get-deployment --deployment-id {id}"), &format!("deploymentInfo.{query}"))
    }

    #[track_caller]
    fn wait(&self, id: &str, status: &str) {
        wait_for(&format!("deployment {id} to be {status}"), PATIENCE, || {
            let now = self.info(id, "status");
            assert!(
                now == status || !["Succeeded", "Failed", "Stopped"].contains(&now.as_str()),
                "{id} is {now}: {}",
                self.info(id, "errorInformation")
            );
            (now == status).then_some(())
        });
    }

    /// From now on AfterInstall lasts until [`World::go_on_when_stopped`].
    fn hold(&self) {
        let script = "touch holding\nwhile [ ! -e go ]; do sleep 0.1; done\n";
        std::fs::write(self.host.work().join("do-AfterInstall"), script).unwrap();
    }

    #[track_caller]
    fn wait_until_held(&self) {
        let holding = self.host.work().join("holding");
        wait_for("AfterInstall to hold", PATIENCE, || holding.exists().then_some(()));
    }

    /// Waits for the stop, which lets the host end what it is in, and lets it.
    #[track_caller]
    fn go_on_when_stopped(&self, id: &str) {
        wait_for("the alarm to stop it", PATIENCE, || {
            let timeline = self.longshore(&["deployment", id, "--timeline"]);
            timeline.contains("stop requested: ").then_some(())
        });
        std::fs::write(self.host.work().join("go"), "").unwrap();
        self.wait(id, "Stopped");
        assert_eq!(self.info(id, "errorInformation.code"), "ALARM_ACTIVE");
    }

    fn longshore(&self, arguments: &[&str]) -> String {
        let output =
            Command::new(program("longshore")).args(arguments).envs(self.server.env()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn an_alarm_of_prometheus_stops_a_deployment_and_rolls_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(folder.path());
    let config = format!(
        "[alarms.prometheus]\nurl = \"{}\"\n\
         [alarms.prometheus.rules.web-load]\nquery = \"load\"\nabove = 5\n\
         [alarms.prometheus.rules.web-rule]\nalert = \"HighLoad\"\n",
        prometheus.url()
    );
    let world = World::new(folder, &config);
    world.group(
        "--alarm-configuration enabled=true,alarms=[{name=web-load},{name=web-rule}] \
         --auto-rollback-configuration enabled=true,events=DEPLOYMENT_STOP_ON_ALARM",
    );
    // Prometheus has no number before it has looked for the first time, and no number is no alarm.
    let first = world.deploy("one");
    world.wait(&first, "Succeeded");

    world.hold();
    let second = world.deploy("two");
    world.wait_until_held();
    assert_eq!(world.info(&second, "status"), "InProgress");
    prometheus.set_load(7.0);
    world.go_on_when_stopped(&second);
    let rollback = wait_for("the deployment that rolls back", PATIENCE, || {
        Some(world.info(&second, "rollbackInfo.rollbackDeploymentId")).filter(|id| id.starts_with("d-"))
    });
    // The alarm is still active, and does not stop what mends it.
    world.wait(&rollback, "Succeeded");
    assert_eq!(world.host.lines("app/version.txt"), ["one"]);

    // Without Prometheus nobody can tell, and then nothing begins.
    drop(prometheus);
    let third = world.deploy("three");
    world.wait(&third, "Stopped");
    assert_eq!(world.info(&third, "errorInformation.code"), "ALARM_ACTIVE");
    let message = world.info(&third, "errorInformation.message");
    assert!(message.contains("Prometheus, alarm `web-load`: cannot reach"), "{message}");
    assert_eq!(world.host.lines("app/version.txt"), ["one"]);
}

/// What the messages of one subscription say, in the order in which they came.
fn statuses(messages: &[Value]) -> Vec<String> {
    let status =
        |message: &Value| format!("{} {}", message["deploymentId"], message["status"]).replace('"', "");
    messages.iter().map(status).collect()
}

/// Takes everything that is in the queue.
fn drain(aws: &Aws, endpoint: &str, queue: &str, into: &mut Vec<Value>) {
    loop {
        let text = aws.ok(&format!(
            "sqs receive-message --endpoint-url {endpoint} --queue-url {queue} --max-number-of-messages 10 --output json"
        ));
        let Ok(answer) = serde_json::from_str::<Value>(&text) else { return };
        for message in answer["Messages"].as_array().unwrap() {
            into.push(serde_json::from_str(message["Body"].as_str().unwrap()).unwrap());
            let receipt = message["ReceiptHandle"].as_str().unwrap();
            aws.ok(&format!(
                "sqs delete-message --endpoint-url {endpoint} --queue-url {queue} --receipt-handle {receipt}"
            ));
        }
    }
}

fn inner(envelope: &Value) -> Value {
    serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap()
}

#[test]
fn a_topic_and_a_webhook_are_told_of_what_an_alarm_of_cloudwatch_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (moto, receiver) = (Moto::start(folder.path()), Receiver::start());
    let config = outside_config(folder.path(), &moto, &receiver);
    let world = World::new(folder, &config);
    let aws = moto.aws();
    let topic = aws.value("sns create-topic --name told", "TopicArn");
    let queue =
        aws.value(&format!("sqs create-queue --queue-name told --endpoint-url {}", moto.url()), "QueueUrl");
    let queue_arn = topic.replace(":sns:", ":sqs:");
    aws.ok(&format!("sns subscribe --topic-arn {topic} --protocol sqs --notification-endpoint {queue_arn}"));
    let set_alarm = |state: &str| {
        let what = format!("--alarm-name web-5xx --state-value {state} --state-reason test");
        aws.ok(&format!("cloudwatch set-alarm-state {what}"));
    };
    aws.ok("cloudwatch put-metric-alarm --alarm-name web-5xx --namespace web --metric-name errors \
            --statistic Sum --period 60 --evaluation-periods 1 --threshold 5 \
            --comparison-operator GreaterThanThreshold");
    set_alarm("OK");
    // The first attempt of the test notification is not taken.
    receiver.answer_next(&[503]);
    let events = "DeploymentStart,DeploymentSuccess,DeploymentStop,InstanceSuccess";
    world.group(&format!(
        "--alarm-configuration enabled=true,alarms=[{{name=web-5xx}}] --trigger-configurations \
         triggerName=topic,triggerTargetArn={topic},triggerEvents={events} \
         triggerName=hook,triggerTargetArn={},triggerEvents=DeploymentStart,DeploymentSuccess,DeploymentStop",
        receiver.url("/hook")
    ));
    let came = wait_for("the test notification, and once more", PATIENCE, || {
        Some(receiver.received()).filter(|came| 2 <= came.len())
    });
    let attempts: Vec<Value> = came.iter().map(|came| serde_json::from_str(&came.body).unwrap()).collect();
    assert_eq!(attempts[0]["MessageId"], attempts[1]["MessageId"], "the same notification");
    assert_eq!(attempts[1]["Subject"], "unknown: AWS CodeDeploy in us-east-1 to web");

    let first = world.deploy("one");
    world.wait(&first, "Succeeded");
    world.hold();
    let second = world.deploy("two");
    world.wait_until_held();
    set_alarm("ALARM");
    world.go_on_when_stopped(&second);

    let of = |id: &str, status: &str| format!("{id} {status}");
    let mut expected =
        [of(&first, "CREATED"), of(&first, "SUCCEEDED"), of(&second, "CREATED"), of(&second, "STOPPED")];
    expected.sort();
    let came = wait_for("the webhook to be told everything", PATIENCE, || {
        Some(receiver.received()).filter(|came| 2 + expected.len() <= came.len())
    });
    let secret = world.longshore(&["notifications", "webhook-secret"]);
    for came in &came {
        check_signature(came, secret.trim());
    }
    let envelopes: Vec<Value> =
        came[2..].iter().map(|came| serde_json::from_str(&came.body).unwrap()).collect();
    let messages: Vec<Value> = envelopes.iter().map(inner).collect();
    let mut told = statuses(&messages);
    told.sort();
    assert_eq!(told, expected, "each once");
    let stopped = envelopes.iter().find(|it| inner(it)["status"] == "STOPPED").unwrap();
    check_stopped(stopped, &second);
    assert_eq!(stopped["TopicArn"], receiver.url("/hook"));

    // The topic is told of hosts too; the second deployment's stopped host comes to no success.
    let mut envelopes = Vec::new();
    wait_for("the topic to be told everything", PATIENCE, || {
        drain(&aws, moto.url(), &queue, &mut envelopes);
        (1 + expected.len() < envelopes.len()).then_some(())
    });
    let is_test = |it: &Value| it["Subject"].as_str().unwrap().starts_with("unknown: ");
    let messages: Vec<Value> = envelopes.iter().filter(|it| !is_test(it)).map(inner).collect();
    let (of_hosts, of_deployments): (Vec<Value>, Vec<Value>) =
        messages.into_iter().partition(|message| message.get("instanceId").is_some());
    let mut told = statuses(&of_deployments);
    told.sort();
    assert_eq!(told, expected);
    assert_eq!(of_hosts[0]["deploymentId"], first.as_str());
    assert_eq!(of_hosts[0]["instanceStatus"], "Succeeded");
    let stopped = envelopes.iter().find(|it| !is_test(it) && inner(it)["status"] == "STOPPED").unwrap();
    check_stopped(stopped, &second);
    assert_eq!(stopped["TopicArn"], topic.as_str());
    assert_eq!(world.longshore(&["notifications", "undelivered"]).trim(), "everything was delivered");
}

/// It is tried four times within about a minute, kept, and sent again when somebody asks for that.
#[test]
fn what_a_webhook_does_not_take_is_kept_and_can_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let (moto, receiver) = (Moto::start(folder.path()), Receiver::start());
    let config = outside_config(folder.path(), &moto, &receiver);
    let world = World::new(folder, &config);
    world.group(&format!(
        "--trigger-configurations triggerName=hook,triggerTargetArn={},triggerEvents=DeploymentStart",
        receiver.url("/hook")
    ));
    wait_for("the test notification", PATIENCE, || (receiver.received().len() == 1).then_some(()));
    receiver.answer_next(&[500, 502, 503, 500]);
    let id = world.deploy("one");
    let undelivered = || -> Value {
        let text = world.longshore(&["notifications", "undelivered", "--output", "json"]);
        serde_json::from_str::<Value>(&text).unwrap()["notifications"].take()
    };
    let kept = wait_for("the notification to be given up", 3 * PATIENCE, || {
        Some(undelivered()).filter(|kept| kept.as_array().is_some_and(|kept| !kept.is_empty()))
    });
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
    let kept = &kept[0];
    assert_eq!((&kept["trigger"], &kept["deploymentId"]), (&"hook".into(), &id.clone().into()));
    assert_eq!(kept["attempts"], 4);
    assert!(kept["error"].as_str().unwrap().contains("500"), "{kept}");
    let listed = world.longshore(&["notifications", "undelivered"]);
    assert!(listed.contains(&format!("CREATED: AWS CodeDeploy {id}")), "{listed}");

    let number = kept["id"].as_str().unwrap();
    let answer = world.longshore(&["notifications", "resend", number, "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["resent"], 1);
    let came = wait_for("it to be sent again", PATIENCE, || {
        Some(receiver.received()).filter(|came| 1 + 4 < came.len())
    });
    let envelope: Value = serde_json::from_str(&came[5].body).unwrap();
    assert_eq!(inner(&envelope)["deploymentId"], id.as_str());
    wait_for("nothing to be undelivered", PATIENCE, || {
        undelivered().as_array().is_some_and(Vec::is_empty).then_some(())
    });
}

fn outside_config(folder: &Path, moto: &Moto, receiver: &Receiver) -> String {
    let (keys, ca_file) = (folder.join("aws-keys"), folder.join("ca.pem"));
    std::fs::write(&keys, "[default]\naws_access_key_id = AKIAOPERATOR\naws_secret_access_key = any\n")
        .unwrap();
    std::fs::write(&ca_file, receiver.ca_pem()).unwrap();
    format!(
        "[alarms.cloudwatch]\nregion = \"us-east-1\"\nendpoint = \"{url}\"\n\
         [triggers]\nca_file = \"{}\"\nwebhook_networks = [\"127.0.0.0/8\", \"::1\"]\n\
         [triggers.sns]\nendpoint = \"{url}\"\n[aws]\ncredentials_file = \"{}\"\n",
        ca_file.display(),
        keys.display(),
        url = moto.url()
    )
}

/// By openssl, as a receiver that is written in shell would.
#[track_caller]
fn check_signature(came: &Received, secret: &str) {
    let header = came.header("x-longshore-signature");
    let (sent_at, signature) = header.split_once(',').unwrap();
    let signed = format!("{}.{}", sent_at.strip_prefix("t=").unwrap(), came.body);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), signed).unwrap();
    let output =
        Command::new("openssl").args(["dgst", "-sha256", "-hmac", secret]).arg(file.path()).output().unwrap();
    let digest = String::from_utf8(output.stdout).unwrap();
    let digest = digest.trim().rsplit_once(' ').unwrap().1;
    assert_eq!(signature.strip_prefix("v1=").unwrap(), digest, "{came:?}");
}

#[track_caller]
fn check_stopped(envelope: &Value, id: &str) {
    assert_eq!(envelope["Subject"], format!("STOPPED: AWS CodeDeploy {id} in us-east-1 to web"));
    let message = inner(envelope);
    assert_eq!(message["accountId"], "000000000000");
    assert_eq!(message["deploymentGroupName"], "all");
    assert!(message["completeTime"].as_str().unwrap().contains(" UTC 20"), "{message}");
    let error: Value = serde_json::from_str(message["errorInformation"].as_str().unwrap()).unwrap();
    assert_eq!(error["ErrorCode"], "ALARM_ACTIVE");
}
