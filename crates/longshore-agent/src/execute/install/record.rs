//! What an Install changes besides its switches, as its journal has it.

use longshore_model::appspec::{SelinuxContext, SelinuxRange};
use serde::{Deserialize, Serialize};

use super::in_place::Before;
use super::raw::Raw;

/// A change that undoing has to take back by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    /// Attributes of this file are about to change.
    Attributes(Before),
    /// A rule for this path is about to be added to the SELinux policy.
    Rule {
        /// Without links.
        path: Raw,
        /// The rule that the group's previous Install added for it.
        previous: Option<Rule>,
    },
    /// The rule of the last record was not added.
    RuleRefused,
}

/// A rule of the SELinux policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) user: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) range: Option<String>,
}

impl Rule {
    /// The rule as a context; `None` when its range is none.
    pub(super) fn context(&self) -> Option<SelinuxContext> {
        let range = self.range.as_deref().map(SelinuxRange::parse).transpose().ok()?;
        Some(SelinuxContext { user: self.user.clone(), role: None, kind: self.kind.clone(), range })
    }
}
