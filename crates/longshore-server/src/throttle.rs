//! Who asks too often. The rule is [`longshore_model::rate`]'s; here are the buckets of all who asked
//! lately. (A crate for this would bring a concurrent map, a clock and futures of its own for what is a
//! subtraction under a lock that is held for less than a microsecond.)

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use longshore_model::id::PrincipalArn;
use longshore_model::rate::{Bucket, Rate};
use longshore_model::time::Timestamp;
use longshore_wire::error::ApiError;

/// Below this many buckets nobody looks which are full again.
const FEW: usize = 1024;

/// The buckets of callers.
pub(crate) struct Throttle {
    /// Nobody is refused when absent.
    rate: Option<Rate>,
    buckets: Mutex<Buckets>,
}

struct Buckets {
    by_principal: HashMap<PrincipalArn, Bucket>,
    /// At this many, those that are full again are dropped: they are as if nobody had asked. So there
    /// are at most twice as many as callers within the last moments, which may each hold many keys.
    tidy_at: usize,
}

impl Throttle {
    pub(crate) fn new(rate: Option<Rate>) -> Throttle {
        let buckets = Buckets { by_principal: HashMap::new(), tidy_at: FEW };
        Throttle { rate, buckets: Mutex::new(buckets) }
    }

    /// Counts a request of `principal`.
    ///
    /// # Errors
    /// `ThrottlingException` when it is one too many.
    pub(crate) fn admit(&self, principal: &PrincipalArn, now: Timestamp) -> Result<(), ApiError> {
        let Some(rate) = self.rate else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.by_principal.get(principal).copied().unwrap_or(Bucket::full(rate, now));
        let after = bucket.taken(rate, now).ok_or_else(ApiError::throttling)?;
        buckets.by_principal.insert(principal.clone(), after);
        buckets.tidy(rate, now);
        Ok(())
    }
}

impl Buckets {
    fn tidy(&mut self, rate: Rate, now: Timestamp) {
        if self.by_principal.len() < self.tidy_at {
            return;
        }
        self.by_principal.retain(|_, bucket| !bucket.is_full(rate, now));
        self.by_principal.shrink_to(FEW);
        self.tidy_at = FEW.max(2 * self.by_principal.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 2 };

    fn principal(name: &str) -> PrincipalArn {
        PrincipalArn(format!("arn:aws:iam::111122223333:user/{name}"))
    }

    /// Whether `name` is let in `millis` after the start.
    fn is_admitted(throttle: &Throttle, name: &str, millis: i64) -> bool {
        match throttle.admit(&principal(name), Timestamp::from_millis(millis)) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!((&*error.code, error.status), ("ThrottlingException", 400));
                assert_eq!(error.message, "Rate exceeded");
                false
            }
        }
    }

    #[test]
    fn each_principal_has_a_bucket_of_its_own() {
        let throttle = Throttle::new(Some(RATE));
        for name in ["ann", "bob"] {
            let answers = [0, 0, 0, 99, 100, 101].map(|millis| is_admitted(&throttle, name, millis));
            assert_eq!(answers, [true, true, false, false, true, false], "{name}");
        }
    }

    #[test]
    fn without_a_rate_nobody_is_refused() {
        let throttle = Throttle::new(None);
        assert!((0..10_000).all(|_| is_admitted(&throttle, "ann", 0)));
        assert!(throttle.buckets.lock().expect("not poisoned").by_principal.is_empty());
    }

    #[test]
    fn who_has_not_asked_for_a_while_is_forgotten() {
        let throttle = Throttle::new(Some(RATE));
        for n in 0..20 * FEW {
            // A hundred a second: each is full again after a tenth.
            assert!(is_admitted(&throttle, &n.to_string(), i64::try_from(10 * n).expect("in range")));
        }
        assert!(throttle.buckets.lock().expect("not poisoned").by_principal.len() <= FEW);
    }

    #[test]
    fn who_is_asking_is_not_forgotten() {
        let throttle = Throttle::new(Some(RATE));
        assert!(is_admitted(&throttle, "ann", 0) && is_admitted(&throttle, "ann", 0));
        for n in 0..4 * FEW {
            assert!(is_admitted(&throttle, &n.to_string(), 0));
        }
        assert!(!is_admitted(&throttle, "ann", 0));
    }
}
