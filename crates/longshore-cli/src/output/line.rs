//! A line of text with tones, rendered last: so that everything above can be compared as text, and
//! colour and width are decided in one place.

use std::time::Duration;

/// What a piece of text means; the palette gives it a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    Plain,
    /// Headings and names.
    Strong,
    /// What is there for completeness.
    Faint,
    /// Ended well.
    Good,
    /// Ended badly.
    Bad,
    /// Going on.
    Busy,
}

/// Whether tones become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    /// ANSI colours.
    Colour,
    /// Text only.
    Mono,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Tone, String)>);

impl Line {
    /// An empty line.
    pub(crate) fn new() -> Line {
        Line::default()
    }

    /// A line of one tone.
    pub(crate) fn of(tone: Tone, text: impl Into<String>) -> Line {
        Line::new().then(tone, text)
    }

    /// A line without a tone.
    pub(crate) fn plain(text: impl Into<String>) -> Line {
        Line::of(Tone::Plain, text)
    }

    /// This line and then `text`.
    #[must_use]
    pub(crate) fn then(mut self, tone: Tone, text: impl Into<String>) -> Line {
        self.0.push((tone, text.into()));
        self
    }

    /// As it is written to a terminal of `width` columns, or to a pipe (`None`: never cut).
    pub(crate) fn render(&self, palette: Palette, width: Option<usize>) -> String {
        let mut room = width.unwrap_or(usize::MAX);
        let mut rendered = String::new();
        for (tone, text) in &self.0 {
            let piece: String = text.chars().take(room).collect();
            room -= piece.chars().count();
            match (palette, ansi(*tone)) {
                (Palette::Colour, Some(code)) if !piece.is_empty() => {
                    rendered.push_str(&format!("\x1b[{code}m{piece}\x1b[0m"));
                }
                (Palette::Colour | Palette::Mono, _) => rendered.push_str(&piece),
            }
        }
        rendered
    }
}

/// The SGR code of a tone. Only the basic colours, which every terminal theme keeps readable.
fn ansi(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Strong => Some("1"),
        Tone::Faint => Some("2"),
        Tone::Good => Some("32"),
        Tone::Bad => Some("31"),
        Tone::Busy => Some("36"),
    }
}

/// What a script or another machine said comes from outside: control characters in it must not move the
/// cursor here.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// A duration for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn duration_text(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{secs} s"),
        60..3600 => format!("{} min {:02} s", secs / 60, secs % 60),
        _ => format!("{} h {:02} min", secs / 3600, secs % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_the_text_alone() {
        let line = Line::of(Tone::Good, "fine").then(Tone::Plain, " day");
        assert_eq!(line.render(Palette::Mono, None), "fine day");
    }

    #[test]
    fn colour_codes_take_no_room() {
        let line = Line::of(Tone::Good, "fine").then(Tone::Plain, " day");
        assert_eq!(line.render(Palette::Colour, Some(6)), "\x1b[32mfine\x1b[0m d");
    }

    #[test]
    fn what_does_not_fit_leaves_no_empty_colour() {
        let line = Line::plain("12345").then(Tone::Bad, "678");
        assert_eq!(line.render(Palette::Colour, Some(5)), "12345");
    }

    #[track_caller]
    fn check_duration(millis: u64, expected: &str) {
        assert_eq!(duration_text(Duration::from_millis(millis)), expected);
    }

    #[test]
    fn durations_read_naturally() {
        check_duration(0, "0.0 s");
        check_duration(430, "0.4 s");
        check_duration(12_900, "12 s");
        check_duration(185_000, "3 min 05 s");
        check_duration(7_620_000, "2 h 07 min");
    }
}
