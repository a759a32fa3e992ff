//! Where the output of scripts goes: `scripts.log`, the combined log, and the tail for the diagnostics.
//! Source: agent.md §4.2, §4.3, §1.7. Logging never fails a script (I-35).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Zoned;

use super::HookLogs;
use super::rotating_file::RotatingFile;

/// The most characters of the tail (I-06).
const MAX_TAIL_CHARS: usize = 2048;

/// A longer line is logged in pieces.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// The logs of one event.
#[derive(Debug)]
pub(super) struct HookLog {
    scripts: RotatingFile,
    deployments: Option<RotatingFile>,
    deployment_id: String,
    tail: LogTail,
}

impl HookLog {
    pub(super) fn new(logs: &HookLogs, deployment_id: &str) -> HookLog {
        let created = format!("# Logfile created on {} by longshore-agent\n", now("%Y-%m-%d %H:%M:%S %z"));
        HookLog {
            scripts: RotatingFile::new(logs.scripts_log.clone(), String::new()),
            deployments: logs.deployments_log.clone().map(|path| RotatingFile::new(path, created)),
            deployment_id: deployment_id.to_owned(),
            tail: LogTail::default(),
        }
    }

    /// Adds one entry, with or without a newline at its end.
    fn append(&mut self, entry: &[u8]) {
        let mut line = now("%Y-%m-%d %H:%M:%S ").into_bytes();
        line.extend_from_slice(entry);
        self.scripts.append(&line);
        if let Some(deployments) = &mut self.deployments {
            let at = now("%Y-%m-%d %H:%M:%S%.3f");
            let mut line = format!("[{at}] [{}]", self.deployment_id).into_bytes();
            line.extend_from_slice(entry.trim_ascii());
            line.push(b'\n');
            deployments.append(&line);
        }
        self.tail.push(entry);
    }
}

/// Adds one entry to a shared log.
pub(super) fn append(log: &Mutex<HookLog>, entry: &[u8]) {
    locked(log).append(entry);
}

/// The last lines of a shared log.
pub(super) fn tail(log: &Mutex<HookLog>) -> String {
    locked(log).tail.text()
}

/// A log of which a writer died in the middle of a line is still the best there is.
fn locked(log: &Mutex<HookLog>) -> MutexGuard<'_, HookLog> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now(format: &str) -> String {
    Zoned::now().strftime(format).to_string()
}

/// Cuts a stream into lines and puts its name in front of each.
#[derive(Debug)]
pub(super) struct LineSplitter {
    prefix: &'static [u8],
    /// The prefix and what has come of the present line.
    line: Vec<u8>,
}

impl LineSplitter {
    pub(super) fn new(prefix: &'static [u8]) -> LineSplitter {
        LineSplitter { prefix, line: prefix.to_vec() }
    }

    /// Takes bytes as they come; `emit` gets every finished line, newline included.
    pub(super) fn feed(&mut self, bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.emit(&mut emit);
            } else if MAX_LINE_BYTES < self.line.len() {
                self.line.push(b'\n');
                self.emit(&mut emit);
            }
        }
    }

    /// Emits a last line that has no newline.
    pub(super) fn finish(mut self, mut emit: impl FnMut(&[u8])) {
        if self.prefix.len() < self.line.len() {
            self.emit(&mut emit);
        }
    }

    fn emit(&mut self, emit: &mut impl FnMut(&[u8])) {
        emit(&self.line);
        self.line.truncate(self.prefix.len());
    }
}

/// The newest whole lines, up to 2,048 characters.
#[derive(Debug, Default)]
struct LogTail {
    entries: VecDeque<String>,
    n_chars: usize,
}

impl LogTail {
    fn push(&mut self, entry: &[u8]) {
        let mut entry = String::from_utf8_lossy(&without_escapes(entry)).into_owned();
        let n_chars = entry.chars().count();
        if MAX_TAIL_CHARS < n_chars {
            entry = entry.chars().skip(n_chars - MAX_TAIL_CHARS).collect();
        }
        self.n_chars += n_chars.min(MAX_TAIL_CHARS);
        self.entries.push_back(entry);
        while MAX_TAIL_CHARS < self.n_chars {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.n_chars -= oldest.chars().count();
        }
    }

    fn text(&self) -> String {
        self.entries.iter().map(String::as_str).collect()
    }
}

/// Takes terminal control sequences (`ESC [ … letter`) out.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.windows(2).position(|pair| pair == b"\x1b[") {
        plain.extend_from_slice(&rest[..start]);
        let sequence = &rest[start + 2..];
        let n_parameters = sequence.iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
        rest = sequence.get(n_parameters + 1..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(entries: &[&[u8]]) -> String {
        let mut tail = LogTail::default();
        entries.iter().for_each(|entry| tail.push(entry));
        tail.text()
    }

    #[test]
    fn the_tail_is_the_newest_whole_lines_within_2048_characters() {
        let line = |letter: u8, n: usize| [vec![letter; n - 1], b"\n".to_vec()].concat();
        let (a, b, c) = (line(b'a', 1000), line(b'b', 1000), line(b'c', 48));
        assert_eq!(tail_of(&[&a, &b, &c]).len(), 2048);
        let d = line(b'd', 49);
        assert_eq!(tail_of(&[&a, &b, &d]).len(), 1049);
        assert!(tail_of(&[&a, &b, &d]).starts_with('b'));
    }

    #[test]
    fn a_longer_line_is_kept_as_its_end() {
        let long = [vec![b'x'; 3000], b"end\n".to_vec()].concat();
        let tail = tail_of(&[b"before\n", &long]);
        assert_eq!(tail.len(), 2048);
        assert!(tail.ends_with("xend\n"));
        assert_eq!(tail_of(&[&long, b"after\n"]), "after\n");
    }

    #[test]
    fn invalid_bytes_are_replaced_and_colours_taken_out() {
        assert_eq!(tail_of(&[b"[stdout]a\xffb\n"]), "[stdout]a\u{fffd}b\n");
        assert_eq!(tail_of(&[b"[stdout]\x1b[1;31mred\x1b[0m\n"]), "[stdout]red\n");
        assert_eq!(tail_of(&[b"cut \x1b["]), "cut ");
    }

    #[test]
    fn lines_are_cut_at_newlines_only_and_when_they_get_too_long() {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut splitter = LineSplitter::new(b"[o]");
        splitter.feed(b"a\rb\nc", |entry| seen.push(entry.to_vec()));
        splitter.feed(b"d\n\n", |entry| seen.push(entry.to_vec()));
        splitter.feed(&vec![b'x'; MAX_LINE_BYTES], |entry| seen.push(entry.to_vec()));
        splitter.feed(b"last", |entry| seen.push(entry.to_vec()));
        splitter.finish(|entry| seen.push(entry.to_vec()));
        assert_eq!(seen[..3], [b"[o]a\rb\n".to_vec(), b"[o]cd\n".to_vec(), b"[o]\n".to_vec()]);
        assert_eq!(seen[3].len(), MAX_LINE_BYTES + 4);
        assert_eq!(seen[4], b"[o]last");
    }
}
