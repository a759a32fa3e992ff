//! Zip archives, with the modes and symbolic links that Unix tools store in them.

use std::fs::File;
use std::io::{BufReader, Read};

use jiff::civil;
use jiff::tz::TimeZone;
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{ExtraField, ZipArchive};

use super::Fault;
use super::member::MemberPath;
use super::tree::{Attributes, Tree};

const TYPE_MASK: u32 = 0o170_000;
const TYPE_SYMLINK: u32 = 0o120_000;
const TYPE_DIRECTORY: u32 = 0o040_000;
const TYPE_REGULAR: u32 = 0o100_000;

/// The longest text of a symbolic link that Linux takes.
const MAX_LINK_BYTES: u64 = 4095;

/// Unpacks all members into `tree`.
pub(super) fn unpack(source: File, tree: &mut Tree) -> Result<(), Fault> {
    let mut archive = ZipArchive::new(BufReader::new(source)).map_err(fault)?;
    for idx in 0..archive.len() {
        let mut member = archive.by_index(idx).map_err(fault)?;
        let name = member.name_raw().to_vec();
        unpack_member(&mut member, &name, tree).map_err(|fault| fault.of_member(&name))?;
    }
    Ok(())
}

fn unpack_member<R: Read>(member: &mut ZipFile<'_, R>, name: &[u8], tree: &mut Tree) -> Result<(), Fault> {
    let path = MemberPath::parse(name)?;
    let mode = member.unix_mode();
    // Like unzip: no setuid, setgid or sticky from a zip.
    let attributes =
        Attributes { mode: mode.map(|mode| mode & 0o777), modified: modified(member), owner: None };
    match mode.unwrap_or(0) & TYPE_MASK {
        TYPE_DIRECTORY => tree.directory(&path, attributes),
        _ if name.ends_with(b"/") => tree.directory(&path, attributes),
        TYPE_SYMLINK => {
            let mut text = Vec::new();
            member.take(MAX_LINK_BYTES + 1).read_to_end(&mut text)?;
            tree.symlink(&path, attributes, &text)
        }
        0 | TYPE_REGULAR => tree.file(&path, attributes, member),
        _ => Err(Fault::Unsafe(name.to_vec())),
    }
}

/// The exact time if a Unix tool stored it, else the local time of the DOS header.
fn modified<R: Read>(member: &ZipFile<'_, R>) -> Option<(i64, u32)> {
    let exact = member.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(times) => times.mod_time(),
        _ => None,
    });
    if let Some(secs) = exact {
        return Some((i64::from(secs), 0));
    }
    let dos = member.last_modified()?;
    let part = |number: u8| i8::try_from(number).ok();
    let date =
        civil::Date::new(i16::try_from(dos.year()).ok()?, part(dos.month())?, part(dos.day())?).ok()?;
    let time = civil::Time::new(part(dos.hour())?, part(dos.minute())?, part(dos.second())?, 0).ok()?;
    let zoned = date.to_datetime(time).to_zoned(TimeZone::system()).ok()?;
    Some((zoned.timestamp().as_second(), 0))
}

fn fault(error: ZipError) -> Fault {
    match error {
        ZipError::Io(error) => Fault::Io(error),
        other => Fault::Named(other.to_string()),
    }
}
