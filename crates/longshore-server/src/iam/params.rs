//! The parameters of an action, and the rules for their values.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::IamError;

/// The longest name of a user that is already there, of a policy, and so on.
pub(super) const MAX_NAME: usize = 128;
/// The longest name that a user or a role may be given.
pub(super) const MAX_NEW_NAME: usize = 64;
const MAX_PATH: usize = 512;
const MAX_DOCUMENT: usize = 131_072;
const MAX_MARKER: usize = 1024;
const MAX_ITEMS: usize = 1000;
const DEFAULT_ITEMS: usize = 100;

/// What was sent. Of a parameter that is there twice, the first counts.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn new(params: Vec<(String, String)>) -> Params {
        Params(params)
    }

    pub(super) fn action(&self) -> &str {
        self.find("Action").unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Refuses parameters that begin with `prefix`: ignoring them would leave out what was asked for.
    pub(super) fn refuse(&self, prefix: &str) -> Result<(), IamError> {
        match self.0.iter().find(|(name, _)| name.starts_with(prefix)) {
            Some((name, _)) => Err(IamError::UnsupportedParameter(name.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn name(&self, parameter: &'static str, max: usize) -> Result<String, IamError> {
        self.optional_name(parameter, max)?.ok_or_else(|| missing(parameter))
    }

    pub(super) fn optional_name(
        &self,
        parameter: &'static str,
        max: usize,
    ) -> Result<Option<String>, IamError> {
        let Some(value) = self.find(parameter) else { return Ok(None) };
        let is_name = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
        let rule = if !is_name {
            "Member must satisfy regular expression pattern: [\\w+=,.@-]+".to_owned()
        } else if value.is_empty() || value.len() > max {
            format!("Member must have a length of 1 to {max}")
        } else {
            return Ok(Some(value.to_owned()));
        };
        Err(invalid(parameter, value, rule))
    }

    /// A path such as `/` or `/AWS/CodeDeploy/`.
    pub(super) fn path(&self) -> Result<String, IamError> {
        let value = self.find("Path").unwrap_or("/");
        let is_path = value == "/"
            || (value.starts_with('/') && value.len() > 2 && value.ends_with('/') && is_printable(value));
        if is_path && value.len() <= MAX_PATH {
            return Ok(value.to_owned());
        }
        let rule = "Member must begin and end with / and hold at most 512 printable characters".to_owned();
        Err(invalid("Path", value, rule))
    }

    pub(super) fn path_prefix(&self) -> Result<String, IamError> {
        let value = self.find("PathPrefix").unwrap_or("/");
        if value.starts_with('/') && value.len() <= MAX_PATH && is_printable(value) {
            return Ok(value.to_owned());
        }
        let rule = "Member must begin with / and hold at most 512 printable characters".to_owned();
        Err(invalid("PathPrefix", value, rule))
    }

    pub(super) fn document(&self, parameter: &'static str) -> Result<String, IamError> {
        self.text(parameter, MAX_DOCUMENT)?
            .filter(|value| !value.is_empty())
            .ok_or_else(|| missing(parameter))
    }

    /// Any text of at most `max` characters.
    pub(super) fn text(&self, parameter: &'static str, max: usize) -> Result<Option<String>, IamError> {
        let Some(value) = self.find(parameter) else { return Ok(None) };
        let n_chars = value.chars().count();
        if n_chars > max {
            let rule = format!("Member must have a length of at most {max}");
            return Err(invalid(parameter, &format!("({n_chars} characters)"), rule));
        }
        Ok(Some(value.to_owned()))
    }

    /// A text that must be there.
    pub(super) fn required(&self, parameter: &'static str, max: usize) -> Result<String, IamError> {
        self.text(parameter, max)?.filter(|value| !value.is_empty()).ok_or_else(|| missing(parameter))
    }

    /// A whole number of seconds within `range`.
    pub(super) fn seconds(
        &self,
        parameter: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<Duration>, IamError> {
        let Some(value) = self.find(parameter) else { return Ok(None) };
        let secs = value.parse().ok().filter(|secs| range.contains(secs));
        let rule = || format!("Member must be a number of {} to {}", range.start(), range.end());
        secs.map(|secs| Some(Duration::from_secs(secs))).ok_or_else(|| invalid(parameter, value, rule()))
    }

    /// One of a few words.
    pub(super) fn one_of(&self, parameter: &'static str, words: &[&'static str]) -> Result<&str, IamError> {
        let value = self.find(parameter).ok_or_else(|| missing(parameter))?;
        if words.contains(&value) {
            return Ok(value);
        }
        let rule = format!("Member must satisfy enum value set: [{}]", words.join(", "));
        Err(invalid(parameter, value, rule))
    }

    pub(super) fn max_items(&self) -> Result<usize, IamError> {
        let Some(value) = self.find("MaxItems") else { return Ok(DEFAULT_ITEMS) };
        let count = value.parse().ok().filter(|count| (1..=MAX_ITEMS).contains(count));
        count
            .ok_or_else(|| invalid("MaxItems", value, format!("Member must be a number of 1 to {MAX_ITEMS}")))
    }

    /// The key of the last item of the page before.
    pub(super) fn marker(&self) -> Result<Option<String>, IamError> {
        match self.find("Marker") {
            Some(value) if value.is_empty() || value.len() > MAX_MARKER || !is_printable(value) => {
                Err(invalid("Marker", value, "Member must be the Marker of the page before".to_owned()))
            }
            marker @ (Some(_) | None) => Ok(marker.map(str::to_owned)),
        }
    }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn missing(parameter: &'static str) -> IamError {
    invalid(parameter, "null", "Member must not be null".to_owned())
}

pub(super) fn invalid(parameter: &'static str, value: &str, rule: String) -> IamError {
    IamError::Validation { parameter, value: value.chars().take(MAX_NAME).collect(), rule }
}
