//! Trying again for a while: an outage of the service must not fail a command that nobody has begun.

use std::time::{Duration, Instant};

/// The pause before the second attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How much longer to try.
#[derive(Debug)]
pub struct Patience {
    window: Duration,
    started: Instant,
    n_failures: u32,
}

impl Patience {
    /// Tries that go on for `window` from now.
    pub fn new(window: Duration) -> Patience {
        Patience { window, started: Instant::now(), n_failures: 0 }
    }

    /// The pause after one more failure; `None` when it is time to give up.
    pub fn pause(&mut self) -> Option<Duration> {
        self.n_failures += 1;
        pause(self.n_failures, self.started.elapsed(), self.window)
    }
}

/// Makes `call` until it succeeds, fails in a way that will not pass, or `window` is over.
///
/// # Errors
/// The error of the last attempt.
pub async fn patiently<T, E, F>(
    window: Duration,
    is_transient: impl Fn(&E) -> bool,
    mut call: impl FnMut() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut patience = Patience::new(window);
    loop {
        let result = call().await;
        if result.as_ref().err().is_none_or(|error| !is_transient(error)) {
            return result;
        }
        match patience.pause() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return result,
        }
    }
}

/// The pause after the `n_failures`th failure in a row; `None` when the window would end in it.
fn pause(n_failures: u32, elapsed: Duration, window: Duration) -> Option<Duration> {
    let doubled = FIRST_PAUSE.saturating_mul(1 << n_failures.saturating_sub(1).min(10));
    let pause = doubled.min(LONGEST_PAUSE);
    (elapsed + pause <= window).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(n_failures: u32, elapsed_secs: u64, expected_ms: Option<u64>) {
        let pause = pause(n_failures, Duration::from_secs(elapsed_secs), Duration::from_secs(30));
        assert_eq!(pause, expected_ms.map(Duration::from_millis), "failures: {n_failures}");
    }

    #[test]
    fn pauses_double_up_to_five_seconds_within_the_window() {
        check(1, 0, Some(300));
        check(2, 1, Some(600));
        check(5, 10, Some(4800));
        check(6, 10, Some(5000));
        check(u32::MAX, 25, Some(5000));
        check(6, 26, None);
    }

    #[tokio::test]
    async fn what_will_not_pass_is_not_tried_again() {
        let mut n_calls = 0;
        let call = || {
            n_calls += 1;
            std::future::ready(Err::<(), _>('p'))
        };
        let result = patiently(Duration::from_secs(60), |error| *error == 't', call).await;
        assert_eq!((result, n_calls), (Err('p'), 1));
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again() {
        let mut n_calls = 0;
        let call = || {
            n_calls += 1;
            std::future::ready(if n_calls == 2 { Ok(n_calls) } else { Err('t') })
        };
        let result = patiently(Duration::from_secs(60), |error| *error == 't', call).await;
        assert_eq!(result, Ok(2));
    }
}
