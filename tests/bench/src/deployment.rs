//! Whole deployments over HTTP to a fleet of simulated hosts, and what other parts need to deploy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::try_join_all;
use longshore_journey::Server;
use longshore_wire::client::{Client, ClientConfig};
use longshore_wire::sigv4::Credentials;
use serde_json::{Value, json};

use crate::figure::Figure;

const PUBLIC: &str = "codedeploy";
const HOSTS_SERVICE: &str = "codedeploy-commands";

/// One no-op seven-event deployment to `n_hosts` hosts that are simulated in this process and answer at once.
pub(crate) async fn fleet(n_hosts: usize) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let server = Server::start(folder.path(), "");
    let root = client(&server, &credentials(&server.env())?)?;
    let hosts = try_join_all((0..n_hosts).map(|idx| simulated_host(&server, &root, idx))).await?;
    group(&root).await?;
    let polls: Vec<_> = hosts
        .into_iter()
        .map(|host| tokio::spawn(async move { host.serve(&AtomicUsize::new(0)).await }))
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
        aim: "under 4 s, load on the same machine",
    }])
}

/// A host that answers at once.
pub(crate) struct SimulatedHost {
    client: Client,
    principal: String,
}

impl SimulatedHost {
    /// Polls and answers as an agent would whose hooks take no time. Counts the first commands of deployments.
    pub(crate) async fn serve(&self, first_commands: &AtomicUsize) -> anyhow::Result<()> {
        loop {
            let answer = self.call("PollHostCommand", json!({"HostIdentifier": self.principal})).await?;
            let command = &answer["HostCommand"];
            let Some(id) = command["HostCommandIdentifier"].as_str() else {
                continue;
            };
            if command["CommandName"] == "ApplicationStop" {
                first_commands.fetch_add(1, Ordering::Relaxed);
            }
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
    let bundle_type = key.rsplit('.').next();
    let new = json!({
        "applicationName": "web",
        "deploymentGroupName": "all",
        "revision": {
            "revisionType": "S3",
            "s3Location": {"bucket": "bundles", "key": key, "bundleType": bundle_type},
        },
    });
    let id = public(root, "CreateDeployment", new).await?["deploymentId"].clone();
    let deadline = Instant::now() + Duration::from_secs(600);
    loop {
        let answer = public(root, "GetDeployment", json!({"deploymentId": id})).await?;
        match answer["deploymentInfo"]["status"].as_str() {
            Some("Succeeded") => return Ok(()),
            Some("Created" | "InProgress") => {}
            other => anyhow::bail!("deployment {id} is {other:?}: {answer}"),
        }
        anyhow::ensure!(Instant::now() < deadline, "deployment {id} takes too long");
        tokio::time::sleep(Duration::from_millis(5)).await;
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
