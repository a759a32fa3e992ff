//! The host command service: what host agents call. Source: service.md §9, agent-2x-differences.md §1.
//!
//! A host polls and reports only as itself: its identifier is the ARN of the key that signed, or that of the
//! EC2 instance whose role's session signed. A final report is answered well whenever it can be, since 2.x agents do not send it again.

mod delivery;
mod enroll;
mod specification;

use http::request::Parts;
use http::{Response, StatusCode};
use longshore_bundles::Caller;
use longshore_engine::host_command::{AckAnswer, CommandKey, HostCommandError};
use longshore_engine::target::TargetError;
use longshore_model::id::PrincipalArn;
use longshore_model::lifecycle::EventState;
use longshore_model::target::TargetKey;
use longshore_wire::codec::json;
use longshore_wire::error::ApiError;
use longshore_wire::host_command::command_id::{ExecutionId, HostCommandId};
use longshore_wire::host_command::diagnostics::read_completion;
use longshore_wire::host_command::shapes::{
    GetDeploymentSpecificationInput, PollHostCommandInput, PostHostCommandUpdateInput,
    PostHostCommandUpdateOutput, PutHostCommandAcknowledgementInput, PutHostCommandAcknowledgementOutput,
    PutHostCommandCompleteInput,
};
use longshore_wire::host_command::{HostOperation, SECURE_SIGNING_NAME, SIGNING_NAME};

pub(crate) use self::enroll::enroll;
pub(crate) use self::specification::{SignerRecordError, Specifications};
use crate::answer::{self, Body, WatchedBody};
use crate::app::App;
use crate::authorize::{Resource, authorize};
use crate::listen::Connection;

/// Which of the two target prefixes was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Any registered host may call.
    Classic,
    /// The host's policies must allow it too.
    Secure,
}

impl Flavour {
    /// The service name that requests must be signed for.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Flavour::Classic => SIGNING_NAME,
            Flavour::Secure => SECURE_SIGNING_NAME,
        }
    }
}

/// A call of a host that signed it.
pub(crate) struct HostCall<'a> {
    pub(crate) app: &'a App,
    pub(crate) connection: &'a Connection,
    pub(crate) caller: &'a Caller,
    pub(crate) flavour: Flavour,
    pub(crate) parts: &'a Parts,
}

impl HostCall<'_> {
    /// Answers `operation`.
    ///
    /// # Errors
    /// `ClientException`, `AccessDeniedException`, `SerializationException`, or a failure of ours.
    pub(crate) async fn answer(
        &self,
        operation: HostOperation,
        body: &[u8],
    ) -> Result<Response<Body>, ApiError> {
        if self.flavour == Flavour::Secure {
            let action = format!("{SECURE_SIGNING_NAME}:{}", operation.name());
            authorize(self.caller, &action, &Resource::All.arn(self.app), &self.caller.context)?;
        }
        match operation {
            HostOperation::PollHostCommand => self.poll(json::decode(body)?).await,
            HostOperation::GetDeploymentSpecification => self.specification(json::decode(body)?).await,
            HostOperation::PutHostCommandAcknowledgement => self.acknowledge(json::decode(body)?).await,
            HostOperation::PutHostCommandComplete => self.complete(json::decode(body)?).await,
            HostOperation::PostHostCommandUpdate => self.update(json::decode(body)?).await,
        }
    }

    async fn poll(&self, input: PollHostCommandInput) -> Result<Response<Body>, ApiError> {
        let host = self.identify(input.host_identifier.as_deref()).await?;
        let engine = &self.app.engine;
        let agent_version = self
            .parts
            .headers
            .get("x-amz-codedeploy-agent-version")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let command = engine.poll(&host, agent_version, &self.connection.commands).await.map_err(refused)?;
        match command {
            Some(command) => delivery::command(self, &host, &command),
            None => Ok(answer::json(StatusCode::OK, "{}")),
        }
    }

    async fn specification(
        &self,
        input: GetDeploymentSpecificationInput,
    ) -> Result<Response<Body>, ApiError> {
        let host = self.identify(input.host_identifier.as_deref()).await?;
        let text = input.deployment_execution_id.unwrap_or_default();
        let id = ExecutionId::decode(&text).ok_or_else(|| {
            client(format!("The deployment execution id `{}` is not one of this service.", shortened(&text)))
        })?;
        let deployment = self.app.engine.deployment_for_host(&host, &id.deployment).await.map_err(refused)?;
        let engine = &self.app.engine;
        let git_hub_secret = engine.git_hub_secret(&deployment).await.map_err(ApiError::internal)?;
        let output = self.app.specifications.of(&deployment, git_hub_secret, engine.now())?;
        Ok(answer::json(StatusCode::OK, json::encode(&*output)?))
    }

    async fn acknowledge(
        &self,
        input: PutHostCommandAcknowledgementInput,
    ) -> Result<Response<Body>, ApiError> {
        let key = command_key(input.host_command_identifier.as_deref())?;
        let engine = self.app.engine.clone();
        let host = self.identify_for(&key.target).await?;
        let answer = engine.acknowledge(&host, &key).await.map_err(refused)?;
        let status = match answer {
            AckAnswer::InProgress => "InProgress",
            AckAnswer::Succeeded => "Succeeded",
            AckAnswer::Failed => "Failed",
        };
        let output = PutHostCommandAcknowledgementOutput { command_status: Some(status.to_owned()) };
        if answer != AckAnswer::InProgress {
            return Ok(answer::json(StatusCode::OK, json::encode(&output)?));
        }
        let after_flush = self.connection.after_flush.clone();
        // A host whose answer is lost asks again, and must then be told to go on.
        let on_flushed = move || engine.ack_answered(&key);
        Ok(WatchedBody::new(json::encode(&output)?, after_flush, on_flushed, || {}).into_answer())
    }

    async fn complete(&self, input: PutHostCommandCompleteInput) -> Result<Response<Body>, ApiError> {
        let key = command_key(input.host_command_identifier.as_deref())?;
        let is_success = match input.command_status.as_deref() {
            Some("Succeeded") => true,
            Some("Failed") => false,
            other => {
                let shown = shortened(other.unwrap_or_default());
                return Err(client(format!("The command status `{shown}` is not Succeeded or Failed.")));
            }
        };
        let payload = input.diagnostics.and_then(|envelope| envelope.payload);
        let diagnostics = read_completion(payload.as_deref(), is_success);
        let engine = &self.app.engine;
        let host = self.identify_for(&key.target).await?;
        engine.complete(&host, &key, is_success, diagnostics).await.map_err(refused)?;
        Ok(answer::json(StatusCode::OK, ""))
    }

    /// No present agent calls this; it tells how the command stands and changes nothing.
    async fn update(&self, input: PostHostCommandUpdateInput) -> Result<Response<Body>, ApiError> {
        let key = command_key(input.host_command_identifier.as_deref())?;
        let TargetKey { deployment, host } = &key.target;
        let no_command = || refused(HostCommandError::NoSuchCommand(host.clone()));
        let target = self.app.engine.target(deployment, host).await.map_err(|error| match error {
            TargetError::Store(source) => ApiError::internal(source),
            TargetError::NoSuchDeployment(_) | TargetError::NotStarted(_) | TargetError::NotFound { .. } => {
                no_command()
            }
        })?;
        if target.principal != self.identify_for(&key.target).await? {
            return Err(no_command());
        }
        let status = match target.event(key.event_idx).map(|event| &event.state) {
            None => return Err(no_command()),
            Some(EventState::Pending) => "Pending",
            Some(EventState::InProgress { .. }) => "InProgress",
            Some(EventState::Succeeded { .. }) => "Succeeded",
            Some(EventState::Failed { .. } | EventState::Skipped) => "Failed",
        };
        let output = PostHostCommandUpdateOutput { command_status: Some(status.to_owned()) };
        Ok(answer::json(StatusCode::OK, json::encode(&output)?))
    }

    /// A host speaks only for itself.
    async fn identify(&self, identifier: Option<&str>) -> Result<PrincipalArn, ApiError> {
        let Some(identifier) = identifier.filter(|identifier| !identifier.is_empty()) else {
            return Err(client(String::from("The host identifier is missing.")));
        };
        self.app.engine.identify(&self.caller.arn, identifier).await.map_err(refused)
    }

    /// As whom the caller may report on `target`.
    async fn identify_for(&self, target: &TargetKey) -> Result<PrincipalArn, ApiError> {
        self.app.engine.identify_for(&self.caller.arn, &target.host).await.map_err(refused)
    }
}

/// The one place where a host's failures become exceptions.
fn refused(error: HostCommandError) -> ApiError {
    match error {
        HostCommandError::NotRegistered(principal) => denied(format!(
            "User: {principal} is not registered as an on-premises instance and may not use the host command service."
        )),
        HostCommandError::NotItself { identifier, principal } => denied(format!(
            "The host identifier `{}` is not the identity that signed the request: {principal}",
            shortened(&identifier)
        )),
        HostCommandError::NoSuchInstance(id) => denied(format!(
            "The EC2 instance {id} is not in the inventory of this server and may not use the host command service."
        )),
        HostCommandError::NotTheInstance { instance, principal } => denied(format!(
            "User: {principal} is not the EC2 instance {instance}: that signs as a session of the role in its \
             instance profile, as the inventory has it, and the session has the instance's id for a name."
        )),
        HostCommandError::NoSuchCommand(host) => client(format!("The host `{host}` has no such command.")),
        HostCommandError::NotATarget(id) => {
            client(format!("The host has no part in the deployment `{id}`, or there is no such deployment."))
        }
        HostCommandError::Store(source) => ApiError::internal(source),
    }
}

fn command_key(identifier: Option<&str>) -> Result<CommandKey, ApiError> {
    let text = identifier.unwrap_or_default();
    let id = HostCommandId::decode(text).ok_or_else(|| {
        client(format!("The host command identifier `{}` is not one of this service.", shortened(text)))
    })?;
    let target = TargetKey { deployment: id.deployment, host: id.host };
    Ok(CommandKey { target, event_idx: id.event_idx })
}

fn client(message: String) -> ApiError {
    ApiError::client("ClientException", message)
}

fn denied(message: String) -> ApiError {
    ApiError::client("AccessDeniedException", message)
}

fn shortened(text: &str) -> String {
    text.chars().take(128).collect()
}
