//! The auditor: holds what the service says against what happened on the hosts, and both against what
//! is promised. Pure.

use std::collections::{HashMap, HashSet};

use crate::application::{BROKEN, SCRIPTED, files};
use crate::record::{Deployment, FINAL, Target, target_rank};

/// What is said of a host whose agent did not take a command in time. Source: service.md §8.
const STAYED_AWAY: &str = "was not able to receive the lifecycle event";

/// How long a fault may be felt after it began, in seconds: the longest one, and an agent's pauses.
const AFTERMATH: f64 = 60.0;

/// What was found when all was over.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// All deployments, in the order in which they were created.
    pub(crate) deployments: Vec<Deployment>,
    /// The ids that callers were given.
    pub(crate) told: Vec<String>,
    pub(crate) hosts: Vec<HostEvidence>,
    /// The faults that hosts of their own had: which host, and when, in seconds since the epoch.
    pub(crate) strikes: Vec<(String, f64)>,
    /// How many hosts there are in a group, and how many of them may be in work or failed at a time.
    pub(crate) groups: HashMap<String, (usize, usize)>,
}

/// What is on a host.
#[derive(Debug, Default)]
pub(crate) struct HostEvidence {
    pub(crate) name: String,
    /// `<deployment> <event> <revisions whose files it saw>`, a line for each script that ran.
    pub(crate) notes: Vec<String>,
    /// The files of each group.
    pub(crate) files: HashMap<String, Vec<(String, Vec<u8>)>>,
}

impl Evidence {
    /// Everything that is not as promised, in words.
    pub(crate) fn violations(&self) -> Vec<String> {
        let told = self.told.iter().filter_map(|id| {
            let is_there = self.deployments.iter().any(|deployment| deployment.id == *id);
            (!is_there).then(|| format!("{id} was answered and is not there"))
        });
        let each = self.deployments.iter().flat_map(|deployment| {
            let (n_hosts, capacity) = self.groups.get(&deployment.group).copied().unwrap_or_default();
            [
                ends(deployment),
                causes(deployment),
                self.excuses(deployment),
                verdict(deployment, n_hosts, capacity),
                health(deployment, capacity),
            ]
        });
        let hosts = self.hosts.iter().flat_map(|host| [self.scripts(host), self.content(host)]);
        told.chain(each.flatten()).chain(self.one_at_a_time()).chain(hosts.flatten()).collect()
    }

    /// What fails has a reason that we know of: a script that does, or a fault of the host's own. The
    /// servers' and the database's are no reason, but for agents that stay away after failed polls.
    fn excuses(&self, deployment: &Deployment) -> Vec<String> {
        let mut found = Vec::new();
        for target in deployment.targets.iter().filter(|target| target.status == "Failed") {
            let failed = target.events.iter().find(|event| event.status == "Failed");
            let name = failed.map_or("", |event| event.name.as_str());
            let is_of_script = deployment.revision.ends_with(BROKEN) && name == "ApplicationStart";
            let stayed_away = failed.is_some_and(|event| event.started_at.is_none())
                && cause(target).is_some_and(|(_, message)| message.contains(STAYED_AWAY));
            let since = deployment.created_at - AFTERMATH;
            let is_struck = self
                .strikes
                .iter()
                .any(|(host, at)| *host == target.host && since <= *at && *at <= target.updated_at);
            if !is_of_script && !stayed_away && !is_struck {
                let (id, host, cause) = (&deployment.id, &target.host, cause(target));
                found.push(format!("{id} failed on {host} in {name} though nothing struck it: {cause:?}"));
            }
        }
        found
    }

    /// No event of a deployment began before the group's one before had ended.
    fn one_at_a_time(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut last: HashMap<&str, &Deployment> = HashMap::new();
        for deployment in &self.deployments {
            let before = last.insert(&deployment.group, deployment);
            let Some((before, ended_at)) = before.and_then(|before| Some((before, before.completed_at?)))
            else {
                continue;
            };
            let starts = deployment.targets.iter().filter_map(started_at);
            if starts.fold(f64::INFINITY, f64::min) < ended_at {
                found.push(format!("{} began before {} had ended", deployment.id, before.id));
            }
        }
        found
    }

    /// No script of a command ran twice, none without its command, and all that the service says ran.
    fn scripts(&self, host: &HostEvidence) -> Vec<String> {
        let mut found = Vec::new();
        let mut ran: HashMap<(&str, &str), usize> = HashMap::new();
        for note in &host.notes {
            let mut words = note.split_whitespace();
            let (Some(id), Some(event)) = (words.next(), words.next()) else {
                found.push(format!("{}: {note:?} is no note", host.name));
                continue;
            };
            *ran.entry((id, event)).or_default() += 1;
            let seen: Vec<&str> = words.collect();
            let revision = self.deployments.iter().find(|deployment| deployment.id == id);
            let revision = revision.map_or("", |deployment| deployment.revision.as_str());
            if matches!(event, "AfterInstall" | "ValidateService") && seen != [revision] {
                found.push(format!("{}: {event} of {id} ({revision}) saw files of {seen:?}", host.name));
            }
        }
        for ((id, event), times) in &ran {
            if 1 < *times {
                found.push(format!("{}: {event} of {id} ran {times} times", host.name));
            }
        }
        for deployment in &self.deployments {
            let target = deployment.targets.iter().find(|target| target.host == host.name);
            let mut known = HashSet::new();
            for event in target.into_iter().flat_map(|target| &target.events) {
                known.insert(event.name.as_str());
                let times = ran.get(&(&deployment.id, &event.name)).copied().unwrap_or(0);
                // The first revision of a host has no script to stop what was before it.
                let must_run = SCRIPTED[1..].contains(&event.name.as_str()) && event.status == "Succeeded";
                let may_run = event.started_at.is_some();
                if (must_run && times == 0) || (!may_run && 0 < times) {
                    let (id, name, status) = (&deployment.id, &event.name, &event.status);
                    found.push(format!("{}: {name} of {id} is {status}, and ran {times} times", host.name));
                }
            }
            let unknown = ran.keys().filter(|(id, event)| *id == deployment.id && !known.contains(event));
            found.extend(unknown.map(|(id, event)| format!("{}: {event} of {id} ran unasked", host.name)));
        }
        found
    }

    /// What is there is one revision, whole: the one that was installed last, or, where an Install
    /// failed, that or the one before.
    fn content(&self, host: &HostEvidence) -> Vec<String> {
        let mut found = Vec::new();
        for (group, there) in &host.files {
            let mut allowed: Vec<Option<&str>> = vec![None];
            for deployment in self.deployments.iter().filter(|deployment| deployment.group == *group) {
                let target = deployment.targets.iter().find(|target| target.host == host.name);
                let Some(install) = target.and_then(|target| target.event("Install")) else { continue };
                if install.status == "Succeeded" {
                    allowed.clear();
                }
                if install.started_at.is_some() {
                    allowed.push(Some(&deployment.revision));
                }
            }
            let is_whole = |revision: &Option<&str>| revision.map(files).unwrap_or_default() == *there;
            if !allowed.iter().any(is_whole) {
                found.push(format!(
                    "{}: the files of {group} are {}, and should be of one of {allowed:?}",
                    host.name,
                    summary(there)
                ));
            }
        }
        found
    }
}

/// A deployment is final, and so are its targets.
fn ends(deployment: &Deployment) -> Vec<String> {
    let id = &deployment.id;
    let mut found = Vec::new();
    if !deployment.is_final() {
        found.push(format!("{id} is {}", deployment.status));
    }
    for target in deployment.targets.iter().filter(|target| target_rank(&target.status) != FINAL) {
        found.push(format!("{id} is {} with {} {}", deployment.status, target.host, target.status));
    }
    found
}

/// What failed has a cause.
fn causes(deployment: &Deployment) -> Vec<String> {
    let id = &deployment.id;
    let mut found = Vec::new();
    if deployment.status == "Failed" && deployment.error_code.is_none() {
        found.push(format!("{id} failed without an error"));
    }
    for target in deployment.targets.iter().filter(|target| target.status == "Failed") {
        if cause(target).is_none_or(|(code, message)| code.is_empty() || message.is_empty()) {
            found.push(format!("{id} failed on {} without a cause", target.host));
        }
    }
    found
}

/// The code and message of the event that failed a target.
pub(crate) fn cause(target: &Target) -> Option<&(String, String)> {
    target.events.iter().filter(|event| event.status == "Failed").find_map(|event| event.diagnostics.as_ref())
}

/// A deployment has succeeded if, and only if, enough hosts have. Source: service.md §4.2, rules 7 and 8.
fn verdict(deployment: &Deployment, n_hosts: usize, capacity: usize) -> Vec<String> {
    let count = |status: &str| deployment.targets.iter().filter(|target| target.status == status).count();
    let (id, n_succeeded) = (&deployment.id, count("Succeeded"));
    let mut found = Vec::new();
    if deployment.targets.len() != n_hosts {
        found.push(format!("{id} has {} targets, and its group {n_hosts} hosts", deployment.targets.len()));
    }
    let is_enough = (n_hosts - capacity).max(1) <= n_succeeded;
    if is_enough != (deployment.status == "Succeeded") {
        let (status, n_failed) = (&deployment.status, count("Failed"));
        found.push(format!("{id} is {status} with {n_succeeded} succeeded and {n_failed} failed hosts"));
    }
    found
}

/// Never were more hosts in work or failed than may be.
fn health(deployment: &Deployment, capacity: usize) -> Vec<String> {
    // Those that ended leave before others come: a place that is free is taken in the same round.
    let mut changes: Vec<(f64, i32)> = Vec::new();
    for target in &deployment.targets {
        let Some(began) = started_at(target) else {
            // It failed before anything was heard of it: known since that moment.
            changes.extend((target.status == "Failed").then_some((target.updated_at, 1)));
            continue;
        };
        changes.push((began, 1));
        if target.status == "Succeeded" {
            let ended = target.events.iter().filter_map(|event| event.ended_at).fold(began, f64::max);
            changes.push((ended, -1));
        }
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut now, mut most) = (0_i32, 0_i32);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    let is_kept = usize::try_from(most).is_ok_and(|most| most <= capacity);
    let text = format!("{} had {most} hosts in work or failed, and may have {capacity}", deployment.id);
    if is_kept { Vec::new() } else { vec![text] }
}

fn started_at(target: &Target) -> Option<f64> {
    target.events.iter().filter_map(|event| event.started_at).min_by(f64::total_cmp)
}

/// Which revisions' lines the files have, for a reader.
fn summary(files: &[(String, Vec<u8>)]) -> String {
    let shown = files.iter().map(|(name, bytes)| {
        let text = String::from_utf8_lossy(bytes);
        format!("{name}: {} bytes of {:?}", bytes.len(), text.lines().next().unwrap_or_default())
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { String::from("none") } else { shown.join(", ") }
}

#[cfg(test)]
mod tests;
