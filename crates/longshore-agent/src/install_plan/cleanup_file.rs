//! `<dg>-cleanup`: what an Install put on the host, one path per line in execution order.
//! Source: agent.md §7.6, I-31.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Instruction;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CleanupEntry {
    /// A file, link or directory to remove.
    Path(PathBuf),
    /// A path whose SELinux rule is to be removed.
    Semanage(PathBuf),
}

/// Reads a cleanup file. A last line without newline was being written when the agent died; lines that
/// are no absolute path are none of ours.
pub fn parse_cleanup(bytes: &[u8]) -> Vec<CleanupEntry> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop();
    lines.into_iter().filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<CleanupEntry> {
    if let Some(path) = line.strip_prefix(b"semanage\0") {
        return absolute(path.to_vec()).map(CleanupEntry::Semanage);
    }
    if let Some(encoded) = line.strip_prefix(b"raw64\0") {
        return absolute(STANDARD.decode(encoded).ok()?).map(CleanupEntry::Path);
    }
    absolute(line.to_vec()).map(CleanupEntry::Path)
}

fn absolute(bytes: Vec<u8>) -> Option<PathBuf> {
    let path = PathBuf::from(OsString::from_vec(bytes));
    (path.is_absolute() && !path.as_os_str().as_bytes().contains(&0)).then_some(path)
}

/// The cleanup file of an Install that carries out these instructions.
pub fn cleanup_text(instructions: &[Instruction]) -> Vec<u8> {
    let mut text = Vec::new();
    for instruction in instructions {
        match instruction {
            Instruction::Copy { destination: path, .. } | Instruction::MakeDirectory { directory: path } => {
                push_line(&mut text, path);
            }
            Instruction::ChangeMode { .. } | Instruction::ChangeOwner { .. } => {}
        }
    }
    text
}

fn push_line(text: &mut Vec<u8>, path: &Path) {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&b'\n') {
        text.extend_from_slice(b"raw64\0");
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
    }

    #[test]
    fn names_come_back_byte_for_byte() {
        let names: [&[u8]; 4] = [b"/plain", b"/ blanks ", b"/new\nline", b"/\xff\xfe"];
        let paths: Vec<PathBuf> =
            names.iter().map(|name| PathBuf::from(OsString::from_vec(name.to_vec()))).collect();
        let instructions: Vec<Instruction> =
            paths.iter().map(|path| Instruction::MakeDirectory { directory: path.clone() }).collect();
        let read = parse_cleanup(&cleanup_text(&instructions));
        assert_eq!(read, paths.into_iter().map(CleanupEntry::Path).collect::<Vec<_>>());
    }
}
