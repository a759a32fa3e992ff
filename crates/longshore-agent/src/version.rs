//! The version that this agent tells the service. Source: agent.md §4.6, with I-45: read once.

use std::path::{Path, PathBuf};

/// Where to look when the file is not beside the deployment root.
const FALLBACK: &str = "/opt/codedeploy-agent/.version";

/// What is sent when there is no version file.
const UNKNOWN: &str = "UNKNOWN_VERSION";

/// The version in the file beside `root_dir`, or in the usual place.
pub fn read(root_dir: &Path) -> String {
    read_first(&[root_dir.join("../.version"), PathBuf::from(FALLBACK)]).unwrap_or_else(|| {
        tracing::warn!("No agent version file found, telling the service {UNKNOWN}");
        UNKNOWN.to_owned()
    })
}

fn read_first(paths: &[PathBuf]) -> Option<String> {
    paths.iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        parse(&text)
    })
}

/// The value after the last `: `.
fn parse(text: &str) -> Option<String> {
    let (_, value) = text.rsplit_once(": ")?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_what_follows_the_last_colon() {
        assert_eq!(parse("agent_version: OFFICIAL_1.8.0-17_deb\n").as_deref(), Some("OFFICIAL_1.8.0-17_deb"));
        assert_eq!(parse("agent_version:"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_first_file_that_has_one_counts() {
        let dir = tempfile::tempdir().expect("dir");
        let (absent, present) = (dir.path().join("absent"), dir.path().join("present"));
        std::fs::write(&present, "agent_version: X_1\n").expect("write");
        assert_eq!(read_first(&[absent.clone(), present]).as_deref(), Some("X_1"));
        assert_eq!(read_first(&[absent]), None);
    }
}
