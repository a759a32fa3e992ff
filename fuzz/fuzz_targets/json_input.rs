//! Inputs in JSON: what was read is written and read again as the same; nothing else but an error.

#![no_main]

mod inputs;

use libfuzzer_sys::fuzz_target;
use longshore_wire::codec::Codec;

fuzz_target!(|data: &[u8]| inputs::read(Codec::Json, data));
