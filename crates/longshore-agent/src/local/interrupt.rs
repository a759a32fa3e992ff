//! Ctrl-C, SIGTERM and a terminal that goes away while a local deployment runs.

use std::future::pending;
use std::io;

use nix::sys::signal::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals by which a person or a supervisor ends a local deployment.
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// `None` under `nohup`.
    hang_up: Option<Signal>,
}

impl Interrupts {
    pub(super) fn new() -> io::Result<Interrupts> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hang_up = match is_ignored(&status, Number::SIGHUP) {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// The name of the next one.
    pub(super) async fn next(&mut self) -> &'static str {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = hang_up => "SIGHUP",
        }
    }
}

/// Whether the process whose `/proc/<pid>/status` this is was started with `signal` ignored.
fn is_ignored(status: &str, signal: Number) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal as u64 - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_ignores_stays_ignored() {
        assert!(is_ignored("Name:\tx\nSigIgn:\t0000000000001001\n", Number::SIGHUP));
        assert!(!is_ignored("SigIgn:\t0000000000001000\n", Number::SIGHUP));
        assert!(!is_ignored("", Number::SIGHUP));
    }
}
