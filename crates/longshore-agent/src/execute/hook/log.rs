//! Where the output of scripts goes: `scripts.log`, the combined log, and the tail for the diagnostics.
//! Source: agent.md §4.2, §4.3, §1.7. Logging never fails a script (I-35).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use longshore_model::evidence::OutputSlice;
use longshore_wire::host_command::diagnostics::{MAX_LOG_CHARS, without_ansi};

use super::HookLogs;
use super::lines::LineSplitter;
use crate::failure::shown;
use crate::rotating_file::RotatingFile;

/// How many bytes are remembered for the tail: more than its characters, because control sequences are
/// taken out of it.
const MAX_REMEMBERED_BYTES: usize = 64 * 1024;

/// The logs of one event.
#[derive(Debug)]
pub(super) struct HookLog {
    scripts: RotatingFile,
    deployments: Option<RotatingFile>,
    deployment_id: String,
    clock: Clock,
    /// Entries that are not written yet, one text for each file.
    scripts_batch: Vec<u8>,
    deployments_batch: Vec<u8>,
    tail: LogTail,
}

impl HookLog {
    pub(super) fn new(logs: &HookLogs, deployment_id: &str) -> HookLog {
        let clock = Clock::now();
        let created = clock.timestamp.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %z");
        let heading = format!("# Logfile created on {created} by longshore-agent\n");
        HookLog {
            scripts: RotatingFile::counted(logs.scripts_log.clone()),
            deployments: logs.deployments_log.clone().map(|path| RotatingFile::new(path, heading)),
            deployment_id: deployment_id.to_owned(),
            clock,
            scripts_batch: Vec::new(),
            deployments_batch: Vec::new(),
            tail: LogTail::default(),
        }
    }

    /// Adds an entry to the batch: `prefix` and `text`, the latter with or without a newline at its end.
    fn add(&mut self, prefix: &[u8], text: &[u8]) {
        self.scripts_batch.extend_from_slice(self.clock.second_text.as_bytes());
        self.scripts_batch.push(b' ');
        self.scripts_batch.extend_from_slice(prefix);
        self.scripts_batch.extend_from_slice(text);
        if self.deployments.is_some() {
            self.add_to_combined(prefix, text);
        }
        self.tail.push(prefix, text);
    }

    fn add_to_combined(&mut self, prefix: &[u8], text: &[u8]) {
        let text = if prefix.is_empty() { text.trim_ascii() } else { text.trim_ascii_end() };
        let millis = self.clock.timestamp.subsec_millisecond();
        let digits = [millis / 100, millis / 10 % 10, millis % 10].map(|digit| b'0' + digit as u8);
        let parts: [&[u8]; 9] = [
            b"[",
            self.clock.second_text.as_bytes(),
            b".",
            &digits,
            b"] [",
            self.deployment_id.as_bytes(),
            b"]",
            prefix,
            text,
        ];
        parts.iter().for_each(|part| self.deployments_batch.extend_from_slice(part));
        self.deployments_batch.push(b'\n');
    }

    /// Writes the batch. Whole entries go to one file, so that no line is cut by a rotation.
    fn flush(&mut self) {
        if self.scripts_batch.is_empty() {
            return;
        }
        self.scripts.append(&self.scripts_batch);
        self.scripts_batch.clear();
        if let Some(deployments) = &mut self.deployments {
            deployments.append(&self.deployments_batch);
            self.deployments_batch.clear();
        }
    }
}

/// The log of an event whose readers share it.
#[derive(Debug)]
pub(super) struct SharedLog(Mutex<HookLog>);

impl SharedLog {
    pub(super) fn new(logs: &HookLogs, deployment_id: &str) -> SharedLog {
        SharedLog(Mutex::new(HookLog::new(logs, deployment_id)))
    }

    /// Writes one entry of the agent's own; the newline is added.
    pub(super) fn append(&self, entry: &str) {
        let mut log = self.locked();
        log.clock.tick();
        log.add(b"", format!("{entry}\n").as_bytes());
        log.flush();
    }

    /// Writes the lines that end in `bytes`. What was read at once gets one time.
    pub(super) fn append_output(&self, splitter: &mut LineSplitter, prefix: &[u8], bytes: &[u8]) {
        let mut log = self.locked();
        log.clock.tick();
        splitter.feed(bytes, |line| log.add(prefix, line));
        log.flush();
    }

    /// Writes what has come of a last line that has no newline.
    pub(super) fn append_rest(&self, splitter: LineSplitter, prefix: &[u8]) {
        let mut log = self.locked();
        log.clock.tick();
        splitter.finish(|line| log.add(prefix, line));
        log.flush();
    }

    /// The last lines.
    pub(super) fn tail(&self) -> String {
        self.locked().tail.text()
    }

    /// Where the next entry begins, counted over rotations; `None` when `scripts.log` cannot be written.
    pub(super) fn position(&self) -> Option<u64> {
        self.locked().scripts.position()
    }

    /// The part of `scripts.log` since `begin_byte`.
    pub(super) fn slice_since(&self, begin_byte: Option<u64>) -> Option<OutputSlice> {
        let log = self.locked();
        let (begin_byte, end_byte) = (begin_byte?, log.scripts.position()?);
        Some(OutputSlice { path: shown(log.scripts.path()), begin_byte, end_byte })
    }

    /// A log of which a writer died in the middle of a line is still the best there is.
    fn locked(&self) -> MutexGuard<'_, HookLog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time as it is written; made into text once a second.
#[derive(Debug)]
struct Clock {
    timestamp: Timestamp,
    second_text: String,
}

impl Clock {
    fn now() -> Clock {
        let timestamp = Timestamp::now();
        Clock { timestamp, second_text: second_text(timestamp) }
    }

    fn tick(&mut self) {
        let timestamp = Timestamp::now();
        if timestamp.as_second() != self.timestamp.as_second() {
            self.second_text = second_text(timestamp);
        }
        self.timestamp = timestamp;
    }
}

fn second_text(timestamp: Timestamp) -> String {
    timestamp.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The newest entries, from which the tail is made when it is asked for.
#[derive(Debug, Default)]
struct LogTail {
    bytes: Vec<u8>,
    lengths: VecDeque<usize>,
}

impl LogTail {
    fn push(&mut self, prefix: &[u8], text: &[u8]) {
        let n_before = self.bytes.len();
        // Of a line that is longer only the end can be in the tail.
        let is_whole = text.len() <= MAX_REMEMBERED_BYTES;
        self.bytes.extend_from_slice(if is_whole { prefix } else { b"" });
        self.bytes.extend_from_slice(&text[text.len().saturating_sub(MAX_REMEMBERED_BYTES)..]);
        self.lengths.push_back(self.bytes.len() - n_before);
        if 2 * MAX_REMEMBERED_BYTES < self.bytes.len() {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let mut n_forgotten = 0;
        while MAX_REMEMBERED_BYTES < self.bytes.len() - n_forgotten && 1 < self.lengths.len() {
            n_forgotten += self.lengths.pop_front().unwrap_or_default();
        }
        self.bytes.drain(..n_forgotten);
    }

    /// The newest whole entries, up to 2,048 characters; of a longer newest one its end (I-06).
    fn text(&self) -> String {
        let mut newest_first: Vec<String> = Vec::new();
        let mut n_chars_left = MAX_LOG_CHARS;
        let mut end = self.bytes.len();
        for length in self.lengths.iter().rev() {
            let entry = without_ansi(&String::from_utf8_lossy(&self.bytes[end - length..end]));
            end -= length;
            let n_chars = entry.chars().count();
            if n_chars_left < n_chars {
                if newest_first.is_empty() {
                    newest_first.push(entry.chars().skip(n_chars - n_chars_left).collect());
                }
                break;
            }
            n_chars_left -= n_chars;
            newest_first.push(entry);
        }
        newest_first.into_iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(entries: &[&[u8]]) -> String {
        let mut tail = LogTail::default();
        entries.iter().for_each(|entry| tail.push(b"", entry));
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
        for n in [3000, 10 * MAX_REMEMBERED_BYTES] {
            let long = [vec![b'x'; n], b"end\n".to_vec()].concat();
            let tail = tail_of(&[b"before\n", &long]);
            assert_eq!(tail.len(), 2048);
            assert!(tail.ends_with("xend\n"));
            assert_eq!(tail_of(&[&long, b"after\n"]), "after\n");
        }
    }

    #[test]
    fn lines_of_2047_and_2048_characters_are_kept_whole() {
        for n in [2047, 2048] {
            let line = [vec![b'x'; n - 1], b"\n".to_vec()].concat();
            assert_eq!(tail_of(&[b"before\n", &line]).len(), n);
        }
        assert_eq!(tail_of(&[]), "");
        let last = "é".repeat(2048);
        assert_eq!(tail_of(&[b"before\n", last.as_bytes()]), last);
    }

    #[test]
    fn invalid_bytes_are_replaced_and_colours_taken_out() {
        assert_eq!(tail_of(&[b"[stdout]a\xffb\n"]), "[stdout]a\u{fffd}b\n");
        assert_eq!(tail_of(&[b"[stdout]\x1b[1;31mred\x1b[0m\n"]), "[stdout]red\n");
        assert_eq!(tail_of(&[b"cut \x1b["]), "cut ");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_still_whole_lines() {
        let mut tail = LogTail::default();
        for number in 0..100_000 {
            tail.push(b"[stdout]", format!("{number}\n").as_bytes());
            assert!(tail.bytes.len() <= 2 * MAX_REMEMBERED_BYTES);
        }
        let text = tail.text();
        assert!(text.starts_with("[stdout]998") && text.ends_with("[stdout]99999\n"), "{text}");
        assert_eq!(text.lines().count(), 2048 / "[stdout]99999\n".len());
    }
}
