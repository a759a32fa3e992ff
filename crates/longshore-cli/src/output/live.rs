//! Drawing over what was drawn: only on a terminal.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::line::{Line, Palette};
use super::{Format, Output, Screen};

/// How often a terminal is drawn at most, per second.
const DRAWS_PER_SEC: u8 = 15;
/// Lines kept free below the drawing, for the shell's prompt.
const FREE_ROWS: usize = 2;

/// Lines at the bottom of the terminal that are drawn anew each time.
#[derive(Debug)]
pub(crate) struct Live {
    bar: ProgressBar,
    palette: Palette,
    columns: usize,
    rows: usize,
}

impl Live {
    /// A drawing on `output`, if that is a terminal and for people.
    pub(crate) fn on(output: Output) -> Option<Live> {
        let (Screen::Terminal { columns, rows }, Format::Text) = (output.screen, output.format) else {
            return None;
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout_with_hz(DRAWS_PER_SEC));
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is constant and valid"));
        Some(Live { bar, palette: output.palette, columns, rows })
    }

    /// How many lines fit.
    pub(crate) fn max_lines(&self) -> usize {
        self.rows.saturating_sub(FREE_ROWS).max(4)
    }

    /// Replaces what is drawn.
    pub(crate) fn draw(&self, lines: &[Line]) {
        // The last column stays free: some terminals wrap when it is written.
        let width = Some(self.columns.saturating_sub(1));
        let rendered: Vec<String> = lines.iter().map(|line| line.render(self.palette, width)).collect();
        self.bar.set_message(rendered.join("\n"));
        self.bar.tick();
    }

    /// Leaves `lines` standing and draws no more.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(crate) fn finish(self, lines: &[Line]) -> io::Result<()> {
        self.draw(lines);
        self.bar.abandon();
        // The drawing's last line is not ended, so that it can be drawn over.
        writeln!(io::stdout())
    }
}
