//! Writes the listed entries as a zip archive, file by file, never a whole file in memory.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::time::SystemTime;

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::list::{Entry, Kind};

/// From this size an entry needs the format's 64-bit fields. Below the limit of 4 GiB, as a file may
/// still grow while it is packed.
const LARGE_BYTES: u64 = 0xE000_0000;

/// Why the archive could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackError {
    /// A file could not be read, or the archive not written.
    #[error("`{name}` cannot be packed")]
    Io {
        /// The entry's name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The format refuses it.
    #[error("`{name}` cannot be put into a zip archive")]
    Zip {
        /// The entry's name.
        name: String,
        /// Why.
        #[source]
        source: ZipError,
    },
    /// The directory at the archive's end could not be written.
    #[error("the archive cannot be finished")]
    Finish(#[source] ZipError),
}

/// Packs `entries` in their order into `file`.
///
/// # Errors
/// [`PackError`] naming the entry.
pub(super) fn pack(entries: &[Entry], file: impl Write + Seek) -> Result<(), PackError> {
    let mut archive = ZipWriter::new(io::BufWriter::new(file));
    for entry in entries {
        add(&mut archive, entry)?;
    }
    let written = archive.finish().map_err(PackError::Finish)?;
    written.into_inner().map_err(|error| PackError::Finish(ZipError::Io(error.into_error())))?;
    Ok(())
}

fn add(archive: &mut ZipWriter<impl Write + Seek>, entry: &Entry) -> Result<(), PackError> {
    let zip_error = |source| PackError::Zip { name: entry.name.clone(), source };
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(entry.mode)
        .last_modified_time(dos_time(entry.modified));
    match &entry.kind {
        Kind::Folder => archive.add_directory(entry.name.as_str(), options).map_err(zip_error),
        Kind::Symlink { target } => {
            archive.add_symlink(entry.name.as_str(), target.as_str(), options).map_err(zip_error)
        }
        Kind::File { size_bytes } => {
            let options = options.large_file(*size_bytes >= LARGE_BYTES);
            archive.start_file(entry.name.as_str(), options).map_err(zip_error)?;
            let copied = File::open(&entry.path).and_then(|mut file| io::copy(&mut file, archive));
            copied.map(drop).map_err(|source| PackError::Io { name: entry.name.clone(), source })
        }
    }
}

/// The format's own time: UTC here, whatever zone this machine is in, so that the same folder gives
/// the same archive everywhere. Before 1980 and after 2107 there is none: 1980.
fn dos_time(time: SystemTime) -> DateTime {
    let civil = jiff::Timestamp::try_from(time).map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).datetime());
    let Ok(civil) = civil else { return DateTime::default() };
    let unsigned = |value: i8| u8::try_from(value).unwrap_or(0);
    DateTime::from_date_and_time(
        u16::try_from(civil.year()).unwrap_or(0),
        unsigned(civil.month()),
        unsigned(civil.day()),
        unsigned(civil.hour()),
        unsigned(civil.minute()),
        unsigned(civil.second()),
    )
    .unwrap_or_default()
}
