//! What happened in a run, in order: a fingerprint always, sentences when somebody wants to read them.

use std::fmt::Arguments;
use std::hash::Hasher as _;
use std::sync::{Mutex, PoisonError};

use std::hash::DefaultHasher;

/// The history of one run.
#[derive(Debug)]
pub(crate) struct History {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    fingerprint: DefaultHasher,
    n_lines: u64,
    line: String,
    /// `None` when nobody will read them.
    lines: Option<Vec<String>>,
}

impl History {
    pub(crate) fn new(is_read: bool) -> History {
        // Not of a `RandomState`: it is to be the same in every process.
        let fingerprint = DefaultHasher::new();
        let lines = is_read.then(Vec::new);
        History { state: Mutex::new(State { fingerprint, n_lines: 0, line: String::new(), lines }) }
    }

    /// Something happened at `millis`.
    pub(crate) fn note(&self, millis: i64, what: Arguments<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { fingerprint, n_lines, line, lines } = &mut *state;
        line.clear();
        // Writing to a `String` cannot fail.
        let _ = std::fmt::write(line, format_args!("{:>9.3}  {what}", millis as f64 / 1000.0));
        fingerprint.write(line.as_bytes());
        fingerprint.write_u8(b'\n');
        *n_lines += 1;
        if let Some(lines) = lines {
            lines.push(line.clone());
        }
    }

    /// What tells this history from others.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fingerprint.finish()
    }

    /// How many things happened.
    pub(crate) fn n_lines(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).n_lines
    }

    /// The sentences, if they were kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).lines.clone().unwrap_or_default()
    }
}
