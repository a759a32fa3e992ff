//! How long, and which chance.

use std::time::{Duration, SystemTime};

/// What a run is asked for by.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where chance begins: the same seed draws the same faults, hosts and pauses.
    pub seed: u64,
    /// How long faults are made.
    pub faults_for: Duration,
    /// Whether the logs of all programs are left for somebody to read.
    pub keeps: bool,
}

impl Settings {
    /// From `LONGSHORE_FAULTS_SEED` (a new one if absent) and `LONGSHORE_FAULTS_SECONDS` (60 if absent),
    /// and whether there is a `LONGSHORE_FAULTS_KEEP`.
    ///
    /// # Panics
    /// When one is not a number.
    pub fn from_env() -> Settings {
        let number = |name: &str| {
            let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
            Some(text.parse::<u64>().unwrap_or_else(|error| panic!("{name} is {text:?}: {error}")))
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Settings {
            seed: number("LONGSHORE_FAULTS_SEED").unwrap_or_else(|| now.subsec_nanos().into()),
            faults_for: Duration::from_secs(number("LONGSHORE_FAULTS_SECONDS").unwrap_or(60)),
            keeps: std::env::var_os("LONGSHORE_FAULTS_KEEP").is_some(),
        }
    }
}
