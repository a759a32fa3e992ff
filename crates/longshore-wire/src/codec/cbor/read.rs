//! CBOR as serde reads it: an adapter on minicbor's decoder that also takes texts of indefinite length,
//! knows a tagged time, and remembers which member it is at, so that an error can name it.

use std::borrow::Cow;
use std::fmt;

use minicbor::data::Type;
use minicbor::decode::Decoder;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::MAX_DEPTH;
use super::skip::skip;
use crate::codec::time;

/// The tag of a text that is a time.
const TIME_TEXT_TAG: u64 = 0;
/// The tag of a number that is a time.
const TIME_TAG: u64 = 1;

/// Reads one value after another.
pub(super) struct Reader<'de> {
    decoder: Decoder<'de>,
    /// From the top to the value being read; after an error, to the value at fault.
    path: Vec<Step<'de>>,
}

/// One step into a document.
enum Step<'de> {
    Member(Cow<'de, str>),
    Item(usize),
}

/// Why a value could not be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is not CBOR.
    Malformed(minicbor::decode::Error),
    /// It is not what was expected.
    Unexpected(String),
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Reader<'de> {
        Reader { decoder: Decoder::new(bytes), path: Vec::new() }
    }

    /// How many bytes come after what has been read.
    pub(super) fn n_left(&self) -> usize {
        self.decoder.input().len().saturating_sub(self.decoder.position())
    }

    /// The member being read, as `revision.s3Location` or `tags[2].Key`; empty at the top.
    pub(super) fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) if place.is_empty() => place.push_str(name),
                Step::Member(name) => {
                    place.push('.');
                    place.push_str(name);
                }
                Step::Item(idx) => place.push_str(&format!("[{idx}]")),
            }
        }
        place
    }

    fn text(&mut self) -> Result<Cow<'de, str>, ReadError> {
        if self.decoder.datatype()? == Type::String {
            return Ok(Cow::Borrowed(self.decoder.str()?));
        }
        let mut text = String::new();
        for part in self.decoder.str_iter()? {
            text.push_str(part?);
        }
        Ok(Cow::Owned(text))
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ReadError> {
        let value = i128::from(self.decoder.int()?);
        if let Ok(value) = u64::try_from(value) {
            return visitor.visit_u64(value);
        }
        match i64::try_from(value) {
            Ok(value) => visitor.visit_i64(value),
            Err(_) => Err(ReadError::Unexpected(format!("the number {value} is out of range"))),
        }
    }

    fn bytes<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ReadError> {
        let mut bytes = Vec::new();
        for part in self.decoder.bytes_iter()? {
            bytes.extend_from_slice(part?);
        }
        visitor.visit_byte_buf(bytes)
    }

    /// Takes the tag of a time, which tells what must follow; a time without a tag may be either.
    fn time_tag(&mut self) -> Result<(), ReadError> {
        if self.decoder.datatype()? != Type::Tag {
            return Ok(());
        }
        let tag = self.decoder.tag()?.as_u64();
        let is_text = matches!(self.decoder.datatype()?, Type::String | Type::StringIndef);
        match tag {
            TIME_TAG if !is_text => Ok(()),
            TIME_TEXT_TAG if is_text => Ok(()),
            TIME_TAG => Err(ReadError::Unexpected(String::from("tag 1 is for a number of seconds"))),
            TIME_TEXT_TAG => Err(ReadError::Unexpected(String::from("tag 0 is for a text"))),
            other => Err(ReadError::Unexpected(format!("the tag {other} is not that of a timestamp"))),
        }
    }

    /// The items of the array or map whose head has just been read.
    fn items(&mut self, n: Option<u64>) -> Result<Items<'_, 'de>, ReadError> {
        if MAX_DEPTH <= self.path.len() {
            return Err(ReadError::Unexpected(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Items { reader: self, n_left: n, n_read: 0 })
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.decoder.datatype()? {
            Type::Bool => visitor.visit_bool(self.decoder.bool()?),
            Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int => self.integer(visitor),
            Type::F16 => visitor.visit_f64(self.decoder.f16()?.into()),
            Type::F32 => visitor.visit_f64(self.decoder.f32()?.into()),
            Type::F64 => visitor.visit_f64(self.decoder.f64()?),
            // A text would take it.
            Type::Bytes | Type::BytesIndef => {
                Err(de::Error::invalid_type(Unexpected::Other("a byte string"), &visitor))
            }
            Type::String | Type::StringIndef => match self.text()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Type::Array | Type::ArrayIndef => {
                let n = self.decoder.array()?;
                visitor.visit_seq(self.items(n)?)
            }
            Type::Map | Type::MapIndef => {
                let n = self.decoder.map()?;
                visitor.visit_map(self.items(n)?)
            }
            Type::Null | Type::Undefined => {
                skip(&mut self.decoder, self.path.len())?;
                visitor.visit_unit()
            }
            Type::Tag => {
                let tag = self.decoder.tag()?;
                Err(ReadError::Unexpected(format!("the tag {} is not expected", tag.as_u64())))
            }
            other @ (Type::Simple | Type::Break | Type::Unknown(_)) => {
                Err(ReadError::Unexpected(format!("{other} is not expected")))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.decoder.datatype()? {
            Type::Null | Type::Undefined => {
                skip(&mut self.decoder, self.path.len())?;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == time::NAME {
            self.time_tag()?;
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.decoder.datatype()? {
            // A structure would take it for its members in order.
            Type::Array | Type::ArrayIndef => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.decoder.datatype()? {
            Type::Bytes | Type::BytesIndef => self.bytes(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        skip(&mut self.decoder, self.path.len())?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq
        tuple tuple_struct enum identifier
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What is in an array or a map.
struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Unknown until the break, if the length is indefinite.
    n_left: Option<u64>,
    n_read: usize,
}

impl Items<'_, '_> {
    /// Whether there is another item; takes the break that says no.
    fn has_next(&mut self) -> Result<bool, ReadError> {
        let decoder = &mut self.reader.decoder;
        match &mut self.n_left {
            Some(0) => Ok(false),
            Some(n) => {
                *n -= 1;
                Ok(true)
            }
            None if decoder.datatype()? == Type::Break => {
                decoder.set_position(decoder.position() + 1);
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// A claimed length is believed only as far as there are bytes.
    fn hint(&self) -> Option<usize> {
        let n = usize::try_from(self.n_left?).unwrap_or(usize::MAX);
        Some(n.min(self.reader.n_left()))
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if !self.has_next()? {
            return Ok(None);
        }
        self.reader.path.push(Step::Item(self.n_read));
        self.n_read += 1;
        let value = seed.deserialize(&mut *self.reader)?;
        self.reader.path.pop();
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        if !self.has_next()? {
            return Ok(None);
        }
        let datatype = self.reader.decoder.datatype()?;
        if !matches!(datatype, Type::String | Type::StringIndef) {
            // A number would be read as the place of a member.
            return Err(ReadError::Unexpected(format!("the name of a member is a text, not {datatype}")));
        }
        let name = self.reader.text()?;
        let key = match &name {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Cow::Owned(name) => seed.deserialize(StrDeserializer::new(name)),
        };
        self.reader.path.push(Step::Member(name));
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let value = seed.deserialize(&mut *self.reader)?;
        self.reader.path.pop();
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl From<minicbor::decode::Error> for ReadError {
    fn from(error: minicbor::decode::Error) -> ReadError {
        ReadError::Malformed(error)
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> ReadError {
        ReadError::Unexpected(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        match unexpected {
            Unexpected::Unit => ReadError::custom(format_args!("invalid type: null, expected {expected}")),
            other => ReadError::custom(format_args!("invalid type: {other}, expected {expected}")),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Malformed(error) => write!(formatter, "{error}"),
            ReadError::Unexpected(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for ReadError {}
