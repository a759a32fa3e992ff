//! What went wrong: the deployment's error, and per failed host the event, the script, the message
//! and the end of its output. Pure.

use longshore_model::lifecycle::LifecycleEventName;
use longshore_model::target::TargetStatus;

use super::line::{Line, Tone, printable};
use crate::progress::{Ending, HostProgress, Progress};

/// More different failures than these are counted: their output would hide the first ones'.
const MAX_FAILURES: usize = 10;
/// More hosts with one failure than these are counted.
const MAX_NAMES: usize = 8;
/// More lines of a log than these, the last, are left out; `--output json` has all.
const MAX_LOG_LINES: usize = 20;

/// The report of a deployment that did not succeed; empty for one without an error and failed hosts.
/// Hosts that failed alike are told of together.
pub(crate) fn failure_report(progress: &Progress) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(cause) = &progress.error {
        lines
            .push(Line::of(Tone::Bad, cause.code.as_str()).then(Tone::Plain, format!(": {}", cause.message)));
    }
    let failures = alike(progress);
    for hosts in failures.iter().take(MAX_FAILURES) {
        lines.extend(one_failure(hosts));
    }
    if failures.len() > MAX_FAILURES {
        let text = format!(
            "and {} more different failures: `longshore status {} --output json` has all",
            failures.len() - MAX_FAILURES,
            progress.id
        );
        lines.push(Line::of(Tone::Faint, text));
    }
    lines.extend(hints(progress).into_iter().map(|hint| Line::plain(format!("hint: {hint}"))));
    lines
}

/// What to do about the causes that have one usual remedy.
fn hints(progress: &Progress) -> Vec<&'static str> {
    let code = progress.error.as_ref().map_or("", |cause| cause.code.as_str());
    let messages: Vec<&str> = progress
        .hosts
        .iter()
        .filter_map(|host| Some(host.failed_event()?.diagnostics.as_ref()?.message.as_str()))
        .collect();
    let is_said = |text: &str| messages.iter().any(|message| message.contains(text));
    let known = [
        (
            code == "NO_INSTANCES",
            "no host has the deployment group's tags: `longshore hosts` lists hosts and tags",
        ),
        (
            is_said("already exists at this location"),
            "if the file may be replaced, deploy with --file-exists-behavior overwrite",
        ),
        (
            is_said("was not able to receive the lifecycle event"),
            "start the agent on that host: `longshore hosts` tells when each was last seen",
        ),
        (
            is_said("failed to close STD"),
            "a process that the script left behind holds its output open: redirect its stdin, stdout and stderr",
        ),
    ];
    known.into_iter().filter(|(is_cause, _)| *is_cause).map(|(_, hint)| hint).collect()
}

/// Failed hosts in groups of the same event, script and message, in scheduling order of each first.
fn alike(progress: &Progress) -> Vec<Vec<&HostProgress>> {
    let mut groups: Vec<Vec<&HostProgress>> = Vec::new();
    for host in progress.hosts.iter().filter(|host| host.status == TargetStatus::Failed) {
        match groups.iter_mut().find(|group| cause(group[0]) == cause(host)) {
            Some(group) => group.push(host),
            None => groups.push(vec![host]),
        }
    }
    groups
}

fn cause(host: &HostProgress) -> Option<(LifecycleEventName, Option<(&str, &str)>)> {
    let event = host.failed_event()?;
    let ending = event.diagnostics.as_ref();
    Some((event.name, ending.map(|ending| (ending.script.as_str(), ending.message.as_str()))))
}

fn one_failure(hosts: &[&HostProgress]) -> Vec<Line> {
    let mut names: Vec<&str> = hosts.iter().take(MAX_NAMES).map(|host| host.name.as_str()).collect();
    let more = format!("{} more", hosts.len().saturating_sub(MAX_NAMES));
    if hosts.len() > MAX_NAMES {
        names.push(&more);
    }
    let title = Line::of(Tone::Strong, names.join(", "));
    let Some(event) = hosts[0].failed_event() else {
        // Its last event may even have succeeded: the deployment ended before the next.
        return vec![title.then(Tone::Bad, "  ended before all its lifecycle events had run")];
    };
    let title = title.then(Tone::Bad, format!("  failed in {}", event.name.as_str()));
    let Some(ending) = &event.diagnostics else {
        return vec![title];
    };
    let script = if ending.script.is_empty() { String::new() } else { format!(", script {}", ending.script) };
    let mut lines = vec![title.then(Tone::Plain, format!("{script} ({})", ending.code))];
    if !ending.message.is_empty() {
        lines.push(Line::plain(format!("  {}", ending.message)));
    }
    if hosts.len() > 1 && !ending.log_tail.is_empty() {
        lines.push(Line::of(Tone::Faint, format!("  on {}:", hosts[0].name)));
    }
    lines.extend(log_lines(ending));
    lines
}

fn log_lines(ending: &Ending) -> Vec<Line> {
    let all: Vec<&str> = ending.log_tail.lines().collect();
    let n_left_out = all.len().saturating_sub(MAX_LOG_LINES);
    let shown =
        all.iter().skip(n_left_out).map(|line| Line::of(Tone::Faint, format!("  | {}", printable(line))));
    shown.collect()
}

#[cfg(test)]
mod tests {
    use longshore_model::deployment::DeploymentStatus;

    use super::super::line::Palette;
    use super::*;
    use crate::progress::Cause;
    use crate::progress::notation::progress;

    #[test]
    fn a_failure_names_host_event_script_message_and_log() {
        let mut progress = progress(DeploymentStatus::Failed, "web-1:SSSSSFK web-2:KKKKKKK");
        progress.error = Some(Cause {
            code: String::from("HEALTH_CONSTRAINTS"),
            message: String::from("too many individual instances failed deployment"),
        });
        let report: Vec<String> =
            failure_report(&progress).iter().map(|line| line.render(Palette::Mono, None)).collect();
        let expected = [
            "HEALTH_CONSTRAINTS: too many individual instances failed deployment",
            "web-1  failed in ApplicationStart, script scripts/start.sh (ScriptFailed)",
            "  Script at specified location: scripts/start.sh failed with exit code 1",
            "  | [stdout]starting",
            "  | [stderr]port 80 is taken",
        ];
        assert_eq!(report, expected);
    }

    #[test]
    fn hosts_that_failed_alike_are_told_of_together() {
        let progress = progress(DeploymentStatus::Failed, "a:SSSSSFK b:SFKKKKK c:SSSSSFK");
        let report: Vec<String> =
            failure_report(&progress).iter().map(|line| line.render(Palette::Mono, None)).collect();
        assert_eq!(report[0], "a, c  failed in ApplicationStart, script scripts/start.sh (ScriptFailed)");
        assert_eq!(report[2], "  on a:");
        assert_eq!(report[5], "b  failed in DownloadBundle, script scripts/start.sh (ScriptFailed)");
    }

    #[test]
    fn a_cause_with_a_usual_remedy_comes_with_it() {
        let mut progress = progress(DeploymentStatus::Failed, "");
        let code = String::from("NO_INSTANCES");
        progress.error = Some(Cause { code, message: String::from("no instances") });
        let last = failure_report(&progress).pop().expect("a hint");
        assert!(last.render(Palette::Mono, None).starts_with("hint: no host has"));
    }

    #[test]
    fn a_host_that_was_stopped_halfway_has_no_failed_event() {
        let mut progress = progress(DeploymentStatus::Stopped, "a:SSSKKKK");
        progress.hosts[0].status = TargetStatus::Failed;
        let report: Vec<String> =
            failure_report(&progress).iter().map(|line| line.render(Palette::Mono, None)).collect();
        assert_eq!(report, ["a  ended before all its lifecycle events had run"]);
    }

    #[test]
    fn a_success_has_nothing_to_report() {
        assert_eq!(failure_report(&progress(DeploymentStatus::Succeeded, "web-1:SSSSSSS")), []);
    }

    #[test]
    fn output_from_a_host_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\tc"), "a\u{fffd}[2Jb\tc");
    }
}
