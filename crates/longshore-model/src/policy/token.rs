//! Texts of the policy language: characters, wildcards, variables.

use super::context::Context;

/// A piece of a text in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `*`: any run of characters.
    AnyRun,
    /// `?`: any one character.
    AnyOne,
    /// `${key}` or `${key, 'default'}`.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// Which marks a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// The language of 2012 has variables.
    pub(super) variables: bool,
    pub(super) wildcards: bool,
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str, marks: Marks) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if marks.variables
            && let Some(inside) = rest.strip_prefix("${")
        {
            // One that does not end stands for whatever comes: nobody knows its name.
            let (variable, after) = inside.split_once('}').unwrap_or((inside, ""));
            tokens.push(variable_token(variable));
            rest = after;
            continue;
        }
        tokens.push(match first {
            '*' if marks.wildcards => Token::AnyRun,
            '?' if marks.wildcards => Token::AnyOne,
            other => Token::Char(other),
        });
        rest = &rest[first.len_utf8()..];
    }
    tokens
}

fn variable_token(variable: &str) -> Token {
    // These three spell the marks themselves.
    if let "*" | "?" | "$" = variable {
        return Token::Char(variable.chars().next().unwrap_or('$'));
    }
    let (key, default) = match variable.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (variable, None),
    };
    let default = default.and_then(|text| text.strip_prefix('\'')?.strip_suffix('\'')).map(str::to_owned);
    Token::Variable { key: key.trim().to_owned(), default }
}

/// Whether `pattern` covers `text`, and whether that is known: a variable without a value, with several
/// or of an unknown name may stand for anything.
pub(super) fn covers(pattern: &[Token], text: &[char], context: &Context) -> (bool, bool) {
    if !pattern.iter().any(|token| matches!(token, Token::Variable { .. })) {
        return (is_match(pattern, text), true);
    }
    let mut is_known = true;
    let mut resolved = Vec::with_capacity(pattern.len());
    for token in pattern {
        match token {
            Token::Variable { key, default } => match value(key, default.as_deref(), context) {
                Some(value) => resolved.extend(value.chars().map(Token::Char)),
                None => {
                    is_known = false;
                    resolved.push(Token::AnyRun);
                }
            },
            Token::Char(_) | Token::AnyRun | Token::AnyOne => resolved.push(token.clone()),
        }
    }
    (is_match(&resolved, text), is_known)
}

fn value<'c>(key: &str, default: Option<&'c str>, context: &'c Context) -> Option<&'c str> {
    match context.values(key)? {
        [] => default,
        [value] => Some(value),
        [_, ..] => None,
    }
}

/// Backtracks to the last `*` only, so the time is at most the product of the lengths.
fn is_match(pattern: &[Token], text: &[char]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(Token::AnyRun) => {
                last_star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(token) if *token == Token::AnyOne || *token == Token::Char(text[at_text]) => {
                at_pattern += 1;
                at_text += 1;
            }
            Some(_) | None => {
                let Some((star, covered)) = last_star else { return false };
                last_star = Some((star, covered + 1));
                at_pattern = star + 1;
                at_text = covered + 1;
            }
        }
    }
    pattern[at_pattern..].iter().all(|token| *token == Token::AnyRun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        let pattern_tokens = tokens(pattern, Marks { variables: true, wildcards: true });
        let text_chars: Vec<char> = text.chars().collect();
        let context = Context::new().with("aws:username", "a*n");
        assert_eq!(covers(&pattern_tokens, &text_chars, &context), (expected, true), "{pattern} on {text}");
    }

    #[test]
    fn star_and_question_mark() {
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("*", "abc", true);
        check("a*c", "abc", true);
        check("a*c", "abcd", false);
        check("a*b*c", "a-b-b-c", true);
        check("*.zip", "a.zip.zip", true);
        check("?", "", false);
        check("?", "é", true);
        check("a?c*", "abc", true);
        check("*a*a*a*a*b", &"a".repeat(200), false);
    }

    #[test]
    fn variables_stand_for_values_and_never_for_patterns() {
        check("x-${aws:username}-*", "x-a*n-1", true);
        check("x-${aws:username}-*", "x-ann-1", false);
        check("x-${AWS:UserName}", "x-a*n", true);
        check("${aws:userid, 'nobody'}", "nobody", true);
        check("${aws:username, 'nobody'}", "a*n", true);
        check("${*}${?}${$}{x}", "*?${x}", true);
        check("${*}", "x", false);
    }

    #[test]
    fn a_variable_without_a_value_may_be_anything_and_that_is_not_known() {
        let several = Context::new().with("aws:TagKeys", "a").with("aws:TagKeys", "b");
        for pattern in ["${aws:username}", "${aws:TagKeys}", "${aws:NoSuchKey, 'x'}", "${aws:username"] {
            let tokens = tokens(pattern, Marks { variables: true, wildcards: true });
            assert_eq!(covers(&tokens, &['z'], &several), (true, false), "{pattern}");
        }
    }
}
