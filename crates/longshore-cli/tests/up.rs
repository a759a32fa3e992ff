//! `longshore up` and the commands that a developer uses beside it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod programs;

use std::fs;
use std::path::Path;

use programs::{Running, check_nothing_left, longshore};
use serde_json::Value;

/// Runs a command against the server of `dir`; its status and what it printed.
fn run(dir: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = longshore(arguments).arg("--data-dir").arg(dir).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn check(dir: &Path, arguments: &[&str], exit_code: i32) -> String {
    let (code, stdout, stderr) = run(dir, arguments);
    assert_eq!(code, Some(exit_code), "longshore {arguments:?}\n{stdout}{stderr}");
    stdout + &stderr
}

#[track_caller]
fn json(dir: &Path, arguments: &[&str]) -> Value {
    let (code, stdout, stderr) = run(dir, &[arguments, &["--output", "json"]].concat());
    assert_eq!(code, Some(0), "longshore {arguments:?}\n{stdout}{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// A folder whose AfterInstall runs `script`.
fn write_source(folder: &Path, script: &str) {
    let appspec = "version: 0.0\nos: linux\nfiles:\n- source: page.txt\n  destination: site\n\
                   hooks:\n  AfterInstall:\n  - location: run.sh\n";
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("appspec.yml"), appspec).unwrap();
    fs::write(folder.join("page.txt"), "ashore\n").unwrap();
    fs::write(folder.join("run.sh"), format!("#!/bin/sh\n{script}\n")).unwrap();
}

#[test]
fn a_developers_round() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, source) = (folder.path().join("data"), folder.path().join("source"));
    let up_arguments = ["up", "--hosts", "2", "--listen", "127.0.0.1:0", "--data-dir", dir.to_str().unwrap()];
    let source_text = source.to_str().unwrap();
    let deploy = ["deploy", source_text, "--application", "site", "--group", "all"];

    let mut up = Running::start(&up_arguments);
    let started = up.next_line().expect("it says where it is");
    let variables = check(&dir, &["env"], 0);
    let endpoint = started["endpoint"].as_str().unwrap();
    assert!(variables.starts_with(&format!("export AWS_ENDPOINT_URL={endpoint}\n")), "{variables}");

    write_source(&source, "true");
    let unknown = check(&dir, &deploy, 2);
    assert!(unknown.contains("hint: make it with"), "{unknown}");
    assert!(!unknown.contains("pushed"), "nothing is uploaded for nothing: {unknown}");
    let created = [&deploy[..], &["--create", "--tag", "host=local"]].concat();
    check(&dir, &created, 0);
    for host in ["local-1", "local-2"] {
        let installed = dir.join("hosts").join(host).join("site/page.txt");
        assert_eq!(fs::read_to_string(installed).unwrap(), "ashore\n");
    }

    write_source(&source, "echo no more paint >&2; exit 7");
    let failed = check(&dir, &deploy, 1);
    for word in ["local-1", "AfterInstall", "run.sh", "exit code 7", "no more paint"] {
        assert!(failed.contains(word), "`{word}` is missing in: {failed}");
    }
    assert!(!failed.contains('\u{1b}'), "no colour on a pipe: {failed}");

    let latest = json(&dir, &["status"]);
    let statuses: Vec<&str> =
        latest["deployments"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["Failed", "Succeeded"]);
    let hosts = json(&dir, &["hosts"]);
    assert_eq!(hosts["hosts"].as_array().unwrap().len(), 2);
    assert!(hosts["hosts"][0]["lastPollTime"].as_f64().is_some(), "{hosts}");

    let secret = check(&dir, &["notifications", "webhook-secret"], 0);
    assert_eq!(json(&dir, &["notifications", "webhook-secret"])["webhookSecret"], secret.trim());

    up.interrupt();
    assert_eq!(up.wait().code(), Some(0));
    check_nothing_left(&dir);
    let gone = check(&dir, &["env"], 2);
    assert!(gone.contains("no server runs"), "{gone}");

    // Another day: the same hosts, the same history.
    let mut up = Running::start(&up_arguments);
    up.next_line().expect("it starts again");
    write_source(&source, "true");
    check(&dir, &deploy, 0);
    assert_eq!(json(&dir, &["hosts"])["hosts"].as_array().unwrap().len(), 2);
    assert_eq!(check(&dir, &["notifications", "webhook-secret"], 0), secret);
    up.interrupt();
    assert_eq!(up.wait().code(), Some(0));
    check_nothing_left(&dir);
}

#[test]
fn what_is_typed_wrong_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["deploy"][..],
        &["deploy", "--application", "a", "--group", "g"],
        &["deploy", "x", "--application", "a", "--group", "g", "--create"],
        &["watch", "not-an-id"],
        &["hosts", "add", "i-0abc"],
        &["hosts", "ec2", "put", "i-0abcdef1"],
        &["hosts", "ec2", "put", "web-1", "--zone", "a", "--role", "r"],
        &["hosts", "ec2", "remove", "web-1"],
        &["sail"],
    ] {
        check(folder.path(), arguments, 2);
    }
}

#[test]
fn a_taken_address_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = folder.path().join("data");
    let said = check(&dir, &["up", "--listen", &address], 2);
    assert!(said.contains("hint: choose another address"), "{said}");
    check_nothing_left(&dir);
}
