//! The signals of the master, taken one by one with a time limit instead of in a handler.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What the master waits for.
pub(super) struct Signals {
    file: SignalFd,
}

impl Signals {
    /// Takes over the signals that end a master or speak of its child.
    /// A child inherits that they are blocked, and has to unblock them.
    pub(super) fn new() -> nix::Result<Signals> {
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGCHLD] {
            signals.add(signal);
        }
        signals.thread_block()?;
        Ok(Signals { file: SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)? })
    }

    /// The next signal; `None` when `limit` is over before it comes.
    pub(super) fn wait(&self, limit: Option<Duration>) -> Option<Signal> {
        // Rounded up, or the last millisecond would be spent in circles.
        let limit = limit.map(|limit| limit + Duration::from_millis(1));
        let timeout =
            limit.map_or(PollTimeout::NONE, |limit| PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX));
        // An interruption is as good as the end of the limit: callers look again.
        let _ = poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)], timeout);
        let read = self.file.read_signal().ok().flatten()?;
        Signal::try_from(i32::try_from(read.ssi_signo).ok()?).ok()
    }
}
