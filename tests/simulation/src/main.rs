//! Runs seeds and prints what they came to; `make soak` runs a night's worth.

use std::process::ExitCode;

use clap::Parser;
use longshore_simulation::{Progress, simulate, simulate_many};

/// Simulates the control plane on a clock of its own, with faults.
#[derive(Debug, Parser)]
struct Args {
    /// Run this seed alone, and print all that happens.
    #[arg(long, env = "LONGSHORE_SIM_SEED")]
    seed: Option<u64>,
    /// The first seed.
    #[arg(long, env = "LONGSHORE_SIM_FIRST", default_value_t = 0)]
    first: u64,
    /// How many seeds.
    #[arg(long, env = "LONGSHORE_SIM_RUNS", default_value_t = 5_000)]
    runs: u64,
}

#[expect(clippy::print_stdout, reason = "what happened is this program's output")]
fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        let (history, end) = match simulate(seed, true) {
            Ok(outcome) => {
                let end = format!("seed {seed}: history {:016x}, {:?}", outcome.fingerprint, outcome.counts);
                (outcome.history, Ok(end))
            }
            Err(broken) => (broken.history.clone(), Err(broken.to_string())),
        };
        for line in history {
            println!("{line}");
        }
        return match end {
            Ok(end) => {
                println!("{end}");
                ExitCode::SUCCESS
            }
            Err(problem) => {
                println!("{problem}");
                ExitCode::FAILURE
            }
        };
    }
    let summary = simulate_many(args.first, args.runs, |progress| match progress {
        Progress::Kept { n_seeds } if !n_seeds.is_multiple_of(1_000) => {}
        Progress::Kept { .. } | Progress::Broke(_) => println!("{progress}"),
    });
    println!("{summary}");
    if summary.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
