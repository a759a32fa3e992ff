//! Answers against the model's output shapes: types, names, enumerations, and nothing that is null.

use longshore_wire::codec::Codec;

use crate::client::Answer;
use crate::data::Data;
use crate::model::{Kind, Model};

/// Values that are answered though the model does not list them, with the enumeration. CodeDeploy's own
/// guide shows this one for `CodeDeployDefault.OneAtATime`. Source: service.md §2.3.
const DOCUMENTED_VALUES: [(&str, &str); 1] = [("MinimumHealthyHostsType", "MOST_CONCURRENCY")];

/// Holds a success against the output `shape` of its operation; without one there must be no body.
///
/// # Errors
/// What is wrong, with its place.
pub fn check_output(
    model: &Model,
    codec: Codec,
    shape: Option<&str>,
    answer: &Answer,
) -> Result<Option<Data>, String> {
    let Some(shape) = shape else {
        return match answer.body.len() {
            0 => Ok(None),
            n => Err(format!("an operation without an output answered {n} bytes")),
        };
    };
    let output = Data::decode(codec, &answer.body)?;
    check(model, codec, shape, &output, "output")?;
    Ok(Some(output))
}

fn check(model: &Model, codec: Codec, shape: &str, value: &Data, place: &str) -> Result<(), String> {
    match (&model.shape(shape).kind, value) {
        (Kind::Structure { members, .. }, Data::Map(given)) => given.iter().try_for_each(|(name, value)| {
            let shape = members.get(name).ok_or_else(|| format!("{place} has no member {name}"))?;
            check(model, codec, shape, value, &format!("{place}.{name}"))
        }),
        (Kind::List(member), Data::List(items)) => items
            .iter()
            .enumerate()
            .try_for_each(|(idx, item)| check(model, codec, member, item, &format!("{place}[{idx}]"))),
        (Kind::Map(_, member), Data::Map(given)) => given
            .iter()
            .try_for_each(|(name, value)| check(model, codec, member, value, &format!("{place}.{name}"))),
        (Kind::Text(values), Data::Text(text)) => {
            let is_known = values.is_empty() || values.contains(text);
            match is_known || DOCUMENTED_VALUES.contains(&(shape, text)) {
                true => Ok(()),
                false => Err(format!("{place} is `{text}`, which {shape} does not have")),
            }
        }
        (Kind::Boolean, Data::Bool(_)) | (Kind::Integer, Data::Integer(_)) => Ok(()),
        (Kind::Double, Data::Float(_) | Data::Integer(_)) => Ok(()),
        (Kind::Timestamp, Data::Float(_) | Data::Integer(_)) if codec == Codec::Json => Ok(()),
        (Kind::Timestamp, Data::Tagged(1, number)) if matches!(**number, Data::Float(_)) => Ok(()),
        (_, other) => Err(format!("{place} is {other:?}, which is no {shape}")),
    }
}
