//! Tar archives, plain or compressed.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

use tar::{Archive, Entry, EntryType};

use super::compression;
use super::error::{Fault, damage};
use super::member::MemberPath;
use super::tar_attributes::{Accounts, attributes};
use super::tree::Tree;

/// The most that may stand in front of one member: paths have at most 4,096 bytes.
const MAX_HEADER_BYTES: u64 = 1024 * 1024;

/// The most that may follow the last member. The tools pad to some kilobytes.
const MAX_TRAILING_BYTES: u64 = 64 * 1024 * 1024;

// Kinds of members that only GNU tar writes.
const CONTINUED: u8 = b'M';
const DUMPED_DIRECTORY: u8 = b'D';

/// Unpacks all members into `tree`.
pub(super) fn unpack(source: File, tree: &mut Tree) -> Result<(), Fault> {
    let budget = Rc::new(Cell::new(None));
    let source = compression::plain(source)?;
    let mut archive = Archive::new(Budgeted { source, budget: Rc::clone(&budget) });
    let mut accounts = Accounts::new();
    let mut entries = archive.entries()?;
    loop {
        budget.set(Some(MAX_HEADER_BYTES));
        let Some(entry) = entries.next() else { break };
        let mut entry = entry?;
        budget.set(None);
        let name = entry.path_bytes().into_owned();
        unpack_member(&mut entry, &name, tree, &mut accounts).map_err(|fault| fault.of_member(&name))?;
        // What a member has more than was asked for does not count as the next one's header.
        io::copy(&mut entry, &mut io::sink())?;
    }
    budget.set(None);
    drain(archive.into_inner())
}

/// A reader that refuses to go on after so many bytes. The tar crate keeps names and extended headers in
/// memory whole, however long an archive says they are.
struct Budgeted {
    source: Box<dyn Read>,
    budget: Rc<Cell<Option<u64>>>,
}

impl Read for Budgeted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.budget.get() else {
            return self.source.read(buffer);
        };
        if left == 0 {
            return Err(damage("the header of a member is too large"));
        }
        let n_wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n_read = self.source.read(&mut buffer[..n_wanted])?;
        self.budget.set(Some(left.saturating_sub(n_read as u64)));
        Ok(n_read)
    }
}

/// Reads what follows the last member, because the checksum comes at the very end. Bytes that belong to
/// no compressed stream are padding, which the tools only warn about.
fn drain(rest: impl Read) -> Result<(), Fault> {
    match io::copy(&mut rest.take(MAX_TRAILING_BYTES), &mut io::sink()) {
        Err(error) if compression::is_padding(&error) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(MAX_TRAILING_BYTES) => Err(Fault::damaged("too much follows the last member")),
        Ok(_) => Ok(()),
    }
}

fn unpack_member<R: Read>(
    entry: &mut Entry<'_, R>,
    name: &[u8],
    tree: &mut Tree,
    accounts: &mut Accounts,
) -> Result<(), Fault> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(());
    }
    let path = MemberPath::parse(name)?;
    let attributes = attributes(entry, accounts)?;
    tree.admit(name, attributes.mode)?;
    match kind {
        EntryType::Directory => tree.directory(&path, attributes),
        EntryType::Symlink => tree.symlink(&path, attributes, &link_text(entry)?),
        EntryType::Link => {
            let target = link_text(entry)?;
            tree.hard_link(&path, &MemberPath::parse(&target)?)
        }
        EntryType::Fifo => tree.fifo(&path, attributes),
        EntryType::Block | EntryType::Char => Err(Fault::Unsafe(name.to_vec())),
        _ if kind.as_byte() == CONTINUED => Err(Fault::damaged("the archive is one of several volumes")),
        // Of GNU tar's backups: its content is a list of names.
        _ if kind.as_byte() == DUMPED_DIRECTORY => tree.directory(&path, attributes),
        // Before POSIX a directory was a file whose name ends in a slash.
        _ if name.ends_with(b"/") => tree.directory(&path, attributes),
        _ => tree.file(&path, attributes, entry.size(), entry),
    }
}

fn link_text<R: Read>(entry: &Entry<'_, R>) -> Result<Vec<u8>, Fault> {
    match entry.link_name_bytes() {
        Some(text) => Ok(text.into_owned()),
        None => Err(Fault::damaged("a link without target")),
    }
}
