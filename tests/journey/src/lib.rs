//! Parts for journeys on real programs: a server, hosts with agents, the AWS CLI, the `longshore` CLI.
//!
//! Everything lies in one temporary folder; every process that is started here is ended here, and no other.

mod app;
mod aws;
mod host;
mod metadata;
mod program;
mod server;

pub use app::App;
pub use aws::{Aws, Credentials};
pub use host::Host;
pub use metadata::Metadata;
pub use program::{Running, program};
pub use server::Server;

use std::time::{Duration, Instant};

/// Polls `condition` until it answers something or `deadline` has passed.
///
/// # Panics
/// When the deadline has passed, naming `what` was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(started.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How long anything may take before a test calls it hanging. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);
