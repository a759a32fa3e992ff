//! Why this machine did not become a host, and what to do about it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use longshore_model::id::NameError;
use longshore_wire::client::{CallError, ClientError};
use longshore_wire::envelope::PinError;

use super::agent_file::ComposeError;
use super::place::PlaceError;
use super::token::TokenError;
use crate::service::ConnectError;

/// How far a clock is from the server's: one of the two is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClockOff {
    pub(super) behind: Duration,
    pub(super) ahead: Duration,
}

impl fmt::Display for ClockOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.behind.max(self.ahead).as_secs();
        match secs / 60 {
            0 => write!(formatter, "{secs} s")?,
            minutes => write!(formatter, "{minutes} min {} s", secs % 60)?,
        }
        formatter.write_str(if self.ahead.is_zero() { " behind" } else { " ahead of" })
    }
}

/// Why this machine did not become a host.
#[derive(Debug, thiserror::Error)]
pub(super) enum EnrollError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the {0}")]
    Name(#[from] NameError),
    #[error("this machine has an identity already: {}{}", path.display(), arn.as_deref().map(|arn| format!(" ({arn})")).unwrap_or_default())]
    HasIdentity { path: PathBuf, arn: Option<String> },
    #[error("cannot read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the agent's configuration file {} is of no use", path.display())]
    AgentFile {
        path: PathBuf,
        #[source]
        source: ComposeError,
    },
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("the system refused something small")]
    System(#[source] std::io::Error),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the server cannot be reached")]
    Unreachable(#[source] CallError),
    #[error("this machine's clock is {0} the server's")]
    Clock(ClockOff),
    #[error("the server refused")]
    Refused(#[source] CallError),
    #[error("the server's signer is not the one that the token announces: nothing was written")]
    Signer(#[source] PinError),
    #[error("it is not known whether the server has enrolled this host, and nothing was written")]
    Lost {
        /// By which the same request can be made again.
        request_id: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<ClientError> for EnrollError {
    fn from(error: ClientError) -> EnrollError {
        EnrollError::Connect(error.into())
    }
}

impl EnrollError {
    /// The same failure when the server has enrolled the host already: its answer can be had again.
    pub(super) fn after_the_answer(self, request_id: &str) -> EnrollError {
        EnrollError::Lost { request_id: request_id.to_owned(), source: Box::new(self) }
    }

    /// What to do, as a phrase that begins with a verb; the server's refusals say so themselves.
    pub(super) fn advice(&self) -> Option<String> {
        let advice = match self {
            EnrollError::Token(TokenError::Absent) => {
                "make one with `longshore hosts token`, and give it with --token, --token-file or \
                 LONGSHORE_ENROLL_TOKEN"
            }
            EnrollError::Token(TokenError::Text(_)) => "copy it whole, without line breaks",
            EnrollError::Name(_) => "choose one with --name",
            EnrollError::HasIdentity { .. } => {
                "replace it with --force; a host whose identity is replaced can no longer poll as what it was"
            }
            EnrollError::AgentFile { .. } => "mend it, or move it away to have one written",
            EnrollError::Place(_) | EnrollError::Unreadable { .. } => {
                "run this as root, or choose --config-dir"
            }
            EnrollError::Clock(_) => {
                "set it, e.g. with `timedatectl set-ntp true`; the server refuses what is signed 5 minutes from \
                 its own time"
            }
            EnrollError::Unreachable(_) => "check --server, and whether this machine may connect to it",
            EnrollError::Refused(error) => return refused(error.code()).map(str::to_owned),
            EnrollError::Signer(_) => {
                "make sure that --server is the one that made the token: somebody in between may have answered; \
                 the token may be used up, and `longshore hosts` shows whether the host was registered"
            }
            EnrollError::Lost { request_id, .. } => {
                return Some(format!(
                    "run the same command again with --request-id {request_id}, while the token is valid; it \
                     counts as one use"
                ));
            }
            EnrollError::Connect(_) => "write it like https://longshore.example:8080",
            EnrollError::Token(TokenError::Unreadable { .. }) | EnrollError::System(_) => return None,
        };
        Some(advice.to_owned())
    }
}

fn refused(code: Option<&str>) -> Option<&'static str> {
    match code? {
        "UnrecognizedClientException" => Some(
            "make another token with `longshore hosts token` on this very server: it does not know this one",
        ),
        "InvalidSignatureException" => Some("copy the token whole, and check this machine's clock"),
        "UnknownOperationException" => Some("check that --server is a Longshore server, and of this version"),
        _ => None,
    }
}
