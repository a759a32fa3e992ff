//! Thousands of random fleets and failures against the pure rules, with an auditor.
//!
//! A world is a deployment, its targets, a virtual clock, and hosts that misbehave in every way that
//! a network and a power cut allow. The control plane's part is played exactly as the engine does it:
//! a round is planned from a snapshot and committed all or nothing, a host's call is applied to one
//! target. A round may be planned from a snapshot that is out of date by then.
//!
//! `LONGSHORE_SIM_SEED=n` runs one seed and prints its trace; `LONGSHORE_SIM_FLEETS=n` how many.

#![expect(clippy::print_stdout, reason = "seeds and counts are the test's report")]
#![expect(clippy::disallowed_methods, reason = "the variables above choose what is simulated")]

mod auditor;
mod world;
mod zones;

use world::World;

const FLEETS: u64 = 10_000;

/// service.md §4.2, §4.5, §5.1 to §5.4, §7.1 and §8, as the auditor knows them. Source: service.md §5.2.
#[test]
fn ten_thousand_fleets_keep_every_promise() {
    if let Some(seed) = env_number("LONGSHORE_SIM_SEED") {
        let trace = World::new(seed).run();
        println!("{}", trace.join("\n"));
        return;
    }
    let fleets = env_number("LONGSHORE_SIM_FLEETS").unwrap_or(FLEETS);
    let (mut n_baked, mut n_stopped_in_wait) = (0, 0);
    let mut endings = std::collections::BTreeMap::<String, u64>::new();
    for seed in 0..fleets {
        let outcome = std::panic::catch_unwind(|| World::new(seed).run());
        let Ok(trace) = outcome else {
            panic!("seed {seed} broke a promise; run it alone with LONGSHORE_SIM_SEED={seed}");
        };
        let has = |what: &str| trace.iter().any(|line| line.ends_with(what));
        n_baked += u64::from(has(" Bake"));
        n_stopped_in_wait += u64::from(has(" Bake") && has("ended MANUAL_STOP"));
        let ending = trace.last().map_or("", |line| line.rsplit(' ').next().unwrap_or(""));
        *endings.entry(ending.to_owned()).or_default() += 1;
    }
    println!("{fleets} fleets: {endings:?}; {n_baked} waited between zones");
    // A simulation in which one of these never happens tests nothing of it.
    for ending in ["Succeeded", "HEALTH_CONSTRAINTS", "HEALTH_CONSTRAINTS_INVALID", "MANUAL_STOP", "TIMEOUT"]
    {
        assert!(endings.contains_key(ending), "no fleet ended with {ending}");
    }
    assert!(
        0 < n_baked && 0 < n_stopped_in_wait,
        "no fleet waited between zones, or none of those was stopped"
    );
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..200 {
        assert_eq!(World::new(seed).run(), World::new(seed).run(), "seed {seed}");
    }
}

fn env_number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
