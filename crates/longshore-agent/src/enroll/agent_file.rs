//! The agent's configuration file: written when there is none, otherwise left alone but for the keys that
//! must have other values.

use crate::config::{InvalidConfig, RawConfig, Settings};

/// A key and the value that it must have.
pub(super) type Required = (&'static str, String);

/// Why no file can be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ComposeError {
    #[error("its text is laid out so that `{0}` cannot be set in it")]
    Layout(&'static str),
    #[error(transparent)]
    Yaml(#[from] crate::config::YamlError),
    #[error("the agent would not start with it")]
    Invalid(#[from] InvalidConfig),
}

/// A file's new text, and which keys of it were set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Composed {
    pub(super) text: String,
    pub(super) changed: Vec<&'static str>,
}

/// `existing` with `required`; `None` when it has all of it already.
pub(super) fn compose(
    existing: Option<&str>,
    required: &[Required],
) -> Result<Option<Composed>, ComposeError> {
    let before = RawConfig::parse(existing.unwrap_or_default())?;
    let has = |raw: &RawConfig, (key, value): &Required| raw.text(key).map(str::trim) == Some(value);
    let missing: Vec<&Required> = required.iter().filter(|pair| !has(&before, pair)).collect();
    if missing.is_empty() {
        Settings::from_raw(&before)?;
        return Ok(None);
    }
    let changed: Vec<&'static str> = missing.iter().map(|(key, _)| *key).collect();
    let mut text = existing.map_or_else(|| String::from("---\n"), |text| without(text, &changed));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for (key, value) in &missing {
        text.push_str(&format!("{key}: {}\n", scalar(value)));
    }
    // The text is what counts: it is read as the agent will read it.
    let after = RawConfig::parse(&text).map_err(|_| ComposeError::Layout(changed[0]))?;
    if let Some((key, _)) = required.iter().find(|pair| !has(&after, pair)) {
        return Err(ComposeError::Layout(key));
    }
    let is_other = |key: &&str| !changed.contains(key);
    if before.keys().filter(is_other).any(|key| before.text(key) != after.text(key)) {
        return Err(ComposeError::Layout(changed[0]));
    }
    Settings::from_raw(&after)?;
    Ok(Some(Composed { text, changed }))
}

/// `value` as AWS's agents, which tell texts from numbers, must find it.
fn scalar(value: &str) -> String {
    if value.parse::<bool>().is_ok() || value.parse::<u64>().is_ok() {
        return value.to_owned();
    }
    // In single quotes only the quote itself is special.
    format!("'{}'", value.replace('\'', "''"))
}

/// `text` without the lines that set one of `keys`.
fn without(text: &str, keys: &[&str]) -> String {
    let sets = |line: &str| {
        let name = line.strip_prefix(':').unwrap_or(line).split_once(':').map(|(name, _)| name);
        name.is_some_and(|name| keys.contains(&name))
    };
    text.split_inclusive('\n').filter(|line| !sets(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRS: &str = ":log_dir: /l\n:pid_dir: /p\n:root_dir: /r\n";

    /// `expected`: the whole text and the changed keys, or a part of the error.
    #[track_caller]
    fn check(existing: &str, required: &[(&'static str, &str)], expected: Result<(&str, &[&str]), &str>) {
        let required: Vec<Required> =
            required.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let existing = format!("{DIRS}{existing}");
        match (compose(Some(&existing), &required), expected) {
            (Ok(None), Ok((text, keys))) => assert!(text.is_empty() && keys.is_empty(), "{text}"),
            (Ok(Some(composed)), Ok((text, keys))) => {
                assert_eq!(composed.text, format!("{DIRS}{text}"));
                assert_eq!(composed.changed, keys);
            }
            (Err(error), Err(part)) => {
                let shown = crate::causes::with_causes(&error);
                assert!(shown.contains(part), "{shown}");
            }
            (composed, expected) => panic!("{composed:?}, not {expected:?}"),
        }
    }

    #[test]
    fn only_what_must_be_set_is_changed() {
        let required = [("deploy_control_endpoint", "http://s"), ("s3_force_path_style", "true")];
        let set = "deploy_control_endpoint: 'http://s'\ns3_force_path_style: true\n";
        let keys = ["deploy_control_endpoint", "s3_force_path_style"];
        check("", &required, Ok((set, &keys)));
        check("# mine\nverbose: true", &required, Ok((&format!("# mine\nverbose: true\n{set}"), &keys)));
        check(set, &required, Ok(("", &[])));
        check(
            ":deploy_control_endpoint: http://old\n:s3_force_path_style: true\n",
            &required,
            Ok((":s3_force_path_style: true\ndeploy_control_endpoint: 'http://s'\n", &keys[..1])),
        );
    }

    #[test]
    fn values_are_quoted() {
        let required = [("deployment_signer_ca_file", "/it's here/#1: signer.pem")];
        let set = "deployment_signer_ca_file: '/it''s here/#1: signer.pem'\n";
        check("", &required, Ok((set, &["deployment_signer_ca_file"])));
    }

    #[test]
    fn a_file_that_cannot_be_changed_safely_is_refused() {
        let required = [("deploy_control_endpoint", "http://s")];
        check("a: >\n  folded\n...\n", &required, Err("cannot be set in it"));
        check("max_revisions: 0\n", &required, Err("Invalid configuration :max_revision=0"));
        check("a: [1\n", &required, Err("at line"));
        let flow =
            compose(Some("{log_dir: /l, pid_dir: /p, root_dir: /r}"), &[("verbose", "true".to_owned())]);
        assert!(matches!(flow, Err(ComposeError::Layout("verbose"))), "{flow:?}");
    }

    #[test]
    fn without_a_file_one_is_written() {
        let dirs = ["log_dir", "pid_dir", "root_dir"].map(|key| (key, format!("/{key}")));
        let composed = compose(None, &dirs).expect("good").expect("new");
        assert_eq!(composed.text, "---\nlog_dir: '/log_dir'\npid_dir: '/pid_dir'\nroot_dir: '/root_dir'\n");
    }
}
