//! Where the local tool speaks.

use std::fmt::Display;
use std::io::IsTerminal;

use serde::Serialize;

use super::options::Output;
use crate::terminal;

/// Speaks to people or to programs. A reader that went away changes nothing about a deployment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    output: Output,
}

impl Voice {
    pub(super) fn new(output: Output) -> Voice {
        Voice { output }
    }

    /// One line for people; on stderr when stdout is for programs.
    pub(super) fn line(self, text: impl Display) {
        match self.output {
            Output::Text => terminal::say(text),
            Output::Json => terminal::complain(text),
        }
    }

    /// Whether colours are wanted and can be seen.
    pub(super) fn has_colour(self) -> bool {
        let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        is_wanted && self.output == Output::Text && std::io::stdout().is_terminal()
    }

    /// The one document for programs.
    pub(super) fn document(self, document: &impl Serialize) {
        if self.output == Output::Json {
            terminal::say(serde_json::to_string_pretty(document).unwrap_or_default());
        }
    }
}
