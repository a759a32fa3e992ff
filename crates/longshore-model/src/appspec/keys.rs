//! Keys that nothing reads, and keys that stand twice: accepted as the original accepts them, but most
//! likely not meant. Source: agent.md §6.2.

use super::AppSpecWarning;
use super::document::{Node, Value};

const ROOT_KEYS: &[&str] = &["version", "os", "hooks", "files", "permissions", "file_exists_behavior"];
const SCRIPT_KEYS: &[&str] = &["location", "timeout", "runas", "sudo"];
const FILE_KEYS: &[&str] = &["source", "destination"];
const PERMISSION_KEYS: &[&str] =
    &["object", "pattern", "except", "type", "owner", "group", "mode", "acls", "context"];
const CONTEXT_KEYS: &[&str] = &["name", "user", "role", "type", "range"];

/// Looks at every mapping whose keys are known.
pub(super) fn check(root: &Node) -> Vec<AppSpecWarning> {
    let mut warnings = Vec::new();
    known("the file", root, ROOT_KEYS, &mut warnings);
    if let Some(hooks) = root.field("hooks") {
        repeated(hooks, &mut warnings);
        for (_, scripts) in entries(hooks) {
            items(scripts).iter().for_each(|script| known("the script", script, SCRIPT_KEYS, &mut warnings));
        }
    }
    for file in root.field("files").map(items).unwrap_or_default() {
        known("the files entry", file, FILE_KEYS, &mut warnings);
    }
    for permission in root.field("permissions").map(items).unwrap_or_default() {
        known("the permissions entry", permission, PERMISSION_KEYS, &mut warnings);
        if let Some(context) = permission.field("context") {
            known("the context", context, CONTEXT_KEYS, &mut warnings);
        }
    }
    warnings
}

fn known(place: &'static str, map: &Node, keys: &[&str], warnings: &mut Vec<AppSpecWarning>) {
    repeated(map, warnings);
    for (key, _) in entries(map) {
        let name = key.to_text();
        if !keys.contains(&name.as_str()) {
            warnings.push(AppSpecWarning::UnknownKey { key: name, place, at: key.at });
        }
    }
}

fn repeated(map: &Node, warnings: &mut Vec<AppSpecWarning>) {
    let mut seen: Vec<String> = Vec::new();
    for (key, _) in entries(map) {
        let name = key.to_text();
        if seen.contains(&name) {
            warnings.push(AppSpecWarning::RepeatedKey { key: name, at: key.at });
        } else {
            seen.push(name);
        }
    }
}

fn entries(node: &Node) -> &[(Node, Node)] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}
