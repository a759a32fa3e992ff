//! `Condition`: `{"<operator>": {"<key>": <value or list>}}`. All must hold; of one key's values one is
//! enough, or for the operators with `Not`, none may match.

use super::context::Context;
use super::operator::{Operator, Quantifier, Test};
use super::token::{Marks, Token, tokens};
use super::verdict::Verdict;

/// One key of one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// `None` when there is no such operator here.
    operator: Option<Operator>,
    key: String,
    values: Vec<Value>,
}

/// A value as it stands in the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    /// Wildcards are marks only for operators that have them.
    pub(super) tokens: Vec<Token>,
}

impl Condition {
    pub(super) fn new(operator: &str, key: &str, values: Vec<String>, has_variables: bool) -> Condition {
        let operator = Operator::parse(operator);
        let wildcards = operator.as_ref().is_some_and(Operator::has_wildcards);
        let marks = Marks { variables: has_variables, wildcards };
        let values = values.into_iter().map(|text| Value { tokens: tokens(&text, marks), text }).collect();
        Condition { operator, key: key.to_owned(), values }
    }

    pub(super) fn holds(&self, context: &Context) -> Verdict {
        let (Some(operator), Some(values)) = (&self.operator, context.values(&self.key)) else {
            return Verdict::Unknown;
        };
        if operator.test == Test::Null {
            return Verdict::any(self.values.iter().map(|value| is_absent(value, values.is_empty())));
        }
        match (operator.quantifier, values) {
            (Some(Quantifier::ForAllValues), values) => {
                Verdict::all(values.iter().map(|value| self.holds_for(operator, value, context)))
            }
            (None | Some(Quantifier::ForAnyValue), []) if operator.is_if_exists => Verdict::Yes,
            (Some(Quantifier::ForAnyValue), values) => {
                Verdict::any(values.iter().map(|value| self.holds_for(operator, value, context)))
            }
            (None, []) => Verdict::of(operator.is_negated),
            (None, [value]) => self.holds_for(operator, value, context),
            // AWS does not say what comes of several values without a quantifier.
            (None, [_, _, ..]) => Verdict::Unknown,
        }
    }

    fn holds_for(&self, operator: &Operator, actual: &str, context: &Context) -> Verdict {
        let matches = self.values.iter().map(|value| operator.test.matches(value, actual, context));
        Verdict::any(matches).negated_if(operator.is_negated)
    }

    /// Whether its key or a variable in its values is one of those meant.
    pub(super) fn names(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        let mut tokens = self.values.iter().flat_map(|value| &value.tokens);
        is_meant(&self.key)
            || tokens.any(|token| matches!(token, Token::Variable { key, .. } if is_meant(key)))
    }
}

fn is_absent(wanted: &Value, is_absent: bool) -> Verdict {
    match wanted.text.to_ascii_lowercase().as_str() {
        "true" => Verdict::of(is_absent),
        "false" => Verdict::of(!is_absent),
        _ => Verdict::Unknown,
    }
}
