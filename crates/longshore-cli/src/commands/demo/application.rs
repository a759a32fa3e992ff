//! The demo's application, carried in this program so that the demo needs nothing beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

/// A version of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// What is there first.
    First,
    /// What replaces it.
    Second,
}

impl Version {
    /// As the page says it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Version::First => "1",
            Version::Second => "2",
        }
    }

    fn release(self) -> &'static str {
        match self {
            Version::First => include_str!("../../../../../demo/releases/1.json"),
            Version::Second => include_str!("../../../../../demo/releases/2.json"),
        }
    }
}

/// What both versions share: name, permissions, text.
const FILES: [(&str, u32, &str); 8] = [
    ("appspec.yml", 0o644, include_str!("../../../../../demo/app/appspec.yml")),
    ("scripts/stop.sh", 0o755, include_str!("../../../../../demo/app/scripts/stop.sh")),
    ("scripts/check_host.sh", 0o755, include_str!("../../../../../demo/app/scripts/check_host.sh")),
    ("scripts/configure.sh", 0o755, include_str!("../../../../../demo/app/scripts/configure.sh")),
    ("scripts/start.sh", 0o755, include_str!("../../../../../demo/app/scripts/start.sh")),
    ("scripts/validate.py", 0o755, include_str!("../../../../../demo/app/scripts/validate.py")),
    ("web/server.py", 0o644, include_str!("../../../../../demo/app/web/server.py")),
    ("web/page.html", 0o644, include_str!("../../../../../demo/app/web/page.html")),
];

/// Writes a version's source into `folder`, ready to be pushed.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(folder: &Path, version: Version) -> anyhow::Result<()> {
    let release = ("web/release.json", 0o644, version.release());
    for (name, mode, text) in FILES.into_iter().chain([release]) {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_make_a_bundle() {
        for version in [Version::First, Version::Second] {
            let folder = tempfile::tempdir().expect("temporary folder");
            write(folder.path(), version).expect("written");
            let packed = crate::commands::push::pack(folder.path(), false).expect("a good bundle");
            assert!(packed.warnings.is_empty(), "{:?}", packed.warnings);
        }
    }

    #[test]
    fn each_release_says_its_version() {
        for version in [Version::First, Version::Second] {
            let release: serde_json::Value = serde_json::from_str(version.release()).expect("JSON");
            assert_eq!(release["version"], version.as_str());
        }
    }
}
