//! Reads policy documents: JSON as it stands in the text, then the rules that JSON cannot say.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::condition::Condition;
use super::pattern::{ActionPattern, ResourcePattern};
use super::statement::{Effect, Scope, Statement};
use super::trust::{TrustPolicy, TrustStatement, TrustedPrincipal};
use super::{Policy, PolicyError, StatementProblem};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", expecting = "a policy document")]
struct RawPolicy {
    #[serde(default)]
    version: Option<String>,
    #[serde(default, rename = "Id")]
    _id: Option<IgnoredAny>,
    #[serde(default)]
    statement: OneOrMany<RawStatement>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase", expecting = "a statement")]
struct RawStatement {
    #[serde(default, rename = "Sid")]
    _sid: Option<String>,
    #[serde(default)]
    effect: String,
    #[serde(default)]
    action: Option<OneOrMany<String>>,
    #[serde(default)]
    not_action: Option<OneOrMany<String>>,
    #[serde(default)]
    resource: Option<OneOrMany<String>>,
    #[serde(default)]
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: Pairs<Pairs<OneOrMany<Scalar>>>,
    #[serde(default)]
    principal: Option<RawPrincipal>,
    #[serde(default)]
    not_principal: Option<IgnoredAny>,
}

/// A value or a list of such values. By hand and not as an untagged enum, which would hide what is
/// wrong and where.
struct OneOrMany<T>(Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> OneOrMany<T> {
        OneOrMany(Vec::new())
    }
}

/// What may stand alone or in a list.
trait Element: for<'de> Deserialize<'de> {
    const EXPECTED: &'static str;
    fn from_text(text: &str) -> Option<Self>;
    fn from_scalar(_text: &str) -> Option<Self> {
        None
    }
}

impl Element for String {
    const EXPECTED: &'static str = "a string or a list of strings";
    fn from_text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}

impl Element for RawStatement {
    const EXPECTED: &'static str = "a statement or a list of statements";
    fn from_text(_text: &str) -> Option<RawStatement> {
        None
    }
}

/// A value of a condition: text, or a number or boolean, which AWS takes for their text.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Scalar(text)),
            value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => {
                Ok(Scalar(value.to_string()))
            }
            _ => Err(de::Error::custom("a value of a condition must be a string, a number or a boolean")),
        }
    }
}

impl Element for Scalar {
    const EXPECTED: &'static str = "a value or a list of values";
    fn from_text(text: &str) -> Option<Scalar> {
        Some(Scalar(text.to_owned()))
    }
    fn from_scalar(text: &str) -> Option<Scalar> {
        Scalar::from_text(text)
    }
}

/// `Principal`: `"*"` or a map of kinds.
enum RawPrincipal {
    Everybody,
    Named(Pairs<OneOrMany<String>>),
}

impl<'de> Deserialize<'de> for RawPrincipal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawPrincipal, D::Error> {
        deserializer.deserialize_any(PrincipalVisitor)
    }
}

struct PrincipalVisitor;

impl<'de> Visitor<'de> for PrincipalVisitor {
    type Value = RawPrincipal;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"*\" or a map such as {\"AWS\": \"<account or ARN>\"}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawPrincipal, E> {
        match text {
            "*" => Ok(RawPrincipal::Everybody),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawPrincipal, A::Error> {
        Pairs::deserialize(MapAccessDeserializer::new(map)).map(RawPrincipal::Named)
    }
}

/// A map as it stands. One of two equal keys would be lost in another, and with it a restriction.
struct Pairs<T>(Vec<(String, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Pairs<T> {
        Pairs(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs<T>, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

struct PairsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
    type Value = Pairs<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
        let mut pairs: Vec<(String, T)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, T>()? {
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(de::Error::custom(format!("duplicate field `{key}`")));
            }
            pairs.push((key, value));
        }
        Ok(Pairs(pairs))
    }
}

impl<'de, T: Element> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMany<T>, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<T: Element> OneOrManyVisitor<T> {
    /// What is neither text, map nor list.
    fn scalar<E: de::Error>(&self, text: &str, given: de::Unexpected<'_>) -> Result<OneOrMany<T>, E> {
        let one = T::from_scalar(text).ok_or_else(|| E::invalid_type(given, self))?;
        Ok(OneOrMany(vec![one]))
    }
}

impl<'de, T: Element> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
        let element = T::from_text(text).ok_or_else(|| E::invalid_type(de::Unexpected::Str(text), &self))?;
        Ok(OneOrMany(vec![element]))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<OneOrMany<T>, E> {
        self.scalar(&value.to_string(), de::Unexpected::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<OneOrMany<T>, E> {
        self.scalar(&value.to_string(), de::Unexpected::Signed(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<OneOrMany<T>, E> {
        self.scalar(&value.to_string(), de::Unexpected::Unsigned(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<OneOrMany<T>, E> {
        self.scalar(&value.to_string(), de::Unexpected::Float(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
        Ok(OneOrMany(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<OneOrMany<T>, A::Error> {
        Ok(OneOrMany(Vec::deserialize(SeqAccessDeserializer::new(seq))?))
    }
}

pub(super) fn parse(document: &str) -> Result<Policy, PolicyError> {
    Ok(Policy { statements: parsed(document, checked_statement)? })
}

pub(super) fn parse_trust(document: &str) -> Result<TrustPolicy, PolicyError> {
    Ok(TrustPolicy { statements: parsed(document, checked_trust_statement)? })
}

fn parsed<S>(
    document: &str,
    checked: fn(RawStatement, bool) -> Result<S, StatementProblem>,
) -> Result<Vec<S>, PolicyError> {
    let raw: RawPolicy =
        serde_json::from_str(document).map_err(|error| PolicyError::Syntax(error.to_string()))?;
    let has_variables = match raw.version.as_deref() {
        Some("2012-10-17") => true,
        Some("2008-10-17") | None => false,
        Some(version) => return Err(PolicyError::Version(version.to_owned())),
    };
    if raw.statement.0.is_empty() {
        return Err(PolicyError::NoStatement);
    }
    let statements = raw.statement.0.into_iter().enumerate();
    let statements = statements.map(|(index, raw)| {
        checked(raw, has_variables).map_err(|problem| PolicyError::Statement { index, problem })
    });
    statements.collect()
}

fn checked_statement(raw: RawStatement, has_variables: bool) -> Result<Statement, StatementProblem> {
    if raw.principal.is_some() {
        return Err(StatementProblem::Principal("Principal"));
    }
    if raw.not_principal.is_some() {
        return Err(StatementProblem::Principal("NotPrincipal"));
    }
    let effect = checked_effect(&raw.effect)?;
    let actions = checked_actions(raw.action, raw.not_action)?;
    let resources = checked_scope(raw.resource, raw.not_resource, StatementProblem::Resources, |text| {
        ResourcePattern::parse(text, has_variables).ok_or_else(|| StatementProblem::Resource(text.to_owned()))
    })?;
    Ok(Statement { effect, actions, resources, conditions: conditions(raw.condition, has_variables) })
}

fn checked_trust_statement(
    raw: RawStatement,
    has_variables: bool,
) -> Result<TrustStatement, StatementProblem> {
    if raw.resource.is_some() {
        return Err(StatementProblem::ResourceInTrust("Resource"));
    }
    if raw.not_resource.is_some() {
        return Err(StatementProblem::ResourceInTrust("NotResource"));
    }
    let (Some(principal), None) = (raw.principal, raw.not_principal) else {
        return Err(StatementProblem::NoPrincipal);
    };
    let effect = checked_effect(&raw.effect)?;
    let actions = checked_actions(raw.action, raw.not_action)?;
    let principals = checked_principals(principal)?;
    Ok(TrustStatement { effect, actions, principals, conditions: conditions(raw.condition, has_variables) })
}

fn checked_principals(raw: RawPrincipal) -> Result<Vec<TrustedPrincipal>, StatementProblem> {
    let RawPrincipal::Named(Pairs(kinds)) = raw else { return Ok(vec![TrustedPrincipal::Everybody]) };
    let mut principals = Vec::new();
    for (kind, OneOrMany(names)) in kinds {
        for name in names {
            principals.push(match kind.as_str() {
                "AWS" => TrustedPrincipal::parse(&name).ok_or(StatementProblem::PrincipalForm(name))?,
                "Service" | "Federated" | "CanonicalUser" => TrustedPrincipal::Foreign,
                _ => return Err(StatementProblem::PrincipalForm(kind)),
            });
        }
    }
    if principals.is_empty() {
        return Err(StatementProblem::NoPrincipal);
    }
    Ok(principals)
}

fn checked_effect(effect: &str) -> Result<Effect, StatementProblem> {
    match effect {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(StatementProblem::Effect(other.to_owned())),
    }
}

fn checked_actions(
    listed: Option<OneOrMany<String>>,
    excepted: Option<OneOrMany<String>>,
) -> Result<Scope<ActionPattern>, StatementProblem> {
    checked_scope(listed, excepted, StatementProblem::Actions, |text| {
        ActionPattern::parse(text).ok_or_else(|| StatementProblem::Action(text.to_owned()))
    })
}

fn checked_scope<P>(
    listed: Option<OneOrMany<String>>,
    excepted: Option<OneOrMany<String>>,
    missing: StatementProblem,
    checked: impl Fn(&str) -> Result<P, StatementProblem>,
) -> Result<Scope<P>, StatementProblem> {
    let (texts, is_listed) = match (listed, excepted) {
        (Some(OneOrMany(texts)), None) if !texts.is_empty() => (texts, true),
        (None, Some(OneOrMany(texts))) if !texts.is_empty() => (texts, false),
        (Some(_) | None, Some(_) | None) => return Err(missing),
    };
    let patterns = texts.iter().map(|text| checked(text)).collect::<Result<Vec<P>, _>>()?;
    Ok(if is_listed { Scope::Only(patterns) } else { Scope::AllBut(patterns) })
}

fn conditions(raw: Pairs<Pairs<OneOrMany<Scalar>>>, has_variables: bool) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (operator, Pairs(keys)) in raw.0 {
        for (key, OneOrMany(values)) in keys {
            let values = values.into_iter().map(|Scalar(text)| text).collect();
            conditions.push(Condition::new(&operator, &key, values, has_variables));
        }
    }
    conditions
}
