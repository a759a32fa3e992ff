//! The operators of conditions: how a value of the request is compared with one of the policy.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::condition::Value;
use super::context::Context;
use super::token::{Token, covers};
use super::verdict::Verdict;

/// `ForAnyValue:StringNotLikeIfExists`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) quantifier: Option<Quantifier>,
    pub(super) test: Test,
    /// None of the policy's values may match.
    pub(super) is_negated: bool,
    /// Holds where the request has no value.
    pub(super) is_if_exists: bool,
}

/// Which of a key's values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// Every one; of none, it holds.
    ForAllValues,
    /// One is enough.
    ForAnyValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Equals,
    EqualsIgnoreCase,
    Like,
    Arn,
    Bool,
    Null,
    IpAddress,
    Numeric(Comparison),
    Date(Comparison),
}

/// How a number or a time of the request stands to that of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

impl Operator {
    /// `None` when there is no such operator.
    pub(super) fn parse(name: &str) -> Option<Operator> {
        let (quantifier, name) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (Some(Quantifier::ForAllValues), name),
            Some(("ForAnyValue", name)) => (Some(Quantifier::ForAnyValue), name),
            Some(_) => return None,
            None => (None, name),
        };
        let (name, is_if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (test, is_negated) = test(name)?;
        // It asks whether there are values; it does not look at them.
        if test == Test::Null && (is_if_exists || quantifier.is_some()) {
            return None;
        }
        Some(Operator { quantifier, test, is_negated, is_if_exists })
    }

    pub(super) fn has_wildcards(&self) -> bool {
        matches!(self.test, Test::Like | Test::Arn)
    }
}

fn test(name: &str) -> Option<(Test, bool)> {
    Some(match name {
        "StringEquals" => (Test::Equals, false),
        "StringNotEquals" => (Test::Equals, true),
        "StringEqualsIgnoreCase" => (Test::EqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Test::EqualsIgnoreCase, true),
        "StringLike" => (Test::Like, false),
        "StringNotLike" => (Test::Like, true),
        // AWS's own words: the two are the same.
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "Bool" => (Test::Bool, false),
        "Null" => (Test::Null, false),
        "IpAddress" => (Test::IpAddress, false),
        "NotIpAddress" => (Test::IpAddress, true),
        _ => return ordered_test(name),
    })
}

fn ordered_test(name: &str) -> Option<(Test, bool)> {
    let (test, comparison): (fn(Comparison) -> Test, _) = match name.strip_prefix("Numeric") {
        Some(comparison) => (Test::Numeric, comparison),
        None => (Test::Date, name.strip_prefix("Date")?),
    };
    let (comparison, is_negated) = match comparison {
        "Equals" => (Comparison::Equals, false),
        "NotEquals" => (Comparison::Equals, true),
        "LessThan" => (Comparison::LessThan, false),
        "LessThanEquals" => (Comparison::LessThanEquals, false),
        "GreaterThan" => (Comparison::GreaterThan, false),
        "GreaterThanEquals" => (Comparison::GreaterThanEquals, false),
        _ => return None,
    };
    Some((test(comparison), is_negated))
}

impl Test {
    /// Whether `actual`, of the request, matches one value of the policy.
    pub(super) fn matches(self, wanted: &Value, actual: &str, context: &Context) -> Verdict {
        match self {
            Test::Equals | Test::Like => {
                let actual: Vec<char> = actual.chars().collect();
                let (is_match, is_known) = covers(&wanted.tokens, &actual, context);
                Verdict::of(is_match).known(is_known)
            }
            Test::EqualsIgnoreCase => ignoring_case(&wanted.tokens, actual, context),
            Test::Arn => arn(&wanted.tokens, actual, context),
            Test::Bool => match wanted.text.to_ascii_lowercase().as_str() {
                value @ ("true" | "false") => Verdict::of(actual.eq_ignore_ascii_case(value)),
                _ => Verdict::Unknown,
            },
            Test::IpAddress => told(in_network(&wanted.text, actual)),
            Test::Numeric(comparison) => {
                let number = |text: &str| text.trim().parse::<f64>().ok();
                told(comparison.holds(number(actual), number(&wanted.text)))
            }
            Test::Date(comparison) => told(comparison.holds(time(actual), time(&wanted.text))),
            // Asked before values are looked at.
            Test::Null => Verdict::Unknown,
        }
    }
}

/// What cannot be read is not understood.
fn told(answer: Option<bool>) -> Verdict {
    answer.map_or(Verdict::Unknown, Verdict::of)
}

impl Comparison {
    fn holds<T: PartialOrd>(self, actual: Option<T>, wanted: Option<T>) -> Option<bool> {
        let order = actual?.partial_cmp(&wanted?)?;
        Some(match self {
            Comparison::Equals => order == Ordering::Equal,
            Comparison::LessThan => order == Ordering::Less,
            Comparison::LessThanEquals => order != Ordering::Greater,
            Comparison::GreaterThan => order == Ordering::Greater,
            Comparison::GreaterThanEquals => order != Ordering::Less,
        })
    }
}

fn ignoring_case(wanted: &[Token], actual: &str, context: &Context) -> Verdict {
    let lower = |c: char| c.to_lowercase().collect::<Vec<char>>();
    let actual: Vec<char> = actual.chars().flat_map(lower).collect();
    let mut folded = Vec::with_capacity(wanted.len());
    for token in wanted {
        match token {
            Token::Char(c) => folded.extend(lower(*c).into_iter().map(Token::Char)),
            // A variable's value has a case of its own, which cannot be folded before it is known.
            Token::Variable { .. } | Token::AnyRun | Token::AnyOne => return Verdict::Unknown,
        }
    }
    Verdict::of(covers(&folded, &actual, context).0)
}

/// Part by part, so that a `*` does not reach over a colon, except in the last part.
fn arn(wanted: &[Token], actual: &str, context: &Context) -> Verdict {
    let actual: Vec<Vec<char>> = actual.splitn(6, ':').map(|part| part.chars().collect()).collect();
    let wanted: Vec<&[Token]> = wanted.splitn(6, |token| *token == Token::Char(':')).collect();
    if wanted.len() != 6 {
        return Verdict::Unknown;
    }
    if actual.len() != 6 {
        return Verdict::No;
    }
    Verdict::all(wanted.iter().zip(&actual).map(|(wanted, actual)| {
        let (is_match, is_known) = covers(wanted, actual, context);
        Verdict::of(is_match).known(is_known)
    }))
}

/// Whether an address is in a network (`10.0.0.0/8`, `2001:db8::/32`) or is that address.
fn in_network(network: &str, address: &str) -> Option<bool> {
    let (network, prefix_bits) = match network.split_once('/') {
        Some((network, bits)) => (network, Some(bits.parse::<u32>().ok()?)),
        None => (network, None),
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let (network, address) = (network.parse::<IpAddr>().ok()?, address.parse::<IpAddr>().ok()?);
    let ((network_bits, width), (address_bits, _)) = (bits(network), bits(address));
    let prefix_bits = prefix_bits.unwrap_or(width);
    if prefix_bits > width {
        return None;
    }
    let differing = (network_bits ^ address_bits).leading_zeros();
    Some(network.is_ipv4() == address.is_ipv4() && prefix_bits <= differing)
}

/// A time in seconds: ISO 8601, a date, or the number itself.
fn time(text: &str) -> Option<f64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond() as f64 / 1000.0);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(midnight.timestamp().as_second() as f64);
    }
    text.trim().parse().ok()
}
