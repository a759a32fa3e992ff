//! Where a deployment's time went: per host, and along the path that decided how long it took. Pure.

use std::collections::HashMap;
use std::time::Duration;

use longshore_model::lifecycle::LifecycleEventName;
use longshore_model::time::Timestamp;
use longshore_wire::timeline::ScriptTimeInfo;

use super::{HostProgress, Progress};

/// Where one host's time went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostTime {
    /// The host.
    pub(crate) name: String,
    /// When it was let begin.
    pub(crate) begin: Timestamp,
    /// When its last event ended.
    pub(crate) end: Timestamp,
    /// From when an event was due until the agent took it, all events together.
    pub(crate) waiting: Duration,
    /// How long each event took that took any time, in run order.
    pub(crate) events: Vec<(LifecycleEventName, Duration)>,
    /// How long each script took, in run order, as far as the host says.
    pub(crate) scripts: Vec<ScriptSpan>,
}

/// How long one script of an event took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptSpan {
    /// The event whose hook lists it.
    pub(crate) event: LifecycleEventName,
    /// As the AppSpec names it.
    pub(crate) location: String,
    /// How long.
    pub(crate) took: Duration,
}

/// The scripts of each host, by name. What a later server says about events that are not known here is left out.
pub(crate) fn scripts_by_host(infos: Vec<ScriptTimeInfo>) -> HashMap<String, Vec<ScriptSpan>> {
    let mut by_host: HashMap<String, Vec<ScriptSpan>> = HashMap::new();
    for ScriptTimeInfo { host, event, location, seconds } in infos {
        let Some(event) = LifecycleEventName::from_name(&event) else { continue };
        let Ok(took) = Duration::try_from_secs_f64(seconds) else { continue };
        by_host.entry(host).or_default().push(ScriptSpan { event, location, took });
    }
    by_host
}

impl HostTime {
    /// From its begin to its end.
    pub(crate) fn total(&self) -> Duration {
        self.end.since(self.begin)
    }
}

/// The times of all hosts that have begun, in scheduling order. `begun` is when each was let begin; of a
/// host that is not in it, the first event's begin counts. `scripts` are those of [`scripts_by_host`].
pub(crate) fn host_times(
    progress: &Progress,
    begun: &HashMap<String, Timestamp>,
    mut scripts: HashMap<String, Vec<ScriptSpan>>,
) -> Vec<HostTime> {
    let time = |host: &HostProgress| {
        let scripts = scripts.remove(&host.name).unwrap_or_default();
        Some(HostTime { scripts, ..host_time(host, begun.get(&host.name).copied())? })
    };
    progress.hosts.iter().filter_map(time).collect()
}

fn host_time(host: &HostProgress, begun: Option<Timestamp>) -> Option<HostTime> {
    let first = host.events.iter().find_map(|event| event.started_at.or(event.ended_at));
    let begin = begun.or(first)?;
    let mut due = begin;
    let mut waiting = Duration::ZERO;
    let mut events = Vec::new();
    for event in &host.events {
        let Some(started_at) = event.started_at.or(event.ended_at) else { continue };
        waiting += started_at.since(due);
        due = event.ended_at.unwrap_or(started_at);
        let took = due.since(started_at);
        if !took.is_zero() {
            events.push((event.name, took));
        }
    }
    Some(HostTime { name: host.name.clone(), begin, end: due, waiting, events, scripts: Vec::new() })
}

/// The hosts that decided how long it took, first to last: each could begin because the one before it
/// ended, and the last one ended last. Places in `times`.
pub(crate) fn critical_path(times: &[HostTime]) -> Vec<usize> {
    let Some(mut last) = (0..times.len()).max_by_key(|idx| (times[*idx].end, std::cmp::Reverse(*idx))) else {
        return Vec::new();
    };
    let mut path = vec![last];
    // Each step goes to a host that ended no later than this one began, so it comes to an end.
    loop {
        let begin = times[last].begin;
        let before = (0..times.len())
            .filter(|idx| times[*idx].end <= begin && times[*idx].begin < begin)
            .max_by_key(|idx| (times[*idx].end, std::cmp::Reverse(*idx)));
        let Some(before) = before else { break };
        path.push(before);
        last = before;
    }
    path.reverse();
    path
}

/// Where the time along a path went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathTime {
    /// Until the agents took what was due.
    pub(crate) waiting: Duration,
    /// From the end of a host to the beginning of the next one.
    pub(crate) between: Duration,
    /// Each event, all hosts together, in the order in which the first of them ran it.
    pub(crate) events: Vec<(LifecycleEventName, Duration)>,
}

/// Adds up the hosts of `path`, which are places in `times`.
pub(crate) fn along(times: &[HostTime], path: &[usize]) -> PathTime {
    let hosts: Vec<&HostTime> = path.iter().filter_map(|idx| times.get(*idx)).collect();
    let mut sum = PathTime {
        waiting: hosts.iter().map(|host| host.waiting).sum(),
        between: hosts.windows(2).map(|pair| pair[1].begin.since(pair[0].end)).sum(),
        events: Vec::new(),
    };
    for (event, took) in hosts.iter().flat_map(|host| &host.events) {
        match sum.events.iter_mut().find(|(known, _)| known == event) {
            Some((_, all)) => *all += *took,
            None => sum.events.push((*event, *took)),
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::{EventProgress, EventStatus};
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    fn host(name: &str, events: &[(i64, i64)]) -> HostProgress {
        let events = LifecycleEventName::ALL
            .into_iter()
            .zip(events)
            .map(|(name, (started, ended))| EventProgress {
                name,
                status: EventStatus::Succeeded,
                started_at: Some(at(*started)),
                ended_at: Some(at(*ended)),
                diagnostics: None,
            })
            .collect();
        HostProgress {
            name: name.to_owned(),
            status: longshore_model::target::TargetStatus::Succeeded,
            events,
        }
    }

    #[test]
    fn waiting_and_running_add_up() {
        let begun = Some(at(10));
        let time = host_time(&host("a", &[(12, 12), (13, 20), (20, 25)]), begun).expect("it began");
        assert_eq!(time.waiting, Duration::from_secs(3));
        let took: Vec<u64> = time.events.iter().map(|(_, took)| took.as_secs()).collect();
        assert_eq!((took, time.total()), (vec![7, 5], Duration::from_secs(15)));
        assert_eq!(host_time(&host("b", &[]), None), None);
    }

    #[test]
    fn scripts_go_to_the_host_and_event_they_are_of() {
        let info = |host: &str, event: &str, location: &str, seconds: f64| ScriptTimeInfo {
            host: host.to_owned(),
            event: event.to_owned(),
            location: location.to_owned(),
            seconds,
        };
        let by_host = scripts_by_host(vec![
            info("a", "AfterInstall", "one", 1.5),
            info("b", "AfterInstall", "one", 2.0),
            info("a", "AfterInstall", "two", 0.0),
            info("a", "Tomorrow", "three", 1.0),
            info("a", "AfterInstall", "four", -1.0),
        ]);
        let shown = |host: &str| {
            let spans = by_host[host].iter();
            spans
                .map(|span| format!("{:?} {} {:?}", span.event, span.location, span.took))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown("a"), ["AfterInstall one 1.5s", "AfterInstall two 0ns"]);
        assert_eq!(shown("b"), ["AfterInstall one 2s"]);
    }

    #[test]
    fn the_time_along_a_path_adds_up() {
        let hosts = [host("a", &[(11, 13), (13, 14)]), host("b", &[(20, 23)]), host("c", &[(0, 90)])];
        let begins = [10, 16, 0];
        let times: Vec<HostTime> =
            hosts.iter().zip(begins).filter_map(|(host, begin)| host_time(host, Some(at(begin)))).collect();
        let sum = along(&times, &[0, 1]);
        assert_eq!((sum.waiting.as_secs(), sum.between.as_secs()), (1 + 4, 2));
        let took: Vec<u64> = sum.events.iter().map(|(_, took)| took.as_secs()).collect();
        assert_eq!(took, [2 + 3, 1]);
        let all = sum.waiting + sum.between + sum.events.iter().map(|(_, took)| *took).sum::<Duration>();
        assert_eq!(all, times[1].end.since(times[0].begin));
        assert_eq!(along(&times, &[]), PathTime::default());
    }

    #[track_caller]
    fn check_path(spans: &[(i64, i64)], expected: &[usize]) {
        let times: Vec<HostTime> = spans
            .iter()
            .map(|(begin, end)| HostTime {
                name: String::new(),
                begin: at(*begin),
                end: at(*end),
                waiting: Duration::ZERO,
                events: Vec::new(),
                scripts: Vec::new(),
            })
            .collect();
        assert_eq!(critical_path(&times), expected, "{spans:?}");
    }

    #[test]
    fn the_path_goes_back_from_the_last_to_end() {
        check_path(&[], &[]);
        check_path(&[(0, 5)], &[0]);
        check_path(&[(0, 5), (5, 9), (9, 20)], &[0, 1, 2]);
        check_path(&[(0, 9), (0, 5), (5, 8), (9, 30), (8, 12)], &[0, 3]);
        check_path(&[(0, 9), (0, 3)], &[0]);
        check_path(&[(0, 0), (0, 0)], &[0]);
    }
}
