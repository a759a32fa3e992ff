//! Smithy RPC v2 CBOR: bodies to shapes and shapes to bodies. Source: service-additions.md §1.
//!
//! Lengths may be indefinite, `null` and `undefined` are absent, a time is tag 1 with an integer or a
//! float; what is written has definite lengths, no null, and times as tag 1 with a double.

mod read;
mod skip;
#[cfg(test)]
mod tests;

use minicbor::decode::Decoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::read::{ReadError, Reader};
use super::unexpected;
use crate::error::ApiError;

/// The `Content-Type` of both directions.
pub const CONTENT_TYPE: &str = "application/cbor";
/// The value of the header `smithy-protocol` in both directions.
pub const PROTOCOL: &str = "rpc-v2-cbor";
/// What stands before the operation's name in the path of a request.
pub const PATH_PREFIX: &str = "/service/CodeDeploy_20141006/operation/";

/// The most levels of arrays, maps and tags: as many as the JSON codec reads.
const MAX_DEPTH: usize = 128;

/// Reads a request body. An empty body is an empty map, unknown members are ignored, `null` is absent.
///
/// # Errors
/// `SerializationException` naming the member at fault.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    const EMPTY_MAP: &[u8] = &[0xa0];
    let body = if body.is_empty() { EMPTY_MAP } else { body };
    let mut reader = Reader::new(body);
    match T::deserialize(&mut reader) {
        Ok(value) if reader.n_left() == 0 => Ok(value),
        Ok(_) => Err(trailing(reader.n_left())),
        Err(ReadError::Malformed(error)) => Err(malformed(&error)),
        Err(ReadError::Unexpected(reason)) => Err(unexpected(&reader.place(), &reason)),
    }
}

/// Whether a request body is one well-formed data item; its members are [`decode`]'s matter.
///
/// # Errors
/// `SerializationException`.
pub fn check_syntax(body: &[u8]) -> Result<(), ApiError> {
    if body.is_empty() {
        return Ok(());
    }
    let mut decoder = Decoder::new(body);
    skip::skip(&mut decoder, 0).map_err(|error| malformed(&error))?;
    match body.len().saturating_sub(decoder.position()) {
        0 => Ok(()),
        n_left => Err(trailing(n_left)),
    }
}

/// Writes an answer.
///
/// # Errors
/// `InternalFailure`: no shape of the models can fail.
pub fn encode<T: Serialize>(shape: &T) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut serializer = minicbor_serde::Serializer::new(&mut bytes);
    // Otherwise what is nothing would be an empty array.
    serializer.serialize_unit_as_null(true);
    shape.serialize(&mut serializer).map_err(ApiError::internal)?;
    Ok(bytes)
}

fn malformed(error: &minicbor::decode::Error) -> ApiError {
    ApiError::serialization(format!("The request body is not CBOR: {error}."))
}

fn trailing(n_left: usize) -> ApiError {
    ApiError::serialization(format!("The request body is not CBOR: {n_left} bytes follow its end."))
}
