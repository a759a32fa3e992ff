//! Cases from the model: what an input can get wrong, member by member.

use crate::data::Data;
use crate::expected;
use crate::inputs::{sample, valid};
use crate::model::{Kind, Model};

/// One call, and the exception it must get; nothing is a success.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation.
    pub operation: String,
    /// What is wrong.
    pub what: String,
    /// Its input.
    pub input: Data,
    /// The exception.
    pub code: String,
}

/// What can be wrong with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Wrong {
    Missing,
    Empty,
    TooLong,
    BadCharacter,
    NoSuchValue,
    Type,
}

/// One step into an input.
#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Item,
    Entry,
}

/// All cases of `operation`; `fill` fills in a valid input's words.
pub fn cases(model: &Model, operation: &str, fill: &dyn Fn(&str) -> String) -> Vec<Case> {
    let base = Data::parse(&fill(valid(operation).0));
    let Some(input) = &model.operations[operation].input else { return Vec::new() };
    let mut writer = Writer { model, operation, input, base, cases: Vec::new() };
    writer.visit(&mut Vec::new(), input, false);
    writer.cases
}

struct Writer<'a> {
    model: &'a Model,
    operation: &'a str,
    input: &'a str,
    base: Data,
    cases: Vec<Case>,
}

impl Writer<'_> {
    /// The cases of the value of `shape` at `path`, and of what is in it.
    fn visit(&mut self, path: &mut Vec<Step>, shape: &str, is_required: bool) {
        if !path.is_empty() {
            self.wrong_types(path, shape);
            self.broken_rules(path, shape, is_required);
        }
        match &self.model.shape(shape).kind {
            Kind::Structure { members, required } => {
                for (name, shape) in members {
                    path.push(Step::Member(name.clone()));
                    self.visit(path, shape, required.contains(name));
                    path.pop();
                }
            }
            Kind::List(member) => {
                path.push(Step::Item);
                self.visit(path, member, false);
                path.pop();
            }
            Kind::Map(_, value) => {
                path.push(Step::Entry);
                self.visit(path, value, false);
                path.pop();
            }
            Kind::Text(_)
            | Kind::Boolean
            | Kind::Integer
            | Kind::Double
            | Kind::Timestamp
            | Kind::Exception => {}
        }
    }

    fn wrong_types(&mut self, path: &[Step], shape: &str) {
        let (text, number, truth) = (Data::Text(String::from("x")), Data::Integer(5), Data::Bool(true));
        let (list, map) = (Data::List(Vec::new()), Data::Map(Vec::new()));
        let (bytes, tagged) = (Data::Bytes(vec![b'x']), Data::Tagged(99, Box::new(text.clone())));
        let wrong = match &self.model.shape(shape).kind {
            Kind::Structure { .. } => vec![text, number, list, tagged],
            Kind::Map(..) => vec![text, number, list],
            Kind::List(_) => vec![text, map, truth],
            Kind::Text(_) => vec![number, truth, list, map, bytes, tagged],
            Kind::Boolean => vec![text, number, map],
            Kind::Integer => vec![text, truth, Data::Float(1.5), list],
            Kind::Double => vec![text, truth, list],
            Kind::Timestamp => vec![truth, list, map, bytes],
            Kind::Exception => Vec::new(),
        };
        for value in wrong {
            self.push(path, Wrong::Type, Some(value), String::from("SerializationException"));
        }
    }

    fn broken_rules(&mut self, path: &[Step], shape: &str, is_required: bool) {
        let place = render(path);
        let described = self.model.shape(shape);
        let is_text = matches!(described.kind, Kind::Text(_));
        let empty = match &described.kind {
            Kind::Text(_) => Some(Data::Text(String::new())),
            Kind::List(_) => Some(Data::List(Vec::new())),
            Kind::Structure { .. } => Some(Data::Map(Vec::new())),
            _ => None,
        };
        if is_required || expected::is_needed(self.operation, &place) {
            self.rule(path, shape, Wrong::Missing, None);
            if let Some(empty) = empty {
                self.rule(path, shape, Wrong::Empty, Some(empty));
            }
        } else if is_text && described.min == Some(1) && matches!(path.last(), Some(Step::Item)) {
            // An empty optional member is an absent one; an empty item is not.
            self.rule(path, shape, Wrong::Empty, empty);
        }
        match (described.max, &described.kind) {
            (Some(max), Kind::Text(_)) => {
                self.rule(path, shape, Wrong::TooLong, Some(Data::Text("a".repeat(max + 1))));
            }
            (Some(max), Kind::List(member)) => {
                let items = vec![sample(self.model, member); max + 1];
                self.rule(path, shape, Wrong::TooLong, Some(Data::List(items)));
            }
            _ => {}
        }
        if described.has_pattern {
            for bad in ["a b", "a/b", "a:b", "ä", "a\n"] {
                self.rule(path, shape, Wrong::BadCharacter, Some(Data::Text(bad.to_owned())));
            }
        }
        match &described.kind {
            Kind::Text(values) if !values.is_empty() => {
                // Enumerations are compared as they are written.
                for bad in [String::from("frobnicate"), swapped_case(&values[0])] {
                    self.rule(path, shape, Wrong::NoSuchValue, Some(Data::Text(bad)));
                }
            }
            Kind::Map(key, value) if matches!(&self.model.shape(key).kind, Kind::Text(values) if !values.is_empty()) =>
            {
                let entry = (String::from("frobnicate"), sample(self.model, value));
                let key = key.clone();
                self.rule(path, &key, Wrong::NoSuchValue, Some(Data::Map(vec![entry])));
            }
            _ => {}
        }
    }

    /// A case whose exception is written down.
    fn rule(&mut self, path: &[Step], shape: &str, wrong: Wrong, value: Option<Data>) {
        let code = expected::code(self.operation, &render(path), shape, wrong);
        self.push(path, wrong, value, code.to_owned());
    }

    fn push(&mut self, path: &[Step], wrong: Wrong, value: Option<Data>, code: String) {
        let mut input = self.base.clone();
        let what = format!("{} {wrong:?}", render(path));
        place(self.model, &mut input, self.input, path, value);
        self.cases.push(Case { operation: self.operation.to_owned(), what, input, code });
    }
}

/// Puts `value` at `path` into `data`, which is of `shape`, or takes away what is there; makes what leads
/// there.
fn place(model: &Model, data: &mut Data, shape: &str, path: &[Step], value: Option<Data>) {
    let Some((step, rest)) = path.split_first() else {
        if let Some(value) = value {
            *data = value;
        }
        return;
    };
    match (step, data, &model.shape(shape).kind) {
        (Step::Member(name), Data::Map(given), Kind::Structure { members, .. }) => {
            let shape = &members[name];
            if rest.is_empty() && value.is_none() {
                given.retain(|(member, _)| member != name);
                return;
            }
            let idx = given.iter().position(|(member, _)| member == name).unwrap_or_else(|| {
                given.push((name.clone(), sample(model, shape)));
                given.len() - 1
            });
            place(model, &mut given[idx].1, shape, rest, value);
        }
        (Step::Item, Data::List(items), Kind::List(member)) => {
            if items.is_empty() {
                items.push(sample(model, member));
            }
            place(model, &mut items[0], member, rest, value);
        }
        (Step::Entry, Data::Map(given), Kind::Map(_, member)) => {
            place(model, &mut given[0].1, member, rest, value);
        }
        (step, data, _) => panic!("{step:?} does not lead into {data:?}, which is a {shape}"),
    }
}

/// A path as messages and tables write it: `revision.s3Location.key`, `tags[].Key`.
fn render(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Member(name) if text.is_empty() => text.push_str(name),
            Step::Member(name) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Item => text.push_str("[]"),
            Step::Entry => text.push_str("{}"),
        }
    }
    text
}

fn swapped_case(text: &str) -> String {
    let swap =
        |char: char| if char.is_uppercase() { char.to_ascii_lowercase() } else { char.to_ascii_uppercase() };
    text.chars().map(swap).collect()
}
