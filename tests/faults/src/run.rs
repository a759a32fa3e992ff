//! A run from start to verdict.

use std::collections::{BTreeMap, HashMap};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_journey::{program, wait_for};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::api::Api;
use crate::application::{APPLICATION, BUCKET, destination, revisions};
use crate::audit::{Evidence, HostEvidence, cause};
use crate::deployer::{Told, deploy_on_and_on};
use crate::faults::{Draw, KINDS};
use crate::group::{EVERYONE, GROUPS};
use crate::host::Host;
use crate::record::Deployment;
use crate::say;
use crate::settings::Settings;
use crate::watch::{Watched, watch};
use crate::world::{World, now_seconds};

/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(20);
/// From this length on a run has faults of every kind: the deck is gone through once, at least.
const LONG_ENOUGH: Duration = Duration::from_secs(60);
/// How long all may take to end once nothing breaks any more: some clocks, and agents that wait after
/// failed polls.
const END: Duration = Duration::from_secs(420);

/// Makes faults while deployments go on, waits for their end, and answers everything that is not as
/// promised.
///
/// # Panics
/// When something cannot be started, or does not end.
pub fn run(settings: Settings) -> Vec<String> {
    let Settings { seed, faults_for, .. } = settings;
    say(&format!(
        "seed {seed}, {} s: LONGSHORE_FAULTS_SEED={seed} asks for the same faults",
        faults_for.as_secs()
    ));
    let mut folder = tempfile::Builder::new().prefix("longshore-faults-").tempdir().expect("a folder");
    if settings.keeps {
        folder.disable_cleanup(true);
        say(&format!("logs and files stay in {}", folder.path().display()));
    } else {
        longshore_journey::guard::remove_at_the_end(folder.path());
    }
    let runtime = Runtime::new().expect("a runtime");
    let mut world = World::start(&runtime, folder.path());
    let (told, watched) = (Arc::<Told>::default(), Arc::<Watched>::default());
    for (idx, group) in GROUPS.into_iter().enumerate() {
        let seed = seed.wrapping_add(1 + idx as u64);
        runtime.spawn(deploy_on_and_on(group, world.apis.clone(), seed, Arc::clone(&told)));
    }
    let watching = watch(world.apis.clone(), GROUPS.to_vec(), Arc::clone(&watched));
    let watching = runtime.spawn(watching);

    let counts = break_things(&mut world, settings);
    told.end();
    let ended = end_of_faults(&mut world);
    wait_until_all_ended(&runtime, &world.apis[0]);
    wait_until_all_polled(&world, ended);
    let last = deploy_to_everyone(&runtime, &world.apis[1], &told);
    watched.end();
    runtime.block_on(watching).expect("the watcher ends");

    let evidence = gather(&runtime, &world, told.ids());
    let (went_backwards, n_looks) = watched.result();
    report(&evidence, &counts, n_looks, seed);
    if settings.keeps {
        list_failures(&evidence);
        world.fleet.hosts.iter().for_each(Host::keep_logs);
    }
    let mut violations = evidence.violations();
    violations.extend(went_backwards);
    violations.extend(told.refusals());
    violations.extend(disagreements(&runtime, &world, &evidence));
    violations.extend(everyone_succeeded(&evidence, &last));
    if LONG_ENOUGH <= settings.faults_for {
        violations.extend(left_out(&counts, &world));
    }
    violations
}

/// Breaks and repairs; answers how often what was broken.
fn break_things(world: &mut World, settings: Settings) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&str, usize> = KINDS.iter().map(|kind| (*kind, 0)).collect();
    let mut draw = Draw {
        chance: StdRng::seed_from_u64(settings.seed),
        n_hosts: world.fleet.hosts.len(),
        networks: world.fleet.networks.clone(),
        disks: world.fleet.disks.clone(),
        deck: Vec::new(),
    };
    let over = Instant::now() + settings.faults_for;
    let mut next = Instant::now() + draw.pause();
    while Instant::now() < over {
        if next <= Instant::now() {
            let (fault, lasts) = draw.fault();
            if world.inflict(fault, lasts).unwrap_or_else(|error| panic!("{fault:?}: {error}")) {
                *counts.entry(fault.kind()).or_default() += 1;
            }
            next = Instant::now() + draw.pause();
        }
        world.tick().unwrap_or_else(|error| panic!("{error}"));
        std::thread::sleep(TICK);
    }
    counts
}

/// A run that leaves out a kind of fault tests less than it says. Without root there are no networks and
/// disks to break, which is said at the beginning; where CI runs there are.
fn left_out(counts: &BTreeMap<&'static str, usize>, world: &World) -> Vec<String> {
    let is_ci = std::env::var_os("CI").is_some();
    let can_be = |kind: &str| match kind {
        "network cut" => is_ci || !world.fleet.networks.is_empty(),
        "disk filled" => is_ci || !world.fleet.disks.is_empty(),
        _ => true,
    };
    let never = counts.iter().filter(|(kind, times)| **times == 0 && can_be(kind));
    never.map(|(kind, _)| format!("of the faults one never happened: {kind}")).collect()
}

/// Repairs all. Answers when nothing was broken any more, in seconds since the epoch.
fn end_of_faults(world: &mut World) -> f64 {
    world.hurry();
    wait_for("both servers", longshore_journey::PATIENCE, || {
        world.tick().unwrap_or_else(|error| panic!("{error}"));
        world.is_whole().then_some(())
    });
    now_seconds()
}

fn wait_until_all_ended(runtime: &Runtime, api: &Api) {
    wait_for("the deployments' end", END, || {
        let ids =
            runtime.block_on(api.list(json!({"includeOnlyStatuses": ["Created", "Queued", "InProgress"]})));
        // A server that finds its database again may refuse a call or two.
        ids.is_ok_and(|ids| ids.is_empty()).then_some(())
    });
}

/// Waits until each host has been heard of since `then`: an agent waits up to a minute and a half after
/// failed polls.
fn wait_until_all_polled(world: &World, then: f64) {
    wait_for("all hosts' polls", END, || {
        let mut command = Command::new(program("longshore"));
        let output =
            command.args(["hosts", "--output", "json"]).envs(world.env()).output().expect("longshore runs");
        let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
        let hosts = answer["hosts"].as_array()?;
        let all = hosts.iter().all(|host| host["lastPollTime"].as_f64().is_some_and(|time| then < time));
        (all && hosts.len() == world.fleet.hosts.len()).then_some(())
    });
}

fn deploy_to_everyone(runtime: &Runtime, api: &Api, told: &Told) -> String {
    let revision = &revisions(EVERYONE.name)[0];
    let deploy = api.deploy(APPLICATION, EVERYONE.name, BUCKET, revision);
    let id = runtime.block_on(deploy).expect("nothing is broken any more");
    told.add(id.clone());
    wait_until_all_ended(runtime, api);
    id
}

fn gather(runtime: &Runtime, world: &World, told: Vec<String>) -> Evidence {
    let deployments = all_deployments(runtime, &world.apis[0]);
    let groups = GROUPS.iter().chain([&EVERYONE]);
    let hosts = world.fleet.hosts.iter().enumerate().map(|(idx, host)| {
        let groups = groups.clone().filter(|group| group.has(idx));
        let files = groups.map(|group| (group.name.to_owned(), host.files(&destination(group.name))));
        HostEvidence { name: host.name.clone(), notes: host.notes(), files: files.collect() }
    });
    Evidence {
        deployments,
        told,
        hosts: hosts.collect(),
        strikes: world.strikes.clone(),
        groups: groups.map(|group| (group.name.to_owned(), (group.n_hosts(), group.capacity()))).collect(),
    }
}

/// As this server tells of them, oldest first.
fn all_deployments(runtime: &Runtime, api: &Api) -> Vec<Deployment> {
    let all = async {
        let mut found = Vec::new();
        for id in api.list(json!({})).await? {
            found.extend(api.deployment(&id).await?);
        }
        found.sort_by(|a, b| a.created_at.total_cmp(&b.created_at));
        Ok::<_, longshore_wire::client::CallError>(found)
    };
    runtime.block_on(all).expect("nothing is broken any more")
}

fn disagreements(runtime: &Runtime, world: &World, evidence: &Evidence) -> Vec<String> {
    let other = all_deployments(runtime, &world.apis[1]);
    if other == evidence.deployments {
        return Vec::new();
    }
    let ids = |all: &[Deployment]| all.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    let (ours, theirs) = (ids(&evidence.deployments), ids(&other));
    let differ = evidence.deployments.iter().zip(&other).find(|(one, two)| one != two);
    vec![format!("the servers disagree: {ours:?}, {theirs:?}, first {differ:?}")]
}

fn everyone_succeeded(evidence: &Evidence, id: &str) -> Vec<String> {
    let last = evidence.deployments.iter().find(|deployment| deployment.id == id);
    let targets = last.map(|last| last.targets.as_slice()).unwrap_or_default();
    let failed = targets.iter().filter(|target| target.status != "Succeeded");
    let mut found: Vec<String> = failed
        .map(|target| {
            format!("without faults {id} is {} on {}: {:?}", target.status, target.host, cause(target))
        })
        .collect();
    if last.is_none_or(|last| last.status != "Succeeded" || targets.len() != EVERYONE.n_hosts()) {
        found.push(format!("without faults {id} is {last:?}"));
    }
    found
}

fn report(evidence: &Evidence, faults: &BTreeMap<&str, usize>, n_looks: usize, seed: u64) {
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    let mut targets: BTreeMap<&str, usize> = BTreeMap::new();
    let mut causes: HashMap<String, usize> = HashMap::new();
    for deployment in &evidence.deployments {
        let creator = if deployment.creator == "codeDeployRollback" { " rollback" } else { "" };
        *statuses.entry(format!("{}{creator}", deployment.status)).or_default() += 1;
        for target in &deployment.targets {
            *targets.entry(&target.status).or_default() += 1;
            if let Some((_, message)) = cause(target) {
                *causes.entry(without_names(message)).or_default() += 1;
            }
        }
    }
    let n_scripts: usize = evidence.hosts.iter().map(|host| host.notes.len()).sum();
    say(&format!("seed {seed}: {} faults: {faults:?}", faults.values().sum::<usize>()));
    say(&format!("seed {seed}: {} deployments: {statuses:?}", evidence.deployments.len()));
    say(&format!(
        "seed {seed}: targets: {targets:?}, {n_scripts} scripts ran, {n_looks} looks at deployments"
    ));
    let mut causes: Vec<(String, usize)> = causes.into_iter().collect();
    causes.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    for (message, times) in causes {
        say(&format!("seed {seed}: {times} hosts failed: {message}"));
    }
}

/// The beginning of a message without the names of deployments and files, so that equal causes are one.
fn without_names(message: &str) -> String {
    let words = message
        .split(' ')
        .map(|word| if word.starts_with(['/', '`']) || word.starts_with("d-") { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(110).collect()
}

/// For whoever reads the logs: where and when.
fn list_failures(evidence: &Evidence) {
    for deployment in &evidence.deployments {
        for target in deployment.targets.iter().filter(|target| target.status == "Failed") {
            let names = target.events.iter().filter(|event| event.status == "Failed");
            let names: Vec<_> = names.map(|event| (&event.name, event.started_at)).collect();
            say(&format!("{} ({}) {} {names:?}", deployment.id, deployment.group, target.host));
        }
    }
}
