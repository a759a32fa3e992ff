//! Many seeds, on as many threads as there are processors.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{Broken, Outcome, simulate};

/// After so many broken promises no more seeds are begun: they have said enough.
const MAX_BROKEN: usize = 5;

/// What many seeds came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many were run.
    pub n_seeds: u64,
    /// How many things happened in all.
    pub n_steps: u64,
    /// How long it took in their worlds, in milliseconds.
    pub world_millis: i64,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// Those that broke a promise, by seed.
    pub broken: Vec<Broken>,
}

impl Summary {
    fn add(&mut self, outcome: Outcome) {
        self.n_seeds += 1;
        self.n_steps += outcome.n_steps;
        self.world_millis += outcome.world_millis;
        for (what, n) in outcome.counts {
            *self.counts.entry(what).or_default() += n;
        }
    }
}

/// What can be told while seeds run.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// One more kept its promises.
    Kept {
        /// How many did until now.
        n_seeds: u64,
    },
    /// One broke a promise.
    Broke(&'a Broken),
}

/// Runs the seeds `first..first + n_seeds`, and lets `tell` know of each.
pub fn simulate_many(first: u64, n_seeds: u64, tell: impl Fn(Progress<'_>) + Sync) -> Summary {
    let next = AtomicU64::new(first);
    let end = first.saturating_add(n_seeds);
    let is_over = AtomicBool::new(false);
    let summary = Mutex::new(Summary::default());
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if end <= seed {
                        return;
                    }
                    let result = simulate(seed, false);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    match result {
                        Ok(outcome) => {
                            summary.add(outcome);
                            tell(Progress::Kept { n_seeds: summary.n_seeds });
                        }
                        Err(broken) => {
                            tell(Progress::Broke(&broken));
                            summary.broken.push(broken);
                            is_over.store(MAX_BROKEN <= summary.broken.len(), Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.broken.sort_by_key(|broken| broken.seed);
    summary
}

impl std::fmt::Display for Summary {
    /// Counts, a line each, and of a broken promise how to see it again.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hours = self.world_millis / 3_600_000;
        writeln!(formatter, "{} seeds, {} things happened in {hours} hours", self.n_seeds, self.n_steps)?;
        for (what, n) in &self.counts {
            writeln!(formatter, "{n:>10}  {what}")?;
        }
        for broken in &self.broken {
            writeln!(formatter, "{}", Progress::Broke(broken))?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Progress<'_> {
    /// A line; of a broken promise also how to see it again.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Progress::Kept { n_seeds } => write!(formatter, "{n_seeds} seeds kept every promise"),
            Progress::Broke(broken) => {
                let seed = broken.seed;
                writeln!(formatter, "BROKEN: {broken}")?;
                write!(
                    formatter,
                    "  again, with all that happened: LONGSHORE_SIM_SEED={seed} cargo run -p longshore-simulation"
                )
            }
        }
    }
}
