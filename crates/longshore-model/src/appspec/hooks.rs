//! The `hooks` section. Source: agent.md §6.4.

use std::collections::HashMap;
use std::time::Duration;

use super::document::{Node, Value};
use super::{AppSpecError, AppSpecFault, AppSpecWarning, DEFAULT_SCRIPT_TIMEOUT, Hook, Script, strip};
use crate::lifecycle::LifecycleEventName;

const SECTION: AppSpecError = AppSpecError::InvalidStructure { section: "hooks" };

pub(super) fn parse(
    section: Option<&Node>,
    warnings: &mut Vec<AppSpecWarning>,
) -> Result<Vec<Hook>, AppSpecFault> {
    let entries = match section.map(|node| &node.value) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Map(entries)) => entries,
        Some(_) => return Err(SECTION.at_any(section)),
    };
    let mut hooks = Vec::new();
    for (event, key, node) in last_of_each(entries) {
        let scripts = match &node.value {
            Value::Null => continue,
            Value::List(items) => items.iter().map(parse_script).collect::<Result<_, _>>()?,
            _ => return Err(SECTION.at(node)),
        };
        if LifecycleEventName::from_name(&event).is_none() {
            warnings.push(AppSpecWarning::UnknownHook { event: event.clone(), at: key.at });
        }
        hooks.push(Hook { event, scripts });
    }
    Ok(hooks)
}

/// The entries by name: the place is that of the first with a name, the value that of the last.
fn last_of_each(entries: &[(Node, Node)]) -> Vec<(String, &Node, &Node)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(String, &Node, &Node)> = Vec::new();
    for (key, value) in entries {
        let name = key.to_text();
        match places.get(&name) {
            Some(place) => (kept[*place].1, kept[*place].2) = (key, value),
            None => {
                places.insert(name.clone(), kept.len());
                kept.push((name, key, value));
            }
        }
    }
    kept
}

fn parse_script(script: &Node) -> Result<Script, AppSpecFault> {
    if !matches!(script.value, Value::Map(_)) {
        return Err(SECTION.at(script));
    }
    let node = script.present_field("location").ok_or_else(|| AppSpecError::NoScriptLocation.at(script))?;
    if !node.is_scalar() {
        return Err(SECTION.at(node));
    }
    let location = strip(&node.to_text()).to_owned();
    if location.is_empty() {
        return Err(AppSpecError::NoScriptLocation.at(node));
    }
    let run_as = script.present_field("runas").map(|user| strip(&user.to_text()).to_owned());
    Ok(Script {
        location,
        timeout: parse_timeout(script.field("timeout"))?,
        run_as: run_as.filter(|user| !user.is_empty()),
        sudo: !matches!(
            script.field("sudo").map(|sudo| &sudo.value),
            None | Some(Value::Null | Value::Bool(false))
        ),
    })
}

fn parse_timeout(timeout: Option<&Node>) -> Result<Duration, AppSpecFault> {
    let secs = match timeout.map(|node| &node.value) {
        None | Some(Value::Null) => return Ok(DEFAULT_SCRIPT_TIMEOUT),
        Some(Value::Integer(number)) => *number,
        Some(Value::Float(number)) if number.is_finite() => *number as i128,
        Some(Value::Text(text)) => leading_integer(text),
        Some(Value::Float(_) | Value::Bool(_) | Value::Symbol(_) | Value::List(_) | Value::Map(_)) => 0,
    };
    if secs <= 0 {
        return Err(AppSpecError::InvalidTimeout.at_any(timeout));
    }
    // Longer than any deployment; keeps deadline arithmetic inside what clocks can hold.
    let secs = secs.min(i128::from(u32::MAX));
    Ok(Duration::from_secs(u64::try_from(secs).unwrap_or(u64::from(u32::MAX))))
}

/// What Ruby's `String#to_i` reads: blanks, a sign, digits, and nothing after them.
fn leading_integer(text: &str) -> i128 {
    let text = strip(text);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits: String = digits
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '_')
        .filter(char::is_ascii_digit)
        .take(30)
        .collect();
    let value = digits.parse::<i128>().unwrap_or(0);
    if is_negative { -value } else { value }
}
