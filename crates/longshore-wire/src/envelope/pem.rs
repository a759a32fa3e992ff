//! The armour around an envelope.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::EnvelopeError;

const BEGIN: &str = "-----BEGIN PKCS7-----";
const END: &str = "-----END PKCS7-----";
const LINE_CHARS: usize = 64;

/// The first byte of every DER message of this kind.
const SEQUENCE_TAG: u8 = 0x30;

/// `der` in armour, in lines of 64 characters.
pub(super) fn encode(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = String::with_capacity(base64.len() + base64.len() / LINE_CHARS + 50);
    pem.push_str(BEGIN);
    pem.push('\n');
    for (idx, char) in base64.chars().enumerate() {
        if 0 < idx && idx % LINE_CHARS == 0 {
            pem.push('\n');
        }
        pem.push(char);
    }
    pem.push('\n');
    pem.push_str(END);
    pem.push('\n');
    pem
}

/// The bytes inside the armour, whatever its line ends; DER goes through as it is.
pub(super) fn decode(payload: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    if payload.first() == Some(&SEQUENCE_TAG) {
        return Ok(payload.to_vec());
    }
    let text = String::from_utf8_lossy(payload);
    let (_, rest) = text.split_once(BEGIN).ok_or_else(|| unreadable("no start line"))?;
    let (base64, _) = rest.split_once(END).ok_or_else(|| unreadable("no end line"))?;
    let base64: String = base64.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    STANDARD.decode(base64).map_err(|error| unreadable(&format!("bad base64: {error}")))
}

fn unreadable(detail: &str) -> EnvelopeError {
    EnvelopeError::Unreadable(detail.to_owned())
}
