//! `<dg>-cleanup`: what an Install put on the host, one path per line in execution order.
//! Source: agent.md §7.6, I-31.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Instruction;

/// Begins a line about an SELinux rule.
const SEMANAGE: &[u8] = b"semanage\0";

/// Begins a path that has newlines.
const RAW64: &[u8] = b"raw64\0";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CleanupEntry {
    /// A file, link or directory to remove.
    Path(PathBuf),
    /// A path whose SELinux rule is to be removed.
    Semanage(PathBuf),
}

/// Reads a cleanup file. A last line without newline was being written when the agent died; lines that
/// are no absolute path, or climb, are none of ours.
pub fn parse_cleanup(bytes: &[u8]) -> Vec<CleanupEntry> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop();
    lines.into_iter().filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<CleanupEntry> {
    match line.strip_prefix(SEMANAGE) {
        Some(line) => parse_path(line).map(CleanupEntry::Semanage),
        None => parse_path(line).map(CleanupEntry::Path),
    }
}

fn parse_path(line: &[u8]) -> Option<PathBuf> {
    match line.strip_prefix(RAW64) {
        Some(encoded) => absolute(STANDARD.decode(encoded).ok()?),
        None => absolute(line.to_vec()),
    }
}

fn absolute(bytes: Vec<u8>) -> Option<PathBuf> {
    let path = PathBuf::from(OsString::from_vec(bytes));
    let climbs = path.components().any(|component| component == Component::ParentDir);
    (path.is_absolute() && !climbs && !path.as_os_str().as_bytes().contains(&0)).then_some(path)
}

/// The cleanup file of an Install that carries out these instructions, and sets the contexts of these
/// paths, which are without links.
pub fn cleanup_text(instructions: &[Instruction], with_context: &[PathBuf]) -> Vec<u8> {
    let mut text = Vec::new();
    for instruction in instructions {
        match instruction {
            Instruction::Copy { destination: path, .. } | Instruction::MakeDirectory { directory: path } => {
                push_line(&mut text, path);
            }
            Instruction::ChangeMode { .. }
            | Instruction::SetAcl { .. }
            | Instruction::SetContext { .. }
            | Instruction::ChangeOwner { .. } => {}
        }
    }
    for path in with_context {
        text.extend_from_slice(SEMANAGE);
        push_line(&mut text, path);
    }
    text
}

fn push_line(text: &mut Vec<u8>, path: &Path) {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&b'\n') {
        text.extend_from_slice(RAW64);
        text.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    } else {
        text.extend_from_slice(bytes);
    }
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], expected: &str) {
        let shown: Vec<String> = parse_cleanup(text)
            .iter()
            .map(|entry| match entry {
                CleanupEntry::Path(path) => path.display().to_string(),
                CleanupEntry::Semanage(path) => format!("semanage:{}", path.display()),
            })
            .collect();
        assert_eq!(shown.join(","), expected);
    }

    #[test]
    fn lines_are_paths_and_an_unfinished_one_is_dropped() {
        check(b"", "");
        check(b"/a\n", "/a");
        check(b"/a\n/b\n/unfinished", "/a,/b");
        check(b"semanage\0/a\n/b\n", "semanage:/a,/b");
        check(b" /a\nrelative\n\n", "");
        check(b"/a/../b\n/a\0b\n/c\n", "/c");
    }

    #[test]
    fn names_come_back_byte_for_byte() {
        let names: [&[u8]; 4] = [b"/plain", b"/ blanks ", b"/new\nline", b"/\xff\xfe"];
        let paths: Vec<PathBuf> =
            names.iter().map(|name| PathBuf::from(OsString::from_vec(name.to_vec()))).collect();
        let instructions: Vec<Instruction> =
            paths.iter().map(|path| Instruction::MakeDirectory { directory: path.clone() }).collect();
        let read = parse_cleanup(&cleanup_text(&instructions, &paths));
        let all = paths.iter().cloned().map(CleanupEntry::Path);
        let all = all.chain(paths.iter().cloned().map(CleanupEntry::Semanage));
        assert_eq!(read, all.collect::<Vec<_>>());
    }
}
