//! Parts for journeys on real programs: a server, hosts with agents, the AWS CLI, the `longshore` CLI;
//! and what stands outside, a Prometheus, a stand-in for AWS, a receiver of webhooks.
//!
//! Everything lies in one temporary folder; every process that is started here is ended here, and no other.

mod app;
mod aws;
mod front;
pub mod guard;
mod host;
mod http;
mod metadata;
mod moto;
mod postgres;
mod program;
mod prometheus;
mod receiver;
mod server;

pub use app::App;
pub use aws::{Aws, Credentials};
pub use front::Front;
pub use host::Host;
pub use longshore_store::cluster::{Cluster, Shutdown};
pub use metadata::Metadata;
pub use moto::Moto;
pub use postgres::new_database;
pub use program::{Running, program};
pub use prometheus::Prometheus;
pub use receiver::{Received, Receiver};
pub use server::Server;

use std::path::Path;
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

/// The folder that all of this is in.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/journey")
}

/// How long anything may take before a test calls it hanging. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);
