//! System errors in the words that the original agent reports.

use std::io;

/// The system's own text, without the number that Rust adds.
pub(crate) fn text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
