//! Unpacks a bundle, in process. Source: agent.md §5.4, I-19.
//!
//! Bundles may be hostile. Every member is written relative to a directory handle that was reached from
//! the archive's root one component at a time ([`tree`]), so no name and no symbolic link leads outside.

mod leading_directory;
mod member;
mod tarball;
mod tree;
mod zipball;

use std::fs;
use std::io;
use std::path::Path;

use tree::Tree;

/// How a bundle is packed.
pub type BundleKind = longshore_model::revision::BundleType;

/// Bounds on what a bundle may unpack to.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnpackLimits {
    /// The most bytes that all files together may have; none by default.
    pub max_extracted_bytes: Option<u64>,
}

/// Why a bundle could not be unpacked. The texts are what the service shows.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A member that would land outside the archive's directory, or a device.
    #[error("Error extracting {format} archive: unsafe entry {name}")]
    UnsafeEntry {
        /// `tar` or `zip`.
        format: &'static str,
        /// As in the archive.
        name: String,
    },
    /// No space; what was unpacked is removed again.
    #[error("The disk is (or was) full during extraction.")]
    DiskFull,
    /// The files are larger than the configuration allows.
    #[error("Error extracting {format} archive: the content exceeds max_extracted_bytes ({limit})")]
    TooLarge {
        /// `tar` or `zip`.
        format: &'static str,
        /// The bound.
        limit: u64,
    },
    /// Damaged, or the file system refused. 2 is the status with which the tools end.
    #[error("Error extracting {format} archive: 2 ({detail})")]
    Failed {
        /// `tar` or `zip`.
        format: &'static str,
        /// What happened, and to which member.
        detail: String,
    },
}

/// Unpacks `bundle` into the directory `into`, which is made if absent. Of a tar archive the content
/// says whether it is compressed. A single leading directory with an AppSpec in it is stripped.
///
/// # Errors
/// The texts are what the service shows. What was unpacked before stays, except when the disk is full.
pub fn unpack(
    bundle: &Path,
    kind: BundleKind,
    into: &Path,
    limits: &UnpackLimits,
) -> Result<(), UnpackError> {
    let format = match kind {
        BundleKind::Tar | BundleKind::Tgz => "tar",
        BundleKind::Zip => "zip",
    };
    let unpacked = unpack_members(bundle, format, into, limits);
    if matches!(unpacked, Err(Fault::Io(ref error)) if is_disk_full(error)) {
        if let Err(error) = fs::remove_dir_all(into) {
            tracing::warn!(%error, path = %into.display(), "cannot remove a half unpacked revision");
        }
        return Err(UnpackError::DiskFull);
    }
    unpacked.map_err(|fault| fault.into_error(format))?;
    leading_directory::strip(into).map_err(|error| UnpackError::Failed { format, detail: error.to_string() })
}

fn unpack_members(bundle: &Path, format: &str, into: &Path, limits: &UnpackLimits) -> Result<(), Fault> {
    let source = fs::File::open(bundle).map_err(|error| Fault::at(bundle, &error))?;
    fs::create_dir_all(into)?;
    let mut tree = Tree::open(into, limits.max_extracted_bytes)?;
    match format {
        "zip" => zipball::unpack(source, &mut tree)?,
        _ => tarball::unpack(source, &mut tree)?,
    }
    tree.finish()
}

/// What goes wrong inside; the archive's format is added at the edge.
#[derive(Debug)]
enum Fault {
    Unsafe(Vec<u8>),
    TooLarge(u64),
    Io(io::Error),
    /// With the name of the member or file.
    Named(String),
}

impl Fault {
    fn at(path: &Path, error: &io::Error) -> Fault {
        Fault::Named(format!("{}: {error}", path.display()))
    }

    /// Puts the member's name in, but lets a full disk be recognised.
    fn of_member(self, name: &[u8]) -> Fault {
        match self {
            Fault::Io(error) if !is_disk_full(&error) => {
                Fault::Named(format!("{}: {error}", String::from_utf8_lossy(name)))
            }
            Fault::Unsafe(_) => Fault::Unsafe(name.to_vec()),
            Fault::TooLarge(_) | Fault::Io(_) | Fault::Named(_) => self,
        }
    }

    fn into_error(self, format: &'static str) -> UnpackError {
        match self {
            Fault::Unsafe(name) => {
                UnpackError::UnsafeEntry { format, name: String::from_utf8_lossy(&name).into_owned() }
            }
            Fault::TooLarge(limit) => UnpackError::TooLarge { format, limit },
            Fault::Io(error) => UnpackError::Failed { format, detail: error.to_string() },
            Fault::Named(detail) => UnpackError::Failed { format, detail },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl From<rustix::io::Errno> for Fault {
    fn from(error: rustix::io::Errno) -> Fault {
        Fault::Io(error.into())
    }
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl crate::failure::Evident for UnpackError {
    fn evidence(&self) -> Vec<longshore_model::evidence::Evidence> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
