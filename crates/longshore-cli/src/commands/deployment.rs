//! `longshore deployment`: one deployment, as it is or as it went.

use std::collections::HashMap;
use std::time::Duration;

use longshore_model::lifecycle::LifecycleEventName;
use longshore_model::time::Timestamp;
use longshore_wire::timeline::TimelineEntryInfo;
use serde::Serialize;

use super::watch::{Known, deployment_id, look};
use super::{Outcome, status};
use crate::args::Global;
use crate::output::Output;
use crate::output::columns::columns;
use crate::output::line::{Line, Tone, duration_text, printable};
use crate::progress::Progress;
use crate::progress::spent::{
    HostTime, PathTime, ScriptSpan, along, critical_path, host_times, scripts_by_host,
};
use crate::service::Service;
use crate::settings;

/// Show a deployment: as it is now, or with --timeline how it went and where its time went
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  longshore deployment d-A1B2C3D4E
  longshore deployment d-A1B2C3D4E --timeline
  longshore deployment d-A1B2C3D4E --timeline --output json | jq -r '.entries[] | select(.kind==\"decision\") | .text'

The timeline has every change of the deployment and its hosts, and every decision with its reason: how many
hosts begin, and who waits until others have ended. Below it stands where the time went: waiting until the
agent took an event, and each event, with each of its scripts where there are several; then the hosts that
decided how long the whole took, and what that was spent on.

With --output json and --timeline: {\"entries\":[{\"time\",\"host\",\"kind\",\"status\",\"text\"}],
\"hosts\":[{\"name\",\"seconds\",\"waitingSeconds\",\"events\":{event: seconds},
\"scripts\":[{\"event\",\"location\",\"seconds\"}]}],\"criticalPath\":[name],
\"criticalPathSeconds\":{\"waiting\",\"between\",\"events\":{event: seconds}}}.")]
pub(crate) struct Args {
    /// The deployment's id
    #[arg(value_name = "ID")]
    id: String,
    /// What happened, when and why, and where the time went
    #[arg(long)]
    timeline: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    entries: &'a [TimelineEntryInfo],
    hosts: Vec<HostDocument<'a>>,
    critical_path: Vec<&'a str>,
    critical_path_seconds: PathDocument,
}

#[derive(Serialize)]
struct PathDocument {
    waiting: f64,
    between: f64,
    events: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HostDocument<'a> {
    name: &'a str,
    seconds: f64,
    waiting_seconds: f64,
    events: serde_json::Map<String, serde_json::Value>,
    scripts: Vec<ScriptDocument<'a>>,
}

#[derive(Serialize)]
struct ScriptDocument<'a> {
    event: &'a str,
    location: &'a str,
    seconds: f64,
}

/// What takes less is shown as nothing: mostly there is no script for the event.
const SHOWN_FROM: Duration = Duration::from_millis(50);

/// Shows it.
pub(crate) async fn run(args: &Args, global: &Global, output: Output) -> anyhow::Result<Outcome> {
    if !args.timeline {
        return status::run(&status::Args::of(&args.id), global, output).await;
    }
    let id = deployment_id(&args.id)?;
    let service = Service::new(settings::connection(global)?)?;
    let entries = service.timeline(&id).await?;
    let progress = look(&service, &id, &mut Known::default()).await?;
    let scripts = scripts_by_host(service.script_times(&id).await?);
    let times = host_times(&progress, &begun(&entries), scripts);
    let path = critical_path(&times);
    output.lines(&entry_lines(&entries))?;
    output.lines(&time_lines(&times, &path, &progress))?;
    output.json(&Document {
        entries: &entries,
        hosts: times.iter().map(host_document).collect(),
        critical_path: path.iter().map(|idx| times[*idx].name.as_str()).collect(),
        critical_path_seconds: path_document(&along(&times, &path)),
    })?;
    Ok(Outcome::Done)
}

/// When each host was let begin.
fn begun(entries: &[TimelineEntryInfo]) -> HashMap<String, Timestamp> {
    let begins = entries.iter().filter(|entry| entry.status.as_deref() == Some("InProgress"));
    begins.filter_map(|entry| Some((entry.host.clone()?, entry.time.into()))).collect()
}

type Took = (LifecycleEventName, Duration);

fn event_seconds(events: &[Took]) -> serde_json::Map<String, serde_json::Value> {
    events.iter().map(|(event, took)| (event.as_str().to_owned(), took.as_secs_f64().into())).collect()
}

fn path_document(time: &PathTime) -> PathDocument {
    PathDocument {
        waiting: time.waiting.as_secs_f64(),
        between: time.between.as_secs_f64(),
        events: event_seconds(&time.events),
    }
}

fn host_document(time: &HostTime) -> HostDocument<'_> {
    HostDocument {
        name: &time.name,
        seconds: time.total().as_secs_f64(),
        waiting_seconds: time.waiting.as_secs_f64(),
        events: event_seconds(&time.events),
        scripts: time.scripts.iter().map(script_document).collect(),
    }
}

fn script_document(script: &ScriptSpan) -> ScriptDocument<'_> {
    ScriptDocument {
        event: script.event.as_str(),
        location: &script.location,
        seconds: script.took.as_secs_f64(),
    }
}

/// `+0.3 s  web-1  Succeeded`, the time since the deployment was made.
fn entry_lines(entries: &[TimelineEntryInfo]) -> Vec<Line> {
    let Some(first) = entries.first().map(|entry| Timestamp::from(entry.time)) else { return Vec::new() };
    let ages: Vec<String> = entries
        .iter()
        .map(|entry| format!("+{}", duration_text(Timestamp::from(entry.time).since(first))))
        .collect();
    let host = |entry: &TimelineEntryInfo| entry.host.clone().unwrap_or_default();
    let age_width = ages.iter().map(|age| age.chars().count()).max().unwrap_or_default();
    let host_width = entries.iter().map(|entry| host(entry).chars().count()).max().unwrap_or_default();
    ages.iter()
        .zip(entries)
        .map(|(age, entry)| {
            Line::of(Tone::Faint, format!("{age:>age_width$}  "))
                .then(Tone::Strong, format!("{:host_width$}  ", host(entry)))
                .then(tone(entry), printable(&entry.text))
        })
        .collect()
}

fn tone(entry: &TimelineEntryInfo) -> Tone {
    match entry.status.as_deref() {
        Some("Succeeded") => Tone::Good,
        Some("Failed" | "Stopped") => Tone::Bad,
        Some(_) => Tone::Plain,
        None => Tone::Faint,
    }
}

/// A table of where each host's time went, and the hosts that decided how long it took.
fn time_lines(times: &[HostTime], path: &[usize], progress: &Progress) -> Vec<Line> {
    if times.is_empty() {
        return Vec::new();
    }
    let rows: Vec<[String; 6]> = times.iter().map(row).collect();
    let mut lines = vec![Line::new()];
    lines.extend(columns(["HOST", "TOOK", "WAITING", "DOWNLOAD", "INSTALL", "SCRIPTS"], &rows));
    let names: Vec<String> = path
        .iter()
        .map(|idx| format!("{} ({})", times[*idx].name, duration_text(times[*idx].total())))
        .collect();
    if let (Some(first), Some(last)) = (path.first(), path.last()) {
        let took = times[*last].end.since(times[*first].begin);
        let whole = progress.created_at.map(|created_at| times[*last].end.since(created_at));
        let whole = whole.map(|whole| format!(" of {}", duration_text(whole))).unwrap_or_default();
        lines.push(Line::new());
        lines.push(
            Line::of(Tone::Strong, "What took the time: ")
                .then(Tone::Plain, names.join(", then "))
                .then(Tone::Faint, format!(" = {}{whole}", duration_text(took))),
        );
        lines.push(Line::of(Tone::Faint, format!("  spent on: {}", path_text(&along(times, path)))));
    }
    lines
}

/// `waiting 0.2 s, Install 3 s, AfterInstall 7 s, between hosts 0.1 s`.
fn path_text(time: &PathTime) -> String {
    let mut parts = vec![format!("waiting {}", duration_text(time.waiting))];
    let long = time.events.iter().filter(|(_, took)| SHOWN_FROM <= *took);
    parts.extend(long.map(|(event, took)| format!("{} {}", event.as_str(), duration_text(*took))));
    if SHOWN_FROM <= time.between {
        parts.push(format!("between hosts {}", duration_text(time.between)));
    }
    parts.join(", ")
}

fn row(time: &HostTime) -> [String; 6] {
    let of = |wanted: LifecycleEventName| {
        let took: Duration =
            time.events.iter().filter(|(event, _)| *event == wanted).map(|(_, took)| *took).sum();
        if took.is_zero() { String::from("-") } else { duration_text(took) }
    };
    let is_script = |event: LifecycleEventName| {
        !matches!(event, LifecycleEventName::DownloadBundle | LifecycleEventName::Install)
    };
    let scripts: Vec<String> = time
        .events
        .iter()
        .filter(|(event, took)| is_script(*event) && SHOWN_FROM <= *took)
        .map(|(event, took)| {
            let scripts = scripts_text(&time.scripts, *event);
            format!("{} {}{scripts}", event.as_str(), duration_text(*took))
        })
        .collect();
    [
        time.name.clone(),
        duration_text(time.total()),
        duration_text(time.waiting),
        of(LifecycleEventName::DownloadBundle),
        of(LifecycleEventName::Install),
        if scripts.is_empty() { String::from("-") } else { scripts.join(", ") },
    ]
}

/// ` (s/migrate.sh 5.0 s, s/warm.sh 2.0 s)` when the event has several scripts; one is the event itself.
fn scripts_text(scripts: &[ScriptSpan], event: LifecycleEventName) -> String {
    let parts: Vec<String> = scripts
        .iter()
        .filter(|script| script.event == event)
        .map(|script| format!("{} {}", printable(&script.location), duration_text(script.took)))
        .collect();
    if parts.len() < 2 { String::new() } else { format!(" ({})", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        events: &[(LifecycleEventName, u64)],
        scripts: &[(LifecycleEventName, &str, u64)],
        expected: &str,
    ) {
        let scripts = scripts.iter().map(|(event, location, ms)| ScriptSpan {
            event: *event,
            location: (*location).to_owned(),
            took: Duration::from_millis(*ms),
        });
        let begin = Timestamp::from_millis(0);
        let time = HostTime {
            name: String::from("web-1"),
            begin,
            end: begin,
            waiting: Duration::ZERO,
            events: events.iter().map(|(event, ms)| (*event, Duration::from_millis(*ms))).collect(),
            scripts: scripts.collect(),
        };
        assert_eq!(row(&time)[5], expected);
    }

    #[test]
    fn an_event_with_several_scripts_shows_each() {
        use LifecycleEventName::{AfterInstall, BeforeInstall, Install};
        check(&[], &[], "-");
        check(&[(Install, 9000), (AfterInstall, 7100)], &[], "AfterInstall 7.1 s");
        check(&[(AfterInstall, 7100)], &[(AfterInstall, "s/a.sh", 7000)], "AfterInstall 7.1 s");
        check(
            &[(BeforeInstall, 1000), (AfterInstall, 12_100)],
            &[(BeforeInstall, "s/b.sh", 900), (AfterInstall, "s/a.sh", 12_000), (AfterInstall, "\x1b[1m", 0)],
            "BeforeInstall 1.0 s, AfterInstall 12 s (s/a.sh 12 s, \u{fffd}[1m 0.0 s)",
        );
        check(&[(AfterInstall, 20)], &[(AfterInstall, "a", 10), (AfterInstall, "b", 10)], "-");
    }
}
