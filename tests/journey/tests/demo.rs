//! `make demo` as people run it: to its end, and cut short.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use longshore_journey::{PATIENCE, Running, new_database, program, wait_for};

fn demo(folder: &Path) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut command = Command::new(program("longshore"));
    command.args(["demo", "--dir"]).arg(folder).current_dir(root);
    // Its server is its own: of the two that journeys may have it takes the database.
    if std::env::var_os("LONGSHORE_JOURNEY_DATABASE").is_some() {
        command.env("LONGSHORE_STORE_URL", new_database());
    }
    command
}

/// Command lines of running processes that name `folder`: what a demo there has left behind.
fn left_running(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| {
        let is_demo = entry.file_name() == std::process::id().to_string().as_str();
        let bytes = std::fs::read(entry.path().join("cmdline")).ok()?;
        let folder_of_work = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
        let is_ours = line.contains(folder) || folder_of_work.starts_with(folder);
        // What was killed and is about to be gone has no command line any more.
        (is_ours && !is_demo && !line.is_empty()).then_some(line)
    });
    lines.collect()
}

#[test]
fn both_versions_are_deployed_counted_and_ended_and_it_works_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("demo");
    for _ in 0..2 {
        let output = demo(&place).stdin(Stdio::null()).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stdout}{stderr}");
        for host in ["web-1", "web-2", "web-3"] {
            let counts: Vec<u32> = stdout
                .lines()
                .filter(|line| line.starts_with(host))
                .find_map(|line| {
                    let numbers: Vec<u32> =
                        line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
                    (numbers.len() == 4).then_some(numbers)
                })
                .unwrap_or_else(|| panic!("no counts of {host} in {stdout}"));
            assert!(0 < counts[0] && 0 < counts[1], "{host} answered with both versions: {stdout}");
        }
        assert!(stdout.contains("At most 1 of 3 hosts was down"), "{stdout}");
        assert_eq!(left_running(folder.path()), [""; 0]);
    }
}

/// Starts a demo and reads what it says until the second version is on its way: then server, agents and
/// pages all run.
fn in_the_middle(folder: &Path) -> (Running, BufReader<ChildStdout>) {
    let mut command = demo(&folder.join("demo"));
    let mut running = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut stdout = BufReader::new(running.child().stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("4/5") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the demo ended early");
    }
    assert!(!left_running(folder).is_empty(), "the demo's processes were looked for wrongly");
    (running, stdout)
}

#[test]
fn an_interrupt_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, _stdout) = in_the_middle(folder.path());
    running.signal("-INT");
    wait_for("the demo's end", PATIENCE, || running.has_ended().then_some(()));
    assert_eq!(left_running(folder.path()), [""; 0]);
}

#[test]
fn a_reader_that_goes_away_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, stdout) = in_the_middle(folder.path());
    drop(stdout);
    wait_for("the demo's end", PATIENCE, || running.has_ended().then_some(()));
    assert_eq!(left_running(folder.path()), [""; 0]);
}
