//! Errors for people: what went wrong, why, and what to do next.

use std::fmt::Write as _;

/// What went wrong together with what to do about it. Sits in an `anyhow` chain as context.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Advice {
    what: String,
    hint: String,
}

impl Advice {
    /// `what` went wrong; `hint` says what to do, as a phrase that starts with a verb.
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Advice {
        Advice { what: what.into(), hint: hint.into() }
    }
}

/// An error as it is shown: what was tried, each cause on its own line, then the hint.
pub(crate) fn shown(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some libraries repeat their source in their own text.
        if !last.contains(&cause) {
            let _ = write!(text, "\n  because: {cause}");
        }
        last = cause;
    }
    if let Some(advice) = error.downcast_ref::<Advice>() {
        let _ = write!(text, "\nhint: {}", advice.hint);
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn an_error_shows_its_causes_and_the_hint_last() {
        let error = Err::<(), _>(std::io::Error::other("connection refused"))
            .context(Advice::new("cannot reach the server", "start it with `longshore up`"))
            .expect_err("an error");
        assert_eq!(
            shown(&error),
            "error: cannot reach the server\n  because: connection refused\nhint: start it with `longshore up`"
        );
    }

    #[test]
    fn a_cause_that_is_in_the_text_already_is_not_repeated() {
        let error = anyhow::anyhow!("disk full").context("cannot write `x`: disk full");
        assert_eq!(shown(&error), "error: cannot write `x`: disk full");
    }
}
