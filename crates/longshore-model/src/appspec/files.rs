//! The `files` section. Source: agent.md §6.5.

use super::document::{Node, Value};
use super::{AppSpecError, AppSpecFault, FileEntry};

const SECTION: AppSpecError = AppSpecError::InvalidStructure { section: "files" };

pub(super) fn parse(section: Option<&Node>) -> Result<Vec<FileEntry>, AppSpecFault> {
    match section.map(|node| &node.value) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(entries)) => entries.iter().map(parse_entry).collect(),
        Some(_) => Err(SECTION.at_any(section)),
    }
}

fn parse_entry(entry: &Node) -> Result<FileEntry, AppSpecFault> {
    if !matches!(entry.value, Value::Map(_)) {
        return Err(SECTION.at(entry));
    }
    let source = entry.present_field("source").ok_or_else(|| AppSpecError::NoSource.at(entry))?;
    let source = text(source)?;
    let destination = entry.present_field("destination");
    let destination = destination.ok_or_else(|| AppSpecError::NoDestination(source.clone()).at(entry))?;
    Ok(FileEntry { destination: text(destination)?, source })
}

/// Scalars are taken as they are written: a folder may well be called `1.0`.
fn text(node: &Node) -> Result<String, AppSpecFault> {
    if !node.is_scalar() {
        return Err(SECTION.at(node));
    }
    Ok(node.written.clone())
}
