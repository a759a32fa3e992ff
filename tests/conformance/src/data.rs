//! Inputs and answers as trees that both protocols can write and read.

use longshore_wire::codec::Codec;
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::{Number, Value};

use crate::model::{Kind, Model};

/// The tag of a number that is a time.
const TIME_TAG: u64 = 1;

/// One value. The last two are known to CBOR only.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Data {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Data>),
    Map(Vec<(String, Data)>),
    Bytes(Vec<u8>),
    Tagged(u64, Box<Data>),
}

impl Data {
    /// The value that `json` writes.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn parse(json: &str) -> Data {
        Data::from_json(&serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}")))
    }

    fn from_json(value: &Value) -> Data {
        match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Data::Integer(integer),
                None => Data::Float(number.as_f64().expect("a number is a float at least")),
            },
            Value::String(text) => Data::Text(text.clone()),
            Value::Array(items) => Data::List(items.iter().map(Data::from_json).collect()),
            Value::Object(members) => Data::Map(
                members.iter().map(|(name, value)| (name.clone(), Data::from_json(value))).collect(),
            ),
        }
    }

    fn to_json(&self) -> Option<Value> {
        Some(match self {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Integer(value) => Value::from(*value),
            Data::Float(value) => Value::Number(Number::from_f64(*value)?),
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => Value::Array(items.iter().map(Data::to_json).collect::<Option<_>>()?),
            Data::Map(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| Some((name.clone(), value.to_json()?)))
                    .collect::<Option<_>>()?,
            ),
            Data::Bytes(_) | Data::Tagged(..) => return None,
        })
    }

    /// The body of a request; nothing when the protocol cannot say it. Numbers that `shape` calls times
    /// are tagged in CBOR.
    pub fn encode(&self, codec: Codec, shape: &str, model: &Model) -> Option<Vec<u8>> {
        match codec {
            Codec::Json => self.to_json().map(|value| value.to_string().into_bytes()),
            Codec::Cbor => {
                let mut bytes = Vec::new();
                self.with_tags(shape, model).write(&mut Encoder::new(&mut bytes));
                Some(bytes)
            }
        }
    }

    fn with_tags(&self, shape: &str, model: &Model) -> Data {
        match (self, &model.shape(shape).kind) {
            (Data::Integer(_) | Data::Float(_), Kind::Timestamp) => {
                Data::Tagged(TIME_TAG, Box::new(self.clone()))
            }
            (Data::List(items), Kind::List(member)) => {
                Data::List(items.iter().map(|item| item.with_tags(member, model)).collect())
            }
            (Data::Map(given), Kind::Structure { members, .. }) => {
                let tagged = given.iter().map(|(name, value)| {
                    let value =
                        members.get(name).map_or(value.clone(), |shape| value.with_tags(shape, model));
                    (name.clone(), value)
                });
                Data::Map(tagged.collect())
            }
            _ => self.clone(),
        }
    }

    /// Arrays and maps of indefinite length, which are what is easy to get wrong.
    fn write(&self, encoder: &mut Encoder<&mut Vec<u8>>) {
        let written = match self {
            Data::Null => encoder.null().map(drop),
            Data::Bool(value) => encoder.bool(*value).map(drop),
            Data::Integer(value) => encoder.i64(*value).map(drop),
            Data::Float(value) => encoder.f64(*value).map(drop),
            Data::Text(text) => encoder.str(text).map(drop),
            Data::Bytes(bytes) => encoder.bytes(bytes).map(drop),
            Data::Tagged(tag, value) => {
                let tagged = encoder.tag(Tag::new(*tag)).map(drop);
                value.write(encoder);
                tagged
            }
            Data::List(items) => {
                let begun = encoder.begin_array().map(drop);
                items.iter().for_each(|item| item.write(encoder));
                begun.and_then(|()| encoder.end().map(drop))
            }
            Data::Map(members) => {
                let begun = encoder.begin_map().map(drop);
                for (name, value) in members {
                    encoder.str(name).expect("a vector takes everything");
                    value.write(encoder);
                }
                begun.and_then(|()| encoder.end().map(drop))
            }
        };
        written.expect("a vector takes everything");
    }

    /// The value in the body of an answer.
    ///
    /// # Errors
    /// What is wrong with the body.
    pub fn decode(codec: Codec, body: &[u8]) -> Result<Data, String> {
        match codec {
            Codec::Json => {
                let value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
                Ok(Data::from_json(&value))
            }
            Codec::Cbor => {
                let mut decoder = Decoder::new(body);
                let value = Data::read(&mut decoder).map_err(|error| error.to_string())?;
                match body.len() - decoder.position() {
                    0 => Ok(value),
                    n => Err(format!("{n} bytes follow")),
                }
            }
        }
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Data, minicbor::decode::Error> {
        Ok(match decoder.datatype()? {
            Type::Null => {
                decoder.null()?;
                Data::Null
            }
            Type::Bool => Data::Bool(decoder.bool()?),
            Type::F16 | Type::F32 | Type::F64 => Data::Float(decoder.f64()?),
            Type::String => Data::Text(decoder.str()?.to_owned()),
            Type::Bytes => Data::Bytes(decoder.bytes()?.to_owned()),
            Type::Tag => Data::Tagged(decoder.tag()?.as_u64(), Box::new(Data::read(decoder)?)),
            Type::Array => {
                let n = decoder.array()?.unwrap_or_default();
                Data::List((0..n).map(|_| Data::read(decoder)).collect::<Result<_, _>>()?)
            }
            Type::Map => {
                let n = decoder.map()?.unwrap_or_default();
                let members = (0..n).map(|_| Ok((decoder.str()?.to_owned(), Data::read(decoder)?)));
                Data::Map(members.collect::<Result<_, minicbor::decode::Error>>()?)
            }
            _ => Data::Integer(decoder.i64()?),
        })
    }

    /// The member `name` of a map.
    pub fn member(&self, name: &str) -> Option<&Data> {
        let Data::Map(members) = self else { return None };
        members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// The text at `path` of members.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        match path.iter().try_fold(self, |value, name| value.member(name))? {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }
}
