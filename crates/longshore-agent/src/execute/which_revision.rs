//! Whose AppSpec and scripts an event uses: this deployment's or an earlier one's. Source: agent.md §8.1.

use std::io;
use std::path::PathBuf;

use longshore_model::lifecycle::LifecycleEventName;
use longshore_wire::host_command::specification::Specification;

use crate::layout::{ARCHIVE, Layout, Pointer};

/// Where an event's revision is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The deployment itself.
    Current,
    /// A pointer file, while the deployment has no archive of its own yet.
    Pointer(Pointer),
}

/// The unpacked revision that `event` uses; `None` when there is none, which makes the event a no-op.
///
/// # Errors
/// When a pointer file is there and cannot be read.
pub(super) fn archive_dir(layout: &Layout, event: &str, spec: &Specification) -> io::Result<Option<PathBuf>> {
    let current = layout.deployment(&spec.deployment_group_id, &spec.deployment_id).join(ARCHIVE);
    let known = LifecycleEventName::from_name(event);
    // Events of a person's own are the deployment's.
    let source = known.map_or(Source::Current, |event| source(event, is_blue_green_rollback(spec)));
    let Source::Pointer(pointer) = source else {
        return Ok(Some(current));
    };
    if current.exists() {
        return Ok(Some(current));
    }
    let deployment_dir = layout.read_pointer(pointer, &spec.deployment_group_id)?;
    Ok(deployment_dir.map(|dir| dir.join(ARCHIVE)))
}

fn is_blue_green_rollback(spec: &Specification) -> bool {
    spec.deployment_creator == "codeDeployRollback" && spec.deployment_type == "BLUE_GREEN"
}

/// The table of §8.1.
fn source(event: LifecycleEventName, is_blue_green_rollback: bool) -> Source {
    use LifecycleEventName as E;
    let (normal, rollback) = match event {
        E::BeforeBlockTraffic | E::AfterBlockTraffic => {
            (Source::Pointer(Pointer::LastSuccessfulInstall), Source::Pointer(Pointer::MostRecentInstall))
        }
        E::ApplicationStop => {
            (Source::Pointer(Pointer::LastSuccessfulInstall), Source::Pointer(Pointer::LastSuccessfulInstall))
        }
        E::BeforeAllowTraffic | E::AfterAllowTraffic => {
            (Source::Current, Source::Pointer(Pointer::LastSuccessfulInstall))
        }
        E::BlockTraffic
        | E::DownloadBundle
        | E::BeforeInstall
        | E::Install
        | E::AfterInstall
        | E::ApplicationStart
        | E::ValidateService
        | E::AllowTraffic => (Source::Current, Source::Current),
    };
    if is_blue_green_rollback { rollback } else { normal }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::execute::test_specification as specification;

    /// Sets up which archives and pointers exist, then names the one chosen.
    #[track_caller]
    fn check(spec: &Specification, present: &str, event: LifecycleEventName, expected: &str) {
        let dir = tempfile::tempdir().expect("dir");
        let layout = Layout::new(dir.path(), "ongoing-deployment");
        let group = &spec.deployment_group_id;
        for item in present.split_whitespace() {
            let point = |pointer, name| {
                layout.write_pointer(pointer, group, &layout.deployment(group, name)).expect("pointer");
            };
            match item {
                "current" => {
                    let archive = layout.deployment(group, &spec.deployment_id).join(ARCHIVE);
                    std::fs::create_dir_all(archive).expect("archive");
                }
                "last" => point(Pointer::LastSuccessfulInstall, "d-LAST"),
                "recent" => point(Pointer::MostRecentInstall, "d-RECENT"),
                other => panic!("unknown item {other}"),
            }
        }
        let chosen = archive_dir(&layout, event.as_str(), spec).expect("readable");
        let chosen = chosen.map(|path| name_of_deployment(&path)).unwrap_or_else(|| "none".to_owned());
        assert_eq!(chosen, expected, "present: {present}, event: {event:?}");
    }

    fn name_of_deployment(archive: &Path) -> String {
        let deployment = archive.parent().and_then(Path::file_name).expect("a deployment directory");
        deployment.to_str().expect("text").to_owned()
    }

    /// Source: service.md §6.1.
    #[test]
    fn the_stop_side_uses_the_last_successful_revision() {
        use LifecycleEventName as E;
        let spec = specification("d-NOW", "user", "IN_PLACE");
        for event in [E::BeforeBlockTraffic, E::AfterBlockTraffic, E::ApplicationStop] {
            check(&spec, "last recent", event, "d-LAST");
            check(&spec, "recent", event, "none");
            check(&spec, "", event, "none");
        }
    }

    #[test]
    fn an_archive_of_the_deployment_itself_comes_first() {
        let spec = specification("d-NOW", "user", "IN_PLACE");
        check(&spec, "current last recent", LifecycleEventName::ApplicationStop, "d-NOW");
    }

    /// Source: service.md §6.1.
    #[test]
    fn the_start_side_uses_the_deployment_itself() {
        use LifecycleEventName as E;
        let spec = specification("d-NOW", "user", "IN_PLACE");
        let events = [
            E::BeforeInstall,
            E::AfterInstall,
            E::ApplicationStart,
            E::ValidateService,
            E::BeforeAllowTraffic,
            E::AfterAllowTraffic,
        ];
        for event in events {
            check(&spec, "last recent", event, "d-NOW");
        }
    }

    #[test]
    fn a_blue_green_rollback_looks_elsewhere() {
        use LifecycleEventName as E;
        let spec = specification("d-NOW", "codeDeployRollback", "BLUE_GREEN");
        check(&spec, "last recent", E::BeforeBlockTraffic, "d-RECENT");
        check(&spec, "last recent", E::AfterBlockTraffic, "d-RECENT");
        check(&spec, "last recent", E::ApplicationStop, "d-LAST");
        check(&spec, "last recent", E::BeforeAllowTraffic, "d-LAST");
        check(&spec, "last recent", E::AfterAllowTraffic, "d-LAST");
        check(&spec, "last recent", E::ApplicationStart, "d-NOW");
        let in_place = specification("d-NOW", "codeDeployRollback", "IN_PLACE");
        check(&in_place, "last recent", E::BeforeBlockTraffic, "d-LAST");
    }
}
