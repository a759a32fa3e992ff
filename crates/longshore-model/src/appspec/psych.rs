//! Our reading of YAML held against Ruby's own, where Ruby is installed: the original agent is written in
//! Ruby, and what its YAML library makes of a file is the truth. Source: agent.md §6.2, crates.md §6.

use std::io::Write;
use std::process::{Command, Stdio};

use super::document::{self, Value};
use super::scalar;

/// Says of every line what it is as the value of a key, in the words of [`shown`].
const ORACLE: &str = r#"
require 'yaml'
STDIN.each_line(chomp: true) do |text|
  begin
    value = YAML.safe_load("k: #{text}\n", permitted_classes: [Symbol])['k']
    puts(case value
         when nil then 'nil'
         when true, false, Integer, Float then value.to_s
         when Symbol then ":#{value}"
         when String then "text #{value}"
         else 'structure' end)
  rescue Psych::Exception
    puts 'refused'
  end
end
"#;

/// Unquoted scalars that mean something else than they seem to, in some YAML or other.
const TRAPS: &[&str] = &[
    "0",
    "00",
    "-0",
    "+0",
    "0.0",
    "0.00",
    "-0.0",
    ".0",
    "0.",
    "-.0",
    "+.5",
    "1.",
    ".",
    "-",
    "1.5",
    "1e3",
    "1E3",
    "1e+3",
    "1.5e3",
    "1.5e+3",
    "1.5E-3",
    "1.0e+20",
    "1_000",
    "1,000",
    "1__000",
    "_1",
    "1_",
    "1,",
    ",1",
    "1,000.5",
    "1_000.5",
    "1.000_5",
    "0644",
    "0755",
    "-0644",
    "+0644",
    "04755",
    "0o644",
    "08",
    "09",
    "0800",
    "0x1f",
    "0X1F",
    "0xfg",
    "-0x1f",
    "0b101",
    "0b2",
    "0b",
    "0x",
    "+12",
    "-12",
    "12a",
    "1 000",
    "~",
    "null",
    "Null",
    "NULL",
    "nULL",
    "nil",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "no",
    "No",
    "NO",
    "on",
    "On",
    "ON",
    "off",
    "Off",
    "OFF",
    "y",
    "Y",
    "n",
    "N",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "false",
    "False",
    "FALSE",
    "truely",
    "1:30",
    "1:30:15",
    "01:30",
    "1:75",
    "0:0",
    "1:3",
    "12:30:45",
    "1:30.5",
    "190:20:30",
    "190:20:30.15",
    "-1:30",
    "1:2:3:4",
    "2026-01-01",
    "2026-1-1",
    "2026-13-01",
    "2026-01-32",
    "2023-02-30",
    "2026-01-01 10:00:00",
    "2026-01-01T10:00:00Z",
    "2026-01-01T10:00:00+01:00",
    "2026-01-01 10:00:00.5 +1",
    "2026-01-01x",
    "20260101",
    "10:00:00",
    ".inf",
    "-.inf",
    "+.inf",
    ".Inf",
    ".INF",
    ".nan",
    ".NaN",
    ".NAN",
    "inf",
    "nan",
    ":a",
    ":a_b",
    ":",
    "::",
    "a:b",
    "linux",
    "Linux",
    "/var/www",
    "scripts/start.sh",
    "../x",
    "a b",
    "*.sh",
    "1.2.3",
    "1.2.3.4",
    "s0:c1.c3",
    "u+x",
    "rwx",
    "=",
    "<<",
    "99999999999999999999",
    "-99999999999999999999",
    "1e400",
    "0.1",
    "0.10",
    "123456789.123456789",
    "1.0e-7",
    "!!str 5",
    "!!int '5'",
    "!!float 1",
    "'5'",
    "\"5\"",
    "'yes'",
    "\"\\x41\"",
    "'it''s'",
    "|",
    ">",
    "[1, 2]",
    "{a: b}",
];

/// What we make of `text` as the value of a key.
fn shown(text: &str) -> String {
    let Ok(document) = document::parse(&format!("k: {text}\n")) else { return "refused".to_owned() };
    let Some(node) = document.field("k") else { return "refused".to_owned() };
    match &node.value {
        Value::Null => "nil".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => scalar::float_text(*number),
        Value::Symbol(name) => format!(":{name}"),
        Value::Text(text) => format!("text {text}"),
        Value::List(_) | Value::Map(_) => "structure".to_owned(),
    }
}

/// What Ruby makes of each text; `None` where Ruby is not installed.
#[expect(clippy::disallowed_methods, reason = "the oracle is a program")]
fn oracle(texts: &[&str]) -> Option<Vec<String>> {
    let mut ruby = Command::new("ruby");
    ruby.args(["-e", ORACLE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut ruby = ruby.spawn().ok()?;
    let mut input = ruby.stdin.take().expect("piped");
    let lines = texts.join("\n");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).expect("ruby reads"));
    let output = ruby.wait_with_output().expect("ruby ends");
    writer.join().expect("written");
    assert!(output.status.success(), "ruby failed");
    Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

#[track_caller]
fn check(texts: &[&str]) {
    let Some(expected) = oracle(texts) else { return };
    assert_eq!(expected.len(), texts.len());
    let differing: Vec<String> = texts
        .iter()
        .zip(expected)
        .map(|(text, ruby)| (text, shown(text), ruby))
        .filter(|(_, ours, ruby)| ours != ruby)
        .map(|(text, ours, ruby)| format!("`{text}`: ours {ours}, ruby {ruby}"))
        .collect();
    assert_eq!(differing, [""; 0]);
}

#[test]
fn scalars_are_read_as_ruby_reads_them() {
    check(TRAPS);
}

/// The letters that numbers, dates and times are made of; the more often, the more telling.
const LETTERS: &[u8] = b"0000011123456789..::--+__,,eExboTZ";

#[test]
fn made_up_numbers_are_read_as_ruby_reads_them() {
    // A sequence of Lehmer's: the same at every run, and without a pattern that a scalar would show.
    let mut state = 20_141_006_u64;
    let mut next = |below: usize| {
        state = state * 48_271 % 2_147_483_647;
        state as usize % below
    };
    let mut texts: Vec<String> = Vec::new();
    while texts.len() < 5000 {
        let text: String = (0..=next(8)).map(|_| char::from(LETTERS[next(LETTERS.len())])).collect();
        // What ends in a colon is a key, and not a scalar.
        if !text.ends_with(':') {
            texts.push(text);
        }
    }
    check(&texts.iter().map(String::as_str).collect::<Vec<_>>());
}
