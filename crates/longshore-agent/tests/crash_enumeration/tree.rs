//! A folder as text, with everything that an Install decides about its entries.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{lgetxattr, llistxattr};

/// One line per entry, by name.
pub(crate) fn shown(folder: &Path) -> String {
    let mut shown = String::new();
    show_below(folder, "", &mut shown);
    shown
}

fn show_below(folder: &Path, prefix: &str, shown: &mut String) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("list").map(|entry| entry.expect("entry")).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let metadata = fs::symlink_metadata(&path).expect("stat");
        let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode());
        write!(shown, "{name} {mode:o} {uid}:{gid}{}", attributes(&path)).expect("text");
        if metadata.is_dir() {
            shown.push('\n');
            show_below(&path, &format!("{name}/"), shown);
        } else if metadata.is_symlink() {
            writeln!(shown, " -> {}", fs::read_link(&path).expect("link").display()).expect("text");
        } else {
            assert!(!metadata.file_type().is_fifo(), "{name}");
            writeln!(shown, " {}{}", time(&name, &metadata), content(&path)).expect("text");
        }
    }
}

/// Of installed files: those of the agent are as new as they are.
fn time(name: &str, metadata: &fs::Metadata) -> String {
    if name.starts_with("group") {
        return String::new();
    }
    format!("{}.{:09} ", metadata.mtime(), metadata.mtime_nsec())
}

/// A long content by its length and a sum.
fn content(path: &Path) -> String {
    let bytes = fs::read(path).expect("read");
    if bytes.len() < 4096 {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let sum = bytes.iter().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    format!("{} bytes, {sum:x}", bytes.len())
}

/// ACLs and labels.
fn attributes(path: &Path) -> String {
    let mut names = [0u8; 4096];
    let n_bytes = llistxattr(path, &mut names).expect("attributes");
    let mut shown = String::new();
    for name in names[..n_bytes].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = [0u8; 4096];
        let n_bytes = lgetxattr(path, name, &mut value).expect("attribute");
        write!(shown, " {}={:?}", String::from_utf8_lossy(name), &value[..n_bytes]).expect("text");
    }
    shown
}
