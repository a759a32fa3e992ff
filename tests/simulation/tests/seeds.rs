//! The simulation as CI runs it. How to run one seed, or others: see CONTRIBUTING.md.

use std::io::Write as _;
use std::process::Command;

use longshore_simulation::{simulate, simulate_many};

/// How many seeds CI runs.
const RUNS: u64 = 5_000;

/// Kinds of endings, faults and agents without which a simulation tests little.
const MUST_HAPPEN: [&str; 48] = [
    "ALARM_ACTIVE",
    "DEPLOYMENT_GROUP_MISSING",
    "HEALTH_CONSTRAINTS",
    "HEALTH_CONSTRAINTS_INVALID",
    "MANUAL_STOP",
    "NO_INSTANCES",
    "Succeeded",
    "TIMEOUT",
    "answers twice",
    "clock wrong",
    "confused",
    "late",
    "never comes",
    "out of order",
    "script fails",
    "slow",
    "dies before ack",
    "dies before report",
    "dies before run",
    "dies in run",
    "dies with ack sent",
    "dies with report sent",
    "acknowledgement's answer lost",
    "came late",
    "connection cut",
    "death after a write",
    "death before a write",
    "failed start",
    "fleet changed",
    "hand-out lost",
    "joined while it was there",
    "news heard",
    "news lost",
    "one server alone",
    "one server on a shared database",
    "restart",
    "rollback",
    "shutdown",
    "slow store",
    "stop in Baking",
    "stop in Created",
    "stop in InProgress",
    "stop in Queued",
    "store refuses",
    "store's answer lost",
    "two servers",
    "update after a deployment",
    "update of late hosts",
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_seed_keeps_every_promise() {
    let first = number("LONGSHORE_SIM_FIRST").unwrap_or(0);
    let runs = number("LONGSHORE_SIM_RUNS").unwrap_or(RUNS);
    let summary = simulate_many(first, runs, |_| {});
    // Not by `print`, which is shown of failures only: CI is to show seeds and counts.
    writeln!(std::io::stderr(), "simulation: seeds {first} to {}: {summary}", first + runs - 1).unwrap();
    assert!(summary.broken.is_empty(), "{:?}", summary.broken);
    if RUNS <= runs {
        for what in MUST_HAPPEN {
            assert!(summary.counts.contains_key(what), "in none of the seeds: {what}");
        }
    }
}

#[test]
fn the_same_seed_has_the_same_history() {
    for seed in 0..60 {
        let once = simulate(seed, false).unwrap();
        let again = simulate(seed, false).unwrap();
        assert_eq!(once, again, "seed {seed}");
    }
}

/// What differs from process to process: the order in which hash maps are gone through, addresses, threads.
#[test]
fn another_process_has_the_same_history() {
    for seed in 0..20 {
        let here = simulate(seed, true).unwrap();
        let program = env!("CARGO_BIN_EXE_longshore-simulation");
        let output = Command::new(program).arg("--seed").arg(seed.to_string()).output().unwrap();
        let there = String::from_utf8(output.stdout).unwrap();
        let there: Vec<&str> = there.lines().collect();
        let (end, history) = there.split_last().unwrap();
        for (number, (here, there)) in here.history.iter().zip(history).enumerate() {
            assert_eq!(here, there, "seed {seed}, line {number}");
        }
        let fingerprint = format!("{:016x}", here.fingerprint);
        assert!(end.contains(&fingerprint), "seed {seed}: {fingerprint}, and there {end}");
    }
}
