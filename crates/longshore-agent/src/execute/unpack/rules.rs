//! Bounds on bundles: some always, some when the operator asks for them.
//! Source: agent.md §5.4, agent-2x-differences.md §9.

use super::error::Fault;
use crate::config::{ByteLimit, Settings};

/// More members than this are no revision.
pub(super) const MAX_MEMBERS: u64 = 1_000_000;

const SETUID_SETGID: u32 = 0o6000;

/// Bounds on what a bundle may unpack to.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnpackLimits {
    /// The most bytes that all files together may have; none by default.
    pub max_bytes: Option<ByteLimit>,
    /// No symbolic and no hard links (`reject_symlinks_in_bundle`).
    pub rejects_links: bool,
    /// No setuid and no setgid (`reject_unsafe_permissions_in_bundle`).
    pub rejects_special_bits: bool,
    /// Owners of the archive do not count (`ignore_ownership_in_bundle`).
    pub ignores_owners: bool,
}

impl UnpackLimits {
    /// What the operator asks for.
    pub fn of(settings: &Settings) -> UnpackLimits {
        UnpackLimits {
            max_bytes: settings.max_extracted,
            rejects_links: settings.reject_symlinks_in_bundle,
            rejects_special_bits: settings.reject_unsafe_permissions_in_bundle,
            ignores_owners: settings.ignore_ownership_in_bundle,
        }
    }

    /// For a member that is a symbolic or hard link.
    pub(super) fn check_link(&self, name: &[u8]) -> Result<(), Fault> {
        if !self.rejects_links {
            return Ok(());
        }
        Err(Fault::Forbidden { name: name.to_vec(), what: "is a link", key: "reject_symlinks_in_bundle" })
    }

    /// For a member with this mode, special bits included.
    pub(super) fn check_mode(&self, name: &[u8], mode: Option<u32>) -> Result<(), Fault> {
        if !self.rejects_special_bits || mode.unwrap_or(0) & SETUID_SETGID == 0 {
            return Ok(());
        }
        Err(Fault::Forbidden {
            name: name.to_vec(),
            what: "has setuid or setgid",
            key: "reject_unsafe_permissions_in_bundle",
        })
    }

    /// For files of so many bytes in all.
    pub(super) fn check_bytes(&self, n_bytes: u64) -> Result<(), Fault> {
        match self.max_bytes {
            Some(limit) if limit.bytes < n_bytes => Err(Fault::TooLarge(limit)),
            Some(_) | None => Ok(()),
        }
    }

    /// For so many members in all.
    pub(super) fn check_members(n_members: u64) -> Result<(), Fault> {
        if MAX_MEMBERS < n_members {
            return Err(Fault::TooMany(MAX_MEMBERS));
        }
        Ok(())
    }
}
