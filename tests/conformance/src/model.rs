//! The API's model, as botocore publishes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The model of the service.
#[derive(Debug)]
pub struct Model {
    /// By name.
    pub operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

/// One operation: the names of its shapes.
#[derive(Debug)]
pub struct Operation {
    /// Its input.
    pub input: Option<String>,
    /// Its output; without one it answers nothing.
    pub output: Option<String>,
}

/// One shape.
#[derive(Debug)]
pub struct Shape {
    /// What kind of value it is.
    pub kind: Kind,
    /// The least characters or items.
    pub min: Option<usize>,
    /// The most characters or items.
    pub max: Option<usize>,
    /// Whether the characters are restricted.
    pub has_pattern: bool,
}

/// What kind of value a shape is. Names are those of other shapes.
#[derive(Debug)]
pub enum Kind {
    /// Members by name, and which of them are required.
    Structure {
        /// Name and shape.
        members: BTreeMap<String, String>,
        /// Names.
        required: Vec<String>,
    },
    /// Items of one shape.
    List(String),
    /// Keys and values.
    Map(String, String),
    /// A text, of the values given if there are any.
    Text(Vec<String>),
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// A point in time.
    Timestamp,
    /// An error answer.
    Exception,
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/conformance").to_owned()
}

impl Model {
    /// Reads the model of `api-models/`.
    ///
    /// # Panics
    /// When it is not as expected.
    pub fn read() -> Model {
        let path = repository().join("api-models/codedeploy-2014-10-06/service-2.json");
        let text = std::fs::read_to_string(&path).expect("the model is there");
        let document: Value = serde_json::from_str(&text).expect("the model is JSON");
        let named = |place: &str| document[place].as_object().expect("named things").clone();
        let shape_name = |value: &Value| value["shape"].as_str().map(str::to_owned);
        let operations = named("operations")
            .iter()
            .map(|(name, operation)| {
                let (input, output) = (shape_name(&operation["input"]), shape_name(&operation["output"]));
                (name.clone(), Operation { input, output })
            })
            .collect();
        let shapes = named("shapes").iter().map(|(name, shape)| (name.clone(), Shape::read(shape))).collect();
        Model { operations, shapes }
    }

    /// The shape called `name`.
    ///
    /// # Panics
    /// When there is none.
    pub fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).unwrap_or_else(|| panic!("the model has no shape {name}"))
    }

    /// The names of all exceptions.
    pub fn exceptions(&self) -> impl Iterator<Item = &str> {
        let exceptions = self.shapes.iter().filter(|(_, shape)| matches!(shape.kind, Kind::Exception));
        exceptions.map(|(name, _)| name.as_str())
    }
}

impl Shape {
    fn read(shape: &Value) -> Shape {
        let text = |place: &str| shape[place]["shape"].as_str().expect("a shape's name").to_owned();
        let texts = |place: &str| -> Vec<String> {
            let values = shape[place].as_array().into_iter().flatten();
            values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        let kind = match shape["type"].as_str().expect("a type") {
            "structure" if shape.get("exception").is_some() => Kind::Exception,
            "structure" => Kind::Structure {
                members: shape["members"]
                    .as_object()
                    .expect("members")
                    .iter()
                    .map(|(name, member)| {
                        (name.clone(), member["shape"].as_str().expect("a name").to_owned())
                    })
                    .collect(),
                required: texts("required"),
            },
            "list" => Kind::List(text("member")),
            "map" => Kind::Map(text("key"), text("value")),
            "string" => Kind::Text(texts("enum")),
            "boolean" => Kind::Boolean,
            "integer" | "long" => Kind::Integer,
            "double" => Kind::Double,
            "timestamp" => Kind::Timestamp,
            other => panic!("unknown type {other}"),
        };
        let bound = |name: &str| shape[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        let has_pattern = shape.get("pattern").is_some();
        Shape { kind, min: bound("min"), max: bound("max"), has_pattern }
    }
}
