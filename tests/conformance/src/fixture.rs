//! A server with something of everything in it, so that a call can find what it names.

use std::path::Path;
use std::time::{Duration, Instant};

use longshore_journey::{PATIENCE, Server};
use longshore_wire::codec::Codec;

use crate::client::Client;
use crate::data::Data;
use crate::model::Model;

const REVISION: &str =
    r#"{"revisionType":"S3","s3Location":{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}"#;
const ROLE: &str = "arn:aws:iam::000000000000:role/CodeDeploy";
const USER: &str = "arn:aws:iam::000000000000:user";

const SESSION: &str = "arn:aws:sts::000000000000:assumed-role/hosts";
/// Members that a test goes on from; what it writes itself counts.
const GROUP: &str = r#""applicationName":"web","deploymentGroupName":"x","serviceRoleArn":"$ROLE""#;
const MINIMUM: &str = r#""deploymentConfigName":"x","minimumHealthyHosts":{"type":"HOST_COUNT","value":1}"#;
const DEPLOYMENT: &str = r#""applicationName":"web","deploymentGroupName":"prod","revision":$S3"#;
const TRIGGER: &str = r#"{"triggerName":"t","triggerTargetArn":"arn:aws:sns:us-east-1:000000000000:t",
    "triggerEvents":["DeploymentStart"]}"#;

/// Small quotas, so that they can be reached; one deployment at a time, so that one can wait; and nobody
/// counts requests. Commands are never timed out: a deployment whose host is silent stays active.
const CONFIG: &str = "[quotas]\napplications = 8\ndeployment_groups = 10\ndeployment_configs = 6\n\
    concurrent_deployments = 1\n[api]\npage_size = 3\nrequests_per_second = 0\n[timeouts]\npickup = 3600\n";

/// The server, what is in it, and who calls.
#[derive(Debug)]
pub struct Fixture {
    /// Who calls.
    pub client: Client,
    /// The model that calls are written by.
    pub model: Model,
    ended: String,
    active: String,
    queued: String,
    _server: Server,
}

impl Fixture {
    /// Starts a server under `folder` and fills it.
    pub async fn start(folder: &Path) -> Fixture {
        let server = Server::start(folder, CONFIG);
        let client = Client::new(&server.env());
        let mut fixture = Fixture {
            client,
            model: Model::read(),
            ended: String::new(),
            active: String::new(),
            queued: String::new(),
            _server: server,
        };
        for name in ["web", "shop"] {
            fixture.make("CreateApplication", &format!(r#"{{"applicationName":"{name}"}}"#)).await;
        }
        let config =
            r#"{"deploymentConfigName":"custom","minimumHealthyHosts":{"type":"HOST_COUNT","value":0}}"#;
        fixture.make("CreateDeploymentConfig", config).await;
        for (name, environment) in [
            ("prod", "prod"),
            ("busy", "silent"),
            ("waiting", "silent"),
            ("idle-json", "none"),
            ("idle-cbor", "none"),
        ] {
            let group = format!(
                r#"{{"applicationName":"web","deploymentGroupName":"{name}","serviceRoleArn":"{ROLE}",
                    "deploymentConfigName":"custom",
                    "onPremisesInstanceTagFilters":[{{"Key":"env","Value":"{environment}","Type":"KEY_AND_VALUE"}}]}}"#
            );
            fixture.make("CreateDeploymentGroup", &group).await;
        }
        for name in ["kept", "token-json", "token-cbor"] {
            let put = format!(r#"{{"tokenName":"{name}","token":"ghp_0123456789abcdef"}}"#);
            let operation = "Longshore_v1.PutGitHubAccountToken";
            let answer = fixture.client.call(Codec::Json, operation, put.into_bytes()).await;
            assert!(answer.status.is_success(), "{operation}: {answer:?}");
        }
        let host = format!(r#"{{"instanceName":"silent","iamUserArn":"{USER}/silent"}}"#);
        fixture.make("RegisterOnPremisesInstance", &host).await;
        let host = format!(r#"{{"instanceName":"session","iamSessionArn":"{SESSION}/silent"}}"#);
        fixture.make("RegisterOnPremisesInstance", &host).await;
        let tags = r#"{"instanceNames":["silent"],"tags":[{"Key":"env","Value":"silent"}]}"#;
        fixture.make("AddTagsToOnPremisesInstances", tags).await;
        // No host is in the first, so it fails; that of the second never calls; the third waits for it.
        fixture.ended = fixture.deploy("prod").await;
        fixture.wait_for(&fixture.ended, "Failed").await;
        fixture.active = fixture.deploy("busy").await;
        fixture.wait_for(&fixture.active, "InProgress").await;
        fixture.queued = fixture.deploy("waiting").await;
        fixture.wait_for(&fixture.queued, "Queued").await;
        fixture
    }

    /// `text` with its words filled in: `$ACTIVE`, `$ENDED` and `$QUEUED` are deployments, `$many(101)` so
    /// many names, `$long(257)` so many letters.
    pub fn fill(&self, codec: Codec, text: &str) -> String {
        let (name, stoppable) = match codec {
            Codec::Json => ("json", &self.active),
            Codec::Cbor => ("cbor", &self.queued),
        };
        let filled = [
            ("$ACTIVE", self.active.as_str()),
            ("$ENDED", &self.ended),
            ("$QUEUED", &self.queued),
            ("$STOPPABLE", stoppable),
            ("$CODEC", name),
            ("$GROUP", GROUP),
            ("$CONFIG", MINIMUM),
            ("$DEPLOY", DEPLOYMENT),
            ("$FILTER", r#"{"Key":"k","Value":"v","Type":"KEY_AND_VALUE"}"#),
            ("$T,", &format!("{TRIGGER},")),
            ("$T]", &format!("{TRIGGER}]")),
            ("$S3", REVISION),
            ("$ROLE", ROLE),
            ("$USER", USER),
            ("$SESSION", SESSION),
            ("$WEB", "$ARN:application:web"),
            ("$ARN", "arn:aws:codedeploy:us-east-1:000000000000"),
        ]
        .iter()
        .fold(text.to_owned(), |text, (word, value)| text.replace(word, value));
        let filled = repeated(&filled, "$many(", |n| {
            (0..n).map(|idx| format!(r#""n{idx}""#)).collect::<Vec<_>>().join(",")
        });
        let filled = repeated(&filled, "$names(", |n| {
            (0..n).map(|idx| format!(r#"{{"name":"n{idx}"}}"#)).collect::<Vec<_>>().join(",")
        });
        let filled = repeated(&filled, "$ids(", |n| {
            (0..n).map(|idx| format!(r#""d-{idx:09}""#)).collect::<Vec<_>>().join(",")
        });
        let filled = repeated(&filled, "$tags(", |n| {
            (0..n).map(|idx| format!(r#"{{"Key":"k{idx}","Value":"v"}}"#)).collect::<Vec<_>>().join(",")
        });
        let filled = repeated(&filled, "$revisions(", |n| vec![REVISION; n].join(","));
        repeated(&filled, "$long(", |n| "a".repeat(n))
    }

    /// Calls `operation` with `input` over `codec` and answers the exception, or nothing and the output.
    ///
    /// # Errors
    /// What is wrong with the answer, whichever it is.
    pub async fn answer(
        &self,
        codec: Codec,
        operation: &str,
        input: &Data,
    ) -> Result<(String, Option<Data>), String> {
        let described = &self.model.operations[operation];
        let shape = described.input.as_deref().expect("every operation of this service has an input");
        let Some(body) = input.encode(codec, shape, &self.model) else {
            return Err(String::from("the protocol cannot say this"));
        };
        let answer = self.client.call(codec, operation, body).await;
        answer.check_head(codec)?;
        if let Some(refusal) = answer.refusal(codec)? {
            let is_text = !refusal.message.trim().is_empty();
            return match (is_text, answer.status.as_u16()) {
                (true, 400) => Ok((refusal.code, None)),
                (_, status) => Err(format!("{}: {:?}, status {status}", refusal.code, refusal.message)),
            };
        }
        let output = crate::validate::check_output(&self.model, codec, described.output.as_deref(), &answer)?;
        Ok((String::new(), output))
    }

    async fn make(&self, operation: &str, input: &str) -> Option<Data> {
        match self.answer(Codec::Json, operation, &Data::parse(input)).await {
            Ok((code, output)) if code.is_empty() => output,
            other => panic!("{operation} {input}: {other:?}"),
        }
    }

    async fn deploy(&self, group: &str) -> String {
        let input =
            format!(r#"{{"applicationName":"web","deploymentGroupName":"{group}","revision":{REVISION}}}"#);
        let output = self.make("CreateDeployment", &input).await.expect("an output");
        output.text(&["deploymentId"]).expect("an id").to_owned()
    }

    /// Waits until deployment `id` has `status`.
    async fn wait_for(&self, id: &str, status: &str) {
        let input = format!(r#"{{"deploymentId":"{id}"}}"#);
        let started = Instant::now();
        loop {
            let output = self.make("GetDeployment", &input).await.expect("an output");
            if output.text(&["deploymentInfo", "status"]) == Some(status) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{id} is not {status}: {output:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// `text` with each `word` and its number up to `)` replaced.
fn repeated(text: &str, word: &str, write: impl Fn(usize) -> String) -> String {
    let mut parts = text.split(word);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (n, rest) = part.split_once(')').expect("a closing parenthesis");
        filled.push_str(&write(n.parse().expect("a number")));
        filled.push_str(rest);
    }
    filled
}
