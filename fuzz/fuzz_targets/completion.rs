//! What agents say about the end of a command: always read, and never more kept than may be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_model::lifecycle::{MAX_LOG_TAIL_BYTES, MAX_SCRIPT_LOCATION_CHARS, MAX_SCRIPT_TIMES};
use longshore_wire::host_command::diagnostics::read_completion;

fuzz_target!(|data: &[u8]| {
    let read = read_completion(std::str::from_utf8(data).ok(), data.len() % 2 == 0);
    assert!(read.log_tail.len() <= MAX_LOG_TAIL_BYTES && read.scripts.len() <= MAX_SCRIPT_TIMES);
    for script in &read.scripts {
        let n_chars = script.location().chars().count();
        assert!((1..=MAX_SCRIPT_LOCATION_CHARS).contains(&n_chars) && (0.0..=86400.0).contains(&script.seconds()));
    }
});
