//! Shapes to bytes and back. Shapes know no codec: a second protocol (CBOR) becomes a sibling of [`json`].

pub mod json;
mod path;
mod time;

pub use time::Time;

use serde::{Deserialize, Serialize};

/// The output of an operation that declares none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoOutput {}
