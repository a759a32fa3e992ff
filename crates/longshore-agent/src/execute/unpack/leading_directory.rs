//! Strips the one directory that archives of hosting sites have at the top. Source: agent.md §5.4.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes the only top-level directory the root, if an entry directly in it looks like an AppSpec.
///
/// # Errors
/// Whatever the file system says.
pub(super) fn strip(root: &Path) -> io::Result<()> {
    let Some(leading) = leading_directory(root)? else {
        return Ok(());
    };
    tracing::info!(path = %leading.display(), "Stripping leading directory from archive bundle contents.");
    let mut name = root.file_name().unwrap_or_default().to_owned();
    name.push("-temp");
    let aside = root.with_file_name(name);
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::rename(&leading, &aside)?;
    fs::remove_dir(root)?;
    fs::rename(&aside, root)
}

fn leading_directory(root: &Path) -> io::Result<Option<PathBuf>> {
    let mut entries = fs::read_dir(root)?;
    let (Some(only), None) = (entries.next().transpose()?, entries.next()) else {
        return Ok(None);
    };
    if !only.file_type()?.is_dir() {
        return Ok(None);
    }
    for entry in fs::read_dir(only.path())? {
        if entry?.file_name().to_string_lossy().to_ascii_lowercase().contains("appspec") {
            return Ok(Some(only.path()));
        }
    }
    Ok(None)
}
