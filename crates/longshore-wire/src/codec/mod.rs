//! Shapes to bytes and back. Shapes know no codec; a request says which one it speaks.

pub mod cbor;
pub mod json;
mod path;
pub(crate) mod structure;
mod time;

pub(crate) use structure::structure;
pub(crate) use time::ClaimedTime;
pub use time::Time;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// What the bodies of one call are written in; the answer's is that of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// AWS JSON 1.1.
    Json,
    /// Smithy RPC v2 CBOR.
    Cbor,
}

impl Codec {
    /// The `Content-Type` of both directions.
    pub fn content_type(self) -> &'static str {
        match self {
            Codec::Json => json::CONTENT_TYPE,
            Codec::Cbor => cbor::CONTENT_TYPE,
        }
    }

    /// Reads a request body: see [`json::decode`] and [`cbor::decode`].
    ///
    /// # Errors
    /// `SerializationException` naming the member at fault.
    pub fn decode<T: DeserializeOwned>(self, body: &[u8]) -> Result<T, ApiError> {
        match self {
            Codec::Json => json::decode(body),
            Codec::Cbor => cbor::decode(body),
        }
    }

    /// Whether a request body is well-formed at all.
    ///
    /// # Errors
    /// `SerializationException`.
    pub fn check_syntax(self, body: &[u8]) -> Result<(), ApiError> {
        match self {
            Codec::Json => json::check_syntax(body),
            Codec::Cbor => cbor::check_syntax(body),
        }
    }

    /// Writes an answer.
    ///
    /// # Errors
    /// `InternalFailure`: no shape of the models can fail.
    pub fn encode<T: Serialize>(self, shape: &T) -> Result<Vec<u8>, ApiError> {
        match self {
            Codec::Json => json::encode(shape),
            Codec::Cbor => cbor::encode(shape),
        }
    }

    /// The body of an error's answer: a code under `__type`, and a message.
    pub fn encode_error(self, error: &ApiError) -> Vec<u8> {
        match self {
            Codec::Json => error.to_json().into_bytes(),
            Codec::Cbor => error.to_cbor(),
        }
    }
}

/// The output of an operation that declares none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoOutput {}

/// A body that can be read, but is not as the shape says at `member` (empty: at the top).
fn unexpected(member: &str, reason: &str) -> ApiError {
    ApiError::serialization(match member {
        "" => format!("The request body is not as expected: {reason}."),
        _ => format!("The member `{member}` is not as expected: {reason}."),
    })
}
