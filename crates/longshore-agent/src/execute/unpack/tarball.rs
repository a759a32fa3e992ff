//! Tar archives, plain or gzip-compressed.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::Fault;
use super::member::MemberPath;
use super::tree::{Attributes, Tree};

/// Bytes read from the disk, and unpacked, at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// The most that may stand in front of one member: paths have at most 4,096 bytes.
const MAX_HEADER_BYTES: u64 = 1024 * 1024;

/// Unpacks all members into `tree`.
pub(super) fn unpack(source: File, tree: &mut Tree) -> Result<(), Fault> {
    let mut source = BufReader::with_capacity(BUFFER_BYTES, source);
    match source.fill_buf()? {
        [] => Err(Fault::Named("the archive is empty".to_owned())),
        [0x1f, 0x8b, ..] => {
            let plain = MultiGzDecoder::new(source);
            unpack_plain(BufReader::with_capacity(BUFFER_BYTES, plain), tree)
        }
        [b'B', b'Z', b'h', ..] => Err(not_available("bzip2")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Err(not_available("xz")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(not_available("zstd")),
        _ => unpack_plain(source, tree),
    }
}

fn not_available(compression: &str) -> Fault {
    Fault::Named(format!("{compression} compression is not available yet"))
}

fn unpack_plain(source: impl Read, tree: &mut Tree) -> Result<(), Fault> {
    let budget = Rc::new(Cell::new(None));
    let mut archive = Archive::new(Budgeted { source, budget: Rc::clone(&budget) });
    let mut accounts = Accounts::default();
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
    drain(&mut archive.into_inner())
}

/// A reader that refuses to go on after so many bytes. The tar crate keeps names and extended headers in
/// memory whole, however long an archive says they are.
struct Budgeted<R> {
    source: R,
    budget: Rc<Cell<Option<u64>>>,
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.budget.get() else {
            return self.source.read(buffer);
        };
        if left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the header of a member is too large"));
        }
        let n_wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let n_read = self.source.read(&mut buffer[..n_wanted])?;
        self.budget.set(Some(left.saturating_sub(n_read as u64)));
        Ok(n_read)
    }
}

/// Reads what follows the last member, because the checksum comes at the very end. Bytes that belong to
/// no gzip member are padding, which the tools only warn about.
fn drain(rest: &mut impl Read) -> Result<(), Fault> {
    match io::copy(rest, &mut io::sink()) {
        Err(error) if error.to_string().contains("header") => Ok(()),
        Err(error) => Err(error.into()),
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
    if matches!(kind, EntryType::XGlobalHeader) {
        return Ok(());
    }
    let path = MemberPath::parse(name)?;
    let attributes = attributes(entry, accounts)?;
    match kind {
        EntryType::Directory => tree.directory(&path, attributes),
        EntryType::Symlink => tree.symlink(&path, attributes, &link_text(entry)?),
        EntryType::Link => {
            let target = link_text(entry)?;
            tree.hard_link(&path, &MemberPath::parse(&target)?)
        }
        EntryType::Fifo => tree.fifo(&path, attributes),
        EntryType::Block | EntryType::Char => Err(Fault::Unsafe(name.to_vec())),
        // Before POSIX a directory was a file whose name ends in a slash.
        _ if name.ends_with(b"/") => tree.directory(&path, attributes),
        _ => tree.file(&path, attributes, entry),
    }
}

fn link_text<R: Read>(entry: &Entry<'_, R>) -> Result<Vec<u8>, Fault> {
    match entry.link_name_bytes() {
        Some(text) => Ok(text.into_owned()),
        None => Err(Fault::Io(io::Error::new(io::ErrorKind::InvalidData, "a link without target"))),
    }
}

fn attributes<R: Read>(entry: &mut Entry<'_, R>, accounts: &mut Accounts) -> Result<Attributes, Fault> {
    let extended = Extended::read(entry)?;
    let header = entry.header();
    let user = extended.user.or_else(|| header.username_bytes().map(<[u8]>::to_vec));
    let group = extended.group.or_else(|| header.groupname_bytes().map(<[u8]>::to_vec));
    // Some archivers leave these fields blank.
    let uid = extended.uid.or_else(|| header.uid().ok());
    let gid = extended.gid.or_else(|| header.gid().ok());
    let modified = extended.modified.or_else(|| Some((i64::try_from(header.mtime().ok()?).ok()?, 0)));
    Ok(Attributes {
        mode: Some(header.mode()? & 0o7777),
        modified,
        owner: uid
            .zip(gid)
            .map(|(uid, gid)| (accounts.uid(user.as_deref(), uid), accounts.gid(group.as_deref(), gid))),
    })
}

/// What a PAX header in front of a member overrides.
#[derive(Default)]
struct Extended {
    modified: Option<(i64, u32)>,
    uid: Option<u64>,
    gid: Option<u64>,
    user: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
}

impl Extended {
    fn read<R: Read>(entry: &mut Entry<'_, R>) -> Result<Extended, Fault> {
        let mut extended = Extended::default();
        let Some(fields) = entry.pax_extensions()? else {
            return Ok(extended);
        };
        for field in fields {
            let field = field?;
            let text = String::from_utf8_lossy(field.value_bytes());
            match field.key_bytes() {
                b"mtime" => extended.modified = time(&text),
                b"uid" => extended.uid = text.parse().ok(),
                b"gid" => extended.gid = text.parse().ok(),
                b"uname" => extended.user = Some(field.value_bytes().to_vec()),
                b"gname" => extended.group = Some(field.value_bytes().to_vec()),
                // Its content is a map of holes and pieces, and its name is another's.
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(Fault::Named("sparse files in PAX format are not available yet".to_owned()));
                }
                _ => {}
            }
        }
        Ok(extended)
    }
}

/// Seconds with a fraction, as PAX writes times.
fn time(text: &str) -> Option<(i64, u32)> {
    let (secs, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let (secs, nanos): (i64, u32) = (secs.parse().ok()?, nanos.parse().ok()?);
    if text.starts_with('-') && 0 < nanos {
        return Some((secs - 1, 1_000_000_000 - nanos));
    }
    Some((secs, nanos))
}

/// Names of users and groups and their numbers on this host. Like tar, the name counts before the number.
#[derive(Default)]
struct Accounts {
    users: HashMap<Vec<u8>, Option<u32>>,
    groups: HashMap<Vec<u8>, Option<u32>>,
}

impl Accounts {
    fn uid(&mut self, name: Option<&[u8]>, number: u64) -> u32 {
        let find =
            |name: &str| nix::unistd::User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
        known(&mut self.users, name, find).unwrap_or_else(|| id(number))
    }

    fn gid(&mut self, name: Option<&[u8]>, number: u64) -> u32 {
        let find =
            |name: &str| nix::unistd::Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
        known(&mut self.groups, name, find).unwrap_or_else(|| id(number))
    }
}

fn known(
    seen: &mut HashMap<Vec<u8>, Option<u32>>,
    name: Option<&[u8]>,
    find: impl Fn(&str) -> Option<u32>,
) -> Option<u32> {
    // Other users cannot give files away, so the lookup would be for nothing.
    let name = name.filter(|name| !name.is_empty() && rustix::process::geteuid().is_root())?;
    if let Some(number) = seen.get(name) {
        return *number;
    }
    let number = std::str::from_utf8(name).ok().and_then(find);
    seen.insert(name.to_vec(), number);
    number
}

/// `u32::MAX` would mean "leave it" to the system.
fn id(number: u64) -> u32 {
    u32::try_from(number).ok().filter(|id| *id != u32::MAX).unwrap_or(65534)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_times_have_nanoseconds_and_may_lie_before_1970() {
        assert_eq!(time("12.5"), Some((12, 500_000_000)));
        assert_eq!(time("12"), Some((12, 0)));
        assert_eq!(time("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time("x"), None);
    }
}
