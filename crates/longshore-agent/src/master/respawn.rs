//! When a worker that died is replaced. Pure. Source: agent.md §9.2, with I-50.

use std::time::Duration;

/// After the first early death.
const FIRST_DELAY: Duration = Duration::from_secs(5);

/// However often it dies.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// A worker that lived this long was healthy: its death counts as a first one.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// The delays between the deaths of workers and their successors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Respawn {
    last_delay: Option<Duration>,
}

impl Respawn {
    /// How long to wait after the death of a worker that lived for `lived`.
    pub(super) fn delay_after(&mut self, lived: Duration) -> Duration {
        let delay = match self.last_delay {
            Some(last) if lived < HEALTHY_AFTER => (last * 2).min(LONGEST_DELAY),
            Some(_) | None => FIRST_DELAY,
        };
        self.last_delay = Some(delay);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lives of workers in seconds, and the delays after them.
    #[track_caller]
    fn check(lives: &[u64], expected: &[u64]) {
        let mut respawn = Respawn::default();
        let delays = lives.iter().map(|secs| respawn.delay_after(Duration::from_secs(*secs)).as_secs());
        assert_eq!(delays.collect::<Vec<_>>(), expected, "lives: {lives:?}");
    }

    #[test]
    fn delays_double_from_five_to_sixty_seconds_and_start_again_after_a_healthy_life() {
        check(&[0, 0, 0, 0, 0, 0, 0], &[5, 10, 20, 40, 60, 60, 60]);
        check(&[3600], &[5]);
        check(&[0, 59, 60, 0], &[5, 10, 5, 10]);
        check(&[0, 0, 0, 0, 0, 61, 61], &[5, 10, 20, 40, 60, 5, 5]);
    }
}
