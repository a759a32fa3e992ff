//! How often somebody may ask: a bucket of tokens that fills at a steady rate, and out of which every
//! request takes one. Source: service.md §1.7.

use crate::time::Timestamp;

/// Thousandths of a token, so that a millisecond at any whole rate is a whole number of them.
const PARTS: u64 = 1000;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second, on average.
    pub per_second: u32,
    /// Requests at once, after a time without any; at least 1.
    pub burst: u32,
}

impl Rate {
    fn capacity(self) -> u64 {
        u64::from(self.burst) * PARTS
    }
}

/// What somebody has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// In thousandths of a token.
    level: u64,
    /// When it was that.
    at: Timestamp,
}

impl Bucket {
    /// The bucket of somebody who has not asked for a while.
    pub fn full(rate: Rate, now: Timestamp) -> Bucket {
        Bucket { level: rate.capacity(), at: now }
    }

    /// The bucket after a request at `now`, or nothing if there is no token for it. A refused request
    /// costs none.
    #[must_use]
    pub fn taken(self, rate: Rate, now: Timestamp) -> Option<Bucket> {
        let level = self.level_at(rate, now).checked_sub(PARTS)?;
        Some(Bucket { level, at: now })
    }

    /// Whether it is as if nobody had asked.
    pub fn is_full(self, rate: Rate, now: Timestamp) -> bool {
        self.level_at(rate, now) == rate.capacity()
    }

    fn level_at(self, rate: Rate, now: Timestamp) -> u64 {
        // A clock that was set back fills nothing; the next request goes on from there.
        let millis = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let added = millis.saturating_mul(u64::from(rate.per_second));
        self.level.saturating_add(added).min(rate.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    /// Asks at each of `millis` and compares who was let in: `+` or `-` for each.
    #[track_caller]
    fn check(rate: Rate, millis: &[i64], expected: &str) {
        let mut bucket = Bucket::full(rate, Timestamp::from_millis(0));
        let answers = millis.iter().map(|at| match bucket.taken(rate, Timestamp::from_millis(*at)) {
            Some(after) => {
                bucket = after;
                '+'
            }
            None => '-',
        });
        assert_eq!(answers.collect::<String>(), expected, "{millis:?}");
    }

    #[test]
    fn a_burst_is_let_in_and_then_the_rate() {
        check(RATE, &[0, 0, 0, 0], "+++-");
        check(RATE, &[0, 0, 0, 99, 100, 100, 200], "+++-+-+");
        check(RATE, &[0, 0, 0, 10_000, 10_000, 10_000, 10_000], "++++++-");
    }

    #[test]
    fn a_refused_request_costs_nothing() {
        check(RATE, &[0, 0, 0, 50, 60, 70, 80, 90, 100], "+++-----+");
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        check(RATE, &[1000, 1000, 500, 500, 600], "+++-+");
    }

    #[test]
    fn no_number_is_too_large() {
        let rate = Rate { per_second: u32::MAX, burst: u32::MAX };
        check(rate, &[0, i64::MAX, i64::MIN, 0], "++++");
        check(Rate { per_second: 1, burst: 1 }, &[0, 999, 1000, 1999, 2000], "+-+-+");
    }

    #[test]
    fn full_is_as_if_nobody_had_asked() {
        let start = Timestamp::from_millis(0);
        let bucket = Bucket::full(RATE, start);
        assert!(bucket.is_full(RATE, start));
        let bucket = bucket.taken(RATE, start).expect("there is a token");
        assert!(!bucket.is_full(RATE, Timestamp::from_millis(99)));
        assert!(bucket.is_full(RATE, Timestamp::from_millis(100)));
    }
}
