//! The agent's side of the host command service: four calls. Source: agent.md §1.1 to §1.3.

mod endpoint;
mod error;
mod outgoing;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};
use longshore_wire::client::{self, Client, ClientError};
use longshore_wire::codec::NoOutput;
use longshore_wire::host_command::acknowledgement::Acknowledgement;
use longshore_wire::host_command::shapes::{
    Envelope, GetDeploymentSpecificationInput, GetDeploymentSpecificationOutput, HostCommandInstance,
    PollHostCommandInput, PollHostCommandOutput, PutHostCommandAcknowledgementInput,
    PutHostCommandAcknowledgementOutput, PutHostCommandCompleteInput,
};
use longshore_wire::host_command::{
    DIAGNOSTICS_FORMAT, HostOperation, SCRIPT_TIMES_FORM, SCRIPT_TIMES_HEADER, SECURE_SIGNING_NAME,
    SECURE_TARGET_PREFIX, SIGNING_NAME,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Settings;
use crate::identity::Identity;
use crate::report::Report;

pub use endpoint::{EndpointError, check_region, command_endpoint, domain_of, s3_endpoint};
pub use error::{CallError, is_about_credentials};
pub(crate) use outgoing::ca_bundle;
pub use outgoing::{Outgoing, USER_AGENT, wire_log_path};

/// The header by which agents say their version; signed.
const VERSION_HEADER: &str = "x-amz-codedeploy-agent-version";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The configuration makes none.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The CA bundle named in the environment.
    #[error("cannot read the CA bundle {}", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The version of the agent cannot be sent.
    #[error("the agent version `{0}` cannot be sent in a header")]
    Version(String),
}

/// The command service, as this host.
#[derive(Debug)]
pub struct CommandService {
    client: Client,
    endpoint: String,
    identity: Arc<Identity>,
    is_secure: bool,
    retries: Vec<Duration>,
    takes_script_times: AtomicBool,
}

impl CommandService {
    /// The service that `settings` name, called as `identity`.
    ///
    /// # Errors
    /// [`ConnectError`]; nothing is sent yet.
    pub fn new(
        settings: &Settings,
        outgoing: &Outgoing,
        identity: Arc<Identity>,
        agent_version: &str,
    ) -> Result<CommandService, ConnectError> {
        let endpoint = command_endpoint(settings, &identity.region, identity.domain.as_deref());
        tracing::info!("CodeDeploy endpoint: {endpoint}");
        let version = HeaderValue::from_str(agent_version)
            .map_err(|_| ConnectError::Version(agent_version.to_owned()))?;
        let mut config = outgoing.client_config(&identity, endpoint.clone());
        config.headers = vec![(HeaderName::from_static(VERSION_HEADER), version)];
        Ok(CommandService {
            client: Client::new(config)?,
            endpoint,
            identity,
            is_secure: settings.enable_auth_policy,
            retries: client::RETRIES.to_vec(),
            takes_script_times: AtomicBool::new(false),
        })
    }

    /// Where the service is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The own host identifier.
    pub fn host_identifier(&self) -> &str {
        &self.identity.host_identifier
    }

    /// The own region.
    pub fn region(&self) -> &str {
        &self.identity.region
    }

    /// Whether the service has said, with its latest answer, that it takes how long scripts ran. Whoever has a
    /// command to report has had answers.
    pub fn takes_script_times(&self) -> bool {
        self.takes_script_times.load(Ordering::Relaxed)
    }

    /// Asks for a command; the service may hold the call for a while when it has none.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn poll(&self) -> Result<Option<HostCommandInstance>, CallError> {
        let input = PollHostCommandInput { host_identifier: Some(self.host_identifier().to_owned()) };
        let output: PollHostCommandOutput = self.call(HostOperation::PollHostCommand, &input, "").await?;
        Ok(output.host_command)
    }

    /// Asks what a command is about.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn specification(
        &self,
        deployment_execution_id: &str,
    ) -> Result<GetDeploymentSpecificationOutput, CallError> {
        let input = GetDeploymentSpecificationInput {
            deployment_execution_id: Some(deployment_execution_id.to_owned()),
            host_identifier: Some(self.host_identifier().to_owned()),
        };
        let shown = format!("deployment_execution_id:{deployment_execution_id:?},");
        self.call(HostOperation::GetDeploymentSpecification, &input, &shown).await
    }

    /// Takes a command, and answers what the service thinks its status is. `is_unsure` is set once an
    /// attempt has failed though the service may have taken it.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn acknowledge(
        &self,
        host_command_identifier: &str,
        is_noop: bool,
        is_unsure: &AtomicBool,
    ) -> Result<Option<String>, CallError> {
        let input = PutHostCommandAcknowledgementInput {
            diagnostics: Some(diagnostics(Acknowledgement { is_noop }.to_payload())),
            host_command_identifier: Some(host_command_identifier.to_owned()),
        };
        let shown = format!("host_command_identifier:{host_command_identifier:?},");
        let operation = HostOperation::PutHostCommandAcknowledgement;
        let output: PutHostCommandAcknowledgementOutput =
            self.call_noting(operation, &input, &shown, is_unsure).await?;
        Ok(output.command_status)
    }

    /// Reports the end of a command.
    ///
    /// # Errors
    /// [`CallError`], after the retries.
    pub async fn complete(&self, report: &Report) -> Result<(), CallError> {
        let input = PutHostCommandCompleteInput {
            command_status: Some(report.status.as_str().to_owned()),
            diagnostics: Some(diagnostics(report.diagnostics.clone())),
            host_command_identifier: Some(report.host_command_identifier.clone()),
        };
        let status = report.status.as_str();
        let id = &report.host_command_identifier;
        let shown = format!("command_status:{status:?},host_command_identifier:{id:?},");
        let NoOutput {} = self.call(HostOperation::PutHostCommandComplete, &input, &shown).await?;
        Ok(())
    }

    /// One call with its retries, logged as the original logs it.
    async fn call<I, O>(&self, operation: HostOperation, input: &I, shown: &str) -> Result<O, CallError>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        self.call_noting(operation, input, shown, &AtomicBool::new(false)).await
    }

    /// The same, setting `is_unsure` once an attempt has failed though the service may have taken it.
    async fn call_noting<I, O>(
        &self,
        operation: HostOperation,
        input: &I,
        shown: &str,
        is_unsure: &AtomicBool,
    ) -> Result<O, CallError>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        let started = Instant::now();
        let mut n_retries = 0;
        let mut is_renewed = false;
        let result = loop {
            let error = match self.attempt(operation, input).await {
                Ok(output) => break Ok(output),
                Err(error) => error,
            };
            is_unsure.fetch_or(error.may_have_been_taken(), Ordering::Relaxed);
            // Keys that were just renewed are worth one more attempt at once (I-14).
            if error.is_about_credentials() && !is_renewed && self.identity.credentials.renew().await {
                is_renewed = true;
            } else if error.is_transient() && n_retries < self.retries.len() {
                tokio::time::sleep(self.retries[n_retries]).await;
                n_retries += 1;
            } else {
                break Err(error);
            }
        };
        let status = match &result {
            Ok(_) => "200".to_owned(),
            Err(error) => error.status().map(|status| status.to_string()).unwrap_or_default(),
        };
        let outcome = match &result {
            Ok(_) => String::new(),
            Err(error) => format!(" {error}"),
        };
        tracing::info!(
            "[Aws::CodeDeployCommand::Client {status} {:.6} {n_retries} retries] {}({shown}host_identifier:{:?})\
             {outcome}",
            started.elapsed().as_secs_f64(),
            snake_case(operation.name()),
            self.host_identifier(),
        );
        result
    }

    async fn attempt<I, O>(&self, operation: HostOperation, input: &I) -> Result<O, CallError>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        self.client.set_credentials(self.identity.credentials.current().await?);
        let secure_target;
        let (service, target) = if self.is_secure {
            secure_target = format!("{SECURE_TARGET_PREFIX}.{}", operation.name());
            (SECURE_SIGNING_NAME, secure_target.as_str())
        } else {
            (SIGNING_NAME, operation.target())
        };
        // An error may be a proxy's, and says nothing about the service.
        let (headers, output) = self.client.call_json_for_headers(service, target, input).await?;
        let is_taking = headers.get(SCRIPT_TIMES_HEADER).is_some_and(|form| form == SCRIPT_TIMES_FORM);
        self.takes_script_times.store(is_taking, Ordering::Relaxed);
        Ok(output)
    }
}

fn diagnostics(payload: String) -> Envelope {
    Envelope { format: Some(DIAGNOSTICS_FORMAT.to_owned()), payload: Some(payload) }
}

/// `PollHostCommand` to `poll_host_command`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_logged_in_snake_case() {
        assert_eq!(snake_case("PollHostCommand"), "poll_host_command");
    }
}
