//! AWS Signature Version 4: what a request claims, whether the claim holds, and signing our own.
//! Source: service.md §1.2; agent.md §1.1.
//!
//! The list of signed headers is always the one in the request: clients differ in what they sign.

mod canonical;
mod claim;
mod credentials;
mod key;
mod sign;
mod time;

pub use claim::{Claim, Scope, SignatureError};
pub use credentials::Credentials;
pub use sign::{SignError, sign};

use sha2::{Digest, Sha256};

/// The only algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The last part of every credential scope.
const TERMINATOR: &str = "aws4_request";

/// The SHA-256 of `payload` in lower-case hexadecimal, as a signature covers it.
pub fn payload_sha256_hex(payload: &[u8]) -> String {
    hex::encode(Sha256::digest(payload))
}
