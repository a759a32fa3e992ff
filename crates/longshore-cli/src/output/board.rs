//! The board: one deployment drawn with a row per host, its lifecycle events as columns, a bar and
//! the counts. Pure: a state and a moment in, lines out.

use longshore_model::deployment::DeploymentStatus;
use longshore_model::lifecycle::LifecycleEventName;
use longshore_model::target::TargetStatus;
use longshore_model::time::Timestamp;

use super::line::{Line, Tone, duration_text};
use crate::progress::{Counts, EventStatus, HostProgress, Progress};

/// Columns of the bar, brackets not counted.
const BAR_COLUMNS: usize = 28;
/// Longer host names are cut, so that the columns stay aligned and fit 80 columns.
const MAX_NAME_COLUMNS: usize = 20;

/// The whole board. At most `max_rows` hosts are shown, those that matter most; the rest is counted.
pub(crate) fn board(progress: &Progress, now: Timestamp, max_rows: usize) -> Vec<Line> {
    let mut lines = vec![title(progress)];
    if progress.hosts.is_empty() {
        lines.push(Line::of(Tone::Faint, "choosing hosts"));
    } else {
        let rows = chosen_rows(&progress.hosts, max_rows);
        let name_columns = rows.iter().map(|host| host.name.chars().count()).max().unwrap_or(0);
        let name_columns = name_columns.min(MAX_NAME_COLUMNS);
        lines.push(header(&progress.hosts[0], name_columns));
        lines.extend(rows.iter().map(|host| row(host, name_columns, now)));
        let n_hidden = progress.hosts.len() - rows.len();
        if n_hidden > 0 {
            lines.push(Line::of(Tone::Faint, format!("and {n_hidden} more hosts")));
        }
    }
    lines.push(bar(progress, now));
    lines
}

fn title(progress: &Progress) -> Line {
    Line::of(Tone::Strong, format!("Deployment {}", progress.id))
        .then(Tone::Plain, format!("  {} to {}, {}", progress.application, progress.group, progress.config))
}

/// Failed hosts first, then those in progress, then the others; each in scheduling order, and in
/// that order altogether when all fit, so that rows do not jump about.
fn chosen_rows(hosts: &[HostProgress], max_rows: usize) -> Vec<&HostProgress> {
    if hosts.len() <= max_rows {
        return hosts.iter().collect();
    }
    let mut chosen: Vec<&HostProgress> = hosts.iter().collect();
    chosen.sort_by_key(|host| match host.status {
        TargetStatus::Failed => 0,
        TargetStatus::InProgress => 1,
        TargetStatus::Pending => 2,
        TargetStatus::Succeeded | TargetStatus::Skipped => 3,
    });
    chosen.truncate(max_rows);
    chosen
}

/// A column's heading: the event's name, shortened where that leaves it clear.
fn heading(name: LifecycleEventName) -> &'static str {
    match name {
        LifecycleEventName::ApplicationStop => "Stop",
        LifecycleEventName::DownloadBundle => "Download",
        LifecycleEventName::BeforeInstall => "Before",
        LifecycleEventName::AfterInstall => "After",
        LifecycleEventName::ApplicationStart => "Start",
        LifecycleEventName::ValidateService => "Validate",
        LifecycleEventName::Install
        | LifecycleEventName::BeforeBlockTraffic
        | LifecycleEventName::BlockTraffic
        | LifecycleEventName::AfterBlockTraffic
        | LifecycleEventName::BeforeAllowTraffic
        | LifecycleEventName::AllowTraffic
        | LifecycleEventName::AfterAllowTraffic => name.as_str(),
    }
}

fn header(host: &HostProgress, name_columns: usize) -> Line {
    let headings: Vec<&str> = host.events.iter().map(|event| heading(event.name)).collect();
    Line::of(Tone::Faint, format!("{:name_columns$}  {}", "", headings.join("  ")))
}

fn row(host: &HostProgress, name_columns: usize, now: Timestamp) -> Line {
    let name: String = host.name.chars().take(name_columns).collect();
    let mut line = Line::of(Tone::Strong, format!("{name:name_columns$}"));
    for event in &host.events {
        let (mark, tone) = mark(event.status);
        line = line.then(tone, format!("  {mark:^width$}", width = heading(event.name).len()));
    }
    let elapsed = host.elapsed(now).map(|elapsed| format!(" {}", duration_text(elapsed))).unwrap_or_default();
    let (text, tone) = match host.status {
        TargetStatus::Pending => ("Pending", Tone::Faint),
        TargetStatus::InProgress => ("InProgress", Tone::Busy),
        TargetStatus::Succeeded => ("Succeeded", Tone::Good),
        TargetStatus::Failed => ("Failed", Tone::Bad),
        TargetStatus::Skipped => ("Skipped", Tone::Faint),
    };
    line.then(tone, format!("  {text}")).then(Tone::Faint, elapsed)
}

/// Marks differ in shape, not in colour only.
fn mark(status: EventStatus) -> (&'static str, Tone) {
    match status {
        EventStatus::Pending => ("·", Tone::Faint),
        EventStatus::InProgress => ("▶", Tone::Busy),
        EventStatus::Succeeded => ("✓", Tone::Good),
        EventStatus::Failed => ("✗", Tone::Bad),
        EventStatus::Skipped => ("-", Tone::Faint),
    }
}

fn bar(progress: &Progress, now: Timestamp) -> Line {
    let counts = progress.counts();
    let n_ended = counts.n_succeeded + counts.n_failed + counts.n_skipped;
    let share = |n: usize| (n * BAR_COLUMNS).checked_div(progress.hosts.len()).unwrap_or(0);
    let n_good = share(counts.n_succeeded);
    let n_bad = share(n_ended) - n_good;
    Line::plain("[")
        .then(Tone::Good, "█".repeat(n_good))
        .then(Tone::Bad, "▒".repeat(n_bad))
        .then(Tone::Faint, "░".repeat(BAR_COLUMNS - n_good - n_bad))
        .then(Tone::Plain, format!("] {n_ended}/{} hosts  ", progress.hosts.len()))
        .then(status_tone(progress.status), progress.status_text(now))
        .then(Tone::Plain, format!("  {}  ", counts_text(counts)))
        .then(Tone::Faint, duration_text(progress.elapsed(now)))
}

/// The tone of a deployment's status.
pub(crate) fn status_tone(status: DeploymentStatus) -> Tone {
    match status {
        DeploymentStatus::Created | DeploymentStatus::Queued => Tone::Faint,
        DeploymentStatus::InProgress | DeploymentStatus::Baking => Tone::Busy,
        DeploymentStatus::Succeeded => Tone::Good,
        DeploymentStatus::Failed | DeploymentStatus::Stopped => Tone::Bad,
    }
}

/// `2 succeeded, 1 in progress`: only what there is.
pub(crate) fn counts_text(counts: Counts) -> String {
    let parts = [
        (counts.n_succeeded, "succeeded"),
        (counts.n_in_progress, "in progress"),
        (counts.n_failed, "failed"),
        (counts.n_skipped, "skipped"),
        (counts.n_pending, "pending"),
    ];
    let shown: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if shown.is_empty() { String::from("no hosts yet") } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::line::Palette;
    use super::*;
    use crate::progress::notation::progress;

    fn drawn(progress: &Progress, max_rows: usize) -> String {
        let now = Timestamp::from_millis(4200);
        let lines = board(progress, now, max_rows);
        lines.iter().map(|line| line.render(Palette::Mono, Some(110)) + "\n").collect()
    }

    #[test]
    fn a_row_per_host_and_a_mark_per_event() {
        let progress = progress(DeploymentStatus::InProgress, "web-1:SSSSSSS web-2:SS>.... web-3:.......");
        let expected = "\
Deployment d-A1B2C3D4E  storefront to production, CodeDeployDefault.OneAtATime
       Stop  Download  Before  Install  After  Start  Validate
web-1   ✓       ✓        ✓        ✓       ✓      ✓       ✓      Succeeded 7.0 s
web-2   ✓       ✓        ▶        ·       ·      ·       ·      InProgress 4.2 s
web-3   ·       ·        ·        ·       ·      ·       ·      Pending
[█████████░░░░░░░░░░░░░░░░░░░] 1/3 hosts  InProgress  1 succeeded, 1 in progress, 1 pending  4.2 s
";
        assert_eq!(drawn(&progress, 10), expected);
    }

    #[test]
    fn a_wait_between_zones_tells_how_long_it_still_takes() {
        let mut progress = progress(DeploymentStatus::Baking, "web-1:SSSSSSS web-2:.......");
        assert!(drawn(&progress, 10).contains("1/2 hosts  Baking  1 succeeded"));
        progress.waits_until = Some(Timestamp::from_millis(94_200));
        assert!(drawn(&progress, 10).contains("1/2 hosts  Baking, next zone in 1 min 30 s  1 succeeded"));
        // The next look will see what follows.
        progress.waits_until = Some(Timestamp::from_millis(4200));
        assert!(drawn(&progress, 10).contains("1/2 hosts  Baking  1 succeeded"));
    }

    #[test]
    fn a_deployment_that_has_no_hosts_yet_says_so() {
        let progress = progress(DeploymentStatus::Created, "");
        assert!(drawn(&progress, 10).contains("choosing hosts\n"));
        assert!(drawn(&progress, 10).contains("0/0 hosts  Created  no hosts yet"));
    }

    #[test]
    fn in_a_large_fleet_failures_are_never_the_hidden_rows() {
        let progress = progress(
            DeploymentStatus::InProgress,
            "a:SSSSSSS b:....... c:>...... d:SFKKKKK e:....... f:SSSSSSS",
        );
        let drawn = drawn(&progress, 3);
        let names: Vec<&str> = drawn.lines().skip(2).take(3).map(|line| &line[..1]).collect();
        assert_eq!(names, ["d", "c", "b"]);
        assert!(drawn.contains("and 3 more hosts\n"));
    }
}
