//! What statements speak of: patterns for actions and for ARNs.

use super::context::Context;
use super::token::{Marks, Token, covers, tokens};
use super::verdict::Verdict;

/// A pattern for actions, which are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActionPattern(Vec<Token>);

impl ActionPattern {
    /// `None` when `text` is neither `*` nor of the form `service:action`.
    pub(super) fn parse(text: &str) -> Option<ActionPattern> {
        let is_action = text.split_once(':').is_some_and(|(service, action)| {
            !service.is_empty() && !action.is_empty() && !action.contains(':')
        });
        let marks = Marks { variables: false, wildcards: true };
        (text == "*" || is_action).then(|| ActionPattern(tokens(&text.to_ascii_lowercase(), marks)))
    }

    pub(super) fn matches(&self, action: &str) -> bool {
        let action: Vec<char> = action.to_ascii_lowercase().chars().collect();
        covers(&self.0, &action, &Context::default()).0
    }
}

/// A pattern for ARNs. The six parts of an ARN are matched each on its own, so that a `*` in the
/// account does not reach into the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResourcePattern {
    /// `*`.
    Anything,
    /// Part by part.
    Arn(Vec<Vec<Token>>),
}

const N_ARN_PARTS: usize = 6;
const SERVICE: usize = 2;
const REGION: usize = 3;
const ACCOUNT: usize = 4;
const RESOURCE: usize = 5;

impl ResourcePattern {
    /// `None` when `text` is neither `*` nor an ARN.
    pub(super) fn parse(text: &str, has_variables: bool) -> Option<ResourcePattern> {
        if text == "*" {
            return Some(ResourcePattern::Anything);
        }
        if !text.starts_with("arn:") {
            return None;
        }
        let all = tokens(text, Marks { variables: has_variables, wildcards: true });
        let parts: Vec<Vec<Token>> =
            all.splitn(N_ARN_PARTS, |token| *token == Token::Char(':')).map(<[Token]>::to_vec).collect();
        (parts.len() == N_ARN_PARTS).then_some(ResourcePattern::Arn(parts))
    }

    pub(super) fn matches(&self, resource: &str, context: &Context) -> Verdict {
        let ResourcePattern::Arn(patterns) = self else { return Verdict::Yes };
        let parts: Vec<&str> = resource.splitn(N_ARN_PARTS, ':').collect();
        if patterns.len() != parts.len() {
            return Verdict::No;
        }
        let is_codedeploys = parts[SERVICE] == "codedeploy";
        Verdict::all(patterns.iter().zip(parts).enumerate().map(|(idx, (pattern, part))| {
            let (is_match, is_known) = if idx == RESOURCE && is_codedeploys {
                covers_name(pattern, part, context)
            } else {
                covers(pattern, &part.chars().collect::<Vec<char>>(), context)
            };
            // CodeDeploy's ARNs have wildcards in names only. Source: service.md §11.
            let is_open = matches!(idx, REGION | ACCOUNT)
                && pattern.iter().any(|token| matches!(token, Token::AnyRun | Token::AnyOne));
            Verdict::of(is_match).known(is_known && !(is_codedeploys && is_open))
        }))
    }

    pub(super) fn has_variable(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        let ResourcePattern::Arn(parts) = self else { return false };
        parts.iter().flatten().any(|token| matches!(token, Token::Variable { key, .. } if is_meant(key)))
    }
}

/// CodeDeploy's resources have their name behind a `:` or a `/`, whichever the writer likes: `instance/x`
/// and `instance:x` are one. Source: service.md §1.6.
fn covers_name(pattern: &[Token], resource: &str, context: &Context) -> (bool, bool) {
    let (kind, name) = resource.split_once([':', '/']).unwrap_or((resource, ""));
    let spelled = |separator| format!("{kind}{separator}{name}").chars().collect::<Vec<char>>();
    let (is_match, is_known) = covers(pattern, &spelled(':'), context);
    (is_match || covers(pattern, &spelled('/'), context).0, is_known)
}
