//! Tells when everything waits: nothing that could run is left to run.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Knows from the runtime's thread, which parks when no task can go on.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    is_awaited: AtomicBool,
    came: Notify,
}

impl Idle {
    /// The thread is about to park.
    pub(crate) fn parks(&self) {
        if self.is_awaited.swap(false, Ordering::SeqCst) {
            self.came.notify_one();
        }
    }

    /// Returns when every other task waits. Nothing may be under way elsewhere, as a statement of the
    /// database is: whoever waits for it does not keep the thread from parking.
    pub(crate) async fn wait(&self) {
        self.is_awaited.store(true, Ordering::SeqCst);
        self.came.notified().await;
    }
}
