//! Why a bundle could not be unpacked, as the service is told and as evidence.

use std::io;
use std::path::{Path, PathBuf};

use longshore_model::evidence::Evidence;

use crate::config::ByteLimit;
use crate::failure::{self, Evident};

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
    /// A member that the operator does not want.
    #[error("Error extracting {format} archive: {name} {what}, which {key} forbids")]
    Forbidden {
        /// `tar` or `zip`.
        format: &'static str,
        /// As in the archive.
        name: String,
        /// What is wrong with it.
        what: &'static str,
        /// The key of the configuration.
        key: &'static str,
    },
    /// No space; what was unpacked is removed again.
    #[error("The disk is (or was) full during extraction.")]
    DiskFull {
        /// Where the bundle was unpacked.
        path: PathBuf,
        /// What the bundle takes at least: known so far.
        needed_bytes: u64,
        /// What there is without the bundle's files.
        available_bytes: Option<u64>,
        /// Files that can still be made there.
        available_files: Option<u64>,
    },
    /// The files are larger than the configuration allows; what was unpacked is removed again.
    #[error("Error extracting {format} archive: the content exceeds {} ({})", limit.key, limit.bytes)]
    TooLarge {
        /// `tar` or `zip`.
        format: &'static str,
        /// The bound.
        limit: ByteLimit,
    },
    /// More members than any revision has; what was unpacked is removed again.
    #[error("Error extracting {format} archive: more than {limit} members")]
    TooMany {
        /// `tar` or `zip`.
        format: &'static str,
        /// The bound.
        limit: u64,
    },
    /// Damaged, or in a form that is not read. 2 is the status with which the tools end.
    #[error("Error extracting {format} archive: 2 ({})", located(member.as_deref(), detail))]
    Damaged {
        /// `tar` or `zip`.
        format: &'static str,
        /// Where in the archive, when that is known.
        member: Option<String>,
        /// What is wrong.
        detail: String,
    },
    /// The system refused.
    #[error("Error extracting {format} archive: 2 ({}: {source})", path.display())]
    System {
        /// `tar` or `zip`.
        format: &'static str,
        /// The member, or the file on this host.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn located(member: Option<&str>, detail: &str) -> String {
    member.map_or_else(|| detail.to_owned(), |member| format!("{member}: {detail}"))
}

impl Evident for UnpackError {
    fn evidence(&self) -> Vec<Evidence> {
        let broken = |rule: &str, subjects: Vec<String>| {
            vec![Evidence::RuleBroken { rule: rule.to_owned(), subjects }]
        };
        match self {
            UnpackError::UnsafeEntry { name, .. } => broken("unsafe_entry", vec![name.clone()]),
            UnpackError::Forbidden { name, key, .. } => broken(key, vec![name.clone()]),
            UnpackError::TooLarge { limit, .. } => broken(limit.key, vec![limit.bytes.to_string()]),
            UnpackError::TooMany { limit, .. } => broken("too_many_members", vec![limit.to_string()]),
            UnpackError::DiskFull { path, needed_bytes, available_bytes, available_files } => {
                vec![Evidence::DiskFull {
                    path: failure::shown(path),
                    needed_bytes: *needed_bytes,
                    available_bytes: *available_bytes,
                    available_files: *available_files,
                }]
            }
            UnpackError::Damaged { format, member, detail } => vec![Evidence::ArchiveDamaged {
                format: (*format).to_owned(),
                member: member.clone(),
                detail: detail.clone(),
            }],
            UnpackError::System { path, source, .. } => failure::system_refusal(Some(path), source),
        }
    }
}

/// What goes wrong inside; the archive's format is added at the edge.
#[derive(Debug)]
pub(super) enum Fault {
    /// The member leads out, or is a device.
    Unsafe(Vec<u8>),
    Forbidden {
        name: Vec<u8>,
        what: &'static str,
        key: &'static str,
    },
    TooLarge(ByteLimit),
    TooMany(u64),
    /// From the system, or from a decoder about damage.
    Io(io::Error),
    /// The same, with the name of the member or file.
    At(Vec<u8>, io::Error),
}

impl Fault {
    /// Something is wrong with the archive.
    pub(super) fn damaged(detail: impl Into<String>) -> Fault {
        Fault::Io(damage(detail))
    }

    pub(super) fn at(path: &Path, error: io::Error) -> Fault {
        use std::os::unix::ffi::OsStrExt;
        Fault::At(path.as_os_str().as_bytes().to_vec(), error)
    }

    /// Puts the member's name in.
    pub(super) fn of_member(self, name: &[u8]) -> Fault {
        match self {
            Fault::Io(error) => Fault::At(name.to_vec(), error),
            Fault::Unsafe(_) => Fault::Unsafe(name.to_vec()),
            Fault::Forbidden { .. } | Fault::TooLarge(_) | Fault::TooMany(_) | Fault::At(..) => self,
        }
    }

    pub(super) fn is_disk_full(&self) -> bool {
        matches!(self, Fault::Io(error) | Fault::At(_, error)
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// Whether what was unpacked so far only takes space.
    pub(super) fn is_excess(&self) -> bool {
        matches!(self, Fault::TooLarge(_) | Fault::TooMany(_)) || self.is_disk_full()
    }

    pub(super) fn into_error(self, format: &'static str, bundle: &Path) -> UnpackError {
        let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
        match self {
            Fault::Unsafe(name) => UnpackError::UnsafeEntry { format, name: text(name) },
            Fault::Forbidden { name, what, key } => {
                UnpackError::Forbidden { format, name: text(name), what, key }
            }
            Fault::TooLarge(limit) => UnpackError::TooLarge { format, limit },
            Fault::TooMany(limit) => UnpackError::TooMany { format, limit },
            Fault::At(name, source) if source.raw_os_error().is_some() => {
                UnpackError::System { format, path: text(name).into(), source }
            }
            Fault::Io(source) if source.raw_os_error().is_some() => {
                UnpackError::System { format, path: bundle.to_owned(), source }
            }
            Fault::At(name, error) => {
                UnpackError::Damaged { format, member: Some(text(name)), detail: error.to_string() }
            }
            Fault::Io(error) => UnpackError::Damaged { format, member: None, detail: error.to_string() },
        }
    }
}

/// An error about the archive's content.
pub(super) fn damage(detail: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail.into())
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
