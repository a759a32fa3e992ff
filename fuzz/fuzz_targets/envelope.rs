//! Signed envelopes: never a panic, and what a pinned signer has not signed does not open.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use longshore_model::time::Timestamp;
use longshore_wire::envelope::{SignerCa, Trust, verify};

/// All that the owner of the pinned certificate has ever signed; the key is gone.
const SIGNED: &[u8] = include_bytes!("../signed-content.json");
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

static PINNED: LazyLock<Trust> = LazyLock::new(|| {
    let pem = include_str!("../signer-certificate.pem");
    Trust::Ca(SignerCa::from_pem(pem).expect("a certificate"))
});

fuzz_target!(|data: &[u8]| {
    if let Err(error) = verify(data, &Trust::Embedded, NOW) {
        assert!(!error.to_string().is_empty());
    }
    if let Ok(content) = verify(data, &PINNED, NOW) {
        assert!(content == SIGNED, "an envelope was forged");
    }
});
