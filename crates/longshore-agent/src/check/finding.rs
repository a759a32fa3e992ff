//! One line of the check.

use serde::Serialize;

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// As it must be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It must be mended.
    Error,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What it is about.
    pub(super) subject: &'static str,
    pub(super) level: Level,
    /// What is so.
    pub(super) detail: String,
    /// What mends it.
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(subject: &'static str, detail: impl Into<String>) -> Finding {
        Finding { subject, level: Level::Ok, detail: detail.into(), remedy: None }
    }

    pub(super) fn warning(
        subject: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { subject, level: Level::Warning, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn error(
        subject: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { subject, level: Level::Error, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        let line = format!("{level:<8} {:<16} {}", self.subject, self.detail);
        let remedy = self.remedy.iter().map(|remedy| format!("{:25} hint: {remedy}", ""));
        std::iter::once(line).chain(remedy).collect()
    }
}
