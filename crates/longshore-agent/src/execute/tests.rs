//! One command that runs several events. Source: agent.md §1.6, §11 "Hooks".

use std::fs;
use std::path::Path;

use longshore_model::revision::BundleType;
use longshore_wire::host_command::specification::{LocalBundleType, RevisionSource};

use super::caller::{Person, RunningScript};
use super::*;
use crate::config::RawConfig;
use crate::identity::{CredentialSource, Identity};
use crate::service::Outgoing;

/// An executor on its own root, whose command `Both` runs `One` and then `Two`, `Single` only `One`.
fn executor(root: &Path) -> Executor {
    let config = format!("log_dir: {0}\npid_dir: {0}\nroot_dir: {0}/root\n", root.display());
    let settings = Settings::from_raw(&RawConfig::parse(&config).expect("yaml")).expect("settings");
    let settings = Arc::new(settings);
    let layout = Layout::new(&settings.root_dir, "ongoing-deployment");
    let identity = Identity {
        host_identifier: String::new(),
        region: String::new(),
        domain: None,
        credentials: CredentialSource::fixed(String::new(), String::new()),
    };
    Executor {
        downloader: Downloader::new(
            Arc::clone(&settings),
            Arc::new(Outgoing::new(&settings).expect("outgoing")),
            Arc::new(identity),
        ),
        tracker: Tracker::new(&layout),
        settings,
        layout,
        host_identifier: String::new(),
        region: String::new(),
        mapping: HookMapping::new([
            ("Both".to_owned(), vec!["One".to_owned(), "Two".to_owned()]),
            ("Single".to_owned(), vec!["One".to_owned()]),
        ]),
        caller: Caller::Person(Person { on_wait: |_| (), running: RunningScript::default() }),
    }
}

/// Unpacks a revision with these hooks, then says what the command `Both` is, does and logs.
#[track_caller]
fn check(hooks: &str, expected: &str) {
    check_command("Both", hooks, expected);
}

#[track_caller]
fn check_command(command: &str, hooks: &str, expected: &str) {
    let dir = tempfile::tempdir().expect("dir");
    let executor = executor(dir.path());
    let mut spec = test_specification("d-NOW", "user", "IN_PLACE");
    let directory = LocalBundleType::Directory;
    spec.revision = RevisionSource::Local { location: "/".to_owned(), bundle_type: directory };
    let archive = executor.deployment_dir(&spec).join(ARCHIVE);
    fs::create_dir_all(&archive).expect("create");
    fs::write(archive.join("appspec.yml"), format!("version: 0.0\nos: linux\nhooks:\n{hooks}"))
        .expect("write");
    for (name, code) in [("good", 0), ("bad", 3)] {
        let text = format!("#!/bin/sh\necho {name} $LIFECYCLE_EVENT\nexit {code}\n");
        fs::write(archive.join(name), text).expect("write");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let is_noop = executor.is_noop(command, &spec).expect("readable");
    let total = executor.total_timeout(command, &spec).expect("readable").map(|total| total.as_secs());
    let ended = runtime.block_on(executor.execute(command, &spec));
    let log = ended.err().map(|failure| failure.report.log.replace('\n', ";")).unwrap_or_default();
    let ran = fs::read_to_string(executor.deployment_dir(&spec).join("logs/scripts.log")).unwrap_or_default();
    let ran: Vec<&str> = ran.lines().filter_map(|line| line.split("LifecycleEvent - ").nth(1)).collect();
    assert_eq!(
        format!("noop={is_noop} total={total:?} ran={} log={log}", ran.join(",")),
        expected,
        "{hooks}"
    );
}

#[test]
fn one_command_runs_its_events_in_order_up_to_the_first_that_fails() {
    check("", "noop=true total=None ran= log=");
    check("  One: []\n  Two: []\n", "noop=true total=None ran= log=");
    check("  One: [{location: good, timeout: 300}]\n", "noop=false total=None ran=One log=");
    check(
        "  Two: [{location: good}]\n  One: [{location: good, timeout: 300}, {location: good, timeout: 150}]\n",
        "noop=false total=Some(4050) ran=One,Two log=",
    );
    check(
        "  One: [{location: bad, timeout: 1}]\n  Two: [{location: good, timeout: 1}]\n",
        "noop=false total=Some(2) ran=One log=LifecycleEvent - One;Script - bad;[stdout]bad One;",
    );
    check(
        "  One: [{location: good, timeout: 1}]\n  Two: [{location: bad, timeout: 1}]\n",
        "noop=false total=Some(2) ran=One,Two log=LifecycleEvent - One;Script - good;[stdout]good One;\
         LifecycleEvent - Two;Script - bad;[stdout]bad Two;",
    );
}

#[test]
fn the_time_limits_of_an_events_scripts_are_added() {
    let single = |hooks: &str, expected: &str| check_command("Single", hooks, expected);
    single("  One: [{location: good, timeout: 300}]\n", "noop=false total=Some(300) ran=One log=");
    single(
        "  One: [{location: good, timeout: 300}, {location: good, timeout: 150}]\n",
        "noop=false total=Some(450) ran=One log=",
    );
    single(
        "  One: [{location: good, timeout: 300}, {location: good}]\n",
        "noop=false total=Some(3900) ran=One log=",
    );
}

/// agent.md §5.
#[test]
fn a_bundle_takes_the_place_of_what_was_there_and_the_deployment_is_pointed_at() {
    let dir = tempfile::tempdir().expect("dir");
    let executor = executor(dir.path());
    let mut spec = test_specification("d-NOW", "user", "IN_PLACE");
    let bundle = dir.path().join("bundle");
    fs::create_dir_all(&bundle).expect("create");
    fs::write(bundle.join("appspec.yml"), "version: 0.0\nos: linux\n").expect("write");
    let packed = dir.path().join("bundle.tar");
    let mut tar = tar::Builder::new(fs::File::create(&packed).expect("create"));
    tar.append_dir_all(".", &bundle).expect("packed");
    tar.into_inner().expect("packed");
    let location = packed.to_str().expect("text").to_owned();
    spec.revision =
        RevisionSource::Local { location, bundle_type: LocalBundleType::Archive(BundleType::Tar) };
    let deployment_dir = executor.deployment_dir(&spec);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    // The folder of the instructions is absent, then present.
    for _ in 0..2 {
        fs::create_dir_all(deployment_dir.join(ARCHIVE)).expect("create");
        fs::write(deployment_dir.join(ARCHIVE).join("stale"), "").expect("write");
        runtime.block_on(executor.execute("DownloadBundle", &spec)).expect("downloaded");
        let names: Vec<_> = fs::read_dir(deployment_dir.join(ARCHIVE))
            .expect("an archive")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["appspec.yml"]);
        let pointer = format!("{}_most_recent_install", spec.deployment_group_id);
        let pointed = fs::read_to_string(executor.layout.instructions().join(pointer)).expect("a pointer");
        assert_eq!(pointed, deployment_dir.to_str().expect("text"));
    }
}

#[test]
fn an_unknown_command_is_a_noop_without_a_timeout_but_for_a_self_update() {
    let dir = tempfile::tempdir().expect("dir");
    let executor = executor(dir.path());
    let spec = test_specification("d-NOW", "user", "IN_PLACE");
    for (name, is_noop) in [("Frobnicate", true), ("UpdateDeploymentAgent", false)] {
        assert_eq!(executor.is_noop(name, &spec).expect("nothing is read"), is_noop, "{name}");
        assert_eq!(executor.total_timeout(name, &spec).expect("nothing is read"), None, "{name}");
    }
}
