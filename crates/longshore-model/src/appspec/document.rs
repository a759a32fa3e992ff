//! YAML text to a tree of values, as Psych's safe loading makes it. Source: agent.md §6.2.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::scalar;
use super::{AppSpecError, Position};

/// How deep lists and mappings may nest. AppSpec needs five; the bound keeps hostile files off the stack.
const MAX_DEPTH: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    /// The characters of a scalar as written, without quotes.
    pub(super) written: String,
    /// Whether a scalar stands without quotes.
    pub(super) is_plain: bool,
    /// Where it begins.
    pub(super) at: Position,
}

/// What Ruby would have made of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Symbol(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file, duplicates included: of equal keys the last one counts.
    Map(Vec<(Node, Node)>),
}

/// Reads the first document of `text`; an empty stream is null.
pub(super) fn parse(text: &str) -> Result<Node, AppSpecError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Node::null(&span)),
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd => return reader.node(event, &span, 0),
        }
    }
}

impl Node {
    /// The value of a mapping's text key; `None` when this is no mapping.
    pub(super) fn field(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        let is_key = |node: &Node| matches!(&node.value, Value::Text(text) if text == key);
        entries.iter().rev().find(|(name, _)| is_key(name)).map(|(_, value)| value)
    }

    /// As [`Node::field`], with null counted as absent.
    pub(super) fn present_field(&self, key: &str) -> Option<&Node> {
        self.field(key).filter(|node| !node.is_null())
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(super) fn is_scalar(&self) -> bool {
        !matches!(self.value, Value::List(_) | Value::Map(_))
    }

    /// What Ruby's `to_s` gives.
    pub(super) fn to_text(&self) -> String {
        match &self.value {
            Value::Null => String::new(),
            Value::Text(text) | Value::Symbol(text) => text.clone(),
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => {
                self.inspect()
            }
        }
    }

    /// What Ruby's `inspect` gives, for values inside of others.
    fn inspect(&self) -> String {
        match &self.value {
            Value::Null => "nil".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => scalar::float_text(*number),
            Value::Symbol(text) => format!(":{text}"),
            Value::Text(text) => format!("{text:?}"),
            Value::List(items) => {
                format!("[{}]", items.iter().map(Node::inspect).collect::<Vec<_>>().join(", "))
            }
            Value::Map(entries) => {
                let pair = |(key, value): &(Node, Node)| format!("{}=>{}", key.inspect(), value.inspect());
                format!("{{{}}}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn new(value: Value, span: &Span) -> Node {
        let at = Position { line: span.start.line(), column: span.start.col() + 1 };
        Node { value, written: String::new(), is_plain: false, at }
    }

    fn null(span: &Span) -> Node {
        Node::new(Value::Null, span)
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), AppSpecError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(AppSpecError::Yaml {
                problem: error.info().to_owned(),
                line: error.marker().line(),
                column: error.marker().col() + 1,
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, AppSpecError> {
        if MAX_DEPTH < depth {
            return Err(refused(span, "lists and mappings nest too deeply"));
        }
        match event {
            Event::Scalar(text, style, _, tag) => scalar_node(&text, style, tag.as_ref(), span),
            Event::SequenceStart(_, tag) => {
                check_tag(tag.as_ref(), span)?;
                self.list(span, depth)
            }
            Event::MappingStart(_, tag) => {
                check_tag(tag.as_ref(), span)?;
                self.map(span, depth)
            }
            Event::Alias(_) => Err(refused(span, "aliases are not allowed in an AppSpec file")),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Err(refused(span, "unexpected end of a value")),
        }
    }

    fn list(&mut self, start: &Span, depth: usize) -> Result<Node, AppSpecError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Node::new(Value::List(items), start));
            }
            items.push(self.node(event, &span, depth + 1)?);
        }
    }

    fn map(&mut self, start: &Span, depth: usize) -> Result<Node, AppSpecError> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Node::new(Value::Map(entries), start));
            }
            let key = self.node(event, &span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            push_entry(&mut entries, key, value);
        }
    }
}

/// Adds an entry, or a merge key's entries. Like Psych, a merge overrides what stands before it.
fn push_entry(entries: &mut Vec<(Node, Node)>, key: Node, value: Node) {
    let is_merge = key.is_plain && matches!(&key.value, Value::Text(text) if text == "<<");
    match value.value {
        Value::Map(merged) if is_merge => entries.extend(merged),
        Value::List(items) if is_merge && items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
            for item in items.into_iter().rev() {
                push_entry(entries, key.clone(), item);
            }
        }
        other => {
            let value = Node { value: other, ..value };
            entries.push((key, value));
        }
    }
}

fn scalar_node(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Cow<'_, Tag>>,
    span: &Span,
) -> Result<Node, AppSpecError> {
    check_tag(tag, span)?;
    let is_plain = style == ScalarStyle::Plain;
    let value = match core_tag(tag) {
        Some("str") => Value::Text(text.to_owned()),
        Some("float") => match resolve(text, span)? {
            Value::Integer(number) => Value::Float(number as f64),
            other => other,
        },
        Some("int" | "bool" | "null") => resolve(text, span)?,
        _ if is_plain => resolve(text, span)?,
        _ => Value::Text(text.to_owned()),
    };
    Ok(Node { written: text.to_owned(), is_plain, ..Node::new(value, span) })
}

fn resolve(text: &str, span: &Span) -> Result<Value, AppSpecError> {
    scalar::resolve(text).map_err(|scalar::IsDate| {
        refused(span, &format!("a date is not allowed in an AppSpec file, put {text} in quotes"))
    })
}

/// The suffix of a tag of the YAML core schema.
fn core_tag<'t>(tag: Option<&'t Cow<'_, Tag>>) -> Option<&'t str> {
    tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str())
}

fn check_tag(tag: Option<&Cow<'_, Tag>>, span: &Span) -> Result<(), AppSpecError> {
    let Some(tag) = tag else {
        return Ok(());
    };
    let name = format!("{}{}", tag.handle, tag.suffix);
    if name.contains("ruby") || (tag.is_yaml_core_schema() && tag.suffix == "binary") {
        return Err(refused(span, &format!("the tag {name} is not allowed in an AppSpec file")));
    }
    Ok(())
}

fn refused(span: &Span, problem: &str) -> AppSpecError {
    AppSpecError::Yaml { problem: problem.to_owned(), line: span.start.line(), column: span.start.col() + 1 }
}
