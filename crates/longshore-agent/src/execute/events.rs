//! What a command asks for, and which lifecycle events it runs. Source: agent.md §1.6, §9.6.

use std::collections::HashMap;

use longshore_model::appspec::DEFAULT_EVENTS;

/// What a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind<'a> {
    /// Fetch and unpack the revision.
    DownloadBundle,
    /// Put its files in place.
    Install,
    /// Run the scripts of these events, in this order, up to the first that fails.
    Hooks(&'a [String]),
    /// Something this agent does not know.
    Unknown,
}

/// Which events the hook commands run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookMapping {
    events_of_command: HashMap<String, Vec<String>>,
}

impl HookMapping {
    /// The daemon's: nine events, each a command of its own. The service does the traffic itself.
    pub fn of_service() -> HookMapping {
        HookMapping::of_events(&[])
    }

    /// The default events and `more`, each a command of its own; a person may name events of his own.
    pub fn of_events(more: &[String]) -> HookMapping {
        let names = DEFAULT_EVENTS.into_iter().chain(more.iter().map(String::as_str));
        let hooks = names.filter(|name| !matches!(*name, "DownloadBundle" | "Install"));
        HookMapping::new(hooks.map(|name| (name.to_owned(), vec![name.to_owned()])))
    }

    /// Any commands with the events of each.
    pub fn new(commands: impl IntoIterator<Item = (String, Vec<String>)>) -> HookMapping {
        HookMapping { events_of_command: commands.into_iter().collect() }
    }

    /// The kind of the command called `name`.
    pub fn kind(&self, name: &str) -> CommandKind<'_> {
        match name {
            "DownloadBundle" => CommandKind::DownloadBundle,
            "Install" => CommandKind::Install,
            _ => match self.events_of_command.get(name) {
                Some(events) => CommandKind::Hooks(events),
                None => CommandKind::Unknown,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_model::lifecycle::LifecycleEventName;

    use super::*;

    #[track_caller]
    fn check(mapping: &HookMapping, name: &str, expected: &str) {
        let shown = match mapping.kind(name) {
            CommandKind::Hooks(events) => events.join("+"),
            kind => format!("{kind:?}"),
        };
        assert_eq!(shown, expected, "{name}");
    }

    /// Source: service.md §6.1.
    #[test]
    fn nine_events_are_hooks_and_traffic_is_not_for_the_agent() {
        let mapping = HookMapping::of_service();
        check(&mapping, "DownloadBundle", "DownloadBundle");
        check(&mapping, "Install", "Install");
        check(&mapping, "ValidateService", "ValidateService");
        check(&mapping, "BlockTraffic", "Unknown");
        check(&mapping, "AllowTraffic", "Unknown");
        check(&mapping, "UpdateDeploymentAgent", "Unknown");
        check(&mapping, "installed", "Unknown");
        let is_hook =
            |event: &LifecycleEventName| matches!(mapping.kind(event.as_str()), CommandKind::Hooks(_));
        assert_eq!(LifecycleEventName::ALL.into_iter().filter(is_hook).count(), 9);
    }

    #[test]
    fn a_person_may_add_events_but_not_take_over_the_two_deeds() {
        let mapping = HookMapping::of_events(&["WarmCaches".to_owned(), "Install".to_owned()]);
        check(&mapping, "WarmCaches", "WarmCaches");
        check(&mapping, "Install", "Install");
        check(&mapping, "AfterInstall", "AfterInstall");
    }
}
