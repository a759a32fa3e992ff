//! An error with what caused it, as one line for people.

use std::error::Error;

/// The texts of `error` and of its causes, once each.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Failure {
        text: &'static str,
        #[source]
        source: std::io::Error,
    }

    #[track_caller]
    fn check(text: &'static str, source: &str, expected: &str) {
        assert_eq!(with_causes(&Failure { text, source: std::io::Error::other(source) }), expected);
    }

    #[test]
    fn a_cause_is_said_unless_the_error_says_it() {
        check("cannot open the door", "it is locked", "cannot open the door: it is locked");
        check("cannot open the door: it is locked", "it is locked", "cannot open the door: it is locked");
    }
}
