//! What the Installs of all deployment groups have written down: read entry by entry, because a list may
//! have millions.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::record::Rule;
use crate::install_plan::{CleanupEntry, parse_cleanup};

const CLEANUP: &str = "-cleanup";
const INSTALL_JSON: &str = "-install.json";

/// How much of a list is read.
const MAX_LIST_BYTES: u64 = 512 * 1024 * 1024;

/// How many lists are read.
const MAX_LISTS: usize = 1000;

/// An entry of an `-install.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Instruction {
    /// Of a copy.
    destination: Option<String>,
    /// Of a mkdir.
    directory: Option<String>,
    /// What an attribute is of.
    pub(super) file: Option<String>,
    /// Of an SELinux context.
    pub(super) context: Option<Rule>,
}

/// The deployment groups, sorted, whose lists name each of the paths. Lists that cannot be read name none.
pub(super) fn search(instructions_dir: &Path, paths: &HashSet<&Path>) -> BTreeMap<PathBuf, Vec<String>> {
    let mut groups: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    let lists = if paths.is_empty() { Vec::new() } else { lists(instructions_dir) };
    for (list, name) in lists.into_iter().take(MAX_LISTS) {
        let group = name.strip_suffix(CLEANUP).or_else(|| name.strip_suffix(INSTALL_JSON)).unwrap_or(&name);
        let read = each_path(&list, |path| {
            if paths.contains(path) {
                groups.entry(path.to_owned()).or_default().insert(group.to_owned());
            }
        });
        if let Err(error) = read {
            tracing::warn!(path = %list.display(), "cannot read what a deployment group has installed: {error}");
        }
    }
    groups.into_iter().map(|(path, groups)| (path, groups.into_iter().collect())).collect()
}

/// The lists and their names, without those that are being written.
fn lists(instructions_dir: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(instructions_dir) else { return Vec::new() };
    let list = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_list = name.ends_with(CLEANUP) || name.ends_with(INSTALL_JSON);
        (is_list && !name.starts_with('.')).then(|| (entry.path(), name))
    };
    entries.filter_map(|entry| list(entry.ok()?)).collect()
}

/// Calls `found` with each path that a list says was put there.
fn each_path(list: &Path, mut found: impl FnMut(&Path)) -> io::Result<()> {
    if list.as_os_str().as_bytes().ends_with(CLEANUP.as_bytes()) {
        return cleanup_paths(list, found);
    }
    instructions(list, |instruction| {
        if let Some(path) = instruction.destination.or(instruction.directory) {
            found(Path::new(&path));
        }
    })
}

/// Calls `found` with each path of a cleanup file.
fn cleanup_paths(list: &Path, mut found: impl FnMut(&Path)) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(list)?.take(MAX_LIST_BYTES));
    let mut line = Vec::new();
    while 0 < reader.read_until(b'\n', &mut line)? {
        for entry in parse_cleanup(&line) {
            if let CleanupEntry::Path(path) = entry {
                found(&path);
            }
        }
        line.clear();
    }
    Ok(())
}

/// Calls `each` with the instructions of an `-install.json`, one after the other.
pub(super) fn instructions(list: &Path, each: impl FnMut(Instruction)) -> io::Result<()> {
    let reader = BufReader::new(File::open(list)?.take(MAX_LIST_BYTES));
    serde_json::Deserializer::from_reader(reader).deserialize_map(Document(each)).map_err(io::Error::from)
}

/// The object around the list.
struct Document<F>(F);

impl<'de, F: FnMut(Instruction)> Visitor<'de> for Document<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with instructions")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "instructions" {
                map.next_value_seed(List(&mut self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The list.
struct List<'a, F>(&'a mut F);

impl<'de, F: FnMut(Instruction)> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Instruction)> Visitor<'de> for List<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of instructions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(instruction) = seq.next_element()? {
            (self.0)(instruction);
        }
        Ok(())
    }
}
