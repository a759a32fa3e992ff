//! The answer that hands a command to its host. If it does not leave, the command is free again.

use http::Response;
use longshore_engine::host_command::HandedOut;
use longshore_model::id::PrincipalArn;
use longshore_wire::codec::json;
use longshore_wire::error::ApiError;
use longshore_wire::host_command::command_id::{ExecutionId, HostCommandId};
use longshore_wire::host_command::shapes::{HostCommandInstance, PollHostCommandOutput};

use super::CallingHost;
use crate::answer::{Body, WatchedBody};

/// The answer to a poll that got `handed_out` for whoever acts as `host`.
pub(super) fn command(
    call: &CallingHost<'_>,
    host: &PrincipalArn,
    handed_out: &HandedOut,
) -> Result<Response<Body>, ApiError> {
    let output = PollHostCommandOutput { host_command: Some(instance(call, host, handed_out)) };
    let (engine, key) = (call.app.engine.clone(), handed_out.command.key.clone());
    let connection = call.connection.commands.clone();
    // Once it has been handed to the connection, a connection that breaks frees it.
    let on_lost = move || engine.delivery_lost(&key, &connection);
    let unflushed = call.connection.unflushed.clone();
    Ok(WatchedBody::new(json::encode(&output)?, unflushed, on_lost).into_answer())
}

fn instance(call: &CallingHost<'_>, host: &PrincipalArn, handed_out: &HandedOut) -> HostCommandInstance {
    let HandedOut { command, copy } = handed_out;
    let target = &command.key.target;
    let id = HostCommandId {
        deployment: target.deployment.clone(),
        host: target.host.clone(),
        event: command.event,
        event_idx: command.key.event_idx,
        copy: *copy,
    };
    let execution = ExecutionId {
        account: call.app.account_id.clone(),
        region: call.app.region.clone(),
        deployment: target.deployment.clone(),
        host: Some(target.host.clone()),
    };
    HostCommandInstance {
        command_name: Some(command.event.as_str().to_owned()),
        deployment_execution_id: Some(execution.encode()),
        host_command_identifier: Some(id.encode()),
        host_identifier: Some(host.to_string()),
        nonce: Some(command.available_at.millis()),
    }
}
