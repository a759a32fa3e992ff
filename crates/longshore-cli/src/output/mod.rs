//! What the commands write, and how: everything that reaches stdout goes through [`Output`].

pub(crate) mod board;
pub(crate) mod columns;
pub(crate) mod json;
pub(crate) mod line;
pub(crate) mod live;
pub(crate) mod plain;
pub(crate) mod report;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use line::{Line, Palette};

/// Whom the output is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// People: drawn live on a terminal, plain lines on a pipe.
    #[default]
    Text,
    /// Programs: one JSON document, or one JSON object a line while something is going on.
    Json,
}

/// What stdout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    /// A terminal of this size; things may be drawn over.
    Terminal {
        /// In characters.
        columns: usize,
        /// In lines.
        rows: usize,
    },
    /// A pipe, a file, or a terminal that cannot move its cursor.
    Pipe,
}

/// Where the commands' output goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Whom it is for.
    pub(crate) format: Format,
    /// What it is written to.
    pub(crate) screen: Screen,
    /// Whether it has colours.
    pub(crate) palette: Palette,
}

impl Output {
    /// As stdout is now. `no_colour` and `term` are the variables `NO_COLOR` and `TERM`.
    pub(crate) fn to_stdout(format: Format, no_colour: Option<&str>, term: Option<&str>) -> Output {
        let size = terminal_size::terminal_size();
        let screen = match size {
            Some((terminal_size::Width(columns), terminal_size::Height(rows)))
                if io::stdout().is_terminal() && term != Some("dumb") =>
            {
                Screen::Terminal { columns: usize::from(columns), rows: usize::from(rows) }
            }
            Some(_) | None => Screen::Pipe,
        };
        // The convention of no-color.org: any value but the empty one.
        let wants_none = no_colour.is_some_and(|value| !value.is_empty());
        let palette = match screen {
            Screen::Terminal { .. } if !wants_none => Palette::Colour,
            Screen::Terminal { .. } | Screen::Pipe => Palette::Mono,
        };
        Output { format, screen, palette }
    }

    /// Writes one line for people; nothing when the output is for programs.
    pub(crate) fn line(self, line: &Line) -> io::Result<()> {
        match self.format {
            Format::Text => writeln!(io::stdout(), "{}", line.render(self.palette, None)),
            Format::Json => Ok(()),
        }
    }

    /// Writes lines for people.
    pub(crate) fn lines(self, lines: &[Line]) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.line(line))
    }

    /// Writes one text line for people.
    pub(crate) fn text(self, text: &str) -> io::Result<()> {
        self.line(&Line::plain(text))
    }

    /// Writes one JSON object on one line; nothing when the output is for people.
    pub(crate) fn json(self, document: &impl Serialize) -> io::Result<()> {
        match self.format {
            Format::Text => Ok(()),
            Format::Json => writeln!(io::stdout(), "{}", serde_json::to_string(document)?),
        }
    }
}
