//! Which events a local deployment runs, in which order. Source: agent.md §9.6.

use longshore_model::appspec::DEFAULT_EVENTS;

use super::invalid::InvalidRequest;

const DOWNLOAD_BUNDLE: &str = "DownloadBundle";
const INSTALL: &str = "Install";

/// What may not stand before a listed DownloadBundle. BeforeInstall and custom names are let through.
const AFTER_DOWNLOAD_BUNDLE: [&str; 6] = [
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
    "ValidateService",
];

/// Checks the order of the events that were listed.
pub(super) fn check_order(listed: &[String]) -> Result<(), InvalidRequest> {
    let is_before = |early: &dyn Fn(&str) -> bool, late: &str| match position(listed, late) {
        Some(place) => listed[..place].iter().any(|event| early(event)),
        None => false,
    };
    let needs_bundle = |event: &str| AFTER_DOWNLOAD_BUNDLE.contains(&event);
    if is_before(&needs_bundle, DOWNLOAD_BUNDLE) {
        return Err(InvalidRequest::BeforeDownloadBundle(listed.join(",")));
    }
    if is_before(&|event| event != INSTALL && needs_bundle(event), INSTALL) {
        return Err(InvalidRequest::BeforeInstall(listed.join(",")));
    }
    Ok(())
}

/// Checks the names: a capital letter with small letters or digits after it, at the beginning at least.
pub(super) fn check_names(listed: &[String]) -> Result<(), InvalidRequest> {
    let is_pascal_case = |name: &&String| {
        let mut characters = name.chars();
        characters.next().is_some_and(|first| first.is_ascii_uppercase())
            && characters.next().is_some_and(|second| second.is_ascii_lowercase() || second.is_ascii_digit())
    };
    match listed.iter().find(|name| !is_pascal_case(name)) {
        Some(name) => Err(InvalidRequest::NotPascalCase(name.clone())),
        None => Ok(()),
    }
}

/// The events to run: those listed, or the default ones, with DownloadBundle and Install in front when
/// they are missing. If Install then comes first, the two change places.
pub(super) fn in_order(listed: Option<&[String]>) -> Vec<String> {
    let Some(listed) = listed else { return DEFAULT_EVENTS.map(str::to_owned).to_vec() };
    let mut events: Vec<String> = [DOWNLOAD_BUNDLE, INSTALL]
        .into_iter()
        .filter(|event| position(listed, event).is_none())
        .map(str::to_owned)
        .collect();
    events.extend(listed.iter().cloned());
    if let (Some(download), Some(install)) = (position(&events, DOWNLOAD_BUNDLE), position(&events, INSTALL))
        && install < download
    {
        events.swap(install, download);
    }
    events
}

/// Every event that the AppSpec may have a hook for.
pub(super) fn all_possible(listed: &[String]) -> Vec<String> {
    let mut events = DEFAULT_EVENTS.map(str::to_owned).to_vec();
    for event in listed {
        if !events.contains(event) {
            events.push(event.clone());
        }
    }
    events
}

fn position(events: &[String], name: &str) -> Option<usize> {
    events.iter().position(|event| event == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(events: &str) -> Vec<String> {
        events.split(',').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(listed: &str, expected: &str) {
        let listed = list(listed);
        let shown = match check_order(&listed).and_then(|()| check_names(&listed)) {
            Ok(()) => in_order(Some(&listed)).join(","),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{listed:?}");
    }

    #[test]
    fn all_eleven_run_by_default() {
        let expected = "BeforeBlockTraffic,AfterBlockTraffic,ApplicationStop,DownloadBundle,BeforeInstall,\
                        Install,AfterInstall,ApplicationStart,ValidateService,BeforeAllowTraffic,\
                        AfterAllowTraffic";
        assert_eq!(in_order(None).join(","), expected);
    }

    #[test]
    fn the_two_deeds_are_put_in_front_when_they_are_missing() {
        check("BeforeInstall,ApplicationStart", "DownloadBundle,Install,BeforeInstall,ApplicationStart");
        check("DownloadBundle,Install", "DownloadBundle,Install");
        check(
            "DownloadBundle",
            "Install,DownloadBundle".split(',').rev().collect::<Vec<_>>().join(",").as_str(),
        );
        check("Install", "DownloadBundle,Install");
        check("ApplicationStop,Install", "DownloadBundle,ApplicationStop,Install");
        check("ApplicationStop,DownloadBundle", "DownloadBundle,ApplicationStop,Install");
        check("WarmCaches", "DownloadBundle,Install,WarmCaches");
        check(
            "ApplicationStop,DownloadBundle,BeforeInstall,Install",
            "ApplicationStop,DownloadBundle,BeforeInstall,Install",
        );
    }

    #[test]
    fn events_that_need_the_bundle_or_the_files_may_not_stand_before_them() {
        let before_download = |events: &str| {
            format!(
                "The only events that can be specified before DownloadBundle are BeforeBlockTraffic,AfterBlockTraffic,ApplicationStop. Please fix the order of your specified events: {events}"
            )
        };
        let before_install = |events: &str| {
            format!(
                "The only events that can be specified before Install are BeforeBlockTraffic,AfterBlockTraffic,ApplicationStop,DownloadBundle,BeforeInstall. Please fix the order of your specified events: {events}"
            )
        };
        for early in AFTER_DOWNLOAD_BUNDLE {
            let events = format!("{early},DownloadBundle");
            check(&events, &before_download(&events));
        }
        for early in AFTER_DOWNLOAD_BUNDLE.into_iter().filter(|event| *event != INSTALL) {
            let events = format!("{early},Install");
            check(&events, &before_install(&events));
        }
        check("Install,DownloadBundle", &before_download("Install,DownloadBundle"));
        check("BeforeInstall,DownloadBundle,Install", "BeforeInstall,DownloadBundle,Install");
        check("DownloadBundle,BeforeInstall,Install", "DownloadBundle,BeforeInstall,Install");
        check("WarmCaches,DownloadBundle,Install", "WarmCaches,DownloadBundle,Install");
    }

    #[test]
    fn names_begin_as_pascal_case_does() {
        for name in ["warmCaches", "WARM", "W", "1Warm", "", " Warm", "_Warm"] {
            check(name, &format!("Received command is not in PascalCase form: {name}"));
        }
        for name in ["Warm", "W1", "WarmCACHES", "WarmCaches2", "Warm-caches"] {
            check(name, &format!("DownloadBundle,Install,{name}"));
        }
    }

    #[test]
    fn an_appspec_may_have_hooks_for_the_default_events_and_the_listed_ones() {
        let events = all_possible(&list("WarmCaches,AfterInstall"));
        assert_eq!(events.len(), 12);
        assert_eq!(events.last().map(String::as_str), Some("WarmCaches"));
    }
}
