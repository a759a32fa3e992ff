//! Words for whoever started the program. A reader that went away (`| head`) changes nothing about what is
//! done, so nothing here can fail.

use std::fmt::Display;
use std::io::Write;

/// A line on stdout.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line on stderr.
pub(crate) fn complain(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
