//! Whole deployments over HTTP to a fleet of simulated hosts, and what other parts need to deploy.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use futures::future::try_join_all;
use longshore_journey::Server;
use longshore_wire::client::{Client, ClientConfig};
use longshore_wire::sigv4::Credentials;
use serde_json::{Value, json};

use crate::figure::{Aim, Figure};

/// How long a deployment may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(600);

const PUBLIC: &str = "codedeploy";
const HOSTS_SERVICE: &str = "codedeploy-commands";
/// The first and the last lifecycle event of a deployment in place.
const FIRST: &str = "ApplicationStop";
const LAST: &str = "ValidateService";

/// One no-op seven-event deployment to `n_hosts` hosts that are simulated in this process and answer at once.
pub(crate) async fn fleet(n_hosts: usize) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let server = Server::start(folder.path(), "");
    let root = client(&server, &credentials(&server.env())?)?;
    let hosts = try_join_all((0..n_hosts).map(|idx| simulated_host(&server, &root, idx))).await?;
    group(&root).await?;
    let polls: Vec<_> = hosts
        .into_iter()
        .map(|host| tokio::spawn(async move { host.serve(&Progress::default()).await }))
        .collect();
    // Polls are parked before the clock starts, as on a fleet that is up.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    deploy_and_wait(&root, "app.zip").await?;
    let seconds = started.elapsed().as_secs_f64();
    for poll in polls {
        poll.abort();
    }
    Ok(vec![Figure {
        name: String::from("no-op deployment, 200 simulated hosts"),
        value: seconds,
        unit: "s",
        floor: None,
        aim: Aim::Under(4.0),
    }])
}

/// What hosts have come to in the present deployment.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many have got its first command.
    first_commands: AtomicUsize,
    /// How many have reported on its last one.
    last_reports: AtomicUsize,
    /// When the first and the last host had its first command, in milliseconds since the epoch.
    first_woken_at: AtomicI64,
    last_woken_at: AtomicI64,
    /// Since when those commands were planned.
    planned_at: AtomicI64,
}

impl Progress {
    /// Before the next deployment.
    pub(crate) fn clear(&self) {
        self.first_commands.store(0, Ordering::Relaxed);
        self.last_reports.store(0, Ordering::Relaxed);
        self.first_woken_at.store(i64::MAX, Ordering::Relaxed);
        self.last_woken_at.store(0, Ordering::Relaxed);
        self.planned_at.store(0, Ordering::Relaxed);
    }

    /// How many hosts have got the first command.
    pub(crate) fn woken(&self) -> usize {
        self.first_commands.load(Ordering::Relaxed)
    }

    /// How many have reported on the last command.
    pub(crate) fn done(&self) -> usize {
        self.last_reports.load(Ordering::Relaxed)
    }

    /// How long it took to wake all: from when the first host had its command until the last had, in seconds.
    pub(crate) fn waking(&self) -> f64 {
        self.until_last(&self.first_woken_at)
    }

    /// The same from when the commands were planned, which they are before they are written.
    pub(crate) fn planned_to_woken(&self) -> f64 {
        self.until_last(&self.planned_at)
    }

    fn until_last(&self, since: &AtomicI64) -> f64 {
        let since = since.load(Ordering::Relaxed);
        self.last_woken_at.load(Ordering::Relaxed).saturating_sub(since) as f64 / 1000.0
    }

    /// A host has got a command. Its nonce is the time since when it was there.
    fn got(&self, command: &Value) {
        if command["CommandName"] != FIRST {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.first_woken_at.fetch_min(now, Ordering::Relaxed);
        self.last_woken_at.fetch_max(now, Ordering::Relaxed);
        self.planned_at.fetch_max(command["Nonce"].as_i64().unwrap_or(0), Ordering::Relaxed);
        self.first_commands.fetch_add(1, Ordering::Relaxed);
    }

    fn reported(&self, command: &Value) {
        if command["CommandName"] == LAST {
            self.last_reports.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A host that answers at once.
pub(crate) struct SimulatedHost {
    client: Client,
    principal: String,
}

impl SimulatedHost {
    /// Polls and answers as an agent would whose hooks take no time.
    pub(crate) async fn serve(&self, progress: &Progress) -> anyhow::Result<()> {
        loop {
            let answer = self.call("PollHostCommand", json!({"HostIdentifier": self.principal})).await?;
            let command = &answer["HostCommand"];
            let Some(id) = command["HostCommandIdentifier"].as_str() else {
                continue;
            };
            progress.got(command);
            let execution = &command["DeploymentExecutionId"];
            let specification = json!({"DeploymentExecutionId": execution, "HostIdentifier": self.principal});
            self.call("GetDeploymentSpecification", specification).await?;
            self.call("PutHostCommandAcknowledgement", json!({"HostCommandIdentifier": id})).await?;
            let payload = r#"{"error_code":0,"script_name":"","message":"Succeeded: ","log":""}"#;
            let complete = json!({
                "HostCommandIdentifier": id,
                "CommandStatus": "Succeeded",
                "Diagnostics": {"Format": "JSON", "Payload": payload},
            });
            self.call("PutHostCommandComplete", complete).await?;
            progress.reported(command);
        }
    }

    async fn call(&self, operation: &str, input: Value) -> anyhow::Result<Value> {
        let target = format!("CodeDeployCommandService_v20141006.{operation}");
        Ok(self.client.call_json(HOSTS_SERVICE, &target, &input).await?)
    }
}

/// Makes one, as `aws deploy register` would.
pub(crate) async fn simulated_host(
    server: &Server,
    root: &Client,
    idx: usize,
) -> anyhow::Result<SimulatedHost> {
    let name = format!("h{idx}");
    let user = root
        .query(
            "iam",
            &[
                ("Action", "CreateUser"),
                ("Version", "2010-05-08"),
                ("UserName", &name),
                ("Path", "/AWS/CodeDeploy/"),
            ],
        )
        .await?;
    let key = root
        .query("iam", &[("Action", "CreateAccessKey"), ("Version", "2010-05-08"), ("UserName", &name)])
        .await?;
    let principal = element(&user, "Arn")?;
    public(root, "RegisterOnPremisesInstance", json!({"instanceName": name, "iamUserArn": principal}))
        .await?;
    let tags = json!({"instanceNames": [name], "tags": [{"Key": "Role", "Value": "web"}]});
    public(root, "AddTagsToOnPremisesInstances", tags).await?;
    let env = vec![
        (String::from("AWS_ACCESS_KEY_ID"), element(&key, "AccessKeyId")?),
        (String::from("AWS_SECRET_ACCESS_KEY"), element(&key, "SecretAccessKey")?),
    ];
    Ok(SimulatedHost { client: client(server, &credentials(&env)?)?, principal })
}

/// An application and a group of all hosts.
pub(crate) async fn group(root: &Client) -> anyhow::Result<()> {
    // The application may be there already: both callers want it to be.
    let _ = public(root, "CreateApplication", json!({"applicationName": "web"})).await;
    let group = json!({
        "applicationName": "web",
        "deploymentGroupName": "all",
        "serviceRoleArn": "arn:aws:iam::000000000000:role/CodeDeploy",
        "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
        "onPremisesInstanceTagFilters": [{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}],
    });
    public(root, "CreateDeploymentGroup", group).await?;
    Ok(())
}

/// Deploys `bundles/KEY`, whose ending is its type, and waits until that has succeeded.
pub(crate) async fn deploy_and_wait(root: &Client, key: &str) -> anyhow::Result<()> {
    let id = create_deployment(root, key).await?;
    succeeded(root, &id).await
}

/// Begins to deploy `bundles/KEY` and answers the deployment's id.
pub(crate) async fn create_deployment(root: &Client, key: &str) -> anyhow::Result<Value> {
    let bundle_type = key.rsplit('.').next();
    let new = json!({
        "applicationName": "web",
        "deploymentGroupName": "all",
        "revision": {
            "revisionType": "S3",
            "s3Location": {"bucket": "bundles", "key": key, "bundleType": bundle_type},
        },
    });
    Ok(public(root, "CreateDeployment", new).await?["deploymentId"].clone())
}

/// Waits until a deployment has succeeded.
pub(crate) async fn succeeded(root: &Client, id: &Value) -> anyhow::Result<()> {
    let deadline = Instant::now() + DEADLINE;
    while !is_succeeded(root, id).await? {
        anyhow::ensure!(Instant::now() < deadline, "deployment {id} takes too long");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Whether a deployment has succeeded; any other end is an error.
pub(crate) async fn is_succeeded(root: &Client, id: &Value) -> anyhow::Result<bool> {
    let answer = public(root, "GetDeployment", json!({"deploymentId": id})).await?;
    match answer["deploymentInfo"]["status"].as_str() {
        Some("Succeeded") => Ok(true),
        Some("Created" | "InProgress") => Ok(false),
        other => anyhow::bail!("deployment {id} is {other:?}: {answer}"),
    }
}

pub(crate) async fn public(root: &Client, operation: &str, input: Value) -> anyhow::Result<Value> {
    let target = format!("CodeDeploy_20141006.{operation}");
    root.call_json(PUBLIC, &target, &input).await.with_context(|| operation.to_owned())
}

pub(crate) fn client(server: &Server, credentials: &Credentials) -> anyhow::Result<Client> {
    Ok(Client::new(ClientConfig::new(server.url(), "us-east-1", credentials.clone()))?)
}

/// The keys of a client's variables.
pub(crate) fn credentials(env: &[(String, String)]) -> anyhow::Result<Credentials> {
    let value = |name: &str| {
        let found = env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        found.with_context(|| format!("{name} is not set"))
    };
    Ok(Credentials {
        access_key_id: value("AWS_ACCESS_KEY_ID")?,
        secret_access_key: value("AWS_SECRET_ACCESS_KEY")?,
        session_token: None,
    })
}

/// The text of the first element of this name in an answer whose form is known.
fn element(xml: &str, name: &str) -> anyhow::Result<String> {
    let text = xml.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split("</").next());
    text.map(str::to_owned).with_context(|| format!("no {name} in {xml}"))
}
