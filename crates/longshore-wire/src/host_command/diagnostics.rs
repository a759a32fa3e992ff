//! What an agent says about the end of a command: written by the agent, read by the service.
//! Source: agent.md §1.7, service.md §9.4.

use std::time::Duration;

use longshore_model::lifecycle::{
    Diagnostics, LifecycleErrorCode, MAX_LOG_TAIL_BYTES, MAX_SCRIPT_TIMES, ScriptTime,
};
use serde::Serialize;
use serde_json::Value;

use super::MAX_PAYLOAD_CHARS;

/// The most characters of a log that an agent sends. Source: agent.md, I-06.
pub const MAX_LOG_CHARS: usize = 2048;

/// The most characters of a message that an agent sends. Source: agent.md, I-06.
pub const MAX_MESSAGE_CHARS: usize = 2000;

/// What is no time of a script: a clock went wrong, or somebody writes what he likes. Hours beyond what an event
/// may take.
const MAX_SCRIPT_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The agent's own numbers for how a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentErrorCode {
    /// The command succeeded.
    Succeeded,
    /// The script path does not exist.
    ScriptMissing,
    /// The execute bit could not be set.
    ScriptNotExecutable,
    /// The script outlived its timeout.
    ScriptTimedOut,
    /// The script exited with another status than 0, or could not be run.
    ScriptFailed,
    /// Every error that is not a script's.
    Unknown,
    /// The script ended, something it started holds its outputs open.
    OutputsLeftOpen,
    /// The agent was restarted while the command ran.
    FailedAfterRestart,
}

impl AgentErrorCode {
    /// The number on the wire.
    pub fn number(self) -> i64 {
        match self {
            AgentErrorCode::Succeeded => 0,
            AgentErrorCode::ScriptMissing => 1,
            AgentErrorCode::ScriptNotExecutable => 2,
            AgentErrorCode::ScriptTimedOut => 3,
            AgentErrorCode::ScriptFailed => 4,
            AgentErrorCode::Unknown => 5,
            AgentErrorCode::OutputsLeftOpen => 6,
            AgentErrorCode::FailedAfterRestart => 7,
        }
    }
}

/// What an agent reports at the end of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionReport {
    /// How it ended.
    pub error_code: AgentErrorCode,
    /// The location exactly as in the AppSpec, or empty.
    pub script_name: String,
    /// One sentence.
    pub message: String,
    /// The script's whole output as far as it was kept; cut when written.
    pub log: String,
    /// How long each script ran, in run order. Empty when it is not to be sent; see
    /// [`super::SCRIPT_TIMES_HEADER`].
    pub scripts: Vec<ScriptTime>,
}

#[derive(Serialize)]
struct Payload<'a> {
    error_code: i64,
    script_name: &'a str,
    message: &'a str,
    log: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scripts: Vec<PayloadScript<'a>>,
}

#[derive(Serialize)]
struct PayloadScript<'a> {
    location: &'a str,
    seconds: f64,
}

impl CompletionReport {
    /// A success; output of a successful script is never sent.
    pub fn succeeded(note: &str) -> CompletionReport {
        CompletionReport {
            error_code: AgentErrorCode::Succeeded,
            script_name: String::new(),
            message: format!("Succeeded: {note}"),
            log: String::new(),
            scripts: Vec::new(),
        }
    }

    /// A failure that is no script's.
    pub fn failed(message: impl Into<String>) -> CompletionReport {
        CompletionReport {
            error_code: AgentErrorCode::Unknown,
            script_name: String::new(),
            message: message.into(),
            log: String::new(),
            scripts: Vec::new(),
        }
    }

    /// The payload text, within every limit: the newest lines of the log, no escape sequences, at
    /// most [`MAX_PAYLOAD_CHARS`] after escaping (control characters expand sixfold).
    pub fn to_payload(&self) -> String {
        let without_escapes = without_ansi(&self.log);
        let mut message: String = self.message.chars().take(MAX_MESSAGE_CHARS).collect();
        let mut log = log_tail(&without_escapes, MAX_LOG_CHARS).to_owned();
        let mut script_name = self.script_name.clone();
        let mut n_scripts = self.scripts.len().min(MAX_SCRIPT_TIMES);
        loop {
            let scripts = self.scripts.iter().take(n_scripts);
            let payload = Payload {
                error_code: self.error_code.number(),
                script_name: &script_name,
                message: &message,
                log: &log,
                scripts: scripts
                    .map(|script| PayloadScript { location: script.location(), seconds: script.seconds() })
                    .collect(),
            };
            let text = serde_json::to_string(&payload).expect("texts and a number have a JSON form");
            if text.chars().count() <= MAX_PAYLOAD_CHARS {
                return text;
            }
            // Each round takes a quarter off whatever matters least. Times never cost what the original says.
            if 0 < n_scripts {
                n_scripts = n_scripts * 3 / 4;
            } else if !log.is_empty() {
                log = log_tail(&log, log.chars().count() * 3 / 4).to_owned();
            } else if message.len() >= script_name.len() {
                message = shortened(&message);
            } else {
                script_name = shortened(&script_name);
            }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(text.chars().count() * 3 / 4).collect()
}

/// The newest whole lines of `log` up to `max_chars`; a newest line longer than that is kept as its end.
fn log_tail(log: &str, max_chars: usize) -> &str {
    let n_chars = log.chars().count();
    if n_chars <= max_chars {
        return log;
    }
    let (cut, _) = log.char_indices().nth(n_chars - max_chars).unwrap_or((log.len(), ' '));
    let tail = &log[cut..];
    if log[..cut].ends_with('\n') {
        return tail;
    }
    match tail.split_once('\n') {
        Some((_, whole_lines)) if !whole_lines.is_empty() => whole_lines,
        _ => tail,
    }
}

/// `text` without terminal escape sequences.
pub fn without_ansi(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\u{1b}' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            // Control sequence: parameters, then one final character.
            Some('[') => drop(chars.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c))),
            // Operating system command: up to the bell, or escape and backslash.
            Some(']') => {
                if chars.by_ref().find(|c| matches!(c, '\u{7}' | '\u{1b}')) == Some('\u{1b}') {
                    chars.next_if_eq(&'\\');
                }
            }
            Some(_) | None => {}
        }
    }
    plain
}

/// Reads the diagnostics of a completion, from any agent: keys in any order, codes of any type,
/// or no JSON at all.
pub fn read_completion(payload: Option<&str>, is_success: bool) -> Diagnostics {
    let Some(payload) = payload.filter(|text| !text.trim().is_empty()) else {
        return without_payload(is_success);
    };
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(payload) else {
        return Diagnostics::by_service(payload);
    };
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    let error_code = match document.get("error_code").and_then(Value::as_i64) {
        Some(code) => LifecycleErrorCode::from_agent_code(code),
        None => LifecycleErrorCode::UnknownError,
    };
    let message = match text("message") {
        "Succeeded: " | "Succeeded:" => "Succeeded",
        other => other,
    };
    Diagnostics {
        error_code,
        script_name: text("script_name").to_owned(),
        message: message.to_owned(),
        log_tail: last_bytes(text("log"), MAX_LOG_TAIL_BYTES).to_owned(),
        scripts: document.get("scripts").map(read_scripts).unwrap_or_default(),
    }
}

/// The times of scripts. What is not one, or is too much, is left out: a final report is always taken.
fn read_scripts(value: &Value) -> Vec<ScriptTime> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(read_script).take(MAX_SCRIPT_TIMES).collect()
}

fn read_script(value: &Value) -> Option<ScriptTime> {
    let location = value.get("location")?.as_str().filter(|location| !location.is_empty())?;
    // Refuses what is negative or not finite.
    let took = Duration::try_from_secs_f64(value.get("seconds")?.as_f64()?).ok()?;
    (took <= MAX_SCRIPT_TIME).then(|| ScriptTime::new(location, took))
}

fn without_payload(is_success: bool) -> Diagnostics {
    if !is_success {
        return Diagnostics::by_service("The agent reported a failure without diagnostics.");
    }
    Diagnostics { error_code: LifecycleErrorCode::Success, ..Diagnostics::by_service("Succeeded") }
}

/// The end of `text`, at most `max` bytes, beginning at a character.
fn last_bytes(text: &str, max: usize) -> &str {
    let mut start = text.len().saturating_sub(max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use longshore_model::lifecycle::MAX_SCRIPT_LOCATION_CHARS;

    use super::*;

    fn report(message: &str, log: &str) -> CompletionReport {
        CompletionReport {
            error_code: AgentErrorCode::ScriptFailed,
            script_name: String::from("s/fail.sh"),
            message: message.to_owned(),
            log: log.to_owned(),
            scripts: Vec::new(),
        }
    }

    /// A report of `n` scripts, each a millisecond slower than the one before.
    fn with_scripts(n: u64, location: &str, log: &str) -> CompletionReport {
        let took = (0..n).map(|n| Duration::from_millis(1234 + n));
        CompletionReport {
            scripts: took.map(|took| ScriptTime::new(location, took)).collect(),
            ..report("m", log)
        }
    }

    /// Writes it and reads it back: how many scripts came through, with everything else as without them.
    #[track_caller]
    fn check_scripts(report: &CompletionReport, expected: usize) {
        let payload = report.to_payload();
        assert!(payload.chars().count() <= MAX_PAYLOAD_CHARS);
        let read = read_completion(Some(&payload), false);
        assert_eq!(read.scripts, report.scripts[..expected]);
        let without = CompletionReport { scripts: Vec::new(), ..report.clone() }.to_payload();
        let rest = Diagnostics { scripts: Vec::new(), ..read };
        assert_eq!(rest, read_completion(Some(&without), false));
    }

    #[track_caller]
    fn check_read_scripts(scripts: &str, expected: &[(&str, f64)]) {
        let payload = format!(r#"{{"error_code":0,"message":"m","scripts":{scripts}}}"#);
        let read = read_completion(Some(&payload), true);
        assert_eq!((read.error_code, read.message.as_str()), (LifecycleErrorCode::Success, "m"), "{scripts}");
        let found: Vec<(&str, f64)> =
            read.scripts.iter().map(|script| (script.location(), script.seconds())).collect();
        assert_eq!(found, expected, "{scripts}");
    }

    #[track_caller]
    fn sent_log(log: &str) -> String {
        let payload = report("m", log).to_payload();
        assert!(payload.chars().count() <= MAX_PAYLOAD_CHARS);
        let value: Value = serde_json::from_str(&payload).expect("JSON");
        value["log"].as_str().expect("a text").to_owned()
    }

    #[track_caller]
    fn check_read(payload: &str, code: LifecycleErrorCode, message: &str) {
        let diagnostics = read_completion(Some(payload), false);
        assert_eq!((diagnostics.error_code, diagnostics.message.as_str()), (code, message), "{payload}");
    }

    #[test]
    fn a_success_is_what_the_original_sends() {
        let expected = r#"{"error_code":0,"script_name":"","message":"Succeeded: ","log":""}"#;
        assert_eq!(CompletionReport::succeeded("").to_payload(), expected);
    }

    #[test]
    fn scripts_come_after_what_the_original_sends() {
        let report = CompletionReport {
            scripts: vec![
                ScriptTime::new("s/a.sh", Duration::from_micros(1_234_567)),
                ScriptTime::new("s/b.sh", Duration::ZERO),
            ],
            ..CompletionReport::succeeded("")
        };
        let expected = r#"{"error_code":0,"script_name":"","message":"Succeeded: ","log":"","scripts":[{"location":"s/a.sh","seconds":1.234},{"location":"s/b.sh","seconds":0.0}]}"#;
        assert_eq!(report.to_payload(), expected);
    }

    #[test]
    fn scripts_take_no_room_from_anything_else() {
        check_scripts(&with_scripts(1, "s/a.sh", ""), 1);
        check_scripts(&with_scripts(50, "s/a.sh", ""), 50);
        check_scripts(&with_scripts(51, "s/a.sh", ""), 50);
        check_scripts(&with_scripts(50, &"x".repeat(500), &"y".repeat(3000)), 37);
        check_scripts(&with_scripts(50, &"\u{1}".repeat(500), &"y".repeat(3000)), 6);
        check_scripts(&with_scripts(50, "s/a.sh", &"\u{1}".repeat(3000)), 0);
    }

    #[test]
    fn what_is_no_time_of_a_script_is_left_out() {
        check_read_scripts(
            r#"[{"location":"a","seconds":1.5},{"location":"b","seconds":2}]"#,
            &[("a", 1.5), ("b", 2.0)],
        );
        for junk in ["null", "7", r#""a""#, "{}", "[]", "[7,null,[],{}]"] {
            check_read_scripts(junk, &[]);
        }
        check_read_scripts(
            r#"[{"location":"a"},{"seconds":1},{"location":"","seconds":1},{"location":3,"seconds":1},
                {"location":"c","seconds":-0.1},{"location":"d","seconds":"1"},{"location":"e","seconds":1e300},
                {"location":"f","seconds":86400.1},{"location":"g","seconds":86400},{"location":"h","seconds":null}]"#,
            &[("g", 86400.0)],
        );
        let long = "é".repeat(MAX_SCRIPT_LOCATION_CHARS);
        check_read_scripts(&format!(r#"[{{"location":"{long}x","seconds":1}}]"#), &[(&long, 1.0)]);
        let many = vec![r#"{"location":"a","seconds":1}"#; MAX_SCRIPT_TIMES + 1].join(",");
        check_read_scripts(&format!("[7,{many}]"), &[("a", 1.0); MAX_SCRIPT_TIMES]);
    }

    #[test]
    fn whole_lines_are_kept_newest_first() {
        let log: String = (0..500).map(|n| format!("[stdout]line {n}\n")).collect();
        let sent = sent_log(&log);
        assert!(sent.starts_with("[stdout]line ") && sent.ends_with("line 499\n"), "{sent}");
        assert!(2000 < sent.chars().count() && sent.chars().count() <= MAX_LOG_CHARS);
    }

    #[test]
    fn one_long_line_is_kept_as_its_end() {
        let log = format!("[stdout]{}end\n", "x".repeat(9000));
        let sent = sent_log(&log);
        assert_eq!(sent.chars().count(), MAX_LOG_CHARS);
        assert!(sent.ends_with("xend\n"));
    }

    #[test]
    fn escape_sequences_are_not_sent() {
        assert_eq!(sent_log("\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}end\u{1b}"), "red end");
    }

    #[test]
    fn control_characters_do_not_burst_the_payload() {
        let sent = sent_log(&"\u{1}".repeat(5000));
        assert!(!sent.is_empty());
        let payload = report(&"\u{1}".repeat(3000), &"\u{2}".repeat(3000)).to_payload();
        assert!(payload.chars().count() <= MAX_PAYLOAD_CHARS);
    }

    #[test]
    fn a_long_message_is_cut() {
        let payload = report(&"é".repeat(5000), "").to_payload();
        let value: Value = serde_json::from_str(&payload).expect("JSON");
        assert_eq!(value["message"].as_str().expect("a text").chars().count(), MAX_MESSAGE_CHARS);
    }

    #[test]
    fn reports_of_both_agent_lines_are_read() {
        use LifecycleErrorCode as C;
        check_read(
            r#"{"error_code":0,"script_name":"","message":"Succeeded: ","log":""}"#,
            C::Success,
            "Succeeded",
        );
        check_read(
            r#"{"error_code":0,"log":"","message":"Succeeded","script_name":""}"#,
            C::Success,
            "Succeeded",
        );
        check_read(
            r#"{"error_code":0,"log":"","message":"Succeeded: BundleSource=downloaded","script_name":""}"#,
            C::Success,
            "Succeeded: BundleSource=downloaded",
        );
        check_read(r#"{"error_code":3,"message":"late"}"#, C::ScriptTimedOut, "late");
        check_read(r#"{"error_code":6,"message":"open"}"#, C::ScriptFailed, "open");
        check_read(r#"{"error_code":7,"message":"restart"}"#, C::UnknownError, "restart");
        check_read(r#"{"error_code":99,"message":"new"}"#, C::UnknownError, "new");
    }

    /// Source: service.md §9.4.
    #[test]
    fn what_cannot_be_read_is_kept_as_the_message() {
        use LifecycleErrorCode as C;
        check_read(
            r#"{"error_code":"Unknown","message":"Attempting minimal diagnostics"}"#,
            C::UnknownError,
            "Attempting minimal diagnostics",
        );
        check_read("it broke", C::UnknownError, "it broke");
        check_read("[1]", C::UnknownError, "[1]");
    }

    #[test]
    fn without_a_payload_the_status_speaks() {
        assert_eq!(read_completion(None, true).error_code, LifecycleErrorCode::Success);
        assert_eq!(read_completion(Some(""), false).error_code, LifecycleErrorCode::UnknownError);
    }

    #[test]
    fn a_log_is_kept_to_its_last_bytes() {
        let payload = serde_json::json!({"error_code": 4, "log": "é".repeat(3000)}).to_string();
        let tail = read_completion(Some(&payload), false).log_tail;
        assert_eq!(tail.len(), MAX_LOG_TAIL_BYTES);
    }
}
