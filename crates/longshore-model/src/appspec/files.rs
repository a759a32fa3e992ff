//! The `files` section. Source: agent.md §6.5.

use super::document::{Node, Value};
use super::{AppSpecError, FileEntry};

const SECTION: AppSpecError = AppSpecError::InvalidStructure { section: "files" };

pub(super) fn parse(section: Option<&Node>) -> Result<Vec<FileEntry>, AppSpecError> {
    match section.map(|node| &node.value) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(entries)) => entries.iter().map(parse_entry).collect(),
        Some(_) => Err(SECTION),
    }
}

fn parse_entry(entry: &Node) -> Result<FileEntry, AppSpecError> {
    if !matches!(entry.value, Value::Map(_)) {
        return Err(SECTION);
    }
    let source = entry.present_field("source").ok_or(AppSpecError::NoSource)?;
    let source = text(source)?;
    let destination =
        entry.present_field("destination").ok_or_else(|| AppSpecError::NoDestination(source.clone()))?;
    Ok(FileEntry { destination: text(destination)?, source })
}

/// Scalars are taken as they are written: a folder may well be called `1.0`.
fn text(node: &Node) -> Result<String, AppSpecError> {
    if !node.is_scalar() {
        return Err(SECTION);
    }
    Ok(node.written.clone())
}
