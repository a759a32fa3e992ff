//! Unpacks a bundle.

use std::path::Path;

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
pub enum UnpackError {}

/// Unpacks `bundle` into the directory `into`, which is made if absent.
///
/// # Errors
/// The texts are what the service shows.
pub fn unpack(
    _bundle: &Path,
    _kind: BundleKind,
    _into: &Path,
    _limits: &UnpackLimits,
) -> Result<(), UnpackError> {
    Ok(())
}
