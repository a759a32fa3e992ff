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
use longshore_model::lifecycle::{CommandCopy, EventState};
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
use crate::answer::{self, Body};
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

/// What a host asks, read and checked. It holds nothing of the request that it came with: a poll waits long,
/// and there is one of each host.
pub(crate) struct HostCall<'a> {
    app: &'a App,
    connection: &'a Connection,
    /// Who signed.
    signer: PrincipalArn,
    asked: Asked,
}

/// The operation with its input.
enum Asked {
    Poll { input: PollHostCommandInput, agent_version: Option<String> },
    Specification(GetDeploymentSpecificationInput),
    Acknowledge(PutHostCommandAcknowledgementInput),
    Complete(Box<PutHostCommandCompleteInput>),
    Update(PostHostCommandUpdateInput),
}

impl Asked {
    fn of(operation: HostOperation, parts: &Parts, body: &[u8]) -> Result<Asked, ApiError> {
        Ok(match operation {
            HostOperation::PollHostCommand => {
                let version = parts.headers.get("x-amz-codedeploy-agent-version");
                let agent_version = version.and_then(|value| value.to_str().ok()).map(str::to_owned);
                Asked::Poll { input: json::decode(body)?, agent_version }
            }
            HostOperation::GetDeploymentSpecification => Asked::Specification(json::decode(body)?),
            HostOperation::PutHostCommandAcknowledgement => Asked::Acknowledge(json::decode(body)?),
            HostOperation::PutHostCommandComplete => Asked::Complete(Box::new(json::decode(body)?)),
            HostOperation::PostHostCommandUpdate => Asked::Update(json::decode(body)?),
        })
    }
}

impl<'a> HostCall<'a> {
    /// What `caller` asks, who may ask it.
    ///
    /// # Errors
    /// `AccessDeniedException`, `SerializationException`.
    pub(crate) fn of(
        app: &'a App,
        connection: &'a Connection,
        caller: &Caller,
        flavour: Flavour,
        operation: HostOperation,
        parts: &Parts,
        body: &[u8],
    ) -> Result<HostCall<'a>, ApiError> {
        if flavour == Flavour::Secure {
            let action = format!("{SECURE_SIGNING_NAME}:{}", operation.name());
            authorize(caller, &action, &Resource::All.arn(app), &caller.context)?;
        }
        let asked = Asked::of(operation, parts, body)?;
        Ok(HostCall { app, connection, signer: caller.arn.clone(), asked })
    }

    /// Answers it.
    ///
    /// # Errors
    /// `ClientException`, `AccessDeniedException`, or a failure of ours.
    pub(crate) async fn answer(self) -> Result<Response<Body>, ApiError> {
        let HostCall { app, connection, signer, asked } = self;
        let host = CallingHost { app, connection, signer };
        match asked {
            Asked::Poll { input, agent_version } => host.poll(input, agent_version).await,
            Asked::Specification(input) => Box::pin(host.specification(input)).await,
            Asked::Acknowledge(input) => Box::pin(host.acknowledge(input)).await,
            Asked::Complete(input) => Box::pin(host.complete(*input)).await,
            Asked::Update(input) => Box::pin(host.update(input)).await,
        }
    }
}

/// The host that asks.
struct CallingHost<'a> {
    app: &'a App,
    connection: &'a Connection,
    /// Who signed.
    signer: PrincipalArn,
}

impl CallingHost<'_> {
    async fn poll(
        &self,
        input: PollHostCommandInput,
        agent_version: Option<String>,
    ) -> Result<Response<Body>, ApiError> {
        let host = self.identify(input.host_identifier.as_deref()).await?;
        drop(input);
        let polling = self.app.engine.poll(&host, agent_version, &self.connection.commands);
        match polling.await.map_err(refused)? {
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
        let engine = &self.app.engine;
        if let Some(kept) = self.app.specifications.kept_for_all(&id.deployment) {
            engine.check_target(&host, &id.deployment).await.map_err(refused)?;
            return Ok(answer::json(StatusCode::OK, json::encode(&*kept)?));
        }
        let deployment = engine.deployment_for_host(&host, &id.deployment).await.map_err(refused)?;
        let git_hub_secret = engine.git_hub_secret(&deployment).await.map_err(ApiError::internal)?;
        let output = self.app.specifications.of(&deployment, git_hub_secret, engine.now())?;
        Ok(answer::json(StatusCode::OK, json::encode(&*output)?))
    }

    async fn acknowledge(
        &self,
        input: PutHostCommandAcknowledgementInput,
    ) -> Result<Response<Body>, ApiError> {
        let (key, copy) = command(input.host_command_identifier.as_deref())?;
        let host = self.identify_for(&key.target).await?;
        let answer = self.app.engine.acknowledge(&host, &key, copy).await.map_err(refused)?;
        let status = match answer {
            AckAnswer::InProgress => "InProgress",
            AckAnswer::Succeeded => "Succeeded",
            AckAnswer::Failed => "Failed",
        };
        let output = PutHostCommandAcknowledgementOutput { command_status: Some(status.to_owned()) };
        Ok(answer::json(StatusCode::OK, json::encode(&output)?))
    }

    async fn complete(&self, input: PutHostCommandCompleteInput) -> Result<Response<Body>, ApiError> {
        let (key, _) = command(input.host_command_identifier.as_deref())?;
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
        let (key, _) = command(input.host_command_identifier.as_deref())?;
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
        self.app.engine.identify(&self.signer, identifier).await.map_err(refused)
    }

    /// As whom the caller may report on `target`.
    async fn identify_for(&self, target: &TargetKey) -> Result<PrincipalArn, ApiError> {
        self.app.engine.identify_for(&self.signer, &target.host).await.map_err(refused)
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

fn command(identifier: Option<&str>) -> Result<(CommandKey, CommandCopy), ApiError> {
    let text = identifier.unwrap_or_default();
    let id = HostCommandId::decode(text).ok_or_else(|| {
        client(format!("The host command identifier `{}` is not one of this service.", shortened(text)))
    })?;
    let target = TargetKey { deployment: id.deployment, host: id.host };
    Ok((CommandKey { target, event_idx: id.event_idx }, id.copy))
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
