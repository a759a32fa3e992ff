//! Faults for real: two servers on one PostgreSQL, fifty agents; servers, database, networks, disks and
//! agents fail at random while deployments go on, and at the end an auditor holds what the service
//! says against what happened on the hosts.
//!
//! Everything that is started here ends with this process, however that ends: see
//! [`longshore_journey::guard`]. Traffic stays on loopback and in network namespaces made here.

mod api;
mod application;
mod audit;
mod deployer;
mod faults;
mod fleet;
mod group;
mod host;
mod record;
mod room;
mod run;
mod settings;
mod watch;
mod world;

pub use run::run;
pub use settings::Settings;

/// Writes a line that is seen even when the test passes: the harness only keeps back what is printed.
fn say(line: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "faults: {line}").expect("standard output is open");
}
