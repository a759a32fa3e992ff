//! Cuts what a script prints into lines.

/// A longer line is logged in pieces of this size, so that a script cannot fill the memory.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Cuts one stream into lines. Only a newline ends a line.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    /// What has come of the present line.
    begun: Vec<u8>,
}

impl LineSplitter {
    /// Takes bytes as they come; `emit` gets every finished line, newline included.
    pub(super) fn feed(&mut self, bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_finished = part.ends_with(b"\n");
            if is_finished && self.begun.is_empty() {
                emit(part);
                continue;
            }
            self.begun.extend_from_slice(part);
            if MAX_LINE_BYTES <= self.begun.len() && !is_finished {
                self.begun.push(b'\n');
            }
            if self.begun.ends_with(b"\n") {
                emit(&self.begun);
                self.begun.clear();
            }
        }
    }

    /// Emits a last line that has no newline.
    pub(super) fn finish(self, mut emit: impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            emit(&self.begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when `chunks` go in one after another, with `|` after each line emitted.
    #[track_caller]
    fn check(chunks: &[&str], expected: &str) {
        let mut splitter = LineSplitter::default();
        let mut seen = String::new();
        let mut note = |line: &[u8]| seen.push_str(&(String::from_utf8_lossy(line) + "|"));
        chunks.iter().for_each(|chunk| splitter.feed(chunk.as_bytes(), &mut note));
        splitter.finish(&mut note);
        assert_eq!(seen, expected, "{chunks:?}");
    }

    #[test]
    fn lines_are_cut_at_newlines_only() {
        check(&[], "");
        check(&[""], "");
        check(&["a\n"], "a\n|");
        check(&["a\rb\nc", "d\n\n", "last"], "a\rb\n|cd\n|\n|last|");
        check(&["a", "\n", "\r\n"], "a\n|\r\n|");
    }

    #[test]
    fn a_line_that_gets_too_long_is_cut() {
        let chunk = "x".repeat(MAX_LINE_BYTES / 2);
        check(&[&chunk, &chunk, "rest\n"], &format!("{chunk}{chunk}\n|rest\n|"));
    }
}
