//! Bytes in JSON, which has only text: paths and attributes in the journal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Bytes, written as Base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Raw(Vec<u8>);

impl Raw {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn to_path(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&self.0))
    }
}

impl From<&[u8]> for Raw {
    fn from(bytes: &[u8]) -> Raw {
        Raw(bytes.to_vec())
    }
}

impl From<Raw> for String {
    fn from(raw: Raw) -> String {
        STANDARD.encode(raw.0)
    }
}

impl TryFrom<String> for Raw {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Raw, base64::DecodeError> {
        Ok(Raw(STANDARD.decode(text)?))
    }
}
