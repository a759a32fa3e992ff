//! Unpacks a bundle, in process. Source: agent.md §5.4, I-19.
//!
//! Bundles may be hostile. Every member is written relative to a directory handle that was reached from
//! the archive's root one component at a time ([`way`]), so no name and no symbolic link leads outside.

mod compression;
mod error;
mod leading_directory;
mod member;
mod rules;
mod tar_attributes;
mod tarball;
mod tree;
mod way;
mod zip_content;
mod zipball;

use std::fs;
use std::path::Path;

use error::Fault;
pub use error::UnpackError;
pub use rules::UnpackLimits;
use tree::Tree;

/// How a bundle is packed.
pub type BundleKind = longshore_model::revision::BundleType;

/// Unpacks `bundle` into the directory `into`, which is made if absent. Of a tar archive the content
/// says how it is compressed. A single leading directory with an AppSpec in it is stripped.
///
/// # Errors
/// The texts are what the service shows. What was unpacked before stays, except when there is too much.
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
    let failed = |fault: Fault| fault.into_error(format, bundle);
    let source = fs::File::open(bundle).map_err(|error| failed(Fault::at(bundle, error)))?;
    fs::create_dir_all(into).map_err(|error| failed(Fault::at(into, error)))?;
    let mut tree = Tree::open(into, *limits).map_err(failed)?;
    let unpacked = match kind {
        BundleKind::Zip => zipball::unpack(source, &mut tree),
        BundleKind::Tar | BundleKind::Tgz => tarball::unpack(source, &mut tree),
    };
    let needed_bytes = tree.needed_bytes();
    if let Err(fault) = unpacked.and_then(|()| tree.finish()) {
        return Err(give_up(fault, format, bundle, into, needed_bytes));
    }
    leading_directory::strip(into).map_err(|error| failed(Fault::at(into, error)))
}

/// The error; what only takes space is removed.
fn give_up(fault: Fault, format: &'static str, bundle: &Path, into: &Path, needed_bytes: u64) -> UnpackError {
    if fault.is_excess()
        && let Err(error) = fs::remove_dir_all(into)
    {
        tracing::warn!(%error, path = %into.display(), "cannot remove a half unpacked revision");
    }
    if !fault.is_disk_full() {
        return fault.into_error(format, bundle);
    }
    // The directory is gone, its file system is not.
    let free = into.parent().and_then(|parent| rustix::fs::statvfs(parent).ok());
    UnpackError::DiskFull {
        path: into.to_owned(),
        needed_bytes,
        available_bytes: free.as_ref().map(|free| free.f_bavail.saturating_mul(free.f_frsize)),
        available_files: free.map(|free| free.f_favail),
    }
}

#[cfg(test)]
mod tests;
