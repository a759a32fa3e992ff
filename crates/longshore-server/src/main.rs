//! The program: arguments, logging, exit status. Everything else is the library's.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use longshore_server::args::Args;
use longshore_server::config::Settings;
use longshore_server::maintenance::Maintenance;
use longshore_server::{run, telemetry};
use rustix::fs::Mode;

/// What ten thousand parked polls hold was made on one thread and is freed on another, much of it soon: the
/// platform's allocator spends two fifths of the work of waking them, and keeps half as much again for itself.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long work on blocking threads may take after the server has stopped.
const LAST_WAIT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // The data folder holds secrets, and so may any file that a library makes in it.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    telemetry::log_to_stderr();
    let done = match Maintenance::from_process() {
        Some(maintenance) => maintained(maintenance),
        None => started(Args::from_process()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn maintained(maintenance: Maintenance) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let said = runtime.block_on(maintenance.run())?;
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

fn started(args: Args) -> anyhow::Result<()> {
    let settings = Settings::from_args(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run(settings, |url| {
        let mut stdout = std::io::stdout();
        // Whoever started us may not be interested.
        let written = writeln!(stdout, "listening on {url}").and_then(|()| stdout.flush());
        if let Err(error) = written {
            tracing::warn!(%error, "cannot say on stdout where the server is");
        }
    }));
    // What still runs by now is not worth waiting for.
    runtime.shutdown_timeout(LAST_WAIT);
    Ok(ended?)
}
