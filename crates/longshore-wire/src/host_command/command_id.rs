//! The identifiers that a host command carries. Agents treat them as opaque; the service reads them
//! back, so that a command needs no record of its own.
//!
//! A host command identifier ends with a dot and the number of the copy that was handed out. What stands before
//! it is the same for every copy, so that an agent that knows of this can tell that two are of one command.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use longshore_model::id::{DeploymentId, HostId};
use longshore_model::lifecycle::{CommandCopy, LifecycleEventName};
use serde::{Deserialize, Serialize};

/// The most characters of a `DeploymentExecutionId`. Source: the service model.
const MAX_EXECUTION_ID_CHARS: usize = 129;

/// The host part of an execution id when it does not name the host.
const NO_HOST: &str = "-";

/// Which copy of which command: one event of one target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostCommandId {
    /// The deployment.
    pub deployment: DeploymentId,
    /// The host.
    pub host: HostId,
    /// The command's name.
    pub event: LifecycleEventName,
    /// The event's index in the target's list.
    pub event_idx: u32,
    /// The copy of it that was handed out.
    pub copy: CommandCopy,
}

/// Between the command and the number of its copy. Not of the alphabet of base64.
const BEFORE_COPY: char = '.';

/// What is the same in the identifiers of all copies of a command: all of the identifiers of other services.
pub fn command_part(identifier: &str) -> &str {
    identifier.split_once(BEFORE_COPY).map_or(identifier, |(command, _)| command)
}

/// The JSON inside.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    deployment_id: String,
    host_id: String,
    command_name: String,
    command_position: u32,
}

impl HostCommandId {
    /// The text that goes to the agent.
    pub fn encode(&self) -> String {
        let document = Document {
            deployment_id: self.deployment.to_string(),
            host_id: self.host.to_string(),
            command_name: self.event.as_str().to_owned(),
            command_position: self.event_idx,
        };
        let command = serde_json::to_vec(&document).expect("texts and a number have a JSON form");
        format!("{}{BEFORE_COPY}{}", STANDARD.encode(command), self.copy.0)
    }

    /// Reads a text that came back; nothing for whatever this service did not write.
    pub fn decode(text: &str) -> Option<HostCommandId> {
        let (command, copy) = text.split_once(BEFORE_COPY)?;
        let json = STANDARD.decode(command).ok()?;
        let document: Document = serde_json::from_slice(&json).ok()?;
        let id = HostCommandId {
            deployment: DeploymentId::parse(&document.deployment_id).ok()?,
            host: HostId::parse(&document.host_id).ok()?,
            event: LifecycleEventName::from_name(&document.command_name)?,
            event_idx: document.command_position,
            copy: CommandCopy(copy.parse().ok()?),
        };
        // One copy, one text: no second spelling may pass for it.
        (id.encode() == text).then_some(id)
    }
}

/// Whose specification: `<account>/<region>/<deployment id>/<host id or ->`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExecutionId {
    /// The account id.
    pub account: String,
    /// The region.
    pub region: String,
    /// The deployment.
    pub deployment: DeploymentId,
    /// The host; absent when it was too long to fit.
    pub host: Option<HostId>,
}

impl ExecutionId {
    /// The text that goes to the agent.
    pub fn encode(&self) -> String {
        let head = format!("{}/{}/{}/", self.account, self.region, self.deployment);
        let host = self.host.as_ref().map_or(NO_HOST, HostId::as_str);
        let fits = head.chars().count() + host.chars().count() <= MAX_EXECUTION_ID_CHARS;
        head + if fits { host } else { NO_HOST }
    }

    /// Reads a text that came back; nothing for whatever this service did not write.
    pub fn decode(text: &str) -> Option<ExecutionId> {
        if MAX_EXECUTION_ID_CHARS < text.chars().count() {
            return None;
        }
        let parts: Vec<&str> = text.split('/').collect();
        let [account, region, deployment, host] = parts.as_slice() else {
            return None;
        };
        if account.is_empty() || region.is_empty() {
            return None;
        }
        let host = match *host {
            NO_HOST => None,
            name => Some(HostId::parse(name).ok()?),
        };
        let deployment = DeploymentId::parse(deployment).ok()?;
        Some(ExecutionId { account: (*account).to_owned(), region: (*region).to_owned(), deployment, host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> HostCommandId {
        HostCommandId {
            deployment: DeploymentId::parse("d-A1B2C3D4E").expect("an id"),
            host: HostId::parse("web-1").expect("a name"),
            event: LifecycleEventName::Install,
            event_idx: 3,
            copy: CommandCopy(7),
        }
    }

    fn execution(host: &str) -> ExecutionId {
        ExecutionId {
            account: String::from("000000000000"),
            region: String::from("us-east-1"),
            deployment: DeploymentId::parse("d-A1B2C3D4E").expect("an id"),
            host: Some(HostId::parse(host).expect("a name")),
        }
    }

    #[track_caller]
    fn check_junk(text: &str) {
        assert_eq!(HostCommandId::decode(text), None, "{text}");
        assert_eq!(ExecutionId::decode(text), None, "{text}");
    }

    #[test]
    fn ids_come_back() {
        assert_eq!(HostCommandId::decode(&command().encode()), Some(command()));
        assert_eq!(ExecutionId::decode(&execution("web-1").encode()), Some(execution("web-1")));
        assert_eq!(execution("web-1").encode(), "000000000000/us-east-1/d-A1B2C3D4E/web-1");
    }

    #[test]
    fn copies_of_one_command_have_one_part() {
        let (one, other) = (command(), HostCommandId { copy: CommandCopy(8), ..command() });
        assert_ne!(one.encode(), other.encode());
        assert_eq!(command_part(&one.encode()), command_part(&other.encode()));
        let next = HostCommandId { event_idx: 4, ..command() };
        assert_ne!(command_part(&one.encode()), command_part(&next.encode()));
        for of_others in ["hc-6c90a1cfba5f4426aa24b5390f9d2296", "WyJjb20iLCB7fV0=", ""] {
            assert_eq!(command_part(of_others), of_others);
        }
    }

    #[test]
    fn a_long_host_name_gives_way_to_a_dash() {
        let encoded = execution(&"h".repeat(100)).encode();
        assert_eq!(encoded, "000000000000/us-east-1/d-A1B2C3D4E/-");
        assert_eq!(ExecutionId::decode(&encoded).expect("an id").host, None);
    }

    #[test]
    fn junk_is_refused() {
        check_junk("");
        check_junk("hc-6c90a1cfba5f4426aa24b5390f9d2296");
        check_junk("////");
        check_junk("a/b/d-A1B2C3D4E");
        check_junk("a/b/d-a1b2c3d4e/web-1");
        check_junk("a/b/d-A1B2C3D4E/../x");
        check_junk(&(STANDARD.encode("{}") + ".7"));
        let encoded = command().encode();
        check_junk(encoded.strip_suffix(".7").expect("a copy"));
        for copy in ["", "x", "07", "+7", "-1", "4294967296", "7.7"] {
            check_junk(&format!("{}.{copy}", command_part(&encoded)));
        }
        check_junk(
            &(STANDARD.encode(
                r#"{"deploymentId":"../..","hostId":"web-1","commandName":"Install","commandPosition":3}"#,
            ) + ".7"),
        );
        check_junk(&(STANDARD.encode(
            r#"{"deploymentId":"d-A1B2C3D4E","hostId":"web-1","commandName":"Destroy","commandPosition":3}"#,
        ) + ".7"));
        check_junk(&(STANDARD.encode(
            r#"{"deploymentId":"d-A1B2C3D4E","hostId":"web-1","commandName":"Install","commandPosition":-1}"#,
        ) + ".7"));
        // The same command in another spelling.
        check_junk(&(STANDARD.encode(
            r#"{"hostId":"web-1","deploymentId":"d-A1B2C3D4E","commandName":"Install","commandPosition":3}"#,
        ) + ".7"));
    }
}
