//! Zip archives, with the modes and symbolic links that Unix tools store in them. Only the directory at
//! the end of the archive counts, as for every other tool: what local headers say is not looked at.

use std::fs::File;
use std::io::Read;

use jiff::civil;
use jiff::tz::TimeZone;
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ExtraField, ZipArchive};

use super::error::Fault;
use super::member::MemberPath;
use super::tree::{Attributes, Tree};
use super::zip_content::{Checked, Inflater, SeekableFile};

const TYPE_MASK: u32 = 0o170_000;
const TYPE_SYMLINK: u32 = 0o120_000;
const TYPE_DIRECTORY: u32 = 0o040_000;
const TYPE_REGULAR: u32 = 0o100_000;

/// The longest text of a symbolic link that Linux takes.
const MAX_LINK_BYTES: u64 = 4095;

/// Unpacks all members into `tree`.
pub(super) fn unpack(source: File, tree: &mut Tree) -> Result<(), Fault> {
    let archive_bytes = source.metadata()?.len();
    if archive_bytes == 0 {
        return Err(Fault::damaged("the archive is empty"));
    }
    let mut archive = ZipArchive::new(SeekableFile::new(source)).map_err(fault)?;
    // Unknown when the archive was written to a pipe; then what comes is counted.
    let n_bytes = archive.decompressed_size().unwrap_or(0);
    tree.announce(archive.len() as u64, u64::try_from(n_bytes).unwrap_or(u64::MAX))?;
    let mut inflater = Inflater::new();
    let mut n_packed = 0_u64;
    for idx in 0..archive.len() {
        let member = archive.by_index_raw(idx).map_err(fault)?;
        n_packed = n_packed.saturating_add(member.compressed_size());
        if archive_bytes < n_packed {
            return Err(Fault::damaged("its members overlap"));
        }
        let name = member.name_raw().to_vec();
        let unpacked = match member.compression() {
            CompressionMethod::Stored | CompressionMethod::Deflated if !member.encrypted() => {
                unpack_member(member, &name, tree, &mut inflater)
            }
            _ => {
                drop(member);
                let member = archive.by_index(idx).map_err(|error| fault(error).of_member(&name))?;
                unpack_member(member, &name, tree, &mut inflater)
            }
        };
        unpacked.map_err(|fault| fault.of_member(&name))?;
    }
    Ok(())
}

/// Takes stored and deflated members raw, others decoded.
fn unpack_member<R: Read>(
    mut member: ZipFile<'_, R>,
    name: &[u8],
    tree: &mut Tree,
    inflater: &mut Inflater,
) -> Result<(), Fault> {
    let path = MemberPath::parse(name)?;
    let mode = member.unix_mode();
    tree.admit(name, mode)?;
    // Like unzip: no setuid, setgid or sticky from a zip.
    let attributes =
        Attributes { mode: mode.map(|mode| mode & 0o777), modified: modified(&member), owner: None };
    let (size, crc, compression) = (member.size(), member.crc32(), member.compression());
    let mut content: Box<dyn Read + '_> = match compression {
        CompressionMethod::Deflated => Box::new(Checked::new(inflater.content(&mut member), size, crc)),
        _ => Box::new(Checked::new(&mut member, size, crc)),
    };
    match mode.unwrap_or(0) & TYPE_MASK {
        TYPE_DIRECTORY => tree.directory(&path, attributes),
        _ if name.ends_with(b"/") => tree.directory(&path, attributes),
        TYPE_SYMLINK => tree.symlink(&path, attributes, &link_text(&mut content)?),
        0 | TYPE_REGULAR => tree.file(&path, attributes, size, &mut content),
        _ => Err(Fault::Unsafe(name.to_vec())),
    }
}

fn link_text(content: &mut dyn Read) -> Result<Vec<u8>, Fault> {
    let mut text = Vec::new();
    content.take(MAX_LINK_BYTES + 1).read_to_end(&mut text)?;
    if MAX_LINK_BYTES < text.len() as u64 {
        return Err(Fault::damaged("a link with a text that is too long"));
    }
    Ok(text)
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
        other => Fault::damaged(other.to_string()),
    }
}
