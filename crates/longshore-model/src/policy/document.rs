//! Reads policy documents: JSON as it stands in the text, then the rules that JSON cannot say.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::pattern::{ActionPattern, ResourcePattern};
use super::{Effect, Policy, PolicyError, Scope, Statement, StatementProblem};

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
    condition: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    principal: Option<IgnoredAny>,
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

impl<'de, T: Element> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMany<T>, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Element> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
        let element = T::from_text(text).ok_or_else(|| E::invalid_type(de::Unexpected::Str(text), &self))?;
        Ok(OneOrMany(vec![element]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
        Ok(OneOrMany(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<OneOrMany<T>, A::Error> {
        Ok(OneOrMany(Vec::deserialize(SeqAccessDeserializer::new(seq))?))
    }
}

pub(super) fn parse(document: &str) -> Result<Policy, PolicyError> {
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
    let statements = raw.statement.0.into_iter().enumerate().map(|(index, raw)| {
        checked_statement(raw, has_variables).map_err(|problem| PolicyError::Statement { index, problem })
    });
    Ok(Policy { statements: statements.collect::<Result<_, _>>()? })
}

fn checked_statement(raw: RawStatement, has_variables: bool) -> Result<Statement, StatementProblem> {
    if raw.principal.is_some() {
        return Err(StatementProblem::Principal("Principal"));
    }
    if raw.not_principal.is_some() {
        return Err(StatementProblem::Principal("NotPrincipal"));
    }
    let effect = match raw.effect.as_str() {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => return Err(StatementProblem::Effect(other.to_owned())),
    };
    let actions = checked_scope(raw.action, raw.not_action, StatementProblem::Actions, |text, _| {
        ActionPattern::parse(text).ok_or_else(|| StatementProblem::Action(text.to_owned()))
    })?;
    let resources =
        checked_scope(raw.resource, raw.not_resource, StatementProblem::Resources, |text, is_listed| {
            // What a variable stands for is not known: the reading is taken that lets through less.
            let widens_access = (effect == Effect::Allow) == is_listed;
            resource_pattern(text, has_variables, widens_access)
                .ok_or_else(|| StatementProblem::Resource(text.to_owned()))
        })?;
    Ok(Statement { effect, actions, resources, is_conditional: !raw.condition.is_empty() })
}

/// `checked` is given each text and whether it is listed (as opposed to excepted).
fn checked_scope<P>(
    listed: Option<OneOrMany<String>>,
    excepted: Option<OneOrMany<String>>,
    missing: StatementProblem,
    checked: impl Fn(&str, bool) -> Result<P, StatementProblem>,
) -> Result<Scope<P>, StatementProblem> {
    let (texts, is_listed) = match (listed, excepted) {
        (Some(OneOrMany(texts)), None) if !texts.is_empty() => (texts, true),
        (None, Some(OneOrMany(texts))) if !texts.is_empty() => (texts, false),
        (Some(_) | None, Some(_) | None) => return Err(missing),
    };
    let patterns = texts.iter().map(|text| checked(text, is_listed)).collect::<Result<Vec<P>, _>>()?;
    Ok(if is_listed { Scope::Only(patterns) } else { Scope::AllBut(patterns) })
}

fn resource_pattern(text: &str, has_variables: bool, widens_access: bool) -> Option<ResourcePattern> {
    if !has_variables || !text.contains("${") {
        return ResourcePattern::parse(text);
    }
    let pattern = ResourcePattern::parse(&with_variables_open(text))?;
    Some(if widens_access { ResourcePattern::Nothing } else { pattern })
}

/// The text with a `*` in place of each `${…}`.
fn with_variables_open(text: &str) -> String {
    let mut opened = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        opened.push_str(before);
        opened.push('*');
        rest = after.split_once('}').map_or("", |(_variable, after)| after);
    }
    opened.push_str(rest);
    opened
}
