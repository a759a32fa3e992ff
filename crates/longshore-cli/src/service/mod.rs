//! The server as the commands see it: its operations in the commands' words, and its refusals with
//! advice.

mod audit;
mod deployments;
mod ec2;
mod enrollment;
mod git_hub;
mod hosts;
mod revisions;
mod timeline;
mod webhook;

use anyhow::Context;
use longshore_wire::api::Operation;
use longshore_wire::api::operations::TARGET_PREFIX;
use longshore_wire::client::{CaBundle, CallError, Client, ClientConfig};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::advice::Advice;
use crate::settings::Connection;

pub(crate) use deployments::NewDeployment;
pub(crate) use enrollment::NewToken;
pub(crate) use hosts::{KnownHost, Tag};
pub(crate) use revisions::{S3Revision, default_bucket};

/// What requests to the CodeDeploy API are signed for.
const SIGNING_NAME: &str = "codedeploy";

/// A server, and the right to use it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    client: Client,
    connection: Connection,
}

impl Service {
    /// The server at `connection`; connects when first used.
    ///
    /// # Errors
    /// When the endpoint is not a URL.
    pub(crate) fn new(connection: Connection) -> anyhow::Result<Service> {
        let Connection { endpoint, region, credentials } = connection.clone();
        let mut config = ClientConfig::new(endpoint, region, credentials);
        // For servers behind a private authority, as the AWS CLI does it.
        if let Some(path) = crate::settings::variable("AWS_CA_BUNDLE") {
            let pem = std::fs::read(&path).with_context(|| format!("cannot read AWS_CA_BUNDLE `{path}`"))?;
            let bundle =
                CaBundle::from_pem(&pem).with_context(|| format!("cannot use AWS_CA_BUNDLE `{path}`"))?;
            config.transport.ca_bundle = Some(bundle);
        }
        let client = Client::new(config)
            .context(Advice::new("the server's address is no use", "write it like http://127.0.0.1:8080"))?;
        Ok(Service { client, connection })
    }

    /// Where it is, and who asks.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn call<I: Serialize, O: DeserializeOwned>(
        &self,
        operation: Operation,
        input: &I,
    ) -> Result<O, CallError> {
        let target = format!("{TARGET_PREFIX}.{}", operation.name());
        self.client.call_json(SIGNING_NAME, &target, input).await
    }
}

/// An answer without members that anybody looks at.
#[derive(Debug, serde::Deserialize)]
struct Ignored {}

/// Adds what was tried, and advice where the refusal has a usual cause.
fn explained<T>(result: Result<T, CallError>, tried: impl Into<String>) -> anyhow::Result<T> {
    result.map_err(|error| {
        let tried = tried.into();
        match hint(&error) {
            Some(hint) => anyhow::Error::new(error).context(Advice::new(tried, hint)),
            None => anyhow::Error::new(error).context(tried),
        }
    })
}

/// What usually helps.
fn hint(error: &CallError) -> Option<&'static str> {
    match error {
        CallError::Network { .. } => {
            Some("check that the server runs (`longshore up` starts one), and --endpoint-url")
        }
        CallError::Timeout { .. } => {
            Some("the server is overloaded or a firewall drops packets: look at its log")
        }
        CallError::Decode { .. } => {
            Some("check that --endpoint-url is a Longshore server and of this version")
        }
        CallError::Request { .. } | CallError::File { .. } => None,
        CallError::Service { code, .. } => hint_for_code(code),
    }
}

fn hint_for_code(code: &str) -> Option<&'static str> {
    match code {
        "UnrecognizedClientException" | "InvalidAccessKeyId" | "InvalidClientTokenId" => Some(
            "this access key is another server's: run eval \"$(longshore env)\", or name the server's --data-dir",
        ),
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            Some("check the secret access key, --region, and this machine's clock")
        }
        "AccessDeniedException" | "AccessDenied" => {
            Some("use a key that may do this, e.g. the server's root key")
        }
        "ApplicationDoesNotExistException" | "DeploymentGroupDoesNotExistException" => {
            Some("make it with `longshore deploy ... --create --tag Key=Value`, or check the spelling")
        }
        "DeploymentConfigDoesNotExistException" => Some(
            "predefined: CodeDeployDefault.OneAtATime, CodeDeployDefault.HalfAtATime, CodeDeployDefault.AllAtOnce",
        ),
        "DeploymentLimitExceededException" => {
            Some("follow the other deployment with `longshore watch ID`, or end it with `longshore stop ID`")
        }
        "DeploymentDoesNotExistException" | "InvalidDeploymentIdException" => {
            Some("`longshore status` lists the latest deployments")
        }
        "GitHubAccountTokenDoesNotExistException" => {
            Some("`longshore github list` lists the names of the tokens")
        }
        "InstanceNameAlreadyRegisteredException" | "EntityAlreadyExists" => {
            Some("choose another name; `longshore hosts` lists the names in use")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_was_tried_and_what_to_do() {
        let refusal = CallError::Service {
            status: 400,
            code: String::from("ApplicationDoesNotExistException"),
            message: String::from("No application found for name: shop"),
            request_id: None,
            bucket_region: None,
        };
        let error = explained::<()>(Err(refusal), "cannot deploy `shop`").expect_err("refused");
        let shown = crate::advice::shown(&error);
        let expected = "\
error: cannot deploy `shop`
  because: ApplicationDoesNotExistException: No application found for name: shop
hint: make it with `longshore deploy ... --create --tag Key=Value`, or check the spelling";
        assert_eq!(shown, expected);
    }
}
