//! Patterns of the policy language: `*` stands for any run of characters, `?` for one.

/// A pattern for actions, which are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActionPattern(Vec<char>);

impl ActionPattern {
    /// `None` when `text` is neither `*` nor of the form `service:action`.
    pub(super) fn parse(text: &str) -> Option<ActionPattern> {
        let is_action = text.split_once(':').is_some_and(|(service, action)| {
            !service.is_empty() && !action.is_empty() && !action.contains(':')
        });
        (text == "*" || is_action).then(|| ActionPattern(text.to_ascii_lowercase().chars().collect()))
    }

    pub(super) fn matches(&self, action: &str) -> bool {
        let action: Vec<char> = action.to_ascii_lowercase().chars().collect();
        is_match(&self.0, &action)
    }
}

/// A pattern for ARNs. The six parts of an ARN are matched each on its own, so that a `*` in the
/// account does not reach into the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResourcePattern {
    /// `*`.
    Anything,
    /// Stands for nothing.
    Nothing,
    /// Part by part.
    Arn(Vec<Vec<char>>),
}

const N_ARN_PARTS: usize = 6;

impl ResourcePattern {
    /// `None` when `text` is neither `*` nor an ARN.
    pub(super) fn parse(text: &str) -> Option<ResourcePattern> {
        if text == "*" {
            return Some(ResourcePattern::Anything);
        }
        let parts: Vec<Vec<char>> = arn_parts(text).map(|part| part.chars().collect()).collect();
        (text.starts_with("arn:") && parts.len() == N_ARN_PARTS).then_some(ResourcePattern::Arn(parts))
    }

    pub(super) fn matches(&self, resource: &str) -> bool {
        match self {
            ResourcePattern::Anything => true,
            ResourcePattern::Nothing => false,
            ResourcePattern::Arn(patterns) => {
                let parts: Vec<&str> = arn_parts(resource).collect();
                patterns.len() == parts.len()
                    && patterns.iter().zip(parts).all(|(pattern, part)| {
                        let part: Vec<char> = part.chars().collect();
                        is_match(pattern, &part)
                    })
            }
        }
    }
}

fn arn_parts(text: &str) -> impl Iterator<Item = &str> {
    text.splitn(N_ARN_PARTS, ':')
}

/// Backtracks to the last `*` only, so the time is at most the product of the lengths.
fn is_match(pattern: &[char], text: &[char]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                last_star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(&c) if c == '?' || c == text[at_text] => {
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
    pattern[at_pattern..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        let pattern_chars: Vec<char> = pattern.chars().collect();
        let text_chars: Vec<char> = text.chars().collect();
        assert_eq!(is_match(&pattern_chars, &text_chars), expected, "{pattern} on {text}");
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
}
