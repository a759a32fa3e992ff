//! `local plan`: everything is shown and nothing is changed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::host::{Host, Ran, ran};

fn plan(host: &Host, arguments: &[&str]) -> Ran {
    ran(host.agent(&[&["local", "plan"], arguments].concat()).output())
}

/// Every path below `dir` with its content, sorted.
fn everything(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        found.extend(everything(&path));
        found.push((path.clone(), fs::read(&path).unwrap_or_default()));
    }
    found.sort();
    found
}

#[track_caller]
fn check_line(ran: &Ran, begin: &str) {
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.lines().any(|line| line.starts_with(begin)), "no line `{begin}…` in:\n{shown}");
}

#[test]
fn a_plan_shows_every_path_and_changes_nothing() {
    let host = Host::new();
    let target = host.path("srv").display().to_string();
    let hooks = "hooks:\n  ApplicationStop: [{location: s.sh, timeout: 5}]\n  AfterInstall: [{location: s.sh, timeout: 7}]\n";
    host.revision("one", hooks, &[("content/old", ""), ("content/file", "1"), ("s.sh", "#!/bin/sh\n")]);
    host.deploy(&["-l", "one"]).check_success();
    host.revision("two", hooks, &[("content/new", "22"), ("content/file", "333"), ("s.sh", "#!/bin/sh\n")]);
    let before = everything(&host.path(""));
    let ran = plan(&host, &["-l", "two"]);
    assert_eq!(before, everything(&host.path("")));
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    check_line(&ran, &format!("+ {target}/new"));
    check_line(&ran, &format!("~ {target}/file"));
    check_line(&ran, &format!("- {target}/old"));
    check_line(&ran, "ApplicationStop: runs scripts, for 5 s at most");
    check_line(&ran, "AfterInstall: runs scripts, for 7 s at most");
    check_line(&ran, "BeforeInstall: nothing to do");
    check_line(&ran, "The deployment would work");
    assert!(!ran.stdout.contains('\u{1b}'), "no colour when nobody looks");
}

#[test]
fn a_plan_of_an_archive_leaves_no_folder_behind() {
    let host = Host::new();
    host.revision("app", "", &[("content/file", "1")]);
    let mut tar = std::process::Command::new("tar");
    let status = tar.args(["-czf", "b", "-C", "app", "."]).current_dir(host.path("")).status();
    assert!(status.expect("tar").success());
    fs::create_dir(host.path("tmp")).expect("create");
    let before = everything(&host.path(""));
    let mut command = host.agent(&["local", "plan", "-l", "b", "-t", "tgz"]);
    let ran = ran(command.env("TMPDIR", host.path("tmp")).output());
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    check_line(&ran, &format!("+ {}/file", host.path("srv").display()));
    assert_eq!(before, everything(&host.path("")));
}

#[test]
fn conflicts_and_scripts_that_cannot_run_fail_the_plan() {
    let host = Host::new();
    let hooks = "hooks:\n  AfterInstall: [{location: absent.sh}]\n";
    host.revision("app", hooks, &[("content/file", "1")]);
    fs::create_dir_all(host.target("")).expect("create");
    fs::write(host.target("file"), "foreign").expect("write");
    let shown = plan(&host, &["-l", "app"]);
    assert_eq!(shown.code, Some(1), "{}{}", shown.stdout, shown.stderr);
    let exists = "! The deployment failed because a specified file already exists at this location:";
    check_line(&shown, exists);
    check_line(&shown, "! AfterInstall: script absent.sh does not exist");
    check_line(&shown, "The deployment would fail; nothing has been changed");

    let json = plan(&host, &["-l", "app", "--output", "json"]);
    let document: Value = serde_json::from_str(&json.stdout).expect("one document");
    assert_eq!((json.code, &document["works"]), (Some(1), &Value::Bool(false)));
    assert_eq!(document["scripts"][0]["location"], "absent.sh");
    assert_eq!(document["install"]["conflicts"][0]["evidence"][0]["kind"], "path_occupied");
}

#[test]
fn an_appspec_that_breaks_a_rule_is_shown_at_the_place() {
    let host = Host::new();
    host.raw_revision("app", "version: 0.0\nos: Linux\n", &[]);
    let ran = plan(&host, &["-l", "app"]);
    assert_eq!(ran.code, Some(1));
    check_line(
        &ran,
        "ERROR: The deployment failed because the application specification file specifies an unsupported",
    );
    check_line(&ran, &format!("  {}:2:5", host.path("app/appspec.yml").display()));
    check_line(&ran, "  > 2 | os: Linux");
    check_line(&ran, "      |     ^");
}
