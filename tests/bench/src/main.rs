//! `make bench`: what Longshore costs, each figure beside its floor or its aim, measured in one run.
//!
//! Prints a table, or one JSON document with `--output json`. Nothing here asserts a time: a busy
//! machine is slow, and the ratio beside the floor says more than either number.

mod agent;
mod api;
mod bundle;
mod deployment;
mod figure;
mod floor;
mod growth;
mod history;
mod install;
mod load;
mod plot;
mod process;
mod reports;
mod scale;
mod transfer;

use clap::{Parser, ValueEnum};

use figure::Figure;

/// The server's: ten thousand hosts run in this process, and are not to be what is measured.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
    /// Only these parts: small, large, reports, fleet, idle, deployments, bundle, lines, api, history, transfer, scale.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Of the part scale: the sizes of the fleets, smallest first.
    #[arg(long, value_delimiter = ',', default_values_t = scale::SIZES)]
    hosts: Vec<usize>,
    /// Of the part scale: on which databases, SQLite first.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = scale::Database::ALL)]
    databases: Vec<scale::Database>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table.
    Text,
    /// One JSON document.
    Json,
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let is_wanted = |part: &str| args.only.is_empty() || args.only.iter().any(|only| only == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut figures = Figures { shown_at_once: args.output == Output::Text, all: Vec::new() };
    if figures.shown_at_once {
        println!("{}", figure::head());
    }
    let idle_time = std::time::Duration::from_secs(args.idle_seconds);
    if is_wanted("small") {
        figures.extend(install::small()?);
    }
    if is_wanted("large") {
        figures.extend(install::large()?);
    }
    if is_wanted("reports") {
        figures.extend(runtime.block_on(reports::measure())?);
    }
    if is_wanted("fleet") {
        figures.extend(runtime.block_on(deployment::fleet(200))?);
    }
    if is_wanted("idle") {
        figures.extend(runtime.block_on(agent::idle(idle_time))?);
    }
    if is_wanted("deployments") {
        figures.extend(runtime.block_on(agent::many())?);
    }
    if is_wanted("bundle") {
        figures.extend(runtime.block_on(agent::large())?);
    }
    if is_wanted("lines") {
        figures.extend(runtime.block_on(agent::lines())?);
    }
    if is_wanted("api") {
        figures.extend(runtime.block_on(api::calls())?);
    }
    if is_wanted("history") {
        figures.extend(runtime.block_on(history::measure())?);
    }
    if is_wanted("transfer") {
        figures.extend(transfer::measure()?);
    }
    let mut plot = String::new();
    if is_wanted("scale") {
        let (scale, drawn) = runtime.block_on(scale::measure(&args.hosts, &args.databases))?;
        figures.extend(scale);
        plot = drawn;
    }
    match args.output {
        Output::Text if plot.is_empty() => {}
        Output::Text => println!("\n{plot}"),
        Output::Json => println!("{:#}", figure::json(&figures.all)),
    }
    Ok(())
}

/// What was measured so far.
struct Figures {
    /// Each part's figures are for people as soon as there are any: the parts take minutes, and a later one
    /// may fail.
    shown_at_once: bool,
    all: Vec<Figure>,
}

impl Figures {
    #[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
    fn extend(&mut self, figures: Vec<Figure>) {
        if self.shown_at_once {
            println!("{}", figure::rows(&figures));
        }
        self.all.extend(figures);
    }
}
