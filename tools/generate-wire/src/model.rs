//! The parts of an API model that shapes are made of, by name: the order of a JSON object's members
//! depends on how `serde_json` is built, so it must not reach the output.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value};

/// One service's model.
pub(crate) struct Model {
    pub(crate) target_prefix: String,
    pub(crate) operations: Vec<Operation>,
    /// By name.
    pub(crate) shapes: BTreeMap<String, Shape>,
}

/// One operation.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) has_output: bool,
}

/// One shape.
pub(crate) enum Shape {
    /// Members and the names of their shapes, by name.
    Structure(Vec<(String, String)>),
    Exception {
        is_fault: bool,
    },
    Enumeration(Vec<String>),
    List {
        member: String,
    },
    Map {
        key: String,
        value: String,
    },
    Text,
    Boolean,
    Integer,
    Long,
    Double,
    Timestamp,
}

impl Model {
    /// Reads a model; whatever this generator does not know is an error, not a guess.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Model> {
        let document: Value = serde_json::from_str(text)?;
        let target_prefix = text_at(&document, "/metadata/targetPrefix")?;
        let mut operations = Vec::new();
        for (name, operation) in members_at(&document, "/operations")? {
            operations.push(Operation { name: name.clone(), has_output: operation.get("output").is_some() });
        }
        operations.sort_by(|left, right| left.name.cmp(&right.name));
        let mut shapes = BTreeMap::new();
        for (name, shape) in members_at(&document, "/shapes")? {
            let shape = Shape::parse(shape).with_context(|| format!("shape `{name}`"))?;
            shapes.insert(name.clone(), shape);
        }
        Ok(Model { target_prefix, operations, shapes })
    }

    /// The shape called `name`.
    pub(crate) fn shape(&self, name: &str) -> anyhow::Result<&Shape> {
        self.shapes.get(name).with_context(|| format!("no shape is called `{name}`"))
    }
}

impl Shape {
    fn parse(shape: &Value) -> anyhow::Result<Shape> {
        // Nothing in these models is marked so today; its `Debug` would need care.
        ensure!(shape.get("sensitive").is_none(), "sensitive shapes are not supported");
        Ok(match text_at(shape, "/type")?.as_str() {
            "structure" if shape.get("exception").is_some() => {
                Shape::Exception { is_fault: shape.get("fault").is_some() }
            }
            "structure" => Shape::Structure(structure_members(shape)?),
            "string" => match shape.get("enum") {
                Some(names) => Shape::Enumeration(serde_json::from_value(names.clone())?),
                None => Shape::Text,
            },
            "list" => Shape::List { member: text_at(shape, "/member/shape")? },
            "map" => {
                Shape::Map { key: text_at(shape, "/key/shape")?, value: text_at(shape, "/value/shape")? }
            }
            "boolean" => Shape::Boolean,
            "integer" => Shape::Integer,
            "long" => Shape::Long,
            "double" => Shape::Double,
            "timestamp" => Shape::Timestamp,
            other => bail!("unknown type `{other}`"),
        })
    }
}

fn structure_members(shape: &Value) -> anyhow::Result<Vec<(String, String)>> {
    let mut members = Vec::new();
    for (name, member) in members_at(shape, "/members")? {
        members.push((name.clone(), text_at(member, "/shape")?));
    }
    members.sort();
    Ok(members)
}

fn text_at(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("no text at `{pointer}`"))?.to_owned())
}

fn members_at<'a>(value: &'a Value, pointer: &str) -> anyhow::Result<&'a Map<String, Value>> {
    let found = value.pointer(pointer).and_then(Value::as_object);
    found.with_context(|| format!("no object at `{pointer}`"))
}
