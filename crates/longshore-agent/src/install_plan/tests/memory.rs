//! A file system in memory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::super::{EntryKind, FileSystem, FileSystemView, SourceFile};

/// A host written as `/dir/`, `/file`, `/link->text`, `/pipe|`; parents are implied.
#[derive(Debug, Default)]
pub(super) struct Memory {
    nodes: BTreeMap<PathBuf, Node>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    File,
    Directory,
    Link(String),
    Special,
}

impl Memory {
    pub(super) fn new(host: &str) -> Memory {
        let mut memory = Memory::default();
        memory.nodes.insert("/".into(), Node::Directory);
        for word in host.split_whitespace() {
            let (path, node) = match (word.split_once("->"), word.strip_suffix('|')) {
                (Some((path, text)), _) => (path, Node::Link(text.to_owned())),
                (None, Some(path)) => (path, Node::Special),
                (None, None) if word.ends_with('/') => (word.trim_end_matches('/'), Node::Directory),
                (None, None) => (word, Node::File),
            };
            for parent in Path::new(path).ancestors().skip(1) {
                memory.nodes.entry(parent.to_owned()).or_insert(Node::Directory);
            }
            memory.nodes.insert(path.into(), node);
        }
        memory
    }

    /// The path without links above its last name, or without any.
    fn resolve(&self, path: &Path, follow_last: bool) -> io::Result<PathBuf> {
        let mut pending: Vec<String> = names(path);
        let mut real = PathBuf::from("/");
        let mut n_links = 0;
        while let Some(name) = pending.pop() {
            if name == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&name);
            match self.nodes.get(&next) {
                Some(Node::Link(text)) if follow_last || !pending.is_empty() => {
                    n_links += 1;
                    if 40 < n_links {
                        return Err(rustix::io::Errno::LOOP.into());
                    }
                    if text.starts_with('/') {
                        real = PathBuf::from("/");
                    }
                    pending.extend(names(Path::new(text)));
                }
                _ => real = next,
            }
        }
        Ok(real)
    }

    fn kind(&self, path: &Path) -> Option<EntryKind> {
        Some(match self.nodes.get(path)? {
            Node::File => EntryKind::File,
            Node::Directory => EntryKind::Directory,
            Node::Link(_) => EntryKind::Symlink,
            Node::Special => EntryKind::Special,
        })
    }
}

/// The names of a path, the first one last.
fn names(path: &Path) -> Vec<String> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        Component::ParentDir => Some("..".to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).collect()
}

impl FileSystemView for Memory {
    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        Ok(self.kind(&self.resolve(path, false)?))
    }

    fn target(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        Ok(self.kind(&self.resolve(path, true)?))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>> {
        let real = self.resolve(directory, true)?;
        let is_child = |path: &&PathBuf| path.parent() == Some(&real);
        let children = self.nodes.keys().rev().filter(is_child);
        Ok(children.filter_map(|path| Some((path.file_name()?.to_owned(), self.kind(path)?))).collect())
    }

    /// Names ending in a number have that many bytes; `secret` cannot be read.
    fn source(&self, path: &Path) -> io::Result<Option<SourceFile>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        let n_bytes = digits.parse().unwrap_or(0);
        let is_readable = name != "secret";
        let source = |kind| {
            let size_bytes = if kind == EntryKind::File { n_bytes } else { 0 };
            SourceFile { kind, size_bytes, is_readable }
        };
        Ok(self.entry(path)?.map(source))
    }

    fn sources(&self, directory: &Path) -> io::Result<Vec<(OsString, SourceFile)>> {
        let children = self.list(directory)?.into_iter();
        let source = |name: OsString| Some((name.clone(), self.source(&directory.join(name)).ok()??));
        Ok(children.filter_map(|(name, _)| source(name)).collect())
    }

    /// Everything below `/small` and `/tiny` is on small file systems.
    fn file_system(&self, directory: &Path) -> io::Result<FileSystem> {
        if self.target(directory)? != Some(EntryKind::Directory) {
            return Err(rustix::io::Errno::NOENT.into());
        }
        let (id, available_bytes) = match self.mount_point(directory).to_str() {
            Some("/small") => (1, Some(100)),
            Some("/tiny") => (2, Some(1)),
            _ => (0, None),
        };
        Ok(FileSystem { id, available_bytes, block_bytes: 10 })
    }

    fn mount_point(&self, directory: &Path) -> PathBuf {
        let mounts = ["/small", "/tiny", "/"].map(Path::new);
        mounts.into_iter().find(|mount| directory.starts_with(mount)).unwrap_or(directory).to_owned()
    }

    fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        self.resolve(path, true)
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        (name == "bob").then_some(501)
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        (name == "dev").then_some(601)
    }
}
