//! Errors as reasons for people.

use std::error::Error;
use std::time::Duration;

use longshore_engine::outside::OutsideError;

/// What others say can be long; a reason stands in one line of a log or a deployment's message.
const MAX_REASON_CHARS: usize = 400;

/// `text` in one line, and cut.
pub(crate) fn reason(text: impl AsRef<str>) -> OutsideError {
    let line = text.as_ref().split_whitespace().collect::<Vec<_>>().join(" ");
    OutsideError(cut(&line, MAX_REASON_CHARS))
}

/// `error` with everything that caused it.
pub(crate) fn chain(error: &dyn Error) -> OutsideError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    reason(text)
}

/// The result of `future`, or that `whom` took too long.
pub(crate) async fn in_time<T>(
    whom: &str,
    limit: Duration,
    future: impl Future<Output = Result<T, OutsideError>>,
) -> Result<T, OutsideError> {
    let in_time = tokio::time::timeout(limit, future).await;
    in_time.unwrap_or_else(|_| Err(reason(format!("no answer from {whom} within {} s", limit.as_secs_f64()))))
}

/// At most `max_chars` of `text`; that something is missing shows.
pub(crate) fn cut(text: &str, max_chars: usize) -> String {
    const MARK: &str = "...";
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max_chars.saturating_sub(MARK.len())).collect();
    format!("{}{MARK}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(reason("a\n  b\tc ").0, "a b c");
        let long = reason("é".repeat(1000)).0;
        assert_eq!(long.chars().count(), MAX_REASON_CHARS);
        assert!(long.ends_with("é..."), "{long}");
    }

    #[test]
    fn what_fits_is_not_cut() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc...");
        assert_eq!(cut("ab cdefg", 6), "ab...");
    }

    #[test]
    fn causes_are_told() {
        let inner = std::io::Error::other("no route");
        let outer = OutsideStart(inner);
        assert_eq!(chain(&outer).0, "cannot start: no route");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_without_end() {
        let never = std::future::pending::<Result<(), OutsideError>>();
        let told = in_time("Prometheus", Duration::from_millis(2500), never).await.expect_err("too long");
        assert_eq!(told.0, "no answer from Prometheus within 2.5 s");
        assert_eq!(in_time("it", Duration::from_secs(1), async { Ok(1) }).await, Ok(1));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot start")]
    struct OutsideStart(#[source] std::io::Error);
}
