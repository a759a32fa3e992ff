//! `make bench`: what Longshore costs, each figure beside its floor or its aim, measured in one run.
//!
//! Prints a table, or one JSON document with `--output json`. Nothing here asserts a time: a busy
//! machine is slow, and the ratio beside the floor says more than either number.

mod deployment;
mod figure;
mod idle;
mod install;
mod reports;

use clap::{Parser, ValueEnum};

use figure::Figure;

/// Measures Longshore against the floor of this machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// How to print the figures.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// How long to watch an idle agent, in seconds.
    #[arg(long, default_value_t = 60)]
    idle_seconds: u64,
    /// Only these parts: reports, fleet, host, idle, install.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Unpacks and installs what a folder holds, and nothing else: the child process whose CPU is measured.
    #[arg(long, hide = true)]
    install_once: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// A table.
    Text,
    /// One JSON document.
    Json,
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(folder) = &args.install_once {
        return install::once(folder);
    }
    let is_wanted = |part: &str| args.only.is_empty() || args.only.iter().any(|only| only == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut figures: Vec<Figure> = Vec::new();
    if is_wanted("install") {
        figures.extend(install::measure()?);
    }
    if is_wanted("reports") {
        figures.extend(runtime.block_on(reports::measure())?);
    }
    if is_wanted("fleet") {
        figures.extend(runtime.block_on(deployment::fleet(200))?);
    }
    if is_wanted("host") {
        figures.extend(deployment::one_host()?);
    }
    if is_wanted("idle") {
        figures.extend(idle::measure(std::time::Duration::from_secs(args.idle_seconds))?);
    }
    match args.output {
        Output::Text => println!("{}", figure::table(&figures)),
        Output::Json => println!("{:#}", figure::json(&figures)),
    }
    Ok(())
}
