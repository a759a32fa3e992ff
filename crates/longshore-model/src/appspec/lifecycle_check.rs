//! The check of hook names against the events of a deployment, made at Install. Source: agent.md §6.7.

use super::AppSpec;

/// The events that a deployment has by default, in order. Source: agent.md §9.6.
pub const DEFAULT_EVENTS: [&str; 11] = [
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

/// The hooks and the deployment's events do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleCheckError {
    /// A hook for an event that the deployment does not have.
    #[error("{file_name} file contains unknown lifecycle events: {events:?}")]
    Unknown {
        /// The AppSpec's name.
        file_name: String,
        /// In the order of the file.
        events: Vec<String>,
    },
    /// A custom event without hook.
    #[error(
        "You specified a lifecycle event which is not a default one and doesn't exist in your {file_name} file: {}",
        events.join(",")
    )]
    WithoutHook {
        /// The AppSpec's name.
        file_name: String,
        /// In the order of the deployment.
        events: Vec<String>,
    },
}

impl AppSpec {
    /// Compares the hooks with all events that the deployment can have.
    /// The agent's own mapping holds default events only, each to itself, apart from the two that run no hooks.
    ///
    /// # Errors
    /// The names that do not fit.
    pub fn check_lifecycle_events(
        &self,
        file_name: &str,
        all_possible: &[String],
    ) -> Result<(), LifecycleCheckError> {
        let is_hook = |event: &str| self.hooks.iter().any(|hook| hook.event == event);
        let mapped =
            DEFAULT_EVENTS.into_iter().filter(|event| !matches!(*event, "DownloadBundle" | "Install"));
        let named = self.hooks.iter().map(|hook| hook.event.as_str());
        let mut unknown: Vec<String> = Vec::new();
        for event in named.chain(mapped) {
            if !all_possible.iter().any(|possible| possible == event)
                && !unknown.iter().any(|seen| seen == event)
            {
                unknown.push(event.to_owned());
            }
        }
        if !unknown.is_empty() {
            return Err(LifecycleCheckError::Unknown { file_name: file_name.to_owned(), events: unknown });
        }
        let is_custom = |event: &&String| !DEFAULT_EVENTS.contains(&event.as_str());
        let without_hook: Vec<String> =
            all_possible.iter().filter(is_custom).filter(|event| !is_hook(event)).cloned().collect();
        if !without_hook.is_empty() {
            return Err(LifecycleCheckError::WithoutHook {
                file_name: file_name.to_owned(),
                events: without_hook,
            });
        }
        Ok(())
    }
}
