//! Reads the two small YAML files of the agent: one mapping of scalars, as YAML 1.1 means it.
//!
//! Only the events of the parser are used, because the files of existing hosts have repeated keys
//! (the last wins) and keys that start with a colon, which YAML libraries refuse.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Why a text is not a mapping of scalars.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The text is not YAML.
    #[error("{problem} at line {line} column {column}")]
    Syntax {
        /// What the parser says.
        problem: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The text is YAML of another shape.
    #[error("the file is not a mapping of keys to values")]
    NotAMapping,
}

/// A value of the mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Blank, `~` or `null`.
    Null,
    /// Any other scalar, quoted or not: existing hosts have both `5` and `'5'`.
    Text(String),
    /// A list or a mapping; the agent has no use for one.
    Structure,
}

/// The keys and values of the first document in file order, without the leading colon of the keys.
///
/// An empty text is an empty mapping.
///
/// # Errors
/// [`YamlError`] with the place.
pub(super) fn read_mapping(text: &str) -> Result<Vec<(String, Value)>, YamlError> {
    let mut reader = Reader { parser: Parser::new_from_str(text.trim_start_matches('\u{feff}')) };
    loop {
        match reader.next()? {
            Event::MappingStart(..) => return reader.entries(),
            Event::StreamEnd => return Ok(Vec::new()),
            Event::Scalar(text, style, ..) if is_null(&text, style) => return Ok(Vec::new()),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) => {
                return Err(YamlError::NotAMapping);
            }
            Event::SequenceEnd | Event::MappingEnd => return Err(YamlError::NotAMapping),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, YamlError> {
        match self.parser.next() {
            None => Ok(Event::StreamEnd),
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(YamlError::Syntax {
                problem: error.info().to_owned(),
                line: error.marker().line(),
                column: error.marker().col() + 1,
            }),
        }
    }

    fn entries(&mut self) -> Result<Vec<(String, Value)>, YamlError> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd | Event::StreamEnd => return Ok(entries),
                Event::Scalar(text, ..) => text.strip_prefix(':').unwrap_or(&text).to_owned(),
                other => {
                    self.skip(&other)?;
                    String::new()
                }
            };
            let value = match self.next()? {
                Event::Scalar(text, style, ..) if is_null(&text, style) => Value::Null,
                Event::Scalar(text, ..) => Value::Text(text.into_owned()),
                other => {
                    self.skip(&other)?;
                    Value::Structure
                }
            };
            if !key.is_empty() {
                entries.push((key, value));
            }
        }
    }

    /// Reads on to the end of the list or mapping that `opened` begins.
    fn skip(&mut self, opened: &Event<'_>) -> Result<(), YamlError> {
        let mut depth = depth_change(opened);
        while 0 < depth {
            let event = self.next()?;
            if event == Event::StreamEnd {
                return Ok(());
            }
            depth += depth_change(&event);
        }
        Ok(())
    }
}

fn depth_change(event: &Event<'_>) -> i32 {
    match event {
        Event::SequenceStart(..) | Event::MappingStart(..) => 1,
        Event::SequenceEnd | Event::MappingEnd => -1,
        Event::Nothing
        | Event::StreamStart
        | Event::StreamEnd
        | Event::DocumentStart(_)
        | Event::DocumentEnd
        | Event::Alias(_)
        | Event::Scalar(..) => 0,
    }
}

fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match read_mapping(text) {
            Err(error) => format!("error: {error}"),
            Ok(entries) => {
                let shown: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| match value {
                        Value::Null => format!("{key}=null"),
                        Value::Text(text) => format!("{key}={text}"),
                        Value::Structure => format!("{key}=structure"),
                    })
                    .collect();
                shown.join(" ")
            }
        };
        assert_eq!(shown, expected, "text: {text:?}");
    }

    #[test]
    fn keys_may_carry_the_colon_of_a_ruby_symbol() {
        check(":log_dir: '/x'\nroot_dir: /y\n", "log_dir=/x root_dir=/y");
    }

    #[test]
    fn blank_values_are_null_and_quoted_ones_are_not() {
        check("a:\nb: ~\nc: ''\nd: null\ne: 'null'\n", "a=null b=null c= d=null e=null");
    }

    #[test]
    fn lists_are_stepped_over() {
        check("plugins: [codedeploy]\nb: {c: [d]}\ne: 1\n", "plugins=structure b=structure e=1");
    }

    #[test]
    fn only_the_first_document_counts() {
        check("---\na: 1\n---\na: 2\n", "a=1");
    }

    #[test]
    fn an_empty_file_is_an_empty_mapping() {
        check("", "");
        check("# nothing here\n", "");
        check("--- ~\n", "");
    }

    #[test]
    fn other_shapes_are_refused() {
        check("- a\n", "error: the file is not a mapping of keys to values");
        check("just text\n", "error: the file is not a mapping of keys to values");
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let Err(YamlError::Syntax { line, .. }) = read_mapping("a: 1\nb: [1\nc: 2\n") else {
            panic!("expected a syntax error");
        };
        assert!(2 <= line);
    }
}
