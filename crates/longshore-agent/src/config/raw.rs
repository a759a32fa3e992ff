//! The configuration file as written: keys and values, not yet checked.

use std::path::{Path, PathBuf};

use super::yaml::{self, Value, YamlError};

/// Where the daemon looks when no `--config_file` is given, in this order. Source: agent.md §3.
const DEFAULT_PATHS: [&str; 2] =
    ["/etc/codedeploy-agent/conf/codedeployagent.yml", "/opt/codedeploy-agent/conf/codedeployagent.yml"];

/// Why a configuration file cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadConfigError {
    /// Absent or unreadable.
    #[error("The config file {} does not exist or is not readable", path.display())]
    Unreadable {
        /// Where it should have been.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Not a mapping.
    #[error(
        "An error occurred loading the CodeDeploy agent config file at {}. Error message: {problem}",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; part of the text, because users look for this line.
        problem: YamlError,
    },
}

/// The configuration file as written.
#[derive(Clone, Debug, Default)]
pub struct RawConfig {
    entries: Vec<(String, Value)>,
}

impl RawConfig {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`ReadConfigError`], in the words that users know from the original agent.
    pub fn read(path: &Path) -> Result<RawConfig, ReadConfigError> {
        let bytes = std::fs::read(path)
            .map_err(|source| ReadConfigError::Unreadable { path: path.to_owned(), source })?;
        RawConfig::parse(&String::from_utf8_lossy(&bytes))
            .map_err(|problem| ReadConfigError::Malformed { path: path.to_owned(), problem })
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// [`YamlError`] when the text is not a mapping.
    pub fn parse(text: &str) -> Result<RawConfig, YamlError> {
        Ok(RawConfig { entries: yaml::read_mapping(text)? })
    }

    /// The scalar under `key`; absent, blank and structured values are `None`. The last of several wins.
    pub fn text(&self, key: &str) -> Option<&str> {
        let (_, value) = self.entries.iter().rev().find(|(name, _)| name == key)?;
        match value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Structure => None,
        }
    }

    /// Whether `key` is blank or `false`, which is how the shipped files write what is not wanted.
    pub fn asks_for_nothing(&self, key: &str) -> bool {
        let last = self.entries.iter().rev().find(|(name, _)| name == key);
        match last {
            None | Some((_, Value::Null)) => true,
            Some((_, Value::Text(text))) => text == "false",
            Some((_, Value::Structure)) => false,
        }
    }

    /// Every key of the file, in file order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }
}

/// The path to use when the command line names none.
pub fn default_path() -> PathBuf {
    let [preferred, fallback] = DEFAULT_PATHS.map(PathBuf::from);
    if preferred.is_file() { preferred } else { fallback }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("codedeployagent.yml");
        let refused = || RawConfig::read(&path).expect_err("refused").to_string();
        let shown = path.display();
        assert_eq!(refused(), format!("The config file {shown} does not exist or is not readable"));
        for text in ["verbose: [\n", "- verbose\n"] {
            std::fs::write(&path, text).expect("write");
            let expected = format!(
                "An error occurred loading the CodeDeploy agent config file at {shown}. Error message: "
            );
            let found = refused();
            assert!(found.strip_prefix(&expected).is_some_and(|problem| !problem.is_empty()), "{found}");
        }
    }
}
