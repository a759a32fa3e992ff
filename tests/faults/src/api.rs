//! The API as the test calls it: each call once, and without much patience.

use std::time::Duration;

use longshore_journey::Server;
use longshore_wire::client::{CallError, Client, ClientConfig};
use longshore_wire::sigv4::Credentials;
use serde_json::{Value, json};

use crate::record::{Deployment, Target};

/// A database that restarts keeps callers waiting; a server that is killed breaks off.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// The most that a batch call takes. Source: service.md §12.
const BATCH: usize = 25;

/// A caller of one server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    client: Client,
}

impl Api {
    /// The caller with the root key.
    ///
    /// # Panics
    /// When the server has no address to call.
    pub(crate) fn new(server: &Server) -> Api {
        let env = server.env();
        let value = |name: &str| {
            let found = env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            found.unwrap_or_default()
        };
        let credentials = Credentials {
            access_key_id: value("AWS_ACCESS_KEY_ID"),
            secret_access_key: value("AWS_SECRET_ACCESS_KEY"),
            session_token: None,
        };
        let mut config = ClientConfig::new(server.url(), "us-east-1", credentials);
        // A repeated call would hide what became of the first.
        config.retries = Vec::new();
        config.transport.http_read_timeout = READ_TIMEOUT;
        Api { client: Client::new(config).expect("the server's own address") }
    }

    pub(crate) async fn call(&self, operation: &str, input: Value) -> Result<Value, CallError> {
        self.client.call_json("codedeploy", &format!("CodeDeploy_20141006.{operation}"), &input).await
    }

    /// Begins a deployment; answers its id.
    pub(crate) async fn deploy(
        &self,
        application: &str,
        group: &str,
        bucket: &str,
        revision: &str,
    ) -> Result<String, CallError> {
        let location = json!({"bucket": bucket, "key": format!("{revision}.zip"), "bundleType": "zip"});
        let input = json!({
            "applicationName": application,
            "deploymentGroupName": group,
            "revision": {"revisionType": "S3", "s3Location": location},
        });
        let answer = self.call("CreateDeployment", input).await?;
        Ok(answer["deploymentId"].as_str().unwrap_or_default().to_owned())
    }

    /// The ids of all deployments, newest first; of one group, if it is given, in these statuses.
    pub(crate) async fn list(&self, mut input: Value) -> Result<Vec<String>, CallError> {
        let mut ids = Vec::new();
        loop {
            let answer = self.call("ListDeployments", input.clone()).await?;
            ids.extend(strings(&answer["deployments"]));
            match answer["nextToken"].as_str() {
                Some(token) => input["nextToken"] = json!(token),
                None => return Ok(ids),
            }
        }
    }

    /// Deployments without their targets.
    pub(crate) async fn deployments(&self, ids: &[String]) -> Result<Vec<Deployment>, CallError> {
        let mut found = Vec::new();
        for ids in ids.chunks(BATCH) {
            let answer = self.call("BatchGetDeployments", json!({"deploymentIds": ids})).await?;
            let infos = answer["deploymentsInfo"].as_array().map(Vec::as_slice).unwrap_or_default();
            found.extend(infos.iter().map(Deployment::from_info));
        }
        Ok(found)
    }

    /// The targets of a deployment that has begun.
    pub(crate) async fn targets(&self, id: &str) -> Result<Vec<Target>, CallError> {
        let mut ids = Vec::new();
        let mut input = json!({"deploymentId": id});
        loop {
            let answer = self.call("ListDeploymentTargets", input.clone()).await?;
            ids.extend(strings(&answer["targetIds"]));
            match answer["nextToken"].as_str() {
                Some(token) => input["nextToken"] = json!(token),
                None => break,
            }
        }
        let mut found = Vec::new();
        for ids in ids.chunks(BATCH) {
            let input = json!({"deploymentId": id, "targetIds": ids});
            let answer = self.call("BatchGetDeploymentTargets", input).await?;
            let targets = answer["deploymentTargets"].as_array().map(Vec::as_slice).unwrap_or_default();
            found.extend(targets.iter().map(Target::from_answer));
        }
        Ok(found)
    }

    /// A deployment with its targets.
    pub(crate) async fn deployment(&self, id: &str) -> Result<Option<Deployment>, CallError> {
        let Some(mut deployment) = self.deployments(&[id.to_owned()]).await?.pop() else { return Ok(None) };
        deployment.targets = self.targets(id).await?;
        Ok(Some(deployment))
    }
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
