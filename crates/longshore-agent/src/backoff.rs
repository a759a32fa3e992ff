//! How long to wait after failed polls. Pure; chance comes in as a number.

use std::time::Duration;

/// Seconds to wait after 1, 2, … failed polls in a row: `floor(1.2675^n * 90 / 1.2675^10)`.
/// Source: agent.md §1.4.
const TABLE_SECS: [u64; 10] = [10, 13, 17, 21, 27, 34, 44, 56, 71, 90];

/// The most that chance takes off a pause, so that a fleet does not return in lock step (I-04).
const MAX_JITTER_SHARE: f64 = 0.20;

/// How many polls have failed in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailedPolls {
    n_errors: usize,
}

impl FailedPolls {
    /// One more has failed after `elapsed`: the pause until the next. `chance` is a number from 0 to 1.
    pub fn failed(&mut self, elapsed: Duration, chance: f64) -> Duration {
        self.n_errors = (self.n_errors + 1).min(TABLE_SECS.len());
        pause(self.n_errors, elapsed, chance)
    }

    /// One has succeeded, which starts the table again.
    pub fn succeeded(&mut self) {
        self.n_errors = 0;
    }

    /// Whether the last one failed.
    pub fn is_failing(self) -> bool {
        0 < self.n_errors
    }
}

/// The pause after the `n_errors`th failed poll in a row, less the time that poll took.
///
/// `chance` is a number from 0 to 1.
fn pause(n_errors: usize, elapsed: Duration, chance: f64) -> Duration {
    let Some(row) = n_errors.checked_sub(1) else { return Duration::ZERO };
    let full = TABLE_SECS[row.min(TABLE_SECS.len() - 1)];
    let jittered = Duration::from_secs(full).mul_f64(1.0 - MAX_JITTER_SHARE * chance.clamp(0.0, 1.0));
    let elapsed_secs = elapsed.as_secs() + u64::from(elapsed.subsec_nanos() != 0);
    jittered.saturating_sub(Duration::from_secs(elapsed_secs))
}

/// The pause before a report is sent again after `n_errors` failures: 1 s doubling to 60 s.
pub fn report_pause(n_errors: u32, chance: f64) -> Duration {
    let full = Duration::from_secs(1_u64 << n_errors.saturating_sub(1).min(6)).min(Duration::from_secs(60));
    full.mul_f64(1.0 - MAX_JITTER_SHARE * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(n_errors: usize, elapsed_ms: u64, chance: f64, expected_ms: u64) {
        let pause = pause(n_errors, Duration::from_millis(elapsed_ms), chance);
        assert_eq!(pause, Duration::from_millis(expected_ms), "errors: {n_errors}");
    }

    #[test]
    fn the_table_grows_to_ninety_seconds() {
        for (row, secs) in [10, 13, 17, 21, 27, 34, 44, 56, 71, 90, 90, 90].into_iter().enumerate() {
            check(row + 1, 0, 0.0, secs * 1000);
        }
        check(0, 0, 0.0, 0);
    }

    #[test]
    fn a_success_starts_the_table_again() {
        let mut polls = FailedPolls::default();
        let secs = |polls: &mut FailedPolls| polls.failed(Duration::from_millis(1), 0.0).as_secs();
        assert_eq!([secs(&mut polls), secs(&mut polls), secs(&mut polls)], [9, 12, 16]);
        assert!(polls.is_failing());
        polls.succeeded();
        assert!(!polls.is_failing());
        assert_eq!(secs(&mut polls), 9);
        for _ in 0..20 {
            secs(&mut polls);
        }
        assert_eq!(secs(&mut polls), 89);
    }

    #[test]
    fn the_table_follows_its_formula() {
        for (row, secs) in TABLE_SECS.into_iter().enumerate() {
            let power = i32::try_from(row).expect("small") + 1;
            assert_eq!((1.2675_f64.powi(power) * 90.0 / 1.2675_f64.powi(10) + 1e-9).floor() as u64, secs);
        }
    }

    #[test]
    fn the_time_of_the_failed_poll_is_subtracted_rounded_up() {
        check(1, 10, 0.0, 9_000);
        check(1, 2_000, 0.0, 8_000);
        check(1, 322_000, 0.0, 0);
    }

    #[test]
    fn chance_takes_off_at_most_a_fifth() {
        check(1, 0, 1.0, 8_000);
        check(10, 0, 0.5, 81_000);
    }

    #[test]
    fn reports_are_retried_within_a_minute() {
        let secs: Vec<u64> = (1..=8).map(|n| report_pause(n, 0.0).as_secs()).collect();
        assert_eq!(secs, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
